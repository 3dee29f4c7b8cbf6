"""What the GitLab stand-in sends: headers, payloads, the queue, the log, tests, disabled hooks."""

import json
import logging
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from sandbox.forges.gitlab import Delivery, GitLab, Repository
from tests.sandbox.clock import Clock
from tests.sandbox.receiver import Receiver, eventually

TOKEN = "not-told"

# The fields of the examples in GitLab's page "Webhook events".
PUSH = {
    "after",
    "before",
    "checkout_sha",
    "commits",
    "event_name",
    "object_kind",
    "project",
    "project_id",
    "ref",
    "ref_protected",
    "repository",
    "total_commits_count",
    "user_avatar",
    "user_email",
    "user_id",
    "user_name",
    "user_username",
}
PROJECT = {
    "avatar_url",
    "default_branch",
    "description",
    "git_http_url",
    "git_ssh_url",
    "homepage",
    "http_url",
    "id",
    "name",
    "namespace",
    "path_with_namespace",
    "ssh_url",
    "url",
    "visibility_level",
    "web_url",
}
COMMIT = {"added", "author", "id", "message", "modified", "removed", "timestamp", "title", "url"}
REPOSITORY = {
    "description",
    "git_http_url",
    "git_ssh_url",
    "homepage",
    "name",
    "url",
    "visibility_level",
}
# Shown in the example of a webhook's log besides.
PUSH_IN_LOG = {"message", "push_options"}
PROJECT_IN_LOG = {"ci_config_path"}

LOG_ENTRY = {
    "created_at",
    "execution_duration",
    "id",
    "request_data",
    "request_headers",
    "response_body",
    "response_headers",
    "response_status",
    "trigger",
    "url",
}

Make = Callable[..., Any]


@pytest.fixture
def hook(gitlab_api: httpx.Client, project_hooks: str, receiver: Receiver) -> Any:
    """A webhook of the project that leads to the receiver."""
    answer = gitlab_api.post(project_hooks, json={"url": receiver.url(), "token": TOKEN})
    return answer.json()


def last(gitlab: GitLab, project: Repository) -> Delivery:
    gitlab.wait_idle()
    return gitlab.deliveries(project.name)[-1]


def send(gitlab: GitLab, project: Repository, times: int = 1) -> None:
    """Send pushes one after the other."""
    for _ in range(times):
        gitlab.send(project.name)
        gitlab.wait_idle()


@pytest.mark.usefixtures("hook")
def test_a_push_is_delivered_with_the_documented_headers(
    gitlab: GitLab, project: Repository, receiver: Receiver
) -> None:
    """The token in clear in a header of its own; nothing is signed."""
    guid = gitlab.send(project.name)
    gitlab.wait_idle()

    (received,) = receiver.received
    headers = received.headers
    assert ["Push Hook", TOKEN, "application/json", "GitLab/19.1.0"] == [
        headers[name] for name in ("X-Gitlab-Event", "X-Gitlab-Token", "Content-Type", "User-Agent")
    ]
    assert gitlab.base_url.rstrip("/") == headers["X-Gitlab-Instance"]
    ids = [
        headers[name]
        for name in ("X-Gitlab-Event-UUID", "X-Gitlab-Webhook-UUID", "Idempotency-Key")
    ]
    assert guid == ids[0]
    assert 3 == len(set(ids))


def test_without_a_token_no_header_says_so(
    gitlab: GitLab,
    project: Repository,
    receiver: Receiver,
    gitlab_api: httpx.Client,
    project_hooks: str,
) -> None:
    """An empty one is none."""
    gitlab_api.post(project_hooks, json={"url": receiver.url(), "token": ""})
    send(gitlab, project)

    assert "X-Gitlab-Token" not in receiver.received[0].headers


