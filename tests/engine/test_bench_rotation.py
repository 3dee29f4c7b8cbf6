"""The benchmark's ways on the real engine: each loses what it says, and its calls are counted."""

from collections import Counter
from dataclasses import replace

import pytest

from bench.rotation.ways import WAYS, Result, Way, measure
from sandbox.sandbox import Sandbox

_BY_KEY = {way.key: way for way in WAYS}

RATE = 10.0

# What is queued must outlast the engine's way from the PATCH to the delete, on any machine.
NAIVE = replace(_BY_KEY["naive"], queued=6.0, rotations=1)
OURS = replace(_BY_KEY["ours"], rotations=1, deliveries=0, settings={"drain": "5s"})


@pytest.fixture(scope="module")
def results(sandbox: Sandbox) -> dict[str, Result]:
    """One rotation each."""
    around = {"rate": RATE, "before": 0.2, "after": 1.0}
    return {way.key: measure(sandbox, way, **around) for way in (NAIVE, OURS)}


def test_naive_replacement_loses_what_is_queued_for_the_old_url(
    sandbox: Sandbox, results: dict[str, Result]
) -> None:
    """And nothing else."""
    naive = results["naive"]
    pushes = [d for d in sandbox.github.deliveries("bench-naive") if d.event == "push"]
    old, new = (push.hook.url for push in (pushes[0], pushes[-1]))

    assert old != new
    assert {404: {old}} == {
        push.status_code: {p.hook.url for p in pushes if p.status_code == push.status_code}
        for push in pushes
        if push.status_code != 200
    }
    assert 0 < naive.tally.lost < naive.tally.sent, str(naive.tally)
    assert len(pushes) == naive.tally.sent


def test_ours_loses_nothing(results: dict[str, Result]) -> None:
    """The benchmark's program is the component."""
    assert 0 == results["ours"].tally.lost < results["ours"].tally.sent


@pytest.mark.parametrize("way", [NAIVE, OURS], ids=lambda way: way.key)
def test_the_calls_of_a_rotation_are_counted_and_no_others(
    results: dict[str, Result], way: Way
) -> None:
    """Those of the update: not the provisioning before it, and none of the controllers."""
    result = results[way.key]
    asked = Counter(map(str, result.api_requests))
    changed = {what: times for what, times in asked.items() if what.startswith(("c", "d", "p"))}
    objects = {"secrets": 1, "receivers": 1}

    assert {
        f"{verb} {kind}": times for verb in ("create", "delete") for kind, times in objects.items()
    } == changed
    assert {"create", "delete", "get", "list", "watch"} >= {r.verb for r in result.api_requests}
    assert ["PATCH"] == [r.method for r in result.forge_requests if r.method != "GET"]
    assert result.forge_calls_least < len(result.forge_requests)
    assert result.api_calls_least < len(result.api_requests)


def test_the_old_receiver_goes_after_the_webhooks_change(results: dict[str, Result]) -> None:
    """Both moments are marked in the picture."""
    for result in results.values():
        assert result.retired_at is not None
        assert 1 == len(result.repointed_at)
        assert result.repointed_at[0] < result.retired_at
