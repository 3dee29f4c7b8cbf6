"""Webhook receivers for Flux with Pulumi: provisioned in one step, proved, rotated without loss."""

from fluxhooks.components.alert_args import (
    AlertProviderArgs,
    EventSource,
    GitHubAppArgs,
    ReceiverAlertsArgs,
)
from fluxhooks.components.args import (
    GcrArgs,
    GiteaArgs,
    GitHubArgs,
    GitLabArgs,
    OidcProvider,
    OidcValidation,
    OidcVariable,
    ResourceRef,
    ScheduleArgs,
    TokenStoreArgs,
    WebhookReceiverArgs,
)
from fluxhooks.components.monitor.args import (
    AlertRulesArgs,
    BlackboxArgs,
    ProbeJobArgs,
    ReceiverMonitorArgs,
)
from fluxhooks.components.receiver_alerts import ReceiverAlerts
from fluxhooks.components.receiver_monitor import ReceiverMonitor
from fluxhooks.components.receiver_route import ReceiverRoute
from fluxhooks.components.route.args import (
    GatewayArgs,
    IngressArgs,
    NetworkPolicyArgs,
    ReceiverRouteArgs,
)
from fluxhooks.components.webhook_receiver import WebhookReceiver
from fluxhooks.errors import (
    ArgumentError,
    CatchUpError,
    FluxhooksError,
    IncompleteUpdateError,
    LockedError,
    ObservationError,
    PathMismatchError,
    PulumiError,
    ReceiverNotProvedError,
    ReceiverNotReadyError,
    RefusedError,
    RouteNotAcceptedError,
    SettingError,
    VerificationError,
)
from fluxhooks.flux.alert_providers import AlertProviderType, AlertSeverity
from fluxhooks.flux.receiver_types import ReceiverType
from fluxhooks.flux.schedule import generation_for

__all__ = [
    "AlertProviderArgs",
    "AlertProviderType",
    "AlertRulesArgs",
    "AlertSeverity",
    "ArgumentError",
    "BlackboxArgs",
    "CatchUpError",
    "EventSource",
    "FluxhooksError",
    "GatewayArgs",
    "GcrArgs",
    "GitHubAppArgs",
    "GitHubArgs",
    "GitLabArgs",
    "GiteaArgs",
    "IncompleteUpdateError",
    "IngressArgs",
    "LockedError",
    "NetworkPolicyArgs",
    "ObservationError",
    "OidcProvider",
    "OidcValidation",
    "OidcVariable",
    "PathMismatchError",
    "ProbeJobArgs",
    "PulumiError",
    "ReceiverAlerts",
    "ReceiverAlertsArgs",
    "ReceiverMonitor",
    "ReceiverMonitorArgs",
    "ReceiverNotProvedError",
    "ReceiverNotReadyError",
    "ReceiverRoute",
    "ReceiverRouteArgs",
    "ReceiverType",
    "RefusedError",
    "ResourceRef",
    "RouteNotAcceptedError",
    "ScheduleArgs",
    "SettingError",
    "TokenStoreArgs",
    "VerificationError",
    "WebhookReceiver",
    "WebhookReceiverArgs",
    "generation_for",
]
