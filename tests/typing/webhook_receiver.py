"""What type checkers must accept, know and refuse of the component; never run."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import assert_type

import pulumi

from fluxhooks import (
    GitHubArgs,
    GitLabArgs,
    ReceiverType,
    ResourceRef,
    WebhookReceiver,
    WebhookReceiverArgs,
)

hook = WebhookReceiver(
    "app",
    WebhookReceiverArgs(
        host="flux.example.com",
        resources=[ResourceRef(kind="GitRepository", name="app")],
        github=GitHubArgs(repository="app"),
    ),
)

assert_type(hook.created_at, pulumi.Output[str])
assert_type(hook.due_at, pulumi.Output[str])
assert_type(hook.generation, pulumi.Output[int])
assert_type(hook.generation_authority, pulumi.Output[str])
assert_type(hook.hook_path, pulumi.Output[str])
assert_type(hook.hook_url, pulumi.Output[str])
assert_type(hook.receiver_name, pulumi.Output[str])
assert_type(hook.secret_name, pulumi.Output[str])
assert_type(hook.token, pulumi.Output[str])
assert_type(hook.webhook_id, pulumi.Output[str])

# A plain mapping and every argument, Outputs wherever the engine may learn a value later.
text: pulumi.Output[str] = pulumi.Output.from_input("x")
WebhookReceiver(
    "app",
    {
        "host": text,
        "resources": [
            {
                "kind": text,
                "name": text,
                "namespace": text,
                "match_labels": {"team": text},
                "api_version": text,
            }
        ],
        "github": {"repository": text},
        "type": ReceiverType.GITHUB,
        "namespace": text,
        "events": [text, "push"],
        "generation": 2,
        "schedule": {"every": "90d", "since": "2026-01-31", "extra": 0},
        "retained": [1],
        "drain": "30s",
        "verify": True,
        "verify_timeout": "60s",
        "interval": text,
        "resource_filter": text,
    },
    pulumi.ResourceOptions(protect=True),
)

resources: pulumi.Output[list[ResourceRef]] = pulumi.Output.from_input([])
WebhookReceiver("app", {"host": "h", "resources": resources, "github": {"repository": "app"}})

WebhookReceiver(
    "app",
    WebhookReceiverArgs(
        host="flux.example.com",
        resources=[],
        gitlab=GitLabArgs(project=text, push_events_branch_filter=text),
    ),
)
WebhookReceiver("app", {"host": "h", "resources": [], "gitlab": {"group": "acme"}})
WebhookReceiver("app", {"host": "h", "resources": [], "type": ReceiverType.GENERIC_HMAC})

# What must be refused: a comment that ignores nothing is an error itself, in both checkers.
WebhookReceiver("app", {"host": "h", "github": {"repository": "app"}})  # type: ignore[typeddict-item]
WebhookReceiver(
    "app",
    {"hots": "h", "host": "h", "resources": [], "github": {"repository": "app"}},  # type: ignore[typeddict-unknown-key]
)
WebhookReceiver(
    "app",
    {
        "host": "h",
        "resources": [],
        "github": {"repository": "app"},
        "generation": pulumi.Output.from_input(2),  # type: ignore[typeddict-item]
    },
)
GitHubArgs(repository="app", owner="acme")  # type: ignore[typeddict-unknown-key]
GitLabArgs(project="acme/app", branch="main")  # type: ignore[typeddict-unknown-key]
