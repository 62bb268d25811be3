"""Faults under load: what clients get while processes die, hang, grow, and are replaced."""
