"""An ingress with a certificate that its clients can trust, and what can be wrong with it."""

from sandbox.ingress import certificates, rules
from sandbox.ingress.ingress import Ingress

__all__ = ["Ingress", "certificates", "rules"]
