"""Reports to be looked at: one with everything, an example, one with nothing wrong, a large one."""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping

from fluxhooks.observe import coverage, status
from fluxhooks.observe.coverage import Coverage
from fluxhooks.observe.doctor.diagnosis import (
    Chain,
    Diagnosis,
    Examined,
    Finding,
    State,
    Sure,
)
from fluxhooks.observe.doctor.faults import LINKS, Fault, Link
from fluxhooks.observe.forges import Delivery, SeenWebhook
from fluxhooks.observe.listing import Source
from fluxhooks.observe.orphans import Orphan
from fluxhooks.observe.reporting.report import Report
from fluxhooks.observe.state import Scope
from fluxhooks.observe.status import Status

NOW = datetime.datetime(2026, 11, 22, 19, 30, tzinfo=datetime.UTC)
PATH = "/hook/" + "5a" * 32
SIGNATURE = "sha256=" + "c0" * 32
HOSTILE = (
    "<script>alert(1)</script><img src=https://example.com/x onerror=alert(2)> "
    "</style></details>\"' ‮"
)

_SEEN: Mapping[Link, str] = {
    Link.WEBHOOK: "webhook acme/{0} 4021 is active, sends push and calls the Receiver",
    Link.DELIVERY: "the newest, push, was answered 200, 4 minutes ago",
    Link.NETWORK: "flux.example.com: certificate valid for 61 days",
    Link.INGRESS: "400 without a signature, 404 on a made-up path, 200 to a signed probe, 12 ms",
    Link.RECEIVER: "Receiver flux-system/{0}-g3-1f2e is Ready",
    Link.SOURCE: "GitRepository flux-system/{0} has main@sha1:9f3c2ab",
    Link.APPLIER: "Kustomization flux-system/{0} applied main@sha1:9f3c2ab",
    Link.CLUSTER: "14 objects applied",
}


def chain(name: str, found: Mapping[Link, Examined] | None = None, *findings: Finding) -> Chain:
    """Return a chain whose links are well but for those given, and for what findings break."""
    links: list[Examined] = []
    for link in LINKS:
        of_it = tuple(finding for finding in findings if finding.fault.link is link)
        broken = any(one.state is State.BROKEN for one in links)
        if broken:
            links.append(Examined(link=link, state=State.NOT_REACHED))
        elif of_it:
            breaks = any(finding.fault.breaks for finding in of_it)
            state = State.BROKEN if breaks else State.WARNING
            links.append(Examined(link=link, state=state, findings=of_it))
        elif found and link in found:
            links.append(found[link])
        else:
            links.append(Examined(link=link, state=State.OK, seen=_SEEN[link].format(name)))
    return Chain(name=name, links=tuple(links))


def suspended(name: str) -> Finding:
    """Return the finding of a suspended Receiver."""
    return Finding(
        fault=Fault.RECEIVER_SUSPENDED,
        where=f"Receiver flux-system/{name}-g3-1f2e",
        wrong=f"Receiver flux-system/{name}-g3-1f2e is suspended: it answers 503",
        evidence=("spec.suspend is true", "delivery 72c1f0aa was answered 503, 4 minutes ago"),
        cure=f"Resume it: `flux resume receiver {name}-g3-1f2e -n flux-system`",
    )


def everything() -> Report:
    """Return a report with every state, both kinds of findings, and texts that would be HTML."""
    certificate = Finding(
        fault=Fault.CERTIFICATE_EXPIRED,
        where="flux-eu.example.com",
        wrong="the certificate of flux-eu.example.com expired 3 days ago",
        evidence=("TLS: certificate has expired (10)", "not after 2026-11-19 08:00 UTC"),
        cure="Have it renewed, and see why it was not: "
        "`kubectl -n ingress get certificate,certificaterequest`",
    )
    hostile = Finding(
        fault=Fault.APPLIER_BUILD,
        where="Kustomization apps/checkout",
        wrong="kustomize build fails: " + HOSTILE,
        evidence=(
            HOSTILE,
            f"the Receiver initialised with the path {PATH}, X-Hub-Signature-256: {SIGNATURE}",
            "accumulating resources from '../../../base/observability/overlays/production-eu-west'"
            ": " + "unbroken" * 30,
        ),
        cure=f"Mend what it names, then: `flux reconcile kustomization checkout -n apps {HOSTILE}`",
        sure=Sure.LIKELY,
    )
    plain_http = Finding(
        fault=Fault.WEBHOOK_TLS_UNCHECKED,
        where="webhook acme/search 771",
        wrong="webhook acme/search 771 does not verify certificates",
        evidence=("insecure_ssl is 1",),
        cure="Run `pulumi up`; by hand: `gh api -X PATCH repos/acme/search/hooks/771/config "
        "-f insecure_ssl=0`",
    )
    unasked = "no token for GitHub: set GITHUB_TOKEN"
    unseen = {
        link: Examined(link=link, state=State.UNSEEN, seen=unasked)
        for link in (Link.WEBHOOK, Link.DELIVERY)
    }
    by_hand = {
        link: Examined(link=link, state=State.ABSENT, seen="its sender is told by hand")
        for link in (Link.WEBHOOK, Link.DELIVERY)
    }
    symptom = {
        Link.DELIVERY: Examined(
            link=Link.DELIVERY,
            state=State.SYMPTOM,
            seen="push 72c1f0aa was answered 503, 4 minutes ago",
        )
    }
    return Report(
        of="the stack prod",
        made_at=NOW,
        diagnosis=Diagnosis(
            chains=(
                chain("web"),
                chain("orders", symptom, suspended("orders")),
                chain("search", None, plain_http),
                chain("checkout", None, hostile),
                chain("charts", by_hand),
                chain("payments-and-invoicing-of-the-european-market", unseen),
                chain("eu-web", None, certificate),
                chain("eu-orders", None, certificate),
                chain("eu-search", None, certificate),
            ),
            unseen=(unasked,),
        ),
        coverage=_coverage(),
        status=_status(),
        unseen=(unasked,),
    )


