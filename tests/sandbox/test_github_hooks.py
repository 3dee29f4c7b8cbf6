"""The webhook API of the GitHub stand-in, judged by GitHub's own published description."""

from typing import Any, get_args

import httpx
import pytest
from githubkit_schemas.latest.models import (
    ApiOverview,
    FullRepository,
    Hook,
    OrganizationFull,
    OrgHook,
    PrivateUser,
    RateLimitOverview,
    ValidationError,
    WebhookConfig,
)
from githubkit_schemas.latest.webhooks import EventNameType

from sandbox.forges.github import GitHub, Repository, hooks
from sandbox.forges.github.events import ORGANIZATION_EVENTS, REPOSITORY_EVENTS
from sandbox.forges.github.hooks import Target
from tests.sandbox.published import unpublished

URL = "http://127.0.0.1:9/hook/one"


def config(url: str = URL, **more: object) -> dict[str, object]:
    return {"url": url, "content_type": "json", "secret": "not-told", **more}


def create(api: httpx.Client, path: str, **body: object) -> Any:
    answer = api.post(path, json={"name": "web", "config": config(), **body})
    assert 201 == answer.status_code, answer.text
    return answer.json()


def hook_errors(answer: httpx.Response) -> list[dict[str, str]]:
    assert 422 == answer.status_code
    assert [] == unpublished(ValidationError, answer.json())
    assert "Validation Failed" == answer.json()["message"]
    return answer.json()["errors"]


def test_a_created_repository_hook_is_answered_as_published(
    api: httpx.Client, hooks_path: str
) -> None:
    """201 with `Location`, the published shape, the secret masked, no delivery yet."""
    answer = api.post(
        hooks_path, json={"name": "web", "events": ["push", "release"], "config": config()}
    )

    assert 201 == answer.status_code
    hook = answer.json()
    assert [] == unpublished(Hook, hook)
    assert hook["url"] == answer.headers["Location"]
    assert "Repository" == hook["type"]
    assert ["push", "release"] == hook["events"]
    assert {
        "url": URL,
        "content_type": "json",
        "insecure_ssl": "0",
        "secret": "********",
    } == hook["config"]
    assert {"code": None, "status": "unused", "message": None} == hook["last_response"]


def test_a_created_organization_hook_is_answered_as_published(
    github: GitHub, api: httpx.Client
) -> None:
    """The same without `test_url` and `last_response`, which only repositories have."""
    hook = create(api, f"/orgs/{github.owner}/hooks")

    assert [] == unpublished(OrgHook, hook)
    assert "Organization" == hook["type"]
    assert f"{github.base_url}api/v3/orgs/{github.owner}/hooks/{hook['id']}" == hook["url"]
    assert not {"test_url", "last_response"} & set(hook)


def test_what_is_not_sent_has_the_documented_default(api: httpx.Client, hooks_path: str) -> None:
    """`push`, active, `form`, TLS verified, and no trace of a secret."""
    hook = api.post(hooks_path, json={"config": {"url": URL}}).json()

    assert ["push"] == hook["events"]
    assert hook["active"] is True
    assert {"url": URL, "content_type": "form", "insecure_ssl": "0"} == hook["config"]


@pytest.mark.parametrize("insecure_ssl", ["1", 1])
def test_insecure_ssl_is_a_text_or_a_number_and_reads_back_as_text(
    api: httpx.Client, hooks_path: str, insecure_ssl: object
) -> None:
    """GitHub accepts both and returns a text."""
    hook = create(api, hooks_path, config=config(insecure_ssl=insecure_ssl))

    assert "1" == hook["config"]["insecure_ssl"]


def test_a_hook_reads_back_as_it_was_answered(api: httpx.Client, hooks_path: str) -> None:
    """GET returns what POST returned while nothing happens to the webhook."""
    hook = create(api, hooks_path, active=False)

    assert hook == api.get(f"{hooks_path}/{hook['id']}").json()


