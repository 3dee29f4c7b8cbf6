"""`fluxhooks probe` and `fluxhooks doctor` on a stack, its generations made by the real engine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.app import App, GitRepository, Receiver, eventually
from tests.command import Command, Done


@pytest.fixture(scope="class")
def probing(make_app: Callable[..., App]) -> App:
    """An app with a live and a retained generation."""
    app = make_app("probing")
    app.up()
    app.up(generation=2, retained=[1])
    return app


def _verdicts(done: Done) -> dict[str, str]:
    """What each target's checks came to."""
    return {
        target["name"]: " ".join(check["verdict"] for check in target["checks"])
        for target in done.result["targets"]
    }


def _states(done: Done) -> dict[str, str]:
    """What each link of the only chain was found to be."""
    (chain,) = done.result["chains"]
    return {link["link"]: link["state"] for link in chain["links"]}


def _versions(app: App) -> dict[str, Any]:
    """The version of each object, and when a reconcile was last asked for."""
    return {
        f"{kind.__name__} {item.metadata.name}": (
            item.metadata.resourceVersion,
            item.metadata.annotations,
        )
        for kind in (GitRepository, Receiver)
        for item in app.client.list(kind)
        if item.metadata.name.startswith(app.name)
    }


class TestAStack:
    def test_what_was_made_is_found_well_and_nothing_is_changed(
        self, probing: App, tmp_path: Path
    ) -> None:
        """The state has all that a signed probe needs; only a real engine writes one."""
        before = _versions(probing)
        done = Command(probing, tmp_path)("probe", "--json")

        assert {
            "probing 2 live": "ok ok ok ok skipped",
            "probing 1 retained": "ok ok ok ok skipped",
        } == _verdicts(done)
        assert (0, True, 1) == (done.returncode, done.result["ok"], done.starts)
        assert before == _versions(probing)

    def test_the_doctor_walks_the_live_generations_chain(
        self, probing: App, tmp_path: Path
    ) -> None:
        """With what the state says of forge and cluster; the test's source is suspended."""
        before = _versions(probing)
        fluxhooks = Command(probing, tmp_path)
        done = fluxhooks("doctor", "probing", "--json")
        without = fluxhooks("doctor", "--no-cluster", "--json")

        assert (4, 1) == (done.returncode, done.starts)
        assert {
            "webhook": "ok",
            "delivery": "ok",
            "network": "ok",
            "ingress": "ok",
            "receiver": "ok",
            "source": "broken",
            "applier": "not reached",
            "cluster": "not reached",
        } == _states(done)
        (chain,) = done.result["chains"]
        assert "source-suspended" == chain["first"]["fault"]
        assert (0, True) == (without.returncode, without.result["ok"])
        assert {"source", "applier", "cluster"} == {
            link for link, state in _states(without).items() if state == "unseen"
        }
        assert before == _versions(probing)

    def test_a_delivery_that_is_asked_for_reconciles(self, probing: App, tmp_path: Path) -> None:
        """Each generation is sent one."""
        before = probing.requested_at()
        done = Command(probing, tmp_path)("probe", "probing", "--deliver", "--json")

        assert {"ok ok ok ok ok"} == set(_verdicts(done).values())
        assert "reconciled, for --deliver: the targets of probing 2 live" in done.said
        assert before != probing.requested_at()

    def test_what_was_deleted_by_hand_is_told(self, probing: App, tmp_path: Path) -> None:
        """The state has it still; the public URL shows that it is gone."""
        (first,) = probing.client.list(
            Receiver, labels={"fluxhooks/component": "probing", "fluxhooks/generation": "1"}
        )
        probing.client.delete(Receiver, first.metadata.name)
        fluxhooks = Command(probing, tmp_path)

        def told() -> Done | None:
            # The controller answers until it has seen it go.
            done = fluxhooks("probe", "--settle", "0s")
            return done if done.returncode else None

        done = eventually(told)

        assert done is not None
        assert 4 == done.returncode
        assert "probing 1 retained: unsigned: 404. No Receiver has this path" in done.result
        assert "1 of 2 answer as they must; 1 wrong" in done.result
