"""The webhook API of the GitLab stand-in, held to GitLab's documentation.

The field lists are those of the pages "Project webhooks API" and "Group webhooks API", and of two
independent clients.
"""

import inspect
import re
from typing import Any

import httpx
import pulumi_gitlab
import pytest
from gitlab.v4.objects import GroupHookManager, ProjectHookManager

from sandbox.forges.gitlab import GitLab, Repository, hooks
from sandbox.forges.gitlab.events import GROUP_FLAGS, PROJECT_FLAGS
from sandbox.forges.gitlab.hooks import Hook, Target
from tests.sandbox.clock import Clock

URL = "http://127.0.0.1:9/hook/one"

# What both pages show of a webhook, events aside.
SHOWN = {
    "alert_status",
    "branch_filter_strategy",
    "created_at",
    "custom_headers",
    "custom_webhook_template",
    "description",
    "disabled_until",
    "enable_ssl_verification",
    "id",
    "name",
    "push_events_branch_filter",
    "repository_update_events",
    "url",
    "url_variables",
}
SHOWN_SINCE_19_0 = {"token_present", "signing_token_present"}


def create(api: httpx.Client, path: str, **parameters: object) -> Any:
    answer = api.post(path, json={"url": URL, "token": "not-told", **parameters})
    assert 201 == answer.status_code, answer.text
    return answer.json()


def group_hooks(gitlab: GitLab, group: str) -> str:
    gitlab.create_group(f"{gitlab.group}/{group}")
    return f"/groups/{gitlab.group}%2F{group}/hooks"


def test_a_project_hook_shows_what_is_documented(
    gitlab_api: httpx.Client, project_hooks: str
) -> None:
    """All of it and nothing else; the token is never among it."""
    hook = create(gitlab_api, project_hooks, name="Flux", description="made by a test")

    assert SHOWN | SHOWN_SINCE_19_0 | set(PROJECT_FLAGS) | {"project_id"} == set(hook)
    assert ("Flux", "made by a test") == (hook["name"], hook["description"])
    assert (True, "executable", None) == (
        hook["token_present"],
        hook["alert_status"],
        hook["disabled_until"],
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", hook["created_at"])


def test_a_group_hook_shows_what_is_documented(gitlab: GitLab, gitlab_api: httpx.Client) -> None:
    """The same, with the events that only groups have."""
    hook = create(gitlab_api, group_hooks(gitlab, "documented"))

    assert SHOWN | SHOWN_SINCE_19_0 | set(GROUP_FLAGS) | {"group_id"} == set(hook)


@pytest.mark.parametrize(
    ("flags", "manager", "arguments"),
    [
        pytest.param(
            PROJECT_FLAGS,
            ProjectHookManager,
            pulumi_gitlab.ProjectHookArgs,
            id="project",
        ),
        pytest.param(
            GROUP_FLAGS,
            GroupHookManager,
            pulumi_gitlab.GroupHookArgs,
            id="group",
        ),
    ],
)
def test_the_events_are_those_that_clients_know(
    flags: tuple[str, ...], manager: Any, arguments: type
) -> None:
    """GitLab's clients for Python and Pulumi list them independently."""

    def events(names: Any) -> set[str]:
        return {name for name in names if name.endswith("_events")}

    assert events(inspect.signature(arguments).parameters) == set(flags)
    assert events(manager._create_attrs.optional) <= set(flags)


def test_what_is_not_sent_has_the_documented_default(
    gitlab_api: httpx.Client, project_hooks: str
) -> None:
    """Pushes, TLS verified, nothing else, and no token."""
    hook = gitlab_api.post(project_hooks, json={"url": URL}).json()

    assert ["push_events"] == [flag for flag in PROJECT_FLAGS if hook[flag]]
    assert (True, False, "wildcard") == (
        hook["enable_ssl_verification"],
        hook["token_present"],
        hook["branch_filter_strategy"],
    )


def test_parameters_come_as_json_or_as_a_form(gitlab_api: httpx.Client, project_hooks: str) -> None:
    """And texts are taken for booleans, as GitLab takes them."""
    form = {"url": URL, "push_events": "false", "tag_push_events": "1"}

    hook = gitlab_api.post(project_hooks, data=form).json()
    edited = gitlab_api.put(
        f"{project_hooks}/{hook['id']}", params={"push_events": "true"}, json={"url": URL}
    ).json()

    assert (False, True) == (hook["push_events"], hook["tag_push_events"])
    assert (True, True) == (edited["push_events"], edited["tag_push_events"])


def test_a_hook_reads_back_as_it_was_answered(gitlab_api: httpx.Client, project_hooks: str) -> None:
    """One by one and in the list."""
    made = create(gitlab_api, project_hooks)

    assert made == gitlab_api.get(f"{project_hooks}/{made['id']}").json()
    assert [made] == gitlab_api.get(project_hooks).json()


def test_a_project_is_found_by_path_and_by_number(
    gitlab: GitLab, project: Repository, gitlab_api: httpx.Client, project_hooks: str
) -> None:
    """The path must be URL-encoded: with its slash it is no such endpoint."""
    made = create(gitlab_api, project_hooks)

    assert [made] == gitlab_api.get(f"/projects/{made['project_id']}/hooks").json()
    plain = gitlab_api.get(f"/projects/{project.name}/hooks")
    assert (404, {"error": "404 Not Found"}) == (plain.status_code, plain.json())
    assert not gitlab.requests[-1].known


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param({}, None, id="gone without one"),
        pytest.param({"token": "another"}, "another", id="another one"),
        pytest.param({"token": "not-told"}, "not-told", id="the same one"),
    ],
)
def test_another_url_resets_the_token_unless_one_is_sent(
    gitlab: GitLab,
    project: Repository,
    gitlab_api: httpx.Client,
    project_hooks: str,
    sent: dict[str, str],
    expected: str | None,
) -> None:
    """GitLab: "When you change the webhook URL, the secret token is reset and not retained"."""
    made = create(gitlab_api, project_hooks)

    answer = gitlab_api.put(
        f"{project_hooks}/{made['id']}", json={"url": URL.replace("one", "two"), **sent}
    )

    (hook,) = gitlab.hooks(project.name)
    assert (expected, expected is not None) == (hook.secret, answer.json()["token_present"])


