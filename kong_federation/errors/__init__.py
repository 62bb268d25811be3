"""What may go wrong: one catalogue of codes, and the exception that carries one."""

from kong_federation.errors.base import FederationError, FederationErrors
from kong_federation.errors.codes import CATALOGUE, ErrorCode, Fault

__all__ = ["CATALOGUE", "ErrorCode", "Fault", "FederationError", "FederationErrors"]
