"""ReceiverAlerts: who is told when what a Receiver reconciles fails, or what became of a commit."""

import pulumi

from fluxhooks.components.alert_args import ReceiverAlertsArgs
from fluxhooks.components.alert_checks import CheckedAlerts, CheckedProvider, check_alerts
from fluxhooks.components.kubernetes import Alert, Provider, ProviderSecret
from fluxhooks.components.token import name_in
from fluxhooks.flux.alert_providers import ALERT_PROVIDERS
from fluxhooks.flux.labels import object_labels


class ReceiverAlerts(pulumi.ComponentResource):
    """Flux's Provider and Alert, for the sources of Receivers and for what applies them.

    With `second`, another Provider and another Alert send the same elsewhere, and nothing but the
    controller is common to both.
    """

    provider_name: pulumi.Output[str]
    """The Provider's name in the cluster."""

    alert_name: pulumi.Output[str]
    """The Alert's name in the cluster; the controller's events about failed dispatches name it."""

    secret_name: pulumi.Output[str]
    """The name of the Provider's Secret in the cluster; "" where it has none."""

    second_provider_name: pulumi.Output[str]
    """The same of the second Provider; "" where there is none."""

    second_alert_name: pulumi.Output[str]
    """The same of the second Alert; "" where there is none."""

    second_secret_name: pulumi.Output[str]
    """The same of the second Provider's Secret; "" where there is none."""

    def __init__(
        self,
        name: str,
        args: ReceiverAlertsArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare them.

        Args:
            name: the component's name; Kubernetes objects are named after it.
            args: see ReceiverAlertsArgs.
            opts: options of the component. Providers, `depends_on` and `aliases` reach the
                children; `protect` and `retain_on_delete` do not reach a Secret that is replaced.

        Raises:
            ArgumentError: an argument cannot work; nothing is registered then.
        """
        checked = check_alerts(name, args)
        super().__init__("fluxhooks:index:ReceiverAlerts", name, {}, opts)
        first = _Sending(self, name, name, checked, checked.first)
        second = checked.second and _Sending(self, name, f"{name}-second", checked, checked.second)
        none = pulumi.Output.from_input("")
        self.provider_name, self.alert_name = first.provider_name, first.alert_name
        self.secret_name = first.secret_name
        self.second_provider_name = second.provider_name if second else none
        self.second_alert_name = second.alert_name if second else none
        self.second_secret_name = second.secret_name if second else none
        self.register_outputs(
            {
                "alert_name": self.alert_name,
                "provider_name": self.provider_name,
                "second_alert_name": self.second_alert_name,
                "second_provider_name": self.second_provider_name,
                "second_secret_name": self.second_secret_name,
                "secret_name": self.secret_name,
            }
        )


class _Sending:
    """A Provider with its Secret, and an Alert that names it.

    Attributes:
        provider_name, alert_name, secret_name: ``metadata.name`` of each; "" where there is no
            Secret.
    """

    def __init__(
        self,
        component: ReceiverAlerts,
        component_name: str,
        name: str,
        checked: CheckedAlerts,
        to: CheckedProvider,
    ) -> None:
        labels = object_labels(
            component_name, project=pulumi.get_project(), stack=pulumi.get_stack()
        )
        opts = pulumi.ResourceOptions(parent=component)
        # A parent's protect or retain_on_delete would keep what was replaced alive.
        replaced = pulumi.ResourceOptions(parent=component, protect=False, retain_on_delete=False)
        named = to.secret_name
        if to.secret:
            secret = ProviderSecret(
                f"{name}-provider",
                namespace=checked.namespace,
                labels=labels,
                contents=to.secret,
                opts=replaced,
            )
            named = name_in(secret.metadata, f"the Secret {name}-provider")
        provider = Provider(
            name,
            namespace=checked.namespace,
            labels=labels,
            spec={
                **to.spec,
                "channel": _channel(to),
                "secretRef": None if named is None else {"name": named},
            },
            opts=opts,
        )
        self.provider_name = name_in(provider.metadata, f"the Provider {name}")
        alert = Alert(
            name,
            namespace=checked.namespace,
            labels=labels,
            spec={**checked.spec, "providerRef": {"name": self.provider_name}},
            opts=opts,
        )
        self.alert_name = name_in(alert.metadata, f"the Alert {name}")
        self.secret_name = pulumi.Output.from_input("" if named is None else named)


def _channel(to: CheckedProvider) -> pulumi.Input[str] | None:
    channel: pulumi.Input[str] | None = to.spec["channel"]
    if channel is not None and ALERT_PROVIDERS[to.type].channel_is_secret:
        return pulumi.Output.secret(channel)
    return channel