@pytest.mark.usefixtures("hook")
def test_a_push_says_what_is_documented(
    gitlab: GitLab, project: Repository, receiver: Receiver
) -> None:
    """The fields of the published examples, and what really was pushed."""
    before = project.commit({"a.txt": "1"}, message="First\n\nwith more")
    after = project.commit({"a.txt": "2", "b.txt": "1"}, message="Second")
    gitlab.wait_idle()

    payload = json.loads(receiver.received[-1].body)
    assert PUSH | PUSH_IN_LOG == set(payload)
    assert PROJECT | PROJECT_IN_LOG == set(payload["project"])
    assert REPOSITORY == set(payload["repository"])
    (commit,) = payload["commits"]
    assert COMMIT == set(commit)
    assert ("push", "push", "refs/heads/main", before, after, after) == tuple(
        payload[key]
        for key in ("object_kind", "event_name", "ref", "before", "after", "checkout_sha")
    )
    assert (["b.txt"], ["a.txt"], "Second\n", "Second") == tuple(
        commit[key] for key in ("added", "modified", "message", "title")
    )
    assert project.name == payload["project"]["path_with_namespace"]
    first = json.loads(receiver.received[0].body)["commits"][0]
    assert ("First\n\nwith more\n", "First") == (first["message"], first["title"])


def test_a_synthetic_push_says_what_the_newest_real_one_said(
    gitlab: GitLab, project: Repository, receiver: Receiver, hook: Any
) -> None:
    """So load can be sent without a push for each."""
    project.commit({"a.txt": "1"}, message="One")
    send(gitlab, project)

    real, synthetic = (json.loads(received.body) for received in receiver.received)
    assert real == synthetic


def test_an_event_reaches_project_and_groups_under_one_uuid(
    gitlab: GitLab, gitlab_api: httpx.Client, receiver: Receiver
) -> None:
    """The group's own, and that of the one above; no other group's."""
    gitlab.create_group("acme/platform")
    gitlab.create_group("acme/elsewhere")
    gitlab.create_project("acme/platform/reached")
    numbers = {
        path: gitlab_api.post(f"{path}/hooks", json={"url": receiver.url(), "token": path}).json()[
            "id"
        ]
        for path in (
            "/projects/acme%2Fplatform%2Freached",
            "/groups/acme%2Fplatform",
            "/groups/acme",
            "/groups/acme%2Felsewhere",
        )
    }
    guid = gitlab.send("acme/platform/reached")
    gitlab.wait_idle()

    assert {guid} == {received.headers["X-Gitlab-Event-UUID"] for received in receiver.received}
    assert sorted(set(numbers) - {"/groups/acme%2Felsewhere"}) == sorted(
        received.headers["X-Gitlab-Token"] for received in receiver.received
    )
    assert 3 == len({received.headers["Idempotency-Key"] for received in receiver.received})
    gitlab_api.delete(f"/groups/acme/hooks/{numbers['/groups/acme']}")


def test_only_what_a_hook_asks_for_is_sent(
    gitlab: GitLab,
    project: Repository,
    receiver: Receiver,
    gitlab_api: httpx.Client,
    project_hooks: str,
) -> None:
    """Tags are not pushes here, and a filtered branch is not sent."""
    wanted: list[dict[str, object]] = [
        {"url": receiver.url("/pushes"), "push_events_branch_filter": "main"},
        {"url": receiver.url("/tags"), "push_events": False, "tag_push_events": True},
        {"url": receiver.url("/none"), "push_events": False, "releases_events": True},
    ]
    for parameters in wanted:
        gitlab_api.post(project_hooks, json=parameters)
    project.commit({"a": "1"}, message="on main")
    project.commit({"a": "2"}, message="elsewhere", branch="topic")
    project.tag("v1")
    gitlab.send(project.name, "Release Hook", {"object_kind": "release"})
    gitlab.wait_idle()

    assert [
        ("/none", "Release Hook", "release"),
        ("/pushes", "Push Hook", "push"),
        ("/tags", "Tag Push Hook", "tag_push"),
    ] == sorted(
        (
            received.path,
            received.headers["X-Gitlab-Event"],
            json.loads(received.body)["object_kind"],
        )
        for received in receiver.received
    )


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("Release Hook", "event 'Release Hook' has no payload of its own, give one as payload="),
        ("push", "event 'push' is unknown, use one of: Push Hook, Tag Push Hook"),
    ],
)
def test_an_event_that_cannot_be_made_up_is_refused(
    gitlab: GitLab, project: Repository, event: str, message: str
) -> None:
    """With what to give instead."""
    with pytest.raises(ValueError, match=rf"^{message}"):
        gitlab.send(project.name, event)


