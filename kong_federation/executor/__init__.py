"""The room executor."""
