"""The arguments of a ReceiverMonitor: their types for every Pulumi language."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi


class AlertRulesArgs(TypedDict):
    """The alert rules, as a PrometheusRule (monitoring.coreos.com/v1)."""

    namespace: NotRequired[pulumi.Input[str]]
    """The namespace of the PrometheusRule; the monitor's when absent."""

    labels: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Labels by which the Prometheus operator finds rules, as in {"release":
    "kube-prometheus-stack"}; none when absent."""

    exporter: NotRequired[bool]
    """Whether `fluxhooks monitor` runs and is scraped: the rules on its metrics are there then,
    and say so where it is not; false when absent."""

    without: NotRequired[Sequence[str]]
    """Names of alerts that are left out; none when absent."""

    scrape: NotRequired[bool]
    """Whether a PodMonitor for notification-controller is made; false when absent, as one that is
    scraped twice is counted twice."""


class ProbeJobArgs(TypedDict):
    """A CronJob with the signed probe, for those without Prometheus.

    It changes and reconciles nothing. Where an answer is wrong its Job fails."""

    image: pulumi.Input[str]
    """The image with the command fluxhooks, as examples/monitoring/Dockerfile builds it."""

    host: pulumi.Input[str]
    """The public host of the Receivers, with a port where that is not 443; a ReceiverRoute's
    output host."""

    schedule: NotRequired[pulumi.Input[str]]
    """When it runs, as cron has it; "*/15 * * * *" when absent. Each run of each Receiver leaves
    a line in notification-controller's log, for the GET that it refuses."""

    receivers_namespace: NotRequired[pulumi.Input[str]]
    """The namespace whose Receivers are probed; the monitor's when absent."""

    secret_names: NotRequired[Sequence[pulumi.Input[str]]]
    """The Secrets it may read, all of these Receivers': the outputs secret_name of their
    WebhookReceivers. All Secrets of the namespace when absent."""

    image_pull_secrets: NotRequired[Sequence[pulumi.Input[str]]]
    """Names of Secrets with which the image is pulled; none when absent."""

    heartbeat_secret: NotRequired[pulumi.Input[str]]
    """The name of a Secret in the monitor's namespace that has, under the key url, what is called
    after each run in which all was well: the address of a service that alerts when it is not
    called. Whoever has no Prometheus would not be told of a Job that fails, or of one that never
    runs."""


class BlackboxArgs(TypedDict):
    """A Probe (monitoring.coreos.com/v1) of the public host, by a blackbox exporter.

    It asks for a path that no Receiver has and that must be answered 404: a Receiver's own path is
    a secret, and a Probe would publish it."""

    prober: pulumi.Input[str]
    """The blackbox exporter, as in "blackbox-exporter.monitoring:9115"."""

    host: pulumi.Input[str]
    """The public host, as a ReceiverRoute's output host."""

    module: NotRequired[pulumi.Input[str]]
    """The exporter's module, of the prober http, with valid_status_codes [404] and
    follow_redirects false; "http_404" when absent."""

    namespace: NotRequired[pulumi.Input[str]]
    """The namespace of the Probe; the monitor's when absent."""

    labels: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Labels by which the Prometheus operator finds Probes; none when absent."""


class ReceiverMonitorArgs(TypedDict):
    """The arguments of a ReceiverMonitor; at least one of alert_rules, probe_job and blackbox."""

    namespace: NotRequired[pulumi.Input[str]]
    """The namespace of what is made; "flux-system" when absent."""

    alert_rules: NotRequired[AlertRulesArgs]
    """Alert rules for Prometheus; none when absent."""

    probe_job: NotRequired[ProbeJobArgs]
    """A CronJob with the signed probe; none when absent."""

    blackbox: NotRequired[BlackboxArgs]
    """A Probe of the public host; none when absent."""
