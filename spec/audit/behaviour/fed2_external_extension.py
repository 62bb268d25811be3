"""fed2-external-extension: the same as fed1-external-extends, declared with federation 2."""

from spec.audit.behaviour.fed1_external_extends import subgraphs

__all__ = ["subgraphs"]
