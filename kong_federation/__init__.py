"""
Apollo Federation at the ingress, as a Kong plugin.

The package is a stack of rooms whose imports point one way only; `docs/architecture.md` draws it and import-linter
enforces it. The root re-exports nothing: import from the room that owns a thing.
"""

__version__ = "0.1.0"
