"""The REST API: who may ask what, and how it is answered."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.forges.authorization import password
from sandbox.forges.encoding import dump, timestamp
from sandbox.forges.endpoints import Answer, Endpoint
from sandbox.forges.front import UNKNOWN_ENDPOINT
from sandbox.forges.git import newest_step, resolve
from sandbox.forges.github import deliveries, errors, hooks, payloads, statuses
from sandbox.forges.github.accounts import (
    USER,
    RepositoryRecord,
    show_full_organization,
    show_full_repository,
    show_user,
)
from sandbox.forges.github.apps import show_token
from sandbox.forges.github.errors import ApiError
from sandbox.forges.github.hooks import Hook, Target
from sandbox.forges.github.state import Access, State

HOURLY_REQUESTS = 5000
HOURLY_REQUESTS_ANONYMOUS = 60

_RANK = {Access.NONE: 0, Access.READ: 1, Access.WRITE: 2}


class Quota:
    """The hourly requests of one token."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.reset = int(time.time()) + 3600

    def renew(self) -> None:
        if time.time() >= self.reset:
            self.used, self.reset = 0, int(time.time()) + 3600

    def show(self) -> dict[str, int]:
        return {
            "limit": self.limit,
            "remaining": max(0, self.limit - self.used),
            "reset": self.reset,
            "used": self.used,
        }


