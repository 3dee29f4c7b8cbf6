"""GitLab's REST API as GitLab's own client for Go asks it."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx

from sandbox.plugins.errors import PluginError

RETRIES: Final = 5
_TRY_AGAIN: Final = 429
_PAUSE: Final = 0.8
_ENDING: Final = "api/v4/"


class ApiError(PluginError):
    """GitLab refused a request, or did not answer."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__("404 Not Found" if status == httpx.codes.NOT_FOUND else message)
        self.status = status

    @property
    def not_found(self) -> bool:
        """Whether what was asked for does not exist."""
        return self.status == httpx.codes.NOT_FOUND


class Api:
    """One GitLab, and a token for it."""

    def __init__(self, base_url: str, token: str, *, version: str) -> None:
        self._base_url = base_url if base_url.endswith(_ENDING) else base_url + _ENDING
        self._cancelled = asyncio.Event()
        self._client = httpx.AsyncClient(
            headers={
                "Authorization": f"Bearer {token}",
                "User-Agent": f"pulumi-gitlab/{version} (stand-in)",
            },
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=32),
            timeout=None,  # noqa: S113 (as the client for Go: the engine's patience counts)
            trust_env=False,
        )

    def cancel(self) -> None:
        """Send nothing again from now on."""
        self._cancelled.set()

    async def ask(
        self, method: str, *path: str, parameters: Mapping[str, Any] | None = None
    ) -> Any:
        """Send a request, again if it may help, and return what the answer holds.

        Raises:
            ApiError: GitLab refused, or did not answer.
        """
        url = self._base_url + "/".join(quote(part, safe="") for part in path)
        for attempt in range(RETRIES + 1):
            try:
                answer = await self._client.request(method, url, json=parameters)
            except httpx.HTTPError as error:
                reason = "EOF" if isinstance(error, httpx.RemoteProtocolError) else str(error)
                raise ApiError(f'{method.title()} "{url}": {reason}') from None
            again = answer.status_code == _TRY_AGAIN or answer.is_server_error
            if not again or attempt == RETRIES or await self._cancelled_in(_pause(answer, attempt)):
                break
        if answer.is_error or answer.is_redirect:
            place = self._base_url + "/".join(path)
            raise ApiError(
                f"{method} {place}: {answer.status_code} {_reason(answer)}".rstrip(),
                status=answer.status_code,
            )
        return answer.json() if answer.content else None

    async def _cancelled_in(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._cancelled.wait(), seconds)
        except TimeoutError:
            return False
        return True


def _pause(answer: httpx.Response, attempt: int) -> float:
    reset = answer.headers.get("RateLimit-Reset", "")
    if answer.status_code == _TRY_AGAIN and reset.isdecimal():
        return max(0.0, int(reset) - time.time())
    return _PAUSE * (attempt + 1)


def _reason(answer: httpx.Response) -> str:
    try:
        return _flat(answer.json())
    except json.JSONDecodeError:
        return f"failed to parse unknown error format: {answer.text.strip()}" if answer.text else ""


def _flat(value: Any) -> str:
    """An error as the client for Go writes it: `{message: {token: [is invalid]}}`."""
    if isinstance(value, dict):
        return ", ".join(f"{{{key}: {_flat(item)}}}" for key, item in sorted(value.items()))
    if isinstance(value, list):
        return f"[{', '.join(map(_flat, value))}]"
    return str(value)
