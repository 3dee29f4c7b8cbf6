"""The labels every object of ours carries, by which `prune` and people find it."""

import hashlib

import pulumi

MANAGED_BY = "app.kubernetes.io/managed-by"
COMPONENT = "fluxhooks/component"
GENERATION = "fluxhooks/generation"
STACK = "fluxhooks/stack"


def labels(component: str, generation: int) -> dict[str, str]:
    """Return the labels of an object of `component`'s `generation` in the running stack."""
    return {
        MANAGED_BY: "fluxhooks",
        COMPONENT: component,
        GENERATION: str(generation),
        STACK: stack_label(pulumi.get_project(), pulumi.get_stack()),
    }


def stack_label(project: str, stack: str) -> str:
    """Return ``<project>.<stack>``, shortened with a digest where a label could not hold it."""
    full = f"{project}.{stack.replace('/', '.')}"
    if len(full) <= 63:
        return full
    return f"{full[:54]}-{hashlib.sha256(full.encode()).hexdigest()[:8]}"