def test_the_api_answers_with_and_without_its_prefix(
    github: GitHub, api: httpx.Client, hooks_path: str
) -> None:
    """`/api/v3/` as on an Enterprise Server and `/` as on api.github.com are the same."""
    create(api, hooks_path, active=False)

    short = api.get(f"{github.base_url}{hooks_path.removeprefix('/')}")

    assert api.get(hooks_path).json() == short.json()


def test_an_edit_of_config_without_the_secret_drops_the_secret(
    github: GitHub, repository: Repository, api: httpx.Client, hooks_path: str
) -> None:
    """GitHub: "you must provide the same secret or set a new secret or it will be removed"."""
    hook = create(api, hooks_path)

    answer = api.patch(
        f"{hooks_path}/{hook['id']}", json={"config": {"url": URL, "content_type": "json"}}
    )

    assert 200 == answer.status_code
    assert [] == unpublished(Hook, answer.json())
    assert "secret" not in answer.json()["config"]
    assert [None] == [hook.secret for hook in github.hooks(repository.name)]


def test_an_edit_of_url_and_secret_is_one_step(
    github: GitHub, repository: Repository, api: httpx.Client, hooks_path: str
) -> None:
    """What a rotation relies on: both change at once and nothing else does."""
    hook = create(api, hooks_path, events=["push", "release"])

    api.patch(f"{hooks_path}/{hook['id']}", json={"config": config(URL + "-two", secret="second")})

    (edited,) = github.hooks(repository.name)
    assert (URL + "-two", "second") == (edited.url, edited.secret)
    assert ("push", "release") == edited.events
    assert hook["id"] == edited.id


def test_an_edit_without_config_keeps_the_secret(
    github: GitHub, repository: Repository, api: httpx.Client, hooks_path: str
) -> None:
    """Only a `config` replaces the configuration."""
    hook = create(api, hooks_path)

    api.patch(f"{hooks_path}/{hook['id']}", json={"active": False})

    (edited,) = github.hooks(repository.name)
    assert (False, "not-told") == (edited.active, edited.secret)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param({"events": ["release"]}, ["release"], id="events-replace"),
        pytest.param({"add_events": ["release", "push"]}, ["push", "release"], id="added"),
        pytest.param(
            {"add_events": ["release"], "remove_events": ["push"]}, ["release"], id="removed"
        ),
    ],
)
def test_events_are_replaced_added_and_removed(
    api: httpx.Client, hooks_path: str, body: dict[str, object], expected: list[str]
) -> None:
    """The three keys of a PATCH, in GitHub's meaning."""
    hook = create(api, hooks_path)

    answer = api.patch(f"{hooks_path}/{hook['id']}", json=body)

    assert expected == answer.json()["events"]


def test_keys_that_cannot_be_edited_are_ignored(api: httpx.Client, hooks_path: str) -> None:
    """Clients send the whole webhook back, Terraform's its `url` among others."""
    hook = create(api, hooks_path)

    answer = api.patch(
        f"{hooks_path}/{hook['id']}", json={"url": "http://elsewhere.example", "active": False}
    )

    assert hook["url"] == answer.json()["url"]
    assert answer.json()["active"] is False


def test_the_config_endpoint_changes_single_properties(
    github: GitHub, repository: Repository, api: httpx.Client, hooks_path: str
) -> None:
    """Here the secret stays when it is not sent."""
    hook = create(api, hooks_path)
    path = f"{hooks_path}/{hook['id']}/config"

    answer = api.patch(path, json={"url": URL + "-two"})

    assert 200 == answer.status_code
    assert [] == unpublished(WebhookConfig, answer.json())
    assert answer.json() == api.get(path).json()
    assert URL + "-two" == answer.json()["url"]
    assert "********" == answer.json()["secret"]
    assert ["not-told"] == [hook.secret for hook in github.hooks(repository.name)]


def test_a_deleted_hook_is_gone(api: httpx.Client, hooks_path: str) -> None:
    """204 once, 404 from then on."""
    path = f"{hooks_path}/{create(api, hooks_path)['id']}"

    assert [204, 404, 404] == [
        api.delete(path).status_code,
        api.delete(path).status_code,
        api.get(path).status_code,
    ]


