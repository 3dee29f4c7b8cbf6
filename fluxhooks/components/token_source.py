"""Where the token of a generation comes from, and where a copy of it goes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi

from fluxhooks.components.args import TokenStoreArgs
from fluxhooks.components.values import (
    ANYTHING,
    OBJECT_NAME,
    SPELLINGS,
    known_keys,
    plain,
    suggestion,
    text,
    when_known,
)
from fluxhooks.errors import ArgumentError
from fluxhooks.flux.receiver_types import RECEIVER_TYPES, ReceiverType

_PLACE: Final = "{generation}"
_STORES: Final = ("SecretStore", "ClusterSecretStore")
_EXAMPLE: Final = '{"store": "vault", "key": "flux/app/{generation}"}'

# Forges put it into a form field, and some senders into a header as it is.
_TOKEN: Final = re.compile(r"[!-~]([ -~]*[!-~])?")

_ORIGINS: Final = ("token", "token_secret", "token_from")

PREVIOUS: Final = ("generation", "hook_url", "secret_name", "token")
"""The component's outputs that `agreed_token` looks at."""


@dataclass(frozen=True, kw_only=True)
class TokenSource:
    """Who makes the tokens of a component.

    Attributes:
        value: the live generation's, where the program gives it.
        secret: the name of the Secret that holds it, where that is made elsewhere.
        taken_from, copied_to: its place in a store, with all keys of TokenStoreArgs.

    Of `value`, `secret` and `taken_from` at most one is given; where none is, it is generated.
    """

    value: pulumi.Input[str] | None = None
    secret: pulumi.Input[str] | None = None
    taken_from: pulumi.Input[dict[str, str]] | None = None
    copied_to: pulumi.Input[dict[str, str]] | None = None

    @property
    def argument(self) -> str:
        """The argument that says where it comes from; "" where it is generated."""
        given = (self.value, self.secret, self.taken_from)
        return next((key for key, v in zip(_ORIGINS, given, strict=True) if v is not None), "")


def token_source(
    receiver_type: ReceiverType, values: Mapping[str, Any], *, retains: bool
) -> TokenSource:
    """Return where a component's tokens come from.

    Args:
        values: the component's arguments.
        retains: whether older generations are declared beside the live one.

    Raises:
        ArgumentError: two of them contradict each other, or one cannot work; inside an Output
            when its value is known.
    """
    origins = [key for key in _ORIGINS if key in values]
    given = [*origins, *(["token_to"] if "token_to" in values else [])]
    if given and not RECEIVER_TYPES[receiver_type].secret_keys:
        raise ArgumentError(
            given[0], f"is for types that have a token, and {receiver_type} has none; remove it"
        )
    if len(origins) > 1:
        raise ArgumentError(
            origins[1], f"is given beside {origins[0]}; a token has one origin: remove one"
        )
    elsewhere = bool(origins) and origins[0] != "token"
    if elsewhere and receiver_type is ReceiverType.GCR:
        raise ArgumentError(
            origins[0],
            "cannot be with the type gcr, whose Secret holds email and audience too; remove it, "
            "or give the token itself as token",
        )
    if elsewhere and "token_to" in values:
        raise ArgumentError(
            "token_to",
            f"is given beside {origins[0]}; it copies a token that is made here: remove one",
        )
    return TokenSource(
        value=_checked(values, "token", _token),
        secret=_checked(values, "token_secret", lambda v: _secret(v, retains=retains)),
        taken_from=_checked(values, "token_from", lambda v: _store("token_from", v)),
        copied_to=_checked(values, "token_to", lambda v: _store("token_to", v)),
    )


def of_generation(named: str, number: int) -> str:
    """Return a name or key with the generation's number in its place."""
    return named.replace(_PLACE, str(number))


