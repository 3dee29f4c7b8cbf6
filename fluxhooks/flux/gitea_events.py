"""The events that a webhook of Gitea's or Forgejo's asks for, and how its deliveries name them.

Both differ: who asks for ``pull_request`` is also told of comments and reviews, and a delivery
names its event in the header ``X-GitHub-Event``, which is what a Receiver accepts.
Sources: Gitea ``routers/api/v1/utils/hook.go`` (what is asked for), ``modules/webhook/type.go``
(how it is named); Forgejo's files of the same names for ``action_run_*``.
"""

from collections.abc import Iterable, Mapping
from typing import Final

_ISSUES: Final = ("issues", "issue_assign", "issue_comment", "issue_label", "issue_milestone")
_PULL_REQUESTS: Final = (
    "pull_request",
    "pull_request_assign",
    "pull_request_comment",
    "pull_request_label",
    "pull_request_milestone",
    "pull_request_review",
    "pull_request_review_request",
    "pull_request_sync",
)
_SINGLE: Final = (
    *("action_run_failure", "action_run_recover", "action_run_success"),
    *("create", "delete", "fork", "package", "push", "release", "repository", "status", "wiki"),
    *("workflow_job", "workflow_run"),
)

# What is asked for, and what the webhook is then said to have.
_CHOSEN: Final[Mapping[str, tuple[str, ...]]] = {
    **{event: (event,) for event in (*_ISSUES, *_PULL_REQUESTS, *_SINGLE)},
    "issues": _ISSUES,
    "issues_only": ("issues",),
    "pull_request": _PULL_REQUESTS,
    "pull_request_only": ("pull_request",),
}

# What the webhook has, where its deliveries name it otherwise.
_NAMED: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("issue_assign", "issue_label", "issue_milestone"), ("issues",)),
    **dict.fromkeys(
        (
            "pull_request_assign",
            "pull_request_label",
            "pull_request_milestone",
            "pull_request_review_request",
            "pull_request_sync",
        ),
        ("pull_request",),
    ),
    "pull_request_comment": ("issue_comment",),
    "pull_request_review": (
        "pull_request_approved",
        "pull_request_comment",
        "pull_request_rejected",
    ),
    "pull_request_review_approved": ("pull_request_approved",),
    "pull_request_review_comment": ("pull_request_comment",),
    "pull_request_review_rejected": ("pull_request_rejected",),
}

EVENTS: Final = frozenset(_CHOSEN)
"""What may be asked for."""


def asked_for(events: Iterable[str], seen: Iterable[str]) -> bool:
    """Return whether a webhook that is `seen` to have events has those that were asked for.

    A version that knows fewer of a group's events has fewer of them.
    """
    has, asked = set(seen), set(events)
    chosen = {each for event in asked for each in _CHOSEN.get(event, (event,))}
    return not missing(asked, has) and has <= chosen


def missing(events: Iterable[str], seen: Iterable[str]) -> list[str]:
    """Return which of the events that are asked for a webhook does not have, sorted."""
    has = set(seen)
    return sorted({event for event in events if _CHOSEN.get(event, (event,))[0] not in has})


def delivered(events: Iterable[str]) -> list[str]:
    """Return how deliveries name events that a webhook asks for, or has; sorted."""
    chosen = {each for event in events for each in _CHOSEN.get(event, (event,))}
    return sorted({name for each in chosen for name in _NAMED.get(each, (each,))})
