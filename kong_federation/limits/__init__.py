"""What one request may spend, and the measuring of a document before anything is done with it."""

from kong_federation.limits.document import check_document
from kong_federation.limits.limits import Limits

__all__ = ["Limits", "check_document"]
