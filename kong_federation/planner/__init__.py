"""The planner: an operation and the supergraph to a plan."""

from kong_federation.planner.options import PlannerOptions
from kong_federation.planner.planner import Planner
from kong_federation.planner.stages import Stages, show_fetches, show_normalized, show_paths

__all__ = ["Planner", "PlannerOptions", "Stages", "show_fetches", "show_normalized", "show_paths"]
