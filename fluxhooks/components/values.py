"""What the value of an argument may be: the checks that all arguments share.

Each raises an ArgumentError that names the argument, the value and the cure.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import pulumi

from fluxhooks.errors import ArgumentError
from fluxhooks.flux import cel, durations

# Keys of nested values as other languages' SDKs spell them.
SPELLINGS: Final = {
    "apiVersion": "api_version",
    "branchFilter": "branch_filter",
    "className": "class_name",
    "clusterIssuer": "cluster_issuer",
    "defaultCertificate": "default_certificate",
    "issuerUrl": "issuer_url",
    "matchLabels": "match_labels",
    "pushEventsBranchFilter": "push_events_branch_filter",
    "sectionName": "section_name",
    "storeKind": "store_kind",
    "systemHook": "system_hook",
    "tlsSecretName": "tls_secret_name",
}

# Pulumi appends up to nine characters to a name, and Kubernetes takes 63 in a label.
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?")
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

ANYTHING: Final = re.compile(r"\S.*")
EXPRESSION: Final = re.compile(r"(?s).*\S.*")
OBJECT_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")

HOST: Final = re.compile(
    r"(?=.{1,259}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*(:\d{1,5})?",
    re.ASCII | re.IGNORECASE,
)


def when_known(value: Any, check: Callable[[Any], Any]) -> Any:
    """Return `check` of a value, in an Output where the value is, or holds, one."""
    if _holds_output(value):
        return pulumi.Output.from_input(value).apply(check)
    return check(value)


def _holds_output(value: Any) -> bool:
    if isinstance(value, pulumi.Output):
        return True
    if isinstance(value, Mapping):
        return any(_holds_output(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_holds_output(item) for item in value)
    return False


def plain(path: str, value: Any, kind: type) -> Any:
    """Return a value that must be of `kind`, and known when the program runs."""
    if isinstance(value, pulumi.Output):
        raise ArgumentError(path, "is an Output; it must be known when the program runs")
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ArgumentError(path, f"{value!r} is not {_KINDS[kind]}")
    return value


_KINDS: Final[dict[type, str]] = {
    bool: "true or false",
    int: "a whole number",
    str: "a text",
    Mapping: "a mapping",
    Sequence: "a list of generations such as [1]",
}


def whole(path: str, value: Any) -> int:
    """Return a whole number."""
    # A component host hands numbers over as floats.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    number: int = plain(path, value, int)
    return number


def text(path: str, value: Any, pattern: re.Pattern[str], cure: str) -> str:
    """Return a text of which all matches `pattern`; `cure` goes on after the value."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ArgumentError(path, f"{value!r} {cure}")
    return value


def expression(path: str, value: str, variables: tuple[str, ...], result: cel.Result) -> str:
    """Return an expression of CEL that the controllers take."""
    if wrong := cel.refusal(value, variables, result):
        raise ArgumentError(path, f"{value!r} {wrong}")
    return value


def component_name(name: str) -> str:
    """Return a component's name, from which its Kubernetes objects are named."""
    return text(
        "name",
        name,
        _NAME,
        "cannot name Kubernetes objects; use at most 50 lower-case letters, digits and '-', with "
        "a letter or digit at both ends",
    )


def label(path: str, value: Any) -> str:
    """Return a name that Kubernetes takes as a label too, such as a namespace's."""
    return text(
        path, value, _LABEL, "is not a Kubernetes name; use lower-case letters, digits and '-'"
    )


def entry(path: str, value: Any, kind: Any) -> dict[str, Any]:
    """Return a mapping with the keys of the TypedDict `kind` and no others, absent ones left out.

    Keys may be in the spelling of other languages.
    """
    plain(path, value, Mapping)
    given = {str(SPELLINGS.get(k, k)): item for k, item in value.items() if item is not None}
    known_keys(path, given, kind.__annotations__)
    return given


def items(path: str, value: Any) -> Sequence[Any]:
    """Return a list with something in it."""
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence) or not value:
        raise ArgumentError(path, f"{value!r} is no list with something in it")
    return value


def seconds(path: str, value: Any) -> float:
    """Return a duration, as in "30s", in seconds."""
    try:
        return durations.seconds(plain(path, value, str))
    except ValueError as error:
        raise ArgumentError(path, str(error)) from None


def known_keys(path: str, values: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise where a mapping has a key that is no argument; `path` is "args" or where it stands."""
    for key in values:
        if key not in known:
            raise ArgumentError(
                key if path == "args" else f"{path}.{key}",
                f"is not an argument{suggestion(key, known)}; known are {listed(known)}",
            )


def suggestion(value: object, known: Iterable[str]) -> str:
    """Return which of the known names was perhaps meant, as the end of a sentence; else ""."""
    # Loaded where something is misspelled, as few programs are.
    import difflib

    near = difflib.get_close_matches(str(value), [str(name) for name in known], n=1)
    return f", did you mean {near[0]!r}?" if near else ""


def listed(values: Iterable[str]) -> str:
    """Return values sorted and separated by commas."""
    return ", ".join(sorted(values))
