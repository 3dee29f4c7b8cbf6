"""`make bench-rotation`: rotations side by side, fifty webhooks in one update, and more of them."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.rotation import page
from bench.rotation.screen import Screen
from bench.rotation.ways import QUEUED, RATE, WAYS, Result, Way, measure
from sandbox.cluster import ClusterError
from sandbox.sandbox import Sandbox
from sandbox.stack import PulumiFailedError
from sandbox.toolchain import ToolchainError
from sandbox.toolchain.show import Show

PARTS = ("ways", "fifty", "growth")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 0 unless a rotation of ours lost a delivery."""
    parser = argparse.ArgumentParser(prog="python -m bench.rotation", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all")
    parts = parser.parse_args(arguments).parts or PARTS
    if unknown := sorted(set(parts) - set(PARTS)):
        parser.error(f"no part {unknown[0]!r}, only: {', '.join(PARTS)}")
    try:
        with Show() as show, Sandbox(report=show) as sandbox, Screen() as screen:
            figures = _measure_all(sandbox, screen, parts)
    except (ClusterError, PulumiFailedError, ToolchainError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if os.environ.get("JSON") == "1":
        print(json.dumps(figures))
    return 1 if any(figures.get(key, {}).get("lost") for key in ("ours", "ours_queued")) else 0


def _measure_all(sandbox: Sandbox, screen: Screen, parts: Sequence[str]) -> dict[str, Any]:
    figures: dict[str, Any] = {"stand_ins": sandbox.stand_ins}
    if "ways" in parts:
        results = [_measure(sandbox, screen, way) for way in WAYS]
        _print(results, sandbox.stand_ins)
        page.write(results, sandbox.stand_ins)
        figures |= {result.way.key: result.as_json() for result in results}
    if "fifty" in parts:
        from bench.rotation.fifty import fifty

        figures["fifty"] = fifty(sandbox, screen)
    if "growth" in parts:
        from bench.rotation.fifty import growth

        figures["growth"] = growth(sandbox, screen)
    return figures


def _measure(sandbox: Sandbox, screen: Screen, way: Way) -> Result:
    name = f"{way.title}, {way.load}"
    screen(f"{name}: provisioning")
    result = measure(
        sandbox,
        way,
        on_rotation=lambda done, sent: screen(
            f"{name}: rotation {done} of at least {way.rotations}, {sent:,} deliveries"
        ),
    )
    screen.done(
        f"{name}: {result.rotations} rotations, {result.tally}, at most {result.slowest:.1f} s late"
    )
    return result


def _print(results: Sequence[Result], stand_ins: Sequence[str]) -> None:
    table = Table(
        "",
        *("rotations", "sent", "lost", "seconds each", "calls to GitHub", "to the API server"),
        title=f"{RATE:g} deliveries a second; late: every second one {QUEUED:g} s",
        caption="\n".join(f"stand-in: {sentence}" for sentence in stand_ins),
    )
    for result in results:
        style = "red" if result.tally.lost else "green"
        table.add_row(*page.row(result), style=style)
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