def test_a_queued_delivery_goes_where_the_hook_points_when_it_is_sent(
    gitlab: GitLab,
    project: Repository,
    receiver: Receiver,
    gitlab_api: httpx.Client,
    project_hooks: str,
    hook: Any,
) -> None:
    """GitLab queues the number of a webhook, not its URL."""
    gitlab.pause_deliveries()
    gitlab.send(project.name)
    gitlab_api.put(
        f"{project_hooks}/{hook['id']}", json={"url": receiver.url("/two"), "token": "new"}
    )
    gitlab.resume_deliveries()
    gitlab.wait_idle()

    (received,) = receiver.received
    assert ("/two", "new") == (received.path, received.headers["X-Gitlab-Token"])


def test_a_queued_delivery_of_a_deleted_hook_is_never_sent(
    gitlab: GitLab,
    project: Repository,
    receiver: Receiver,
    gitlab_api: httpx.Client,
    project_hooks: str,
    hook: Any,
) -> None:
    """It is in no log either: the worst that can happen to whoever replaces a webhook."""
    gitlab.pause_deliveries()
    gitlab.send(project.name)
    gitlab_api.delete(f"{project_hooks}/{hook['id']}")
    gitlab.resume_deliveries()
    gitlab.wait_idle()

    assert ([], []) == (receiver.received, gitlab.deliveries(project.name))


def test_deliveries_are_queued_when_a_push_returns(
    gitlab: GitLab, project: Repository, receiver: Receiver, hook: Any
) -> None:
    """Whoever has pushed can wait for them."""
    gitlab.pause_deliveries()
    project.commit({"a": "1"}, message="x")
    assert [] == receiver.received
    gitlab.resume_deliveries()
    gitlab.wait_idle()

    assert 1 == len(receiver.received)


@pytest.mark.usefixtures("hook")
def test_more_than_three_branches_or_tags_in_one_push_tell_nobody(
    gitlab: GitLab, project: Repository, receiver: Receiver
) -> None:
    """The documented `push_event_hooks_limit`; three are told of."""
    project.push(*(f"origin/main:refs/heads/b{n}" for n in range(3)))
    gitlab.wait_idle()
    assert 3 == len(receiver.received)

    project.push(*(f"origin/main:refs/heads/c{n}" for n in range(4)))
    gitlab.wait_idle()
    assert 3 == len(receiver.received)


@pytest.mark.usefixtures("hook")
def test_a_deleted_branch_is_a_push_of_nothing(
    gitlab: GitLab, project: Repository, receiver: Receiver
) -> None:
    """`after` is all zeros and there is nothing to check out."""
    project.commit({"a": "1"}, message="x", branch="topic")
    project.delete("refs/heads/topic")
    gitlab.wait_idle()

    payload = json.loads(receiver.received[-1].body)
    assert ("0" * 40, None, [], 0) == tuple(
        payload[key] for key in ("after", "checkout_sha", "commits", "total_commits_count")
    )


