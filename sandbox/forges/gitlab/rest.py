"""The REST API: who may ask what, and how it is answered."""

from __future__ import annotations

import json
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.forges.encoding import dump
from sandbox.forges.endpoints import Answer, Endpoint
from sandbox.forges.front import UNKNOWN_ENDPOINT
from sandbox.forges.git import branches_with, resolve
from sandbox.forges.gitlab import (
    deliveries,
    errors,
    hooks,
    merge_requests,
    payloads,
    statuses,
)
from sandbox.forges.gitlab.deliveries import Delivery, Event
from sandbox.forges.gitlab.errors import ApiError
from sandbox.forges.gitlab.events import TRIGGERS, event_name
from sandbox.forges.gitlab.hooks import Hook, Target
from sandbox.forges.gitlab.namespaces import (
    VERSION,
    ProjectRecord,
    show_group,
    show_project,
    show_user,
)
from sandbox.forges.gitlab.state import Access, State

TESTS_PER_MINUTE = 5

_PER_PAGE = 20
_MOST_PER_PAGE = 100
_MINUTE = 60
_CATEGORIES = {"successful": 200, "client_failure": 400, "server_failure": 500}

# What a test wants of a project, where the stand-in's projects have none.
_MISSING = {
    "issues_events": "Ensure the project has issues.",
    "confidential_issues_events": "Ensure the project has issues.",
    "note_events": "Ensure the project has notes.",
    "confidential_note_events": "Ensure the project has notes.",
    "merge_requests_events": "Ensure the project has merge requests.",
    "job_events": "Ensure the project has CI jobs.",
    "pipeline_events": "Ensure the project has CI pipelines.",
    "wiki_page_events": "Ensure the wiki is enabled and has pages.",
    "releases_events": "Ensure the project has releases.",
}


