"""Differential fuzzing: random supergraphs and operations, answered by the gateway's parts and by a monolith."""
