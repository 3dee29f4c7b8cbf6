"""The statuses of commits at both stand-ins: what the forges publish is answered and refused."""

from collections.abc import Callable
from typing import Any

import gitlab as python_gitlab
import httpx
import pytest
from githubkit_schemas.latest.models import BasicError, Status, ValidationError

from sandbox.forges.git import git
from sandbox.forges.github import GitHub, Repository
from sandbox.forges.gitlab import GitLab
from tests.sandbox.published import unpublished

NOWHERE = "1" * 40


def tip(repository: Repository) -> str:
    return git("rev-parse", "main", cwd=repository.path).strip()


@pytest.fixture
def post(api: httpx.Client, github: GitHub, repository: Repository) -> Callable[..., Any]:
    """Set a status of the newest commit."""
    path = f"/repos/{github.owner}/{repository.name}/statuses"

    def set_status(sha: str = "", headers: dict[str, str] | None = None, **body: object) -> Any:
        return api.post(f"{path}/{sha or tip(repository)}", json=body, headers=headers or {})

    return set_status


def test_github_keeps_each_status_and_shows_the_newest_first(
    api: httpx.Client, github: GitHub, repository: Repository, post: Callable[..., Any]
) -> None:
    """In the published shape; a branch will do where they are read."""
    first = post(state="failure", context="kustomization/app/1", description="failed")
    second = post(state="success", context="kustomization/app/1", description="applied")
    read = api.get(f"/repos/{github.owner}/{repository.name}/commits/main/statuses").json()

    assert [201, 201] == [first.status_code, second.status_code]
    assert [[], []] == [unpublished(Status, one) for one in read]
    assert [second.json(), first.json()] == read
    assert ["failure", "success"] == [one.state for one in github.statuses(repository.name)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "state", id="no state"),
        pytest.param({"state": "failed"}, "state", id="GitLab's word for a state"),
        pytest.param(
            {"state": "success", "description": "x" * 141}, "description", id="a long description"
        ),
        pytest.param({"state": "success", "context": "x" * 256}, "context", id="a long context"),
    ],
)
def test_github_refuses_a_status_that_is_none(
    github: GitHub,
    repository: Repository,
    post: Callable[..., Any],
    body: dict[str, object],
    field: str,
) -> None:
    """422, with the field; nothing is kept."""
    answer = post(**body)

    assert 422 == answer.status_code
    assert [] == unpublished(ValidationError, answer.json())
    assert [field] == [error["field"] for error in answer.json()["errors"]]
    assert [] == github.statuses(repository.name)


def test_github_wants_a_whole_commit_that_it_has(
    repository: Repository, post: Callable[..., Any]
) -> None:
    """Neither another repository's, nor a branch, nor the start of an ID."""
    for sha in (NOWHERE, "main", tip(repository)[:8]):
        answer = post(sha, state="success")

        assert 422 == answer.status_code
        assert f"No commit found for SHA: {sha}" == answer.json()["message"]


def test_github_wants_the_right_to_statuses(github: GitHub, post: Callable[..., Any]) -> None:
    """A fine-grained token may write webhooks and no statuses, or the other way round."""
    answers = [
        post(state="success", headers={"Authorization": f"Bearer {token}"})
        for token in (
            github.issue_token(webhooks="write"),
            github.issue_token(webhooks="none", statuses=True),
        )
    ]

    assert [403, 201] == [answer.status_code for answer in answers]
    assert [] == unpublished(BasicError, answers[0].json())
    assert "statuses=write" == answers[0].headers["X-Accepted-GitHub-Permissions"]


def test_gitlab_keeps_each_status_and_shows_the_newest_of_a_name(
    gitlab: GitLab, project: Repository
) -> None:
    """As its client for Python sees them; all of them on demand."""
    client = python_gitlab.Gitlab(gitlab.base_url, private_token=gitlab.token)
    commit = client.projects.get(project.name).commits.get(tip(project), lazy=True)
    for state, name in (("failed", "app"), ("success", "app"), ("success", "web")):
        commit.statuses.create({"state": state, "name": name, "description": f"{name}: {state}"})

    newest = commit.statuses.list(get_all=True)
    every = commit.statuses.list(get_all=True, query_parameters={"all": "true"})
    of_one = commit.statuses.list(get_all=True, name="web")

    assert [("app", "success", "main"), ("web", "success", "main")] == [
        (one.name, one.status, one.ref) for one in newest
    ]
    assert ["app: failed", "app: success", "web: success"] == [one.description for one in every]
    assert ["web"] == [one.name for one in of_one]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        pytest.param({}, 400, {"error": "state is missing"}, id="no state"),
        pytest.param(
            {"state": "failure"},
            400,
            {"error": "state does not have a valid value"},
            id="GitHub's word for a state",
        ),
        pytest.param(
            {"state": "success", "description": "x" * 256},
            400,
            {"message": {"description": ["is too long (maximum is 255 characters)"]}},
            id="a long description",
        ),
        pytest.param(
            {"state": "running"},
            501,
            {"message": "stand-in: the state 'running' is not supported"},
            id="one that is not finished, which the stand-in does not know",
        ),
    ],
)
def test_gitlab_refuses_a_status_that_is_none(
    gitlab: GitLab,
    gitlab_api: httpx.Client,
    project: Repository,
    body: dict[str, object],
    status: int,
    said: object,
) -> None:
    """With the texts of its checks; nothing is kept."""
    path = f"/projects/{project.name.replace('/', '%2F')}/statuses/{tip(project)}"

    answer = gitlab_api.post(path, json=body)

    assert (status, said) == (answer.status_code, answer.json())
    assert [] == gitlab.statuses(project.name)


def test_gitlab_wants_a_commit_that_it_has_and_the_scope_api(
    gitlab: GitLab, gitlab_api: httpx.Client, project: Repository
) -> None:
    """A Developer's token will do, one of the scope read_api not, whoever it belongs to."""
    path = f"/projects/{project.name.replace('/', '%2F')}/statuses"
    body = {"state": "success"}
    missing = gitlab_api.post(f"{path}/{NOWHERE}", json=body)
    answers = [
        gitlab_api.post(
            f"{path}/{tip(project)}",
            json=body,
            headers={"PRIVATE-TOKEN": gitlab.issue_token(webhooks=webhooks)},
        ).status_code
        for webhooks in ("none", "read")
    ]

    assert (404, "404 Commit Not Found") == (missing.status_code, missing.json()["message"])
    assert [201, 403] == answers