def test_an_edit_keeps_what_is_not_sent(
    gitlab: GitLab, project: Repository, gitlab_api: httpx.Client, project_hooks: str
) -> None:
    """The token too, while the URL stays."""
    made = create(gitlab_api, project_hooks, name="Flux", releases_events=True)

    edited = gitlab_api.put(
        f"{project_hooks}/{made['id']}", json={"url": URL, "tag_push_events": True}
    ).json()

    assert made | {"tag_push_events": True} == edited
    assert ["not-told"] == [hook.secret for hook in gitlab.hooks(project.name)]


def test_two_hooks_may_have_one_url(gitlab_api: httpx.Client, project_hooks: str) -> None:
    """GitHub refuses a twin, GitLab keeps both: a repeated POST leaves two."""
    one, other = create(gitlab_api, project_hooks), create(gitlab_api, project_hooks)

    assert one["id"] != other["id"]
    assert 2 == len(gitlab_api.get(project_hooks).json())


def test_the_hundred_and_first_hook_is_refused(
    gitlab_api: httpx.Client, project_hooks: str
) -> None:
    """In the words that users have quoted."""
    for _ in range(100):
        create(gitlab_api, project_hooks)
    answer = gitlab_api.post(project_hooks, json={"url": URL})

    assert (422, {"error": "Maximum number of project hooks (100) exceeded"}) == (
        answer.status_code,
        answer.json(),
    )


def test_a_deleted_hook_is_gone(gitlab_api: httpx.Client, project_hooks: str) -> None:
    """204 without a body, then 404."""
    path = f"{project_hooks}/{create(gitlab_api, project_hooks)['id']}"
    first, second = gitlab_api.delete(path), gitlab_api.delete(path)

    assert (204, b"") == (first.status_code, first.content)
    assert (404, {"message": "404 Not found"}) == (second.status_code, second.json())
    assert [] == gitlab_api.get(project_hooks).json()


