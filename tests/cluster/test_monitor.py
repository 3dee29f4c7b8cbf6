"""`fluxhooks monitor` beside a real chain, which is broken in several ways while it looks."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from fluxhooks.flux.hook_path import UNKNOWN_PATH
from fluxhooks.observe.monitoring.metrics import METRICS
from sandbox.cluster.ports import free_ports
from sandbox.processes import end_group
from sandbox.sandbox import REPOSITORY, Sandbox
from tests.app import eventually
from tests.leaks import Leaks
from tests.matrix.chain import Chain

NAME = "monitored"
CHAIN = f"{NAME}/app"
READER = "monitor"
SECONDS = 60.0

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Watching:
    """The command, its metrics, and all that it prints."""

    def __init__(self, chain: Chain, kubeconfig: Path) -> None:
        sandbox = chain.sandbox
        self.token = sandbox.github.issue_token(webhooks="read")
        self.texts: list[str] = []
        arguments = ("--cluster", "--namespace", NAME, "--host", chain.ingress.host)
        rhythm = ("--listen", "127.0.0.1:0", "--every", "1s", "--doctor-every", "2s")
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("fluxhooks")), "monitor", *arguments, *rhythm],
            env={
                **sandbox.environment(chain.sandbox.directory),
                "KUBECONFIG": str(kubeconfig),
                "GITHUB_TOKEN": self.token,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stderr is not None
        self.first = self.process.stderr.readline()
        found = re.match(r"listening on (\S+:\d+); public URLs are asked every 1s", self.first)
        assert found, self.first
        self.url = f"http://{found[1]}"

    def get(self, path: str) -> httpx.Response:
        """The answer of one of its pages."""
        answer = httpx.get(f"{self.url}{path}", trust_env=False)
        self.texts.append(answer.text)
        return answer

    def scrape(self) -> Samples:
        """All its metrics."""
        return scraped(self.get("/metrics").text)

    def value(self, name: str, **labels: str) -> float | None:
        """The value of the one sample with these labels; None where there is none."""
        return value(self.scrape(), name, **labels)

    def until(self, holds: Callable[[Samples], bool]) -> Samples:
        """The metrics as soon as they hold, or in the end."""
        last: Samples = {}

        def held() -> bool:
            nonlocal last
            last = self.scrape()
            return holds(last)

        assert eventually(held, seconds=SECONDS), last
        return last

    def look(self, kind: str) -> Samples:
        """The metrics after a look that began from now on has ended."""
        ended = self.value("fluxhooks_look_timestamp_seconds", look=kind) or 0.0
        # One may be under way.
        for _ in range(2):
            before = ended
            samples = self.until(
                lambda found, before=before: (
                    (  # type: ignore[misc]
                        value(found, "fluxhooks_look_timestamp_seconds", look=kind) or 0.0
                    )
                    > before
                )
            )
            ended = value(samples, "fluxhooks_look_timestamp_seconds", look=kind) or 0.0
        return samples

    def end(self) -> tuple[int, str]:
        """Ask it to end as Kubernetes does, and return its exit code and what it said."""
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, self.first + said


def scraped(text: str) -> Samples:
    """The samples of a scrape."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float | None:
    """The value of the one sample with these labels; None where there is none."""
    found = [
        number
        for (each, has), number in samples.items()
        if each == name and labels.items() <= dict(has).items()
    ]
    assert len(found) < 2, (name, labels)
    return found[0] if found else None


def labelled(samples: Samples, name: str, label: str) -> set[str]:
    """The values that a label of a metric has."""
    return {dict(has)[label] for each, has in samples if each == name}


def rules() -> list[dict[str, Any]]:
    """The rights in the manifest."""
    documents = yaml.safe_load_all((REPOSITORY / "examples/monitoring/rbac.yaml").read_text())
    return [rule for document in documents for rule in document.get("rules", ())]


@pytest.fixture(scope="class")
def metrics_of_controller(sandbox: Sandbox) -> Iterator[str]:
    """Where notification-controller tells its own metrics."""
    (port,) = free_ports(1)
    sandbox.cluster.restart("notification-controller", flags=(f"--metrics-addr=127.0.0.1:{port}",))
    yield f"http://127.0.0.1:{port}/metrics"
    sandbox.cluster.restart("notification-controller", flags=())