@pytest.mark.usefixtures("hook")
def test_a_push_lists_twenty_commits_and_counts_all(
    gitlab: GitLab, project: Repository, receiver: Receiver
) -> None:
    """The newest, oldest of them first."""
    gitlab.pause_deliveries()
    first = project.commit({"n": "0"}, message="0")
    for number in range(1, 23):
        project.commit({"n": str(number)}, message=str(number))
    project.push("origin/main:refs/heads/all")
    project.push(f"{first}:refs/heads/main", force=True)
    gitlab.resume_deliveries()
    gitlab.wait_idle()
    receiver.received.clear()
    project.push("origin/all:refs/heads/main")
    gitlab.wait_idle()

    payload = json.loads(receiver.received[-1].body)
    assert 22 == payload["total_commits_count"]
    assert [str(n) for n in range(3, 23)] == [commit["title"] for commit in payload["commits"]]


@pytest.mark.usefixtures("hook")
def test_a_redirect_is_not_followed_and_is_no_failure(
    gitlab: GitLab, project: Repository, receiver: Receiver
) -> None:
    """GitLab counts 3xx as well, so a redirect is a delivery that nobody misses."""
    receiver.status, receiver.answer_headers = 308, {"Location": receiver.url("/two")}
    send(gitlab, project, 5)

    delivery = last(gitlab, project)
    assert (308, False, False) == (delivery.status_code, delivery.ok, delivery.counts_as_failure)
    assert ["/hook/one"] * 5 == [received.path for received in receiver.received]


@pytest.mark.usefixtures("hook")
def test_a_receiver_that_takes_too_long_is_not_waited_for(
    gitlab: GitLab, project: Repository, receiver: Receiver
) -> None:
    """After ten seconds in reality."""
    receiver.delay = 1.0
    poster = gitlab._poster
    assert 10.0 == poster.timeout
    poster.timeout = 0.1
    try:
        send(gitlab, project)
    finally:
        poster.timeout = 10.0

    delivery = last(gitlab, project)
    assert (0, False, "Net::ReadTimeout") == (
        delivery.status_code,
        delivery.answered,
        delivery.error,
    )


def test_the_log_has_the_documented_shape(
    gitlab: GitLab,
    project: Repository,
    receiver: Receiver,
    gitlab_api: httpx.Client,
    project_hooks: str,
    hook: Any,
) -> None:
    """The newest first, statuses as texts, the token redacted."""
    send(gitlab, project)
    receiver.status = 404
    send(gitlab, project)
    receiver.broken = True
    send(gitlab, project)

    entries = gitlab_api.get(f"{project_hooks}/{hook['id']}/events").json()
    assert ["internal error", "404", "200"] == [entry["response_status"] for entry in entries]
    assert LOG_ENTRY == set(entries[0])
    taken = entries[-1]
    assert (receiver.url(), "push_hooks", "taken") == tuple(
        taken[key] for key in ("url", "trigger", "response_body")
    )
    assert "[REDACTED]" == taken["request_headers"]["X-Gitlab-Token"]
    assert json.loads(receiver.received[0].body) == taken["request_data"]
    assert TOKEN not in json.dumps(entries)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("200", ["200"]),
        ("404,503", ["503", "404"]),
        ("successful", ["200"]),
        ("client_failure", ["404"]),
        ("server_failure", ["503"]),
    ],
)
def test_the_log_is_filtered_by_status(
    gitlab: GitLab,
    project: Repository,
    receiver: Receiver,
    gitlab_api: httpx.Client,
    project_hooks: str,
    hook: Any,
    status: str,
    expected: list[str],
) -> None:
    """A delivery without an answer is in no category."""
    for receiver.status in (200, 404, 503):
        send(gitlab, project)
    receiver.broken = True
    send(gitlab, project)

    answer = gitlab_api.get(f"{project_hooks}/{hook['id']}/events", params={"status": status})

    assert expected == [entry["response_status"] for entry in answer.json()]


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"status": "fine"}, "status does not have a valid value"),
        ({"per_page": "21"}, "per_page does not have a valid value"),
        ({"page": "0"}, "page does not have a valid value"),
        ({"page": "x"}, "page is invalid"),
    ],
)
def test_a_bad_question_about_the_log_is_refused(
    gitlab_api: httpx.Client,
    project_hooks: str,
    hook: Any,
    question: dict[str, str],
    message: str,
) -> None:
    """A log's page holds twenty at most."""
    answer = gitlab_api.get(f"{project_hooks}/{hook['id']}/events", params=question)

    assert (400, {"error": message}) == (answer.status_code, answer.json())


