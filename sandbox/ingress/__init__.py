"""An ingress with a certificate that its clients can trust."""

from sandbox.ingress.ingress import Ingress

__all__ = ["Ingress"]
