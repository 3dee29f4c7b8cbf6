"""What can go wrong with a sandbox cluster."""

from collections.abc import Sequence


class ClusterError(Exception):
    """A sandbox cluster could not do what it was asked to."""


class ProgramDiedError(ClusterError):
    """A program of the cluster ended without having been told to."""

    def __init__(self, name: str, *, code: int, tail: Sequence[str]) -> None:
        self.name = name
        self.code = code
        self.tail = tuple(tail)
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        super().__init__(f"{name} ended with {how}; the last lines of its log:{_indented(tail)}")

    @property
    def port_taken(self) -> bool:
        """Whether it ended because somebody else had bound one of its ports."""
        return any("address already in use" in line for line in self.tail)


class NotReadyError(ClusterError):
    """A program of the cluster runs, but did not become ready in time."""

    def __init__(self, name: str, *, seconds: float, last: str, tail: Sequence[str]) -> None:
        self.name = name
        self.tail = tuple(tail)
        super().__init__(
            f"{name} was not ready after {seconds:.0f} s (last answer: {last}); "
            f"the last lines of its log:{_indented(tail)}"
        )


def _indented(lines: Sequence[str]) -> str:
    return "".join(f"\n  {line}" for line in lines) or " (empty)"
