"""`fluxhooks report`."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from fluxhooks.cli import options, screen
from fluxhooks.errors import ArgumentError
from fluxhooks.observe import cluster as clusters
from fluxhooks.observe.configuration import Configuration
from fluxhooks.observe.coverage import Policy
from fluxhooks.observe.doctor.settings import Settings
from fluxhooks.observe.doctor.subjects import OfCluster, OfStack
from fluxhooks.observe.forges import Forges
from fluxhooks.observe.reporting.looking import look
from fluxhooks.observe.reporting.page import render
from fluxhooks.observe.reporting.report import Report
from fluxhooks.observe.reporting.views import of_coverage, of_diagnosis, of_status
from fluxhooks.observe.state import ProviderSettings
from fluxhooks.operate.stack import PulumiStack


def report(
    stack: options.StackName = None,
    cluster: options.Cluster = False,
    host: options.Host = "",
    namespace: Annotated[
        str,
        typer.Option("--namespace", "-n", metavar="NS", help="With --cluster: only its Receivers."),
    ] = "",
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where it goes; - prints it.")
    ] = Path("report.html"),
    no_public: Annotated[
        bool, typer.Option("--no-public", help="Send nothing to the public URLs.")
    ] = False,
    no_cross_namespace_refs: Annotated[
        bool,
        typer.Option(
            "--no-cross-namespace-refs", help="notification-controller runs with this flag."
        ),
    ] = False,
    cwd: options.Directory = Path(),
) -> None:
    """Write what doctor, coverage and status see as one HTML page, to be read or passed on.

    Nothing is changed or reconciled. The page needs no network and holds no secret, but the names
    of repositories, hosts and objects. The exit code is 4 where a chain is broken or a source has
    no webhook, else 1 where something could not be seen; the page is written all the same.

    Example: fluxhooks report prod -o report.html
    """
    options.refuse(
        ("--cluster", cluster and bool(stack), "goes without a stack"),
        ("--host", bool(host) and not cluster, "goes with --cluster"),
        ("--namespace", bool(namespace) and not cluster, "goes with --cluster"),
    )
    if not output.parent.is_dir() or output.is_dir():
        raise ArgumentError("--output", f"'{output}' cannot be written: name a file in a folder")
    providers, configuration = ProviderSettings(), Configuration()
    wanted: OfStack | OfCluster = OfCluster(
        namespace=namespace or "*", host=options.host(host, needed=False)
    )
    if not cluster:
        pulumi = PulumiStack(cwd, stack)
        state = pulumi.export()
        configuration = pulumi.configuration(state.stack)
        wanted, providers = OfStack(state=state, cluster=configuration.cluster), state.providers
    with screen.working() as say:
        seen = look(
            wanted,
            configuration=configuration,
            connect=lambda: clusters.connect(providers),
            forges=Forges(providers),
            settings=Settings(public=not no_public),
            policy=Policy(cross_namespace=not no_cross_namespace_refs),
            say=say,
        )
    page = render(seen)
    if output == Path("-"):
        sys.stdout.write(page)
    else:
        _write(output, page)
        for line in _headlines(seen):
            screen.show(line)
        screen.show(f"written: {output}")
    for problem in seen.all_unseen:
        screen.complain(problem)
    broken = seen.diagnosis and any(chain.first for chain in seen.diagnosis.chains)
    if broken or (seen.coverage and seen.coverage.gaps):
        raise typer.Exit(4)
    if seen.all_unseen:
        raise typer.Exit(1)


def _headlines(seen: Report) -> list[str]:
    return [
        *([of_diagnosis(seen.diagnosis).headline] if seen.diagnosis else ()),
        *([of_coverage(seen.coverage).headline] if seen.coverage else ()),
        *([of_status(seen.status, seen.made_at).headline] if seen.status else ()),
    ]


def _write(path: Path, page: str) -> None:
    # Whoever serves the folder sees the old page or the new one, never half of it.
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}-", delete=False, encoding="utf-8"
    ) as file:
        try:
            file.write(page)
            file.close()
            umask = os.umask(0)
            os.umask(umask)
            Path(file.name).chmod(0o666 & ~umask)
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