@pytest.mark.parametrize(
    ("parameters", "status", "body"),
    [
        pytest.param({"url": None}, 422, {"error": "Invalid url given"}, id="no URL"),
        pytest.param({"url": "ftp://host"}, 422, {"error": "Invalid url given"}, id="scheme"),
        pytest.param({"url": "http://h/a b"}, 422, {"error": "Invalid url given"}, id="space"),
        pytest.param({"url": 1}, 400, {"error": "url is invalid"}, id="number"),
        pytest.param(
            {"push_events": "maybe", "note_events": None},
            400,
            {"error": "push_events is invalid, note_events is invalid"},
            id="no booleans",
        ),
        pytest.param(
            {"branch_filter_strategy": "some"},
            400,
            {"error": "branch_filter_strategy does not have a valid value"},
            id="strategy",
        ),
        pytest.param(
            {"push_events_branch_filter": "a b"},
            422,
            {"error": "Invalid branch filter given"},
            id="branch filter",
        ),
        pytest.param(
            {"push_events_branch_filter": "(", "branch_filter_strategy": "regex"},
            422,
            {"error": "Invalid branch filter given"},
            id="regular expression",
        ),
        pytest.param(
            {"token": "two\nlines"}, 422, {"message": {"token": ["is invalid"]}}, id="token"
        ),
        pytest.param(
            {"name": "n" * 256},
            422,
            {"message": {"name": ["is too long (maximum is 255 characters)"]}},
            id="name",
        ),
        pytest.param(
            {"signing_token": "whsec_x"},
            501,
            {"message": "stand-in: the attribute signing_token is not supported"},
            id="what only GitLab can do",
        ),
    ],
)
def test_what_gitlab_does_not_accept_is_refused(
    gitlab: GitLab,
    project: Repository,
    gitlab_api: httpx.Client,
    project_hooks: str,
    parameters: dict[str, object],
    status: int,
    body: object,
) -> None:
    """By POST and by PUT alike, and nothing is changed."""
    made = create(gitlab_api, project_hooks)
    before = gitlab.hooks(project.name)
    answers = [
        gitlab_api.post(project_hooks, json={"url": URL, **parameters}),
        gitlab_api.put(f"{project_hooks}/{made['id']}", json={"url": URL, **parameters}),
    ]

    assert [(status, body)] * 2 == [(answer.status_code, answer.json()) for answer in answers]
    assert before == gitlab.hooks(project.name)


def test_the_url_is_required(gitlab_api: httpx.Client, project_hooks: str) -> None:
    """In an edit as well, as documented."""
    made = create(gitlab_api, project_hooks)
    answers = [
        gitlab_api.post(project_hooks, json={}),
        gitlab_api.put(f"{project_hooks}/{made['id']}", json={"push_events": True}),
    ]

    assert [(400, {"error": "url is missing"})] * 2 == [
        (answer.status_code, answer.json()) for answer in answers
    ]


@pytest.mark.parametrize("body", [b"{", b"[]"], ids=["cut off", "a list"])
def test_a_body_that_is_no_object_is_refused(
    gitlab_api: httpx.Client, project_hooks: str, body: bytes
) -> None:
    """The text is invented."""
    answer = gitlab_api.post(
        project_hooks, content=body, headers={"Content-Type": "application/json"}
    )

    assert (400, {"error": "message body does not match declared format"}) == (
        answer.status_code,
        answer.json(),
    )


def test_a_list_comes_in_pages(
    gitlab: GitLab, gitlab_api: httpx.Client, project_hooks: str
) -> None:
    """With the documented headers; a page holds twenty unless more are asked for."""
    made = [create(gitlab_api, project_hooks)["id"] for _ in range(23)]
    first = gitlab_api.get(project_hooks)
    third = gitlab_api.get(project_hooks, params={"per_page": 5, "page": 3})

    assert made[:20] == [hook["id"] for hook in first.json()]
    assert made[10:15] == [hook["id"] for hook in third.json()]
    names = ("X-Total", "X-Total-Pages", "X-Per-Page", "X-Page", "X-Next-Page", "X-Prev-Page")
    assert ["23", "2", "20", "1", "2", ""] == [first.headers[name] for name in names]
    assert ["23", "5", "5", "3", "4", "2"] == [third.headers[name] for name in names]
    root = f"{gitlab.base_url}api/v4{project_hooks}"
    assert {
        "prev": f"{root}?per_page=5&page=2",
        "next": f"{root}?per_page=5&page=4",
        "first": f"{root}?per_page=5&page=1",
        "last": f"{root}?per_page=5&page=5",
    } == {name: link["url"] for name, link in third.links.items()}


