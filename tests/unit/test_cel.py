"""What is said of an expression of CEL before a controller is asked."""

import sys

import pytest

from fluxhooks.flux import cel
from fluxhooks.flux.cel import Result, refusal
from fluxhooks.flux.resource_filter import refusal as filter_refusal
from fluxhooks.flux.resource_filter import with_probe

REFUSED = {
    "req.ref ==": "is no valid CEL at column 11: mismatched input the end",
    "req.ref = 'main'": "is no valid CEL at column 9: token recognition error at: '= '",
    "req.ref == 'a' and\nreq.n": "is no valid CEL at line 1, column 16: mismatched input 'and' "
    "expecting the end",
    "event.ref == 'a'": "has nothing to read named 'event'; it may read req, res",
    "req.ref.startWith('a')": "has no function 'startWith', did you mean 'startsWith'?",
    "req.ref.startsWith(1)": "is no valid CEL at column 19: found no matching overload for "
    "'startsWith' applied to '(dyn, int)'",
    "1": "gives a number, and must give true or false",
    "'a'": "gives a text, and must give true or false",
    "req": "gives an object, and must give true or false",
    "timestamp(req.at)": "gives timestamp, and must give true or false",
    "req.deleted": "may give anything, and must give true or false, as … == true does",
}


@pytest.mark.parametrize(("expression", "wrong"), REFUSED.items())
def test_what_the_controllers_refuse_is_told(expression: str, wrong: str) -> None:
    """The place, the name that was perhaps meant, or what it gives."""
    assert wrong == refusal(expression, cel.FILTER, Result.BOOL)


@pytest.mark.parametrize(
    "expression",
    [
        "1 < 1.5 && -1 < 1u",
        "now() > timestamp(req.at)",
        "math.greatest(1, 2) == 2",
        "req.commits.exists(i, c, c.id == 'a')",
        "cel.bind(a, req.ref, a == 'b')",
    ],
)
def test_what_a_controller_may_take_is_left_to_it(expression: str) -> None:
    """A function that is not known here may be known to a later controller."""
    assert "" == refusal(expression, cel.FILTER, Result.BOOL)


def test_the_name_of_a_commits_status_is_a_text() -> None:
    """What is known only when it runs is no text to the controller."""
    named = "event.involvedObject.kind"
    assert "" == refusal(f"'flux/' + {named}", cel.COMMIT_STATUS, Result.STRING)
    wrong = "may give anything, and must give a text, as string(…) does"
    assert wrong == refusal(named, cel.COMMIT_STATUS, Result.STRING)


def test_a_filter_is_judged_by_itself_and_joined() -> None:
    """A comment would take in the parenthesis that closes it."""
    assert "" == filter_refusal(with_probe(None))
    assert "" == filter_refusal(with_probe("req.deleted"))
    assert "ends in a comment; remove that" == filter_refusal(with_probe("has(req.ref) // a"))
    assert "gives a number, and must give true or false" == filter_refusal(with_probe("1"))
    assert "is no valid CEL at column 5" in filter_refusal(with_probe("true) || (true"))


def test_where_the_compiler_cannot_be_had_the_controller_judges(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its publisher has no build for Alpine."""
    cel._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "cel_expr_python", None)
    assert "" == refusal("req.ref ==", cel.FILTER, Result.BOOL)
