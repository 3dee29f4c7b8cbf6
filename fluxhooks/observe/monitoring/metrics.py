"""Every metric the monitor exports: its name, what it means, and its labels."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fluxhooks.observe.monitoring.known import Known

SampleLabels = tuple[str, ...]
Sample = tuple[SampleLabels, float]


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes:
        labels: none of their values is a credential; hook paths and URLs are in none.
        counter: whether it only grows.
    """

    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    counter: bool = False


UP: Final = Metric(
    "fluxhooks_up",
    "1 where the public URL answers as it must, 0 where it does not; none where it cannot be "
    "asked without a reconcile",
    ("chain",),
)
PROBE_STATUS: Final = Metric(
    "fluxhooks_probe_status",
    "HTTP status of the last answer: control (404 is right), unsigned (400), signed (200); 0 "
    "where none came",
    ("chain", "request"),
)
PROBE_DURATION: Final = Metric(
    "fluxhooks_probe_duration_seconds",
    "How long the last answer took, without connecting",
    ("chain", "request"),
)
PROBE_TIMESTAMP: Final = Metric(
    "fluxhooks_probe_timestamp_seconds", "When its public URL was last asked", ("chain",)
)
PROBE_ANSWERS: Final = Metric(
    "fluxhooks_probe_answers_total",
    "Answers to the monitor's own requests, by status; 0 where none came",
    ("request", "status"),
    counter=True,
)
CERTIFICATE_EXPIRY: Final = Metric(
    "fluxhooks_certificate_expiry_timestamp_seconds",
    "When the certificate of its host expires",
    ("chain",),
)
CHAIN_INFO: Final = Metric(
    "fluxhooks_chain_info",
    "1; says the Receiver's type, the host it is called at, and the live Receiver",
    ("chain", "type", "host", "receiver"),
)
CHAIN_OK: Final = Metric(
    "fluxhooks_chain_ok",
    "1 where the doctor found nothing that stops deliveries, else 0",
    ("chain",),
)
CHAIN_SEEN: Final = Metric(
    "fluxhooks_chain_seen_timestamp_seconds",
    "When the doctor could last look at all of its links",
    ("chain",),
)
FINDINGS: Final = Metric(
    "fluxhooks_findings",
    "What the doctor found, by fault; breaks says whether it stops deliveries",
    ("chain", "link", "fault", "breaks"),
)
LINK_STATE: Final = Metric(
    "fluxhooks_link_state",
    "1; says what the doctor made of a link: ok, warning, symptom, broken, absent, unseen or "
    "not reached",
    ("chain", "link", "state"),
)
GENERATION: Final = Metric("fluxhooks_generation", "The live generation", ("chain",))
GENERATION_CREATED: Final = Metric(
    "fluxhooks_generation_created_timestamp_seconds",
    "When the live generation was made",
    ("chain",),
)
ROTATION_DUE: Final = Metric(
    "fluxhooks_rotation_due_timestamp_seconds",
    "When its next rotation is due; none where no period is set",
    ("chain",),
)
LAST_DELIVERY: Final = Metric(
    "fluxhooks_last_delivery_timestamp_seconds",
    "When the forge last sent something, by its log",
    ("chain",),
)
LAST_DELIVERY_STATUS: Final = Metric(
    "fluxhooks_last_delivery_status",
    "HTTP status that was answered with; 0 where no answer came",
    ("chain",),
)
LAST_GOOD_DELIVERY: Final = Metric(
    "fluxhooks_last_good_delivery_timestamp_seconds",
    "When the forge last sent something that was answered 2xx, by its log",
    ("chain",),
)
ALERT_UNDELIVERED: Final = Metric(
    "fluxhooks_alert_undelivered_timestamp_seconds",
    "When Flux last could not send what an Alert told; gone an hour later, as the event is",
    ("alert",),
)
LOOK_TIMESTAMP: Final = Metric(
    "fluxhooks_look_timestamp_seconds", "When the last look ended: probe or doctor", ("look",)
)
LOOK_DURATION: Final = Metric(
    "fluxhooks_look_duration_seconds", "How long the last look took", ("look",)
)
LOOK_OK: Final = Metric(
    "fluxhooks_look_ok", "1 where the last look saw all it should have, else 0", ("look",)
)
LOOKS: Final = Metric(
    "fluxhooks_looks_total",
    "Looks by outcome: ok, partial (something could not be asked) or failed",
    ("look", "outcome"),
    counter=True,
)
SOURCE_UP: Final = Metric(
    "fluxhooks_source_up",
    "1 where stack, cluster or forge answered when last asked, else 0",
    ("source",),
)
SOURCE_SEEN: Final = Metric(
    "fluxhooks_source_seen_timestamp_seconds",
    "When stack, cluster or forge last answered: how old what is told of it may be",
    ("source",),
)
FORGE_REQUESTS_LEFT: Final = Metric(
    "fluxhooks_forge_requests_left",
    "Requests the forge takes before its rate limit, as it last said",
    ("forge",),
)
FORGE_LEFT_ALONE: Final = Metric(
    "fluxhooks_forge_left_alone_until_timestamp_seconds",
    "Until when the forge is not asked, after an outage or a rate limit; 0 where it is",
    ("forge",),
)
INFO: Final = Metric("fluxhooks_monitor_info", "1; says the version", ("version",))

