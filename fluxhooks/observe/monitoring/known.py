"""What a monitor knows, from its looks so far; what it could not see again, it keeps."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from fluxhooks.flux.labels import GENERATION
from fluxhooks.observe.doctor.diagnosis import Chain, State
from fluxhooks.observe.doctor.evidence import Evidence, PublicEvidence
from fluxhooks.observe.doctor.faults import Fault, Link
from fluxhooks.observe.forges import Delivery
from fluxhooks.observe.probing import meaning
from fluxhooks.observe.probing.findings import Verdict
from fluxhooks.observe.probing.replies import Reply


@dataclass(frozen=True)
class Answer:
    """What one request was answered.

    Attributes:
        status: HTTP's; 0 where no answer came.
    """

    status: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What a public URL answered.

    Attributes:
        at: when, in seconds since 1970, as all times here.
        up: whether it answers as it must; None where it could not be asked.
        answers: by request: control, unsigned, signed.
        expires: when its certificate does.
    """

    at: float
    up: bool | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict)
    expires: float | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the doctor saw of one chain.

    Attributes:
        receiver: namespace and name of the live Receiver.
        links: what became of each.
        faults: by link, each as often as it was found.
        seen_at: when all its links were last looked at.
    """

    type: str = ""
    host: str = ""
    receiver: str = ""
    links: Mapping[Link, State] = field(default_factory=dict)
    faults: Mapping[Link, tuple[Fault, ...]] = field(default_factory=dict)
    seen_at: float | None = None
    generation: int | None = None
    created_at: float | None = None
    due_at: float | None = None
    delivered_at: float | None = None
    delivery_status: int | None = None
    good_delivery_at: float | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing that was found stops deliveries."""
        return not any(fault.breaks for fault in self.counted())

    def counted(self) -> Counter[Fault]:
        """Return how often each fault was found."""
        return Counter(fault for faults in self.faults.values() for fault in faults)

    def after(self, before: "Facts | None", *, chosen: frozenset[Link]) -> "Facts":
        """Return these facts with what is known from before of what was not seen this time.

        Args:
            chosen: links that are not looked at by choice.
        """
        unseen = {
            link
            for link, state in self.links.items()
            if state is State.UNSEEN and link not in chosen
        }
        if before is None:
            return replace(self, seen_at=None) if unseen else self
        kept = {link: before.faults[link] for link in unseen if link in before.faults}
        forgotten = not unseen.isdisjoint((Link.WEBHOOK, Link.DELIVERY))
        return replace(
            self,
            type=self.type or before.type,
            host=self.host or before.host,
            faults={**self.faults, **kept},
            seen_at=before.seen_at if unseen else self.seen_at,
            generation=before.generation if self.generation is None else self.generation,
            created_at=before.created_at if self.created_at is None else self.created_at,
            delivered_at=before.delivered_at if forgotten else self.delivered_at,
            delivery_status=before.delivery_status if forgotten else self.delivery_status,
            # A log forgets in days; what was good once stays so.
            good_delivery_at=max(
                filter(None, (self.good_delivery_at, before.good_delivery_at)), default=None
            ),
        )


@dataclass(frozen=True, kw_only=True)
class Look:
    """The last look of a kind.

    Attributes:
        at: when it ended.
        ok: whether it saw all it should have.
    """

    at: float
    seconds: float
    ok: bool


@dataclass(frozen=True, kw_only=True)
class Source:
    """Something that is asked: a stack, a cluster, a forge.

    Attributes:
        up: whether it answered when it was last asked.
        seen_at: when it last answered; None where it never did.
    """

    up: bool
    seen_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class ForgeLimits:
    """How much more a forge may be asked.

    Attributes:
        requests_left: before its limit, as it last said; None where it did not.
        left_alone_until: until when it is not asked; 0 where it is.
    """

    requests_left: int | None = None
    left_alone_until: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Known:
    """All of it, at one moment.

    Attributes:
        undelivered: when Flux last could not send what an Alert told, by its namespace and name.
    """

    version: str = ""
    chains: Mapping[str, Facts] = field(default_factory=dict)
    probes: Mapping[str, Probe] = field(default_factory=dict)
    answers: Mapping[tuple[str, int], int] = field(default_factory=dict)
    looks: Mapping[tuple[str, str], int] = field(default_factory=dict)
    last: Mapping[str, Look] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    forges: Mapping[str, ForgeLimits] = field(default_factory=dict)
    undelivered: Mapping[str, float] = field(default_factory=dict)


def probe_of(public: PublicEvidence | None, *, at: float) -> Probe:
    """Return what the answers of a public URL come to; None where none was asked."""
    if public is None:
        return Probe(at=at)
    replies = replies_of(public)
    return Probe(
        at=at,
        up=_is_up(public),
        answers={
            request: Answer(reply.status or 0, reply.milliseconds / 1000)
            for request, reply in replies.items()
        },
        expires=next(
            (reply.expires.timestamp() for reply in replies.values() if reply.expires), None
        ),
    )


def replies_of(public: PublicEvidence) -> dict[str, Reply]:
    """Return the answers there are, by request."""
    asked = {
        "control": public.control,
        "unsigned": public.unsigned,
        "signed": public.signed,
    }
    return {request: reply for request, reply in asked.items() if reply is not None}


def facts_of(evidence: Evidence, chain: Chain, *, due_at: float | None) -> Facts:
    """Return what evidence and judgement of a chain come to."""
    receiver, declared = evidence.receiver_object, evidence.declared
    label = receiver.labels.get(GENERATION, "") if receiver else ""
    created = declared.created_at if declared else receiver.created_at if receiver else None
    deliveries = evidence.forge.deliveries if evidence.forge else ()
    newest = max(deliveries, key=_at, default=None)
    good = max((each for each in deliveries if each.ok), key=_at, default=None)
    type_ = str(receiver.spec.get("type") or "") if receiver else ""
    return Facts(
        type=type_ or (declared.type if declared else ""),
        host=_host(evidence),
        receiver="/".join(evidence.receiver).strip("/"),
        links={examined.link: examined.state for examined in chain.links},
        faults={
            examined.link: tuple(finding.fault for finding in examined.findings)
            for examined in chain.links
        },
        seen_at=evidence.now.timestamp(),
        generation=declared.live if declared else int(label) if label.isdecimal() else None,
        created_at=created.timestamp() if created else None,
        due_at=due_at,
        delivered_at=_at(newest) if newest else None,
        delivery_status=newest.status if newest else None,
        good_delivery_at=_at(good) if good else None,
    )


def _is_up(public: PublicEvidence) -> bool | None:
    control, unsigned, signed = public.control, public.unsigned, public.signed
    # Connection and certificate, and who answers there.
    if control is not None and (
        control.failure is not None or meaning.control(control).verdict is Verdict.WRONG
    ):
        return False
    if unsigned is not None and unsigned.status != 400:
        return False
    if signed is not None:
        return signed.status == 200
    return None if unsigned is None else True


def _host(evidence: Evidence) -> str:
    webhook = evidence.forge.webhook if evidence.forge else None
    # Of user and password in a URL nothing is to be told.
    return evidence.host or (webhook.host.rpartition("@")[2] if webhook else "")


def _at(delivery: Delivery) -> float:
    return delivery.at.timestamp()
