"""Black-box suites: they speak HTTP and run against any gateway that serves their routes."""
