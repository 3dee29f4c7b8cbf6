"""A real client against the GitHub stand-in, and the stand-in as a program of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import github as pygithub
import httpx
import pytest
from githubkit_schemas.latest.models import Activity

from sandbox.forges.github import GitHub, Repository
from tests.sandbox.published import unpublished
from tests.sandbox.receiver import Receiver


@pytest.fixture
def client(github: GitHub) -> Iterator[pygithub.Github]:
    client = pygithub.Github(
        base_url=f"{github.base_url}api/v3",
        auth=pygithub.Auth.Token(github.token),
        retry=None,
        seconds_between_requests=0,
        seconds_between_writes=0,
    )
    yield client
    client.close()


def test_pygithub_leads_a_hook_through_its_life(
    github: GitHub, repository: Repository, client: pygithub.Github, receiver: Receiver
) -> None:
    """Created, listed, edited, pinged, tested, looked at, deleted: none of it is our own client."""
    repo = client.get_repo(f"{github.owner}/{repository.name}")
    config = {"url": receiver.url(), "content_type": "json", "secret": "not-told"}

    hook = repo.create_hook("web", config, events=["push"], active=True)
    assert "********" == hook.config["secret"]
    hook.edit("web", config | {"url": receiver.url("/two")}, add_events=["release"])
    assert ["push", "release"] == hook.events
    hook.ping()
    hook.test()
    github.wait_idle()
    (item, *_) = list(repo.get_hook_deliveries(hook.id))
    delivery = repo.get_hook_delivery(hook.id, item.id)
    assert (200, "taken") == (delivery.status_code, delivery.response.payload)
    assert item.guid == delivery.request.headers["X-GitHub-Delivery"]
    assert ["ping", "ping", "push"] == sorted(
        received.headers["X-GitHub-Event"] for received in receiver.received
    )
    assert hook.update()
    assert (200, "active") == (hook.last_response.code, hook.last_response.status)

    hook.delete()

    assert [] == list(repo.get_hooks())
    with pytest.raises(pygithub.UnknownObjectException):
        repo.get_hook(hook.id)


def test_pygithub_turns_pages(
    github: GitHub, repository: Repository, client: pygithub.Github, receiver: Receiver
) -> None:
    """Its pages of thirty come together without a gap."""
    repo = client.get_repo(f"{github.owner}/{repository.name}")
    created = [
        repo.create_hook("web", {"url": receiver.url(f"/{event}/{n}")}, events=[event]).id
        for event in ("push", "release")
        for n in range(18)
    ]

    assert created == [hook.id for hook in repo.get_hooks()]


def test_pygithub_knows_organization_hooks(
    github: GitHub, client: pygithub.Github, receiver: Receiver
) -> None:
    """The organisation is one, and its hooks are its own."""
    organization = client.get_organization(github.owner)

    hook = organization.create_hook("web", {"url": receiver.url()}, events=["push"])

    assert [hook.id] == [found.id for found in organization.get_hooks()]
    organization.delete_hook(hook.id)
    assert [] == github.hooks()


def test_pygithub_reads_the_documented_errors(
    github: GitHub, repository: Repository, client: pygithub.Github
) -> None:
    """Its own exceptions, with GitHub's words in them."""
    repo = client.get_repo(f"{github.owner}/{repository.name}")
    repo.create_hook("web", {"url": "http://127.0.0.1:9/"})

    with pytest.raises(pygithub.GithubException) as twin:
        repo.create_hook("web", {"url": "http://127.0.0.1:9/"})
    github.faults.rate_limit(retry_after=9)
    with pytest.raises(pygithub.RateLimitExceededException) as limited:
        client.get_user().login  # noqa: B018
    stranger = pygithub.Github(
        base_url=f"{github.base_url}api/v3", auth=pygithub.Auth.Token("wrong"), retry=None
    )
    with pytest.raises(pygithub.BadCredentialsException):
        stranger.get_user().login  # noqa: B018
    stranger.close()

    assert "Hook already exists on this repository" == twin.value.data["errors"][0]["message"]
    assert "9" == limited.value.headers["retry-after"]


def test_what_happened_to_a_branch_is_told_in_the_published_shape(
    github: GitHub, repository: Repository, client: pygithub.Github
) -> None:
    """The newest first, of one branch where it is named, and never of a tag."""
    path = f"/repos/{github.owner}/{repository.name}/activity"
    first = repository.commit({"a": "1"}, message="one")
    second = repository.commit({"a": "2"}, message="two")
    github.wait_idle()

    _, found = client.requester.requestJsonAndCheck("GET", path, {"ref": "refs/heads/main"})
    _, newest = client.requester.requestJsonAndCheck("GET", path, {"ref": "main", "per_page": 1})
    _, none = client.requester.requestJsonAndCheck("GET", path, {"ref": "refs/heads/other"})

    assert [second, first] == [each["after"] for each in found]
    assert ["push", "push"] == [each["activity_type"] for each in found]
    assert found[:1] == newest
    assert [] == none
    assert [] == [name for each in found for name in unpublished(Activity, each)]


def test_it_runs_as_a_program_until_interrupted(tmp_path: Path) -> None:
    """It prints where it is and the token, serves, and ends cleanly on a signal."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "sandbox.forges.github",
            "--directory",
            str(tmp_path),
            "--repository",
            "app",
        ],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    with process:
        assert process.stdout is not None
        said = dict(process.stdout.readline().split(maxsplit=1) for _ in range(3))
        base_url, token = said["base_url:"].strip(), said["token:"].strip()
        answer = httpx.get(
            f"{base_url}repos/acme/app", headers={"Authorization": f"Bearer {token}"}
        )
        process.send_signal(signal.SIGINT)
        process.wait(10)

    assert said["clone:"].strip() == answer.json()["clone_url"]
    assert 0 == process.returncode
