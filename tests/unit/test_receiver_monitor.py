"""What a ReceiverMonitor registers, and what it refuses before it registers anything."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from google.protobuf import json_format

from fluxhooks import ArgumentError, ReceiverMonitor, SettingError
from fluxhooks.components.monitor.rules import EXPORTER
from fluxhooks.flux.hook_path import UNKNOWN_PATH
from tests.unit.program import Later, now
from tests.unit.recording_engine import RecordingEngine
from tests.unit.test_jobs import _parsed

HOST = "flux.example.com"
JOB = {"image": "registry.example.com/fluxhooks:1", "host": HOST}
PROBER = {"prober": "blackbox-exporter.monitoring:9115", "host": HOST}
LABELS = {
    "app.kubernetes.io/managed-by": "fluxhooks",
    "fluxhooks/component": "watch",
    "fluxhooks/stack": "fluxhooks.test",
}
MANIFEST = yaml.safe_load(
    (Path(__file__).parents[2] / "fluxhooks/components/monitor/alerts.yaml").read_text()
)
GROUPS = {group["name"]: group for group in MANIFEST["spec"]["groups"]}


def program(args: Any) -> Callable[[], None]:
    """Return a program that declares one monitor."""

    def declare() -> None:
        monitor = ReceiverMonitor("watch", now(args))
        pulumi.export("rule", monitor.rule_name)

    return declare


def registered(**args: Any) -> RecordingEngine:
    """Run the program against an engine."""
    return RecordingEngine().run(program(args))


def sent(engine: RecordingEngine, type_: str) -> dict[str, Any]:
    """Return the one object of a type, as it was sent."""
    (request,) = engine.of(type_)
    found: dict[str, Any] = json_format.MessageToDict(request.object)
    return found


def names(groups: list[dict[str, Any]]) -> list[str]:
    """Return the names of all alerts."""
    return [rule["alert"] for group in groups for rule in group["rules"]]


def test_the_rules_are_those_of_the_manifest() -> None:
    """Which is their only source; without an exporter, those on the controller's own metrics."""
    engine = registered(alert_rules={"labels": {"release": "kube-prometheus-stack"}})
    found = sent(engine, ":PrometheusRule")

    assert [GROUPS["notification-controller"]] == found["spec"]["groups"]
    assert {**LABELS, "release": "kube-prometheus-stack"} == found["metadata"]["labels"]
    assert "flux-system" == found["metadata"]["namespace"]
    assert {"cron_job_name": "", "rule_name": "watch-0a1b2c3d"} == engine.outputs["watch"]
    assert ["PrometheusRule", "ReceiverMonitor", "Stack"] == sorted(
        request.type.rpartition(":")[2] for request in engine.requests
    )


def test_with_an_exporter_its_rules_are_there_too() -> None:
    """Without one, those that miss it would fire for ever."""
    found = sent(registered(alert_rules={"exporter": True}), ":PrometheusRule")

    assert [GROUPS[name] for name in (*EXPORTER, "notification-controller")] == (
        found["spec"]["groups"]
    )


def test_alerts_that_are_not_wanted_are_left_out() -> None:
    """By name."""
    without = ["FluxReceiverSlow", "FluxReceiverTooLarge"]
    found = sent(registered(alert_rules={"without": without}), ":PrometheusRule")

    assert [
        name for name in names([GROUPS["notification-controller"]]) if name not in without
    ] == names(found["spec"]["groups"])


def test_a_probe_publishes_no_hook_path() -> None:
    """It asks for the one that no Receiver has, and brings its rules."""
    engine = registered(alert_rules={}, blackbox={**PROBER, "host": Later(HOST)})

    assert {
        "interval": "1m",
        "jobName": "fluxhooks-blackbox",
        "module": "http_404",
        "prober": {"url": "blackbox-exporter.monitoring:9115"},
        "targets": {"staticConfig": {"static": [f"https://{HOST}{UNKNOWN_PATH}"]}},
    } == sent(engine, ":Probe")["spec"]
    groups = sent(engine, ":PrometheusRule")["spec"]["groups"]
    assert [GROUPS["notification-controller"], GROUPS["fluxhooks-blackbox"]] == groups


