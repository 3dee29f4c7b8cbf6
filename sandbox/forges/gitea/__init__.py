"""A real Gitea on loopback, which really delivers; nothing of it is a stand-in."""

from sandbox.forges.gitea.database import Delivery, Hook
from sandbox.forges.gitea.server import Gitea, GiteaError

__all__ = ["Delivery", "Gitea", "GiteaError", "Hook"]
