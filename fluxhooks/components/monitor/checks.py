"""Checks of a ReceiverMonitor's arguments, before anything is registered where a value is known."""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi

from fluxhooks.components.monitor.args import (
    AlertRulesArgs,
    BlackboxArgs,
    ProbeJobArgs,
    ReceiverMonitorArgs,
)
from fluxhooks.components.monitor.rules import alert_names, rule_groups
from fluxhooks.components.values import (
    ANYTHING,
    HOST,
    OBJECT_NAME,
    component_name,
    entry,
    label,
    listed,
    plain,
    suggestion,
    text,
    when_known,
)
from fluxhooks.errors import ArgumentError

# Five fields of what cron takes; the API server knows the rest.
_SCHEDULE: Final = re.compile(r"(TZ=\S+ |CRON_TZ=\S+ )?(@\w+|\S+( +\S+){4})")


@dataclass(frozen=True, kw_only=True)
class AlertRules:
    """The PrometheusRule; `groups` are those of its spec."""

    namespace: pulumi.Input[str]
    labels: Mapping[str, pulumi.Input[str]]
    groups: list[dict[str, Any]]
    scrape: bool


@dataclass(frozen=True, kw_only=True)
class ProbeJob:
    """The CronJob.

    Attributes:
        secret_names: the only ones it may read; empty for all of the namespace.
        heartbeat_secret: None where nothing is called.
    """

    image: pulumi.Input[str]
    host: pulumi.Input[str]
    schedule: pulumi.Input[str]
    receivers_namespace: pulumi.Input[str]
    secret_names: tuple[pulumi.Input[str], ...]
    image_pull_secrets: tuple[pulumi.Input[str], ...]
    heartbeat_secret: pulumi.Input[str] | None


@dataclass(frozen=True, kw_only=True)
class Blackbox:
    """The Probe."""

    prober: pulumi.Input[str]
    host: pulumi.Input[str]
    module: pulumi.Input[str]
    namespace: pulumi.Input[str]
    labels: Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A ReceiverMonitor's arguments with defaults filled in; None for what is not made."""

    namespace: pulumi.Input[str]
    alert_rules: AlertRules | None
    probe_job: ProbeJob | None
    blackbox: Blackbox | None


def check_args(name: str, args: ReceiverMonitorArgs) -> Checked:
    """Return `args` checked and completed.

    Raises:
        ArgumentError: a known value cannot work.
    """
    values = entry("args", args, ReceiverMonitorArgs)
    component_name(name)
    if not values.keys() & _EXAMPLES.keys():
        raise ArgumentError(
            "alert_rules",
            "is missing, as are probe_job and blackbox, and nothing would be watched; give "
            f"alert_rules {_EXAMPLES['alert_rules']}, or probe_job {_EXAMPLES['probe_job']}",
        )
    namespace = _label("namespace", values.get("namespace", "flux-system"))
    blackbox = _blackbox(values["blackbox"], namespace) if "blackbox" in values else None
    return Checked(
        namespace=namespace,
        alert_rules=_alert_rules(values["alert_rules"], namespace, blackbox is not None)
        if "alert_rules" in values
        else None,
        probe_job=_probe_job(values["probe_job"], namespace) if "probe_job" in values else None,
        blackbox=blackbox,
    )


_EXAMPLES: Final = {
    "alert_rules": '{"labels": {"release": "kube-prometheus-stack"}}',
    "blackbox": '{"prober": "blackbox-exporter.monitoring:9115", "host": "flux.example.com"}',
    "probe_job": '{"image": "registry.example.com/fluxhooks:1", "host": "flux.example.com"}',
}


def _alert_rules(value: Any, namespace: pulumi.Input[str], blackbox: bool) -> AlertRules:
    given = entry("alert_rules", value, AlertRulesArgs)
    known = list(alert_names())
    without = _texts("alert_rules.without", given.get("without", ()))
    for index, alert in enumerate(without):
        if alert not in known:
            raise ArgumentError(
                f"alert_rules.without[{index}]",
                f"{alert!r} is not an alert{suggestion(alert, known)}; there are {listed(known)}",
            )
    exporter = plain("alert_rules.exporter", given.get("exporter", False), bool)
    groups = rule_groups(exporter=exporter, blackbox=blackbox, without=without)
    if not groups:
        raise ArgumentError(
            "alert_rules.without", "names all alerts there are; remove alert_rules instead"
        )
    return AlertRules(
        namespace=_label("alert_rules.namespace", given.get("namespace", namespace)),
        labels=_labels("alert_rules.labels", given.get("labels", {})),
        groups=groups,
        scrape=plain("alert_rules.scrape", given.get("scrape", False), bool),
    )