def test_the_controller_is_scraped_where_that_is_asked_for() -> None:
    """At the port that Flux's manifest has."""
    found = sent(registered(alert_rules={"scrape": True, "namespace": "apps"}), ":PodMonitor")

    assert "apps" == found["metadata"]["namespace"]
    assert {
        "namespaceSelector": {"matchNames": ["flux-system"]},
        "podMetricsEndpoints": [{"port": "http-prom"}],
        "selector": {"matchLabels": {"app": "notification-controller"}},
    } == found["spec"]


def test_the_job_may_list_receivers_and_get_their_secrets_and_no_more() -> None:
    """Which Secrets, where they are named; only in the namespace of the Receivers."""
    engine = registered(
        namespace="watch", probe_job={**JOB, "receivers_namespace": "apps", "secret_names": ["a"]}
    )
    role, binding = sent(engine, ":Role"), sent(engine, ":RoleBinding")

    assert [
        {
            "apiGroups": ["notification.toolkit.fluxcd.io"],
            "resources": ["receivers"],
            "verbs": ["list"],
        },
        {"apiGroups": [""], "resourceNames": ["a"], "resources": ["secrets"], "verbs": ["get"]},
    ] == role["rules"]
    assert "apps" == role["metadata"]["namespace"] == binding["metadata"]["namespace"]
    assert {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "watch-0a1b2c3d"} == (
        binding["roleRef"]
    )
    assert [{"kind": "ServiceAccount", "name": "watch-0a1b2c3d", "namespace": "watch"}] == binding[
        "subjects"
    ]
    assert "watch" == sent(engine, ":ServiceAccount")["metadata"]["namespace"]


def test_without_names_all_secrets_of_the_namespace_may_be_read() -> None:
    """Those of Receivers that are made elsewhere have names that nobody knows here."""
    rules = sent(registered(probe_job=JOB), ":Role")["rules"]

    assert {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]} == rules[1]


def test_the_job_runs_a_command_that_exists() -> None:
    """With options it has; it changes nothing, and one run never meets the next."""
    engine = registered(probe_job={**JOB, "host": Later(HOST), "heartbeat_secret": "heartbeat"})
    spec = sent(engine, ":CronJob")["spec"]
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    verb, *arguments = container["args"]
    asked = _parsed(verb, arguments)

    assert ("probe", True, HOST, "flux-system", False) == (
        verb,
        *(asked[key] for key in ("cluster", "host", "namespace", "deliver")),
    )
    assert [
        {
            "name": asked["heartbeat_env"],
            "valueFrom": {"secretKeyRef": {"key": "url", "name": "heartbeat"}},
        }
    ] == container["env"]
    assert ("*/15 * * * *", "Forbid") == (spec["schedule"], spec["concurrencyPolicy"])
    assert ("Never", "watch-0a1b2c3d") == (pod["restartPolicy"], pod["serviceAccountName"])
    assert {
        "runAsGroup": 65532,
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    } == pod["securityContext"]
    assert "watch-0a1b2c3d" == engine.outputs["watch"]["cron_job_name"]


def test_nothing_is_called_unasked_and_the_image_is_pulled_as_said() -> None:
    """What is not given is not there."""
    args = {**JOB, "image_pull_secrets": ["registry"], "schedule": "@hourly"}
    spec = sent(registered(probe_job=args), ":CronJob")["spec"]
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]

    assert [{"name": "registry"}] == pod["imagePullSecrets"]
    assert "env" not in pod["containers"][0]
    assert "@hourly" == spec["schedule"]


def test_the_job_runs_when_it_may() -> None:
    """Its first run would fail otherwise."""
    (request,) = registered(probe_job=JOB).of(":CronJob")

    assert [urn for urn in request.dependencies if ":RoleBinding:" in urn]


