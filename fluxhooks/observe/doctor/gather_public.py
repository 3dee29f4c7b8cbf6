"""What public URLs answer, asked for all chains at once, without reconciling anything."""

import asyncio
import dataclasses
import ssl
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from fluxhooks.flux.hook_path import hook_path, path_of
from fluxhooks.flux.receiver_types import RECEIVER_TYPES, ReceiverType
from fluxhooks.flux.resource_filter import spares_probe
from fluxhooks.observe.doctor.evidence import (
    ClusterEvidence,
    FluxObject,
    ForgeEvidence,
    PublicEvidence,
)
from fluxhooks.observe.doctor.settings import Settings
from fluxhooks.observe.doctor.subjects import Subject
from fluxhooks.observe.probing.examination import unsignable
from fluxhooks.observe.probing.findings import Check
from fluxhooks.observe.probing.requests import Limits, Requests, for_each
from fluxhooks.observe.probing.targets import Target, event_of
from fluxhooks.observe.state import DeclaredGeneration

if TYPE_CHECKING:
    import httpx

NO_HOST: Final = "nobody says at which host: give --host, or --no-public"
NO_PATH: Final = "the Receiver has no path"


def gather(
    subjects: Sequence[Subject],
    *,
    cluster: ClusterEvidence | None,
    forge: Mapping[str, ForgeEvidence],
    settings: Settings,
    certificates: ssl.SSLContext | None = None,
    transport: "httpx.AsyncBaseTransport | None" = None,
) -> tuple[dict[str, PublicEvidence], dict[str, str]]:
    """Ask the URL of each subject; return what it answered, and why others were not asked.

    Args:
        forge: what the forge has for a subject, by the subject's name.
        certificates, transport: as for `for_each`.
    """
    found: dict[str, PublicEvidence] = {}
    unseen: dict[str, str] = {}
    targets: list[Target] = []
    for subject in subjects:
        target = _target(subject, cluster, forge.get(subject.name))
        if isinstance(target, str):
            unseen[subject.name] = target
        else:
            targets.append(target)
            found[target.name] = PublicEvidence(url=target.url)

    async def one(requests: Requests, number: int) -> None:
        target = targets[number]
        await _ask(requests, target, found)

    limits = Limits(at_once=settings.at_once, settle_for=settings.settle_for, limit=settings.limit)
    late = asyncio.run(
        for_each(targets, one, limits, certificates=certificates, transport=transport)
    )
    for target, unfinished in zip(targets, late, strict=True):
        if unfinished:
            del found[target.name]
            unseen[target.name] = f"it did not finish within {settings.limit:g} s"
    return found, unseen


async def _ask(requests: Requests, target: Target, found: dict[str, PublicEvidence]) -> None:
    def know(**answers: Any) -> None:
        found[target.name] = dataclasses.replace(found[target.name], **answers)

    control = await requests.control(target)
    know(control=control)
    if control.failure is not None:
        return
    if target.acts_on_get:
        know(withheld=f"no GET without a signature: {target.acts_on_get}")
    else:
        know(unsigned=await requests.unsigned(target))
    unsigned = found[target.name].unsigned
    if control.status != 404 or (unsigned is not None and unsigned.status != 400):
        # To what is not the controller no token is shown.
        return
    unsendable = unsignable(Check.SIGNED, target)
    if unsendable is None and not target.acts_on_probe:
        know(signed=await requests.signed(target))
        return
    why = f"no signed probe: {unsendable.seen if unsendable else target.acts_on_probe}"
    know(withheld="; ".join(filter(None, (found[target.name].withheld, why))))


def _target(
    subject: Subject, cluster: ClusterEvidence | None, forge: ForgeEvidence | None
) -> Target | str:
    """Return what is asked for a subject, or why nothing is."""
    receiver = cluster.objects.get(("Receiver", *subject.receiver)) if cluster else None
    spec = receiver.spec if receiver else {}
    declared = _declared(subject)
    type_ = str(spec.get("type") or subject.type)
    if type_ not in RECEIVER_TYPES:
        return f"this version does not know the type {type_!r}" if type_ else "its type is unknown"
    receiver_type = ReceiverType(type_)
    path = _path(subject, receiver, declared)
    if not path:
        return NO_PATH
    url = _url(subject, forge, path)
    if not url:
        return NO_HOST
    resource_filter = str(
        (spec.get("resourceFilter") or "") if receiver else declared.resource_filter
    )
    events = (spec.get("events") or ()) if receiver else declared.events
    return Target(
        name=subject.name,
        type=receiver_type,
        url=url,
        token=_token(receiver, declared, cluster),
        no_token="its token is not known",  # noqa: S106
        event=event_of(receiver_type, events),
        harmless=spares_probe(resource_filter),
    )


def _declared(subject: Subject) -> DeclaredGeneration:
    generations = subject.declared.generations.values() if subject.declared else ()
    return next(
        (each for each in generations if (each.namespace, each.receiver) == subject.receiver),
        DeclaredGeneration(number=0),
    )


def _path(subject: Subject, receiver: FluxObject | None, declared: DeclaredGeneration) -> str:
    if receiver is not None and receiver.status.get("webhookPath"):
        return str(receiver.status["webhookPath"])
    if declared.path:
        return declared.path
    namespace, name = subject.receiver
    return hook_path(declared.token, name, namespace) if declared.token and name else ""


def _url(subject: Subject, forge: ForgeEvidence | None, path: str) -> str:
    called = forge.webhook.url if forge and forge.webhook else ""
    if path in path_of(called):
        # Word for word: a prefix is right where something in front takes it off.
        return called
    host = subject.host
    if not host and forge and forge.webhook:
        # It calls another path, on what is most likely the right host.
        host = forge.webhook.host.rpartition("@")[2]
    return f"https://{host}{path}" if host else ""


def _token(
    receiver: FluxObject | None, declared: DeclaredGeneration, cluster: ClusterEvidence | None
) -> str | None:
    if receiver is None or cluster is None:
        return declared.token or None
    name = str((receiver.spec.get("secretRef") or {}).get("name") or "")
    if not name:
        return ""
    secret = cluster.secrets.get((receiver.namespace, name))
    if secret is None or secret.unseen:
        return declared.token or None
    try:
        return None if secret.token is None else secret.token.decode()
    except UnicodeDecodeError:
        return None
