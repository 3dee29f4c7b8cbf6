"""Whom a Receiver believes whose senders show an identity provider's token: gcr, generic-oidc.

Source: notification-controller ``internal/server/receiver_handlers.go`` and
``receiver_claims.go`` at v1.9.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import pulumi

from fluxhooks.components.args import GcrArgs, OidcProvider, OidcValidation, OidcVariable
from fluxhooks.components.values import (
    ANYTHING,
    EXPRESSION,
    entry,
    expression,
    items,
    known_keys,
    plain,
    text,
    when_known,
)
from fluxhooks.errors import ArgumentError
from fluxhooks.flux import cel
from fluxhooks.flux.receiver_types import ReceiverType

_EXAMPLES: Final = {
    "gcr": '{"email": "push@project.iam.gserviceaccount.com", "audience": "flux"}',
    "oidc_providers": '[{"issuer_url": "https://token.actions.githubusercontent.com", '
    '"validations": [{"expression": "claims.repository_owner == \'acme\'", '
    '"message": "not ours"}]}]',
}


def gcr_secret(receiver_type: ReceiverType, value: Any) -> dict[str, pulumi.Input[str]]:
    """Return what the Secret of a Receiver of the type gcr has beside the token; {} for others.

    Args:
        value: the argument gcr.

    Raises:
        ArgumentError: it is missing, is another type's, or cannot work.
    """
    if not _belongs("gcr", value, receiver_type, ReceiverType.GCR):
        return {}
    given = {key: item for key, item in plain("gcr", value, Mapping).items() if item is not None}
    known_keys("gcr", given, GcrArgs.__annotations__)
    for key in sorted(GcrArgs.__required_keys__):
        if key not in given:
            raise ArgumentError(f"gcr.{key}", f"is missing; give {_EXAMPLES['gcr']}")
    return {
        "audience": when_known(given["audience"], _audience),
        "email": when_known(given["email"], _email),
    }


def _belongs(path: str, value: Any, given: ReceiverType, needed_by: ReceiverType) -> bool:
    if given is needed_by and value is None:
        raise ArgumentError(
            path, f"is missing, and the type {given} needs it; give {_EXAMPLES[path]}"
        )
    if given is not needed_by and value is not None:
        raise ArgumentError(
            path, f"is for the type {needed_by} only, and this is {given}; remove it"
        )
    return value is not None


def _audience(value: Any) -> str:
    cure = "is no audience; give that of the subscription's push configuration"
    return text("gcr.audience", value, ANYTHING, cure)


def _email(value: Any) -> str:
    cure = "is no service account's e-mail, as in 'push@project.iam.gserviceaccount.com'"
    return text("gcr.email", value, _EMAIL, cure)


_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_ISSUER: Final = re.compile(r"https?://[^\s/]+(/\S*)?")


def oidc_providers(
    receiver_type: ReceiverType, value: Any
) -> pulumi.Input[list[dict[str, Any]]] | None:
    """Return ``spec.oidcProviders`` of a Receiver of the type generic-oidc; None for others.

    Args:
        value: the argument oidc_providers.

    Raises:
        ArgumentError: as for `gcr_secret`; inside an Output when its value is known.
    """
    if not _belongs("oidc_providers", value, receiver_type, ReceiverType.GENERIC_OIDC):
        return None
    checked: pulumi.Input[list[dict[str, Any]]] = when_known(value, _oidc_providers)
    return checked


def _oidc_providers(value: Any) -> list[dict[str, Any]]:
    path = "oidc_providers"
    providers = [_oidc_provider(f"{path}[{i}]", one) for i, one in enumerate(items(path, value))]
    issuers = [provider["issuerURL"] for provider in providers]
    for index, issuer in enumerate(issuers):
        if issuer in issuers[:index]:
            raise ArgumentError(
                f"{path}[{index}].issuer_url",
                f"{issuer!r} is there twice; put all its validations into one",
            )
    return providers


def _oidc_provider(path: str, value: Any) -> dict[str, Any]:
    given = _entry(path, value, OidcProvider)
    issuer = text(
        f"{path}.issuer_url",
        given["issuer_url"],
        _ISSUER,
        "is not an issuer's URL, as in 'https://token.actions.githubusercontent.com'",
    )
    provider: dict[str, Any] = {"issuerURL": issuer}
    if "audience" in given:
        cure = "is no audience; remove it, and notification-controller is"
        provider["audience"] = text(f"{path}.audience", given["audience"], ANYTHING, cure)
    for key, kind in (("variables", OidcVariable), ("validations", OidcValidation)):
        if key in given:
            provider[key] = [
                _expressions(f"{path}.{key}[{index}]", one, kind)
                for index, one in enumerate(items(f"{path}.{key}", given[key]))
            ]
    return provider


def _expressions(path: str, value: Any, kind: Any) -> dict[str, str]:
    checked = dict(_entry(path, value, kind))
    for key, item in checked.items():
        text(f"{path}.{key}", item, EXPRESSION, "is empty, and Flux refuses that")
    result = cel.Result.BOOL if kind is OidcValidation else cel.Result.ANY
    expression(f"{path}.expression", checked["expression"], cel.IDENTITY, result)
    return checked


def _entry(path: str, value: Any, kind: Any) -> dict[str, Any]:
    given = entry(path, value, kind)
    for key in sorted(kind.__required_keys__):
        if key not in given:
            raise ArgumentError(f"{path}.{key}", "is missing, and Flux needs it")
    return given