def example() -> Report:
    """Return a report as it may be, without the texts that nobody has: the picture in docs/."""
    report = everything()
    assert report.diagnosis
    chains = (*(one for one in report.diagnosis.chains if one.name in ("orders", "search")),)
    return dataclasses.replace(
        report,
        diagnosis=Diagnosis(chains=(*chains, chain("checkout"), chain("web"))),
        coverage=Coverage(
            rows=(*(row(one, "covered") for one in _APPS), row("podinfo", "uncovered")),
            findings=(
                coverage.Finding(
                    severity=coverage.GAP,
                    kind="uncovered",
                    where="GitRepository flux-system/podinfo",
                    text="no Receiver reaches it; it asks 48 times a day",
                ),
            ),
        ),
        status=Status(
            stack="prod",
            rows=(*(_generation(one) for one in _APPS[:3]), _generation("web", live=7, old=97)),
        ),
        unseen=(),
    )


_APPS = ("checkout", "orders", "search", "web")


def nothing_wrong() -> Report:
    """Return a report of a stack with one webhook, where all is as it must be."""
    return Report(
        of="the stack dev",
        made_at=NOW,
        diagnosis=Diagnosis(chains=(chain("app"),)),
        coverage=Coverage(rows=(row("app", "covered"),), findings=()),
        status=Status(stack="dev", rows=(_generation("app"),)),
    )


def large(count: int = 500) -> Report:
    """Return a report of a cluster with many chains, every tenth of which is broken."""
    return Report(
        of="the cluster",
        made_at=NOW,
        diagnosis=Diagnosis(
            chains=tuple(
                chain(name, None, *([suspended(name)] if number % 10 == 0 else []))
                for number in range(count)
                if (name := f"app-{number:03}")
            )
        ),
        coverage=Coverage(
            rows=tuple(row(f"app-{number:03}", "covered") for number in range(count)),
            findings=(),
        ),
    )


def row(
    name: str, state: str, *, kind: str = "GitRepository", interval: str = "30m", why: str = ""
) -> coverage.Row:
    """Return a source, and whether a webhook reaches it."""
    source = Source(kind=kind, namespace="flux-system", name=name, interval=interval)
    return coverage.Row(
        source=source,
        state=state,
        receivers=(f"flux-system/{name}-g3-1f2e",) if state == "covered" else (),
        idle=("flux-system/old-g1-77aa",) if name == "legacy" else (),
        why=why,
        requests_a_day=0.0 if why else 86400 / source.seconds,
    )


def _coverage() -> Coverage:
    rows = (
        *(row(name, "covered") for name in _APPS),
        row("legacy", "uncovered", interval="1m"),
        row("podinfo", "uncovered", kind="OCIRepository", interval="5m"),
        row("images", "unknown", kind="ImageRepository", interval="5m"),
        row("charts", "apart", kind="HelmRepository", why="is of the type oci: nothing is fetched"),
    )
    return Coverage(
        rows=rows,
        findings=(
            coverage.Finding(
                severity=coverage.GAP,
                kind="uncovered",
                where="GitRepository flux-system/legacy",
                text="only flux-system/old-g1-77aa reaches it, which takes no delivery; it asks "
                "1,440 times a day",
            ),
            coverage.Finding(
                severity=coverage.GAP,
                kind="not-ready",
                where="Receiver flux-system/old-g1-77aa",
                text=f"takes no delivery: {HOSTILE} on {PATH}",
            ),
            coverage.Finding(
                severity=coverage.WARNING,
                kind="interval",
                where="GitRepository flux-system/web",
                text="asks every 1m beside flux-system/web-g3-1f2e, which buys nothing; 30m is "
                "enough",
            ),
        ),
        not_served=("HelmChart", "OCIRepository"),
    )


def _generation(
    name: str, *, live: int = 3, old: int = 12, problems: Iterable[str] = ()
) -> status.Row:
    made = NOW - datetime.timedelta(days=old)
    return status.Row(
        name=name,
        authority="configuration",
        live=live,
        wanted=live,
        retained=(live - 1,) if live > 3 else (),
        created_at=made,
        due=made + datetime.timedelta(days=90),
        delivery=Delivery(
            id="72c1", event="push", at=NOW - datetime.timedelta(minutes=4), status=200
        ),
        problems=tuple(problems),
    )


def _status() -> Status:
    webhook = SeenWebhook(scope=Scope("github", "repository", "web"), id="8812")
    return Status(
        stack="prod",
        rows=(
            _generation("checkout"),
            _generation("orders", live=7, old=97),
            _generation(
                "payments-and-invoicing-of-the-european-market",
                problems=("the webhook is not active", f"the Receiver of generation 3: {HOSTILE}"),
            ),
            status.Row(
                name="new",
                authority="program",
                live=None,
                wanted=None,
                retained=(),
                created_at=None,
                due=None,
            ),
        ),
        orphans=(
            Orphan(
                found=webhook, why="calls our host on a path that no Receiver serves", since=NOW
            ),
        ),
        unseen=("the cluster refuses to list ImageRepositories",),
    )
