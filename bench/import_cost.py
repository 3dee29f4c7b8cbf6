"""What importing fluxhooks costs, as ratios to what its programs import anyway.

Each round starts one interpreter per program, in turn, so that whatever else the machine does
meets all of them; the ratio is the median of the rounds' ratios. Counted is the CPU time of the
imports, in the child, without the interpreter's own start.
"""

import json
import os
import statistics
import subprocess
import sys

from rich.console import Console
from rich.progress import track
from rich.table import Table

ROUNDS = 15

PULUMI = "import pulumi"
FLUXHOOKS = "import fluxhooks"
GITHUB_SDK = "import pulumi_github; pulumi_github.RepositoryWebhook"
# What a program with one GitHub webhook has loaded when it ends; a unit test says so.
GITHUB_PROGRAM = f"import fluxhooks, pulumi_random; pulumi_random.RandomPassword; {GITHUB_SDK}"

PAIRS = {
    "fluxhooks_to_pulumi": (FLUXHOOKS, PULUMI),
    "github_program_to_pulumi_github": (GITHUB_PROGRAM, GITHUB_SDK),
}

NAMES = {
    FLUXHOOKS: "import fluxhooks",
    GITHUB_PROGRAM: "a program with a GitHub webhook",
    GITHUB_SDK: "import pulumi_github",
    PULUMI: "import pulumi",
}


def measure(rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Return the CPU seconds of each program's imports, round by round."""
    programs = [PULUMI, FLUXHOOKS, GITHUB_SDK, GITHUB_PROGRAM]
    for program in programs:
        _seconds(program)  # the first start compiles and warms the page cache
    seconds: dict[str, list[float]] = {program: [] for program in programs}
    rounds_shown = track(range(rounds), console=Console(stderr=True), transient=True)
    for _ in rounds_shown:
        for program in programs:
            seconds[program].append(_seconds(program))
    return seconds


def ratios(seconds: dict[str, list[float]]) -> dict[str, float]:
    """Return the median ratio of each pair."""
    return {
        name: statistics.median(
            one / other for one, other in zip(seconds[ours], seconds[theirs], strict=True)
        )
        for name, (ours, theirs) in PAIRS.items()
    }


def main() -> None:
    """Measure and print; with JSON=1 the last line is one JSON object."""
    seconds = measure()
    found = ratios(seconds)
    table = Table("program", "median", "beside", "median", "ratio")
    for name, (ours, theirs) in PAIRS.items():
        table.add_row(
            NAMES[ours],
            f"{statistics.median(seconds[ours]) * 1000:.0f} ms",
            NAMES[theirs],
            f"{statistics.median(seconds[theirs]) * 1000:.0f} ms",
            f"{found[name]:.3f}",
        )
    Console().print(table)
    if os.environ.get("JSON"):
        print(json.dumps({name: round(ratio, 3) for name, ratio in found.items()}))


# An installed package is compiled once, so the children may write what they compile.
_ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def _seconds(program: str) -> float:
    timed = (
        f"import time; start = time.process_time()\n{program}\nprint(time.process_time() - start)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", timed],
        capture_output=True,
        text=True,
        check=True,
        env=_ENVIRONMENT,
    )
    return float(shown.stdout)


if __name__ == "__main__":
    main()
