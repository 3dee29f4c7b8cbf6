"""Private repositories of both forges: who reads them, until when, and what is told of them."""

import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from sandbox.forges.github import GitHub, Repository
from sandbox.forges.gitlab import GitLab
from tests.sandbox.receiver import Receiver


@dataclass
class Private:
    """A private repository, and its forge."""

    forge: GitHub | GitLab
    repository: Repository

    def read(self, token: str | None) -> int:
        """The status of a clone's first request."""
        url = f"{self.repository.clone_url}/info/refs?service=git-upload-pack"
        auth = ("git", token) if token else None
        return httpx.get(url, auth=auth, trust_env=False).status_code

    def describe(self) -> Any:
        """What the forge's API says of it."""
        forge, name = self.forge, self.repository.name
        path = (
            f"api/v3/repos/{forge.owner}/{name}"
            if isinstance(forge, GitHub)
            else f"api/v4/projects/{name.replace('/', '%2F')}"
        )
        headers = {"Authorization": f"Bearer {forge.token}"}
        answer = httpx.get(f"{forge.base_url}{path}", headers=headers, trust_env=False)
        return answer.raise_for_status().json()


@pytest.fixture(params=["github", "gitlab"])
def private(request: pytest.FixtureRequest, repository: Repository, project: Repository) -> Private:
    forge = request.getfixturevalue(request.param)
    made = repository if request.param == "github" else project
    forge.change_visibility(made.name, private=True)
    return Private(forge, made)


def test_a_private_repository_is_read_with_a_token_that_is_good(private: Private) -> None:
    """None, a wrong one, one of whatever rights, and that one revoked."""
    token = private.forge.issue_token(webhooks="none")
    statuses = [private.read(each) for each in (None, "wrong", token)]

    private.forge.revoke_token(token)

    assert [401, 401, 200, 401] == [*statuses, private.read(token)]


def test_its_owner_pushes_to_it_and_publishes_it(private: Private) -> None:
    """The working copy has its token, and anybody reads when it is public again."""
    private.repository.commit({"file": "text"}, message="Ours")

    private.forge.change_visibility(private.repository.name, private=False)

    assert 200 == private.read(None)


def test_the_api_says_that_it_is_private(private: Private) -> None:
    """As `visibility` at both."""
    assert "private" == private.describe()["visibility"]


def test_it_can_be_private_from_the_start(github: GitHub, gitlab: GitLab) -> None:
    """At both forges."""
    made = [
        Private(github, github.create_repository("secretive", private=True)),
        Private(gitlab, gitlab.create_project(f"{gitlab.group}/secretive", private=True)),
    ]

    assert [401, 401] == [each.read(None) for each in made]


def test_a_push_to_it_says_so(
    github: GitHub, repository: Repository, hooks_path: str, api: httpx.Client, receiver: Receiver
) -> None:
    """Its webhooks work as those of any other."""
    github.change_visibility(repository.name, private=True)
    config = {"url": receiver.url(), "content_type": "json"}
    api.post(hooks_path, json={"events": ["push"], "config": config})

    repository.commit({"file": "text"}, message="Ours")
    github.wait_idle()

    told = json.loads(receiver.received[-1].body)["repository"]
    assert (True, "private") == (told["private"], told["visibility"])
