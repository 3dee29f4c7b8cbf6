"""`make bench-seeing`: `doctor` on a large cluster, `probe` of many URLs, and bare requests."""

import argparse
import asyncio
import hashlib
import json
import os
import ssl
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.rotation.screen import Screen
from bench.seeing import bare, fleet
from bench.seeing.measure import Measured, UnlikeError, measure
from bench.seeing.servers import CA_FILE, serving
from bench.table import DOCS, Table, write
from fluxhooks.flux.hook_path import PREFIX
from fluxhooks.flux.receiver_types import ReceiverType
from fluxhooks.observe.cluster import ClusterView
from fluxhooks.observe.doctor.doctor import diagnose
from fluxhooks.observe.doctor.settings import Settings as DoctorSettings
from fluxhooks.observe.doctor.subjects import OfCluster
from fluxhooks.observe.probing.examination import Settings, examine
from fluxhooks.observe.probing.findings import Verdict
from fluxhooks.observe.probing.targets import Target
from sandbox.cluster import Cluster, ClusterError
from sandbox.forges.github import GitHub
from sandbox.toolchain import ToolchainError
from sandbox.toolchain.show import Show

PARTS = ("doctor", "probe")
RECEIVERS = 500
URLS = 1000
TURNS = 7
LIMIT = 600.0
"""Seconds: a busy machine is slow, and not wrong."""
STAND_INS = (
    "the Git server: Git over smart HTTP, without a forge",
    "the 1,000 URLs: a server that answers as a Receiver does; those of the doctor are real",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.seeing", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all")
    parser.add_argument("--receivers", type=int, default=RECEIVERS, metavar="N")
    parser.add_argument("--urls", type=int, default=URLS, metavar="N")
    parser.add_argument("--turns", type=int, default=TURNS, metavar="N")
    options = parser.parse_args(arguments)
    parts = options.parts or PARTS
    if unknown := sorted(set(parts) - set(PARTS)):
        parser.error(f"no part {unknown[0]!r}, only: {', '.join(PARTS)}")
    found: list[Measured] = []
    try:
        with Show() as show, Screen() as screen, tempfile.TemporaryDirectory() as directory:
            if "doctor" in parts:
                for measured in _doctor(
                    Path(directory), options.receivers, options.turns, show, screen
                ):
                    found.append(measured)
                    table_of([measured]).print()
            if "probe" in parts:
                found.append(_probe(Path(directory), options.urls, options.turns, screen))
    except (ClusterError, ToolchainError, TimeoutError, UnlikeError) as error:
        table_of(found).print()
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    table = table_of(found)
    table.print()
    whole = {*parts} == {*PARTS} and (options.receivers, options.urls) == (RECEIVERS, URLS)
    if whole:
        write(table, "seeing", page=DOCS / "seeing.md")
    print(f"On {os.cpu_count()} cores.", *STAND_INS, sep="\nstand-in: ")
    if os.environ.get("JSON") == "1":
        figures = {measured.key: measured.as_json() for measured in found}
        print(json.dumps({"cores": os.cpu_count(), "stand_ins": STAND_INS, **figures}))
    return 0


def table_of(found: Sequence[Measured]) -> Table:
    """Return what was measured as a table."""
    head = ("", "requests", "bare, s", "ours, s", "ratio", "least", "most")
    return Table(
        head,
        [
            [
                measured.title,
                f"{measured.requests:,}",
                f"{measured.bare_seconds:.2f}",
                f"{measured.seconds:.2f}",
                *(
                    f"{ratio:.2f}"
                    for ratio in (measured.ratio, measured.turns[0], measured.turns[-1])
                ),
            ]
            for measured in found
        ],
    )


def _doctor(
    directory: Path, count: int, turns: int, show: Show, screen: Screen
) -> Iterator[Measured]:
    with (
        _cluster(directory, count, show, screen) as (cluster, members),
        serving(directory, "ingress", str(cluster.receiver_port)) as host,
    ):
        certificates = _trusting(directory)

        def look(*, public: bool) -> None:
            diagnosis = diagnose(
                OfCluster(host=host),
                cluster=lambda: ClusterView(cluster.client()),
                forges=None,
                settings=DoctorSettings(public=public, limit=LIMIT),
                certificates=certificates,
            )
            findings = [each for chain in diagnosis.chains for each in chain.findings]
            if len(diagnosis.chains) != count or diagnosis.unseen or findings:
                wrong = ", ".join(sorted({each.wrong for each in findings}))
                raise UnlikeError(
                    f"doctor saw {len(diagnosis.chains)} chains instead of {count} whole ones: "
                    f"{'; '.join((wrong, *diagnosis.unseen))[:300]}"
                )

        screen(f"doctor: {turns} turns")
        title = f"`doctor`, {count:,} Receivers and sources"
        yield measure(
            "doctor_cluster",
            f"{title}: the cluster",
            bare=lambda: bare.of_cluster(cluster, members),
            ours=lambda: look(public=False),
            turns=turns,
        )
        requests = bare.of_public(_targets(host, members))
        yield measure(
            "doctor",
            f"{title}: cluster and public URLs",
            bare=lambda: bare.of_cluster(cluster, members) + bare.send(requests, certificates),
            ours=lambda: look(public=True),
            turns=turns,
        )


@contextmanager
def _cluster(
    directory: Path, count: int, show: Show, screen: Screen
) -> Iterator[tuple[Cluster, list[fleet.Member]]]:
    with Cluster(report=show) as cluster, GitHub(directory / "git") as git:
        url = git.create_repository("fleet").clone_url
        yield cluster, fleet.raise_fleet(cluster, count, url=url, say=screen)


def _targets(host: str, members: Sequence[fleet.Member]) -> list[Target]:
    return [
        Target(
            name=f"{one.namespace}/{one.name}",
            type=ReceiverType.GITHUB,
            url=f"https://{host}{one.path}",
            token=one.token,
            event="push",
            harmless=True,
        )
        for one in members
    ]


def _probe(directory: Path, count: int, turns: int, screen: Screen) -> Measured:
    screen(f"probe: {turns} turns")
    members = [
        fleet.Member("apps", f"app-{number}", "token", PREFIX + _digest(number))
        for number in range(count)
    ]
    with serving(directory, "receivers") as host:
        certificates = _trusting(directory)
        targets = _targets(host, members)
        requests = bare.of_public(targets)

        def look() -> None:
            probed = asyncio.run(examine(targets, Settings(limit=LIMIT), certificates=certificates))
            wrong = [each for each in probed if not each.as_json()["ok"]]
            if wrong or len(probed) != count or any(each.has(Verdict.WARNING) for each in probed):
                seen = {f"{one.check}: {one.seen}" for each in wrong for one in each.findings}
                raise UnlikeError(
                    f"probe found {len(wrong)} of {len(probed)} URLs wrong: {sorted(seen)}"
                )

        return measure(
            "probe",
            f"`probe`, {count:,} URLs",
            bare=lambda: bare.send(requests, certificates),
            ours=look,
            turns=turns,
        )


def _digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def _trusting(directory: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(directory / CA_FILE))


if __name__ == "__main__":
    sys.exit(main())
