"""Query plans: are they valid, do they answer as a monolith does, and what do they cost beside other planners'."""
