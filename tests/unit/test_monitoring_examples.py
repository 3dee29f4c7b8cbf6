"""Alert rules, and dashboard and manifests of ``examples/monitoring``, held to what is exported."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from fluxhooks.flux.targets import APPLIERS, SOURCES
from fluxhooks.observe.monitoring.metrics import METRICS
from tests.unit.test_jobs import _parsed

_EXAMPLES = Path(__file__).parents[2] / "examples" / "monitoring"
_ALERTS = Path(__file__).parents[2] / "fluxhooks/components/monitor/alerts.yaml"
_DOCUMENTATION = Path(__file__).parents[2] / "docs" / "monitor.md"

# notification-controller's own, with the labels they have: github.com/slok/go-http-metrics v0.13,
# `metrics/prometheus`, with the prefix main.go gives it.
_RECEIVER_LABELS = {"code", "handler", "method", "service"}
_REQUESTS = {
    "gotk_receiver_http_request_duration_seconds_count": _RECEIVER_LABELS,
    "gotk_receiver_http_request_duration_seconds_bucket": {*_RECEIVER_LABELS, "le"},
}
_LABELS = {metric.name: set(metric.labels) for metric in METRICS} | _REQUESTS
# controller-runtime's own (pkg/internal/controller/metrics), and blackbox_exporter's, of which no
# panel is ours.
_OTHERS = {
    "controller_runtime_reconcile_errors_total": {"controller"},
    "controller_runtime_reconcile_total": {"controller", "result"},
    "probe_ssl_earliest_cert_expiry": {"instance", "job"},
    "probe_success": {"instance", "job"},
}
_KNOWN = _LABELS | _OTHERS


def _dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_EXAMPLES / "dashboard.json").read_text())
    return found


def _documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((_EXAMPLES / name).read_text()))


def _groups() -> list[dict[str, Any]]:
    return list(yaml.safe_load(_ALERTS.read_text())["spec"]["groups"])


def _alerts() -> list[dict[str, Any]]:
    return [rule for group in _groups() for rule in group["rules"]]


def _panels() -> list[dict[str, Any]]:
    return [panel for panel in _dashboard()["panels"] if panel["type"] != "row"]


def _expressions() -> Iterator[tuple[str, str]]:
    for alert in _alerts():
        yield alert["alert"], alert["expr"]
    for panel in _panels():
        for target in panel["targets"]:
            # What Grafana puts in.
            yield panel["title"], target["expr"].replace("$__rate_interval", "5m")


def _selectors(expression: str) -> list[promql_parser.VectorSelector]:
    found: list[promql_parser.VectorSelector] = []

    def see(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        elif isinstance(node, promql_parser.MatrixSelector):
            found.append(node.vector_selector)
        for name in ("expr", "lhs", "rhs", "param"):
            if (below := getattr(node, name, None)) is not None:
                see(below)
        for argument in getattr(node, "args", ()):
            see(argument)

    see(promql_parser.parse(expression))
    return found


@pytest.mark.parametrize(
    "expression",
    [pytest.param(text, id=f"{i} {name}") for i, (name, text) in enumerate(_expressions())],
)
def test_every_expression_is_promql_of_metrics_and_labels_that_exist(expression: str) -> None:
    """A name that nobody exports would be a panel without data, and an alert that never fires."""
    selectors = _selectors(expression)

    assert [] != selectors
    assert [] == [selector.name for selector in selectors if selector.name not in _KNOWN]
    assert [] == [
        f"{selector.name}: {matcher.name}"
        for selector in selectors
        for matcher in selector.matchers.matchers
        if matcher.name not in _KNOWN[str(selector.name)]
    ]


def test_what_is_not_there_would_be_found() -> None:
    """In an aggregation, in a range, and behind an operator."""
    names = [
        selector.name
        for selector in _selectors(
            "sum by (a) (rate(x{l='1'}[5m])) - (y or vector(0)) > clamp(z, 0, 1)"
        )
    ]

    assert ["x", "y", "z"] == names


def test_every_metric_is_in_a_panel() -> None:
    """Whoever has the dashboard sees all there is."""
    shown = {
        selector.name
        for panel in _panels()
        for target in panel["targets"]
        for selector in _selectors(target["expr"].replace("$__rate_interval", "5m"))
    }

    assert set() == set(_LABELS) - shown


def test_the_rules_are_a_rule_file() -> None:
    """https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/"""
    groups = _groups()
    names = [alert["alert"] for alert in _alerts()]

    assert all({"name", "rules"} == set(group) for group in groups)
    assert len(groups) == len({group["name"] for group in groups})
    assert len(names) == len(set(names)) > 10
    for alert in _alerts():
        assert {"alert", "expr", "for", "labels", "annotations"} >= set(alert)
        assert re.fullmatch(r"\d+[mhd]", alert.get("for", "1m"))
        assert {"severity"} == set(alert["labels"])
        assert alert["labels"]["severity"] in ("critical", "warning", "info")


@pytest.mark.parametrize("alert", [pytest.param(each, id=each["alert"]) for each in _alerts()])
def test_every_alert_says_what_it_means_and_what_to_do(alert: dict[str, Any]) -> None:
    """In labels that its expression keeps; the command is the first thing to run."""
    annotations = alert["annotations"]
    words = " ".join(annotations.values())
    kept = set(re.findall(r"\$labels\.(\w+)", words))
    outer = promql_parser.parse(alert["expr"])
    lost = isinstance(outer, promql_parser.AggregateExpr) and outer.modifier is None

    assert {"summary", "description", "runbook"} == set(annotations)
    assert (
        "fluxhooks doctor" in annotations["runbook"] or "fluxhooks rotate" in annotations["runbook"]
    )
    assert set() == kept - set().union(
        *(_KNOWN[str(selector.name)] for selector in _selectors(alert["expr"]))
    )
    assert not (lost and kept)


def test_the_commands_in_runbooks_exist() -> None:
    """With the options they are given."""
    words = " ".join(alert["annotations"]["runbook"] for alert in _alerts())
    commands = re.findall(r"fluxhooks ((?:doctor|probe|coverage|rotate)(?: --[a-z-]+)*)", words)

    assert {"coverage", "doctor", "probe", "rotate"} == {each.split()[0] for each in commands}
    for verb, *arguments in map(str.split, set(commands)):
        _parsed(verb, arguments)


def test_rules_on_the_controller_leave_the_monitors_own_requests_out() -> None:
    """Its GETs are answered 400 and 404, and its signed probes are POSTs, too."""
    for alert in _alerts():
        selectors = {
            str(selector.name): {
                matcher.name: matcher.value for matcher in selector.matchers.matchers
            }
            for selector in _selectors(alert["expr"])
        }
        counted = [name for name in selectors if name in _REQUESTS]
        assert all("POST" == selectors[name]["method"] for name in counted)
        # A probe is no 413, and as quick as others.
        if "code" in (
            given := selectors.get("gotk_receiver_http_request_duration_seconds_count", {})
        ):
            own = selectors.get("fluxhooks_probe_answers_total")
            assert given["code"] == "413" or own == {"request": "signed", "status": given["code"]}


def test_every_alert_has_a_case_in_which_it_fires() -> None:
    """Prometheus's own tool tries them, in tests/sandbox/test_alerts.py."""
    text = (_EXAMPLES / "alerts-test.yaml").read_text()

    assert {alert["alert"] for alert in _alerts()} == set(re.findall(r'alertname="(\w+)"', text))