def test_a_hook_is_found_at_its_own_repository_only(
    github: GitHub, api: httpx.Client, hooks_path: str
) -> None:
    """An id of another repository or of the organisation is unknown here."""
    hook = create(api, hooks_path)
    other = github.create_repository("another-one")

    assert 404 == api.get(f"/repos/{github.owner}/{other.name}/hooks/{hook['id']}").status_code
    assert 404 == api.get(f"/orgs/{github.owner}/hooks/{hook['id']}").status_code


def test_a_list_comes_in_pages_that_link_to_each_other(api: httpx.Client, hooks_path: str) -> None:
    """`per_page` and `page`, with `next`, `prev`, `first` and `last` in `Link`."""
    created = [create(api, hooks_path, config=config(f"{URL}-{n}"))["id"] for n in range(5)]

    found, rels = [], []
    url: str | None = f"{hooks_path}?per_page=2"
    while url is not None:
        answer = api.get(url)
        found.append([hook["id"] for hook in answer.json()])
        rels.append(set(answer.links))
        url = answer.links.get("next", {}).get("url")

    assert [created[:2], created[2:4], created[4:]] == found
    assert [
        {"next", "last"},
        {"next", "last", "prev", "first"},
        {"prev", "first"},
    ] == rels


def test_a_page_holds_thirty_unless_more_are_asked_for(api: httpx.Client, hooks_path: str) -> None:
    """GitHub's default; a short list has no `Link` at all."""
    for event in ("push", "release"):
        for number in range(18):
            create(api, hooks_path, config=config(f"{URL}-{event}-{number}"), events=[event])

    assert 30 == len(api.get(hooks_path).json())
    assert 36 == len(api.get(hooks_path, params={"per_page": 100}).json())
    assert "Link" not in api.get(hooks_path, params={"per_page": 100}).headers


def test_a_twin_is_refused_in_the_documented_words(api: httpx.Client, hooks_path: str) -> None:
    """The same configuration with an event in common, whatever the secret."""
    create(api, hooks_path, events=["push"])

    answer = api.post(
        hooks_path, json={"events": ["push", "release"], "config": config(secret="other")}
    )

    assert [
        {
            "resource": "Hook",
            "code": "custom",
            "message": "Hook already exists on this repository",
        }
    ] == hook_errors(answer)


def test_an_edit_cannot_make_a_twin(api: httpx.Client, hooks_path: str) -> None:
    """The rule holds for PATCH as for POST, and the refused edit changes nothing."""
    create(api, hooks_path)
    other = create(api, hooks_path, config=config(URL + "-two"))

    answer = api.patch(f"{hooks_path}/{other['id']}", json={"config": config()})

    assert "Hook already exists on this repository" == hook_errors(answer)[0]["message"]
    assert other["config"] == api.get(f"{hooks_path}/{other['id']}").json()["config"]


def test_one_url_may_serve_two_hooks_of_different_events(
    api: httpx.Client, hooks_path: str
) -> None:
    """GitHub: hooks may share a configuration as long as their events do not overlap."""
    create(api, hooks_path, events=["push"])

    create(api, hooks_path, events=["release"])

    assert 2 == len(api.get(hooks_path).json())


def test_the_twenty_first_hook_for_one_event_is_refused(api: httpx.Client, hooks_path: str) -> None:
    """Twenty per event and repository; another event still fits."""
    for number in range(20):
        create(api, hooks_path, config=config(f"{URL}-{number}"))

    answer = api.post(hooks_path, json={"config": config(), "events": ["release", "push"]})

    assert 'The "push" event cannot have more than 20 hooks' == hook_errors(answer)[0]["message"]
    create(api, hooks_path, events=["release"])


