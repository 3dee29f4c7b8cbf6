"""What the monitor keeps of what it sees, and for how long it leaves alone what fails."""

import contextlib
import datetime
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from fluxhooks.errors import ArgumentError, ObservationError
from fluxhooks.flux.hook_path import UNKNOWN_PATH
from fluxhooks.flux.resource_filter import with_probe
from fluxhooks.observe.doctor.diagnosis import Chain, Examined, Finding, State
from fluxhooks.observe.doctor.evidence import Evidence, ForgeEvidence, PublicEvidence
from fluxhooks.observe.doctor.faults import LINKS, Fault, Link
from fluxhooks.observe.doctor.settings import Settings
from fluxhooks.observe.doctor.subjects import OfCluster, OfStack
from fluxhooks.observe.forges import Delivery
from fluxhooks.observe.monitoring import rhythm
from fluxhooks.observe.monitoring.known import (
    Answer,
    Facts,
    ForgeLimits,
    Known,
    Look,
    Probe,
    Source,
    facts_of,
    probe_of,
)
from fluxhooks.observe.monitoring.metrics import METRICS, samples
from fluxhooks.observe.monitoring.monitor import Monitor, Wanted
from fluxhooks.observe.monitoring.patience import Patience, PatientForges, called
from fluxhooks.observe.monitoring.serving import Server, address
from fluxhooks.observe.probing.replies import Failure, Reply
from fluxhooks.observe.state import (
    DeclaredGeneration,
    DeclaredReceiver,
    DeclaredWebhook,
    ProviderSettings,
    Scope,
    StackState,
)

NOW = datetime.datetime(2026, 1, 31, 12, 0, tzinfo=datetime.UTC)
SCOPE = Scope("github", "repository", "app")
DECLARED = DeclaredWebhook(scope=SCOPE, id="1")


class TestRhythm:
    @pytest.mark.parametrize(
        ("took", "chance", "expected"),
        [
            pytest.param(0.0, 0.5, 30.0, id="at once"),
            pytest.param(2.0, 0.5, 28.0, id="from start to start"),
            pytest.param(0.0, 0.0, 27.0, id="earliest"),
            pytest.param(0.0, 1.0, 33.0, id="latest"),
            pytest.param(90.0, 0.5, 7.5, id="longer than its rhythm"),
        ],
    )
    def test_a_look_comes_at_its_rhythm_and_leaves_some_of_it_free(
        self, took: float, chance: float, expected: float
    ) -> None:
        """A slow look is not followed by the next one at once."""
        assert expected == pytest.approx(rhythm.pause(30.0, took, random=lambda: chance))

    def test_looks_do_not_overlap_and_end(self) -> None:
        """However long one takes."""
        stop, under_way, seen = threading.Event(), threading.Lock(), list[bool]()

        def look() -> None:
            seen.append(under_way.acquire(blocking=False))
            time.sleep(0.02)
            under_way.release()
            if len(seen) == 3:
                stop.set()

        rhythm.repeat(look, 0.001, stop)

        assert [True, True, True] == seen


class TestPatience:
    def test_each_failure_in_a_row_doubles_it_up_to_an_hour(self) -> None:
        """As many requests as are worth it: a few in the first hour, then one an hour."""
        patience, now, waits = Patience(300, random=lambda: 0), 0.0, []
        for _ in range(6):
            patience.failed(now, began=now)
            waits.append(patience.until - now)
            now = patience.until

        assert [300, 600, 1200, 2400, 3600, 3600] == waits

    def test_what_asks_for_more_gets_more(self) -> None:
        """Also beyond the longest, and never less than it asked for."""
        patience = Patience(300, random=lambda: 1)
        patience.failed(0, began=0, retry_after=7200)

        assert 7200 <= patience.until <= 7200 * 1.1

    def test_what_failed_at_once_counts_once(self) -> None:
        """Eight requests under way at the moment of an outage are one outage."""
        patience = Patience(300, random=lambda: 0)
        for ended in range(8):
            patience.failed(10.0 + ended, began=9.0)

        assert 300 + 17 == patience.until

    def test_an_answer_ends_it_unless_it_was_asked_for_before(self) -> None:
        """An answer that was on its way at the failure says nothing of what came after."""
        patience = Patience(300, random=lambda: 0)
        patience.failed(10.0, began=9.0)
        patience.worked(began=9.5)
        late = patience.failing
        patience.worked(began=400.0)

        assert (True, False, 0.0) == (late, patience.failing, patience.until)


