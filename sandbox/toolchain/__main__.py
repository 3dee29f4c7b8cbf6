"""Provides programs from the command line and prints where they are."""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence

from sandbox.toolchain import ToolchainError, provide
from sandbox.toolchain.cache import Cache
from sandbox.toolchain.programs import TABLE, every_name
from sandbox.toolchain.show import Show


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code: 0, or 1 where a program cannot be had."""
    options = _parser().parse_args(arguments)
    cache = Cache()
    if options.prune:
        for folder in cache.unused(TABLE):
            shutil.rmtree(folder)
            print(f"removed {folder}", file=sys.stderr)
        return 0
    try:
        with Show() as show:
            programs = provide(options.name or every_name(), report=show, cache=cache)
    except ToolchainError as error:
        print(error, file=sys.stderr)
        return 1
    if options.json:
        rows = {
            name: {"version": program.version, "path": str(program.path), "origin": program.origin}
            for name, program in programs.items()
        }
        print(json.dumps(rows, indent=2))
        return 0
    lines = [("PROGRAM", "VERSION", "ORIGIN", "PATH")]
    lines += [(name, p.version, p.origin, str(p.path)) for name, p in programs.items()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(map(str.ljust, line, widths)).rstrip())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.toolchain",
        description="Finds, downloads or builds the programs of the sandbox.",
        epilog="example: python -m sandbox.toolchain etcd kube-apiserver --json",
    )
    parser.add_argument("name", nargs="*", help=f"one of {', '.join(every_name())}; all by default")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--prune",
        action="store_true",
        help="instead, remove cached versions this checkout does not use",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
