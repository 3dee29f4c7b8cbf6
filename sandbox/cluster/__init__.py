"""A real Kubernetes API server and real Flux controllers on loopback."""

from sandbox.cluster.access import Rule
from sandbox.cluster.audit import ApiRequest
from sandbox.cluster.cluster import NAMESPACE, Cluster
from sandbox.cluster.errors import ClusterError, NotReadyError, ProgramDiedError

__all__ = [
    "NAMESPACE",
    "ApiRequest",
    "Cluster",
    "ClusterError",
    "NotReadyError",
    "ProgramDiedError",
    "Rule",
]
