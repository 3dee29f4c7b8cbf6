"""Webhook receivers for Flux with Pulumi: provisioned in one step, proved, rotated without loss."""

from fluxhooks.components.args import GitHubArgs, ResourceRef, WebhookReceiverArgs
from fluxhooks.components.webhook_receiver import WebhookReceiver
from fluxhooks.errors import (
    ArgumentError,
    CatchUpError,
    FluxhooksError,
    IncompleteUpdateError,
    PathMismatchError,
    ReceiverNotProvedError,
    SettingError,
)
from fluxhooks.flux.receiver_types import ReceiverType

__all__ = [
    "ArgumentError",
    "CatchUpError",
    "FluxhooksError",
    "GitHubArgs",
    "IncompleteUpdateError",
    "PathMismatchError",
    "ReceiverNotProvedError",
    "ReceiverType",
    "ResourceRef",
    "SettingError",
    "WebhookReceiver",
    "WebhookReceiverArgs",
]
