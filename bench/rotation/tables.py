"""The benchmark's results as tables, for the screen and for the page in docs/."""

from collections.abc import Sequence

from bench.rotation.fifty import Fifty, Growth, Rotation
from bench.rotation.ways import Result
from bench.table import Table


def of_ways(results: Sequence[Result]) -> Table:
    """The ways side by side; calls are those of one rotation, as in ``3.0 (least 1)``."""
    head = ("way", "rotations", "sent", "lost", "seconds", "calls to GitHub", "to the API server")
    return Table(head, [_of_way(result) for result in results])


def of_fifty(fifty: Fifty) -> Table:
    """Many webhooks in one update, with the state's writes and without."""
    count = fifty.whole.count
    return Table(
        _ROTATION_HEAD,
        [
            _of_rotation(f"{count} webhooks", fifty.whole),
            _of_rotation(f"{count}, the state written once", fifty.bare),
        ],
    )


def of_growth(growth: Growth) -> Table:
    """Stacks of growing size, and the largest one split."""
    stacks = [_of_rotation(f"{found.count} webhooks", found) for found in growth.stacks]
    count = sum(found.count for found in growth.split)
    split = [
        f"{count} in {len(growth.split)} stacks side by side",
        f"{growth.split_seconds:.0f}",
        f"{count}",
        f"{growth.split_ratio:.2f}",
        *("" for _ in _ROTATION_HEAD[4:]),
    ]
    return Table(_ROTATION_HEAD, [*stacks, split])


_ROTATION_HEAD = (
    "one update",
    "seconds",
    "write limit",
    "ratio",
    "first write after",
    "writes",
    "then",
    "deletes",
)


def _of_way(result: Result) -> list[str]:
    return [
        f"{result.way.title}, {result.way.load}",
        f"{result.rotations}",
        f"{result.tally.sent:,}",
        f"{result.tally.lost:,}",
        f"{result.seconds:.1f}",
        _each(len(result.forge_requests), result.forge_calls_least, result.rotations),
        _each(len(result.api_requests), result.api_calls_least, result.rotations),
    ]


def _each(calls: int, least: int, rotations: int) -> str:
    return f"{calls / rotations:.1f} (least {least // rotations})"


def _of_rotation(name: str, found: Rotation) -> list[str]:
    parts = (found.start + found.receivers, found.writes, found.finish, found.deletes)
    return [
        name,
        f"{found.seconds:.0f}",
        f"{found.write_limit_seconds:.0f}",
        f"{found.ratio:.2f}",
        *(f"{seconds:.0f}" for seconds in parts),
    ]