@pytest.mark.parametrize(
    "url",
    [
        "google.com",
        "ftp://example.com/",
        'http://127.0.0.1/"',
        "http://",
        "http://a:port/",
        "http://a:0/",
        "h ttp:",
    ],
)
def test_a_bad_url_is_refused(api: httpx.Client, hooks_path: str, url: str) -> None:
    """In GitHub's words, which do not repeat the URL."""
    answer = api.post(hooks_path, json={"config": config(url)})

    assert [
        {
            "resource": "Hook",
            "code": "custom",
            "message": "The URL you've entered is not valid. "
            "Please make sure that you encode all special characters first",
        }
    ] == hook_errors(answer)


def test_a_config_without_url_is_refused(api: httpx.Client, hooks_path: str) -> None:
    """In GitHub's words."""
    answer = api.post(hooks_path, json={"config": {"content_type": "json"}})

    assert "Config must contain URL for webhooks" == hook_errors(answer)[0]["message"]


def test_another_name_than_web_is_refused(api: httpx.Client, hooks_path: str) -> None:
    """GitHub Services are gone; the field is named in the error."""
    answer = api.post(hooks_path, json={"name": "amazonsns", "config": config()})

    assert [{"resource": "Hook", "field": "name", "code": "invalid"}] == hook_errors(answer)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"events": ["pushed"]}, id="unknown-event"),
        pytest.param({"events": ["push", "organization"]}, id="event-of-organizations"),
        pytest.param({"events": ["ping"]}, id="ping"),
        pytest.param({"events": []}, id="no-event"),
        pytest.param({"config": config(content_type="xml")}, id="content-type"),
        pytest.param({"config": config(insecure_ssl="2")}, id="insecure-ssl"),
        pytest.param({"config": config(insecure_ssl=True)}, id="insecure-ssl-boolean"),
    ],
)
def test_what_is_not_documented_as_accepted_is_refused(
    api: httpx.Client, hooks_path: str, body: dict[str, object]
) -> None:
    """The stand-in must not accept what GitHub might refuse."""
    answer = api.post(hooks_path, json={"config": config(), **body})

    assert "custom" == hook_errors(answer)[0]["code"]


def test_only_published_events_can_be_subscribed_to() -> None:
    """Every name in the stand-in's list is one of GitHub's."""
    published = set(get_args(EventNameType))

    assert set() == ORGANIZATION_EVENTS - published
    assert REPOSITORY_EVENTS < ORGANIZATION_EVENTS


def test_an_organization_takes_events_of_its_own(github: GitHub, api: httpx.Client) -> None:
    """`organization` and its like exist for organisations only."""
    hook = create(api, f"/orgs/{github.owner}/hooks", events=["organization", "team"])

    assert ["organization", "team"] == hook["events"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param({}, '"config" wasn\'t supplied.', id="no-config"),
        pytest.param(
            {"config": config(), "url": URL}, '"url" is not a permitted key.', id="unknown-key"
        ),
        pytest.param(
            {"config": config(username="me")},
            '"username" is not a permitted key.',
            id="unknown-config-key",
        ),
        pytest.param(
            {"config": config(), "events": None},
            "For 'properties/events', nil is not an array.",
            id="events-null",
        ),
        pytest.param(
            {"config": config(), "active": "yes"},
            "For 'properties/active', a string is not a boolean.",
            id="active-text",
        ),
    ],
)
def test_a_body_that_does_not_fit_the_schema_is_refused(
    api: httpx.Client, hooks_path: str, body: dict[str, object], reason: str
) -> None:
    """`Invalid request.` with the reason; what was sent is not repeated, it may be a secret."""
    answer = api.post(hooks_path, json=body)

    assert 422 == answer.status_code
    assert f"Invalid request.\n\n{reason}" == answer.json()["message"]


def test_an_organization_hook_needs_its_name(github: GitHub, api: httpx.Client) -> None:
    """Required there, optional for a repository."""
    answer = api.post(f"/orgs/{github.owner}/hooks", json={"config": config()})

    assert 'Invalid request.\n\n"name" wasn\'t supplied.' == answer.json()["message"]


