"""A GitHub stand-in for each test module; a repository, a receiver and a client for each test."""

import re
from collections.abc import Iterator

import httpx
import pytest

from sandbox.forges.github import GitHub, Repository
from tests.sandbox.receiver import Receiver


@pytest.fixture(scope="module")
def shared_github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHub]:
    with GitHub(tmp_path_factory.mktemp("github")) as github:
        yield github


@pytest.fixture(scope="module")
def api(shared_github: GitHub) -> Iterator[httpx.Client]:
    """The REST API with the right token."""
    with httpx.Client(
        base_url=f"{shared_github.base_url}api/v3",
        headers={"Authorization": f"Bearer {shared_github.token}"},
        trust_env=False,
    ) as client:
        yield client


@pytest.fixture
def github(shared_github: GitHub, api: httpx.Client) -> Iterator[GitHub]:
    """The module's stand-in; after each test it behaves again, and the owner has no webhooks."""
    yield shared_github
    shared_github.faults.clear()
    shared_github.delivery_delay = 0.0
    shared_github.resume_deliveries()
    shared_github.wait_idle()
    for hook in shared_github.hooks():
        api.delete(f"/orgs/{shared_github.owner}/hooks/{hook.id}")


@pytest.fixture
def repository(github: GitHub, request: pytest.FixtureRequest) -> Repository:
    """A repository of the test's own, named after it."""
    return github.create_repository(re.sub(r"\W+", "-", request.node.name)[:100])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def hooks_path(github: GitHub, repository: Repository) -> str:
    return f"/repos/{github.owner}/{repository.name}/hooks"
