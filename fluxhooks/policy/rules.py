"""The rules, as plain functions: from what a program declares to what is wrong with it, in words.

Properties are those the engine hands to a policy, with `UNKNOWN` for what a preview does not know.
What is unknown is not judged: it is in the update, before the resource is made.
No text holds a URL, a path or a secret.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from fluxhooks.flux.hook_path import PREFIX
from fluxhooks.flux.intervals import ENOUGH, IntervalPolicy, Pace
from fluxhooks.flux.receiver_types import ReceiverType
from fluxhooks.flux.targets import APPLIERS, SOURCES
from fluxhooks.observe import listing
from fluxhooks.observe.reach import reached


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()
"""Stands for a value that a preview does not know."""

Properties = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A resource of a stack.

    Attributes:
        type: as in "kubernetes:notification.toolkit.fluxcd.io/v1:Receiver".
        name: its logical name.
    """

    type: str
    name: str
    properties: Properties


def receivers_target_sources(type_: str, properties: Properties) -> list[str]:
    """Return which of a Receiver's targets follow a source, and so need no webhook."""
    return [
        f"it names {target.kind} {target.name or '(unknown)'}, which follows its source and is "
        "reconciled before the new revision is there; name the source"
        for target in listing.targets(_spec_of_receiver(type_, properties))
        if target.kind in APPLIERS
    ]


def no_generic_on_a_public_host(
    type_: str, properties: Properties, *, private_host: bool = False
) -> list[str]:
    """Return that a Receiver believes everybody who has its URL, where everybody can call it.

    Args:
        private_host: whether nobody outside can reach the host of this cluster's Receivers.
    """
    if private_host or _spec_of_receiver(type_, properties).get("type") != ReceiverType.GENERIC:
        return []
    return [
        "its type is generic: it takes whatever anybody sends who learned its URL; take "
        "generic-hmac, whose deliveries are signed, or generic-oidc"
    ]


def webhook_urls_are_https(type_: str, properties: Properties) -> list[str]:
    """Return that a webhook's deliveries can be read or taken on their way to Flux."""
    webhook = _webhook(type_, properties)
    if webhook is None or not webhook.calls_flux:
        return []
    found = []
    if webhook.scheme != "https":
        found.append(
            f"its URL begins with {webhook.scheme}://, so its secret's signatures and what was "
            "pushed can be read on the way; call https://"
        )
    if webhook.verifies is False:
        found.append("it does not verify the certificate of the host it calls; have it verify it")
    return found


def webhooks_have_a_secret(type_: str, properties: Properties) -> list[str]:
    """Return that a webhook sends what no Receiver of a forge's type believes."""
    webhook = _webhook(type_, properties)
    if webhook is None or not webhook.calls_flux or webhook.secret:
        return []
    return [
        f"it has no {webhook.secret_argument}, so its deliveries are refused, or taken from "
        "anybody; give it the token of the Receiver's Secret"
    ]


def intervals_fit(
    declared: Iterable[Declared], policy: IntervalPolicy | None = None
) -> list[tuple[Declared, str]]:
    """Return the sources of a stack that ask too often or too seldom, and why.

    Receivers of other stacks are not seen: a source that one of them reaches is taken for one
    without a webhook, which may ask as often as it likes.
    """
    policy, resources = policy or IntervalPolicy(), list(declared)
    sources = [(each, found) for each in resources if (found := _source(each))]
    receivers = [
        listing.receiver(known, "")
        for each in resources
        if _is_receiver(each.type, each.properties) and (known := _known(each.properties))
    ]
    told = {
        found.key
        for receiver in receivers
        if not receiver.suspended
        for target in receiver.targets
        for found in reached(target, receiver.namespace, [source for _, source in sources])
    }
    judged = [
        (each, source, source.key in told, policy.pace(source.seconds, beside=source.key in told))
        for each, source in sources
        if not source.suspended
    ]
    return [
        (each, _interval_text(source.interval, pace, beside=beside))
        for each, source, beside, pace in judged
        if pace is not Pace.FITS
    ]


def _interval_text(interval: str, pace: Pace, *, beside: bool) -> str:
    if pace is Pace.TOO_OFTEN:
        return f"it asks every {interval} beside a Receiver, which buys nothing; {ENOUGH} is enough"
    if beside:
        return (
            f"it asks every {interval} only: a webhook that fails is not made up for before; "
            f"{ENOUGH} is advised"
        )
    return f"it asks every {interval} only, and no Receiver of this stack tells it of changes"


@dataclass(frozen=True, kw_only=True)
class _Webhook:
    url: Any
    secret: Any
    secret_argument: str
    verifies: Any = True

    @property
    def calls_flux(self) -> bool:
        # Others of a repository's webhooks are not this pack's business.
        return isinstance(self.url, str) and urlsplit(self.url).path.startswith(PREFIX)

    @property
    def scheme(self) -> str:
        return urlsplit(str(self.url)).scheme


def _webhook(type_: str, properties: Properties) -> _Webhook | None:
    if type_ in _GITHUB:
        configuration = properties.get("configuration") or {}
        if not isinstance(configuration, Mapping):
            return None
        insecure = configuration.get("insecureSsl")
        return _Webhook(
            url=configuration.get("url"),
            secret=configuration.get("secret"),
            secret_argument="configuration.secret",  # noqa: S106
            verifies=insecure is not True,
        )
    if type_ in _GITLAB:
        return _Webhook(
            url=properties.get("url"),
            secret=properties.get("token"),
            secret_argument="token",  # noqa: S106
            verifies=properties.get("enableSslVerification") is not False,
        )
    if type_ == _GITEA:
        return _Webhook(
            url=properties.get("url"),
            secret=properties.get("secret"),
            secret_argument="secret",  # noqa: S106
        )
    return None


_GITHUB: Final = (
    "github:index/repositoryWebhook:RepositoryWebhook",
    "github:index/organizationWebhook:OrganizationWebhook",
)
_GITLAB: Final = (
    "gitlab:index/projectHook:ProjectHook",
    "gitlab:index/groupHook:GroupHook",
    "gitlab:index/systemHook:SystemHook",
)
_GITEA: Final = "pulumi-python:dynamic/gitea:Webhook"


# Not by the type: programs in YAML declare every kind as the one type CustomResource.
def _is_receiver(type_: str, properties: Properties) -> bool:
    return (
        type_.startswith("kubernetes:")
        and properties.get("kind") == "Receiver"
        and str(properties.get("apiVersion")).startswith("notification.toolkit.fluxcd.io/")
    )


def _spec_of_receiver(type_: str, properties: Properties) -> dict[str, Any]:
    spec = _known(properties).get("spec") if _is_receiver(type_, properties) else None
    return spec if isinstance(spec, dict) else {}


def _source(declared: Declared) -> listing.Source | None:
    kind, version = (str(declared.properties.get(key)) for key in ("kind", "apiVersion"))
    if kind not in SOURCES or not declared.type.startswith("kubernetes:"):
        return None
    if version.partition("/")[0] != SOURCES[kind].partition("/")[0]:
        return None
    return listing.source(kind, _known(declared.properties))


def _known(value: Any) -> Any:
    """Return a value without what in it is unknown."""
    if isinstance(value, Mapping):
        return {key: _known(item) for key, item in value.items() if item is not UNKNOWN}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_known(item) for item in value if item is not UNKNOWN]
    return value
