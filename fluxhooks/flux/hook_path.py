"""The path a Receiver serves, as notification-controller computes it.

The token salts the path, so every rotation changes the URL and the secret together: the reason
why fluxhooks rotates by whole generations (see ``generations``).
"""

import hashlib
import re
import urllib.parse

PREFIX = "/hook/"

# A path is a credential, also where a redirect to a login page quotes it percent-encoded:
# whatever prints goes through this (see ``masking``). Group 1 may be shown.
HOOK_PATH = re.compile(
    r"((?:/|%(?:25)*2F)hook(?:/|%(?:25)*2F))[0-9a-f]{64}", re.ASCII | re.IGNORECASE
)

# No token, name and namespace hash to it; a controller answers it 404, a wrong Service does not.
UNKNOWN_PATH = PREFIX + "0" * 64


def hook_path(token: str, receiver_name: str, namespace: str) -> str:
    """Return ``/hook/`` and the hex SHA-256 of token, Receiver name and namespace, in that order.

    Args:
        token: the decoded value of the Secret's key ``token``; "" for the type ``generic-oidc``,
            whose Receivers have no Secret.
        receiver_name: ``metadata.name`` of the Receiver, an auto-name's suffix included.
        namespace: the Receiver's namespace (not the Secret's, though they are the same in Flux).

    Source: notification-controller ``api/v1/receiver_types.go``, ``GetWebhookPath``.
    """
    digest = hashlib.sha256(f"{token}{receiver_name}{namespace}".encode()).hexdigest()
    return PREFIX + digest


def host_of(url: str) -> str:
    """Return the host of a hook URL, with a port where one is given; "" of ""."""
    return urllib.parse.urlsplit(url).netloc


def path_of(url: str) -> str:
    """Return the path of a hook URL; "" of ""."""
    return urllib.parse.urlsplit(url).path
