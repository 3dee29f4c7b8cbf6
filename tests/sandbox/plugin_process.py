"""A plugin started and asked as the engine does it: one process, one gRPC channel."""

import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import (
    engine_pb2_grpc,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

CHECKOUT = Path(__file__).resolve().parents[2]
STAND_IN = (sys.executable, "-P", "-m", "sandbox.plugins.kubernetes")
# Whoever has the official plugin can hold recording and rules against it.
OFFICIAL = os.environ.get("PULUMI_RESOURCE_KUBERNETES")
REQUESTS = {
    "GetPluginInfo": empty_pb2.Empty,
    "Cancel": empty_pb2.Empty,
    "CheckConfig": provider_pb2.CheckRequest,
    "DiffConfig": provider_pb2.DiffRequest,
    "Configure": provider_pb2.ConfigureRequest,
    "Check": provider_pb2.CheckRequest,
    "Diff": provider_pb2.DiffRequest,
    "Create": provider_pb2.CreateRequest,
    "Read": provider_pb2.ReadRequest,
    "Update": provider_pb2.UpdateRequest,
    "Delete": provider_pb2.DeleteRequest,
    "Invoke": provider_pb2.InvokeRequest,
    "Construct": provider_pb2.ConstructRequest,
    "GetSchema": provider_pb2.GetSchemaRequest,
}


@dataclass(frozen=True)
class Answer:
    """What a plugin answered: a response, or an error and what is to be saved despite it."""

    response: Any = None
    error: str = ""
    saved: Any = None


class PluginProcess:
    """A plugin, pulumi-kubernetes by default, as its own process; `logged` is what users see."""

    def __init__(
        self,
        kubeconfig: Path | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        command: tuple[str, ...] = (OFFICIAL,) if OFFICIAL else STAND_IN,
    ) -> None:
        self._command = command
        self._environment = {
            **{key: value for key, value in os.environ.items() if "PULUMI" not in key},
            "KUBECONFIG": str(kubeconfig or os.devnull),
            "PYTHONPATH": str(CHECKOUT),
            **(environment or {}),
        }
        self._engine = _Engine()

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [*self._command, self._engine.address],
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        port = self.process.stdout.readline().strip()
        assert port.isdigit(), f"the plugin printed {port!r} instead of its port"
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()
        self.process.terminate()
        self.process.wait(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._engine.stop()

    @property
    def logged(self) -> list[str]:
        """The messages that stay on the user's terminal."""
        return self._engine.logged

    def ask(self, method: str, request: Mapping[str, Any]) -> Answer:
        """Send a request given in protobuf's JSON form, and return the answer in the same."""
        message = json_format.ParseDict(dict(request), REQUESTS[method]())
        try:
            response = getattr(self._stub, method)(message, timeout=120)
        except grpc.RpcError as error:
            call: Any = error
            code = call.code().name.title()
            return Answer(
                error=f"rpc error: code = {code} desc = {call.details()}", saved=_saved(call)
            )
        return Answer(response=json_format.MessageToDict(response))


class _Engine(engine_pb2_grpc.EngineServicer):
    def __init__(self) -> None:
        self.logged: list[str] = []
        self._server = grpc.server(ThreadPoolExecutor(1))
        engine_pb2_grpc.add_EngineServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802 (the protocol's name)
        if not request.ephemeral:
            self.logged.append(request.message)
        return empty_pb2.Empty()

    def stop(self) -> None:
        self._server.stop(None).wait()


def _saved(call: Any) -> Any:
    for key, value in call.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            failure = provider_pb2.ErrorResourceInitFailed()
            assert status.details[0].Unpack(failure)
            return json_format.MessageToDict(failure)
    return None
