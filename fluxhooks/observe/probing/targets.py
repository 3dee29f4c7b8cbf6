"""What is probed: a stack's generations, all Receivers of a cluster, or one URL."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from fluxhooks.errors import ObservationError
from fluxhooks.flux.hook_path import hook_path, host_of
from fluxhooks.flux.receiver_types import RECEIVER_TYPES, Proof, ReceiverType
from fluxhooks.flux.resource_filter import refusal, spares_probe
from fluxhooks.observe.cluster import ClusterView, ServedReceiver
from fluxhooks.observe.state import DeclaredGeneration, DeclaredReceiver

# The API server is asked for so many Secrets at once.
_SECRETS_AT_ONCE: Final = 8


@dataclass(frozen=True, kw_only=True)
class Target:
    """A Receiver's public URL.

    Attributes:
        url: "" where none is known; `no_url` then says why.
        token: None where it is not known; `no_token` then says why.
        token_is_gone: whether the controller has no token either, which is wrong.
        event: one that its Receiver accepts; "" where it looks at none.
        harmless: whether its Receiver certainly does not act on the probe's body.
        filtered: whether its Receiver has a filter of somebody else's, which may also keep it
            from acting on a delivery.
        stale: whether its path was made of another token than the one its Secret has now.
        trouble: why it cannot answer, as the cluster has it; "" where nothing is known.
        resource_filter: its Receiver's; "" where none is known.
    """

    name: str
    type: ReceiverType
    url: str = field(default="", repr=False)
    token: str | None = field(default=None, repr=False)
    event: str = ""
    harmless: bool = False
    filtered: bool = False
    no_url: str = ""
    no_token: str = ""
    token_is_gone: bool = False
    stale: bool = False
    trouble: str = ""
    resource_filter: str = ""

    @property
    def refused_filter(self) -> str:
        """What the controller refuses in its filter; "" where nothing."""
        # Compiled only for a Receiver that does not answer: few do not, and it takes a while.
        identified = self.type is ReceiverType.GENERIC_OIDC
        return refusal(self.resource_filter, identified=identified)

    @property
    def host(self) -> str:
        """The host it is at, with a port where one is given."""
        return host_of(self.url)

    @property
    def acts_on_get(self) -> str:
        """Why a GET without a signature would, or might, reconcile; "" where it cannot."""
        if self.type is ReceiverType.GENERIC:
            return "a Receiver of this type reconciles on any request, a GET too"
        if self.type in (ReceiverType.GITLAB, ReceiverType.HARBOR) and not self.token:
            return "a Receiver with an empty token would take a GET for a delivery" + (
                "" if self.token == "" else ", and the token is not known"
            )
        return ""

    @property
    def acts_on_probe(self) -> str:
        """Why the signed probe would, or might, reconcile; "" where it does not."""
        if self.harmless:
            return ""
        return "nothing in its resourceFilter keeps a signed probe from reconciling"

    @property
    def needs_token(self) -> bool:
        """Whether its senders show that they know the token."""
        return RECEIVER_TYPES[self.type].proof in (Proof.SIGNATURE, Proof.TOKEN)

    @property
    def signable(self) -> bool:
        """Whether a delivery can be made from the token alone."""
        facts = RECEIVER_TYPES[self.type]
        return facts.proof is not Proof.IDENTITY and self.type is not ReceiverType.CDEVENTS


def of_stack(receivers: Iterable[DeclaredReceiver]) -> list[Target]:
    """Return a target for each generation of a stack's WebhookReceivers, retained ones too."""
    return [
        _of_generation(receiver, generation)
        for receiver in sorted(receivers, key=lambda receiver: receiver.name)
        for _, generation in sorted(receiver.generations.items(), reverse=True)
    ]