class Failing:
    """A forge that answers as told, and counts."""

    def __init__(self, *answers: Exception | list[Any]) -> None:
        self.asked = 0
        self.requests_left = 17
        self._answers = list(answers)

    def webhooks(self, declared: DeclaredWebhook) -> list[Any]:
        self.asked += 1
        answer = self._answers.pop(0) if self._answers else []
        if isinstance(answer, Exception):
            raise answer
        return answer


OUTAGE = ObservationError("GitHub refused the webhooks of app: 502, an outage", passing=True)
REFUSED = ObservationError("GitHub refused the webhooks of app: it answered 404")


class Clock:
    """Says what it is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class TestPatientForges:
    def _forges(self, forge: Failing, clock: Callable[[], float]) -> PatientForges:
        forges = PatientForges(ProviderSettings(), first=300, clock=clock, random=lambda: 0)
        forges._connected["github"] = forge  # type: ignore[assignment]
        return forges

    def test_while_it_fails_nobody_asks(self) -> None:
        """Of a hundred questions one is asked; after its time is over, one more."""
        forge, clock = Failing(OUTAGE, OUTAGE, []), Clock()
        forges = self._forges(forge, clock)
        told = set()
        asked = []
        for clock.now in (1000.0, 1001.0, 1301.0, 1302.0, 1902.0, 1903.0):
            for _ in range(100):
                try:
                    forges.of(DECLARED).webhooks(DECLARED)
                except ObservationError as error:
                    told.add(str(error))
            asked.append(forge.asked)

        assert [1, 1, 2, 2, 102, 202] == asked
        assert str(OUTAGE) in told
        assert "GitHub failed, and is left alone until 00:21:40 UTC" in told

    @pytest.mark.parametrize(
        ("site", "name"),
        [
            ("github", "GitHub"),
            ("gitea git.example.com", "Gitea at git.example.com"),
            ("other", "other"),
        ],
    )
    def test_a_forge_is_called_what_people_call_it(self, site: str, name: str) -> None:
        """With its host, where there are many."""
        assert name == called(site)

    def test_a_refusal_is_an_answer(self) -> None:
        """One repository that the token may not see says nothing of the others."""
        forge = Failing(REFUSED, [])
        forges = self._forges(forge, lambda: 5.0)
        with pytest.raises(ObservationError, match="404"):
            forges.of(DECLARED).webhooks(DECLARED)
        forges.of(DECLARED).webhooks(DECLARED)
        (guard,) = forges.guards().values()

        assert (2, True, 5.0, 17) == (
            forge.asked,
            guard.up,
            guard.answered_at,
            guard.requests_left,
        )

    def test_what_it_asks_for_is_kept_to(self) -> None:
        """Retry-After counts from the answer."""
        forge = Failing(ObservationError("429", passing=True, retry_after=900))
        clock = Clock()
        forges = self._forges(forge, clock)
        for clock.now in (0.0, 899.0, 901.0):
            with contextlib.suppress(ObservationError):
                forges.of(DECLARED).webhooks(DECLARED)

        assert 2 == forge.asked

    def test_after_a_failure_one_asks_for_all(self) -> None:
        """Ten threads whose turn has come do not all ask at once."""
        forge, clock = Failing(OUTAGE, OUTAGE), Clock()
        forges = self._forges(forge, clock)

        def ask() -> None:
            with contextlib.suppress(ObservationError):
                forges.of(DECLARED).webhooks(DECLARED)

        ask()
        clock.now = 400.0
        threads = [threading.Thread(target=ask) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert 2 == forge.asked

    def test_without_credentials_there_is_nothing_to_guard(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A forge that cannot be asked is not one that answers."""
        monkeypatch.delenv("GITHUB_TOKEN", raising=False)
        forges = PatientForges(ProviderSettings(), first=300)
        with pytest.raises(ObservationError, match="no token for GitHub"):
            forges.of(DECLARED)

        assert {} == forges.guards()


