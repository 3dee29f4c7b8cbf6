"""What watches the webhook receivers: alert rules, a scheduled probe, a Probe of the host."""

from typing import Final

import pulumi

from fluxhooks.components.autonaming import check_autonaming
from fluxhooks.components.monitor.args import ReceiverMonitorArgs
from fluxhooks.components.monitor.checks import check_args
from fluxhooks.components.monitor.objects import (
    blackbox_probe,
    pod_monitor,
    probe_job,
    prometheus_rule,
)

_TYPES: Final = (
    "kubernetes:monitoring.coreos.com/v1:PodMonitor",
    "kubernetes:monitoring.coreos.com/v1:Probe",
    "kubernetes:monitoring.coreos.com/v1:PrometheusRule",
    "kubernetes:batch/v1:CronJob",
)


class ReceiverMonitor(pulumi.ComponentResource):
    """What tells somebody when deliveries are not taken any more.

    Alerts through Flux itself say nothing then. So: rules for Prometheus on what
    notification-controller counts and on the metrics of `fluxhooks monitor`; for those without
    Prometheus a CronJob with the signed probe; and a Probe of the host for a blackbox exporter.
    None of their requests reconciles anything or raises one of these alerts.
    """

    rule_name: pulumi.Output[str]
    """The name of the PrometheusRule; "" where none is made."""

    cron_job_name: pulumi.Output[str]
    """The name of the CronJob; "" where none is made."""

    def __init__(
        self,
        name: str,
        args: ReceiverMonitorArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare what is to watch.

        Args:
            name: the component's name; Kubernetes objects are named after it.
            args: see ReceiverMonitorArgs.
            opts: options of the component.

        Raises:
            ArgumentError: an argument cannot work; nothing is registered then.
            SettingError: pulumi:autonaming cannot work; the same.
        """
        check_autonaming(pulumi.Config("pulumi").get_object("autonaming"), types=_TYPES)
        checked = check_args(name, args)
        super().__init__("fluxhooks:index:ReceiverMonitor", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.rule_name = self.cron_job_name = pulumi.Output.from_input("")
        if checked.alert_rules is not None:
            rule = prometheus_rule(name, checked.alert_rules, opts=child)
            self.rule_name = rule.metadata["name"]
            if checked.alert_rules.scrape:
                pod_monitor(name, checked.alert_rules, namespace=checked.namespace, opts=child)
        if checked.probe_job is not None:
            job = probe_job(name, checked.probe_job, namespace=checked.namespace, opts=child)
            self.cron_job_name = job.metadata["name"]
        if checked.blackbox is not None:
            blackbox_probe(name, checked.blackbox, opts=child)
        self.register_outputs({"cron_job_name": self.cron_job_name, "rule_name": self.rule_name})
