"""Why a request did not get to the Receiver, and what cures it: said once for all who ask.

Source: notification-controller ``internal/server/receiver_handlers.go`` and ``event_handlers.go``
at v1.9; its answers to senders have no body, and its port for events answers 400 to an empty GET
of any path and 202 to what it takes for an event.
"""

import re
import urllib.parse
from enum import Enum
from typing import Final

from fluxhooks.observe.probing.replies import Failure, Reply


class Cause(Enum):
    """Why, each with its cure."""

    # No connection.
    NAME = "Is the host right, and its DNS record there?"
    REFUSED = "Nothing listens on that port: is the ingress running, and the port right?"
    NO_CONNECTION = (
        "A firewall drops it, or the load balancer has no backend: forges send from the internet."
    )
    UNREACHABLE = "Is there a route to the host, and does it take TLS for this name?"
    NO_TLS = "Is that the port for https? Without TLS the webhook's URL begins with http."

    # No certificate that is good for it.
    NOT_YET_VALID = "It is not valid yet: is the clock right?"
    EXPIRED = "It has expired: see why it was not renewed."
    OTHER_NAME = (
        "It is for other names: issue one for this host; an ingress shows its default one where "
        "it has none for a host."
    )
    OTHER_ADDRESS = "It is for other addresses: issue one for this host."
    NO_AUTHORITY = (
        "No authority that is trusted here signed it, or its intermediate certificates are not "
        "sent. SSL_CERT_FILE names an authority of your own; the forge must trust it too."
    )
    CERTIFICATE = "Forges refuse it too, unless they are told not to look."

    # A connection, and not the controller.
    NO_ANSWER = (
        "What listens there takes the request and is silent: is notification-controller running, "
        "and may the ingress reach it (NetworkPolicy)?"
    )
    CUT_OFF = "What listens there ends the connection: does it speak HTTP, and does its backend?"
    REDIRECT = (
        "No forge follows a redirect, and some count it as a success: nothing in front may "
        "redirect /hook/, or the webhook must call where it leads."
    )
    LOGIN = "Something in front wants a login: let /hook/ pass without one."
    FORBIDDEN = (
        "Something in front refuses: let /hook/ pass, for the addresses the forge sends from."
    )
    PROXY_LOGIN = "A proxy between here and the host wants a login."
    TOO_LARGE = "Something in front takes no body of this size."
    TOO_OFTEN = "Something in front limits how often it is asked; deliveries are lost so too."
    BAD_GATEWAY = (
        "The ingress has no working backend: is notification-controller running, and has the "
        "Service webhook-receiver an endpoint?"
    )
    NO_BACKEND = (
        "The ingress has no backend: is notification-controller running, and has the Service "
        "webhook-receiver an endpoint?"
    )
    SILENT_BACKEND = (
        "The backend is silent: may the ingress reach notification-controller (NetworkPolicy)?"
    )
    EVENTS_PORT = (
        "That is notification-controller's port for events: route the host to the Service "
        "webhook-receiver, not notification-controller."
    )
    ANYTHING_GOES = (
        "Something else answers there whatever the path: route /hook/ of the host to the Service "
        "webhook-receiver."
    )
    OTHER = "It must be the Service webhook-receiver that answers there."

    @property
    def cure(self) -> str:
        """What mends it, as sentences."""
        return self.value


def of_certificate(reply: Reply) -> Cause:
    """Return what is wrong with a certificate that was refused."""
    return _CERTIFICATES.get(reply.verify_code, Cause.CERTIFICATE)


def of_failure(failure: Failure, reply: Reply) -> Cause:
    """Return why no answer came."""
    return of_certificate(reply) if failure is Failure.CERTIFICATE else _FAILURES[failure]


def of_control(reply: Reply) -> Cause:
    """Return who answers a GET of a path that no Receiver has, where the controller does not."""
    if reply.status in (202, 400) and not reply.page:
        return Cause.EVENTS_PORT
    if reply.status is not None and 200 <= reply.status < 300:
        return Cause.ANYTHING_GOES
    return in_front(reply)


def in_front(reply: Reply) -> Cause:
    """Return what in front of the controller answered, or did not."""
    if reply.status is None:
        return of_failure(reply.failure or Failure.CUT_OFF, reply)
    if 300 <= reply.status < 400:
        return Cause.LOGIN if _leads_to_login(reply) else Cause.REDIRECT
    return _STATUSES.get(reply.status, Cause.OTHER)


def _leads_to_login(reply: Reply) -> bool:
    """Return whether a redirect looks like one to a page to sign in at, which returns to here."""
    parts = urllib.parse.urlsplit(reply.location)
    return bool(_LOGIN.search(f"{parts.netloc}{parts.path}")) or "hook" in parts.query


_LOGIN: Final = re.compile(
    r"\b(auth|authorize|login|oauth2?|openid-connect|saml2?|sign[-_]?in|sso)\b", re.IGNORECASE
)

_FAILURES: Final = {
    Failure.NAME: Cause.NAME,
    Failure.REFUSED: Cause.REFUSED,
    Failure.NO_CONNECTION: Cause.NO_CONNECTION,
    Failure.UNREACHABLE: Cause.UNREACHABLE,
    Failure.NO_TLS: Cause.NO_TLS,
    Failure.NO_ANSWER: Cause.NO_ANSWER,
    Failure.CUT_OFF: Cause.CUT_OFF,
}

# https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
_CERTIFICATES: Final = {
    9: Cause.NOT_YET_VALID,
    10: Cause.EXPIRED,
    18: Cause.NO_AUTHORITY,
    19: Cause.NO_AUTHORITY,
    20: Cause.NO_AUTHORITY,
    21: Cause.NO_AUTHORITY,
    62: Cause.OTHER_NAME,
    64: Cause.OTHER_ADDRESS,
}

_STATUSES: Final = {
    401: Cause.LOGIN,
    403: Cause.FORBIDDEN,
    407: Cause.PROXY_LOGIN,
    413: Cause.TOO_LARGE,
    429: Cause.TOO_OFTEN,
    502: Cause.BAD_GATEWAY,
    503: Cause.NO_BACKEND,
    504: Cause.SILENT_BACKEND,
}
