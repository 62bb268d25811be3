"""Looks at a deployment from Kong's configuration to the subgraphs, and says what to do about what it finds."""

from kong_federation.doctor.examine import Wanted, examine
from kong_federation.doctor.finding import Finding, State

__all__ = ["Finding", "State", "Wanted", "examine"]
