"""The resource provider: what each of the engine's questions is answered with."""

import asyncio
import copy
import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final, Protocol

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from sandbox.plugins import autonaming
from sandbox.plugins.errors import PartialError, PluginError, UnsupportedError
from sandbox.plugins.kubernetes import managers, naming, objects, waiting
from sandbox.plugins.kubernetes.api import CREATE_MANAGER, Api, Object, Propagation
from sandbox.plugins.kubernetes.diff import difference
from sandbox.plugins.kubernetes.errors import (
    ALREADY_EXISTS,
    ApiError,
    NoMatchError,
    UnreachableError,
    WaitError,
)
from sandbox.plugins.kubernetes.kubeconfig import active_cluster, connect
from sandbox.plugins.kubernetes.settings import Settings, read_settings
from sandbox.plugins.properties import (
    has_unknown,
    read_struct,
    reveal,
    write_struct,
)

PATCH_FORCE: Final = "pulumi.com/patchForce"
PATCH_FIELD_MANAGER: Final = "pulumi.com/patchFieldManager"
PROPAGATION: Final = "pulumi.com/deletionPropagationPolicy"

# Six tries, the last of which is waited for too: a minute for a namespace or a custom resource
# definition to appear that another program makes at the same time.
_RETRY_AFTER: Final = (1, 2, 4, 8, 16, 32)
_CONFLICT_HELP: Final = (
    "server-side apply field conflict detected, see "
    "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/"
    "managing-resources-with-server-side-apply/"
    "#handle-field-conflicts-on-existing-resources for troubleshooting help"
)
_NO_KUBECONFIG: Final = (
    "unable to load Kubernetes client configuration from kubeconfig file. Make sure you have: "
    "\n\n \t • set up the provider as per "
    "https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/ "
)
_UNREACHABLE: Final = "configured Kubernetes cluster is unreachable"
_DELETE_UNREACHABLE: Final = (
    "If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the "
    'operation with the PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"'
)
# Built-in kinds with a notion of readiness of their own, or with a special way to be updated.
_REFUSED_KINDS: Final = frozenset(
    {
        "CustomResourceDefinition",
        "DaemonSet",
        "Deployment",
        "Ingress",
        "Job",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "Pod",
        "ReplicationController",
        "ResourceQuota",
        "Service",
        "StatefulSet",
    }
)
# Waited for, as those, and not in the least where the annotation says so; never updated otherwise.
_NOT_AWAITED_KINDS: Final = frozenset({"Ingress"})
_REVISION: Final = "deployment.kubernetes.io/revision"
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_PROPAGATIONS: Final[Mapping[str, Propagation]] = {
    "orphan": "Orphan",
    "background": "Background",
}


class Log(Protocol):
    """Where the user sees what happens."""

    async def warn(self, urn: str, message: str) -> None:
        """Show a warning at a resource."""

    async def status(self, urn: str, message: str) -> None:
        """Show what a resource is doing right now."""