RIGHT = {"control": Reply(status=404), "unsigned": Reply(status=400), "signed": Reply(status=200)}


@pytest.mark.parametrize(
    ("answers", "up"),
    [
        pytest.param({}, True, id="all right"),
        pytest.param({"signed": None}, True, id="not signed, as it would reconcile"),
        pytest.param({"unsigned": None}, True, id="no GET, as it would reconcile"),
        pytest.param({"unsigned": None, "signed": None}, None, id="neither"),
        pytest.param({"signed": Reply(status=500)}, False, id="a target is missing"),
        pytest.param({"unsigned": Reply(status=404), "signed": None}, False, id="no such path"),
        pytest.param({"unsigned": Reply(status=503), "signed": None}, False, id="suspended"),
        pytest.param(
            {"control": Reply(status=200), "unsigned": None, "signed": None},
            False,
            id="something else answers",
        ),
        pytest.param(
            {"control": Reply(failure=Failure.REFUSED), "unsigned": None, "signed": None},
            False,
            id="nothing listens",
        ),
        pytest.param(
            {"unsigned": Reply(failure=Failure.NO_ANSWER), "signed": None}, False, id="silent"
        ),
    ],
)
def test_up_is_what_a_sender_would_find(answers: dict[str, Reply | None], up: bool | None) -> None:
    """And unknown where nothing may be asked; never up for want of an answer."""
    public = PublicEvidence(url="https://flux.example.com", **{**RIGHT, **answers})

    assert up is probe_of(public, at=1.0).up


def test_a_probe_has_what_was_answered_and_when() -> None:
    """In seconds, as Prometheus wants them; 0 where no answer came."""
    public = PublicEvidence(
        control=Reply(status=404, milliseconds=12.0, expires=NOW),
        unsigned=Reply(failure=Failure.NO_ANSWER, milliseconds=10_000.0),
    )

    assert Probe(
        at=1.0,
        up=False,
        answers={"control": Answer(404, 0.012), "unsigned": Answer(0, 10.0)},
        expires=NOW.timestamp(),
    ) == probe_of(public, at=1.0)
    assert Probe(at=1.0) == probe_of(None, at=1.0)


def _facts(states: dict[Link, State], **more: Any) -> Facts:
    return Facts(links={link: states.get(link, State.OK) for link in LINKS}, **more)


class TestWhatIsKept:
    def test_what_a_forge_in_an_outage_cannot_tell_stays_as_it_was(self) -> None:
        """Its findings, the last delivery, and the age of all that."""
        before = _facts(
            {},
            faults={Link.WEBHOOK: (Fault.WEBHOOK_FORM,), Link.SOURCE: (Fault.SOURCE_INVALID,)},
            seen_at=1.0,
            delivered_at=0.5,
            delivery_status=200,
            good_delivery_at=0.5,
        )
        now = _facts(
            {Link.WEBHOOK: State.UNSEEN, Link.DELIVERY: State.UNSEEN},
            faults={Link.WEBHOOK: (), Link.SOURCE: ()},
            seen_at=2.0,
        )
        after = now.after(before, chosen=frozenset())

        assert {Fault.WEBHOOK_FORM: 1} == dict(after.counted())
        assert (False, 1.0, 0.5, 200, 0.5) == (
            after.ok,
            after.seen_at,
            after.delivered_at,
            after.delivery_status,
            after.good_delivery_at,
        )

    def test_what_is_not_looked_at_by_choice_does_not_age_the_rest(self) -> None:
        """As with --no-forge."""
        now = _facts({Link.WEBHOOK: State.UNSEEN}, seen_at=2.0)

        assert 2.0 == now.after(_facts({}, seen_at=1.0), chosen=frozenset({Link.WEBHOOK})).seen_at

    def test_what_was_never_seen_has_no_age(self) -> None:
        """A first look that sees half is none."""
        now = _facts({Link.WEBHOOK: State.UNSEEN}, seen_at=2.0)

        assert now.after(None, chosen=frozenset()).seen_at is None

    def test_a_good_delivery_outlives_the_forges_log(self) -> None:
        """Which forgets in days; the last delivery itself is the log's."""
        before = _facts({}, seen_at=1.0, delivered_at=0.5, good_delivery_at=0.5)
        after = _facts({}, seen_at=2.0).after(before, chosen=frozenset())

        assert (None, 0.5) == (after.delivered_at, after.good_delivery_at)


