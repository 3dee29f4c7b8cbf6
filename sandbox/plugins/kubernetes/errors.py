"""What can go wrong between the plugin and the API server.

PluginError                    fails the step
├── UnreachableError                there is no API server to talk to
├── NoMatchError                    the API server does not serve this kind
├── ApiError                   the API server refused a request
└── WaitError                 an object did not become what was waited for
"""

from typing import Any

from sandbox.plugins.errors import PluginError

ALREADY_EXISTS = """\
The resource already exists in the cluster. This can happen when:

  - Renaming a Pulumi resource: use an alias to preserve the identity,
    or use deleteBeforeReplace if the resource needs replacement.
  - Managing an existing resource: use a Patch resource (e.g. NamespacePatch)
    to manage specific fields without owning the resource lifecycle.
  - Adopting a resource into Pulumi: use `pulumi import`. Note that
    protected resources (e.g. kube-system) cannot be deleted on destroy.
  - Intentional upsert: set upsertExistingObjects on the provider to allow
    server-side apply to update existing objects on create."""


class UnreachableError(PluginError):
    """There is no API server to talk to."""


class NoMatchError(PluginError):
    """The API server does not serve this kind."""

    def __init__(self, api_version: str, kind: str) -> None:
        super().__init__(f'no matches for kind "{kind}" in version "{api_version}"')


class ApiError(PluginError):
    """The API server refused a request; the message is its own."""

    def __init__(self, code: int, status: dict[str, Any]) -> None:
        super().__init__(status.get("message") or f"the API server answered {code}")
        self.code = code
        self.reason: str = status.get("reason") or ""
        self.missing: str = (status.get("details") or {}).get("kind") or ""

    @property
    def not_found(self) -> bool:
        """Whether the object, or something that it needs, does not exist."""
        return self.reason == "NotFound" or self.code == 404

    @property
    def already_exists(self) -> bool:
        """Whether an object of this name exists."""
        return self.reason == "AlreadyExists"

    @property
    def namespace_not_found(self) -> bool:
        """Whether it is the namespace that does not exist."""
        return self.not_found and self.missing == "namespaces"

    @property
    def conflict(self) -> bool:
        """Whether another field manager owns what was to be changed."""
        return self.reason == "Conflict"

    @property
    def forbidden(self) -> bool:
        """Whether the credentials do not allow the request."""
        return self.reason == "Forbidden"

    @property
    def immutable(self) -> bool:
        """Whether a field was to be changed that cannot be."""
        return self.reason == "Invalid" and "field is immutable" in str(self)

    @property
    def dry_run_unsupported(self) -> bool:
        """Whether the API server cannot preview this request."""
        return self.code == 400 and "does not support dry run" in str(self)


class WaitError(PluginError):
    """An object did not become what was waited for; `last` is how it was seen last."""

    def __init__(self, message: str, last: dict[str, Any]) -> None:
        super().__init__(message)
        self.last = last