def test_the_log_forgets_after_a_week(
    gitlab: GitLab,
    project: Repository,
    gitlab_api: httpx.Client,
    project_hooks: str,
    hook: Any,
    clock: Clock,
) -> None:
    """What the stand-in remembers for tests does not."""
    send(gitlab, project)
    clock.forward = 7 * 24 * 3600 + 60

    assert [] == gitlab_api.get(f"{project_hooks}/{hook['id']}/events").json()
    assert 1 == len(gitlab.deliveries(project.name))


def test_a_resend_repeats_payload_and_key(
    gitlab: GitLab,
    project: Repository,
    receiver: Receiver,
    gitlab_api: httpx.Client,
    project_hooks: str,
    hook: Any,
) -> None:
    """And answers with what the receiver said."""
    send(gitlab, project)
    path = f"{project_hooks}/{hook['id']}/events"
    receiver.status = 503
    answer = gitlab_api.post(f"{path}/{gitlab_api.get(path).json()[0]['id']}/resend")

    assert (201, {"response_status": 503}) == (answer.status_code, answer.json())
    first, second = receiver.received
    assert first.body == second.body
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.headers["X-Gitlab-Event-UUID"] != second.headers["X-Gitlab-Event-UUID"]


def test_a_resend_to_another_url_is_refused(
    gitlab: GitLab,
    project: Repository,
    receiver: Receiver,
    gitlab_api: httpx.Client,
    project_hooks: str,
    hook: Any,
) -> None:
    """In GitLab's words: a lost delivery cannot be sent to where a webhook was moved."""
    send(gitlab, project)
    path = f"{project_hooks}/{hook['id']}"
    event = gitlab_api.get(f"{path}/events").json()[0]["id"]
    gitlab_api.put(path, json={"url": receiver.url("/two")})
    answer = gitlab_api.post(f"{path}/events/{event}/resend")

    message = "The hook URL has changed, and this log entry cannot be retried"
    assert (422, {"message": message}) == (answer.status_code, answer.json())
    assert 404 == gitlab_api.post(f"{path}/events/{event + 1}/resend").status_code


def test_a_test_sends_the_newest_commits_and_says_how_it_went(
    gitlab: GitLab,
    project: Repository,
    receiver: Receiver,
    gitlab_api: httpx.Client,
    project_hooks: str,
    hook: Any,
) -> None:
    """201 for 2xx, else 422 with what the receiver said; a tag push as well, asked for or not."""
    commit = project.commit({"a": "1"}, message="x")
    gitlab.wait_idle()
    receiver.received.clear()
    path = f"{project_hooks}/{hook['id']}/test"
    taken = gitlab_api.post(f"{path}/tag_push_events")
    receiver.status, receiver.answer_body = 400, b"no such token"
    refused = gitlab_api.post(f"{path}/push_events")

    assert (201, {"message": "201 Created"}) == (taken.status_code, taken.json())
    assert (422, {"message": "no such token"}) == (refused.status_code, refused.json())
    assert ["Tag Push Hook", "Push Hook"] == [
        received.headers["X-Gitlab-Event"] for received in receiver.received
    ]
    assert commit == json.loads(receiver.received[0].body)["after"]
    log = gitlab_api.get(f"{project_hooks}/{hook['id']}/events").json()
    assert ["400", "200"] == [entry["response_status"] for entry in log[:2]]


def test_a_group_is_tested_with_a_project_of_its_own(
    gitlab: GitLab, gitlab_api: httpx.Client, receiver: Receiver
) -> None:
    """Without one there is nothing to send."""
    gitlab.create_group("acme/tested")
    number = gitlab_api.post("/groups/acme%2Ftested/hooks", json={"url": receiver.url()}).json()[
        "id"
    ]
    path = f"/groups/acme%2Ftested/hooks/{number}/test/push_events"

    assert 422 == gitlab_api.post(path).status_code
    gitlab.create_project("acme/tested/app")
    assert 201 == gitlab_api.post(path).status_code


