"""The room planner."""
