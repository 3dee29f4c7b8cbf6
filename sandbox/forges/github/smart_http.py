"""Git over HTTP: who may read and push, and what a push sets off."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox.forges.github import payloads
from sandbox.forges.github.accounts import USER, RepositoryRecord
from sandbox.forges.github.encoding import dump
from sandbox.forges.github.git import SERVICES, RefUpdate, http_backend, parse_updates
from sandbox.forges.github.rest import password
from sandbox.forges.github.state import State

_PASSED_HEADERS = {
    "content-type": "CONTENT_TYPE",
    "content-encoding": "HTTP_CONTENT_ENCODING",
    "git-protocol": "HTTP_GIT_PROTOCOL",
}


class SmartHttp:
    """The three endpoints of Git's smart protocol: anyone reads, a token pushes."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        return [
            Route("/{owner}/{name}/info/refs", self._serve, methods=["GET"]),
            *(
                Route(f"/{{owner}}/{{name}}/{service}", self._serve, methods=["POST"])
                for service in SERVICES
            ),
        ]

    async def _serve(self, request: Request) -> Response:
        endpoint = request.url.path.split("/", 3)[3]
        service = request.query_params.get("service") if endpoint == "info/refs" else endpoint
        record = self._state.repositories.get(request.path_params["name"].removesuffix(".git"))
        if (
            request.path_params["owner"] != self._state.site.owner
            or record is None
            or service not in SERVICES
        ):
            return PlainTextResponse("Not Found", 404)
        header = request.headers.get("authorization")
        known = header is not None and password(header) in self._state.tokens
        if not known and (header is not None or service == "git-receive-pack"):
            return PlainTextResponse(
                "Invalid username or token.\n",
                401,
                headers={"WWW-Authenticate": 'Basic realm="GitHub"'},
            )
        variables = {
            "GIT_PROJECT_ROOT": str(record.path.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{record.path.name}/{endpoint}",
            "QUERY_STRING": request.url.query,
            "REQUEST_METHOD": request.method,
            "REMOTE_ADDR": "127.0.0.1",
        }
        for name, variable in _PASSED_HEADERS.items():
            if name in request.headers:
                variables[variable] = request.headers[name]
        if known:
            variables["REMOTE_USER"] = USER
        return await self._answer(record, variables, await request.body())

    async def _answer(
        self, record: RepositoryRecord, variables: dict[str, str], body: bytes
    ) -> Response:
        with tempfile.NamedTemporaryFile(
            dir=self._state.directory, prefix="pushed-", delete=False
        ) as file:
            pushed = Path(file.name)
        output = self._run(record, variables | {"PUSHED_REFS": str(pushed)}, body, pushed)
        start = b""
        async for chunk in output:
            start += chunk
            if b"\r\n\r\n" in start:
                break
        head, _, rest = start.partition(b"\r\n\r\n")
        status, headers = _parse_head(head)

        async def content() -> AsyncIterator[bytes]:
            yield rest
            async for chunk in output:
                yield chunk

        return StreamingResponse(content(), status, headers=headers)

    async def _run(
        self, record: RepositoryRecord, variables: dict[str, str], body: bytes, pushed: Path
    ) -> AsyncIterator[bytes]:
        try:
            variables["CONTENT_LENGTH"] = str(len(body))
            yield await http_backend(variables, body)
            # Before the answer ends: whoever has pushed finds the deliveries queued.
            await self._tell(record, parse_updates(pushed.read_text()))
        finally:
            pushed.unlink(missing_ok=True)

    async def _tell(self, record: RepositoryRecord, updates: list[RefUpdate]) -> None:
        if not updates:
            return
        record.pushed_at = time.time()
        site = self._state.site
        for update in payloads.told(updates):
            payload = await run_in_threadpool(payloads.push, site, record, update)
            self._state.publish(record, "push", dump(payload))
            if update.created:
                self._state.publish(record, "create", dump(payloads.create(site, record, update)))
            if update.deleted:
                self._state.publish(record, "delete", dump(payloads.delete(site, record, update)))


def _parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    status, headers = 200, {}
    for line in head.decode().split("\r\n"):
        name, _, value = line.partition(": ")
        if name.lower() == "status":
            status = int(value.split(" ", 1)[0])
        elif name:
            headers[name] = value
    return status, headers
