"""`fluxhooks monitor` beside a real chain, which is broken in several ways while it looks."""

import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from lightkube.models.meta_v1 import ObjectMeta

from fluxhooks.flux.hook_path import UNKNOWN_PATH
from fluxhooks.observe.monitoring.metrics import METRICS
from sandbox.cluster.ports import free_ports
from sandbox.sandbox import REPOSITORY, Sandbox
from tests.cluster.test_alerts import Alert, Provider
from tests.evaluation import firing
from tests.leaks import Leaks
from tests.matrix.chain import Chain
from tests.watching import SECONDS, Samples, Watching, labelled, scraped, value

UNDELIVERED = "fluxhooks_alert_undelivered_timestamp_seconds"

NAME = "monitored"
CHAIN = f"{NAME}/app"
READER = "monitor"

SCRAPE_EVERY = 2.0
"""Seconds; the monitor, which asks every 30 s by itself, asks every second here."""

WELL, REFUSED = 15, 8
"""How many scrapes are made while all is well, and while deliveries are refused."""


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
    # Its objects are compared at the end, those of the appliers' kinds too.
    sandbox.cluster.add_controller("kustomize-controller")
    sandbox.cluster.add_controller("helm-controller")
    with Chain(sandbox, NAME, applied_by="", own_ingress=True) as chain:
        chain.start()
        yield chain


@pytest.fixture(scope="class")
def watching(chain: Chain) -> Iterator[Watching]:
    """The command with the rights of the manifest; nothing it says may hold a secret."""
    kubeconfig = chain.sandbox.cluster.kubeconfig_for(READER, rules(), namespace=None)
    sandbox = chain.sandbox
    token = sandbox.github.issue_token(webhooks="read")
    watching = Watching(
        *("--cluster", "--namespace", NAME, "--host", chain.ingress.host),
        environment={
            **sandbox.environment(sandbox.directory),
            "KUBECONFIG": str(kubeconfig),
            "GITHUB_TOKEN": token,
        },
    )
    try:
        yield watching
        code, said = watching.end()
    finally:
        watching.close()
    leaks = Leaks()
    leaks.know_token(chain.token)
    leaks.know_token(token)
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

    def test_its_own_requests_and_those_of_probes_raise_no_alert(
        self,
        watching: Watching,
        chain: Chain,
        metrics_of_controller: str,
        promtool: Path,
        tmp_path: Path,
    ) -> None:
        """Nobody evaluates rules as Prometheus does but Prometheus; the metrics are real.

        Two of the monitor's rounds lie between two scrapes, as with its own and with Prometheus's
        defaults. To show that something would be found, some deliveries are refused then.
        """
        chain.push()
        watching.until(lambda found: value(found, "fluxhooks_chain_ok") == 1)
        scrapes: list[Samples] = []
        began = time.time()

        def scrape() -> None:
            time.sleep(max(0.0, began + len(scrapes) * SCRAPE_EVERY - time.time()))
            controller = httpx.get(metrics_of_controller, trust_env=False).text
            scrapes.append(scraped(controller) | watching.scrape())

        def alerts() -> set[str]:
            return firing(
                scrapes,
                began=began,
                every=SCRAPE_EVERY,
                promtool=promtool,
                directory=tmp_path,
            )

        with subprocess.Popen(
            [
                str(Path(sys.executable).with_name("fluxhooks")),
                *("probe", "--cluster", "--namespace", NAME, "--host", chain.ingress.host),
            ],
            env=chain.sandbox.environment(chain.sandbox.directory),
            stdout=subprocess.DEVNULL,
        ) as probe:
            for _ in range(WELL):
                scrape()
        silent = alerts()
        for _ in range(REFUSED):
            answer = httpx.post(
                f"{chain.ingress.url}{chain.known_paths[-1]}",
                headers={"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=0"},
                json={},
                verify=ssl.create_default_context(cafile=chain.ingress.ca_file),
                trust_env=False,
            )
            assert 400 == answer.status_code
            scrape()

        assert 0 == probe.returncode
        assert set() == silent
        assert {"FluxReceiverRefuses"} == alerts()

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

    def test_an_alert_that_cannot_be_sent_is_told(self, watching: Watching, chain: Chain) -> None:
        """A push tells an Alert whose Provider nobody answers for; its address is told nowhere."""
        meta = ObjectMeta(name="unheard", namespace=NAME)
        # Nobody listens there, and nobody may.
        address = "http://127.0.0.1:1/services/only-flux-knows"
        chain.client.create(
            Provider(metadata=meta, spec={"type": "generic", "address": address, "timeout": "1s"})
        )
        chain.client.create(
            Alert(
                metadata=meta,
                spec={
                    "eventSeverity": "info",
                    "eventSources": [{"kind": "GitRepository", "name": "*"}],
                    "providerRef": {"name": "unheard"},
                },
            )
        )
        before = value(watching.scrape(), UNDELIVERED)
        try:
            # The controller may not know the two yet when the first event comes.
            for _ in range(5):
                chain.push()
                after = watching.look("doctor")
                if value(after, UNDELIVERED, alert=f"{NAME}/unheard") is not None:
                    break
        finally:
            chain.client.delete(Alert, "unheard", namespace=NAME)
            chain.client.delete(Provider, "unheard", namespace=NAME)

        assert before is None
        told = value(after, UNDELIVERED, alert=f"{NAME}/unheard")
        assert told is not None
        assert time.time() - SECONDS < told <= time.time() + 1
        assert 1 == value(after, "fluxhooks_look_ok", look="doctor")
        assert [] == [text for text in watching.texts if "only-flux-knows" in text]

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
