"""A forge for each test module; a repository, a receiver and a client for each test."""

import re
from collections.abc import Iterator

import httpx
import pytest

from sandbox.forges.github import GitHub, Repository
from sandbox.forges.gitlab import GitLab
from tests.sandbox.clock import Clock
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
    return github.create_repository(_name_of(request))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def hooks_path(github: GitHub, repository: Repository) -> str:
    return f"/repos/{github.owner}/{repository.name}/hooks"


@pytest.fixture(scope="module")
def shared_clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def shared_gitlab(
    tmp_path_factory: pytest.TempPathFactory, shared_clock: Clock
) -> Iterator[GitLab]:
    with GitLab(tmp_path_factory.mktemp("gitlab"), clock=shared_clock) as gitlab:
        yield gitlab


@pytest.fixture
def clock(shared_clock: Clock) -> Iterator[Clock]:
    """By which the GitLab disables webhooks and forgets logs; after each test it is right again."""
    yield shared_clock
    shared_clock.forward = 0.0


@pytest.fixture
def gitlab(shared_gitlab: GitLab) -> Iterator[GitLab]:
    """The module's stand-in; after each test it behaves again."""
    yield shared_gitlab
    shared_gitlab.faults.clear()
    shared_gitlab.delivery_delay = 0.0
    shared_gitlab.resume_deliveries()
    shared_gitlab.wait_idle()


@pytest.fixture
def gitlab_api(gitlab: GitLab) -> Iterator[httpx.Client]:
    """GitLab's REST API with the right token."""
    with httpx.Client(
        base_url=f"{gitlab.base_url}api/v4",
        headers={"PRIVATE-TOKEN": gitlab.token},
        trust_env=False,
    ) as client:
        yield client


@pytest.fixture
def project(gitlab: GitLab, request: pytest.FixtureRequest) -> Repository:
    """A project of the test's own, named after it."""
    return gitlab.create_project(f"{gitlab.group}/{_name_of(request)}")


@pytest.fixture
def project_hooks(project: Repository) -> str:
    """Where the project's webhooks are in the REST API."""
    return f"/projects/{project.name.replace('/', '%2F')}/hooks"


def _name_of(request: pytest.FixtureRequest) -> str:
    return re.sub(r"\W+", "-", request.node.name)[:100]
