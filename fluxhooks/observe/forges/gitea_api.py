"""Requests to the REST API of Gitea and Forgejo; httpx is imported where one is made.

Source: Gitea's ``templates/swagger/v1_json.tmpl``, which each server shows at ``/api/swagger``.
"""

import logging
import os
import weakref
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from fluxhooks.errors import ObservationError
from fluxhooks.masking import MaskingFilter, mask

if TYPE_CHECKING:
    import httpx

_SECONDS: Final = 20.0
_PAGE: Final = 50

# Where the answer says that the server did not come to it.
_PASSING: Final = frozenset({429, 502, 503, 504})

# Repeated without harm where nobody knows what became of the first.
_REPEATABLE: Final = frozenset({"DELETE", "GET", "PATCH"})

# Source: Gitea's ``routers/api/v1/api.go``.
_DISABLED: Final = "webhooks disabled"

_MASKING: Final = MaskingFilter()


def host(server: str) -> str:
    """Return what people call a server: its host, and its path where it has one."""
    parts = urlsplit(server)
    return parts.netloc.rpartition("@")[2] + parts.path.rstrip("/")


def place(*, owner: str = "", repository: str = "", organization: str = "") -> str:
    """Return where the API has a repository or an organisation."""
    if organization:
        return f"/orgs/{quote(organization, safe='')}"
    return f"/repos/{quote(owner, safe='')}/{quote(repository, safe='')}"


