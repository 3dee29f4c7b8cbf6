"""GitLab's side of the pair: the webhook of a project, of a group, or of the instance."""

import functools
from collections.abc import Mapping
from typing import Any

import pulumi

from fluxhooks.components.forges.gitlab_events import EVENTS
from fluxhooks.errors import IncompleteUpdateError


def gitlab_webhook(
    name: str,
    *,
    at: Mapping[str, Any],
    events: pulumi.Input[list[str]],
    url: pulumi.Output[str],
    token: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """Register the webhook and return its ID, known when GitLab took it.

    Args:
        name: one for each generation. Another URL replaces a webhook of GitLab's, and what is
            replaced can be protected, or deleted first; a new name is a plain create, and the
            old one a plain delete, after it.
        at: ``project`` or ``group``, and ``push_events_branch_filter`` where one is wanted; or
            ``system_hook`` for the instance's.
    """
    # The SDK is loaded by the programs that use GitLab, and by no other.
    import pulumi_gitlab

    opts = pulumi.ResourceOptions.merge(
        opts, pulumi.ResourceOptions(protect=False, retain_on_delete=False)
    )
    kind = "instance" if "system_hook" in at else "project" if "project" in at else "group"
    make: Any = {
        "project": pulumi_gitlab.ProjectHook,
        "group": pulumi_gitlab.GroupHook,
        "instance": pulumi_gitlab.SystemHook,
    }[kind]
    asked = pulumi.Output.from_input(events)
    hook = make(
        name,
        **{key: value for key, value in at.items() if key != "system_hook"},
        enable_ssl_verification=True,
        token=token,
        url=url,
        opts=opts,
        # Each is said: pushes are sent where nothing is, and a refused delivery counts as failed.
        **{
            flag: asked.apply(functools.partial(_includes, event))
            for event, flag in EVENTS[kind].items()
        },
    )
    # An instance's has no number beside its ID.
    number = hook.id if kind == "instance" else hook.hook_id
    webhook_id: pulumi.Output[str] = number.apply(functools.partial(_made, name))
    return webhook_id


def _made(name: str, hook_id: float | str | None) -> str:
    if not hook_id:
        # What --target leaves out is not made, and the engine says no word of it.
        raise IncompleteUpdateError(
            f"{name} is not made in this update, which leaves it out; nothing was deleted, run "
            "pulumi up without --target"
        )
    return str(int(hook_id))


def _includes(event: str, events: list[str]) -> bool:
    return event in events
