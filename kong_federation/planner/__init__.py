"""The planner: an operation and the supergraph to a plan."""

from kong_federation.planner.options import PlannerOptions
from kong_federation.planner.planner import Planner

__all__ = ["Planner", "PlannerOptions"]
