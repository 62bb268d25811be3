"""The federation audit: its subgraphs, its tests and the run that scores a gateway."""
