"""What is asked, in a process of its own, so that it takes no turn of the one that is measured.

``ingress PORT`` is the sandbox's in front of a port; ``receivers`` answers as Receivers do whose
senders know the token. Each prints its host, and ends with its standard input.
"""

import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trustme
import uvicorn

from fluxhooks.flux.hook_path import UNKNOWN_PATH
from sandbox.ingress import Ingress

CA_FILE = "ingress-ca.pem"


@contextmanager
def serving(directory: Path, *what: str) -> Iterator[str]:
    """Run one of them while the context is open; yield its host.

    Args:
        directory: where it writes its authority's certificate, `CA_FILE`.
        what: which, and its arguments.
    """
    command = [sys.executable, "-m", "bench.seeing.servers", str(directory), *what]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            host = process.stdout.readline().strip()
            if not host:
                raise RuntimeError(f"{' '.join(command)} did not start")
            yield host
        finally:
            process.stdin.close()


def main(directory: str, what: str, *arguments: str) -> None:
    """Serve until standard input ends."""
    if what == "ingress":
        with Ingress(int(arguments[0]), directory=Path(directory)) as ingress:
            print(ingress.host, flush=True)
            sys.stdin.read()
        return
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(Path(directory) / CA_FILE))
    certificate = Path(directory) / "receivers.pem"
    ca.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    bound.listen(128)
    server = uvicorn.Server(
        uvicorn.Config(
            _receivers,
            ssl_certfile=str(certificate),
            ssl_keyfile=str(certificate),
            log_level="critical",
            lifespan="off",
            # Whoever is measured beside much else may let a connection rest for long.
            timeout_keep_alive=600,
        )
    )
    threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True).start()
    print(f"localhost:{bound.getsockname()[1]}", flush=True)
    sys.stdin.read()


async def _receivers(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    while (await receive()).get("more_body"):
        pass
    status = 200 if scope["method"] == "POST" else 400
    if scope["path"] == UNKNOWN_PATH:
        status = 404
    headers = [(b"content-length", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body"})


if __name__ == "__main__":
    main(*sys.argv[1:])
