"""A stand-in for Pulumi's engine that records what a program asks of it, over real gRPC.

It shows every option, dependency and secret mark the SDK sends, which Pulumi's own mocks drop.
What needs an engine that acts (order, state, deletes) is tested in ``tests/engine``.
"""

import asyncio
import base64
import contextvars
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent import futures
from typing import Any

import grpc
import pulumi
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import proto, settings
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    provider_pb2,
    resource_pb2,
    resource_pb2_grpc,
)
from pulumi.runtime.rpc import UNKNOWN, _special_sig_key
from pulumi.runtime.rpc import _special_secret_sig as _secret_sig
from pulumi.runtime.stack import run_in_stack

from fluxhooks.flux.hook_path import hook_path

__all__ = [
    "CREATED_AT",
    "HOOK_ID",
    "UNKNOWN",
    "RecordingEngine",
    "hidden",
    "is_secret",
    "plain",
    "proto",
]

CREATED_AT = "2026-01-31T12:00:00Z"
"""When the API server makes objects."""

HOOK_ID = 17
"""The ID that GitLab or Gitea gives a webhook."""


class RecordingEngine(resource_pb2_grpc.ResourceMonitorServicer):
    """Answers as engine, random provider, Kubernetes and Flux would, and keeps every request.

    Args:
        preview: whether the run is a preview.
        exists: whether resources were there before: a preview then knows their computed outputs.
        finished: what earlier runs left in components' outputs, by component name.
        served_path: what the controller serves, of the computed path.
        conditions: those of every Receiver's status, and of every HTTPRoute's only parent.
        config: the stack's configuration, by full key.
        failing: names of resources that cannot be created or updated; the run goes on.
        left_out: names of resources that ``--target`` leaves out, and what is known of each.
        secrets: the tokens in Secrets that are there: made elsewhere, by namespace and name, or
            ours, by logical name.
        at_outputs: called when a component's outputs arrive, which is when its run is over.
    """

    def __init__(
        self,
        *,
        preview: bool = False,
        exists: bool = False,
        finished: dict[str, dict[str, Any]] | None = None,
        served_path: Callable[[str], str | None] = lambda computed: computed,
        conditions: Collection[dict[str, str]] = (),
        config: dict[str, str] | None = None,
        failing: Collection[str] = (),
        left_out: Mapping[str, dict[str, Any]] | None = None,
        secrets: Mapping[str, str] | None = None,
        at_outputs: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.preview = preview
        self.computes = exists or not preview
        self.finished = finished or {}
        self.served_path = served_path
        self.conditions = list(conditions)
        self.config = config or {}
        self.failing = failing
        self.left_out = left_out or {}
        self.secrets = secrets or {}
        self.at_outputs = at_outputs
        self.reads: list[resource_pb2.ReadResourceRequest] = []
        self.requests: list[resource_pb2.RegisterResourceRequest] = []
        self.outputs: dict[str, dict[str, Any]] = {}
        self.messages: list[tuple[str, str]] = []
        self._tokens: dict[str, str] = {}
        self._lock = threading.Lock()

    def run(self, program: Callable[[], None]) -> "RecordingEngine":
        """Run `program` against this engine; what it raises is raised here."""
        server = grpc.server(futures.ThreadPoolExecutor(16))
        engine_pb2_grpc.add_EngineServicer_to_server(_Log(self), server)
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(self, server)
        address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        try:
            contextvars.copy_context().run(self._run, program, address)
        finally:
            server.stop(0).wait()
        return self

    def named(self, type_: str) -> list[str]:
        """Return the logical names registered under types that end with `type_`, in order."""
        return [request.name for request in self.of(type_)]

    def of(self, type_: str) -> list[resource_pb2.RegisterResourceRequest]:
        """Return the requests for types that end with `type_`, in order."""
        return [request for request in self.requests if request.type.endswith(type_)]

    @property
    def said(self) -> list[tuple[str, str]]:
        """Severity and text of what a user is shown, in order."""
        return [(severity, text) for severity, text in self.messages if severity != "debug"]

    def _run(self, program: Callable[[], None], address: str) -> None:
        settings.reset_options(
            project="fluxhooks",
            stack="test",
            parallel=8,
            engine_address=address,
            monitor_address=address,
            preview=self.preview,
            organization="organization",
        )
        pulumi.runtime.set_all_config(self.config)

        async def main() -> None:
            # The SDK leaves a failed program's other futures unread; the failure is raised.
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
            await run_in_stack(program)

        asyncio.run(main())

    # The services, in the protocol's own spelling.

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        # As engines answer that do not know it; the SDK then asks for each feature.
        context.set_code(grpc.StatusCode.UNIMPLEMENTED)
        return resource_pb2.DeploymentInfo()

    def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: N802
        return resource_pb2.SupportsFeatureResponse(hasSupport=True)

    def RegisterPackage(self, request: Any, context: Any) -> Any:  # noqa: N802
        return resource_pb2.RegisterPackageResponse(ref="package")

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802
        name = request.urn.rpartition("::")[2]
        self.outputs[name] = json_format.MessageToDict(request.outputs)
        self.at_outputs(name)
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        assert request.tok == "pulumi:pulumi:getResource", request.tok
        urn = request.args["urn"]
        answer = struct_pb2.Struct()
        answer.update({"urn": urn, "id": "", "provider": ""})
        answer.update({"state": self.finished.get(urn.rpartition("::")[2], {})})
        # The SDK names the answer's field after a Python keyword.
        return provider_pb2.InvokeResponse(**{"return": answer})

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._lock:
            self.requests.append(request)
        answer = struct_pb2.Struct()
        answer.CopyFrom(request.object)
        if request.name in self.failing:
            return resource_pb2.RegisterResourceResponse(
                urn=f"urn:pulumi:test::fluxhooks::{request.type}::{request.name}",
                object=answer,
                result=resource_pb2.FAIL,
            )
        if request.name in self.left_out:
            answer.update(self.left_out[request.name])
        elif request.custom:
            answer.update(self._computed(request))
        return resource_pb2.RegisterResourceResponse(
            urn=f"urn:pulumi:test::fluxhooks::{request.type}::{request.name}",
            id=f"{request.name}-id" if request.custom and self.computes else "",
            object=answer,
        )

    def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._lock:
            self.reads.append(request)
        answer = struct_pb2.Struct()
        urn = f"urn:pulumi:test::fluxhooks::{request.type}::{request.name}"
        if request.id == UNKNOWN:
            # Only a preview has those, and the engine then reads nothing.
            return resource_pb2.ReadResourceResponse(urn=urn, properties=answer)
        namespace, _, name = request.id.partition("/")
        token = self.secrets.get(request.id, f"token-in-{name}")
        self._tokens[name] = token
        data = {"token": base64.b64encode(token.encode()).decode()} if token else {}
        metadata = {"creationTimestamp": CREATED_AT, "name": name, "namespace": namespace}
        answer.update({"data": _secret(data), "metadata": metadata})
        return resource_pb2.ReadResourceResponse(urn=urn, id=request.id, properties=answer)

    def _computed(self, request: Any) -> dict[str, Any]:
        inputs = json_format.MessageToDict(request.object)
        if "metadata" in inputs:
            name = f"{request.name}-0a1b2c3d"
            computed: dict[str, Any] = {"metadata": {**inputs["metadata"], "name": name}}
            if self.computes:
                computed["metadata"]["creationTimestamp"] = CREATED_AT
            if inputs["kind"] == "Secret":
                kept = self.secrets.get(request.name)
                token = kept or plain(inputs["stringData"]).get("token", "")
                self._tokens[name] = token
                if token != UNKNOWN:
                    encoded = base64.b64encode(token.encode()).decode()
                    computed["data"] = _secret({"token": encoded})
            elif inputs["kind"] in ("ExternalSecret", "PushSecret"):
                if self.computes:
                    computed["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
            elif inputs["kind"] == "HTTPRoute":
                if self.computes:
                    computed["status"] = {"parents": [{"conditions": self.conditions}]}
            elif inputs["kind"] == "Receiver" and self.computes:
                secret = inputs["spec"].get("secretRef")
                token = self._tokens[secret["name"]] if secret else ""
                path = hook_path(token, name, inputs["metadata"]["namespace"])
                computed["status"] = _secret(
                    {"conditions": self.conditions, "webhookPath": self.served_path(path)}
                )
            return computed
        if request.type.endswith("RandomPassword") and self.computes:
            return {"result": _secret(f"token-of-{request.name}")}
        if request.type.endswith(("ProjectHook", "GroupHook")) and self.computes:
            return {"hookId": HOOK_ID}
        if request.type.endswith("dynamic/gitea:Webhook") and self.computes:
            return {"hook_id": str(HOOK_ID)}
        if request.type.endswith("OrganizationWebhook") and self.computes:
            return {"url": f"https://api.github.com/orgs/acme/hooks/{HOOK_ID}"}
        return {}


def is_secret(value: Any) -> bool:
    """Return whether `value`, as sent, is marked secret."""
    return isinstance(value, dict) and value.get(_special_sig_key) == _secret_sig


def plain(value: Any) -> Any:
    """Return `value`, as sent, without its secret marks."""
    if is_secret(value):
        return plain(value["value"])
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def hidden(value: Any) -> Any:
    """Return `value`, as sent, with ``***`` for all that is marked secret."""
    if is_secret(value):
        return "***"
    if isinstance(value, dict):
        return {key: hidden(item) for key, item in value.items()}
    if isinstance(value, list):
        return [hidden(item) for item in value]
    return value


def _secret(value: Any) -> dict[str, Any]:
    return {_special_sig_key: _secret_sig, "value": value}


class _Log(engine_pb2_grpc.EngineServicer):
    def __init__(self, engine: RecordingEngine) -> None:
        self._engine = engine

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802
        severity = engine_pb2.LogSeverity.Name(request.severity).lower()
        self._engine.messages.append((severity, request.message))
        return empty_pb2.Empty()

    def SetRootResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        return engine_pb2.SetRootResourceResponse()