def _delivery(status: int, hour: int) -> Delivery:
    return Delivery(id="1", event="push", at=NOW.replace(hour=hour), status=status)


def test_facts_are_of_the_live_generation_and_the_newest_deliveries() -> None:
    """From state and log, whatever order the log has."""
    finding = Finding(fault=Fault.WEBHOOK_FORM, where="w", wrong="x", evidence=(), cure="y")
    evidence = Evidence(
        name="app",
        receiver=("flux-system", "app-g2-ab"),
        now=NOW,
        host="flux.example.com",
        declared=DeclaredReceiver(
            name="app",
            urn="",
            live=2,
            generations={2: DeclaredGeneration(number=2, created_at=NOW)},
        ),
        forge=ForgeEvidence(
            scope=SCOPE, deliveries=(_delivery(400, 3), _delivery(200, 1), _delivery(202, 2))
        ),
    )
    chain = Chain(
        name="app",
        links=(Examined(link=Link.WEBHOOK, state=State.BROKEN, findings=(finding, finding)),),
    )

    assert Facts(
        type="github",
        host="flux.example.com",
        receiver="flux-system/app-g2-ab",
        links={Link.WEBHOOK: State.BROKEN},
        faults={Link.WEBHOOK: (Fault.WEBHOOK_FORM, Fault.WEBHOOK_FORM)},
        seen_at=NOW.timestamp(),
        generation=2,
        created_at=NOW.timestamp(),
        due_at=9.0,
        delivered_at=NOW.replace(hour=3).timestamp(),
        delivery_status=400,
        good_delivery_at=NOW.replace(hour=2).timestamp(),
    ) == facts_of(evidence, chain, due_at=9.0)


FULL = Known(
    version="1.2.3",
    chains={
        "app": Facts(
            type="github",
            host="flux.example.com",
            receiver="flux-system/app",
            links={Link.WEBHOOK: State.BROKEN},
            faults={Link.WEBHOOK: (Fault.WEBHOOK_FORM, Fault.WEBHOOK_FORM)},
            seen_at=1.0,
            generation=2,
            created_at=2.0,
            due_at=3.0,
            delivered_at=4.0,
            delivery_status=400,
            good_delivery_at=5.0,
        )
    },
    probes={"app": Probe(at=6.0, up=True, answers={"signed": Answer(200, 0.018)}, expires=7.0)},
    answers={("signed", 200): 8},
    looks={("probe", "ok"): 9},
    last={"probe": Look(at=10.0, seconds=0.5, ok=True)},
    sources={"cluster": Source(up=False, seen_at=11.0)},
    forges={"github": ForgeLimits(requests_left=4999, left_alone_until=12.0)},
    undelivered={"flux-system/people": 13.0},
)


def _scraped(known: Known, path: str = "/metrics") -> str:
    with Server(
        "127.0.0.1:0", known=lambda: known, ready=lambda: False, alive=lambda: True
    ) as server:
        return httpx.get(f"http://{server.address}{path}", trust_env=False).text


def test_every_metric_is_exported_with_its_labels() -> None:
    """As a scrape shows it."""
    families = list(text_string_to_metric_families(_scraped(FULL)))
    found = {
        sample.name: (tuple(sorted(sample.labels)), family.documentation, family.type)
        for family in families
        for sample in family.samples
    }

    assert {
        metric.name: (
            tuple(sorted(metric.labels)),
            metric.meaning,
            "counter" if metric.counter else "gauge",
        )
        for metric in METRICS
    } == found


def test_what_is_not_known_is_not_exported() -> None:
    """A zero would be a statement."""
    known = Known(version="1", chains={"app": Facts()}, probes={"app": Probe(at=1.0)}, sources={})

    assert {
        "fluxhooks_monitor_info",
        "fluxhooks_chain_info",
        "fluxhooks_chain_ok",
        "fluxhooks_probe_timestamp_seconds",
    } == {metric.name for metric, _ in samples(known)}