def _lost(dashboard: dict[str, Any]) -> list[str]:
    """What Grafana's types do not know, and lose; what they add is their business."""
    register_default_plugins()
    read = json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder))

    def compare(ours: Any, theirs: Any, where: str) -> Iterator[str]:
        if isinstance(ours, dict) and isinstance(theirs, dict):
            for key, value in ours.items():
                yield from compare(value, theirs.get(key), f"{where}.{key}")
        elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
            for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
                yield from compare(one, other, f"{where}[{number}]")
        elif ours != theirs:
            yield where

    return list(compare(dashboard, read, ""))


def test_the_dashboard_has_only_what_grafana_knows() -> None:
    """Grafana's own types read it, and lose nothing of it."""
    assert [] == _lost(_dashboard())


def test_a_field_that_grafana_does_not_know_would_be_found() -> None:
    """Also among the options of one kind of panel."""
    dashboard = _dashboard()
    panel = next(panel for panel in dashboard["panels"] if panel["type"] == "stat")
    panel["options"]["colourMode"] = "none"

    assert [f".panels[{dashboard['panels'].index(panel)}].options.colourMode"] == _lost(dashboard)


def test_panels_lie_beside_each_other() -> None:
    """Each has an ID of its own, within the 24 columns, and none covers another."""
    panels = _dashboard()["panels"]
    taken: dict[tuple[int, int], int] = {}
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["id"]) == panel["id"]

    assert len(panels) == len({panel["id"] for panel in panels})
    assert all(panel["description"] for panel in _panels())


