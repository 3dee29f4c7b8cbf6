"""The program ``pulumi-resource-fluxhooks``, which Pulumi starts when a program asks for it."""

import asyncio
import contextlib
import importlib.metadata
import sys
from typing import Any, Final

import grpc  # type: ignore[import-untyped]
from pulumi.provider.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2_grpc

from fluxhooks.errors import FluxhooksError
from fluxhooks.plugin.provider import NAME, Provider

_USAGE: Final = f"""\
pulumi-resource-{NAME} is Pulumi's plugin for programs in YAML, TypeScript, Go, C# and Java that
use {NAME}. Pulumi starts it itself, where it is on PATH:

  resources:
    app:
      type: {NAME}:WebhookReceiver

With -version it prints its version.
"""


def main() -> None:
    """Serve the components to the engine whose address is given, or say what this is."""
    version = importlib.metadata.version(NAME)
    addresses = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    if addresses:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(Provider(version), addresses[-1]))
    elif {"-version", "--version"} & {*sys.argv[1:]}:
        sys.stdout.write(f"{version}\n")
    else:
        sys.stdout.write(_USAGE)


async def _serve(provider: Provider, engine: str) -> None:
    unlimited = [(f"grpc.max_{way}_message_length", -1) for way in ("receive", "send")]
    server = grpc.aio.server(options=unlimited)
    servicer = _Servicer(provider, engine)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    # The engine reads the first line, and nothing else.
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


class _Servicer(ProviderServicer):
    """Pulumi's servicer, but for errors of ours: one line each, and no traceback beside it."""

    def __init__(self, provider: Provider, engine: str) -> None:
        super().__init__(provider, sys.argv[1:], engine)
        self._in_their_spelling = provider.in_their_spelling

    async def Construct(self, request: Any, context: Any) -> Any:  # noqa: N802
        try:
            return await super().Construct(request, context)
        except FluxhooksError as error:
            # No property errors: the engine would print the argument's value beside them, secrets
            # too.
            text = self._in_their_spelling(str(error))
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, text)