@pytest.mark.parametrize(
    ("path", "status"),
    [("/healthz", 200), ("/readyz", 503), ("/metrics", 200), ("/", 404), ("/hook/", 404)],
)
def test_the_server_has_three_pages(path: str, status: int) -> None:
    """And is ready only when something was seen."""
    with Server(
        "127.0.0.1:0", known=lambda: FULL, ready=lambda: False, alive=lambda: True
    ) as server:
        answer = httpx.get(f"http://{server.address}{path}", trust_env=False)

    assert status == answer.status_code


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        ("127.0.0.1:9797", ("127.0.0.1", 9797)),
        (":9797", ("", 9797)),
        ("[::1]:0", ("::1", 0)),
    ],
)
def test_an_address_is_host_and_port(listen: str, expected: tuple[str, int]) -> None:
    """IPv6 in brackets, and all addresses where no host is named."""
    assert expected == address(listen)


@pytest.mark.parametrize("listen", ["9797", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:99999"])
def test_what_is_no_address_is_said(listen: str) -> None:
    """With the form of one."""
    with pytest.raises(ArgumentError) as error:
        address(listen)

    assert f"--listen: {listen!r} is no address, as in 127.0.0.1:9797" == str(error.value)


def test_a_port_that_is_taken_is_said() -> None:
    """Before anything is looked at."""
    with (
        Server("127.0.0.1:0", known=lambda: FULL, ready=bool, alive=bool) as server,
        pytest.raises(ArgumentError) as error,
    ):
        Server(server.address, known=lambda: FULL, ready=bool, alive=bool)

    assert f"--listen: '{server.address}' cannot be listened on: Address already in use" == str(
        error.value
    )


class Flux:
    """The public host of one Receiver, which may be told another path."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.down = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            raise httpx.ConnectError("refused")
        if request.url.path == UNKNOWN_PATH or request.url.path != self.path:
            return httpx.Response(404)
        return httpx.Response(200 if request.method == "POST" else 400)


def _path(generation: int) -> str:
    return "/hook/" + str(generation) * 64


def _state(live: int) -> StackState:
    return StackState(
        project="p",
        stack="s",
        receivers={
            "app": DeclaredReceiver(
                name="app",
                urn="urn",
                live=live,
                finished_url=f"https://flux.example.com{_path(live)}",
                generations={
                    live: DeclaredGeneration(
                        number=live,
                        namespace="flux-system",
                        receiver=f"app-g{live}",
                        path=_path(live),
                        token="a-token-nobody-may-see",
                        events=("push",),
                        resource_filter=with_probe(None),
                    )
                },
            )
        },
    )


class Stack:
    """A stack that is rotated, and read; or cannot be."""

    def __init__(self) -> None:
        self.live = 1
        self.reads = 0
        self.broken = False

    def read(self) -> Wanted:
        self.reads += 1
        if self.broken:
            raise ObservationError("the stack cannot be read")
        return Wanted(chains=OfStack(state=_state(self.live)))


def _no_cluster() -> Any:
    raise ObservationError("the cluster could not be asked")


@pytest.fixture
def flux() -> Flux:
    return Flux(_path(1))


@pytest.fixture
def stack() -> Stack:
    return Stack()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def monitor(flux: Flux, stack: Stack, said: list[str]) -> Iterator[Monitor]:
    monitor = Monitor(
        stack.read(),
        read=stack.read,
        connect=_no_cluster,
        forges=None,
        settings=Settings(settle_for=0),
        transport=httpx.MockTransport(flux),
        version="1.2.3",
        say=said.append,
    )
    yield monitor
    text = _scraped(monitor.known())
    assert "a-token-nobody-may-see" not in text
    assert "/hook/" not in text
    assert not any(str(number) * 64 in text for number in range(10))


class TestMonitor:
    def test_a_url_is_up_until_it_is_not(self, monitor: Monitor, flux: Flux) -> None:
        """And when it was asked is told either way."""
        monitor.probe()
        up = monitor.known().probes["app"]
        flux.down = True
        monitor.probe()
        down = monitor.known().probes["app"]

        assert (True, False) == (up.up, down.up)
        assert up.at < down.at
        assert {"control": 0} == {name: each.status for name, each in down.answers.items()}

    def test_a_rotation_is_no_outage(self, monitor: Monitor, flux: Flux, stack: Stack) -> None:
        """What falls is looked up anew before it is called down; what stands is not."""
        monitor.probe()
        monitor.probe()
        before = stack.reads
        stack.live, flux.path = 2, _path(2)
        monitor.probe()

        assert (1, 2) == (before, stack.reads)
        assert monitor.known().probes["app"].up

    def test_what_stays_down_is_not_looked_up_again_and_again(
        self, monitor: Monitor, flux: Flux, stack: Stack
    ) -> None:
        """Once, when it falls; and once more when it falls again."""
        monitor.probe()
        flux.down = True
        for _ in range(5):
            monitor.probe()
        first = stack.reads
        flux.down = False
        monitor.probe()
        flux.down = True
        monitor.probe()

        assert (2, 3) == (first, stack.reads)

    def test_what_cannot_be_looked_up_anew_is_tried_again_but_not_each_time(
        self, monitor: Monitor, flux: Flux, stack: Stack
    ) -> None:
        """An update writes the state just then; a backend in an outage is not hammered."""
        monitor.probe()
        stack.live, flux.path, stack.broken = 2, _path(2), True
        for _ in range(5):
            monitor.probe()
        down, reads = monitor.known().probes["app"].up, stack.reads
        stack.broken = False
        monitor._reading.until = 0.0
        monitor.probe()

        assert (False, 2) == (down, reads)
        assert monitor.known().probes["app"].up

    def test_what_cannot_be_read_again_stays(
        self, monitor: Monitor, stack: Stack, said: list[str]
    ) -> None:
        """Its problems are said once, and when they are over."""
        monitor.diagnose()
        stack.broken = True
        monitor.diagnose()
        monitor.diagnose()
        known = monitor.known()
        monitor.probe()

        assert known.chains.keys() == {"app"} == monitor.known().probes.keys()
        assert {"stack": False, "cluster": False} == {
            name: source.up for name, source in known.sources.items()
        }
        assert known.sources["stack"].seen_at is not None
        assert known.sources["cluster"].seen_at is None
        assert [
            "doctor: the cluster could not be asked",
            "doctor: the stack cannot be read",
        ] == sorted(said)
        assert {("doctor", "partial"): 3} == dict(known.looks)

    def test_a_cluster_that_is_away_at_the_start_is_asked_less_and_less(
        self, said: list[str]
    ) -> None:
        """Nothing is known then, nothing is ready, and nothing is up or down."""
        connects: list[None] = []

        def connect() -> Any:
            connects.append(None)
            raise ObservationError("the cluster could not be asked")

        wanted = Wanted(chains=OfCluster(host="flux.example.com"))
        monitor = Monitor(
            wanted, read=lambda: wanted, connect=connect, forges=None, say=said.append
        )
        for _ in range(10):
            monitor.probe()
        known = monitor.known()

        assert (1, False, {}) == (len(connects), monitor.ready, known.probes)
        assert {("probe", "failed"): 10} == dict(known.looks)
        assert {"cluster": Source(up=False)} == known.sources
        assert [
            "probe: the cluster could not be asked",
            "probe: stack or cluster could not be read, and are tried again later",
        ] == said

    def test_it_is_ready_when_both_looks_saw_something(self, monitor: Monitor) -> None:
        """One alone has half of the metrics."""
        at_first = monitor.ready
        monitor.probe()
        half = monitor.ready
        monitor.diagnose()

        assert (False, False, True) == (at_first, half, monitor.ready)

    def test_own_requests_are_counted_by_what_they_were_answered(self, monitor: Monitor) -> None:
        """So that the controller's own metrics can be told apart from them."""
        monitor.probe()

        assert {("control", 404): 1, ("unsigned", 400): 1, ("signed", 200): 1} == dict(
            monitor.known().answers
        )

    def test_an_error_of_our_own_ends_one_look_and_no_more(
        self, monitor: Monitor, flux: Flux, said: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is told by its kind."""
        monkeypatch.setattr(monitor, "_ask", None)
        monitor.probe()
        monkeypatch.undo()
        monitor.probe()

        assert ["probe: it failed: TypeError", "probe: all is seen again"] == said
        assert {("probe", "failed"): 1, ("probe", "ok"): 1} == dict(monitor.known().looks)