def test_no_more_than_a_hundred_come_at_once(gitlab_api: httpx.Client, project_hooks: str) -> None:
    """Whatever is asked for."""
    answer = gitlab_api.get(project_hooks, params={"per_page": 500})

    assert "100" == answer.headers["X-Per-Page"]


@pytest.mark.parametrize("header", ["PRIVATE-TOKEN", "Authorization"])
def test_a_token_is_taken_in_both_headers(gitlab: GitLab, project_hooks: str, header: str) -> None:
    """`PRIVATE-TOKEN` is GitLab's own, `Authorization: Bearer` is OAuth's."""
    value = gitlab.token if header == "PRIVATE-TOKEN" else f"Bearer {gitlab.token}"
    answer = httpx.get(f"{gitlab.base_url}api/v4{project_hooks}", headers={header: value})

    assert 200 == answer.status_code


@pytest.mark.parametrize("headers", [{}, {"PRIVATE-TOKEN": "wrong"}])
def test_nobody_is_let_in_without_a_token(
    gitlab: GitLab, project_hooks: str, headers: dict[str, str]
) -> None:
    """401 before anything else, also for what does not exist."""
    for path in (project_hooks, "/projects/none/hooks"):
        answer = httpx.get(f"{gitlab.base_url}api/v4{path}", headers=headers)
        assert (401, {"message": "401 Unauthorized"}) == (answer.status_code, answer.json())


def test_a_token_may_do_what_its_scope_and_role_allow(gitlab: GitLab, project_hooks: str) -> None:
    """`read_api` reads; a Developer sees no webhooks."""

    def ask(method: str, webhooks: str) -> httpx.Response:
        return httpx.request(
            method,
            f"{gitlab.base_url}api/v4{project_hooks}",
            headers={"PRIVATE-TOKEN": gitlab.issue_token(webhooks=webhooks)},
            json={"url": URL},
        )

    assert [200, 201] == [ask(method, "write").status_code for method in ("GET", "POST")]
    assert 200 == ask("GET", "read").status_code
    refused = ask("POST", "read")
    assert (403, "insufficient_scope", "api") == (
        refused.status_code,
        refused.json()["error"],
        refused.json()["scope"],
    )
    assert [(403, {"message": "403 Forbidden"})] * 2 == [
        (answer.status_code, answer.json()) for answer in (ask("GET", "none"), ask("POST", "none"))
    ]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/projects/none/hooks", "404 Project Not Found"),
        ("/projects/1/hooks/1", "404 Project Not Found"),
        ("/groups/none/hooks", "404 Group Not Found"),
        ("/groups/acme/hooks/1", "404 Not found"),
        ("/groups/acme/hooks/1/events", "404 Not found"),
    ],
)
def test_what_does_not_exist_is_not_found(
    gitlab_api: httpx.Client, path: str, message: str
) -> None:
    """GitLab says of what; a webhook is only `Not found`."""
    answer = gitlab_api.get(path)

    assert (404, {"message": message}) == (answer.status_code, answer.json())


def test_a_hook_is_found_at_its_own_project_only(
    gitlab: GitLab, gitlab_api: httpx.Client, project_hooks: str
) -> None:
    """Not at another one, nor at the group."""
    number = create(gitlab_api, project_hooks)["id"]
    gitlab.create_project(f"{gitlab.group}/other")

    assert [404, 404] == [
        gitlab_api.get(f"{path}/{number}").status_code
        for path in (f"/projects/{gitlab.group}%2Fother/hooks", f"/groups/{gitlab.group}/hooks")
    ]


def test_requests_are_noted_below_the_api(
    gitlab: GitLab, project: Repository, gitlab_api: httpx.Client, project_hooks: str
) -> None:
    """With the slash of a project's path, which makes them easy to look for."""
    gitlab_api.get(project_hooks)

    noted = gitlab.requests[-1]
    assert ("GET", f"/projects/{project.name}/hooks", 200) == (
        noted.method,
        noted.path,
        noted.status,
    )


