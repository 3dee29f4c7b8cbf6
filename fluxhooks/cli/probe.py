"""`fluxhooks probe`."""

import asyncio
import os
import sys
import urllib.parse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from fluxhooks.cli import options, screen
from fluxhooks.flux.hook_path import HOOK_PATH
from fluxhooks.flux.receiver_types import ReceiverType
from fluxhooks.observe import cluster as clusters
from fluxhooks.observe.heartbeat import beat
from fluxhooks.observe.probing import targets
from fluxhooks.observe.probing.examination import Settings, examine, withheld
from fluxhooks.observe.probing.findings import Check, Finding, Probed, Verdict
from fluxhooks.observe.probing.targets import Target
from fluxhooks.observe.state import ProviderSettings
from fluxhooks.operate.stack import PulumiStack


def probe(
    stack: options.StackName = None,
    names: options.Names = None,
    cluster: options.Cluster = False,
    host: options.Host = "",
    namespace: options.Namespace = "",
    url: Annotated[
        str, typer.Option(metavar="URL", help="One hook URL, neither stack nor cluster.")
    ] = "",
    type_: Annotated[
        ReceiverType | None, typer.Option("--type", help="With --url: the Receiver's type.")
    ] = None,
    event: Annotated[
        str, typer.Option(metavar="EVENT", help="With --url: one that the Receiver accepts.")
    ] = "",
    token_env: Annotated[
        str, typer.Option(metavar="VARIABLE", help="With --url: the variable with the token.")
    ] = "",
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="With --url: read the token from standard input.")
    ] = False,
    filtered: Annotated[
        bool,
        typer.Option(
            "--filtered", help="With --url: its Receiver has the filter that spares probes."
        ),
    ] = False,
    deliver: Annotated[
        bool, typer.Option("--deliver", help="Send each a delivery too: it reconciles.")
    ] = False,
    heartbeat_env: Annotated[
        str,
        typer.Option(
            metavar="VARIABLE",
            help="The variable with a URL that is called where all is well: of a service that "
            "alerts when it is not.",
        ),
    ] = "",
    at_once: options.AtOnce = 32,
    settle: options.Settle = "2s",
    limit: Annotated[
        str, typer.Option(metavar="TIME", help="What is not finished after it is left.")
    ] = "60s",
    json: options.Json = False,
    cwd: options.Directory = Path(),
) -> None:
    """Ask public URLs whether a sender's deliveries would be taken, and say what mends them.

    Nothing is changed, and nothing reconciled but with --deliver. Each gets a GET without a
    signature, which must be answered 400, and a signed probe, which must be answered 200; each
    host a GET of a path that no Receiver has, which must be answered 404. What would reconcile
    is not sent, and told before. The exit code is 4 where an answer is wrong, 1 where
    something could not be asked.

    Example: fluxhooks probe prod
    """
    settings = Settings(
        deliver=deliver,
        at_once=at_once,
        settle_for=options.seconds("--settle", settle),
        limit=options.seconds("--limit", limit),
    )
    options.refuse(
        ("--url", bool(url) and cluster, "does not go with --cluster"),
        ("--cluster", cluster and bool(stack), "goes without a stack"),
        ("--url", bool(url and stack), "goes without a stack"),
        ("--host", bool(host) and not cluster, "goes with --cluster"),
        ("--namespace", bool(namespace) and not cluster, "goes with --cluster"),
        ("--type", type_ is not None and not url, "goes with --url"),
        ("--event", bool(event) and not url, "goes with --url"),
        ("--token-env", bool(token_env) and not url, "goes with --url"),
        ("--token-stdin", token_stdin and not url, "goes with --url"),
        ("--token-stdin", token_stdin and bool(token_env), "does not go with --token-env"),
        ("--filtered", filtered and not url, "goes with --url"),
    )
    unseen: Sequence[str] = ()
    heartbeat = _variable("--heartbeat-env", heartbeat_env) if heartbeat_env else ""
    if cluster:
        reached = options.host(host)
        found, unseen = targets.of_cluster(
            clusters.connect(ProviderSettings()), reached, namespace=namespace or "*"
        )
        if not found:
            unseen = [*unseen, "no Receiver was found" + (f" in {namespace}" if namespace else "")]
    elif url:
        if type_ is None:
            raise typer.BadParameter("is needed with --url", param_hint="--type")
        found = [
            targets.of_url(
                _url(url),
                receiver_type=type_,
                token=_token(token_env, from_stdin=token_stdin),
                event=event,
                harmless=filtered,
            )
        ]
    else:
        found = _of_stack(PulumiStack(cwd, stack), names or ())
    _announce(found, deliver=deliver)
    probed = asyncio.run(examine(found, settings))
    if json:
        ok = not unseen and all(each.as_json()["ok"] for each in probed)
        results = [each.as_json() for each in probed]
        screen.show_json({"ok": ok, "targets": results, "unseen": list(unseen)})
    else:
        _show(probed, deliver=deliver)
    for problem in unseen:
        screen.complain(problem)
    if any(each.has(Verdict.WRONG) for each in probed):
        raise typer.Exit(4)
    if unseen or any(each.has(Verdict.UNKNOWN) for each in probed):
        raise typer.Exit(1)
    if heartbeat and (wrong := beat(heartbeat)):
        screen.complain(f"the URL of --heartbeat-env could not be called: {wrong}")
        raise typer.Exit(1)


