"""The gRPC server: it starts, says where it listens, and ends with the engine."""

import asyncio
import contextlib
import json
import os
import signal
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, Final, NoReturn, Protocol

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

from sandbox.plugins.errors import PartialError, PluginError, UnsupportedError
from sandbox.plugins.properties import write_struct

# ruff: noqa: N802 (the methods of a servicer are named as the protocol names them)

_MAX_MESSAGE: Final = 400 * 1024 * 1024
_LOOK_FOR_ENGINE_EVERY: Final = 0.25
_LAST_WORDS: Final = 5.0


class Provider(Protocol):
    """What answers the engine's questions; see Pulumi's protocol for each.

    Attributes:
        plugin: its name in `pulumi plugin install resource NAME`.
        version: that of the plugin it stands in for.
    """

    plugin: str
    version: str

    def cancel(self) -> None:
        """End all waits, now and from now on."""

    async def check_config(self, request: Any) -> Any:
        """Answer CheckConfig."""

    async def diff_config(self, request: Any) -> Any:
        """Answer DiffConfig."""

    async def configure(self, request: Any) -> Any:
        """Answer Configure, which comes before what follows."""

    async def check(self, request: Any) -> Any:
        """Answer Check."""

    async def diff(self, request: Any) -> Any:
        """Answer Diff."""

    async def create(self, request: Any) -> Any:
        """Answer Create."""

    async def read(self, request: Any) -> Any:
        """Answer Read."""

    async def update(self, request: Any) -> Any:
        """Answer Update."""

    async def delete(self, request: Any) -> Any:
        """Answer Delete."""


async def serve(engine_address: str, make: "Callable[[Engine], Provider]") -> NoReturn:
    """Print the port and serve a provider; end the process on a signal or with the engine.

    `make` is given what shows messages to the user.
    """
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    parent = os.getppid()
    servicer = Servicer(make(Engine(engine_address)))
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", _MAX_MESSAGE),
            ("grpc.max_send_message_length", _MAX_MESSAGE),
        ]
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    while not over.is_set() and os.getppid() == parent:
        try:
            await asyncio.wait_for(over.wait(), _LOOK_FOR_ENGINE_EVERY)
        except TimeoutError:
            continue
    if not over.is_set():
        # The engine was killed: end the waits, but let requests that are under way arrive.
        await servicer.finish(timeout=_LAST_WORDS)
    # Nothing is left to clean up, and the engine waits for the end of its plugins.
    os._exit(0)


class Engine:
    """The engine's log, which shows on the user's terminal; silent without an address."""

    def __init__(self, address: str) -> None:
        self._stub = (
            engine_pb2_grpc.EngineStub(grpc.aio.insecure_channel(address)) if address else None
        )

    async def warn(self, urn: str, message: str) -> None:
        """Show a warning at a resource."""
        await self._log(urn, message, severity=engine_pb2.WARNING, ephemeral=False)

    async def status(self, urn: str, message: str) -> None:
        """Show what a resource is doing right now; an empty message clears it."""
        await self._log(urn, message, severity=engine_pb2.INFO, ephemeral=True)

    async def _log(self, urn: str, message: str, *, severity: Any, ephemeral: bool) -> None:
        if self._stub is None:
            return
        # An engine that does not listen is about to end.
        with contextlib.suppress(grpc.RpcError):
            await self._stub.Log(
                engine_pb2.LogRequest(
                    urn=urn, message=message, severity=severity, ephemeral=ephemeral
                ),
                timeout=5,
            )


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Hands each call to the provider, and its errors back as gRPC knows them.

    What is not here the official plugin does not implement either, and the engine knows to do
    without; except for Invoke, Call and Construct, which only say that they are not supported.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._running: set[asyncio.Task[Any]] = set()

    async def finish(self, *, timeout: float) -> None:
        """End all waits, and wait `timeout` seconds for what is still running."""
        self._provider.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=timeout)

    async def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=self._provider.version)

    async def Cancel(self, request: Any, context: Any) -> Any:
        self._provider.cancel()
        return empty_pb2.Empty()

    async def GetSchema(self, request: Any, context: Any) -> Any:
        schema = {"name": self._provider.plugin, "version": self._provider.version}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    async def CheckConfig(self, request: Any, context: Any) -> Any:
        return await self._answer(self._provider.check_config, request, context)

    async def DiffConfig(self, request: Any, context: Any) -> Any:
        return await self._answer(self._provider.diff_config, request, context)

    async def Configure(self, request: Any, context: Any) -> Any:
        return await self._answer(self._provider.configure, request, context)

    async def Check(self, request: Any, context: Any) -> Any:
        return await self._answer(self._provider.check, request, context)

    async def Diff(self, request: Any, context: Any) -> Any:
        return await self._answer(self._provider.diff, request, context)

    async def Create(self, request: Any, context: Any) -> Any:
        return await self._answer(self._provider.create, request, context)

    async def Read(self, request: Any, context: Any) -> Any:
        return await self._answer(self._provider.read, request, context)

    async def Update(self, request: Any, context: Any) -> Any:
        return await self._answer(self._provider.update, request, context)

    async def Delete(self, request: Any, context: Any) -> Any:
        return await self._answer(self._provider.delete, request, context)

    async def Invoke(self, request: Any, context: Any) -> Any:
        return await self._answer(_refuse(f"the function {request.tok}"), request, context)

    async def Call(self, request: Any, context: Any) -> Any:
        return await self._answer(_refuse(f"the function {request.tok}"), request, context)

    async def Construct(self, request: Any, context: Any) -> Any:
        return await self._answer(_refuse(f"the component {request.type}"), request, context)

    async def _answer(
        self, method: Callable[[Any], Awaitable[Any]], request: Any, context: Any
    ) -> Any:
        task = asyncio.ensure_future(method(request))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            # A lost engine cancels the call, but must not stop a step between two requests.
            return await asyncio.shield(task)
        except PartialError as failure:
            await context.abort(
                grpc.StatusCode.UNKNOWN,
                str(failure),
                trailing_metadata=(("grpc-status-details-bin", _details(failure)),),
            )
        except UnsupportedError as error:
            cure = (
                f"use the official plugin: pulumi plugin install resource {self._provider.plugin}"
            )
            await context.abort(grpc.StatusCode.UNKNOWN, f"{error}; {cure}")
        except PluginError as error:
            await context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:
            # Not its text, which may quote a secret.
            place = traceback.extract_tb(error.__traceback__)[-1]
            await context.abort(
                grpc.StatusCode.UNKNOWN,
                f"stand-in: {type(error).__name__} at {place.filename}:{place.lineno}",
            )


def _refuse(what: str) -> Callable[[Any], Awaitable[Any]]:
    async def refuse(_: Any) -> Any:
        raise UnsupportedError(what)

    return refuse


def _details(failure: PartialError) -> bytes:
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(failure))
    status.details.add().Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=failure.resource_id,
            properties=write_struct(failure.properties),
            reasons=[str(failure)],
        )
    )
    return bytes(status.SerializeToString())