def _probe_job(value: Any, namespace: pulumi.Input[str]) -> ProbeJob:
    given = entry("probe_job", value, ProbeJobArgs)
    _required("probe_job", given, ProbeJobArgs.__required_keys__)
    heartbeat = given.get("heartbeat_secret")
    return ProbeJob(
        image=_image(given["image"]),
        host=_host("probe_job.host", given["host"]),
        schedule=when_known(given.get("schedule", "*/15 * * * *"), _schedule),
        receivers_namespace=_label(
            "probe_job.receivers_namespace", given.get("receivers_namespace", namespace)
        ),
        secret_names=_names("probe_job.secret_names", given.get("secret_names", ())),
        image_pull_secrets=_names(
            "probe_job.image_pull_secrets", given.get("image_pull_secrets", ())
        ),
        heartbeat_secret=None
        if heartbeat is None
        else when_known(heartbeat, functools.partial(_name, "probe_job.heartbeat_secret")),
    )


def _blackbox(value: Any, namespace: pulumi.Input[str]) -> Blackbox:
    given = entry("blackbox", value, BlackboxArgs)
    _required("blackbox", given, BlackboxArgs.__required_keys__)
    return Blackbox(
        prober=when_known(given["prober"], _prober),
        host=_host("blackbox.host", given["host"]),
        module=when_known(
            given.get("module", "http_404"),
            lambda v: text("blackbox.module", v, ANYTHING, "is not the name of a module"),
        ),
        namespace=_label("blackbox.namespace", given.get("namespace", namespace)),
        labels=_labels("blackbox.labels", given.get("labels", {})),
    )


def _required(path: str, given: Mapping[str, Any], keys: frozenset[str]) -> None:
    for key in sorted(keys):
        if key not in given:
            raise ArgumentError(f"{path}.{key}", f"is missing; give {_EXAMPLES[path]}")


def _label(path: str, value: Any) -> Any:
    return when_known(value, functools.partial(label, path))


def _labels(path: str, value: Any) -> dict[str, pulumi.Input[str]]:
    def one(where: str, item: Any) -> str:
        if not isinstance(item, str):
            raise ArgumentError(where, f"{item!r} is not a text; labels are")
        return item

    return {
        str(key): when_known(item, functools.partial(one, f"{path}[{key!r}]"))
        for key, item in plain(path, value, Mapping).items()
    }


def _texts(path: str, value: Any) -> list[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ArgumentError(path, f"{value!r} is not a list of texts")
    return list(value)


def _names(path: str, value: Any) -> tuple[pulumi.Input[str], ...]:
    return tuple(
        when_known(item, functools.partial(_name, f"{path}[{index}]"))
        for index, item in enumerate(_texts(path, value))
    )


def _name(path: str, value: Any) -> str:
    return text(path, value, OBJECT_NAME, "is not a Kubernetes name")


def _host(path: str, value: Any) -> Any:
    cure = "is not a host such as 'flux.example.com'; give the bare host"
    return when_known(value, lambda given: text(path, given, HOST, cure))


def _image(value: Any) -> Any:
    cure = "is not an image, such as 'registry.example.com/fluxhooks:1'"
    return when_known(value, lambda given: text("probe_job.image", given, ANYTHING, cure))


def _prober(value: Any) -> str:
    if isinstance(value, str) and "://" in value:
        raise ArgumentError(
            "blackbox.prober", f"{value!r} has a scheme; give host and port, as in {_PROBER!r}"
        )
    return text("blackbox.prober", value, ANYTHING, f"is not host and port, as in {_PROBER!r}")


_PROBER: Final = "blackbox-exporter.monitoring:9115"


def _schedule(value: Any) -> str:
    cure = "is not a schedule of five fields, such as '*/15 * * * *'"
    return text("probe_job.schedule", value, _SCHEDULE, cure)
