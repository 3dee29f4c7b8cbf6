"""The headers by which a sender proves that it knows the token, per receiver type.

Source: notification-controller ``internal/server/receiver_handlers.go``, ``validate``.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from fluxhooks.flux.receiver_types import ReceiverType


def sign(receiver_type: ReceiverType, token: str, body: bytes) -> dict[str, str]:
    """Return the headers that make `body` a delivery of a sender that knows `token`.

    Empty for the types whose senders prove nothing but the path (generic, dockerhub, quay, acr,
    cdevents) and for those that show a token of an identity provider instead of a shared one
    (gcr, generic-oidc).
    """
    scheme = _SCHEMES.get(receiver_type)
    return {} if scheme is None else scheme(token, body)


def _hub_signature(token: str, body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature-256": "sha256=" + _hmac(token, body, "sha256")}


def _bitbucket(token: str, body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature": "sha256=" + _hmac(token, body, "sha256")}


def _generic_hmac(token: str, body: bytes) -> dict[str, str]:
    return {"X-Signature": "sha256=" + _hmac(token, body, "sha256")}


def _gitlab(token: str, body: bytes) -> dict[str, str]:
    return {"X-Gitlab-Token": token}


def _harbor(token: str, body: bytes) -> dict[str, str]:
    return {"Authorization": token}


def _nexus(token: str, body: bytes) -> dict[str, str]:
    return {"X-Nexus-Webhook-Signature": _hmac(token, body, "sha1")}


def _hmac(token: str, body: bytes, algorithm: str) -> str:
    return hmac.new(token.encode(), body, getattr(hashlib, algorithm)).hexdigest()


_SCHEMES: Final[dict[ReceiverType, Callable[[str, bytes], dict[str, str]]]] = {
    ReceiverType.BITBUCKET: _bitbucket,
    ReceiverType.GENERIC_HMAC: _generic_hmac,
    ReceiverType.GITHUB: _hub_signature,
    ReceiverType.GITLAB: _gitlab,
    ReceiverType.HARBOR: _harbor,
    ReceiverType.NEXUS: _nexus,
}
