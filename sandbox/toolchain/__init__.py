"""The programs of the sandbox: found on the machine, downloaded, or built, and kept in a cache."""

from sandbox.toolchain.definitions import (
    crds,
    external_secrets,
    flux_services,
    gateway_api,
    prometheus_operator,
)
from sandbox.toolchain.errors import ToolchainError
from sandbox.toolchain.programs import Origin, Program
from sandbox.toolchain.progress import Phase, Progress
from sandbox.toolchain.resolve import official, provide
from sandbox.toolchain.scripts import policy_analyzer

__all__ = [
    "Origin",
    "Phase",
    "Program",
    "Progress",
    "ToolchainError",
    "crds",
    "external_secrets",
    "flux_services",
    "gateway_api",
    "official",
    "policy_analyzer",
    "prometheus_operator",
    "provide",
]
