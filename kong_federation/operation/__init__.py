"""The room operation."""