@pytest.mark.parametrize(
    ("trigger", "status", "body"),
    [
        ("push", 400, {"error": "trigger does not have a valid value"}),
        ("member_events", 400, {"error": "trigger does not have a valid value"}),
        ("releases_events", 422, {"message": "Ensure the project has releases."}),
        (
            "emoji_events",
            501,
            {"message": "stand-in: a test of emoji_hooks is not supported"},
        ),
    ],
)
def test_a_test_that_cannot_be_made_is_refused(
    gitlab_api: httpx.Client,
    project_hooks: str,
    hook: Any,
    trigger: str,
    status: int,
    body: object,
) -> None:
    """For a project that has only commits."""
    answer = gitlab_api.post(f"{project_hooks}/{hook['id']}/test/{trigger}")

    assert (status, body) == (answer.status_code, answer.json())


@pytest.mark.usefixtures("clock")
def test_the_sixth_test_in_a_minute_is_too_many(
    gitlab_api: httpx.Client, project_hooks: str, hook: Any, clock: Clock
) -> None:
    """For a project, whichever of its webhooks; a minute later there are five again."""
    path = f"{project_hooks}/{hook['id']}/test/push_events"
    answers = [gitlab_api.post(path) for _ in range(6)]

    assert [201] * 5 + [429] == [answer.status_code for answer in answers]
    text = "This endpoint has been requested too many times. Try again later."
    assert {"message": {"error": text}} == answers[-1].json()
    assert "60" == answers[-1].headers["Retry-After"]
    clock.forward = 61.0
    assert 201 == gitlab_api.post(path).status_code


def test_four_failures_in_a_row_disable_a_hook_for_a_minute(
    gitlab: GitLab,
    project: Repository,
    receiver: Receiver,
    gitlab_api: httpx.Client,
    project_hooks: str,
    hook: Any,
    clock: Clock,
) -> None:
    """Meanwhile nothing is sent, not even what a push would have; the first success clears it."""
    receiver.status = 404
    send(gitlab, project, 6)
    assert 4 == len(receiver.received)
    shown = gitlab_api.get(f"{project_hooks}/{hook['id']}").json()
    assert "temporarily_disabled" == shown["alert_status"]
    assert shown["disabled_until"] is not None

    clock.forward = 61.0
    receiver.status = 200
    send(gitlab, project)

    assert 5 == len(receiver.received)
    shown = gitlab_api.get(f"{project_hooks}/{hook['id']}").json()
    assert ("executable", None) == (shown["alert_status"], shown["disabled_until"])


def test_a_success_in_between_starts_the_count_anew(
    gitlab: GitLab, project: Repository, receiver: Receiver, hook: Any
) -> None:
    """Only failures in a row count."""
    for receiver.status in (500, 500, 500, 200, 500, 500, 500):
        send(gitlab, project)

    assert 7 == len(receiver.received)
    assert ["executable"] == [
        found.alert_status(gitlab._state.clock()) for found in gitlab.hooks(project.name)
    ]


def test_forty_failures_disable_for_good_and_a_test_enables_again(
    gitlab: GitLab,
    project: Repository,
    receiver: Receiver,
    gitlab_api: httpx.Client,
    project_hooks: str,
    hook: Any,
    clock: Clock,
) -> None:
    """A test is sent to a disabled webhook, too."""
    path = f"{project_hooks}/{hook['id']}"
    receiver.status = 503
    for _ in range(40):
        send(gitlab, project)
        clock.forward += 25 * 3600
    assert 40 == len(receiver.received)
    assert "disabled" == gitlab_api.get(path).json()["alert_status"]
    send(gitlab, project)
    assert 40 == len(receiver.received)
    refused = gitlab_api.post(f"{path}/events/{gitlab.deliveries(project.name)[-1].id}/resend")
    assert (422, {"message": "Hook disabled"}) == (refused.status_code, refused.json())

    receiver.status = 200
    assert 201 == gitlab_api.post(f"{path}/test/push_events").status_code

    assert "executable" == gitlab_api.get(path).json()["alert_status"]
    send(gitlab, project)
    assert 42 == len(receiver.received)