METRICS: Final = tuple(value for value in list(vars().values()) if isinstance(value, Metric))


def samples(known: Known) -> Iterator[tuple[Metric, Sample]]:
    """Return every sample of what is `known`."""
    yield INFO, ((known.version,), 1.0)
    for (request, status), count in known.answers.items():
        yield PROBE_ANSWERS, ((request, str(status)), float(count))
    yield from _of_looks(known)
    yield from _of_sources(known)
    for name, at in sorted(known.undelivered.items()):
        yield ALERT_UNDELIVERED, ((name,), at)
    for name in sorted(known.chains):
        yield from _of_chain(name, known)
    for name, probe in sorted(known.probes.items()):
        yield PROBE_TIMESTAMP, ((name,), probe.at)
        if probe.up is not None:
            yield UP, ((name,), float(probe.up))
        if probe.expires is not None:
            yield CERTIFICATE_EXPIRY, ((name,), probe.expires)
        for request, answer in probe.answers.items():
            yield PROBE_STATUS, ((name, request), float(answer.status))
            yield PROBE_DURATION, ((name, request), answer.seconds)


def _of_looks(known: Known) -> Iterator[tuple[Metric, Sample]]:
    for (name, outcome), count in known.looks.items():
        yield LOOKS, ((name, outcome), float(count))
    for name, look in known.last.items():
        yield LOOK_TIMESTAMP, ((name,), look.at)
        yield LOOK_DURATION, ((name,), look.seconds)
        yield LOOK_OK, ((name,), float(look.ok))


def _of_sources(known: Known) -> Iterator[tuple[Metric, Sample]]:
    for name, source in sorted(known.sources.items()):
        yield SOURCE_UP, ((name,), float(source.up))
        if source.seen_at is not None:
            yield SOURCE_SEEN, ((name,), source.seen_at)
    for name, forge in sorted(known.forges.items()):
        yield FORGE_LEFT_ALONE, ((name,), forge.left_alone_until)
        if forge.requests_left is not None:
            yield FORGE_REQUESTS_LEFT, ((name,), float(forge.requests_left))


def _of_chain(name: str, known: Known) -> Iterator[tuple[Metric, Sample]]:
    chain = known.chains[name]
    yield CHAIN_INFO, ((name, chain.type, chain.host, chain.receiver), 1.0)
    yield CHAIN_OK, ((name,), float(chain.ok))
    for link, state in chain.links.items():
        yield LINK_STATE, ((name, str(link), str(state)), 1.0)
    for fault, count in chain.counted().items():
        breaks = str(fault.breaks).lower()
        yield FINDINGS, ((name, str(fault.link), fault.label, breaks), float(count))
    for metric, value in (
        (CHAIN_SEEN, chain.seen_at),
        (GENERATION, chain.generation),
        (GENERATION_CREATED, chain.created_at),
        (ROTATION_DUE, chain.due_at),
        (LAST_DELIVERY, chain.delivered_at),
        (LAST_DELIVERY_STATUS, chain.delivery_status),
        (LAST_GOOD_DELIVERY, chain.good_delivery_at),
    ):
        if value is not None:
            yield metric, ((name,), float(value))