def test_a_body_that_is_not_json_is_refused(api: httpx.Client, hooks_path: str) -> None:
    """400, before any rule is looked at."""
    answer = api.post(hooks_path, content=b"{")

    assert (400, "Problems parsing JSON") == (answer.status_code, answer.json()["message"])


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/user", PrivateUser),
        ("/users/octocat", PrivateUser),
        ("/orgs/acme", OrganizationFull),
        ("/meta", ApiOverview),
        ("/rate_limit", RateLimitOverview),
    ],
)
def test_what_clients_read_besides_is_answered_as_published(
    api: httpx.Client, path: str, model: type
) -> None:
    """Clients ask these at their start."""
    assert [] == unpublished(model, api.get(path).json())


def test_a_repository_is_answered_as_published(
    github: GitHub, repository: Repository, api: httpx.Client
) -> None:
    """With the URL it is really cloned from."""
    answer = api.get(f"/repos/{github.owner}/{repository.name}").json()

    assert [] == unpublished(FullRepository, answer)
    assert repository.clone_url == answer["clone_url"]


def test_a_wrong_token_is_bad_credentials_everywhere(github: GitHub, hooks_path: str) -> None:
    """401 before anything else, also where no token is needed."""
    headers = {"Authorization": "Bearer wrong"}
    for path in ("meta", "orgs/acme", hooks_path.removeprefix("/")):
        answer = httpx.get(f"{github.base_url}{path}", headers=headers)

        assert (401, "Bad credentials") == (answer.status_code, answer.json()["message"])


def test_without_a_token_hooks_do_not_exist(github: GitHub, hooks_path: str) -> None:
    """What may not be seen is 404, `/user` is 401, and public things are there."""
    status = {
        path: httpx.get(f"{github.base_url}{path}").status_code
        for path in (hooks_path.removeprefix("/"), "user", "orgs/acme")
    }

    assert {hooks_path.removeprefix("/"): 404, "user": 401, "orgs/acme": 200} == status


@pytest.mark.parametrize("scheme", ["token {}", "Bearer {}"])
def test_a_token_is_taken_in_both_forms(github: GitHub, scheme: str) -> None:
    """`token` is the older form, `Bearer` the documented one."""
    answer = httpx.get(
        f"{github.base_url}user", headers={"Authorization": scheme.format(github.token)}
    )

    assert "octocat" == answer.json()["login"]


@pytest.mark.parametrize(
    ("right", "statuses"), [("none", [403, 403]), ("read", [200, 403]), ("write", [200, 201])]
)
def test_a_token_without_the_right_is_told_which_one_it_needs(
    github: GitHub, hooks_path: str, right: str, statuses: list[int]
) -> None:
    """403 with `X-Accepted-GitHub-Permissions`, as fine-grained tokens get it."""
    token = github.issue_token(webhooks=right)
    with httpx.Client(
        base_url=github.base_url, headers={"Authorization": f"Bearer {token}"}
    ) as client:
        read, write = client.get(hooks_path), client.post(hooks_path, json={"config": config()})

    assert statuses == [read.status_code, write.status_code]
    assert "repository_hooks=read" == read.headers["X-Accepted-GitHub-Permissions"]
    assert "repository_hooks=write" == write.headers["X-Accepted-GitHub-Permissions"]


@pytest.mark.parametrize(
    "path",
    ["/repos/acme/absent", "/repos/acme/absent/hooks", "/repos/else/app/hooks", "/orgs/else"],
)
def test_what_does_not_exist_is_not_found(api: httpx.Client, path: str) -> None:
    """404 in GitHub's shape."""
    answer = api.get(path)

    assert (404, "Not Found") == (answer.status_code, answer.json()["message"])


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/gists"), ("PUT", "/user"), ("POST", "/orgs/acme/hooks/1/tests"), ("GET", "/user/")],
)
def test_an_unknown_endpoint_is_not_found_and_noted(
    github: GitHub, api: httpx.Client, method: str, path: str
) -> None:
    """A client that needs what the stand-in lacks must not go unnoticed."""
    answer = api.request(method, path)

    assert 404 == answer.status_code
    noted = github.requests[-1]
    assert (method, path, 404, False) == (noted.method, noted.path, noted.status, noted.known)


