"""Which annotations of an Ingress break a webhook: known by the words in their names.

Ingress controllers have hundreds of them, and call alike what is alike: that of ingress-nginx is
``rewrite-target``, HAProxy's ``path-rewrite``, Kong's ``rewrite``, NGINX's own ``rewrites``.
"""

import re
from collections.abc import Mapping
from typing import Final

from fluxhooks.components.kubernetes import DELETION
from fluxhooks.errors import ArgumentError

# They speak of certificates and of DNS, never of requests.
_HARMLESS: Final = re.compile(r"(.*\.)?cert-manager\.io/.*|external-dns\.alpha\.kubernetes\.io/.*")

_CLASS: Final = "kubernetes.io/ingress.class"
SKIP_AWAIT: Final = "pulumi.com/skipAwait"
_OURS: Final = (SKIP_AWAIT, "pulumi.com/waitFor", *DELETION)

_PATH: Final = "changes paths, and Flux serves exactly /hook/ and the digest"
_RULES: Final = "brings rules from elsewhere, which may rewrite, redirect or refuse"
_CREDENTIALS: Final = "asks for credentials that no forge has; the Receiver checks its senders"
_REDIRECT: Final = "redirects, and a forge takes a redirect for success and follows none"
_ELSEWHERE: Final = "sends deliveries, and what proves their sender, elsewhere"

_REASONS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("prefix", "regex", "rewrite", "rewrites", "root", "strip"), _PATH),
    **dict.fromkeys(("pathmatcher",), _PATH),
    **dict.fromkeys(("action", "actions", "condition", "conditions", "filters"), _RULES),
    **dict.fromkeys(("middleware", "middlewares", "override", "plugin", "plugins"), _RULES),
    **dict.fromkeys(("rule", "rules", "snippet", "snippets", "transform", "transforms"), _RULES),
    **dict.fromkeys(("auth", "jwt", "login", "oauth", "oauth2", "oidc", "signin"), _CREDENTIALS),
    **dict.fromkeys(("redirect", "redirects"), _REDIRECT),
    **dict.fromkeys(("canary", "mirror"), _ELSEWHERE),
    **dict.fromkeys(("alias", "aliases"), "makes it answer for further hosts"),
    "errors": "replaces Flux's answers, which tell forge and probe what went wrong",
    "passthrough": "hands TLS to Flux, which speaks plain HTTP",
}

# `enable-global-auth: "false"` and `ssl-redirect: "false"` switch off what would break it.
_OFF: Final = ("false", "off", "no")


def check_annotation(path: str, key: str, value: object) -> str:
    """Return the value of an annotation that leaves requests as they are.

    Raises:
        ArgumentError: it does not, or is no annotation.
    """
    where = f"{path}[{key!r}]"
    if not isinstance(value, str):
        raise ArgumentError(where, f'{value!r} is not a text; annotations are, as in "true"')
    if key == _CLASS:
        raise ArgumentError(where, "is what class_name is for; give that instead")
    if key in _OURS:
        raise ArgumentError(where, "is set by the component; remove it")
    if _HARMLESS.fullmatch(key) or value.lower() in _OFF:
        return value
    name = key.rpartition("/")[2]
    for word in re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()):
        if word in _REASONS:
            raise ArgumentError(where, f"{_REASONS[word]}; remove it")
    if name.startswith("config-"):
        raise ArgumentError(where, f"{_RULES}; remove it")
    if name == "backend-protocol" and value.upper() != "HTTP":
        raise ArgumentError(where, f"{value!r} is not what Flux speaks, which is HTTP; remove it")
    return value
