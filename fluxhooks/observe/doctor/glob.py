"""The globs by which Gitea filters branches.

Source: Gitea ``modules/glob/glob.go``; without separators, so that ``*`` goes past a slash.
"""

import functools
import re
from collections.abc import Iterator


def matches(pattern: str, text: str) -> bool:
    """Return whether all of `text` matches; a pattern that cannot be read matches all."""
    try:
        return _compiled(pattern).fullmatch(text) is not None
    except re.error:
        return True


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_translated(pattern)), re.DOTALL)


def _translated(pattern: str) -> Iterator[str]:
    depth, characters = 0, iter(pattern)
    for character in characters:
        if character == "\\":
            yield re.escape(next(characters, ""))
        elif character == "*":
            yield ".*"
        elif character == "?":
            yield "."
        elif character == "[":
            inside = "".join(iter(lambda: next(characters, "]"), "]"))
            negated = inside.startswith("!")
            yield f"[{'^' if negated else ''}{inside.removeprefix('!')}]"
        elif character == "{":
            depth += 1
            yield "(?:"
        elif character == "}" and depth:
            depth -= 1
            yield ")"
        else:
            yield "|" if character == "," and depth else re.escape(character)
