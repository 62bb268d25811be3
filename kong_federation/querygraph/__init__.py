"""The room querygraph."""
