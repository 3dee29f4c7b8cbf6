"""The names of GitLab's webhook events, and the flags by which a webhook asks for them.

A delivery names its event in the header ``X-Gitlab-Event``, and that name is what a Receiver
accepts. Source: GitLab's ``TriggerableHooks``; a test compares the flags with `pulumi_gitlab`'s.
"""

from collections.abc import Iterable
from typing import Final

_BOTH: Final = {
    "Confidential Issue Hook": "confidential_issues_events",
    "Confidential Note Hook": "confidential_note_events",
    "Deployment Hook": "deployment_events",
    "Emoji Hook": "emoji_events",
    "Feature Flag Hook": "feature_flag_events",
    "Issue Hook": "issues_events",
    "Job Hook": "job_events",
    "Merge Request Hook": "merge_requests_events",
    "Milestone Hook": "milestone_events",
    "Note Hook": "note_events",
    "Pipeline Hook": "pipeline_events",
    "Push Hook": "push_events",
    "Release Hook": "releases_events",
    "Resource Access Token Hook": "resource_access_token_events",
    "Tag Push Hook": "tag_push_events",
    "Vulnerability Hook": "vulnerability_events",
    "Wiki Page Hook": "wiki_page_events",
}

# By what a webhook is registered at.
EVENTS: Final = {
    "project": {**_BOTH, "Resource Deploy Token Hook": "resource_deploy_token_events"},
    "group": {
        **_BOTH,
        "Member Hook": "member_events",
        "Project Hook": "project_events",
        "Subgroup Hook": "subgroup_events",
    },
    "instance": {
        "Merge Request Hook": "merge_requests_events",
        "Push Hook": "push_events",
        "Repository Update Hook": "repository_update_events",
        "Tag Push Hook": "tag_push_events",
    },
}

# https://docs.gitlab.com/administration/system_hooks/: the field, and what is in it.
_TOLD: Final = {
    "Merge Request Hook": ("object_kind", "merge_request"),
    "Push Hook": ("event_name", "push"),
    "Repository Update Hook": ("event_name", "repository_update"),
    "Tag Push Hook": ("event_name", "tag_push"),
}


def system_filter(events: Iterable[str]) -> str:
    """Return the CEL expression that is true of an instance's deliveries of `events`.

    It sends more than it is asked for: users, keys, groups and projects that come and go.
    """
    told: dict[str, list[str]] = {}
    for event in sorted(events):
        field, value = _TOLD[event]
        told.setdefault(field, []).append(f"'{value}'")
    return " || ".join(
        f"has(req.{field}) && req.{field} in [{', '.join(values)}]"
        for field, values in sorted(told.items())
    )
