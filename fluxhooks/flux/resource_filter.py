"""The CEL filter that lets a Receiver be proved without reconciling anything.

A signed ``{"fluxhooksProbe": true}`` and GitHub's own ping are answered 200 and reach no
target; a signed ``{"fluxhooksCatchUp": true}`` reaches all of them, whatever a user's filter
asks of ordinary deliveries.
"""

import re
from collections.abc import Mapping

from fluxhooks.flux import cel

PROBE_BODY = b'{"fluxhooksProbe":true}'
CATCH_UP_BODY = b'{"fluxhooksCatchUp":true}'

_HARMLESS = "!has(req.fluxhooksProbe) && !has(req.zen)"


def with_probe(user_filter: str | None) -> str:
    """Return the Receiver's ``spec.resourceFilter``: ours, joined with the user's in parentheses.

    Only for types whose senders post JSON objects: any filter answers other bodies 500.
    """
    if user_filter is None:
        return _HARMLESS
    return f"{_HARMLESS} && (has(req.fluxhooksCatchUp) || ({user_filter}))"


def users_filter(resource_filter: str) -> str:
    """Return what a user's own filter is in `resource_filter`; "" where all of it is ours."""
    parts = {part.strip() for part in resource_filter.split("&&")}
    if parts <= {"", *_HARMLESS.split(" && ")}:
        return ""
    before, after = with_probe("\0").split("\0")
    if resource_filter.startswith(before) and resource_filter.endswith(after):
        return resource_filter[len(before) : -len(after)]
    return resource_filter


def refusal(resource_filter: str, *, identified: bool = False) -> str:
    """Return what the controller refuses in a filter, as the end of a sentence; "" where nothing.

    Args:
        identified: whether the Receiver is of the type generic-oidc, whose filters read claims.
    """
    variables = cel.IDENTIFIED_FILTER if identified else cel.FILTER
    own = users_filter(resource_filter)
    if not own:
        return ""
    if wrong := cel.refusal(own, variables, cel.Result.ANY):
        return wrong
    wrong = cel.refusal(resource_filter, variables, cel.Result.BOOL)
    if wrong and own != resource_filter:
        # It is what is joined that is wrong, and not the way in which it is.
        return cel.refusal(own, variables, cel.Result.BOOL) or "ends in a comment; remove that"
    return wrong


def absent_fields(resource_filter: str, body: Mapping[str, object]) -> list[str]:
    """Return the fields that a filter reads of a delivery and that its body does not have.

    CEL fails on them, unless the filter asks with ``has()`` before; those are left out.
    """
    asked = set(_ASKED.findall(resource_filter))
    found: dict[str, None] = {}
    for path, called in _READ.findall(_PLAIN_TEXT.sub("_", resource_filter)):
        names = path.split(".")[1:]
        if called:
            # As in req.ref.startsWith("…").
            names = names[:-1]
        at: object = body
        for depth, name in enumerate(names, start=1):
            if not isinstance(at, Mapping) or name not in at:
                field = ".".join(("req", *names[:depth]))
                if field not in asked:
                    found[field] = None
                break
            at = at[name]
    return list(found)


_READ = re.compile(r"\breq((?:\.[A-Za-z_]\w*)+)(\()?")
_ASKED = re.compile(r"has\(\s*(req(?:\.\w+)+)\s*\)")


def spares_probe(resource_filter: str) -> bool:
    """Return whether a Receiver with `resource_filter` certainly does not act on the probe.

    That is where ``!has(req.fluxhooksProbe)`` is one of the expressions it joins with ``&&``,
    whoever wrote it. Filters of single resources only narrow it further. What is too involved to
    be certain of counts as no.
    """
    text = _PLAIN_TEXT.sub("_", resource_filter)
    # Literals with backslashes, of several lines, or raw, and comments: where they end is CEL's.
    if re.search(r"""["'\\]|//""", text) or re.search(r"(['\"])\1\1", resource_filter):
        return False
    text = re.sub(r"\s+", "", text).replace("!has(req.fluxhooksProbe)", _PROBE)
    before = ""
    while text != before:
        # What is in brackets joins nothing outside them.
        before, text = text, _BRACKETS.sub("_", text)
    return not re.search(r"[][(){}?]|\|\|", text) and _PROBE in text.split("&&")


_PROBE = "\0"
_PLAIN_TEXT = re.compile(r"""(?<!\w)(?:"[^"\\\n]*"|'[^'\\\n]*')""")
_BRACKETS = re.compile(r"\([^][(){}]*\)|\[[^][(){}]*\]|\{[^][(){}]*\}")
