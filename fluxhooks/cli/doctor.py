"""`fluxhooks doctor`."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from fluxhooks.cli import options, screen
from fluxhooks.masking import mask
from fluxhooks.observe import cluster as clusters
from fluxhooks.observe.doctor.diagnosis import Chain, Diagnosis, Examined, Finding, State
from fluxhooks.observe.doctor.doctor import diagnose
from fluxhooks.observe.doctor.faults import Link
from fluxhooks.observe.doctor.settings import Settings
from fluxhooks.observe.doctor.subjects import OfCluster, OfStack
from fluxhooks.observe.forges import Forges
from fluxhooks.observe.state import FORGES, ProviderSettings, Scope
from fluxhooks.operate.stack import PulumiStack


def doctor(
    stack: options.StackName = None,
    names: options.Names = None,
    cluster: Annotated[
        bool, typer.Option("--cluster", help="The Receivers of KUBECONFIG's cluster, no stack.")
    ] = False,
    namespace: options.Namespace = "",
    receiver: Annotated[
        str, typer.Option(metavar="NS/NAME", help="With --cluster: only this Receiver.")
    ] = "",
    host: Annotated[
        str,
        typer.Option(
            metavar="HOST", help="With --cluster: where they are reached, if no webhook says so."
        ),
    ] = "",
    repository: Annotated[
        str, typer.Option(metavar="OWNER/NAME", help="With --cluster: has the webhook, at GitHub.")
    ] = "",
    organization: Annotated[
        str, typer.Option(metavar="NAME", help="With --cluster: has the webhook, at GitHub.")
    ] = "",
    project: Annotated[
        str, typer.Option(metavar="PATH", help="With --cluster: has the webhook, at GitLab.")
    ] = "",
    group: Annotated[
        str, typer.Option(metavar="PATH", help="With --cluster: has the webhook, at GitLab.")
    ] = "",
    no_forge: Annotated[
        bool, typer.Option("--no-forge", help="Do not look at webhooks and deliveries.")
    ] = False,
    no_cluster: Annotated[
        bool, typer.Option("--no-cluster", help="With a stack: do not look at the cluster.")
    ] = False,
    no_public: Annotated[
        bool, typer.Option("--no-public", help="Do not ask the public URLs.")
    ] = False,
    at_once: options.AtOnce = 32,
    settle: options.Settle = "2s",
    limit: Annotated[
        str, typer.Option(metavar="TIME", help="Public URLs that take longer are left.")
    ] = "60s",
    json: options.Json = False,
    cwd: options.Directory = Path(),
) -> None:
    """Find the first broken link between a push and the cluster, and say what mends it.

    Looked at are the webhook, its deliveries, network and ingress, the Receiver, its sources,
    what applies them, and what the API server says to that. Nothing is changed or reconciled.
    Webhooks are looked at with GITHUB_TOKEN, GITLAB_TOKEN and GITEA_TOKEN. What comes after a
    broken link is not looked at. The exit code is 4 where a link is broken, else 1 where something
    could not be seen.

    Example: fluxhooks doctor prod app
    """
    scope = _scope(repository=repository, organization=organization, project=project, group=group)
    named = f"--{scope.kind}" if scope else ""
    options.refuse(
        ("--cluster", cluster and bool(stack), "goes without a stack"),
        ("--namespace", bool(namespace) and not cluster, "goes with --cluster"),
        ("--receiver", bool(receiver) and not cluster, "goes with --cluster"),
        ("--receiver", bool(receiver and namespace), "does not go with --namespace"),
        (
            "--receiver",
            bool(receiver) and not _is_key(receiver),
            "is a namespace and a name, as in flux-system/app",
        ),
        ("--host", bool(host) and not cluster, "goes with --cluster"),
        (named, scope is not None and not cluster, "goes with --cluster"),
        ("--no-cluster", no_cluster and cluster, "does not go with --cluster"),
    )
    settings = Settings(
        public=not no_public,
        at_once=at_once,
        settle_for=options.seconds("--settle", settle),
        limit=options.seconds("--limit", limit),
    )
    providers = ProviderSettings()
    wanted: OfStack | OfCluster
    if cluster:
        wanted = OfCluster(
            namespace=namespace or receiver.partition("/")[0] or "*",
            receiver=receiver,
            host=options.host(host, needed=False),
            scope=scope,
        )
    else:
        pulumi = PulumiStack(cwd, stack)
        state = pulumi.export()
        providers = state.providers
        wanted = OfStack(
            state=state,
            names=options.receivers(state, names or ()),
            cluster=pulumi.configuration(state.stack).cluster,
        )
    with screen.working() as say:
        found = diagnose(
            wanted,
            cluster=None if no_cluster else lambda: clusters.connect(providers),
            forges=None if no_forge else Forges(providers),
            settings=settings,
            say=say,
        )
    if json:
        screen.show_json(found.as_json())
    else:
        _show(found)
    for problem in found.unseen:
        screen.complain(problem)
    if any(chain.first for chain in found.chains):
        raise typer.Exit(4)
    if found.unseen:
        raise typer.Exit(1)


def _scope(**given: str) -> Scope | None:
    named = [(kind, name) for kind, name in given.items() if name]
    if len(named) > 1:
        raise typer.BadParameter("is given, and another one", param_hint=f"--{named[1][0]}")
    for kind, name in named:
        if kind == "repository" and name.count("/") != 1:
            raise typer.BadParameter(
                "is an owner and a name, as in acme/app", param_hint="--repository"
            )
        return Scope(FORGES[kind], kind, name)
    return None


def _is_key(receiver: str) -> bool:
    namespace, _, name = receiver.partition("/")
    return bool(namespace and name) and "/" not in name


_MARKS = {
    State.OK: "✓",
    State.WARNING: "!",
    State.SYMPTOM: "↓",
    State.BROKEN: "✗",
    State.ABSENT: "-",
    State.UNSEEN: "?",
    State.NOT_REACHED: "-",
}
_WORDS = {
    State.SYMPTOM: "because of what follows",
    State.ABSENT: "there is none",
    State.UNSEEN: "not seen",
    State.NOT_REACHED: "not reached",
}


def _show(found: Diagnosis) -> None:
    healthy = [chain for chain in found.chains if not any(chain.findings)]
    wide = max((len(chain.name) for chain in healthy), default=0)
    for chain in healthy:
        for line in _wrapped(f"{chain.name:<{wide}}  ok  ", _healthy(chain, found.unseen)):
            screen.show(line)
    alike = _alike(chain for chain in found.chains if any(chain.findings))
    for number, chains in enumerate(alike):
        word = "broken" if chains[0].first else "warning"
        if healthy or number:
            screen.show("")
        screen.show(
            f"{_listed([chain.name for chain in chains])}  {word}",
            style="bold red" if chains[0].first else "bold yellow",
        )
        for examined in chains[0].links:
            for line in _link(examined):
                screen.show(line)
    broken = sum(chain.first is not None for chain in found.chains)
    warned = sum(chain.first is None and any(chain.findings) for chain in found.chains)
    if broken or warned:
        screen.show("")
    if not found.chains:
        return
    parts = (
        f"{len(found.chains) - broken} of {len(found.chains)} ok",
        f"{broken} broken" if broken else "",
        f"{warned} with a warning" if warned else "",
    )
    screen.show("; ".join(filter(None, parts)))


def _healthy(chain: Chain, said: Sequence[str]) -> str:
    """Return what was seen of a chain with nothing wrong; `said` is told apart."""
    seen = {examined.link: examined for examined in chain.links}
    parts = [seen[Link.DELIVERY].seen if seen[Link.DELIVERY].state is State.OK else ""]
    absent = [str(examined.link) for examined in chain.links if examined.state is State.ABSENT]
    parts.append(f"there is no {', '.join(absent)}" if absent else "")
    unseen: dict[str, list[str]] = {}
    for examined in chain.links:
        if examined.state is State.UNSEEN:
            unseen.setdefault(examined.seen, []).append(str(examined.link))
    for why, links in unseen.items():
        told = not why or any(why in text for text in said)
        parts.append(f"not seen: {', '.join(links)}" + ("" if told else f" ({why})"))
    return "; ".join(filter(None, parts)) or "from the webhook to the cluster"


def _alike(chains: Iterable[Chain]) -> list[list[Chain]]:
    """Return chains that the same is wrong with together: a host fails for all that are on it."""
    groups: dict[tuple[object, ...], list[Chain]] = {}
    for chain in chains:
        key = tuple((each.fault, each.where, each.wrong, each.cure) for each in chain.findings)
        groups.setdefault(key, []).append(chain)
    return list(groups.values())


def _link(examined: Examined) -> Iterator[str]:
    told = examined.seen
    word = _WORDS.get(examined.state, "")
    text = ": ".join(filter(None, (word, told)))
    if examined.findings:
        text = ", ".join(dict.fromkeys(finding.fault.label for finding in examined.findings))
    head = f"  {_MARKS[examined.state]} {examined.link:<9} "
    yield from _wrapped(head, text)
    for finding in examined.findings:
        yield from _finding(finding)


def _finding(finding: Finding) -> Iterator[str]:
    for what, texts in (
        ("where", (finding.where,)),
        ("wrong", (finding.wrong,)),
        ("evidence", finding.evidence),
        ("sure", (str(finding.sure),)),
        ("cure", (finding.cure,)),
    ):
        for number, text in enumerate(texts):
            yield from _wrapped(f"      {'' if number else what:<9} ", text)


def _wrapped(head: str, text: str) -> Iterator[str]:
    """Return a text behind its head as lines; commands stay in one piece, so as to be copied."""
    whole = "`".join(
        part.replace(" ", "\xa0") if number % 2 else part
        for number, part in enumerate(mask(text).split("`"))
    )
    lines = textwrap.wrap(
        whole,
        screen.width(),
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in lines or [head]:
        yield line.replace("\xa0", " ").rstrip()


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
