"""The room standin."""