def _of_stack(pulumi: PulumiStack, names: Sequence[str]) -> list[Target]:
    state = pulumi.export()
    return targets.of_stack(state.receivers[name] for name in options.receivers(state, names))


def _url(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise typer.BadParameter(
            "is a hook URL, as in https://flux.example.com/hook/…", param_hint="--url"
        )
    if not HOOK_PATH.search(parts.path):
        raise typer.BadParameter(
            "has no /hook/ with 64 hexadecimal digits behind it: is all of it there?",
            param_hint="--url",
        )
    return url


def _token(variable: str, *, from_stdin: bool) -> str | None:
    if variable:
        return _variable("--token-env", variable)
    # What prints a token ends its line.
    return sys.stdin.read().rstrip("\r\n") if from_stdin else None


def _variable(option: str, name: str) -> str:
    if name not in os.environ:
        raise typer.BadParameter("names a variable that is not set", param_hint=option)
    return os.environ[name]


def _announce(found: Iterable[Target], *, deliver: bool) -> None:
    held: dict[str, list[str]] = {}
    for target in found:
        for text in withheld(target):
            held.setdefault(text, []).append(target.name)
    for text, where in held.items():
        screen.say(f"not sent: {text}: {_listed(where)}")
    delivered = [target.name for target in found if target.url and target.signable]
    if deliver and delivered:
        screen.say(f"reconciled, for --deliver: the targets of {_listed(delivered)}")
    elif held:
        screen.say("--deliver sends each a delivery, which reconciles")


def _show(probed: Sequence[Probed], *, deliver: bool) -> None:
    checks = [check for check in Check if deliver or check is not Check.DELIVERY]
    screen.show_table(
        ("RECEIVER", "TYPE", "HOST", *(check.upper() for check in checks)),
        [
            (
                each.name,
                each.type,
                each.host or "-",
                *(_cell(finding) for finding in each.findings if finding.check in checks),
            )
            for each in probed
        ],
    )
    # A host that fails, fails for all that are on it.
    problems: dict[tuple[Check, str, str], list[str]] = {}
    for each in probed:
        for finding in each.findings:
            if finding.verdict in (Verdict.WARNING, Verdict.WRONG, Verdict.UNKNOWN):
                key = (finding.check, finding.seen, finding.cure)
                problems.setdefault(key, []).append(each.name)
    for (check, seen, cure), where in problems.items():
        screen.show(f"{_listed(where)}: {check}: {'. '.join(filter(None, (seen, cure)))}")
    wrong = sum(each.has(Verdict.WRONG) for each in probed)
    good = sum(bool(each.as_json()["ok"]) for each in probed)
    parts = [f"{good} of {len(probed)} answer as they must", f"{wrong} wrong" if wrong else ""]
    screen.show("; ".join(filter(None, parts)))


_MARKS = {Verdict.WARNING: " !", Verdict.WRONG: " WRONG", Verdict.UNKNOWN: "?"}


def _cell(finding: Finding) -> str:
    if finding.verdict is Verdict.SKIPPED:
        return "-"
    if finding.verdict is Verdict.UNKNOWN:
        return "?"
    value = "no" if finding.status is None else str(finding.status)
    if finding.check is Check.TLS:
        value = "ok" if finding.days is None else f"{finding.days}d"
        value = "no" if finding.verdict is Verdict.WRONG else value
    time = "" if finding.milliseconds is None else f" {finding.milliseconds:.0f} ms"
    return f"{value}{_MARKS.get(finding.verdict, '')}{time}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