class Api:
    """The endpoints over one `State`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._limited: defaultdict[tuple[str, Target], deque[float]] = defaultdict(deque)

    def routes(self) -> list[Route]:
        routes = [
            self._route("GET", "/user", self._user),
            self._route("GET", "/version", self._version),
            self._route("GET", "/projects/{project}", self._project),
            self._route("GET", "/groups/{group}", self._group),
            self._route("GET", "/projects/{project}/events", self._events),
            self._route("GET", "/projects/{project}/merge_requests", self._merge_requests),
            self._route(
                "GET", "/projects/{project}/repository/commits/{sha}/statuses", self._statuses
            ),
            self._route("POST", "/projects/{project}/statuses/{sha}", self._set_status),
            self._route(
                "GET", "/projects/{project}/repository/branches/{branch:path}", self._branch
            ),
        ]
        # An instance's webhooks are an administrator's, as the token's owner is.
        for method, path, endpoint in (
            ("GET", "/hooks", self._list_hooks),
            ("POST", "/hooks", self._create_hook),
            ("GET", "/hooks/{hook_id:int}", self._get_hook),
            ("DELETE", "/hooks/{hook_id:int}", self._delete_hook),
        ):
            routes.append(self._route(method, path, endpoint, Access.WRITE))
        for root in ("/projects/{project}/hooks", "/groups/{group}/hooks"):
            hook = root + "/{hook_id:int}"
            read, write = Access.READ, Access.WRITE
            routes += [
                self._route("GET", root, self._list_hooks, read),
                self._route("POST", root, self._create_hook, write),
                self._route("GET", hook, self._get_hook, read),
                self._route("PUT", hook, self._edit_hook, write),
                self._route("DELETE", hook, self._delete_hook, write),
                self._route("GET", hook + "/events", self._list_events, read),
                self._route("POST", hook + "/events/{event_id:int}/resend", self._resend, write),
                self._route("POST", hook + "/test/{trigger}", self._test, write),
            ]
        return routes

    async def refuse(self, request: Request, error: Exception) -> Response:
        """The answer to what no endpoint is there for."""
        assert isinstance(error, HTTPException)
        request.scope[UNKNOWN_ENDPOINT] = True
        return _error(errors.unknown_endpoint(error.status_code))

    def _route(
        self, method: str, path: str, endpoint: Endpoint, access: Access = Access.NONE
    ) -> Route:
        async def answer(request: Request) -> Response:
            try:
                self._authenticate(request)
                if access is not Access.NONE:
                    self._authorize(request, access)
                answered = await endpoint(request)
            except ApiError as error:
                return _error(error)
            content = b"" if answered.data is None else dump(answered.data)
            return _response(content, answered.status, answered.headers or {})

        return Route(path, answer, methods=[method])

    def _authenticate(self, request: Request) -> None:
        if _token(request) not in self._state.tokens:
            raise errors.unauthorized()

    def _authorize(self, request: Request, access: Access) -> None:
        held = self._state.tokens[_token(request)]
        if held is Access.READ and access is Access.WRITE:
            raise errors.insufficient_scope("api")
        self._target(request)
        if held is Access.NONE:
            raise errors.forbidden()

    async def _user(self, request: Request) -> Answer:
        return Answer(show_user(self._state.site))

    async def _version(self, request: Request) -> Answer:
        return Answer({"version": VERSION, "revision": "0000000"})

    async def _project(self, request: Request) -> Answer:
        path = self._target(request).path
        return Answer(show_project(self._state.site, self._state.projects[path]))

    async def _group(self, request: Request) -> Answer:
        path = self._target(request).path
        return Answer(show_group(self._state.site, self._state.groups[path]))

    async def _events(self, request: Request) -> Answer:
        # Pushes are all that anybody here does.
        if request.query_params.get("action", "pushed") not in ("pushed", "created"):
            raise errors.unsupported("events of that action")
        target = self._target(request)
        pushes = self._state.pushes.get(target.path, [])[::-1]
        return self._page(
            request,
            [payloads.show_push(target.id, push.id, push.updates, push.at) for push in pushes],
        )

    async def _branch(self, request: Request) -> Answer:
        project = self._state.projects[self._target(request).path]
        name = unquote(request.path_params["branch"])
        shown = await run_in_threadpool(payloads.branch, self._state.site, project, name)
        if shown is None:
            raise errors.not_found("Branch")
        return Answer(shown)

    async def _merge_requests(self, request: Request) -> Answer:
        if request.query_params.get("state", "opened") not in ("opened", "all"):
            raise errors.unsupported("merge requests that are not open")
        project = self._state.projects[self._target(request).path]
        found = self._state.merge_requests.get(project.target.path, [])[::-1]
        return self._page(
            request, [merge_requests.show(self._state.site, project, one) for one in found]
        )

    async def _statuses(self, request: Request) -> Answer:
        project = self._state.projects[self._target(request).path]
        sha = await self._commit(project, request)
        found = [
            one
            for one in self._state.statuses.get(project.target.path, [])
            if one.sha == sha and request.query_params.get("name", one.name) == one.name
        ]
        if request.query_params.get("all", "false") != "true":
            found = statuses.latest(found)
        return self._page(request, [statuses.show(self._state.site, one) for one in found])

    async def _set_status(self, request: Request) -> Answer:
        # A Developer may, who may not see webhooks; the scope must be api all the same.
        if self._state.tokens[_token(request)] is Access.READ:
            raise errors.insufficient_scope("api")
        project = self._state.projects[self._target(request).path]
        sha = await self._commit(project, request)
        parameters = await _parameters(request)
        having = await run_in_threadpool(branches_with, project.path, sha)
        ref = parameters.get("ref") or (having[0] if having else None)
        if ref is None:
            raise errors.not_found("References for commit")
        status = self._state.set_status(project, sha, ref, parameters)
        return Answer(statuses.show(self._state.site, status), status=201)

    async def _commit(self, project: ProjectRecord, request: Request) -> str:
        sha = await run_in_threadpool(resolve, project.path, request.path_params["sha"])
        if sha is None:
            raise errors.not_found("Commit")
        return sha

    async def _list_hooks(self, request: Request) -> Answer:
        found = self._state.hooks_of(self._target(request))
        return self._page(request, [self._show(hook) for hook in found])

    async def _create_hook(self, request: Request) -> Answer:
        hook = self._state.create_hook(self._target(request), await _parameters(request))
        return Answer(self._show(hook), status=201)

    async def _get_hook(self, request: Request) -> Answer:
        return Answer(self._show(self._hook(request)))

    async def _edit_hook(self, request: Request) -> Answer:
        parameters = await _parameters(request)
        return Answer(self._show(self._state.edit_hook(self._hook(request), parameters)))

    async def _delete_hook(self, request: Request) -> Answer:
        del self._state.hooks[self._hook(request).id]
        return Answer(status=204)

    async def _list_events(self, request: Request) -> Answer:
        found = self._state.log(self._hook(request))
        if status := request.query_params.get("status"):
            wanted = [_status_range(word) for word in status.split(",")]
            found = [
                delivery
                for delivery in found
                if any(delivery.status_code in codes for codes in wanted)
            ]
        shown = [deliveries.show(delivery) for delivery in found]
        return self._page(request, shown, most=_PER_PAGE)

    async def _resend(self, request: Request) -> Answer:
        hook = self._hook(request)
        self._limit("resend", hook.target)
        delivery = self._delivery(request, hook)
        if delivery.hook.url != hook.url:
            raise errors.message(
                422, "The hook URL has changed, and this log entry cannot be retried"
            )
        if hook.alert_status(self._state.clock()) != "executable":
            raise errors.message(422, "Hook disabled")
        event = Event(
            delivery.event, str(uuid.uuid4()), delivery.request_body, delivery.idempotency_key
        )
        again = await self._state.execute(hook, event, queued_at=time.time())
        if not again.answered:
            raise errors.message(422, again.error)
        return Answer({"response_status": again.status_code}, status=201)

    async def _test(self, request: Request) -> Answer:
        hook = self._hook(request)
        flag = request.path_params["trigger"]
        if flag not in hook.target.flags:
            raise errors.error(400, "trigger does not have a valid value")
        self._limit("test", hook.target)
        if flag in _MISSING:
            raise errors.message(422, _MISSING[flag])
        if flag not in ("push_events", "tag_push_events"):
            raise errors.unsupported(f"a test of {TRIGGERS[flag]}")
        project = self._tested_project(hook.target)
        payload = None
        if project is not None:
            payload = await run_in_threadpool(payloads.sample, self._state.site, project)
        if payload is None:
            raise errors.message(422, "Ensure the project has at least one commit.")
        event = Event(event_name(flag), str(uuid.uuid4()), dump(payload), str(uuid.uuid4()))
        # Sent also when it is disabled, or wants no such event: that is how it is enabled again.
        delivery = await self._state.execute(hook, event, queued_at=time.time())
        if not delivery.ok:
            raise errors.message(422, delivery.error or delivery.response_body)
        return Answer({"message": "201 Created"}, status=201)

    def _tested_project(self, target: Target) -> ProjectRecord | None:
        if not target.group:
            return self._state.projects[target.path]
        projects = self._state.projects.values()
        return next((found for found in projects if target.path in found.groups), None)

    def _limit(self, what: str, target: Target) -> None:
        """Refuse the sixth request of a minute; all tokens are one user's."""
        now = self._state.clock()
        asked = self._limited[what, target]
        while asked and asked[0] <= now - _MINUTE:
            asked.popleft()
        if len(asked) >= TESTS_PER_MINUTE:
            raise errors.too_many(_MINUTE)
        asked.append(now)

    def _page(
        self, request: Request, found: Sequence[object], *, most: int = _MOST_PER_PAGE
    ) -> Answer:
        page, per_page = _number(request, "page", 1), _number(request, "per_page", _PER_PAGE)
        if per_page > most and most < _MOST_PER_PAGE:
            raise errors.error(400, "per_page does not have a valid value")
        per_page = min(per_page, most)
        last = max(1, -(-len(found) // per_page))
        pages = {"first": 1, "last": last}
        if page > 1:
            pages["prev"] = page - 1
        if page < last:
            pages["next"] = page + 1
        url = f"{self._state.site.root}{request.url.path}"
        query = dict(request.query_params)
        links = [
            f"<{url}?{urlencode(query | {'page': pages[name], 'per_page': per_page})}>; "
            f'rel="{name}"'
            for name in ("prev", "next", "first", "last")
            if name in pages
        ]
        headers = {
            "Link": ", ".join(links),
            "X-Next-Page": str(pages.get("next", "")),
            "X-Page": str(page),
            "X-Per-Page": str(per_page),
            "X-Prev-Page": str(pages.get("prev", "")),
            "X-Total": str(len(found)),
            "X-Total-Pages": str(last),
        }
        return Answer(list(found[(page - 1) * per_page : page * per_page]), headers=headers)

    def _show(self, hook: Hook) -> dict[str, Any]:
        return hooks.show(hook, now=self._state.clock())

    def _target(self, request: Request) -> Target:
        """The project or group in the path, by number or by URL-encoded path; else the instance."""
        if not {"project", "group"} & request.path_params.keys():
            return self._state.instance
        kind = "project" if "project" in request.path_params else "group"
        name = unquote(request.path_params[kind])
        places = self._state.projects if kind == "project" else self._state.groups
        for path, place in places.items():
            if name in (path, str(place.target.id)):
                return place.target
        raise errors.not_found(kind.title())

    def _hook(self, request: Request) -> Hook:
        hook = self._state.hooks.get(request.path_params["hook_id"])
        if hook is None or hook.target != self._target(request):
            raise errors.record_not_found()
        return hook

    def _delivery(self, request: Request, hook: Hook) -> Delivery:
        for delivery in self._state.log(hook):
            if delivery.id == request.path_params["event_id"]:
                return delivery
        raise errors.record_not_found()


def _token(request: Request) -> str:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return (
        request.headers.get("private-token")
        or (bearer if scheme.lower() == "bearer" else "")
        or request.query_params.get("private_token", "")
    )


async def _parameters(request: Request) -> dict[str, Any]:
    """What the query and the body say, as a form or as JSON."""
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0]
    given: object = {}
    if kind == "application/json" and body:
        try:
            given = json.loads(body)
        except ValueError:
            given = None
    elif kind == "application/x-www-form-urlencoded":
        given = dict(parse_qsl(body.decode(), keep_blank_values=True))
    elif body:
        raise errors.error(415, f"The provided content-type '{kind}' is not supported.")
    if not isinstance(given, dict):
        raise errors.error(400, "message body does not match declared format")
    return dict(request.query_params) | given


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isdecimal():
        raise errors.error(400, f"{name} is invalid")
    if int(text) == 0:
        raise errors.error(400, f"{name} does not have a valid value")
    return int(text)


def _status_range(word: str) -> range:
    if word in _CATEGORIES:
        return range(_CATEGORIES[word], _CATEGORIES[word] + 100)
    if word.isdecimal() and int(word) in set(HTTPStatus):
        return range(int(word), int(word) + 1)
    raise errors.error(400, "status does not have a valid value")


def _error(error: ApiError) -> Response:
    return _response(dump(error.body), error.status, error.headers)


def _response(content: bytes, status: int, headers: Mapping[str, str]) -> Response:
    response = Response(content, status_code=status, headers=dict(headers))
    response.headers["X-Request-Id"] = uuid.uuid4().hex
    if content:
        response.headers["Content-Type"] = "application/json"
    return response
