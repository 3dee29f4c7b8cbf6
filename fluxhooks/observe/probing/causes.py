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
    NAME = "Make a DNS record for the host, or correct the host."
    REFUSED = "Start what must listen on that port (the ingress), or correct the port."
    NO_CONNECTION = (
        "Let the firewall pass the forge's addresses, and give the load balancer a backend: forges "
        "send from the internet."
    )
    UNREACHABLE = "Make a route to the host, and have it take TLS for this name."
    NO_TLS = "Serve https on that port; without TLS the webhook's URL must begin with http."

    # No certificate that is good for it.
    NOT_YET_VALID = "Issue it anew, by a clock that is right: it is not valid yet."
    EXPIRED = "Renew it, and see why it was not renewed."
    OTHER_NAME = (
        "Issue one for this host: an ingress shows its default one where it has none for a host."
    )
    OTHER_ADDRESS = "Issue one for this host: it is for other addresses."
    NO_AUTHORITY = (
        "Have it signed by an authority that the forge trusts, and send its intermediate "
        "certificates along. SSL_CERT_FILE names an authority of your own here."
    )
    CERTIFICATE = "Issue one that is valid: forges refuse it too, unless they are told not to look."

    # A connection, and not the controller.
    NO_ANSWER = (
        "See that notification-controller runs, and that the ingress may reach it (NetworkPolicy): "
        "what listens there takes the request and is silent."
    )
    CUT_OFF = (
        "See that what listens there speaks HTTP, and its backend too: it ends the connection."
    )
    REDIRECT = (
        "Let nothing in front redirect /hook/, or let the webhook call where it leads: no forge "
        "follows a redirect, and some count it as a success."
    )
    LOGIN = "Let /hook/ pass without a login: something in front wants one."
    FORBIDDEN = (
        "Let /hook/ pass, for the addresses the forge sends from: something in front refuses."
    )
    PROXY_LOGIN = "Give the proxy between here and the host its login."
    TOO_LARGE = "Let larger bodies pass: something in front takes none of this size."
    TOO_OFTEN = (
        "Leave /hook/ out of what limits how often the host is asked: deliveries are lost so too."
    )
    BAD_GATEWAY = (
        "Start notification-controller, and see that the Service webhook-receiver has an endpoint: "
        "the ingress has no working backend."
    )
    NO_BACKEND = (
        "Start notification-controller, and see that the Service webhook-receiver has an endpoint: "
        "the ingress has no backend."
    )
    SILENT_BACKEND = (
        "Let the ingress reach notification-controller (NetworkPolicy): its backend is silent."
    )
    EVENTS_PORT = (
        "Route the host to the Service webhook-receiver, not notification-controller: this is its "
        "port for events."
    )
    ANYTHING_GOES = (
        "Route /hook/ of the host to the Service webhook-receiver: something else answers there, "
        "whatever the path."
    )
    OTHER = "Have the Service webhook-receiver answer there: something else does."

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
