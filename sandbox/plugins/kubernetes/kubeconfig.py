"""Which API server to talk to, and as whom."""

import base64
import os
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox.plugins.errors import UnsupportedError
from sandbox.plugins.kubernetes.errors import UnreachableError

_NOTHING_GIVEN = (
    "invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER "
    "environment variable"
)
_EXTERNAL = ("exec", "auth-provider", "as", "as-groups", "as-uid", "as-user-extra")


@dataclass(frozen=True)
class Connection:
    """How to reach an API server; `headers` hold credentials and do not show in a `repr`."""

    server: str
    namespace: str
    tls: ssl.SSLContext
    headers: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Connection({self.server})"


def connect(path_or_content: str = "", *, context: str = "", cluster: str = "") -> Connection:
    """Return the connection that a kubeconfig describes.

    Args:
        path_or_content: A path, or the YAML itself; if empty, `$KUBECONFIG`, else `~/.kube/config`.
        context: The context to use instead of the current one.
        cluster: The cluster to use instead of the context's.

    Raises:
        UnreachableError: There is no such file, or it names no usable cluster.
        UnsupportedError: It needs an external program, a proxy or another identity.
    """
    config, directory = _load(path_or_content)
    context_name = context or config.get("current-context") or ""
    chosen = _named(config, "contexts", context_name).get("context") or {}
    target = _named(config, "clusters", cluster or chosen.get("cluster") or "").get("cluster") or {}
    user = _named(config, "users", chosen.get("user") or "").get("user") or {}
    for key in _EXTERNAL:
        if user.get(key):
            raise UnsupportedError(f"'{key}' of a kubeconfig's user")
    for key in ("proxy-url", "tls-server-name"):
        if target.get(key):
            raise UnsupportedError(f"'{key}' of a kubeconfig's cluster")
    if not target.get("server"):
        raise UnreachableError(f"invalid configuration: context {context_name!r} names no server")
    try:
        tls, headers = _tls(target, user, directory), _headers(user, directory)
    except (OSError, ValueError) as error:
        # Not the error's text, which may quote what it could not read.
        raise UnreachableError(
            f"the credentials of the kubeconfig cannot be read ({type(error).__name__})"
        ) from None
    return Connection(
        server=target["server"].rstrip("/"),
        namespace=chosen.get("namespace") or "default",
        tls=tls,
        headers=headers,
    )


def active_cluster(path_or_content: str, *, context: str, cluster: str) -> Any:
    """Return a kubeconfig's cluster entry, or None if it names none."""
    try:
        config, _ = _load(path_or_content)
    except UnreachableError:
        return None
    chosen = _named(config, "contexts", context or config.get("current-context") or "")
    name = cluster or (chosen.get("context") or {}).get("cluster") or ""
    return _named(config, "clusters", name).get("cluster") if chosen else None


def _load(path_or_content: str) -> tuple[Mapping[str, Any], Path]:
    ambient = not path_or_content
    if ambient:
        path_or_content = os.environ.get("KUBECONFIG") or "~/.kube/config"
        if os.pathsep in path_or_content:
            raise UnsupportedError("more than one file in KUBECONFIG")
    if "\n" not in path_or_content and not path_or_content.lstrip().startswith("{"):
        path = Path(path_or_content).expanduser()
        try:
            content, directory = path.read_text(), path.parent
        except FileNotFoundError:
            if ambient:
                raise UnreachableError(_NOTHING_GIVEN) from None
            raise UnreachableError(f"there is no kubeconfig {path}") from None
        except OSError as error:
            raise UnreachableError(f"cannot read {path}: {error.strerror}") from None
    else:
        content, directory = path_or_content, Path()
    try:
        config = yaml.safe_load(content)
    except yaml.YAMLError:
        # The parser's message quotes the text, and with it a token.
        raise UnreachableError("the kubeconfig is not valid YAML") from None
    if not isinstance(config, dict):
        raise UnreachableError("the kubeconfig is not a mapping")
    return config, directory


def _named(config: Mapping[str, Any], section: str, name: str) -> Mapping[str, Any]:
    for entry in config.get(section) or []:
        if entry.get("name") == name:
            found: Mapping[str, Any] = entry
            return found
    return {}


def _tls(cluster: Mapping[str, Any], user: Mapping[str, Any], directory: Path) -> ssl.SSLContext:
    authority = _content(cluster, "certificate-authority", directory)
    context = ssl.create_default_context(cadata=authority.decode() if authority else None)
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate = _content(user, "client-certificate", directory)
    if certificate:
        # OpenSSL takes a client certificate from files only.
        with tempfile.TemporaryDirectory() as temporary:
            path = Path(temporary, "client.pem")
            path.touch(mode=0o600)
            path.write_bytes(certificate + b"\n" + _content(user, "client-key", directory))
            context.load_cert_chain(path)
    return context


def _headers(user: Mapping[str, Any], directory: Path) -> dict[str, str]:
    token = user.get("token")
    if not token and user.get("tokenFile"):
        token = (directory / user["tokenFile"]).read_text().strip()
    if token:
        return {"Authorization": f"Bearer {token}"}
    if user.get("username"):
        pair = f"{user['username']}:{user.get('password', '')}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {}


def _content(section: Mapping[str, Any], key: str, directory: Path) -> bytes:
    if section.get(f"{key}-data"):
        return base64.b64decode(section[f"{key}-data"])
    if section.get(key):
        return Path(directory, section[key]).read_bytes()
    return b""
