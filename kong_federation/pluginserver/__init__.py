"""
The host for Kong: a supervisor that owns the socket, and workers that answer Kong's events.

`info` is all that `dump` needs and Kong waits for it at every start, so the face loads nothing: `supervisor`, `worker`
and `listener` are imported by their own names.
"""

__all__: list[str] = []
