"""What stands for an entity that its subgraph does not know."""


class Nulls(dict[str, None]):
    """Every field of it is null, and none was sent."""
