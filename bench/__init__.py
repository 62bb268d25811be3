"""The benchmark: the product beside other gateways and beside the floor; `python -m bench --help`."""
