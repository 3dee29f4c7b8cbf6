"""The API server's REST interface, as far as the plugin uses it."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import httpx

from sandbox.plugins.kubernetes import naming
from sandbox.plugins.kubernetes.errors import ApiError, NoMatchError, UnreachableError
from sandbox.plugins.kubernetes.kubeconfig import Connection

Object = dict[str, Any]
Propagation = Literal["Foreground", "Background", "Orphan"]
# The name under which the API server books plain creates; updates then take these fields over.
CREATE_MANAGER = "pulumi-kubernetes"
# As often as the API machinery's own client.
_BUSY_RETRIES = 10
_APPLY = "application/apply-patch+yaml"
_JSON_PATCH = "application/json-patch+json"


@dataclass(frozen=True)
class Kind:
    """A kind that the API server serves."""

    api_version: str
    plural: str
    namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        """Return the URL path of the collection, or of one object in it."""
        prefix = "/apis" if "/" in self.api_version else "/api"
        scope = f"/namespaces/{quote(namespace or 'default', '')}" if self.namespaced else ""
        collection = f"{prefix}/{self.api_version}{scope}/{self.plural}"
        return f"{collection}/{quote(name, '')}" if name else collection


class Api:
    """One API server."""

    def __init__(self, connection: Connection, *, version: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=connection.server,
            headers={**connection.headers, "User-Agent": f"{CREATE_MANAGER}/{version} (stand-in)"},
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=32),
            timeout=httpx.Timeout(60),
            trust_env=False,
            verify=connection.tls,
        )
        self._kinds: dict[tuple[str, str], Kind] = {}

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def check(self) -> None:
        """Raise unless the API server answers.

        Raises:
            UnreachableError: It does not.
            ApiError: It does not let us in.
        """
        await self._request("GET", "/version")

    async def kind(self, obj: Mapping[str, Any]) -> Kind:
        """Return how the API server serves the kind of `obj`.

        Raises:
            NoMatchError: It does not.
        """
        api_version = str(obj.get("apiVersion") or "").removeprefix("core/")
        name = str(obj.get("kind") or "")
        if (api_version, name) not in self._kinds:
            prefix = "/apis" if "/" in api_version else "/api"
            try:
                served = await self._request("GET", f"{prefix}/{api_version}")
            except ApiError as error:
                if error.not_found:
                    raise NoMatchError(api_version, name) from None
                raise
            for entry in served.get("resources") or []:
                if "/" not in entry["name"]:
                    self._kinds[api_version, entry["kind"]] = Kind(
                        api_version, entry["name"], entry["namespaced"]
                    )
        try:
            return self._kinds[api_version, name]
        except KeyError:
            raise NoMatchError(api_version, name) from None

    async def get(self, obj: Mapping[str, Any], name: str = "") -> Object:
        """Return the live object of the kind and namespace of `obj`, by its or another name."""
        return await self._request("GET", await self._path(obj, name or naming.name_of(obj)))

    async def create(self, obj: Mapping[str, Any], *, dry_run: bool) -> Object:
        """Create `obj`; fails if its name is taken."""
        return await self._request(
            "POST",
            await self._path(obj),
            params={"fieldManager": CREATE_MANAGER, **_dry_run(dry_run)},
            body=obj,
        )

    async def apply(
        self,
        obj: Mapping[str, Any],
        *,
        field_manager: str,
        force: bool | None,
        dry_run: bool = False,
    ) -> Object:
        """Apply `obj` on the server, creating it if it does not exist."""
        params = {"fieldManager": field_manager, **_dry_run(dry_run)}
        if force is not None:
            params["force"] = str(force).lower()
        return await self._request(
            "PATCH",
            await self._path(obj, naming.name_of(obj)),
            params=params,
            body=obj,
            content_type=_APPLY,
        )

    async def set_managed_fields(
        self, obj: Mapping[str, Any], managed_fields: list[Object]
    ) -> Object:
        """Replace the record of which manager owns which field, and nothing else."""
        return await self._request(
            "PATCH",
            await self._path(obj, naming.name_of(obj)),
            body=[{"op": "replace", "path": "/metadata/managedFields", "value": managed_fields}],
            content_type=_JSON_PATCH,
        )

    async def delete(
        self,
        obj: Mapping[str, Any],
        name: str,
        *,
        propagation: Propagation,
    ) -> None:
        """Ask for an object's deletion; finalizers may keep it for a while."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        await self._request("DELETE", await self._path(obj, name), body=options)

    async def list_all(self, obj: Mapping[str, Any]) -> tuple[list[Object], str]:
        """Return all objects of the kind and namespace of `obj`, and the version of this list."""
        answer = await self._request("GET", await self._path(obj))
        version = str(answer["metadata"]["resourceVersion"])
        # Items of a list do not say again what they are.
        identity = {"apiVersion": obj["apiVersion"], "kind": obj["kind"]}
        return [identity | item for item in answer["items"]], version

    async def watch(
        self, obj: Mapping[str, Any], *, since: str
    ) -> AsyncGenerator[tuple[str, Object], None]:
        """Yield type and object of each event of this kind and namespace after a version.

        Ends when the API server closes the stream.
        """
        try:
            async with self._client.stream(
                "GET",
                await self._path(obj),
                params={"watch": "true", "resourceVersion": since},
                timeout=httpx.Timeout(60, read=None),
            ) as response:
                if response.is_error:
                    await response.aread()
                    raise _error(response)
                async for line in response.aiter_lines():
                    if line:
                        event = json.loads(line)
                        yield event["type"], event["object"]
        except httpx.TransportError as error:
            raise UnreachableError(_reason(error)) from None

    async def _path(self, obj: Mapping[str, Any], name: str = "") -> str:
        return (await self.kind(obj)).path(naming.namespace_of(obj), name)

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
    ) -> Object:
        for attempt in range(_BUSY_RETRIES + 1):
            try:
                response = await self._client.request(
                    method,
                    path,
                    params=params,
                    content=None if body is None else json.dumps(body),
                    headers={"Content-Type": content_type, "Accept": "application/json"},
                )
            except httpx.TransportError as error:
                raise UnreachableError(_reason(error)) from None
            pause = response.headers.get("Retry-After", "")
            busy = response.status_code == 429 or response.status_code >= 500
            if attempt == _BUSY_RETRIES or not busy or not pause.isdigit():
                break
            await asyncio.sleep(int(pause))
        if response.is_error:
            raise _error(response)
        answer: Object = response.json()
        return answer


def _dry_run(wanted: bool) -> dict[str, str]:
    return {"dryRun": "All"} if wanted else {}


def _error(response: httpx.Response) -> ApiError:
    try:
        status = response.json()
    except ValueError:
        status = {}
    return ApiError(response.status_code, status if isinstance(status, dict) else {})


def _reason(error: httpx.TransportError) -> str:
    request = error.request
    return (
        f"{request.method} {request.url.host}:{request.url.port}: {error or type(error).__name__}"
    )
