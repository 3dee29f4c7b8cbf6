"""The labels every Kubernetes object of ours carries, by which `prune` and people find it."""

import hashlib
import re
from typing import Final

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
COMPONENT: Final = "fluxhooks/component"
GENERATION: Final = "fluxhooks/generation"
STACK: Final = "fluxhooks/stack"

# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
_VALUE: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def object_labels(
    component: str, generation: int | None = None, *, project: str, stack: str
) -> dict[str, str]:
    """Return the labels of an object of `component` in a project's stack.

    Args:
        generation: the generation it belongs to; None where its component has none.
    """
    return {
        MANAGED_BY: "fluxhooks",
        COMPONENT: component,
        **({} if generation is None else {GENERATION: str(generation)}),
        STACK: stack_label(project, stack),
    }


def stack_label(project: str, stack: str) -> str:
    """Return ``<project>.<stack>``, with a digest where that is no label or could be another's."""
    readable = f"{project}.{stack}"
    # With a dot in the project's name, another project's stack could read the same.
    if "." not in project and _VALUE.fullmatch(readable):
        return readable
    digest = hashlib.sha256(f"{project}/{stack}".encode()).hexdigest()[:8]
    return f"{readable.replace('/', '.')[:54]}-{digest}".lstrip("-_.")
