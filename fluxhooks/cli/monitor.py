"""`fluxhooks monitor`."""

import contextlib
import importlib.metadata
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from fluxhooks.cli import options, screen
from fluxhooks.errors import ObservationError
from fluxhooks.observe import cluster as clusters
from fluxhooks.observe import state as states
from fluxhooks.observe.configuration import Configuration
from fluxhooks.observe.doctor.subjects import OfCluster, OfStack
from fluxhooks.observe.monitoring.monitor import Monitor, Wanted
from fluxhooks.observe.monitoring.patience import PatientForges
from fluxhooks.observe.monitoring.serving import Server, address
from fluxhooks.observe.state import ProviderSettings, StackState
from fluxhooks.observe.status import due
from fluxhooks.operate.stack import PulumiStack


def monitor(
    stack: options.StackName = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="FILE",
            help="What pulumi stack export --show-secrets printed, in place of a stack.",
        ),
    ] = None,
    cluster: options.Cluster = False,
    host: options.Host = "",
    namespace: options.Namespace = "",
    no_forge: Annotated[
        bool, typer.Option("--no-forge", help="Ask no forge: webhooks and deliveries stay unseen.")
    ] = False,
    listen: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where /metrics, /healthz and /readyz are.")
    ] = "127.0.0.1:9797",
    every: Annotated[
        str, typer.Option(metavar="TIME", help="How often public URLs are asked.")
    ] = "30s",
    doctor_every: Annotated[
        str, typer.Option(metavar="TIME", help="How often stack, cluster and forge are asked.")
    ] = "5m",
    cwd: options.Directory = Path(),
) -> None:
    """Look again and again, and export what is seen as metrics for Prometheus.

    Nothing is changed or reconciled. A forge that fails or limits is left alone, longer each
    time; what could not be seen again stays as it was last seen, and its age is told. Runs until
    it gets SIGTERM or SIGINT, and then exits with 0.

    Example: fluxhooks monitor prod --listen 0.0.0.0:9797
    """
    options.refuse(
        ("--state", bool(state) and bool(stack), "goes without a stack"),
        ("--state", bool(state) and cluster, "does not go with --cluster"),
        ("--cluster", cluster and bool(stack), "goes without a stack"),
        ("--host", bool(host) and not cluster, "goes with --cluster"),
        ("--namespace", bool(namespace) and not cluster, "goes with --cluster"),
    )
    seconds = _rhythm("--every", every)
    doctor_seconds = _rhythm("--doctor-every", doctor_every)
    reached = options.host(host, needed=False)
    address(listen)

    def read() -> Wanted:
        if cluster:
            return Wanted(chains=OfCluster(namespace=namespace or "*", host=reached))
        if state is not None:
            return _of_state(_parsed(state), Configuration())
        pulumi = PulumiStack(cwd, stack)
        exported = pulumi.export()
        return _of_state(exported, pulumi.configuration(exported.stack))

    wanted = read()
    chains = wanted.chains
    providers = chains.state.providers if isinstance(chains, OfStack) else ProviderSettings()
    watching = Monitor(
        wanted,
        read=read,
        connect=lambda: clusters.connect(providers),
        forges=None if no_forge else PatientForges(providers, first=doctor_seconds),
        version=importlib.metadata.version("fluxhooks"),
        say=screen.say,
    )
    with (
        _asked_to_end() as stop,
        Server(
            listen,
            known=watching.known,
            ready=lambda: watching.ready,
            alive=lambda: watching.alive,
        ) as server,
    ):
        screen.say(
            f"listening on {server.address}; public URLs are asked every {every}, stack, cluster "
            f"and forge every {doctor_every}"
        )
        watching.run(stop, every=seconds, doctor_every=doctor_seconds)


@contextlib.contextmanager
def _asked_to_end() -> Iterator[threading.Event]:
    """Give what is set by the signals that end a job, or somebody at a keyboard."""
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda signum, frame: stop.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _rhythm(option: str, value: str) -> float:
    seconds = options.seconds(option, value)
    if seconds < 1:
        raise typer.BadParameter("is at least 1s", param_hint=option)
    return seconds


def _parsed(file: Path) -> StackState:
    try:
        exported = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ObservationError(f"{file} cannot be read: {type(error).__name__}") from None
    return states.parse(exported)


def _of_state(state: StackState, configuration: Configuration) -> Wanted:
    dates = {name: due(found, configuration) for name, found in state.receivers.items()}
    return Wanted(
        chains=OfStack(state=state, cluster=configuration.cluster),
        due={name: at.timestamp() for name, at in dates.items() if at is not None},
    )
