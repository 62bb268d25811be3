"""What one request may spend."""

from kong_federation.limits.budget import Budget
from kong_federation.limits.limits import Limits

__all__ = ["Budget", "Limits"]