class GiteaApi:
    """One server, with the rights of the environment's token, from as many threads as one likes.

    Args:
        server: its address, as people open it.
        retries: how often a request that fails for a passing reason is repeated.

    Raises:
        ObservationError: there is no token.
    """

    def __init__(
        self,
        server: str,
        *,
        retries: int = 3,
    ) -> None:
        import httpx

        self._host = host(server)
        token = _token_for(self._host)
        # It logs each request's URL, in which no secret is; whatever it comes to log may have one.
        logging.getLogger("httpx").addFilter(_MASKING)
        self._retries = retries
        self._client = httpx.Client(
            base_url=f"{server.rstrip('/')}/api/v1",
            headers={
                "Accept": "application/json",
                "Authorization": f"token {token}",
                "User-Agent": "fluxhooks",
            },
            timeout=_SECONDS,
        )
        weakref.finalize(self, self._client.close)

    def find(self, path: str, *, of: str) -> Any:
        """Return what is at `path`, or None where nothing is.

        Args:
            of: whose webhooks are asked for, for errors: a repository or an organisation.

        Raises:
            ObservationError: it was refused, or not answered.
        """
        answer = self._ask("GET", path, of=of)
        return None if answer.status_code == 404 else self._read(answer, of)

    def pages(self, path: str, *, of: str) -> Iterator[Any]:
        """Return all entries of a list.

        Raises:
            ObservationError: as for `find`; also where there is no such list.
        """
        page, seen = 1, 0
        while True:
            answer = self._ask("GET", path, of=of, query={"page": page, "limit": _PAGE})
            found = self._read(answer, of)
            yield from found
            seen += len(found)
            # A server may give less at a time than it is asked for.
            total = answer.headers.get("X-Total-Count", "")
            if not found or (total.isdecimal() and seen >= int(total)):
                return
            page += 1

    def list_one(self, path: str, *, of: str) -> None:
        """Ask for one entry of a list, to see whether it may be read.

        Raises:
            ObservationError: as for `find`; also where there is no such list.
        """
        self._read(self._ask("GET", path, of=of, query={"limit": 1}), of)

    def write(self, method: str, path: str, body: Mapping[str, Any], *, of: str) -> Any:
        """Return what is answered to a POST or PATCH of `body`.

        Raises:
            ObservationError: as for `find`. One that is passing may have been done all the same.
        """
        return self._read(self._ask(method, path, of=of, body=body), of)

    def delete(self, path: str, *, of: str) -> None:
        """Delete what is at `path`; what is gone already is no error.

        Raises:
            ObservationError: as for `find`.
        """
        answer = self._ask("DELETE", path, of=of)
        if answer.status_code != 404:
            self._check(answer, of)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        of: str,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> "httpx.Response":
        import httpx
        import tenacity

        # What was never sent may be sent again, whatever it is.
        worth_it: tuple[type[Exception], ...] = (httpx.ConnectError, httpx.ConnectTimeout)
        repeatable = method in _REPEATABLE
        if repeatable:
            worth_it = (httpx.TransportError,)
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(worth_it)
            | tenacity.retry_if_result(lambda answer: repeatable and _is_passing(answer)),
            stop=tenacity.stop_after_attempt(self._retries + 1),
            wait=_wait,
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )
        try:
            answer: httpx.Response = retrying(
                self._client.request,
                method,
                path,
                params=dict(query or {}),
                json=None if body is None else dict(body),
            )
        except httpx.TimeoutException:
            raise ObservationError(
                f"Gitea at {self._host} gave no answer for the webhooks of {of} within "
                f"{_SECONDS:.0f} s",
                passing=True,
            ) from None
        except httpx.HTTPError as error:
            raise ObservationError(
                f"Gitea at {self._host} could not be asked for the webhooks of {of}: "
                f"{mask(str(error)) or type(error).__name__}",
                passing=True,
            ) from None
        return answer

    def _read(self, answer: "httpx.Response", of: str) -> Any:
        self._check(answer, of)
        try:
            return answer.json()
        except ValueError:
            raise ObservationError(
                f"{self._host} answered {answer.status_code} for the webhooks of {of}, and no "
                "JSON: is that the address of a Gitea or Forgejo, as its start page has it?"
            ) from None

    def _check(self, answer: "httpx.Response", of: str) -> None:
        status = answer.status_code
        if 200 <= status <= 299:
            return
        where = f"Gitea at {self._host} refused the webhooks of {of}"
        if status == 401:
            raise ObservationError(f"{where}: the token is not valid; set GITEA_TOKEN")
        if status == 404:
            raise ObservationError(
                f"{where}: it answered 404; is there {of}, and may the token's owner administer it?"
            )
        if status == 403:
            said = _said(answer)
            if _DISABLED in said:
                raise ObservationError(
                    f"{where}: it answered 403, {said!r}; have DISABLE_WEBHOOKS removed from the "
                    "section [security] of its app.ini, or remove gitea, give the type github, and "
                    "tell another sender hook_url and token by hand"
                )
            raise ObservationError(
                f"{where}: it answered 403{f', {said!r}' if said else ''}; the token needs the "
                "scope write:repository, or write:organization for an organisation's webhooks, "
                "and its owner must administer it"
            )
        if _is_passing(answer) or status >= 500:
            what = "too many requests" if status == 429 else "an outage"
            wait = answer.headers.get("Retry-After", "")
            raise ObservationError(
                f"{where}: it answered {status}, {what}",
                passing=True,
                retry_after=float(wait) if wait.isdecimal() else None,
            )
        if answer.is_redirect:
            raise ObservationError(
                f"{where}: it answered {status} and names another place; was {of} renamed or "
                "moved, or does the server's address begin with https?"
            )
        said = _said(answer)
        raise ObservationError(f"{where}: it answered {status}{f', {said!r}' if said else ''}")


def _token_for(host: str) -> str:
    found = os.environ.get("GITEA_TOKEN") or os.environ.get("FORGEJO_TOKEN")
    if not found:
        raise ObservationError(
            f"no token for Gitea at {host}: set GITEA_TOKEN (or FORGEJO_TOKEN) to one with the "
            "scope write:repository, or write:organization for an organisation's webhooks, whose "
            "owner administers it"
        )
    return found


def _is_passing(answer: "httpx.Response") -> bool:
    return answer.status_code in _PASSING


def _wait(state: Any) -> float:
    import tenacity

    answer = None if state.outcome.failed else state.outcome.result()
    asked = answer.headers.get("Retry-After", "") if answer is not None else ""
    if asked.isdecimal():
        return min(float(asked), _SECONDS)
    return float(tenacity.wait_random_exponential(multiplier=0.5, max=5)(state))


def _said(answer: "httpx.Response") -> str:
    try:
        said = answer.json().get("message", "")
    except (AttributeError, ValueError):
        return ""
    return mask(str(said))[:200]
