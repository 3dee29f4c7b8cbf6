"""Whether Go takes a regular expression is known without Go.

The real controller is asked about the same expressions in ``tests/cluster/test_alerts.py``.
"""

import pytest

from fluxhooks.flux.alert_filters import DEFAULT_EXCLUSIONS, NODE_REPLACEMENT
from fluxhooks.flux.go_regexp import refusal

TAKEN = [
    "",
    "waiting.*socket",
    "^Dependencies do not meet",
    "(?i)failed",
    "a(?i)b",
    "a*(?i)b",
    r"\bfoo\b",
    r"\Qa.b\E+",
    "[[:alpha:]]+",
    r"\pL+",
    r"\p{Greek}",
    "x{2,5}?",
    "a{,5}",
    "[]a]",
    "[^]a]",
    "[a-]",
    "(?P<n>a)(?<m>b)",
    "a|",
    "(|a)*",
    "^*",
    r"\x{10FFFF}",
    r"\123",
    "(?i:a|b)",
    "{",
    "a{1000}",
    r"[\d.-]",
    "é+",
]

REFUSED = [
    pytest.param("(?=a)", "has '(?=a', which Go does not have", id="looks ahead"),
    pytest.param("(?!a)", "has '(?!a', which Go does not have", id="looks ahead for nothing"),
    pytest.param("(?<=a)", "has '(?<=', which Go does not have", id="looks back"),
    pytest.param(r"(a)\1", r"has '\\1', which Go does not have", id="refers back"),
    pytest.param("(?>a)", "has '(?>a', which Go does not have", id="atomic"),
    pytest.param("(?P=n)", "has '(?P=', which Go does not have", id="refers back by name"),
    pytest.param(r"a\Z", r"has '\\Z', which Go does not have", id="Python's end"),
    pytest.param(r"[\b]", r"has '\\b', which Go does not have", id="backspace in a class"),
    pytest.param("[[:foo:]]", "has '[:', which Go does not have", id="no class"),
    pytest.param(
        "a**", "has '*' after a repetition, and nothing that could be repeated", id="twice"
    ),
    pytest.param(
        "a*+", "has '+' after a repetition, and nothing that could be repeated", id="possessive"
    ),
    pytest.param("*a", "has '*' after nothing that could be repeated", id="nothing to repeat"),
    pytest.param("(*a)", "has '*' after nothing that could be repeated", id="nothing in a group"),
    pytest.param("(a", "has a '(' without its ')'", id="open group"),
    pytest.param("a)", "has a ')' without its '('", id="closed group"),
    pytest.param("[a", "has a '[' without its ']'", id="open class"),
    pytest.param("[]", "has a '[' without its ']'", id="empty class"),
    pytest.param(
        "[z-a]", "has the range 'z-a', whose end is before its beginning", id="reversed range"
    ),
    pytest.param(
        "a{1001}",
        "has '{1001}'; Go repeats up to 1000 times, the smaller number first",
        id="too often",
    ),
    pytest.param(
        "a{5,2}",
        "has '{5,2}'; Go repeats up to 1000 times, the smaller number first",
        id="reversed numbers",
    ),
    pytest.param("a\\", "ends with a '\\'", id="half an escape"),
]


@pytest.mark.parametrize("expression", TAKEN)
def test_what_go_takes_is_taken(expression: str) -> None:
    """Refusing it would keep somebody from a filter that works."""
    assert "" == refusal(expression)


@pytest.mark.parametrize(("expression", "complaint"), REFUSED)
def test_what_go_refuses_is_refused(expression: str, complaint: str) -> None:
    """Flux would pass it over, and nobody would know."""
    assert complaint == refusal(expression)


def test_the_filters_of_ours_are_taken() -> None:
    """All of them."""
    expressions = [one.expression for one in (*DEFAULT_EXCLUSIONS, *NODE_REPLACEMENT)]

    assert [""] * len(expressions) == [refusal(expression) for expression in expressions]