def agreed_token(
    token: str, *, source: TokenSource, secret: str, live: int, previous: Mapping[str, Any]
) -> str:
    """Return the live generation's token if it changed with the generation and nothing else.

    Args:
        token: what the program, the Secret or the store gives.
        secret: the name of the Secret that holds it, where it is made elsewhere; else "".
        previous: what the last finished run left, of PREVIOUS.

    Raises:
        ArgumentError: one of them changed without the other.
    """
    before = previous.get("token")
    if not before or not previous.get("hook_url"):
        # Nothing was ever live.
        return token
    generation = int(previous["generation"])
    if generation == live:
        if token != before:
            raise ArgumentError(
                source.argument,
                f"gives another token, and the generation is {live} as before. Each token is a "
                "generation, so that the webhook is moved before the old one goes: raise the "
                f"generation to {live + 1} in the same update, or put the token of {live} back",
            )
    elif secret and secret == previous.get("secret_name"):
        raise ArgumentError(
            source.argument,
            f"names {secret!r} for generation {live}, and that is the Secret of generation "
            f"{generation}, which the webhook still calls; leave it as it is, and name another "
            f"one with the token of {live}, as in 'app-token-{_PLACE}'",
        )
    elif token == before:
        raise ArgumentError(
            source.argument,
            f"gives generation {live} the token of generation {generation}, so nothing would be "
            f"rotated; give {live} a token of its own, or put the generation back",
        )
    return token


def kept_secret(name: str, *, source: TokenSource, number: int, previous: Mapping[str, Any]) -> str:
    """Return the name of the Secret of a retained generation if it is the one it was live with.

    Args:
        name: as the program names it, or as the operator made it.
        previous: as for `agreed_token`.

    Raises:
        ArgumentError: it is another one, with which the Receiver would have another path.
    """
    was_live = previous.get("hook_url") and int(previous["generation"]) == number
    if was_live and previous.get("secret_name") != name:
        raise ArgumentError(
            source.argument,
            f"gives generation {number} the Secret {name!r}, and it was live with "
            f"{previous.get('secret_name')!r}. What is retained keeps its Secret, or its URL would "
            f"change: leave {number} out of retained",
        )
    return name


def _checked(values: Mapping[str, Any], key: str, check: Any) -> Any:
    return when_known(values[key], check) if key in values else None


def _token(value: Any) -> str:
    # Never quoted: it may be wrong, and a secret all the same.
    if not isinstance(value, str) or not value:
        raise ArgumentError("token", "is not a text with something in it")
    if not _TOKEN.fullmatch(value):
        raise ArgumentError(
            "token",
            "has a line break, blanks around it or characters other than ASCII, which senders "
            "and Flux do not read alike; strip it where it comes from",
        )
    return value


def _secret(value: Any, *, retains: bool) -> str:
    cure = "is not the name of a Secret, as in 'app-token-{generation}'"
    if not isinstance(value, str) or not OBJECT_NAME.fullmatch(of_generation(value, 1)):
        raise ArgumentError("token_secret", f"{value!r} {cure}")
    if retains and _PLACE not in value:
        raise ArgumentError(
            "token_secret",
            f"{value!r} has no {_PLACE} in it, and retained generations need Secrets of their "
            f"own; name them alike, as in 'app-token-{_PLACE}'",
        )
    return value


def _store(path: str, value: Any) -> dict[str, str]:
    plain(path, value, Mapping)
    given = {str(SPELLINGS.get(k, k)): v for k, v in value.items() if v is not None}
    known_keys(path, given, TokenStoreArgs.__annotations__)
    for key in sorted(TokenStoreArgs.__required_keys__):
        if key not in given:
            raise ArgumentError(f"{path}.{key}", f"is missing; give {_EXAMPLE}")
    text(f"{path}.store", given["store"], OBJECT_NAME, "is not the name of a SecretStore")
    kind = given.setdefault("store_kind", _STORES[0])
    if kind not in _STORES:
        raise ArgumentError(
            f"{path}.store_kind",
            f"{kind!r} is not a kind of store{suggestion(kind, _STORES)}; give one of "
            f"{' and '.join(_STORES)}",
        )
    key = text(f"{path}.key", given["key"], ANYTHING, f"is not a key; give {_EXAMPLE}")
    if _PLACE not in key:
        raise ArgumentError(
            f"{path}.key",
            f"{key!r} has no {_PLACE} in it, and the next token would take the live one's place "
            f"before the webhook is moved; give {key + '/' + _PLACE!r}",
        )
    if "property" in given:
        text(f"{path}.property", given["property"], ANYTHING, "is empty; remove it")
    return given
