"""The filter makes probes harmless and lets the catch-up through."""

import json

import pytest

from fluxhooks.flux.resource_filter import (
    CATCH_UP_BODY,
    PROBE_BODY,
    absent_fields,
    spares_probe,
    users_filter,
    with_probe,
)


def test_without_a_users_filter() -> None:
    """Probe and ping reach no target, everything else reaches all."""
    assert "!has(req.fluxhooksProbe) && !has(req.zen)" == with_probe(None)


def test_a_users_filter_is_joined_in_parentheses() -> None:
    """An `||` of the user's cannot undo ours, and the catch-up does not depend on it."""
    joined = with_probe("req.ref == 'a' || req.ref == 'b'")

    assert (
        "!has(req.fluxhooksProbe) && !has(req.zen) && "
        "(has(req.fluxhooksCatchUp) || (req.ref == 'a' || req.ref == 'b'))"
    ) == joined


@pytest.mark.parametrize("user_filter", [None, "req.ref == 'refs/heads/main'"])
@pytest.mark.parametrize(
    ("body", "acts"),
    [
        pytest.param(PROBE_BODY, False, id="the probe"),
        pytest.param(CATCH_UP_BODY, True, id="the catch-up"),
        pytest.param(b'{"zen": "Keep it logically awesome.", "hook_id": 1}', False, id="a ping"),
        pytest.param(b'{"ref": "refs/heads/main"}', True, id="a push to the branch"),
        pytest.param(b'{"ref": "refs/heads/main", "fluxhooksProbe": 1}', False, id="a marked push"),
    ],
)
def test_what_passes_the_filter(user_filter: str | None, body: bytes, acts: bool) -> None:
    """With or without a user's filter, the same bodies reach the targets."""
    assert acts == _holds(with_probe(user_filter), json.loads(body))


@pytest.mark.parametrize("user_filter", ["req.ref == 'refs/heads/other'", "false", "true && false"])
def test_a_users_filter_decides_on_deliveries_and_not_on_the_catch_up(user_filter: str) -> None:
    """What was queued when the URL changed may be for any branch."""
    joined = with_probe(user_filter)

    assert not _holds(joined, {"ref": "refs/heads/main"})
    assert _holds(joined, json.loads(CATCH_UP_BODY))


@pytest.mark.parametrize(
    ("whole", "expected"),
    [
        pytest.param(with_probe(None), "", id="ours alone"),
        pytest.param(with_probe("req.a == 'b'"), "req.a == 'b'", id="joined with ours"),
        pytest.param("req.a == 'b'", "req.a == 'b'", id="somebody else's"),
        pytest.param("", "", id="none"),
        pytest.param("!has(req.fluxhooksProbe)", "", id="what spares the probe"),
    ],
)
def test_which_part_is_the_users(whole: str, expected: str) -> None:
    """Ours never keeps a delivery out."""
    assert expected == users_filter(whole)


@pytest.mark.parametrize(
    ("resource_filter", "expected"),
    [
        pytest.param("req.ref == 'refs/heads/main'", [], id="there"),
        pytest.param("req.ref.startsWith('refs/')", [], id="a call is no field"),
        pytest.param("req.repository.full_name == 'acme/app'", [], id="below another"),
        pytest.param("req.action == 'published'", ["req.action"], id="not there"),
        pytest.param("req.pull_request.number > 0", ["req.pull_request"], id="nothing above it"),
        pytest.param("req.repository.size > 0", ["req.repository.size"], id="not there below"),
        pytest.param("has(req.action) && req.action == 'x'", [], id="asked before"),
        pytest.param("req.ref == 'req.action'", [], id="in a text"),
        pytest.param(with_probe(None), [], id="ours"),
    ],
)
def test_fields_that_a_delivery_does_not_have(resource_filter: str, expected: list[str]) -> None:
    """A filter that reads them fails."""
    body = {"ref": "refs/heads/main", "repository": {"full_name": "acme/app"}}

    assert expected == absent_fields(resource_filter, body)


def _holds(expression: str, req: dict[str, object]) -> bool:
    # The few words of CEL used here are those of Python under other names.
    python = expression.replace("&&", " and ").replace("||", " or ").replace("!has", "not has")
    for field in ("fluxhooksProbe", "fluxhooksCatchUp", "zen"):
        python = python.replace(f"has(req.{field})", f"has('{field}')")
    python = python.replace("req.ref", "req['ref']")
    names = {"has": lambda key: key in req, "req": req, "true": True, "false": False}
    return bool(eval(python, {"__builtins__": {}}, names))


@pytest.mark.parametrize(
    "resource_filter",
    [
        with_probe(None),
        with_probe("req.ref == 'a' || true"),
        "!has(req.fluxhooksProbe)",
        " ! has( req.fluxhooksProbe )\n&& req.a",
        "req.a && !has(req.fluxhooksProbe)",
        "(req.a || req.b) && !has(req.fluxhooksProbe) && [1, 2].exists(i, i == req.c)",
        'req.a == "b && c || d" && !has(req.fluxhooksProbe)',
    ],
)
def test_a_filter_that_certainly_spares_the_probe(resource_filter: str) -> None:
    """One false expression that is joined with && makes all of it false."""
    assert spares_probe(resource_filter)


@pytest.mark.parametrize(
    "resource_filter",
    [
        "",
        "true",
        "has(req.fluxhooksProbe)",
        "!!has(req.fluxhooksProbe)",
        "!has(req.fluxhooksProbe) || req.a",
        "!has(req.fluxhooksProbe) && req.a || req.b",
        "(!has(req.fluxhooksProbe) || req.a)",
        "!has(req.fluxhooksProbe) == req.a",
        "req.a ? !has(req.fluxhooksProbe) : req.b",
        "!has(req.fluxhooksProbe) && req.a ? req.b : req.c",
        "!has(req.fluxhooksProbeToo)",
        "!has(req.fluxhooksProbe) && (req.a",
        '"!has(req.fluxhooksProbe) && " == req.a',
        '!has(req.fluxhooksProbe) && req.a == "" || req.b',
        '!has(req.fluxhooksProbe) && req.a == r"\\" || req.b == "c"',
        '!has(req.fluxhooksProbe) && req.a == r"b" || req.c',
        'req.a == """b" && !has(req.fluxhooksProbe) && "c"""',
        "!has(req.fluxhooksProbe) && req.a // (\n || req.b // )",
    ],
)
def test_a_filter_that_may_act_on_the_probe(resource_filter: str) -> None:
    """What is not certain counts as acting."""
    assert not spares_probe(resource_filter)
