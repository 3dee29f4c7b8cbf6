"""Whether Go, in which Flux is written, takes a regular expression.

One that it does not take is worse than none: an exclusion is passed over, and an inclusion lets
nothing through. Source: https://pkg.go.dev/regexp/syntax at Go 1.26; names of Unicode's classes
are not looked at.
"""

import re
from typing import Final

_CHARACTER: Final = (
    r"[adDfnrsStvwW]|[pP](?:[A-Z]|\{\^?\w+\})|x(?:[0-9A-Fa-f]{2}|\{[0-9A-Fa-f]{1,6}\})"
    r"|0[0-7]{0,2}|[1-7][0-7]{1,2}|[^0-9A-Za-z\u0080-\U0010ffff]"
)
_ESCAPE: Final = re.compile(rf"\\(?:{_CHARACTER}|[AbBz]|Q.*?(?:\\E|\Z))", re.DOTALL)
_ESCAPE_IN_CLASS: Final = re.compile(rf"\\(?:{_CHARACTER})", re.DOTALL)
_NAMED: Final = re.compile(
    r"\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit)"
    r":\]"
)
_GROUP: Final = re.compile(r"\(\?(?:P?<[A-Za-z_]\w*>|[imsU]*(?:-[imsU]+)?[:)])", re.ASCII)
_COUNT: Final = re.compile(r"\{([0-9]+)(?:(,)([0-9]*))?\}")
_MOST: Final = 1000


def refusal(expression: str) -> str:
    """Return what Go refuses in `expression`, as the end of a sentence; "" where it takes it."""
    depth = at = 0
    # What a repetition would repeat: nothing, something, or a repetition already.
    before = "nothing"
    while at < len(expression):
        rest = expression[at:]
        found, wrong = _token(rest)
        if wrong:
            return wrong
        first = found[0]
        if _repeats(found):
            if before != "something":
                return f"has {found!r} after {before} that could be repeated"
            at += len(found) + expression.startswith("?", at + len(found))
            before = "a repetition, and nothing"
            continue
        opens = first == "(" and not (found.startswith("(?") and found.endswith(")"))
        depth += opens
        depth -= found == ")"
        if depth < 0:
            return "has a ')' without its '('"
        if opens or first != "(":
            before = "nothing" if first in "(|" else "something"
        elif before != "nothing":
            # What only sets flags, as (?i), is nothing by itself, and ends a repetition.
            before = "something"
        at += len(found)
    return "has a '(' without its ')'" if depth else ""


def _token(rest: str) -> tuple[str, str]:
    """Return the next token, or what is wrong with it."""
    if rest[0] == "\\":
        return _escape(rest)
    if rest[0] == "[":
        return _class(rest)
    if rest.startswith("(?"):
        group = _GROUP.match(rest)
        return (group[0], "") if group else ("", f"has {rest[:4]!r}, which Go does not have")
    if count := _COUNT.match(rest):
        least = int(count[1])
        most = int(count[3]) if count[3] else least
        if max(least, most) > _MOST or most < least:
            return "", f"has {count[0]!r}; Go repeats up to {_MOST} times, the smaller number first"
        return count[0], ""
    return rest[0], ""


def _repeats(token: str) -> bool:
    return token in ("*", "+", "?") or (token[0] == "{" and len(token) > 1)


def _escape(rest: str) -> tuple[str, str]:
    if escape := _ESCAPE.match(rest):
        return escape[0], ""
    return "", f"has {rest[:2]!r}, which Go does not have" if rest[1:] else "ends with a '\\'"


def _class(rest: str) -> tuple[str, str]:
    at = start = 1 + rest.startswith("[^")
    low, dash = "", False
    # A ']' right after the '[' is one of the members.
    while at < len(rest) and (at == start or rest[at] != "]"):
        member, wrong = _member(rest[at:])
        if wrong:
            return "", wrong
        at += len(member)
        if dash and len(member) == 1 and member < low:
            return "", f"has the range '{low}-{member}', whose end is before its beginning"
        dash, low = (True, low) if member == "-" and low and not dash else (False, member)
        if len(low) > 1:
            low = ""
    return (rest[: at + 1], "") if at < len(rest) else ("", "has a '[' without its ']'")


def _member(rest: str) -> tuple[str, str]:
    pattern = {"[:": _NAMED, "\\": _ESCAPE_IN_CLASS}.get(rest[:2] if rest[0] == "[" else rest[0])
    if pattern is None or (rest[:2] == "[:" and ":]" not in rest):
        return rest[0], ""
    found = pattern.match(rest)
    return (found[0], "") if found else ("", f"has {rest[:2]!r}, which Go does not have")
