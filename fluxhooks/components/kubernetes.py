"""The two Kubernetes objects of a generation, as thin resources of the Kubernetes provider.

Loading the provider's SDK classes takes longer than everything else in a program; the engine is
sent the same request by a class of a few lines.
"""

import functools
from collections.abc import Mapping
from typing import Any, Final

import pulumi

# Waits until the controller has decided. A jsonpath counts only when status.observedGeneration is
# that of the spec, which the controller writes after the conditions, together with the path; so
# Ready alone would be a race, and a failure that it tries again is waited for.
_WAIT_FOR: Final = (
    "jsonpath={.status.conditions[?@.type=='Stalled' || @.type=='Ready' && @.status=='True']}"
)

# Foreground deletion waits for a garbage collector; neither object owns anything to collect.
_DELETION: Final = {"pulumi.com/deletionPropagationPolicy": "background"}


class ReceiverSecret(pulumi.CustomResource):
    """The immutable ``v1/Secret`` that holds one generation's token under the key ``token``.

    Beside it there is what else the Receiver's type wants there.

    Auto-named: an object that a killed run left behind never blocks the next one.
    """

    metadata: pulumi.Output[dict[str, Any]]

    def __init__(
        self,
        name: str,
        *,
        namespace: pulumi.Input[str],
        labels: Mapping[str, str],
        token: pulumi.Input[str],
        beside: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        # The watch label makes Flux notice when somebody deletes and restores the Secret by hand.
        labels = {**labels, "reconcile.fluxcd.io/watch": "Enabled"}
        props = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "annotations": dict(_DELETION),
                "labels": labels,
                "namespace": namespace,
            },
            "immutable": True,
            "stringData": {**beside, "token": pulumi.Output.secret(token)},
        }
        super().__init__("kubernetes:core/v1:Secret", name, props, _versioned(opts))


class Receiver(pulumi.CustomResource):
    """The Flux ``notification.toolkit.fluxcd.io/v1`` Receiver, done when its controller decided.

    It is Ready then, or never will be. Its status holds the hook path and is therefore secret.
    """

    metadata: pulumi.Output[dict[str, Any]]
    status: pulumi.Output[dict[str, Any] | None]

    def __init__(
        self,
        name: str,
        *,
        namespace: pulumi.Input[str],
        labels: Mapping[str, str],
        spec: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
    ) -> None:
        props = {
            "apiVersion": "notification.toolkit.fluxcd.io/v1",
            "kind": "Receiver",
            "metadata": {
                "annotations": {**_DELETION, "pulumi.com/waitFor": _WAIT_FOR},
                "labels": dict(labels),
                "namespace": namespace,
            },
            # An absent key is dropped: the API server refuses null on the second update.
            "spec": {key: value for key, value in spec.items() if value is not None},
            "status": None,
        }
        opts = pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                additional_secret_outputs=["status"],
                replace_on_changes=["spec.secretRef.name"],
                custom_timeouts=pulumi.CustomTimeouts(create="2m", update="2m", delete="2m"),
            ),
        )
        super().__init__(
            "kubernetes:notification.toolkit.fluxcd.io/v1:Receiver", name, props, _versioned(opts)
        )


def _versioned(opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(
        opts, pulumi.ResourceOptions(version=_kubernetes_provider_version())
    )


@functools.cache
def _kubernetes_provider_version() -> str:
    # Loaded by the programs that declare a component, not by every import.
    import importlib.metadata

    return importlib.metadata.version("pulumi-kubernetes")