def test_requests_are_noted_without_the_prefix(
    github: GitHub, api: httpx.Client, hooks_path: str
) -> None:
    """What was asked, in order, for a test to count."""
    before = len(github.requests)

    path = f"{hooks_path}/{create(api, hooks_path)['id']}"
    api.get(path)
    api.delete(path)

    assert [("POST", hooks_path, 201), ("GET", path, 200), ("DELETE", path, 204)] == [
        (request.method, request.path, request.status) for request in github.requests[before:]
    ]


def test_an_unchanged_answer_is_304_without_body(api: httpx.Client, hooks_path: str) -> None:
    """`If-None-Match` with the `ETag`, until the webhook changes; a 304 costs no quota."""
    path = f"{hooks_path}/{create(api, hooks_path, active=False)['id']}"
    first = api.get(path)
    condition = {"If-None-Match": first.headers["ETag"]}

    unchanged = api.get(path, headers=condition)
    api.patch(path, json={"events": ["release"]})
    changed = api.get(path, headers=condition)

    assert (304, b"") == (unchanged.status_code, unchanged.content)
    assert first.headers["ETag"] == unchanged.headers["ETag"]
    assert first.headers["X-RateLimit-Used"] == unchanged.headers["X-RateLimit-Used"]
    assert 200 == changed.status_code


def test_every_answer_has_the_headers_clients_look_at(api: httpx.Client) -> None:
    """Quota, request id and media type, on success and on failure."""
    for answer in (api.get("/user"), api.get("/repos/acme/absent")):
        headers = answer.headers
        limit, used, left = (
            int(headers[f"X-RateLimit-{name}"]) for name in ("Limit", "Used", "Remaining")
        )

        assert (5000, 5000) == (limit, used + left)
        assert "core" == headers["X-RateLimit-Resource"]
        assert "github.v3; format=json" == headers["X-GitHub-Media-Type"]
        assert headers["X-GitHub-Request-Id"]


def test_a_used_up_quota_refuses_until_its_reset(tmp_path: Any) -> None:
    """403 with nothing remaining; `/rate_limit` itself stays free."""
    with GitHub(tmp_path, hourly_requests=2) as github:
        headers = {"Authorization": f"Bearer {github.token}"}
        answers = [httpx.get(f"{github.base_url}user", headers=headers) for _ in range(3)]
        state = httpx.get(f"{github.base_url}rate_limit", headers=headers).json()

    assert [200, 200, 403] == [answer.status_code for answer in answers]
    assert "API rate limit exceeded for user ID 1." == answers[2].json()["message"]
    assert "0" == answers[2].headers["X-RateLimit-Remaining"]
    assert str(state["resources"]["core"]["reset"]) == answers[2].headers["X-RateLimit-Reset"]


def test_an_edit_moves_the_time_of_the_last_change_only() -> None:
    """`updated_at` follows every edit, `created_at` none."""
    target = Target("acme/app", 1)
    hook = hooks.create({"config": config()}, target=target, number=7, now=1.0)

    edited = hooks.edit_config(hook, {"secret": "second"}, now=2.0)

    assert (1.0, 1.0) == (hook.created_at, hook.updated_at)
    assert (7, 1.0, 2.0) == (edited.id, edited.created_at, edited.updated_at)


@pytest.mark.parametrize(("first", "second"), [(["*"], ["push"]), (["push"], ["*"])])
def test_all_events_overlap_with_any(
    api: httpx.Client, hooks_path: str, first: list[str], second: list[str]
) -> None:
    """`*` is every event when twins are looked for."""
    create(api, hooks_path, events=first)

    answer = api.post(hooks_path, json={"events": second, "config": config()})

    assert "Hook already exists on this repository" == hook_errors(answer)[0]["message"]


def test_an_empty_secret_is_none(api: httpx.Client, hooks_path: str) -> None:
    """It reads back as absent, and nothing is signed with it."""
    hook = create(api, hooks_path, config=config(secret=""))

    assert "secret" not in hook["config"]
