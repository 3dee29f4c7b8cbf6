"""Every fault the doctor can name, the link it breaks, and what it means.

One table for the diagnosis, the exporter's label, the documentation and the fault matrix.
"""

from enum import Enum, StrEnum
from typing import Final


class Link(StrEnum):
    """What a push passes on its way, in this order."""

    WEBHOOK = "webhook"
    DELIVERY = "delivery"
    NETWORK = "network"
    INGRESS = "ingress"
    RECEIVER = "receiver"
    SOURCE = "source"
    APPLIER = "applier"
    CLUSTER = "cluster"


LINKS: Final = tuple(Link)


class Fault(Enum):
    """A fault: its name for machines, its link, what it means, and whether it stops deliveries.

    Those that stop nothing by themselves are warnings: they are told, and the walk goes on.
    """

    def __init__(self, label: str, link: Link, meaning: str, breaks: bool = True) -> None:
        self.label = label
        self.link = link
        self.meaning = meaning
        self.breaks = breaks

    # webhook: its settings at the forge
    WEBHOOK_MISSING = ("webhook-missing", Link.WEBHOOK, "the forge has no webhook that calls it")
    WEBHOOK_INACTIVE = ("webhook-inactive", Link.WEBHOOK, "the webhook is switched off")
    WEBHOOK_DISABLED = (
        "webhook-disabled",
        Link.WEBHOOK,
        "the forge has disabled the webhook after failures",
    )
    WEBHOOK_OTHER_HOST = ("webhook-other-host", Link.WEBHOOK, "the webhook calls another host")
    WEBHOOK_STALE_PATH = (
        "webhook-stale-path",
        Link.WEBHOOK,
        "the webhook calls a path that no Receiver serves",
    )
    WEBHOOK_OLD_GENERATION = (
        "webhook-old-generation",
        Link.WEBHOOK,
        "the webhook calls an older generation's Receiver",
    )
    WEBHOOK_OTHER_RECEIVER = (
        "webhook-other-receiver",
        Link.WEBHOOK,
        "the webhook calls the Receiver of something else",
    )
    WEBHOOK_URL_INEXACT = (
        "webhook-url-inexact",
        Link.WEBHOOK,
        "the webhook's URL has a query, a slash or a prefix too much",
    )
    WEBHOOK_NOT_HTTPS = ("webhook-not-https", Link.WEBHOOK, "the webhook calls http", False)
    WEBHOOK_TWIN = (
        "webhook-twin",
        Link.WEBHOOK,
        "a second webhook calls the same host on a path that no Receiver serves",
        False,
    )
    WEBHOOK_FORM = ("webhook-form", Link.WEBHOOK, "the webhook sends forms, not JSON")
    WEBHOOK_NO_SECRET = ("webhook-no-secret", Link.WEBHOOK, "the webhook has no secret")
    WEBHOOK_TLS_UNCHECKED = (
        "webhook-tls-unchecked",
        Link.WEBHOOK,
        "the webhook does not verify certificates",
        False,
    )
    WEBHOOK_EVENTS_MISSING = (
        "webhook-events-missing",
        Link.WEBHOOK,
        "the webhook does not send the event its sources need",
    )
    WEBHOOK_EVENTS_REFUSED = (
        "webhook-events-refused",
        Link.WEBHOOK,
        "the webhook sends events that the Receiver refuses",
        False,
    )
    WEBHOOK_BRANCH_FILTER = (
        "webhook-branch-filter",
        Link.WEBHOOK,
        "the webhook's branch filter leaves the source's branch out",
    )

    # delivery: what the forge's log says, where nothing behind it explains it
    DELIVERY_SECRET_DIFFERS = (
        "delivery-secret-differs",
        Link.DELIVERY,
        "the forge signs with another secret than the Receiver has",
    )
    DELIVERY_EVENT_REFUSED = (
        "delivery-event-refused",
        Link.DELIVERY,
        "the Receiver refuses the event the forge sends",
    )
    DELIVERY_NO_CONNECTION = (
        "delivery-no-connection",
        Link.DELIVERY,
        "the forge gets no connection where this machine does",
    )
    DELIVERY_TIMED_OUT = ("delivery-timed-out", Link.DELIVERY, "the forge waited in vain")
    DELIVERY_TOO_LARGE = ("delivery-too-large", Link.DELIVERY, "a delivery was too large")
    DELIVERY_FAILED = (
        "delivery-failed",
        Link.DELIVERY,
        "the newest delivery failed, and nothing has made up for it",
    )
    DELIVERY_NOT_SENT = (
        "delivery-not-sent",
        Link.DELIVERY,
        "the forge has a newer commit and has sent nothing for it",
    )
    DELIVERY_THROTTLED = ("delivery-throttled", Link.DELIVERY, "the forge delays deliveries", False)

    # network: from a name to a connection with TLS
    DNS = ("dns", Link.NETWORK, "the host's name is not known")
    CONNECTION_REFUSED = ("connection-refused", Link.NETWORK, "nothing listens on the port")
    CONNECTION_TIMED_OUT = ("connection-timed-out", Link.NETWORK, "no connection comes about")
    UNREACHABLE = ("unreachable", Link.NETWORK, "there is no way to the host")
    CERTIFICATE_EXPIRED = ("certificate-expired", Link.NETWORK, "the certificate has expired")
    CERTIFICATE_NOT_YET_VALID = (
        "certificate-not-yet-valid",
        Link.NETWORK,
        "the certificate is not valid yet",
    )
    CERTIFICATE_OTHER_NAME = (
        "certificate-other-name",
        Link.NETWORK,
        "the certificate is for other names",
    )
    CERTIFICATE_UNTRUSTED = (
        "certificate-untrusted",
        Link.NETWORK,
        "nobody who is trusted signed the certificate",
    )
    CERTIFICATE_EXPIRES = (
        "certificate-expires",
        Link.NETWORK,
        "the certificate is about to expire",
        False,
    )
    NOT_TLS = ("not-tls", Link.NETWORK, "what listens there speaks no TLS")

    # ingress: from the connection to the controller
    REDIRECT = ("redirect", Link.INGRESS, "something in front redirects")
    LOGIN_REQUIRED = ("login-required", Link.INGRESS, "something in front wants a login")
    REFUSED_IN_FRONT = ("refused-in-front", Link.INGRESS, "something in front refuses")
    BODY_LIMIT = ("body-limit", Link.INGRESS, "something in front limits the size of bodies")
    RATE_LIMIT = ("rate-limit", Link.INGRESS, "something in front limits how often it is asked")
    WRONG_SERVICE = (
        "wrong-service",
        Link.INGRESS,
        "the ingress leads to the controller's port for events",
    )
    OTHER_BACKEND = ("other-backend", Link.INGRESS, "something else answers")
    PATH_CHANGED = (
        "path-changed",
        Link.INGRESS,
        "the path does not arrive at the controller as it was sent",
    )
    NO_BACKEND = ("no-backend", Link.INGRESS, "the ingress has no backend that answers")
    NO_ANSWER = ("no-answer", Link.INGRESS, "a connection comes about and no answer")

    # Receiver
    RECEIVER_MISSING = ("receiver-missing", Link.RECEIVER, "there is no such Receiver")
    RECEIVER_SUSPENDED = ("receiver-suspended", Link.RECEIVER, "the Receiver is suspended")
    SECRET_MISSING = ("secret-missing", Link.RECEIVER, "the Receiver's Secret is missing")
    SECRET_WITHOUT_TOKEN = (
        "secret-without-token",
        Link.RECEIVER,
        "the Receiver's Secret lacks a key, such as token",
    )
    TOKEN_EMPTY = ("token-empty", Link.RECEIVER, "the Receiver's token is empty")
    TOKEN_LINE_BREAK = ("token-line-break", Link.RECEIVER, "the Receiver's token has a line break")
    FILTER_INVALID = ("filter-invalid", Link.RECEIVER, "the resourceFilter is no valid CEL")
    FILTER_FAILS = ("filter-fails", Link.RECEIVER, "the resourceFilter fails on the deliveries")
    FILTER_REJECTS = (
        "filter-rejects",
        Link.RECEIVER,
        "the resourceFilter lets no delivery through",
    )
    PATH_STALE = (
        "path-stale",
        Link.RECEIVER,
        "the Receiver still serves the path of an earlier token",
    )
    RECEIVER_NOT_READY = ("receiver-not-ready", Link.RECEIVER, "the Receiver is not Ready")
    RECEIVER_NOT_RECONCILED = (
        "receiver-not-reconciled",
        Link.RECEIVER,
        "notification-controller has not seen the Receiver's newest version",
    )
    RECEIVER_OTHER_TYPE = (
        "receiver-other-type",
        Link.RECEIVER,
        "the Receiver's type is not that of its sender",
    )
    RECEIVER_EVENTS = (
        "receiver-events",
        Link.RECEIVER,
        "the Receiver refuses the event its sources need",
    )
    TARGET_MISSING = ("target-missing", Link.RECEIVER, "a target does not exist")
    TARGET_OTHER_KIND = (
        "target-other-kind",
        Link.RECEIVER,
        "a target exists as another kind only",
    )
    TARGET_OTHER_NAMESPACE = (
        "target-other-namespace",
        Link.RECEIVER,
        "a target is in another namespace, which the controller refuses",
    )
    TARGET_API_VERSION = (
        "target-api-version",
        Link.RECEIVER,
        "a target has no apiVersion, or another one than its kind",
    )
    TARGET_LABELS_MATCH_NONE = (
        "target-labels-match-none",
        Link.RECEIVER,
        "a target's labels match nothing",
    )
    TARGET_WITHOUT_LABELS = (
        "target-without-labels",
        Link.RECEIVER,
        "a target is named * and has no matchLabels",
    )
    TARGET_NEVER_FETCHES = (
        "target-never-fetches",
        Link.RECEIVER,
        "a target is of a kind that fetches nothing",
    )
    TARGET_IS_APPLIER = (
        "target-is-applier",
        Link.RECEIVER,
        "a target is an applier, which connects to nothing outside",
    )
    TARGET_NOT_PERMITTED = (
        "target-not-permitted",
        Link.RECEIVER,
        "notification-controller may not annotate a target",
    )

    # source
    SOURCE_SUSPENDED = ("source-suspended", Link.SOURCE, "the source is suspended")
    SOURCE_REFERENCE = (
        "source-reference",
        Link.SOURCE,
        "branch, tag, commit or name is not in the repository",
    )
    SOURCE_SEMVER = ("source-semver", Link.SOURCE, "no tag is in the range of versions")
    SOURCE_AUTHENTICATION = (
        "source-authentication",
        Link.SOURCE,
        "the repository refuses the source's credentials",
    )
    SOURCE_SECRET_MISSING = (
        "source-secret-missing",
        Link.SOURCE,
        "the source's Secret is missing",
    )
    SOURCE_NOT_FOUND = (
        "source-not-found",
        Link.SOURCE,
        "the repository does not exist, or is hidden from the source's credentials",
    )
    SOURCE_UNREACHABLE = ("source-unreachable", Link.SOURCE, "the repository cannot be reached")
    SOURCE_CERTIFICATE = (
        "source-certificate",
        Link.SOURCE,
        "the repository's certificate is not trusted",
    )
    SOURCE_FETCH_FAILED = ("source-fetch-failed", Link.SOURCE, "the source cannot be fetched")
    SOURCE_INVALID = ("source-invalid", Link.SOURCE, "the source is not valid as it is written")
    SOURCE_PINNED = ("source-pinned", Link.SOURCE, "the source is pinned to one commit or digest")
    SOURCE_OTHER_BRANCH = (
        "source-other-branch",
        Link.SOURCE,
        "the source follows another branch than what is pushed to",
        False,
    )
    SOURCE_IGNORES = (
        "source-ignores",
        Link.SOURCE,
        "the source's ignore rules leave nothing",
    )
    SOURCE_NOT_RECONCILED = (
        "source-not-reconciled",
        Link.SOURCE,
        "source-controller does not act on the source",
    )
    SOURCE_INTERVAL = (
        "source-interval",
        Link.SOURCE,
        "the source's interval makes no sense beside a webhook",
        False,
    )

    # applier
    APPLIER_NONE = ("applier-none", Link.APPLIER, "an applier names a source that does not exist")
    APPLIER_SUSPENDED = ("applier-suspended", Link.APPLIER, "the applier is suspended")
    APPLIER_DEPENDENCY = (
        "applier-dependency",
        Link.APPLIER,
        "what the applier depends on is not ready",
    )
    APPLIER_DEPENDENCY_MISSING = (
        "applier-dependency-missing",
        Link.APPLIER,
        "what the applier depends on does not exist",
    )
    APPLIER_PATH = ("applier-path", Link.APPLIER, "the applier's path is not in the source")
    APPLIER_BUILD = ("applier-build", Link.APPLIER, "what the applier builds is not valid")
    APPLIER_CHART = ("applier-chart", Link.APPLIER, "the HelmRelease's chart cannot be had")
    APPLIER_VALUES = (
        "applier-values",
        Link.APPLIER,
        "the HelmRelease's values cannot be put together",
    )
    APPLIER_RELEASE_FAILED = (
        "applier-release-failed",
        Link.APPLIER,
        "Helm could not install or upgrade the release",
    )
    APPLIER_UNHEALTHY = (
        "applier-unhealthy",
        Link.APPLIER,
        "what was applied does not become ready",
    )
    APPLIER_NOT_READY = ("applier-not-ready", Link.APPLIER, "the applier is not Ready")
    APPLIER_NOT_RECONCILED = (
        "applier-not-reconciled",
        Link.APPLIER,
        "the applier's controller does not act on the source's revision",
    )

    # cluster: the API server refuses what is applied
    CLUSTER_INVALID = ("cluster-invalid", Link.CLUSTER, "the API server finds an object not valid")
    CLUSTER_NO_SUCH_KIND = (
        "cluster-no-such-kind",
        Link.CLUSTER,
        "the cluster does not have an object's kind",
    )
    CLUSTER_FORBIDDEN = ("cluster-forbidden", Link.CLUSTER, "the applier may not write an object")
    CLUSTER_DENIED = ("cluster-denied", Link.CLUSTER, "admission denies an object")
    CLUSTER_NO_NAMESPACE = (
        "cluster-no-namespace",
        Link.CLUSTER,
        "an object's namespace is missing",
    )
    CLUSTER_IMMUTABLE = (
        "cluster-immutable",
        Link.CLUSTER,
        "a field that cannot be changed was changed",
    )
    CLUSTER_REFUSED = ("cluster-refused", Link.CLUSTER, "the API server refuses an object")
