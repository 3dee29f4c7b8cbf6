"""From a push to a new revision, and which sources a delivery reaches, on the real controllers."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from tests.app import App, eventually


@pytest.fixture(scope="class")
def pushed(make_app: Callable[..., App]) -> App:
    """An app whose source has its first revision."""
    app = make_app("pushed", suspend=False)
    app.up()
    assert eventually(app.revision)
    return app


class TestAPush:
    def test_its_revision_is_in_the_cluster_at_once(self, pushed: App) -> None:
        """A mock cannot show it: Git, forge, ingress, Receiver and source work together.

        Without the webhook the source would ask again in 30 minutes.
        """
        commit = pushed.repository.commit({"app.yaml": "replicas: 2\n"}, message="Scale up")
        started = time.monotonic()
        assert eventually(lambda: pushed.revision() == commit, seconds=30)
        assert time.monotonic() - started < 30
        assert pushed.deliveries("push")[-1].status_code == 200

    def test_a_delivery_that_is_not_signed_with_the_token_reaches_nothing(
        self, pushed: App
    ) -> None:
        """The signature is what keeps strangers who know the URL out."""
        requested_at = pushed.requested_at()
        forged = replace(pushed.hook(), secret="another")
        assert pushed.deliver(forged, {"ref": "refs/heads/main"}) == 400
        assert pushed.requested_at() == requested_at

    def test_a_request_without_body_or_signature_is_refused(self, pushed: App) -> None:
        """The status is the one by which a Receiver that is there is told from none."""
        assert pushed.get(pushed.hook()) == 400


@dataclass(frozen=True)
class Filtered:
    """An app whose Receiver reaches all sources with a label, for pushes to main only."""

    app: App

    def reached(self) -> dict[str, str | None]:
        """When a reconcile was last asked for, by source."""
        return {
            name: self.app.requested_at(name)
            for name in ("filtered-one", "filtered-two", "filtered")
        }


@pytest.fixture(scope="class")
def filtered(make_app: Callable[..., App]) -> Filtered:
    app = make_app("filtered")
    for name in ("filtered-one", "filtered-two"):
        app.make_source(name, labels={"team": "shop"})
    app.up(
        resources=[{"kind": "GitRepository", "name": "*", "match_labels": {"team": "shop"}}],
        resource_filter='req.ref == "refs/heads/main"',
    )
    return Filtered(app)


class TestLabelsAndAUsersFilter:
    def test_a_push_to_another_branch_is_taken_and_reaches_nothing(
        self, filtered: Filtered
    ) -> None:
        """The user's filter is honoured beside the one that keeps probes harmless."""
        before = filtered.reached()
        assert filtered.app.deliver(filtered.app.hook(), {"ref": "refs/heads/topic"}) == 200
        assert filtered.reached() == before

    def test_a_push_to_main_reaches_the_labelled_sources_and_no_other(
        self, filtered: Filtered
    ) -> None:
        """One webhook serves a repository's sources, however many there are."""
        before = filtered.reached()
        assert filtered.app.deliver(filtered.app.hook(), {"ref": "refs/heads/main"}) == 200
        assert _changed(before, filtered.reached()) == {"filtered-one", "filtered-two"}

    def test_a_rotation_proves_itself_and_catches_up_all_the_same(self, filtered: Filtered) -> None:
        """Neither the probe nor the catch-up delivery has what the user's filter asks for."""
        before = filtered.reached()
        run = filtered.app.up(generation=filtered.app.args.get("generation", 1) + 1)
        assert run.returncode == 0
        assert _changed(before, filtered.reached()) == {"filtered-one", "filtered-two"}


def _changed(before: dict[str, str | None], after: dict[str, str | None]) -> set[str]:
    return {name for name, at in after.items() if at != before[name]}