def test_the_dashboard_asks_the_data_source_that_is_chosen() -> None:
    """No panel knows that of another installation."""
    text = (_EXAMPLES / "dashboard.json").read_text()

    assert {"${datasource}"} == set(re.findall(r'"uid": "(\$?[^"]*)"', text)) - {"fluxhooks"}
    assert "__inputs" not in _dashboard()


def test_the_deployment_runs_the_command_with_options_it_has() -> None:
    """And is asked where it listens."""
    deployment, scraped = _documents("deployment.yaml")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    verb, *arguments = container["args"]
    asked = _parsed(verb, arguments)
    (port,) = container["ports"]

    assert ("monitor", True, "flux.example.com") == (verb, asked["cluster"], asked["host"])
    assert asked["listen"].endswith(f":{port['containerPort']}")
    assert {"/healthz", "/readyz"} == {
        container[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")
    }
    assert [port["name"]] == [each["port"] for each in scraped["spec"]["podMetricsEndpoints"]]
    assert (
        deployment["spec"]["template"]["metadata"]["labels"]
        == scraped["spec"]["selector"]["matchLabels"]
        == deployment["spec"]["selector"]["matchLabels"]
    )


def test_the_rights_are_to_read_and_no_more() -> None:
    """All kinds that are looked at; Secrets one by one, and only where Receivers are."""
    found = {
        (document["kind"], resource, verb)
        for document in _documents("rbac.yaml")
        for rule in document.get("rules", ())
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    kinds = ("Receiver", *SOURCES, *APPLIERS)
    plurals = [
        kind.lower().removesuffix("y") + ("ies" if kind[-1] == "y" else "s") for kind in kinds
    ]

    assert {
        *(("ClusterRole", plural, "list") for plural in plurals),
        ("ClusterRole", "events", "list"),
        ("ClusterRole", "namespaces", "get"),
        ("Role", "secrets", "get"),
    } == found


def test_the_page_names_every_metric_with_its_labels_and_meaning() -> None:
    """As it is exported."""
    rows = re.findall(
        r"^\| `(fluxhooks_\w+)` \| ([^|]*) \| ([^|]*) \|$", _DOCUMENTATION.read_text(), re.MULTILINE
    )

    assert [(metric.name, ", ".join(metric.labels), metric.meaning) for metric in METRICS] == [
        (name, labels.strip(), meaning.strip()) for name, labels, meaning in rows
    ]


def test_the_page_names_every_alert() -> None:
    """And no other."""
    text = _DOCUMENTATION.read_text()

    assert {alert["alert"] for alert in _alerts()} == set(
        re.findall(r"`((?:Fluxhooks|FluxReceiver)\w+)`", text)
    )
