"""The components that programs in every language can use."""

from typing import Final

import pulumi

from fluxhooks.components.receiver_alerts import ReceiverAlerts
from fluxhooks.components.receiver_monitor import ReceiverMonitor
from fluxhooks.components.receiver_route import ReceiverRoute
from fluxhooks.components.webhook_receiver import WebhookReceiver

COMPONENTS: Final[tuple[type[pulumi.ComponentResource], ...]] = (
    ReceiverAlerts,
    ReceiverMonitor,
    ReceiverRoute,
    WebhookReceiver,
)
"""In the order of the alphabet; the schema, and with it every SDK, is made of these."""