def of_cluster(
    cluster: ClusterView, host: str, *, namespace: str = "*"
) -> tuple[list[Target], list[str]]:
    """Return a target for each Receiver of a cluster, and what could not be seen of them.

    Args:
        host: where all of them are reached, with a port where one is needed.
        namespace: only the Receivers there.

    Raises:
        ObservationError: the Receivers could not be listed.
    """
    served = sorted(cluster.served(namespace), key=lambda found: (found.namespace, found.name))
    known = [found for found in served if found.type in RECEIVER_TYPES]
    with ThreadPoolExecutor(_SECRETS_AT_ONCE) as pool:
        targets = list(pool.map(lambda found: _of_receiver(cluster, found, host), known))
    unseen = [
        f"Receiver {found.namespace}/{found.name} has the type {found.type!r}, which this version "
        "does not know"
        for found in served
        if found not in known
    ]
    return targets, unseen


def of_url(
    url: str,
    *,
    receiver_type: ReceiverType,
    token: str | None,
    event: str = "",
    harmless: bool = False,
) -> Target:
    """Return a target of which nothing is known but what is said here."""
    return Target(
        name=host_of(url),
        type=receiver_type,
        url=url,
        token=token,
        no_token="no token was given",  # noqa: S106
        event=event or event_of(receiver_type, ()),
        harmless=harmless,
        filtered=not harmless,
    )


def _of_generation(receiver: DeclaredReceiver, generation: DeclaredGeneration) -> Target:
    standing = "live" if generation.number == receiver.live else "retained"
    if receiver.live is None:
        standing = "not finished"
    receiver_type = ReceiverType(receiver.type)
    called = receiver.finished_url or (receiver.webhook.url if receiver.webhook else "")
    # The controller's own path, else the one it will have.
    path = generation.path or (
        hook_path(generation.token, generation.receiver, generation.namespace)
        if generation.token and generation.receiver
        else ""
    )
    no_url = ""
    if not generation.receiver:
        no_url = "the stack's state has no Receiver for it; pulumi up --refresh makes one"
    elif not path or not called:
        no_url = "its first update was not finished; pulumi up finishes it"
    return Target(
        name=f"{receiver.name} {generation.number} {standing}",
        type=receiver_type,
        url="" if no_url else f"https://{host_of(called)}{path}",
        no_url=no_url,
        token=generation.token or None,
        no_token="the stack's state has no token for it",  # noqa: S106
        event=event_of(receiver_type, generation.events),
        resource_filter=generation.resource_filter,
        harmless=spares_probe(generation.resource_filter),
    )


def _of_receiver(cluster: ClusterView, found: ServedReceiver, host: str) -> Target:
    receiver_type = ReceiverType(found.type)
    token: str | None = None
    no_token, gone = "", False
    if not found.secret:
        token = ""
    else:
        try:
            token = cluster.token(found.namespace, found.secret)
        except ObservationError as error:
            no_token = str(error)
        else:
            gone = token is None
            no_token = f"there is no Secret {found.namespace}/{found.secret} with a token"
    return Target(
        name=f"{found.namespace}/{found.name}",
        type=receiver_type,
        url=f"https://{host}{found.path}" if found.path else "",
        no_url="" if found.path else f"it has no path: {found.trouble or 'not reconciled yet'}",
        token=token,
        no_token=no_token,
        token_is_gone=gone,
        event=event_of(receiver_type, found.events),
        harmless=spares_probe(found.resource_filter),
        filtered=bool(found.resource_filter) and not spares_probe(found.resource_filter),
        stale=bool(token and found.path)
        and found.path != hook_path(token or "", found.name, found.namespace),
        trouble=found.trouble,
        resource_filter=found.resource_filter,
    )


def event_of(receiver_type: ReceiverType, accepted: Iterable[str]) -> str:
    """Return an event that a Receiver accepts: the first that is no ping; "" where it has none.

    Args:
        accepted: its ``spec.events``; empty where it accepts all.
    """
    return next(_events(receiver_type, accepted), "")


def _events(receiver_type: ReceiverType, accepted: Iterable[str]) -> Iterator[str]:
    facts = RECEIVER_TYPES[receiver_type]
    if facts.event_header is None:
        return
    # A ping is what says least of a real delivery.
    yield from (event for event in accepted if event != facts.ping)
    yield from accepted
    yield from next(iter(facts.default_events.values()), ())
