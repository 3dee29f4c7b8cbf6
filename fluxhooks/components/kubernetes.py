"""The Kubernetes objects of the components, as thin resources of the Kubernetes provider.

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

# Foreground deletion waits for a garbage collector; none of them owns anything to collect.
DELETION: Final = {"pulumi.com/deletionPropagationPolicy": "background"}

_SECRET: Final = "kubernetes:core/v1:Secret"  # noqa: S105

# Makes Flux notice when somebody deletes and restores a Secret by hand.
_WATCHED: Final = {"reconcile.fluxcd.io/watch": "Enabled"}


class ReceiverSecret(pulumi.CustomResource):
    """The immutable ``v1/Secret`` that holds one generation's token under the key ``token``.

    Beside it there is what else the Receiver's type wants there.

    Auto-named: an object that a killed run left behind never blocks the next one.
    """

    metadata: pulumi.Output[dict[str, Any]]
    data: pulumi.Output[dict[str, str] | None]

    def __init__(
        self,
        name: str,
        *,
        namespace: pulumi.Input[str],
        labels: Mapping[str, str],
        token: pulumi.Input[str],
        beside: Mapping[str, pulumi.Input[str]],
        keep: bool = False,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """With `keep`, one that is there keeps its contents, whatever is given here."""
        labels = {**labels, **_WATCHED}
        props = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "annotations": dict(DELETION),
                "labels": labels,
                "namespace": namespace,
            },
            "immutable": True,
            "stringData": {**beside, "token": pulumi.Output.secret(token)},
            "data": None,
        }
        if keep:
            kept = pulumi.ResourceOptions(ignore_changes=["data", "stringData"])
            opts = pulumi.ResourceOptions.merge(opts, kept)
        super().__init__(_SECRET, name, props, versioned(opts))


class ProviderSecret(pulumi.CustomResource):
    """The immutable ``v1/Secret`` with what a Provider needs to know and nobody else should.

    Other contents are another Secret, auto-named: it is made before the Provider names it, and the
    one before goes after.
    """

    metadata: pulumi.Output[dict[str, Any]]

    def __init__(
        self,
        name: str,
        *,
        namespace: pulumi.Input[str],
        labels: Mapping[str, str],
        contents: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        props = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": _static(namespace, labels),
            "immutable": True,
            "stringData": {key: pulumi.Output.secret(value) for key, value in contents.items()},
        }
        super().__init__(_SECRET, name, props, versioned(opts))


class Provider(pulumi.CustomResource):
    """The Flux ``notification.toolkit.fluxcd.io/v1beta3`` Provider: where alerts are sent.

    Nothing is waited for, as no controller writes a status: it is read when there is an event.
    """

    metadata: pulumi.Output[dict[str, Any]]

    def __init__(
        self,
        name: str,
        *,
        namespace: pulumi.Input[str],
        labels: Mapping[str, str],
        spec: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
    ) -> None:
        props = _notification("Provider", namespace, labels, spec)
        super().__init__(f"kubernetes:{_NOTIFICATION}:Provider", name, props, versioned(opts))


class Alert(pulumi.CustomResource):
    """The Flux ``notification.toolkit.fluxcd.io/v1beta3`` Alert: which events are sent.

    Nothing is waited for, as no controller writes a status: it is read when there is an event.
    """

    metadata: pulumi.Output[dict[str, Any]]

    def __init__(
        self,
        name: str,
        *,
        namespace: pulumi.Input[str],
        labels: Mapping[str, str],
        spec: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
    ) -> None:
        props = _notification("Alert", namespace, labels, spec)
        super().__init__(f"kubernetes:{_NOTIFICATION}:Alert", name, props, versioned(opts))


_NOTIFICATION: Final = "notification.toolkit.fluxcd.io/v1beta3"


def _notification(
    kind: str, namespace: pulumi.Input[str], labels: Mapping[str, str], spec: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "apiVersion": _NOTIFICATION,
        "kind": kind,
        "metadata": _static(namespace, labels),
        "spec": {key: value for key, value in spec.items() if value is not None},
    }


def _static(namespace: pulumi.Input[str], labels: Mapping[str, str]) -> dict[str, Any]:
    return {"annotations": dict(DELETION), "labels": dict(labels), "namespace": namespace}


class ExistingSecret(pulumi.CustomResource):
    """A ``v1/Secret`` that somebody else makes; it is read in every run and never written."""

    metadata: pulumi.Output[dict[str, Any]]
    data: pulumi.Output[dict[str, str] | None]

    def __init__(
        self, name: str, *, qualified: pulumi.Input[str], opts: pulumi.ResourceOptions
    ) -> None:
        """`qualified` is its namespace and name, as in "flux-system/app-token"."""
        read = pulumi.ResourceOptions(id=qualified, additional_secret_outputs=["data"])
        opts = pulumi.ResourceOptions.merge(opts, read)
        super().__init__(_SECRET, name, {"metadata": None, "data": None}, versioned(opts))


class ExternalSecret(pulumi.CustomResource):
    """The External Secrets Operator's order to make a generation's Secret, done when it is there.

    The Secret is immutable, is made once, and has the ExternalSecret's own name.
    """

    metadata: pulumi.Output[dict[str, Any]]
    status: pulumi.Output[dict[str, Any] | None]

    def __init__(
        self,
        name: str,
        *,
        namespace: pulumi.Input[str],
        labels: Mapping[str, str],
        store: pulumi.Input[dict[str, str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        props = {
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "metadata": _waiting_for_ready(namespace, labels),
            "spec": pulumi.Output.from_input(store).apply(_taken),
            "status": None,
        }
        super().__init__(
            "kubernetes:external-secrets.io/v1:ExternalSecret",
            name,
            props,
            _replaced(opts, ["spec.data", "spec.secretStoreRef"]),
        )


class PushSecret(pulumi.CustomResource):
    """The External Secrets Operator's order to copy a generation's token, done when it did.

    The copy stays when this goes: what else reads it is not known here.
    """

    metadata: pulumi.Output[dict[str, Any]]
    status: pulumi.Output[dict[str, Any] | None]

    def __init__(
        self,
        name: str,
        *,
        namespace: pulumi.Input[str],
        labels: Mapping[str, str],
        secret_name: pulumi.Input[str],
        store: pulumi.Input[dict[str, str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        given = pulumi.Output.all(secret_name=secret_name, store=store)
        props = {
            "apiVersion": "external-secrets.io/v1alpha1",
            "kind": "PushSecret",
            "metadata": _waiting_for_ready(namespace, labels),
            "spec": given.apply(lambda known: _copied(**known)),
            "status": None,
        }
        super().__init__(
            "kubernetes:external-secrets.io/v1alpha1:PushSecret",
            name,
            props,
            _replaced(opts, ["spec.data", "spec.secretStoreRefs", "spec.selector"]),
        )


def _waiting_for_ready(namespace: pulumi.Input[str], labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "annotations": {**DELETION, "pulumi.com/waitFor": "condition=Ready"},
        "labels": dict(labels),
        "namespace": namespace,
    }


def _taken(store: dict[str, str]) -> dict[str, Any]:
    return {
        "data": [{"secretKey": "token", "remoteRef": _place(store, "key")}],
        # As the operator writes it back: "0" would be a difference in every update.
        "refreshInterval": "0s",
        "refreshPolicy": "CreatedOnce",
        "secretStoreRef": _store(store),
        "target": {
            "creationPolicy": "Owner",
            "immutable": True,
            # Without one, the operator would copy our labels to a Secret that prune cannot delete.
            "template": {"metadata": {"labels": {**_WATCHED}}},
        },
    }


def _copied(secret_name: str, store: dict[str, str]) -> dict[str, Any]:
    return {
        "data": [{"match": {"secretKey": "token", "remoteRef": _place(store, "remoteKey")}}],
        "deletionPolicy": "None",
        "secretStoreRefs": [_store(store)],
        "selector": {"secret": {"name": secret_name}},
    }


def _place(store: dict[str, str], key: str) -> dict[str, str]:
    part = {"property": store["property"]} if "property" in store else {}
    return {key: store["key"], **part}


def _store(store: dict[str, str]) -> dict[str, str]:
    return {"kind": store["store_kind"], "name": store["store"]}


def _replaced(opts: pulumi.ResourceOptions, on_changes: list[str]) -> pulumi.ResourceOptions:
    # Made anew it is waited for; changed in place it is Ready as before.
    others = pulumi.ResourceOptions(
        replace_on_changes=on_changes,
        custom_timeouts=pulumi.CustomTimeouts(create="2m", update="2m", delete="2m"),
    )
    return versioned(pulumi.ResourceOptions.merge(opts, others))


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
                "annotations": {**DELETION, "pulumi.com/waitFor": _WAIT_FOR},
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
            "kubernetes:notification.toolkit.fluxcd.io/v1:Receiver", name, props, versioned(opts)
        )


def versioned(opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """Return `opts` with the version of the Kubernetes provider that is installed."""
    return pulumi.ResourceOptions.merge(
        opts, pulumi.ResourceOptions(version=_kubernetes_provider_version())
    )


@functools.cache
def _kubernetes_provider_version() -> str:
    # Loaded by the programs that declare a component, not by every import.
    import importlib.metadata

    return importlib.metadata.version("pulumi-kubernetes")
