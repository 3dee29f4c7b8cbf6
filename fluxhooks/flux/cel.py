"""Whether notification-controller would take an expression of CEL, told before it is asked.

Judged by Google's own compiler, with types, in the environment of ``fluxcd/pkg``
``runtime/cel/expression.go`` at v0.110. What a later controller may take as well is not refused:
it is the controller's to judge.
"""

import functools
import json
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cel_expr_python import cel

# What a filter may read: the target and the delivery's body; with generic-oidc the identity too.
FILTER: Final = ("req", "res")
IDENTIFIED_FILTER: Final = ("claims", *FILTER)
# What a rule of an identity provider may read, and the name of a commit's status.
IDENTITY: Final = ("claims", "vars")
COMMIT_STATUS: Final = ("alert", "event", "provider")


class Result(StrEnum):
    """What an expression must give."""

    ANY = "any value"
    BOOL = "true or false"
    STRING = "a text"


def refusal(expression: str, variables: tuple[str, ...], result: Result) -> str:
    """Return what is wrong with `expression`, as the end of a sentence; "" where nothing is.

    Args:
        variables: those it may read, each a JSON object.
        result: what it must give.
    """
    try:
        environment = _environment(variables)
    except ImportError:
        # Its publisher has no build for every platform.
        return ""
    try:
        given = environment.compile(expression).return_type().name()
    except RuntimeError as error:
        return _wrong(expression, str(error), variables)
    if result is Result.ANY or given == _GIVEN[result]:
        return ""
    if given == "DYN":
        example = "string(…)" if result is Result.STRING else "… == true"
        return f"may give anything, and must give {result}, as {example} does"
    kind = given.partition("<")[0]
    return f"gives {_TYPES.get(kind.upper(), kind.lower())}, and must give {result}"


_GIVEN: Final = {
    Result.BOOL: "BOOL",
    Result.STRING: "STRING",
}
_TYPES: Final = {
    "BOOL": "true or false",
    "DOUBLE": "a number",
    "INT": "a number",
    "LIST": "a list",
    "MAP": "an object",
    "STRING": "a text",
    "UINT": "a number",
}


@functools.cache
def _environment(variables: tuple[str, ...]) -> "cel.Env":
    # Loaded where there is an expression, as few programs have one.
    from cel_expr_python import cel

    declared = {
        "name": "flux",
        "extensions": [{"name": name} for name in ("encoders", "optional", "sets", "strings")],
        "variables": [{"name": name, "type_name": "google.protobuf.Struct"} for name in variables],
    }
    return cel.NewEnv(config=cel.NewEnvConfigFromYaml(json.dumps(declared)))


_ERROR: Final = re.compile(
    r"^(?:INVALID_ARGUMENT: )?ERROR: <input>:(\d+):(\d+): (.*)$", re.MULTILINE
)
_UNDECLARED: Final = re.compile(r"undeclared reference to '([^'.]*)")
# The controllers compare numbers of different types, which this compiler cannot be told to take.
_NUMBERS: Final = re.compile(
    r"found no matching overload for '_[<>]=?_' applied to '\((?:u?int|double), (?:u?int|double)\)'"
)


def _wrong(expression: str, said: str, variables: tuple[str, ...]) -> str:
    lines = expression.split("\n")
    found = [(int(line), int(column), text) for line, column, text in _ERROR.findall(said)]
    # Where a function is not known, its opening bracket is what is pointed at.
    functions = [
        undeclared[1]
        for line, column, text in found
        if (undeclared := _UNDECLARED.match(text)) and lines[line - 1][column - 1 :][:1] == "("
    ]
    if functions:
        # A later controller may have it, or take it with other arguments.
        misspelled = ((name, near) for name in functions if (near := _near(name)))
        return next(
            (f"has no function {name!r}, did you mean {near!r}?" for name, near in misspelled), ""
        )
    for line, column, text in found:
        if undeclared := _UNDECLARED.match(text):
            return (
                f"has nothing to read named {undeclared[1]!r}; it may read {', '.join(variables)}"
            )
        if not _NUMBERS.match(text):
            at = f"line {line}, column {column}" if len(lines) > 1 else f"column {column}"
            return f"is no valid CEL at {at}: {_short(text)}"
    return ""


def _short(text: str) -> str:
    # The list of all that could stand there helps nobody.
    text = re.sub(r" expecting \{.*", "", text).replace("'<EOF>'", "the end")
    return text.replace("<EOF>", "the end").removeprefix("Syntax error: ")


def _near(name: str) -> str:
    import difflib

    folded = {known.lower(): known for known in _FUNCTIONS}
    near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.85)
    return folded[near[0]] if near and folded[near[0]] != name else ""


# Those that a misspelled name may mean.
_FUNCTIONS: Final = (
    *("contains", "endsWith", "indexOf", "join", "lastIndexOf", "lowerAscii", "matches", "replace"),
    *("size", "split", "startsWith", "string", "substring", "trim", "upperAscii"),
    *("duration", "getFullYear", "getHours", "timestamp"),
    *("exists", "filter", "hasValue", "orValue"),
)