class Api:
    """The endpoints over one `State`."""

    def __init__(self, state: State, *, hourly_requests: int = HOURLY_REQUESTS) -> None:
        self._state = state
        self._hourly_requests = hourly_requests
        self._quotas: dict[str | None, Quota] = {}

    def routes(self) -> list[Route]:
        read, write = Access.READ, Access.WRITE
        routes = [
            self._route("GET", "/meta", self._meta),
            self._route("GET", "/rate_limit", self._rate_limit, free=True),
            self._route("GET", "/user", self._user),
            self._route(
                "POST",
                "/app/installations/{installation_id:int}/access_tokens",
                self._installation_token,
            ),
            self._route("GET", "/users/{login}", self._a_user),
            self._route("GET", "/orgs/{owner}", self._organization),
            self._route("GET", "/repos/{owner}/{name}", self._repository),
            self._route("GET", "/repos/{owner}/{name}/activity", self._activity),
            self._route("GET", "/repos/{owner}/{name}/commits/{ref:path}/statuses", self._statuses),
            self._route("POST", "/repos/{owner}/{name}/statuses/{sha}", self._set_status),
        ]
        for root in ("/repos/{owner}/{name}/hooks", "/orgs/{owner}/hooks"):
            hook = root + "/{hook_id:int}"
            delivery = hook + "/deliveries/{delivery_id:int}"
            routes += [
                self._route("GET", root, self._list_hooks, read),
                self._route("POST", root, self._create_hook, write),
                self._route("GET", hook, self._get_hook, read),
                self._route("PATCH", hook, self._edit_hook, write),
                self._route("DELETE", hook, self._delete_hook, write),
                self._route("GET", hook + "/config", self._get_config, read),
                self._route("PATCH", hook + "/config", self._edit_config, write),
                self._route("POST", hook + "/pings", self._ping, write),
                self._route("GET", hook + "/deliveries", self._list_deliveries, read),
                self._route("GET", delivery, self._get_delivery, read),
                self._route("POST", delivery + "/attempts", self._redeliver, write),
            ]
        test = "/repos/{owner}/{name}/hooks/{hook_id:int}"
        routes.append(self._route("POST", test + "/tests", self._test, write))
        routes.append(self._route("POST", test + "/test", self._test, write))
        return routes

    async def refuse(self, request: Request, error: Exception) -> Response:
        """The answer to what no endpoint is there for."""
        assert isinstance(error, HTTPException)
        request.scope[UNKNOWN_ENDPOINT] = True
        return _error(errors.not_found(), {})

    def _route(
        self,
        method: str,
        path: str,
        endpoint: Endpoint,
        access: Access = Access.NONE,
        *,
        free: bool = False,
    ) -> Route:
        async def answer(request: Request) -> Response:
            return await self._answer(request, endpoint, access=access, free=free)

        return Route(path, answer, methods=[method])

    async def _answer(
        self, request: Request, endpoint: Endpoint, *, access: Access, free: bool
    ) -> Response:
        headers: dict[str, str] = {}
        try:
            token = self._authenticate(request)
            quota = self._quota(token)
            if not free and quota.used >= quota.limit:
                raise errors.rate_limited(quota.reset)
            quota.used += not free
            self._authorize(request, token, access)
            answer = await endpoint(request)
            headers |= _quota_headers(quota)
            if access is not Access.NONE:
                headers["X-Accepted-GitHub-Permissions"] = _permission(request, access)
            response = _success(request, answer, headers)
            if response.status_code == 304:
                quota.used -= not free  # a conditional request that changes nothing is free
                response.headers.update(_quota_headers(quota))
            return response
        except ApiError as error:
            token = _token(request)
            if error.status != 401:
                headers |= _quota_headers(self._quota(token))
            return _error(error, headers)

    def _authenticate(self, request: Request) -> str | None:
        token = _token(request)
        if (
            token is not None
            and token not in self._state.tokens
            and self._state.app_of(token) is None
        ):
            raise errors.bad_credentials()
        return token

    def _authorize(self, request: Request, token: str | None, access: Access) -> None:
        if access is Access.NONE:
            return
        if token is None:
            raise errors.not_found()
        if token not in self._state.tokens:
            # An App as itself sees itself and its installations only.
            raise errors.not_decodable()
        if _RANK[self._state.tokens[token]] < _RANK[access]:
            raise errors.missing_permission(_permission(request, access))

    def _quota(self, token: str | None) -> Quota:
        if token not in self._quotas:
            limit = HOURLY_REQUESTS_ANONYMOUS if token is None else self._hourly_requests
            self._quotas[token] = Quota(limit)
        quota = self._quotas[token]
        quota.renew()
        return quota

    async def _meta(self, request: Request) -> Answer:
        loopback = ["127.0.0.1/32"]
        return Answer(
            {
                "verifiable_password_authentication": False,
                "hooks": loopback,
                "web": loopback,
                "api": loopback,
                "git": loopback,
            }
        )

    async def _rate_limit(self, request: Request) -> Answer:
        core = self._quota(_token(request)).show()
        return Answer({"resources": {"core": core, "search": core}})

    async def _installation_token(self, request: Request) -> Answer:
        app = self._state.app_of(_token(request) or "")
        if app is None:
            raise errors.not_decodable()
        if app.installation_id != str(request.path_params["installation_id"]):
            raise errors.not_found()
        token = f"ghs_{secrets.token_hex(18)}"
        self._state.tokens[token] = Access(app.access)
        return Answer(show_token(app, token, now=time.time()), status=201)

    async def _user(self, request: Request) -> Answer:
        token = _token(request)
        if token is None:
            raise errors.requires_authentication()
        if token.startswith("ghs_") or token not in self._state.tokens:
            raise errors.no_user()
        return Answer(show_user(self._state.site, full=True))

    async def _a_user(self, request: Request) -> Answer:
        if request.path_params["login"] != USER:
            raise errors.not_found()
        return Answer(show_user(self._state.site, full=True))

    async def _organization(self, request: Request) -> Answer:
        self._target(request)
        site = self._state.site
        return Answer(show_full_organization(site, repositories=len(self._state.repositories)))

    async def _repository(self, request: Request) -> Answer:
        self._target(request)
        return Answer(show_full_repository(self._state.site, self._record(request)))

    async def _activity(self, request: Request) -> Answer:
        if _token(request) is None:
            raise errors.requires_authentication()
        self._target(request)
        found = self._state.activities.get(self._record(request).name, [])[::-1]
        if ref := request.query_params.get("ref"):
            full = ref if ref.startswith("refs/") else f"refs/heads/{ref}"
            found = [activity for activity in found if activity.update.ref == full]
        return Answer(
            [
                {
                    "id": activity.id,
                    "node_id": f"PSH_{activity.id}",
                    "before": activity.update.before,
                    "after": activity.update.after,
                    "ref": activity.update.ref,
                    "timestamp": timestamp(activity.at),
                    "activity_type": activity.kind,
                    "actor": show_user(self._state.site),
                }
                for activity in found[: _per_page(request)]
            ]
        )

    async def _statuses(self, request: Request) -> Answer:
        self._target(request)
        record = self._record(request)
        sha = await run_in_threadpool(resolve, record.path, request.path_params["ref"])
        if sha is None:
            raise errors.not_found()
        found = [one for one in self._state.statuses.get(record.name, [])[::-1] if one.sha == sha]
        per_page, page = _per_page(request), _positive(request, "page", default=1)
        shown = found[per_page * (page - 1) : per_page * page]
        return Answer([statuses.show(self._state.site, record, one) for one in shown])

    async def _set_status(self, request: Request) -> Answer:
        token = _token(request)
        if token is None:
            raise errors.not_found()
        self._target(request)
        if token not in self._state.may_set_statuses:
            raise errors.missing_permission("statuses=write")
        record, sha = self._record(request), request.path_params["sha"]
        # A branch or a part of an ID will not do.
        if await run_in_threadpool(resolve, record.path, sha) != sha:
            raise errors.no_commit(sha)
        status = self._state.set_status(record, sha, await _body(request))
        shown = statuses.show(self._state.site, record, status)
        return Answer(shown, status=201, headers={"Location": shown["url"]})

    async def _list_hooks(self, request: Request) -> Answer:
        target = self._target(request)
        per_page, page = _per_page(request), _positive(request, "page", default=1)
        found = self._state.hooks_of(target)
        shown = [self._show(hook) for hook in found[(page - 1) * per_page : page * per_page]]
        last = max(1, -(-len(found) // per_page))
        links: dict[str, int] = {}
        if page > 1:
            links |= {"prev": page - 1, "first": 1}
        if page < last:
            links |= {"next": page + 1, "last": last}
        url = f"{self._state.site.api}/{target.path}/hooks"
        return Answer(
            shown,
            headers=_link(
                {name: {"per_page": per_page, "page": n} for name, n in links.items()}, url
            ),
        )

    async def _create_hook(self, request: Request) -> Answer:
        hook = self._state.create_hook(self._target(request), await _body(request))
        self._send_ping(hook)
        shown = self._show(hook)
        return Answer(shown, status=201, headers={"Location": shown["url"]})

    async def _get_hook(self, request: Request) -> Answer:
        return Answer(self._show(self._hook(request)))

    async def _edit_hook(self, request: Request) -> Answer:
        body = await _body(request)
        edited = hooks.edit(self._hook(request), body, now=time.time())
        return Answer(self._show(self._state.replace_hook(edited)))

    async def _delete_hook(self, request: Request) -> Answer:
        del self._state.hooks[self._hook(request).id]
        return Answer(status=204)

    async def _get_config(self, request: Request) -> Answer:
        return Answer(hooks.show_config(self._hook(request)))

    async def _edit_config(self, request: Request) -> Answer:
        body = await _body(request)
        edited = hooks.edit_config(self._hook(request), body, now=time.time())
        return Answer(hooks.show_config(self._state.replace_hook(edited)))

    async def _ping(self, request: Request) -> Answer:
        self._send_ping(self._hook(request))
        return Answer(status=204)

    async def _test(self, request: Request) -> Answer:
        hook, record = self._hook(request), self._record(request)
        update = await run_in_threadpool(newest_step, record.path, record.default_branch)
        if update is not None and hook.wants("push"):
            payload = await run_in_threadpool(payloads.push, self._state.site, record, update)
            self._state.tell(hook, "push", payload)
        return Answer(status=204)

    async def _list_deliveries(self, request: Request) -> Answer:
        hook = self._hook(request)
        found = self._state.deliveries_by_hook[hook.id][::-1]
        status = request.query_params.get("status")
        if status is not None:
            if status not in ("success", "failure"):
                raise errors.invalid_request(f"status {status!r} is neither success nor failure.")
            low, high = (200, 399) if status == "success" else (400, 599)
            found = [delivery for delivery in found if low <= delivery.status_code <= high]
        cursor = request.query_params.get("cursor")
        if cursor is not None:
            prefix, _, number = cursor.partition("_")
            if prefix != "v1" or not number.isdecimal():
                raise ApiError(400, "Invalid cursor")
            found = [delivery for delivery in found if delivery.id <= int(number)]
        per_page = _per_page(request)
        headers: dict[str, str] = {}
        if len(found) > per_page:
            following: dict[str, object] = {"per_page": per_page}
            if status is not None:
                following["status"] = status
            following["cursor"] = f"v1_{found[per_page].id}"
            headers = _link({"next": following}, f"{self._show(hook)['url']}/deliveries")
        return Answer([deliveries.show_item(item) for item in found[:per_page]], headers=headers)

    async def _get_delivery(self, request: Request) -> Answer:
        return Answer(deliveries.show(self._delivery(request)))

    async def _redeliver(self, request: Request) -> Answer:
        hook = self._hook(request)
        self._state.redeliver(hook, self._delivery(request))
        return Answer({}, status=202)

    def _send_ping(self, hook: Hook) -> None:
        record = None
        if not hook.target.organization:
            record = self._state.repositories[hook.target.name.split("/", 1)[1]]
        self._state.tell(hook, "ping", payloads.ping(self._state.site, hook, record))

    def _show(self, hook: Hook) -> dict[str, Any]:
        return hooks.show(hook, api_url=self._state.site.api)

    def _target(self, request: Request) -> Target:
        if request.path_params["owner"] != self._state.site.owner:
            raise errors.not_found()
        if "name" in request.path_params:
            return self._record(request).target
        return self._state.site.organization

    def _record(self, request: Request) -> RepositoryRecord:
        record = self._state.repositories.get(request.path_params["name"])
        if record is None:
            raise errors.not_found()
        return record

    def _hook(self, request: Request) -> Hook:
        hook = self._state.hooks.get(request.path_params["hook_id"])
        if hook is None or hook.target != self._target(request):
            raise errors.not_found()
        return hook

    def _delivery(self, request: Request) -> deliveries.Delivery:
        wanted = request.path_params["delivery_id"]
        for delivery in self._state.deliveries_by_hook[self._hook(request).id]:
            if delivery.id == wanted:
                return delivery
        raise errors.not_found()


def _token(request: Request) -> str | None:
    header = request.headers.get("authorization")
    return None if header is None else password(header) or ""


async def _body(request: Request) -> object:
    try:
        return json.loads(await request.body())
    except ValueError:
        raise errors.unparsable() from None


def _per_page(request: Request) -> int:
    return min(100, _positive(request, "per_page", default=30))


def _positive(request: Request, name: str, *, default: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isdecimal() and int(text) > 0 else default


def _link(relations: Mapping[str, Mapping[str, object]], url: str) -> dict[str, str]:
    if not relations:
        return {}
    links = [f'<{url}?{urlencode(query)}>; rel="{name}"' for name, query in relations.items()]
    return {"Link": ", ".join(links)}


def _permission(request: Request, access: Access) -> str:
    kind = "repository_hooks" if "name" in request.path_params else "organization_hooks"
    return f"{kind}={access}"


def _quota_headers(quota: Quota) -> dict[str, str]:
    headers = {f"X-RateLimit-{name.title()}": str(value) for name, value in quota.show().items()}
    return headers | {"X-RateLimit-Resource": "core"}


def _success(request: Request, answer: Answer, headers: dict[str, str]) -> Response:
    headers |= answer.headers or {}
    if answer.data is None:
        return _response(b"", answer.status, headers)
    content = dump(answer.data)
    if request.method in ("GET", "HEAD"):
        etag = f'W/"{hashlib.sha256(content).hexdigest()}"'
        headers |= {"ETag": etag, "Cache-Control": "private, max-age=60, s-maxage=60"}
        if etag in request.headers.get("if-none-match", ""):
            return _response(b"", 304, headers)
    return _response(content, answer.status, headers)


def _error(error: ApiError, headers: dict[str, str]) -> Response:
    return _response(dump(error.body), error.status, headers | error.headers)


def _response(content: bytes, status: int, headers: Mapping[str, str]) -> Response:
    response = Response(content, status_code=status, headers=dict(headers))
    response.headers["X-GitHub-Request-Id"] = str(uuid.uuid4()).upper()
    response.headers["X-GitHub-Media-Type"] = "github.v3; format=json"
    if content:
        response.headers["Content-Type"] = "application/json; charset=utf-8"
    return response
