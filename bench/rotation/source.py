"""What a benchmark's Receivers reconcile."""

from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta

from sandbox.sandbox import Sandbox

_GitRepository = create_namespaced_resource(
    "source.toolkit.fluxcd.io", "v1", "GitRepository", "gitrepositories"
)


def make_source(sandbox: Sandbox, name: str, url: str) -> None:
    """Make the GitRepository `name`, unless it is there.

    Suspended, it shows what a delivery asks for and costs no fetch for each.
    """
    source = _GitRepository(
        metadata=ObjectMeta(name=name, namespace="flux-system"),
        spec={"interval": "30m", "suspend": True, "url": url},
    )
    with sandbox.cluster.client() as client:
        client.apply(source, field_manager="bench")