@pytest.fixture(scope="class")
def chain(sandbox: Sandbox, metrics_of_controller: str) -> Iterator[Chain]:
    """A webhook, its Receiver and its source; nothing applies that."""
    with Chain(sandbox, NAME, applied_by="", own_ingress=True) as chain:
        chain.start()
        yield chain


@pytest.fixture(scope="class")
def watching(chain: Chain) -> Iterator[Watching]:
    """The command with the rights of the manifest; nothing it says may hold a secret."""
    kubeconfig = chain.sandbox.cluster.kubeconfig_for(READER, rules(), namespace=None)
    watching = Watching(chain, kubeconfig)
    try:
        yield watching
        code, said = watching.end()
    finally:
        end_group(watching.process)
        watching.process.communicate()
    leaks = Leaks()
    leaks.know_token(chain.token)
    leaks.know_token(watching.token)
    for path in chain.known_paths:
        leaks.know_path(path)
    leaks.read("what it said", said)
    for text in set(watching.texts):
        leaks.read("a page", text)
    assert (0, []) == (code, leaks.found()), said
    assert "Traceback" not in said
    assert UNKNOWN_PATH not in said


def _up(samples: Samples) -> float | None:
    return value(samples, "fluxhooks_up", chain=CHAIN)


class TestMonitor:
    def test_a_whole_chain_is_told_as_one(self, watching: Watching, chain: Chain) -> None:
        """Every metric that can be known is there; only real answers have statuses and ages."""
        samples = watching.until(
            lambda found: (
                None not in (_up(found), value(found, "fluxhooks_chain_seen_timestamp_seconds"))
            )
        )

        def of(name: str, **labels: str) -> float | None:
            return value(samples, f"fluxhooks_{name}", **labels)

        assert (1, 1) == (of("up", chain=CHAIN), of("chain_ok", chain=CHAIN))
        assert set() == labelled(samples, "fluxhooks_findings", "fault")
        assert {"control": 404, "unsigned": 400, "signed": 200} == {
            request: of("probe_status", request=request)
            for request in ("control", "unsigned", "signed")
        }
        assert 0 < (of("probe_duration_seconds", request="signed") or 0) < 10
        assert time.time() + 3600 < (of("certificate_expiry_timestamp_seconds") or 0)
        assert time.time() - 600 < (of("last_good_delivery_timestamp_seconds") or 0) < time.time()
        assert 200 == of("last_delivery_status")
        assert {"cluster": 1, "github": 1} == {
            source: of("source_up", source=source) for source in ("cluster", "github")
        }
        assert 0 < (of("forge_requests_left", forge="github") or 0) < 5000
        assert {"ok", "absent"} >= labelled(samples, "fluxhooks_link_state", "state")
        assert {name for name, _ in samples} <= {metric.name for metric in METRICS}
        assert (200, 200) == tuple(
            watching.get(path).status_code for path in ("/healthz", "/readyz")
        )

    def test_its_own_requests_are_told_apart_in_the_controllers_metrics(
        self, watching: Watching, metrics_of_controller: str
    ) -> None:
        """What must be refused are GETs there; only a real controller shows its labels."""
        watching.look("probe")
        counted = scraped(httpx.get(metrics_of_controller, trust_env=False).text)
        by_method: dict[str, set[str]] = {}
        for name, has in counted:
            if name == "gotk_receiver_http_request_duration_seconds_count":
                labels = dict(has)
                by_method.setdefault(labels["method"], set()).add(labels["code"])

        assert {"400", "404"} <= by_method["GET"]
        assert "200" in by_method["POST"]
        assert set() == by_method["POST"] & {"400", "404"}

    def test_what_is_broken_at_the_forge_is_a_finding_until_it_is_mended(
        self, watching: Watching, chain: Chain
    ) -> None:
        """The public URL is as good as before."""
        chain.webhook.edit(json=False)
        try:
            broken = watching.until(lambda found: value(found, "fluxhooks_chain_ok") == 0)
        finally:
            chain.webhook.edit(json=True, secret=chain.token)
        mended = watching.until(lambda found: value(found, "fluxhooks_chain_ok") == 1)

        assert 1 == value(
            broken,
            "fluxhooks_findings",
            chain=CHAIN,
            link="webhook",
            fault="webhook-form",
            breaks="true",
        )
        assert (1, set()) == (_up(broken), labelled(mended, "fluxhooks_findings", "fault"))

    def test_a_receiver_that_does_not_answer_is_down_until_it_does(
        self, watching: Watching, chain: Chain
    ) -> None:
        """Suspended, it answers 503."""
        chain.patch("Receiver", suspend=True)
        try:
            down = watching.until(lambda found: _up(found) == 0)
        finally:
            chain.patch("Receiver", suspend=None)
        watching.until(lambda found: _up(found) == 1)

        assert 503 == value(down, "fluxhooks_probe_status", request="unsigned")
        assert value(down, "fluxhooks_probe_status", request="signed") is None

    def test_a_forge_in_an_outage_is_asked_ever_less_and_what_was_known_stays(
        self, watching: Watching, chain: Chain
    ) -> None:
        """One request, then silence, then one more: however often it is looked meanwhile."""
        before = watching.until(
            lambda found: (
                value(found, "fluxhooks_source_up", source="github") == 1
                and value(found, "fluxhooks_chain_ok") == 1
            )
        )
        began = time.monotonic()
        outage = chain.sandbox.github.faults.respond(500, times=None)
        try:
            watching.until(lambda found: value(found, "fluxhooks_source_up", source="github") == 0)
            for _ in range(2):
                during = watching.look("doctor")
            hits, took = outage.hits, time.monotonic() - began
        finally:
            chain.sandbox.github.faults.clear()
        after = watching.until(
            lambda found: value(found, "fluxhooks_source_up", source="github") == 1
        )

        # Left alone for 2, 4, 8 s and so on, while a look comes every 2 s.
        assert 2 * (2 ** (hits - 1) - 1) <= took
        kept = (
            "fluxhooks_chain_ok",
            "fluxhooks_last_delivery_status",
            "fluxhooks_last_good_delivery_timestamp_seconds",
        )
        assert [value(before, name) for name in kept] == [value(during, name) for name in kept]
        ages = [
            value(samples, "fluxhooks_source_seen_timestamp_seconds", source="github") or 0.0
            for samples in (before, during, after)
        ]
        assert ages[0] <= ages[1] < ages[2]
        assert 1 == _up(during)
        assert 0 == value(during, "fluxhooks_look_ok", look="doctor")
        assert time.time() - SECONDS < (
            value(during, "fluxhooks_forge_left_alone_until_timestamp_seconds") or 0
        )
        assert 0 == value(after, "fluxhooks_forge_left_alone_until_timestamp_seconds")

    def test_without_the_api_server_nothing_is_forgotten_and_nothing_is_up(
        self, watching: Watching, chain: Chain
    ) -> None:
        """The real controller reads the Secret at each delivery, and refuses what it cannot."""
        before = watching.until(lambda found: _up(found) == 1)
        chain.sandbox.cluster.stop("kube-apiserver")
        try:
            watching.until(lambda found: _up(found) == 0)
            watching.until(lambda found: value(found, "fluxhooks_source_up", source="cluster") == 0)
            during = watching.look("doctor")
            pages = [watching.get(path).status_code for path in ("/healthz", "/readyz")]
        finally:
            chain.sandbox.cluster.start("kube-apiserver")
        after = watching.until(
            lambda found: (
                _up(found) == 1 and value(found, "fluxhooks_source_up", source="cluster") == 1
            )
        )

        assert [200, 200] == pages
        kept = ("fluxhooks_chain_ok", "fluxhooks_chain_info", "fluxhooks_last_delivery_status")
        assert [value(before, name) for name in kept] == [value(during, name) for name in kept]
        seen = [
            value(samples, "fluxhooks_chain_seen_timestamp_seconds") or 0.0
            for samples in (before, during, after)
        ]
        assert seen[0] <= seen[1] <= seen[2]
        assert 1 == value(after, "fluxhooks_chain_ok")

    def test_it_only_reads(self, watching: Watching, chain: Chain) -> None:
        """With the rights of the manifest, and at the forge as well."""
        cluster = chain.sandbox.cluster
        asked = {request.verb for request in cluster.requests_of(READER)}
        objects = chain.status("GitRepository"), chain.get("GitRepository").metadata.annotations
        watching.look("probe")
        watching.look("doctor")

        assert {"get", "list"} == asked
        assert objects == (
            chain.status("GitRepository"),
            chain.get("GitRepository").metadata.annotations,
        )