def test_autonaming_that_is_disabled_is_refused() -> None:
    """The objects would have no names."""
    engine = RecordingEngine(config={"pulumi:autonaming": '{"mode": "disabled"}'})
    with pytest.raises(SettingError):
        engine.run(program({"alert_rules": {}}))

    assert [] == engine.of("ReceiverMonitor")


ALERTS = ", ".join(sorted(names(MANIFEST["spec"]["groups"])))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        pytest.param(
            {},
            "alert_rules: is missing, as are probe_job and blackbox, and nothing would be "
            'watched; give alert_rules {"labels": {"release": "kube-prometheus-stack"}}, or '
            'probe_job {"image": "registry.example.com/fluxhooks:1", "host": "flux.example.com"}',
            id="nothing",
        ),
        pytest.param(
            {"alert_rules": {"without": ["FluxReceiverSlo"]}},
            "alert_rules.without[0]: 'FluxReceiverSlo' is not an alert, did you mean "
            f"'FluxReceiverSlow'?; there are {ALERTS}",
            id="no such alert",
        ),
        pytest.param(
            {"alert_rules": {"without": names([GROUPS["notification-controller"]])}},
            "alert_rules.without: names all alerts there are; remove alert_rules instead",
            id="all alerts",
        ),
        pytest.param(
            {"alert_rules": {"without": "FluxReceiverSlow"}},
            "alert_rules.without: 'FluxReceiverSlow' is not a list of texts",
            id="no list",
        ),
        pytest.param(
            {"alert_rules": {"labels": {"release": 1}}},
            "alert_rules.labels['release']: 1 is not a text; labels are",
            id="a label that is no text",
        ),
        pytest.param(
            {"alert_rules": {"exporter": "yes"}},
            "alert_rules.exporter: 'yes' is not true or false",
            id="neither true nor false",
        ),
        pytest.param(
            {"rules": {}},
            "rules: is not an argument, did you mean 'alert_rules'?; known are alert_rules, "
            "blackbox, namespace, probe_job",
            id="no such argument",
        ),
        pytest.param(
            {"probe_job": {"image": "i"}},
            'probe_job.host: is missing; give {"image": "registry.example.com/fluxhooks:1", '
            '"host": "flux.example.com"}',
            id="no host",
        ),
        pytest.param(
            {"probe_job": {**JOB, "host": f"https://{HOST}"}},
            f"probe_job.host: 'https://{HOST}' is not a host such as 'flux.example.com'; give "
            "the bare host",
            id="a URL for a host",
        ),
        pytest.param(
            {"probe_job": {**JOB, "schedule": "15m"}},
            "probe_job.schedule: '15m' is not a schedule of five fields, such as '*/15 * * * *'",
            id="a schedule that is none",
        ),
        pytest.param(
            {"probe_job": {**JOB, "secret_names": ["A"]}},
            "probe_job.secret_names[0]: 'A' is not a Kubernetes name",
            id="a name that is none",
        ),
        pytest.param(
            {"blackbox": {"host": HOST}},
            'blackbox.prober: is missing; give {"prober": "blackbox-exporter.monitoring:9115", '
            '"host": "flux.example.com"}',
            id="no prober",
        ),
        pytest.param(
            {"blackbox": {**PROBER, "prober": "http://x:1"}},
            "blackbox.prober: 'http://x:1' has a scheme; give host and port, as in "
            "'blackbox-exporter.monitoring:9115'",
            id="a URL for a prober",
        ),
    ],
)
def test_arguments_that_cannot_work_are_refused_before_anything_is_registered(
    args: Any, message: str
) -> None:
    """One error, with the argument, the value and the cure."""
    engine = RecordingEngine()
    with pytest.raises(ArgumentError) as caught:
        engine.run(program(args))

    assert message == str(caught.value)
    assert [] == engine.of("ReceiverMonitor")