def test_what_is_queued_for_a_hook_that_gets_disabled_is_not_sent(
    gitlab: GitLab,
    project: Repository,
    receiver: Receiver,
    gitlab_api: httpx.Client,
    project_hooks: str,
    hook: Any,
) -> None:
    """Whether it is disabled is asked again when it is its turn."""
    gitlab.pause_deliveries()
    gitlab.send(project.name)
    receiver.status = 404
    path = f"{project_hooks}/{hook['id']}"
    tested = [gitlab_api.post(f"{path}/test/push_events").status_code for _ in range(4)]
    assert [422] * 4 == tested
    assert "temporarily_disabled" == gitlab_api.get(path).json()["alert_status"]
    gitlab.resume_deliveries()
    gitlab.wait_idle()

    assert 4 == len(receiver.received)


def test_rate_limiting_answers_as_documented(gitlab: GitLab, gitlab_api: httpx.Client) -> None:
    """Text, not JSON, and headers that say when to come back."""
    gitlab.faults.rate_limit(retry_after=7)
    answer = gitlab_api.get("/user")

    assert (429, "Retry later\n", "7") == (
        answer.status_code,
        answer.text,
        answer.headers["Retry-After"],
    )
    assert int(answer.headers["RateLimit-Reset"]) > 0
    assert 200 == gitlab_api.get("/user").status_code


def test_a_server_error_says_what_gitlab_says(gitlab: GitLab, gitlab_api: httpx.Client) -> None:
    """Unless a body is given."""
    gitlab.faults.respond(500)

    assert {"message": "500 Internal Server Error"} == gitlab_api.get("/user").json()


@pytest.mark.parametrize("verified", [True, False])
def test_https_is_verified_unless_the_hook_says_otherwise(tmp_path: Path, verified: bool) -> None:
    """With the certificate authority the stand-in was given, or none."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    other = trustme.CA()
    other.cert_pem.write_to_path(str(tmp_path / "other.pem"))
    with Receiver(tls=tls) as receiver:
        for name, trusted in (("ca", True), ("other", False)):
            with GitLab(tmp_path / name, ca_file=tmp_path / f"{name}.pem") as gitlab:
                gitlab.create_project("acme/app")
                httpx.post(
                    f"{gitlab.base_url}api/v4/projects/acme%2Fapp/hooks",
                    headers={"PRIVATE-TOKEN": gitlab.token},
                    json={"url": receiver.url(), "enable_ssl_verification": verified},
                )
                gitlab.send("acme/app")
                gitlab.wait_idle()
                (delivery,) = gitlab.deliveries("acme/app")
                assert (trusted or not verified) == delivery.ok
                assert delivery.ok or "certificate verify failed" in (delivery.error or "")


@pytest.fixture
def records() -> Iterator[list[str]]:
    """Everything that is logged meanwhile."""
    texts: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            texts.append(record.getMessage())

    root, keeper = logging.getLogger(), Keeper(level=0)
    level = root.level
    root.addHandler(keeper)
    root.setLevel(0)
    yield texts
    root.removeHandler(keeper)
    root.setLevel(level)


def test_nothing_secret_is_logged(
    gitlab: GitLab, project: Repository, receiver: Receiver, records: list[str], hook: Any
) -> None:
    """Neither token, nor path, at any level."""
    send(gitlab, project)
    assert eventually(lambda: len(receiver.received) == 1)

    assert [] == [text for text in records if TOKEN in text or "/hook/one" in text]
