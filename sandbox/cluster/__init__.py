"""A real Kubernetes API server and real Flux controllers on loopback."""

from sandbox.cluster.access import Rule
from sandbox.cluster.cluster import NAMESPACE, Cluster
from sandbox.cluster.errors import ClusterError, NotReadyError, ProgramDiedError

__all__ = ["NAMESPACE", "Cluster", "ClusterError", "NotReadyError", "ProgramDiedError", "Rule"]
