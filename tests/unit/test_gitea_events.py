"""What a webhook of Gitea's asks for, what it then has, and how its deliveries name it."""

import pytest

from fluxhooks.flux.gitea_events import EVENTS, asked_for, delivered, missing


@pytest.mark.parametrize(
    ("events", "names"),
    [
        pytest.param(["push", "create"], ["create", "push"], id="as they are called"),
        pytest.param(["issues"], ["issue_comment", "issues"], id="a group"),
        pytest.param(["issues_only"], ["issues"], id="a group's name alone"),
        pytest.param(["issue_label"], ["issues"], id="one of a group"),
        pytest.param(
            ["pull_request"],
            [
                "issue_comment",
                "pull_request",
                "pull_request_approved",
                "pull_request_comment",
                "pull_request_rejected",
            ],
            id="all of pull requests",
        ),
        pytest.param(["pull_request_only"], ["pull_request"], id="a pull request itself"),
        pytest.param(["pull_request_comment"], ["issue_comment"], id="what says otherwise"),
        pytest.param(["made_up_later"], ["made_up_later"], id="of a version to come"),
    ],
)
def test_deliveries_name_events_in_their_own_way(events: list[str], names: list[str]) -> None:
    """A Receiver that accepted only what was asked for would answer the rest 400."""
    assert names == delivered(events)


@pytest.mark.parametrize(
    ("events", "seen", "same"),
    [
        pytest.param(["push"], ["push"], True, id="the same"),
        pytest.param(["push"], ["push", "create"], False, id="more"),
        pytest.param(["push", "create"], ["push"], False, id="fewer"),
        pytest.param(["issues"], ["issues", "issue_label"], True, id="part of a group"),
        pytest.param(["issues"], ["issue_label"], False, id="a group without its name"),
        pytest.param(["issues_only"], ["issues"], True, id="a group's name alone"),
        pytest.param(["issues_only"], ["issues", "issue_label"], False, id="a group for its name"),
        pytest.param(["push"], [], False, id="none"),
    ],
)
def test_a_webhook_is_compared_with_what_was_asked_for(
    events: list[str], seen: list[str], *, same: bool
) -> None:
    """Gitea shows a group as its members, and an older version has fewer."""
    assert same == asked_for(events, seen)


def test_what_a_version_does_not_know_is_missing() -> None:
    """Gitea takes any name, and says nothing of those it has no event for."""
    assert ["action_run_success", "status"] == missing(
        ["push", "status", "issues", "action_run_success"], ["push", "issues"]
    )


def test_everything_that_may_be_asked_for_is_delivered_by_some_name() -> None:
    """Also by the name that a Receiver of the type github compares."""
    assert all(delivered([event]) for event in EVENTS)
