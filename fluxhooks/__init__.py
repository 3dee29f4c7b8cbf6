"""Webhook receivers for Flux with Pulumi: provisioned in one step, proved, rotated without loss."""

from fluxhooks.components.alert_args import (
    AlertProviderArgs,
    EventSource,
    GitHubAppArgs,
    ReceiverAlertsArgs,
)
from fluxhooks.components.args import (
    GcrArgs,
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
from fluxhooks.components.receiver_alerts import ReceiverAlerts
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
    SettingError,
    VerificationError,
)
from fluxhooks.flux.alert_providers import AlertProviderType, AlertSeverity
from fluxhooks.flux.receiver_types import ReceiverType
from fluxhooks.flux.schedule import generation_for

__all__ = [
    "AlertProviderArgs",
    "AlertProviderType",
    "AlertSeverity",
    "ArgumentError",
    "CatchUpError",
    "EventSource",
    "FluxhooksError",
    "GcrArgs",
    "GitHubAppArgs",
    "GitHubArgs",
    "GitLabArgs",
    "IncompleteUpdateError",
    "LockedError",
    "ObservationError",
    "OidcProvider",
    "OidcValidation",
    "OidcVariable",
    "PathMismatchError",
    "PulumiError",
    "ReceiverAlerts",
    "ReceiverAlertsArgs",
    "ReceiverNotProvedError",
    "ReceiverNotReadyError",
    "ReceiverType",
    "RefusedError",
    "ResourceRef",
    "ScheduleArgs",
    "SettingError",
    "TokenStoreArgs",
    "VerificationError",
    "WebhookReceiver",
    "WebhookReceiverArgs",
    "generation_for",
]