class Provider:
    """One configured provider; `check` and what follows need `configure` first."""

    plugin = "kubernetes"

    def __init__(self, log: Log) -> None:
        self.version = version("pulumi-kubernetes")
        self._log = log
        self._cancelled = asyncio.Event()
        self._settings = Settings()
        self._default_namespace = ""
        self._connected: Api | None = None
        self._unreachable = "the provider is not configured"

    def cancel(self) -> None:
        """End all waits, now and from now on."""
        self._cancelled.set()

    async def check_config(self, request: provider_pb2.CheckRequest) -> Any:
        """Accept the provider's inputs as they are."""
        return provider_pb2.CheckResponse(inputs=request.news)

    async def diff_config(self, request: provider_pb2.DiffRequest) -> Any:
        """Say which of the provider's inputs changed, and whether that means another cluster."""
        old, new = reveal(read_struct(request.olds)), reveal(read_struct(request.news))
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        if not changed:
            return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)
        where = [key for key in ("kubeconfig", "context", "cluster") if key in changed]
        identifiers = old.get("clusterIdentifier"), new.get("clusterIdentifier")
        if any(has_unknown(new.get(key)) for key in where):
            replaces = where
        elif all(identifiers):
            replaces = ["clusterIdentifier"] if identifiers[0] != identifiers[1] else []
        else:
            before, after = _cluster_of(old), _cluster_of(new)
            replaces = where if before and after and before != after else []
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME, diffs=changed, replaces=replaces
        )

    async def configure(self, request: provider_pb2.ConfigureRequest) -> Any:
        """Find the API server; if there is none, only what needs one fails."""
        variables = {
            key.removeprefix("kubernetes:config:"): value
            for key, value in request.variables.items()
        }
        self._settings = read_settings({**reveal(read_struct(request.args)), **variables})
        if not request.acceptSecrets:
            raise UnsupportedError("an engine that does not accept secrets")
        try:
            connection = connect(
                self._settings.kubeconfig,
                context=self._settings.context,
                cluster=self._settings.cluster,
            )
        except UnreachableError as error:
            self._unreachable = f"{_NO_KUBECONFIG}\n\n {error}"
        else:
            self._default_namespace = self._settings.namespace or connection.namespace
            api = Api(connection, version=self.version)
            try:
                await api.check()
                self._connected = api
            except (ApiError, UnreachableError) as error:
                self._unreachable = (
                    f"unable to load schema information from the API server: {error}"
                )
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    async def check(self, request: provider_pb2.CheckRequest) -> Any:
        """Complete a resource's inputs: one spelling, a name, a namespace, secrets marked."""
        news = read_struct(request.news)
        inputs: Object = objects.normalize(reveal(news))
        _refuse_unsupported(request.urn, inputs)
        old_inputs = reveal(read_struct(request.olds))
        if old_inputs:
            naming.adopt_name(inputs, old_inputs)
        else:
            naming.assign_name(
                inputs,
                autonaming.logical_name(request.urn),
                seed=request.randomSeed,
                autonaming=autonaming.requested(request),
            )
        if naming.generates_name(inputs):
            raise PluginError(
                "the `.metadata.generateName` field is not supported in Server-Side Apply mode"
            )
        metadata = inputs.setdefault("metadata", {})
        nowhere = isinstance(metadata, dict) and not metadata.get("namespace")
        if nowhere and await self._is_namespaced(inputs):
            metadata["namespace"] = self._default_namespace or "default"
        objects.mark_secrets(inputs, news)
        return provider_pb2.CheckResponse(inputs=write_struct(inputs))

    async def diff(self, request: provider_pb2.DiffRequest) -> Any:
        """Compare a resource's state with its new inputs."""
        old_inputs, old_live = objects.read_checkpoint(read_struct(request.olds))
        new_inputs = reveal(read_struct(request.news))
        found = difference(
            old_inputs=old_inputs,
            old_live=old_live,
            new_inputs=new_inputs,
            namespaced=await self._is_namespaced(new_inputs),
            ignore=request.ignoreChanges,
        )
        return provider_pb2.DiffResponse(
            changes=(
                provider_pb2.DiffResponse.DIFF_SOME
                if found.changes
                else provider_pb2.DiffResponse.DIFF_NONE
            ),
            replaces=found.replaces,
            deleteBeforeReplace=found.delete_before_replace,
            detailedDiff={
                path: provider_pb2.PropertyDiff(
                    kind=provider_pb2.PropertyDiff.Kind.Value(change.kind.name),
                    inputDiff=change.in_inputs,
                )
                for path, change in found.changes.items()
            },
            hasDetailedDiff=True,
        )

    async def create(self, request: provider_pb2.CreateRequest) -> Any:
        """Create an object and wait for it, or preview that."""
        news = read_struct(request.properties)
        inputs: Object = reveal(news)
        as_given = provider_pb2.CreateResponse(properties=request.properties)
        if request.preview and (has_unknown(inputs) or not await self._is_served(inputs)):
            return as_given
        api = self._api()
        field_manager = _field_manager({}, inputs)
        failure: WaitError | None = None
        try:
            live = await self._make(
                api, request.urn, inputs, field_manager=field_manager, preview=request.preview
            )
            if not request.preview:
                live = await self._ready(api, inputs, live, request.timeout)
        except WaitError as error:
            failure, live = error, error.last
        except ApiError as error:
            unknowable = (
                error.forbidden
                or error.namespace_not_found
                or error.dry_run_unsupported
                or error.already_exists
            )
            if request.preview and unknowable:
                return as_given
            raise _not_created(request.urn, error) from None
        except NoMatchError as error:
            kind = _type_of(request.urn).removeprefix("kubernetes:").replace(":", "/")
            raise PluginError(
                f"creation of resource {_quote(request.urn)} with kind "
                f"{kind.removeprefix('core/')} failed because the Kubernetes API server "
                "reported that the apiVersion for this resource does not exist. Verify that any "
                f"required CRDs have been created: {error}"
            ) from None
        except UnsupportedError:
            raise
        except PluginError as error:
            raise _not_created(request.urn, error) from None
        if request.preview:
            live.pop("status", None)
        state = objects.checkpoint(
            inputs,
            live,
            secrets_of=news,
            initial_api_version=str(inputs.get("apiVersion")),
            field_manager=field_manager,
        )
        if failure is not None:
            raise PartialError(
                f"resource {_quote(request.urn)} was successfully created, but the Kubernetes API "
                f"server reported that it failed to fully initialize or become live: {failure}",
                resource_id=naming.qualified_name(live),
                properties=state,
            )
        return provider_pb2.CreateResponse(
            id="" if request.preview else naming.qualified_name(live),
            properties=write_struct(state),
        )

    async def read(self, request: provider_pb2.ReadRequest) -> Any:
        """Read an object that the state knows, or one to import that only its ID names."""
        gone = provider_pb2.ReadResponse()
        if self._connected is None:
            await self._log.warn(request.urn, f"{_UNREACHABLE}: {self._unreachable}")
            raise UnreachableError(
                "failed to read resource state due to unreachable cluster. " + _DELETE_UNREACHABLE
            )
        api = self._connected
        old_state = read_struct(request.properties)
        olds = read_struct(request.inputs)
        namespace, name = naming.split_id(request.id)
        if not name:
            raise PluginError(
                "failed to read resource because of a failure to parse resource name from "
                f"request ID: {request.id}"
            )
        old_inputs = objects.normalize(reveal(olds))
        _, old_live = objects.read_checkpoint(old_state)
        imported = False
        if not old_inputs.get("kind"):
            imported = not old_live.get("kind")
            source = _kind_of(request.urn) if imported else old_live
            old_inputs |= {"apiVersion": source["apiVersion"], "kind": source["kind"]}
            metadata = old_inputs.setdefault("metadata", {})
            metadata.setdefault("name", name)
            if namespace:
                metadata.setdefault("namespace", namespace)
        _refuse_unsupported(request.urn, old_inputs)
        try:
            live = await api.get(old_inputs, name)
        except NoMatchError:
            return gone
        except ApiError as error:
            if error.not_found:
                return gone
            raise
        inputs = objects.prune(live, old_inputs)
        if imported:
            inputs = _inputs_to_import(live, inputs)
        state = objects.checkpoint(
            inputs,
            live,
            secrets_of=olds,
            initial_api_version=str(
                old_state.get(objects.INITIAL_API_VERSION) or old_inputs["apiVersion"]
            ),
            field_manager=_field_manager(old_state, old_inputs),
        )
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=write_struct(state),
            inputs=write_struct(state[objects.INPUTS]),
        )

    async def update(self, request: provider_pb2.UpdateRequest) -> Any:
        """Apply changed inputs and wait, or preview that; without a change, wait again."""
        old_state, news = read_struct(request.olds), read_struct(request.news)
        inputs = objects.normalize(reveal(news))
        if request.preview and (has_unknown(inputs) or not await self._is_served(inputs)):
            return provider_pb2.UpdateResponse(properties=request.news)
        api = self._api()
        old_inputs, old_live = objects.read_checkpoint(old_state)
        field_manager = _field_manager(old_state, inputs)
        failure: PluginError | None = None
        try:
            live = await self._change(api, inputs, old_live, field_manager, request)
        except NoMatchError as error:
            raise PluginError(
                f"update of resource {_quote(request.urn)} failed because the Kubernetes API "
                "server reported that the apiVersion for this resource does not exist. Verify "
                f"that any required CRDs have been created: {error}"
            ) from None
        except UnsupportedError:
            raise
        except PluginError as error:
            if request.preview and isinstance(error, ApiError) and error.forbidden:
                return provider_pb2.UpdateResponse(properties=request.news)
            failure = error
            try:
                live = await api.get(old_live)
            except PluginError as unreadable:
                raise PluginError(
                    f"update of resource {_quote(request.urn)} failed: {error}\n"
                    f"unable to get cluster state: {unreadable}"
                ) from None
        state = objects.checkpoint(
            inputs,
            live,
            secrets_of=news,
            initial_api_version=str(
                old_state.get(objects.INITIAL_API_VERSION) or old_inputs.get("apiVersion")
            ),
            field_manager=field_manager,
        )
        if failure is not None:
            name = naming.qualified_name(live)
            raise PartialError(
                f"the Kubernetes API server reported that {_quote(name)} failed to fully "
                f"initialize or become live: {failure}",
                resource_id=name,
                properties=state,
            )
        old_manager = _field_manager(old_state, old_inputs)
        if not request.preview and old_manager != field_manager:
            await _relinquish(api, live, old_manager)
        return provider_pb2.UpdateResponse(properties=write_struct(state))

    async def delete(self, request: provider_pb2.DeleteRequest) -> Any:
        """Delete an object and wait until it is gone; one that is gone already is fine."""
        if self._connected is None:
            await self._log.warn(request.urn, f"{_UNREACHABLE}: {self._unreachable}")
            raise UnreachableError(f"{_UNREACHABLE}. {_DELETE_UNREACHABLE}")
        api = self._connected
        state = read_struct(request.properties)
        inputs, live = objects.read_checkpoint(state)
        _refuse_unsupported(request.urn, live)
        _, name = naming.split_id(request.id)
        policy = str(naming.annotations_of(inputs).get(PROPAGATION, "")).lower()
        try:
            await api.delete(live, name, propagation=_PROPAGATIONS.get(policy, "Foreground"))
            if not _skips_wait_for_deletion(inputs):
                await waiting.until_gone(
                    api,
                    live,
                    name,
                    timeout=waiting.timeout_of(inputs, request.timeout),
                    cancelled=self._cancelled,
                )
        except NoMatchError:
            return empty_pb2.Empty()
        except ApiError as error:
            if error.not_found:
                return empty_pb2.Empty()
            raise
        except WaitError as error:
            finalizers = ", ".join(error.last.get("metadata", {}).get("finalizers") or [])
            await self._log.warn(
                request.urn, f"finalizers might be preventing deletion ({finalizers})"
            )
            raise PartialError(
                str(error),
                resource_id=naming.qualified_name(error.last),
                properties=objects.checkpoint(
                    live,
                    error.last,
                    secrets_of=state,
                    initial_api_version=str(state.get(objects.INITIAL_API_VERSION) or ""),
                    field_manager=_field_manager(state, inputs),
                ),
            ) from None
        return empty_pb2.Empty()

    async def _make(
        self, api: Api, urn: str, inputs: Object, *, field_manager: str, preview: bool
    ) -> Object:
        """Create, or upsert, until what it needs is there or a minute is over."""
        for attempt, pause in enumerate(_RETRY_AFTER):
            try:
                if not self._settings.upsert_existing_objects:
                    return await api.create(inputs, dry_run=preview)
                return await _apply(
                    api,
                    inputs,
                    field_manager=field_manager,
                    force=preview or self._may_force(inputs),
                    preview=preview,
                )
            except ApiError as error:
                if preview and self._settings.upsert_existing_objects and error.immutable:
                    raise UnsupportedError(
                        "the preview of an upsert that changes an immutable field"
                    ) from None
                if not error.not_found or (preview and error.namespace_not_found):
                    raise
                missing: PluginError = error
            except NoMatchError as error:
                missing = error
            await self._log.status(urn, f"Retry #{attempt}; creation failed: {missing}")
            if await self._sleep(pause):
                break
        raise missing

    async def _change(
        self,
        api: Api,
        inputs: Object,
        old_live: Object,
        field_manager: str,
        request: provider_pb2.UpdateRequest,
    ) -> Object:
        live = await api.get(inputs, naming.name_of(old_live))
        if not request.preview:
            entries = managers.taken_over(managers.managed_fields(live), field_manager)
            if entries is not None:
                live = await api.set_managed_fields(live, entries)
        entries = managers.managed_fields(live)
        # Also for the state, which tells the next step what was applied.
        managers.leave_ignored(inputs, live, request.ignoreChanges, field_manager=field_manager)
        changed = await _apply(
            api,
            inputs,
            field_manager=field_manager,
            force=(
                self._may_force(inputs)
                or not entries
                # The real update takes these fields over first, which a preview cannot.
                or (request.preview and any(map(managers.is_made_by_us, entries)))
            ),
            preview=request.preview,
        )
        if request.preview:
            return changed
        return await self._ready(api, inputs, changed, request.timeout)

    async def _ready(self, api: Api, inputs: Object, live: Object, timeout: float) -> Object:
        if naming.annotations_of(inputs).get(waiting.SKIP_AWAIT) == "true":
            return live
        conditions = waiting.wait_for(live)
        if not conditions:
            return live
        return await waiting.until(
            api,
            live,
            conditions,
            timeout=waiting.timeout_of(inputs, timeout),
            cancelled=self._cancelled,
        )

    async def _sleep(self, seconds: float) -> bool:
        """Sleep, and return whether it was cut short by a cancellation."""
        try:
            await asyncio.wait_for(self._cancelled.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _api(self) -> Api:
        if self._connected is None:
            raise UnreachableError(f"{_UNREACHABLE}: {self._unreachable}")
        return self._connected

    def _may_force(self, inputs: Object) -> bool:
        annotated = naming.annotations_of(inputs).get(PATCH_FORCE) == "true"
        return annotated or self._settings.patch_force

    async def _is_served(self, inputs: Object) -> bool:
        if self._connected is None:
            return False
        try:
            await self._connected.kind(inputs)
        except PluginError:
            return False
        return True

    async def _is_namespaced(self, inputs: Object) -> bool:
        """A kind that is not served yet is taken for namespaced, as most are."""
        if self._connected is None:
            return True
        try:
            return (await self._connected.kind(inputs)).namespaced
        except PluginError:
            return True


async def _apply(
    api: Api, inputs: Object, *, field_manager: str, force: bool, preview: bool
) -> Object:
    try:
        return await api.apply(inputs, field_manager=field_manager, force=force, dry_run=preview)
    except ApiError as error:
        if not error.conflict:
            raise
        raise PluginError(
            f"{_CONFLICT_HELP}\nThe resource managed by field manager {_quote(field_manager)} had "
            f"an apply conflict: {error}"
        ) from None


async def _relinquish(api: Api, live: Object, field_manager: str) -> None:
    metadata = {"name": naming.name_of(live)}
    if namespace := naming.namespace_of(live):
        metadata["namespace"] = namespace
    identity = {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata}
    await api.apply(identity, field_manager=field_manager, force=None)


def _inputs_to_import(live: Object, inputs: Object) -> Object:
    if objects.is_built_in(live):
        wanted = objects.INPUT_FIELDS.get(live["kind"])
        if wanted is None:
            raise UnsupportedError(f"the import of kind {live['kind']}")
        inputs = inputs | {key: copy.deepcopy(live[key]) for key in wanted if key in live}
    metadata = inputs["metadata"]
    for key in ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"):
        metadata.pop(key, None)
    for key in (_REVISION, _LAST_APPLIED):
        (metadata.get("annotations") or {}).pop(key, None)
    return inputs


def _refuse_unsupported(urn: str, obj: Mapping[str, Any]) -> None:
    type_ = _type_of(urn)
    _, module, name = type_.split(":", 2)
    kind = str(obj.get("kind") or "")
    # These share the form of a group and version, but are Pulumi's own.
    if module.partition("/")[0] in ("apiextensions", "helm.sh", "kustomize", "yaml"):
        raise UnsupportedError(f"the type {type_}")
    if name.endswith("Patch"):
        raise UnsupportedError(f"the patch resource {type_}")
    if objects.is_built_in(obj):
        if kind.endswith("List"):
            raise PluginError(
                "list resources exist for compatibility with YAML manifests and Helm charts, and "
                "cannot be created directly. Use the underlying resource type instead"
            )
        skips = naming.annotations_of(obj).get(waiting.SKIP_AWAIT) == "true"
        if kind in _NOT_AWAITED_KINDS and skips:
            return
        if kind in _REFUSED_KINDS or obj.get("type") == "kubernetes.io/service-account-token":
            raise UnsupportedError(f"the kind {kind}")


def _field_manager(state: Mapping[str, Any], inputs: Mapping[str, Any]) -> str:
    annotated = naming.annotations_of(inputs).get(PATCH_FIELD_MANAGER)
    known = annotated or state.get(objects.FIELD_MANAGER)
    return (
        str(known)
        if known
        else f"{CREATE_MANAGER}-{autonaming.random_suffix(length=naming.SUFFIX_LENGTH)}"
    )


def _skips_wait_for_deletion(inputs: Mapping[str, Any]) -> bool:
    skips = naming.annotations_of(inputs).get(waiting.SKIP_AWAIT) == "true"
    return skips and inputs.get("kind") == "Namespace" and inputs.get("apiVersion") == "v1"


def _cluster_of(inputs: Mapping[str, Any]) -> Any:
    kubeconfig = inputs.get("kubeconfig")
    if not kubeconfig:
        return None
    text = kubeconfig if isinstance(kubeconfig, str) else json.dumps(kubeconfig)
    return active_cluster(
        text, context=inputs.get("context") or "", cluster=inputs.get("cluster") or ""
    )


def _not_created(urn: str, error: PluginError) -> PluginError:
    reason = str(error)
    if isinstance(error, ApiError) and error.already_exists:
        reason = f"{reason}\n\n{ALREADY_EXISTS}"
    return PluginError(
        f"resource {_quote(urn)} was not successfully created by the Kubernetes API server: "
        f"{reason}"
    )


def _type_of(urn: str) -> str:
    return urn.split("::", 3)[2].rpartition("$")[2]


def _kind_of(urn: str) -> Object:
    _, api_version, kind = _type_of(urn).split(":", 2)
    return {"apiVersion": api_version.removeprefix("core/"), "kind": kind}


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
