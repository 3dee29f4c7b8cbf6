"""The events a webhook of a project, a group or the instance can subscribe to.

From the attributes of GitLab's project and group webhooks APIs. The name that a delivery carries in
`X-Gitlab-Event` is made of the name of the trigger, as GitLab makes it.
"""

TRIGGERS = {
    "push_events": "push_hooks",
    "tag_push_events": "tag_push_hooks",
    "issues_events": "issue_hooks",
    "confidential_issues_events": "confidential_issue_hooks",
    "note_events": "note_hooks",
    "confidential_note_events": "confidential_note_hooks",
    "merge_requests_events": "merge_request_hooks",
    "job_events": "job_hooks",
    "pipeline_events": "pipeline_hooks",
    "wiki_page_events": "wiki_page_hooks",
    "deployment_events": "deployment_hooks",
    "feature_flag_events": "feature_flag_hooks",
    "releases_events": "release_hooks",
    "milestone_events": "milestone_hooks",
    "emoji_events": "emoji_hooks",
    "resource_access_token_events": "resource_access_token_hooks",
    "resource_deploy_token_events": "resource_deploy_token_hooks",
    "vulnerability_events": "vulnerability_hooks",
    "member_events": "member_hooks",
    "project_events": "project_hooks",
    "subgroup_events": "subgroup_hooks",
    "repository_update_events": "repository_update_hooks",
}

GROUP_ONLY = frozenset({"member_events", "project_events", "subgroup_events"})
PROJECT_ONLY = frozenset({"resource_deploy_token_events"})

INSTANCE_ONLY = frozenset({"repository_update_events"})

PROJECT_FLAGS = tuple(flag for flag in TRIGGERS if flag not in GROUP_ONLY | INSTANCE_ONLY)
GROUP_FLAGS = tuple(flag for flag in TRIGGERS if flag not in PROJECT_ONLY | INSTANCE_ONLY)
INSTANCE_FLAGS = (
    "push_events",
    "tag_push_events",
    "merge_requests_events",
    "repository_update_events",
)

SYSTEM_HOOK = "System Hook"
"""What `X-Gitlab-Event` says in every delivery of an instance's webhook."""


def event_name(flag: str) -> str:
    """What `X-Gitlab-Event` says: of `tag_push_events`, `Tag Push Hook`."""
    return TRIGGERS[flag].removesuffix("s").replace("_", " ").title()


FLAGS = {event_name(flag): flag for flag in TRIGGERS}
"""By the name in `X-Gitlab-Event`, the attribute that asks for it."""
