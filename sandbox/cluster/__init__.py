"""A real Kubernetes API server and real Flux controllers on loopback."""

from sandbox.cluster.cluster import NAMESPACE, Cluster
from sandbox.cluster.errors import ClusterError, NotReady, ProgramDied

__all__ = ["NAMESPACE", "Cluster", "ClusterError", "NotReady", "ProgramDied"]
