"""`make bench-rotation`: rotations side by side, fifty webhooks in one update, and more of them."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from bench.rotation import page, picture, tables
from bench.rotation.fifty import fifty, growth
from bench.rotation.screen import Screen
from bench.rotation.ways import RATE, WAYS, Result, Way, measure
from bench.table import Table
from sandbox.cluster import ClusterError
from sandbox.sandbox import Sandbox
from sandbox.stack import PulumiFailedError
from sandbox.toolchain import ToolchainError
from sandbox.toolchain.show import Show

PARTS = ("ways", "fifty", "growth")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write the page; return 0 unless a rotation of ours lost a delivery."""
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
    return 1 if any(figures.get(way.key, {}).get("lost") for way in WAYS if way.ours) else 0


def _measure_all(sandbox: Sandbox, screen: Screen, parts: Sequence[str]) -> dict[str, Any]:
    figures: dict[str, Any] = {"cores": os.cpu_count(), "stand_ins": sandbox.stand_ins}
    found: dict[str, Table] = {}
    if "ways" in parts:
        results = [_measure(sandbox, screen, way) for way in WAYS]
        figures |= {result.way.key: result.as_json() for result in results}
        found["ways"] = tables.of_ways(results)
        page.write_picture(picture.draw([picture.lane_of(r) for r in results], rate=RATE))
    if "fifty" in parts:
        many = fifty(sandbox, screen)
        figures["fifty"] = many.as_json()
        found["fifty"] = tables.of_fifty(many)
    if "growth" in parts:
        grown = growth(sandbox, screen)
        figures["growth"] = grown.as_json()
        found["growth"] = tables.of_growth(grown)
    for name, table in found.items():
        page.write_table(name, table)
        table.print()
    print(f"On {os.cpu_count()} cores.", *sandbox.stand_ins, sep="\nstand-in: ")
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
    if way.ours and result.tally.lost:
        print(
            f"{name}: a delivery that is under way for {result.slowest:.1f} s outlasts a drain of "
            f"{way.settings['drain']}; is the machine busy with something else?",
            file=sys.stderr,
        )
    return result


if __name__ == "__main__":
    sys.exit(main())
