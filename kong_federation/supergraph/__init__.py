"""The room supergraph."""
