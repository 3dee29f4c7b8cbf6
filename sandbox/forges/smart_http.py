"""Git over HTTP: who may read and push, and what a push sets off."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.forges.git import SERVICES, RefUpdate, http_backend, parse_updates

_PASSED_HEADERS = {
    "content-type": "CONTENT_TYPE",
    "content-encoding": "HTTP_CONTENT_ENCODING",
    "git-protocol": "HTTP_GIT_PROTOCOL",
}


class Served(Protocol):
    """A repository as a forge knows it."""

    @property
    def path(self) -> Path:
        """The bare repository."""

    @property
    def private(self) -> bool:
        """Whether reading takes a token too."""


R = TypeVar("R", bound=Served)


class SmartHttp(Generic[R]):
    """The three endpoints of Git's smart protocol: anyone reads what is public, a token pushes.

    Args:
        directory: takes what a push changed until it is told.
        find: the repository of a path without `.git`, None when there is none.
        knows: whether an `Authorization` header holds a good token.
        pushed: told of every push and its options, before it is answered: whoever has pushed
            finds the deliveries queued.
        forge: the forge's name, for the user who is asked for a token.
    """

    def __init__(
        self,
        directory: Path,
        *,
        find: Callable[[str], R | None],
        knows: Callable[[str], bool],
        pushed: Callable[[R, list[RefUpdate], list[str]], Awaitable[None]],
        forge: str,
    ) -> None:
        self._directory = directory
        self._find = find
        self._knows = knows
        self._pushed = pushed
        self._forge = forge

    def routes(self) -> list[Route]:
        return [
            Route("/{repository:path}/info/refs", self._serve, methods=["GET"]),
            *(
                Route(f"/{{repository:path}}/{service}", self._serve, methods=["POST"])
                for service in SERVICES
            ),
        ]

    async def _serve(self, request: Request) -> Response:
        name: str = request.path_params["repository"]
        endpoint = request.url.path.removeprefix(f"/{name}/")
        service = request.query_params.get("service") if endpoint == "info/refs" else endpoint
        repository = self._find(unquote(name).removesuffix(".git"))
        if repository is None or service not in SERVICES:
            return PlainTextResponse("Not Found", 404)
        header = request.headers.get("authorization")
        known = header is not None and self._knows(header)
        public = service == "git-upload-pack" and not repository.private
        if not known and (header is not None or not public):
            return PlainTextResponse(
                "Invalid username or token.\n",
                401,
                headers={"WWW-Authenticate": f'Basic realm="{self._forge}"'},
            )
        variables = {
            "GIT_PROJECT_ROOT": str(repository.path.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{repository.path.name}/{endpoint}",
            "QUERY_STRING": request.url.query,
            "REQUEST_METHOD": request.method,
            "REMOTE_ADDR": "127.0.0.1",
        }
        for name, variable in _PASSED_HEADERS.items():
            if name in request.headers:
                variables[variable] = request.headers[name]
        if known:
            variables["REMOTE_USER"] = "known"
        return await self._answer(repository, variables, await request.body())

    async def _answer(self, repository: R, variables: dict[str, str], body: bytes) -> Response:
        with tempfile.TemporaryDirectory(dir=self._directory, prefix="pushed-") as directory:
            updates, options = Path(directory, "refs"), Path(directory, "options")
            output = await http_backend(
                {
                    **variables,
                    "CONTENT_LENGTH": str(len(body)),
                    "PUSHED_OPTIONS": str(options),
                    "PUSHED_REFS": str(updates),
                },
                body,
            )
            if updates.exists():
                changed = parse_updates(updates.read_text())
                await self._pushed(repository, changed, options.read_text().splitlines())
        head, _, content = output.partition(b"\r\n\r\n")
        status, headers = _parse_head(head)
        return Response(content, status, headers=headers)


def _parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    status, headers = 200, {}
    for line in head.decode().split("\r\n"):
        name, _, value = line.partition(": ")
        if name.lower() == "status":
            status = int(value.split(" ", 1)[0])
        elif name:
            headers[name] = value
    return status, headers
