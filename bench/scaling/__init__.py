"""How cost grows: with the supergraph, with the answer, with concurrent requests; `python -m bench.scaling --help`."""
