"""The room kong."""
