"""One webhook of a self-managed GitLab; each source hears of its own project alone."""

import pulumi

from fluxhooks import ResourceRef, WebhookReceiver, WebhookReceiverArgs

config = pulumi.Config()


def source(project: str) -> ResourceRef:
    """The GitRepository that follows a project, and is named as its last part is."""
    return {
        "kind": "GitRepository",
        "name": project.rpartition("/")[2],
        "filter": f"req.project.path_with_namespace == '{project}'",
    }


# Its token is an administrator's.
hook = WebhookReceiver(
    "instance",
    WebhookReceiverArgs(
        host=config.require("host"),
        gitlab={"system_hook": True},
        resources=[source(project) for project in config.require_object("projects")],
    ),
)
pulumi.export("webhook_id", hook.webhook_id)