@pytest.mark.parametrize("path", ["user", "api/v4/user/", "api/v3/user"])
def test_the_api_has_one_place_only(gitlab: GitLab, path: str) -> None:
    """At the root is the web site, and a slash at the end is another path."""
    answer = httpx.get(f"{gitlab.base_url}{path}", headers={"PRIVATE-TOKEN": gitlab.token})

    assert 404 == answer.status_code


@pytest.mark.parametrize(
    ("filter_", "strategy", "wanted", "unwanted"),
    [
        pytest.param(None, "wildcard", ["main", "a/b"], [], id="none"),
        pytest.param("main", "wildcard", ["main"], ["main2", "a/main"], id="a name"),
        pytest.param("rel-*", "wildcard", ["rel-1", "rel-a/b"], ["xrel-1"], id="a wildcard"),
        pytest.param("r.l", "wildcard", ["r.l"], ["rel"], id="a dot is a dot"),
        pytest.param("^r(el)?-", "regex", ["r-1", "rel-2"], ["main"], id="an expression"),
        pytest.param("main", "all_branches", ["other"], [], id="all of them"),
    ],
)
def test_a_branch_filter_chooses_pushes_by_branch(
    filter_: str | None, strategy: str, wanted: list[str], unwanted: list[str]
) -> None:
    """Tags have no branch, and are not filtered."""
    hook = hooks.create(
        {
            "url": URL,
            "tag_push_events": True,
            "push_events_branch_filter": filter_,
            "branch_filter_strategy": strategy,
        },
        target=Target("acme/app", 1),
        number=1,
        now=0.0,
    )

    assert all(hook.wants("Push Hook", branch=branch) for branch in wanted)
    assert not any(hook.wants("Push Hook", branch=branch) for branch in unwanted)
    assert hook.wants("Tag Push Hook")
    assert not hook.wants("Release Hook")


def test_four_failures_pause_a_hook_and_each_further_one_twice_as_long() -> None:
    """A minute, two, four, ... a day; after the fortieth it is over."""
    hook = hooks.create({"url": URL}, target=Target("acme/app", 1), number=1, now=0.0)
    now, pauses = 0.0, list[float]()
    for _ in range(39):
        hook = hooks.failed(hook, now=now)
        if hook.disabled_until is not None:
            assert "temporarily_disabled" == hook.alert_status(now)
            pauses.append(hook.disabled_until - now)
            now = hook.disabled_until + 1
        assert "executable" == hook.alert_status(now)
    day = 24 * 60 * 60
    assert [60 * 2**n for n in range(11)] == pauses[:11]
    assert {day} == set(pauses[11:])

    hook = hooks.failed(hook, now=now)

    assert "disabled" == hook.alert_status(now + 365 * day)
    assert ["executable", None] == [
        hooks.succeeded(hook).alert_status(now),
        hooks.succeeded(hook).disabled_until,
    ]


def test_a_disabled_hook_does_not_get_worse() -> None:
    """What fails while it is disabled, a test for one, is not counted."""
    hook = hooks.create({"url": URL}, target=Target("acme/app", 1), number=1, now=0.0)
    for _ in range(4):
        hook = hooks.failed(hook, now=0.0)

    assert hook == hooks.failed(hook, now=1.0)


def test_secrets_are_in_no_text_form(
    gitlab: GitLab, project: Repository, gitlab_api: httpx.Client, project_hooks: str
) -> None:
    """Neither token nor URL: a failed assertion prints them."""
    create(gitlab_api, project_hooks)
    (hook,) = gitlab.hooks(project.name)

    assert isinstance(hook, Hook)
    assert not {URL, "not-told", gitlab.token} & set(re.split(r"['\"=(), ]", repr(hook)))
    assert gitlab.token not in repr(gitlab)


def test_the_time_by_which_a_hook_is_disabled_can_be_put_forward(
    gitlab: GitLab, clock: Clock
) -> None:
    """Or a test would wait for a minute."""
    before = gitlab._state.clock()
    clock.forward = 3600.0

    assert gitlab._state.clock() >= before + 3600.0
