"""Misbehaviour of the GitHub stand-in on demand."""

import time
from pathlib import Path

import httpx
import pytest
from githubkit_schemas.latest.models import BasicError

from sandbox.forges.github import GitHub, Repository
from tests.sandbox.published import unpublished
from tests.sandbox.receiver import eventually

BODY = {"config": {"url": "http://127.0.0.1:9/hook/one"}}


def test_a_response_is_replaced_as_often_as_asked(
    github: GitHub, api: httpx.Client, hooks_path: str
) -> None:
    """Then it is the real one again; the work was not done meanwhile."""
    fault = github.faults.respond(502, times=2)

    statuses = [api.post(hooks_path, json=BODY).status_code for _ in range(3)]

    assert [502, 502, 201] == statuses
    assert 2 == fault.hits
    assert statuses == [request.status for request in github.requests[-3:]]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, (b'{"message":"Server Error"}', "application/json; charset=utf-8")),
        ({"message": "down"}, (b'{"message":"down"}', "application/json; charset=utf-8")),
        ("<html>", (b"<html>", None)),
        (b"\0", (b"\0", None)),
    ],
)
def test_a_response_has_the_body_and_headers_asked_for(
    github: GitHub, api: httpx.Client, body: object, expected: tuple[bytes, str | None]
) -> None:
    """JSON, text or bytes; unicorns are HTML."""
    github.faults.respond(503, body=body, headers={"X-Other": "1"})  # type: ignore[arg-type]

    answer = api.get("/user")

    assert expected == (answer.content, answer.headers.get("Content-Type"))
    assert (503, "1") == (answer.status_code, answer.headers["X-Other"])


def test_only_what_matches_is_met(github: GitHub, api: httpx.Client, hooks_path: str) -> None:
    """By method and by a pattern in the path."""
    github.faults.respond(500, method="PATCH", path=r"/hooks/\d+$", times=None)
    created = api.post(hooks_path, json=BODY)

    path = f"{hooks_path}/{created.json()['id']}"
    statuses = [
        api.request(method, f"{path}{more}", json={}).status_code
        for method, more in (("GET", ""), ("PATCH", ""), ("PATCH", "/config"), ("PATCH", ""))
    ]

    assert [200, 500, 200, 500] == statuses


def test_git_is_spared_unless_its_path_is_named(
    github: GitHub, repository: Repository, api: httpx.Client
) -> None:
    """A fault for the API is not used up by a fetch in the background."""
    refs = f"{repository.clone_url}/info/refs?service=git-upload-pack"
    github.faults.respond(500)
    assert 200 == httpx.get(refs).status_code
    assert 500 == api.get("/user").status_code

    github.faults.respond(500, path=r"\.git/")
    assert 500 == httpx.get(refs).status_code


def test_the_work_can_be_done_and_the_answer_lost(
    github: GitHub, repository: Repository, api: httpx.Client, hooks_path: str
) -> None:
    """What a killed run leaves: a webhook that nobody was told of."""
    github.faults.drop(method="POST", after=True)

    with pytest.raises(httpx.RemoteProtocolError):
        api.post(hooks_path, json=BODY)

    assert 1 == len(github.hooks(repository.name))
    assert ("POST", hooks_path, 0) == (
        github.requests[-1].method,
        github.requests[-1].path,
        github.requests[-1].status,
    )


def test_an_error_can_follow_the_work(
    github: GitHub, repository: Repository, api: httpx.Client, hooks_path: str
) -> None:
    """A 502 that is a lie."""
    github.faults.respond(502, after=True)

    assert 502 == api.post(hooks_path, json=BODY).status_code
    assert 1 == len(github.hooks(repository.name))


def test_a_dropped_connection_does_nothing(
    github: GitHub, repository: Repository, api: httpx.Client, hooks_path: str
) -> None:
    """Closed without an answer, and the next one is served."""
    github.faults.drop()

    with pytest.raises(httpx.RemoteProtocolError):
        api.post(hooks_path, json=BODY)

    assert [] == github.hooks(repository.name)
    assert 200 == api.get(hooks_path).status_code


def test_a_hanging_request_is_silent_until_the_client_gives_up(
    github: GitHub, api: httpx.Client
) -> None:
    """It is noted at once, and others are served meanwhile."""
    github.faults.hang(30, path="^/user$")

    with pytest.raises(httpx.ReadTimeout):
        api.get("/user", timeout=0.2)

    assert ("/user", 0) == (github.requests[-1].path, github.requests[-1].status)
    assert 200 == api.get("/user").status_code


def test_a_hanging_request_ends_without_an_answer(github: GitHub, api: httpx.Client) -> None:
    """After its seconds the connection is closed."""
    github.faults.hang(0.2)
    started = time.monotonic()

    with pytest.raises(httpx.RemoteProtocolError):
        api.get("/user")

    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("status", [403, 429])
def test_a_secondary_rate_limit_is_answered_in_the_documented_shape(
    github: GitHub, api: httpx.Client, status: int
) -> None:
    """`Retry-After`, and a documentation URL by which go-github knows it."""
    github.faults.rate_limit(retry_after=7, status=status)

    answer = api.get("/user")

    assert (status, "7") == (answer.status_code, answer.headers["Retry-After"])
    assert [] == unpublished(BasicError, answer.json())
    assert answer.json()["documentation_url"].endswith("secondary-rate-limits")
    assert answer.json()["message"].startswith("You have exceeded a secondary rate limit")


def test_clearing_ends_all_misbehaviour(github: GitHub, api: httpx.Client) -> None:
    """Also what has no end of its own."""
    github.faults.respond(500, times=None)
    assert 500 == api.get("/user").status_code

    github.faults.clear()

    assert 200 == api.get("/user").status_code


def test_stopping_does_not_wait_for_a_hanging_request(tmp_path: Path) -> None:
    """The client is let go instead."""
    with GitHub(tmp_path) as github, httpx.Client(base_url=github.base_url) as client:
        github.faults.hang(60)
        with pytest.raises(httpx.ReadTimeout):
            client.get("user", timeout=0.2)
        assert eventually(lambda: len(github.requests) == 1)
        started = time.monotonic()

    assert time.monotonic() - started < 10
