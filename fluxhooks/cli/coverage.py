"""`fluxhooks coverage`."""

import dataclasses
import datetime
from pathlib import Path
from typing import Annotated

import typer

from fluxhooks.cli import options, screen
from fluxhooks.errors import ObservationError
from fluxhooks.flux import intervals
from fluxhooks.flux.hook_path import host_of
from fluxhooks.observe import cluster, suggestion
from fluxhooks.observe.configuration import Configuration
from fluxhooks.observe.coverage import Coverage, Policy, stack_webhooks
from fluxhooks.observe.coverage import coverage as look
from fluxhooks.observe.forges import Forges
from fluxhooks.observe.state import ProviderSettings, StackState
from fluxhooks.operate.stack import PulumiStack


def coverage(
    stack: Annotated[
        str | None,
        typer.Argument(
            metavar="STACK", help="The stack whose webhooks are looked at too; none when absent."
        ),
    ] = None,
    min_beside: Annotated[
        str, typer.Option(help="Warn of a source with a Receiver that polls more often.")
    ] = intervals.SHORTEST_BESIDE,
    max_beside: Annotated[
        str, typer.Option(help="Warn of a source with a Receiver that polls less often.")
    ] = intervals.LONGEST_BESIDE,
    max_alone: Annotated[
        str, typer.Option(help="Warn of a source without one that polls less often.")
    ] = intervals.LONGEST_ALONE,
    older_than: Annotated[
        str | None, typer.Option(help="Find Receivers' Secrets of that age, as in 90d.")
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            help="A source that needs no webhook: Kind/namespace/name, with * and ?. Repeatable."
        ),
    ] = None,
    no_cross_namespace_refs: Annotated[
        bool,
        typer.Option(
            "--no-cross-namespace-refs", help="notification-controller runs with this flag."
        ),
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings count as gaps.")] = False,
    suggest: Annotated[
        bool,
        typer.Option("--suggest", help="Print the program that would close the gaps, instead."),
    ] = False,
    json: options.Json = False,
    cwd: options.Directory = Path(),
) -> None:
    """Show which sources no webhook reaches, and which Receivers and webhooks reach nothing.

    Nothing is changed or reconciled. Without STACK only the cluster is asked, that of KUBECONFIG.
    The exit code is 4 where there are gaps, else 1 where something may not be seen. Kinds
    that the cluster does not have are named, and are no gap.

    Example: fluxhooks coverage prod --older-than 90d
    """
    policy = Policy(
        intervals=intervals.IntervalPolicy(
            shortest_beside=options.seconds("--min-beside", min_beside),
            longest_beside=options.seconds("--max-beside", max_beside),
            longest_alone=options.seconds("--max-alone", max_alone),
        ),
        older_than=None if older_than is None else options.period("--older-than", older_than),
        cross_namespace=not no_cross_namespace_refs,
        ignored=tuple(ignore or ()),
    )
    state, configuration = None, Configuration()
    if stack is not None:
        pulumi = PulumiStack(cwd, stack)
        state = pulumi.export()
        configuration = pulumi.configuration(state.stack)
    view = cluster.connect(state.providers if state else ProviderSettings())
    found = view.sources_and_receivers()
    unseen: list[str] = []
    if policy.older_than is not None:
        receivers, refused = view.with_secrets(found.receivers)
        found = dataclasses.replace(found, receivers=receivers)
        unseen += refused
    webhooks = None
    if state:
        try:
            webhooks = stack_webhooks(
                state, configuration, cluster=view, forges=Forges(state.providers)
            )
        except ObservationError as error:
            unseen.append(str(error))
    now = datetime.datetime.now(datetime.UTC)
    seen = look(found, policy, now=now, stack=webhooks, unseen=unseen)
    program = ""
    if suggest:
        program = suggestion.program(
            # Where a Receiver is idle, another one would be no cure.
            [row.source for row in seen.of("uncovered") if not row.idle],
            found,
            host=_host(state),
            taken=state.receivers if state else (),
            cross_namespace=policy.cross_namespace,
        )
    if json:
        screen.show_json({**seen.as_json(), **({"suggestion": program} if suggest else {})})
    elif suggest:
        screen.show(program.rstrip())
    else:
        _show(seen)
    for problem in seen.unseen:
        screen.complain(problem)
    if seen.gaps or (strict and seen.findings):
        raise typer.Exit(4)
    if seen.unseen:
        raise typer.Exit(1)


def _host(state: StackState | None) -> str:
    if state is None:
        return ""
    finished = (receiver.finished_url for receiver in state.receivers.values())
    urls = (*(webhook.url for webhook in state.webhooks), *finished)
    return next(filter(None, map(host_of, urls)), "")


def _show(seen: Coverage) -> None:
    if seen.findings:
        screen.show_table(
            ("", "WHERE", "WHAT"),
            [(finding.severity, finding.where, finding.text) for finding in seen.findings],
        )
    for row in seen.of("apart"):
        rule = f" ({row.rule})" if row.rule else ""
        screen.show(f"no webhook needed: {row.source} {row.why}{rule}")
    for kind in seen.not_served:
        screen.show(f"not in the cluster: {kind}")
    uncovered = seen.of("uncovered")
    requests = sum(row.requests_a_day for row in uncovered)
    polling = f" (asking {requests:,.0f} times a day)" if uncovered else ""
    unknown = f", {len(seen.of('unknown'))} unknown" if seen.of("unknown") else ""
    screen.show(
        f"sources: {len(seen.of('covered'))} covered, {len(uncovered)} uncovered{polling}, "
        f"{len(seen.of('apart'))} without need{unknown}"
    )
    if uncovered:
        screen.say("fluxhooks coverage --suggest prints the program that would cover them")
