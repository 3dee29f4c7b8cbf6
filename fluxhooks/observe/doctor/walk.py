"""From the webhook to the cluster, link by link, up to the first that is broken."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fluxhooks.observe.doctor.diagnosis import Chain, Examined, State
from fluxhooks.observe.doctor.evidence import Evidence
from fluxhooks.observe.doctor.faults import LINKS, Fault, Link
from fluxhooks.observe.doctor.links import (
    answers,
    applier,
    cluster,
    delivery,
    ingress,
    network,
    receiver,
    source,
    webhook,
)

_RULES: Final[Mapping[Link, Callable[[Evidence], Examined]]] = {
    Link.WEBHOOK: webhook.examine,
    Link.NETWORK: network.examine,
    Link.INGRESS: ingress.examine,
    Link.RECEIVER: receiver.examine,
    Link.SOURCE: source.examine,
    Link.APPLIER: applier.examine,
    Link.CLUSTER: cluster.examine,
}

# What a delivery passes; why it failed is looked for there before its own fault is.
_PASSED: Final = (Link.NETWORK, Link.INGRESS, Link.RECEIVER)
_BEYOND: Final = (Link.SOURCE, Link.APPLIER, Link.CLUSTER)


def walk(evidence: Evidence) -> Chain:
    """Judge the links of one chain in their order; what lies behind a broken one is not reached."""
    links: dict[Link, Examined] = {Link.WEBHOOK: _examined(Link.WEBHOOK, evidence)}
    # A forge that switched its webhook off did so because of what lies behind it.
    disabled = _disabled(links[Link.WEBHOOK])
    if disabled or links[Link.WEBHOOK].state is not State.BROKEN:
        behind = _until_broken(_PASSED, evidence)
        cause = _broken(behind)
        if disabled and cause is not None:
            links[Link.WEBHOOK] = _as_symptom(links[Link.WEBHOOK])
            behind = _with_evidence(behind, cause, links[Link.WEBHOOK].seen)
        if links[Link.WEBHOOK].state is not State.BROKEN:
            links |= _delivered(behind, evidence)
    if not any(found.state is State.BROKEN for found in links.values()):
        links |= {found.link: found for found in _until_broken(_BEYOND, evidence)}
    return Chain(
        name=evidence.name,
        links=tuple(
            links.get(link, Examined(link=link, state=State.NOT_REACHED)) for link in LINKS
        ),
    )


def _delivered(behind: Sequence[Examined], evidence: Evidence) -> dict[Link, Examined]:
    told = _unseen(Link.DELIVERY, evidence) or delivery.examine(evidence, behind)
    cause = _broken(behind)
    if told.state is State.SYMPTOM and cause is not None:
        ids = [each.id for each in evidence.forge.deliveries] if evidence.forge else []
        behind = _with_evidence(behind, cause, told.seen, known_by=ids)
    return {found.link: found for found in (told, *behind)}


def _until_broken(links: Sequence[Link], evidence: Evidence) -> list[Examined]:
    found = []
    for link in links:
        found.append(_examined(link, evidence))
        if found[-1].state is State.BROKEN:
            break
    return found


def _examined(link: Link, evidence: Evidence) -> Examined:
    return _unseen(link, evidence) or _RULES[link](evidence)


def _unseen(link: Link, evidence: Evidence) -> Examined | None:
    if link not in evidence.unseen:
        return None
    if link is Link.RECEIVER and (told := answers.examine(evidence)):
        return told
    return Examined(link=link, state=State.UNSEEN, seen=evidence.unseen[link])


def _broken(links: Sequence[Examined]) -> Link | None:
    return next((found.link for found in links if found.state is State.BROKEN), None)


def _disabled(examined: Examined) -> bool:
    faults = {finding.fault for finding in examined.findings if finding.fault.breaks}
    return faults == {Fault.WEBHOOK_DISABLED}


def _as_symptom(examined: Examined) -> Examined:
    """Return a webhook that is disabled because of what lies behind it."""
    (finding,) = (each for each in examined.findings if each.fault.breaks)
    rest = tuple(each for each in examined.findings if not each.fault.breaks)
    return dataclasses.replace(
        examined, state=State.SYMPTOM, seen=f"{finding.where}: {finding.wrong}", findings=rest
    )


def _with_evidence(
    links: Sequence[Examined], cause: Link, seen: str, *, known_by: Sequence[str] = ()
) -> list[Examined]:
    """Return `links` with what was seen of a symptom at the finding it is one of.

    Args:
        known_by: IDs, one of which may be in `seen`; what tells of that already is told no more.
    """

    def told(found: Examined) -> Examined:
        if found.link is not cause or not seen:
            return found
        first = next(each for each in found.findings if each.fault.breaks)
        if any(each in seen and any(each in text for text in first.evidence) for each in known_by):
            return found
        more = dataclasses.replace(first, evidence=(*first.evidence, seen))
        return dataclasses.replace(
            found, findings=tuple(more if each is first else each for each in found.findings)
        )

    return [told(found) for found in links]
