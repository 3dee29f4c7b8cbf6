"""A tag that is pushed to a registry becomes a commit on a branch, and a merge request at GitLab.

The GitRepository `app` is there already, with a token that may push.
"""

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from fluxhooks import ReceiverType, WebhookReceiver, WebhookReceiverArgs

config = pulumi.Config()
IMAGE = "image.toolkit.fluxcd.io/v1"
NAMESPACE = "flux-system"
METADATA = {
    # A comment in Git says it: image: … # {"$imagepolicy": "flux-system:app"}
    "name": "app",
    "namespace": NAMESPACE,
    # Nothing belongs to them that would have to go first.
    "annotations": {"pulumi.com/deletionPropagationPolicy": "background"},
}

images = CustomResource(
    "app-images",
    api_version=IMAGE,
    kind="ImageRepository",
    metadata=METADATA,
    # The registry tells; this is for what it could not tell.
    spec={"image": config.require("image"), "interval": "30m"},
)
policy = CustomResource(
    "app-policy",
    api_version=IMAGE,
    kind="ImagePolicy",
    metadata=METADATA,
    spec={
        "imageRepositoryRef": {"name": "app"},
        "policy": {"semver": {"range": ">=1.0.0"}},
    },
    opts=pulumi.ResourceOptions(depends_on=[images]),
)
CustomResource(
    "app-updates",
    api_version=IMAGE,
    kind="ImageUpdateAutomation",
    metadata=METADATA,
    spec={
        "interval": "30m",
        "sourceRef": {"kind": "GitRepository", "name": "app"},
        "update": {"path": "./deploy", "strategy": "Setters"},
        "git": {
            "checkout": {"ref": {"branch": "main"}},
            "commit": {
                "author": {"name": "Flux", "email": "flux@example.com"},
                "messageTemplate": "Update images\n\n"
                "{{ range .Changed.Changes }}{{ .OldValue }} -> {{ .NewValue }}\n{{ end }}",
            },
            "push": {
                # A branch of its own: GitLab opens a request for what is not the default branch.
                "branch": "images",
                # GitLab's; other forges refuse a push that has options, leave them out there.
                "options": {
                    "merge_request.create": "",
                    "merge_request.target": "main",
                    "merge_request.title": "Update images",
                    "merge_request.remove_source_branch": "",
                },
            },
        },
    },
    opts=pulumi.ResourceOptions(depends_on=[policy]),
)

hook = WebhookReceiver(
    "images",
    WebhookReceiverArgs(
        host=config.require("host"),
        # Harbor, and every registry that can send a header of one's own: Authorization, the token.
        type=ReceiverType.HARBOR,
        resources=[{"kind": "ImageRepository", "name": "app", "namespace": NAMESPACE}],
    ),
    opts=pulumi.ResourceOptions(depends_on=[images]),
)
pulumi.export("hook_url", hook.hook_url)
pulumi.export("token", hook.token)
