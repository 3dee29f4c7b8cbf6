"""A real client against the GitLab stand-in, Git, and the stand-in as a program of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import gitlab as python_gitlab
import httpx
import pytest

from sandbox.forges.git import GitError, environment
from sandbox.forges.gitlab import GitLab, Repository
from tests.sandbox.plugin_process import CHECKOUT
from tests.sandbox.receiver import Receiver


@pytest.fixture
def client(gitlab: GitLab) -> python_gitlab.Gitlab:
    """GitLab's client for Python, signed in."""
    client = python_gitlab.Gitlab(gitlab.base_url, private_token=gitlab.token)
    client.auth()
    return client


def test_python_gitlab_leads_a_project_hook_through_its_life(
    gitlab: GitLab, project: Repository, client: python_gitlab.Gitlab, receiver: Receiver
) -> None:
    """Created, listed, edited, tested, looked at, sent again, deleted: none of it is our client."""
    hooks = client.projects.get(project.name).hooks

    hook = hooks.create({"url": receiver.url(), "token": "not-told", "push_events": True})
    assert [hook.id] == [found.id for found in hooks.list(get_all=True)]
    hook.tag_push_events = True
    hook.save()
    assert [True, True] == [hooks.get(hook.id).push_events, hooks.get(hook.id).tag_push_events]
    hook.test("push_events")
    events = f"/projects/{hook.project_id}/hooks/{hook.id}/events"
    (event,) = log(client, events)
    client.http_post(f"{events}/{event['id']}/resend")
    assert ["200", "200"] == [entry["response_status"] for entry in log(client, events)]
    assert ["not-told"] * 2 == [
        received.headers["X-Gitlab-Token"] for received in receiver.received
    ]

    hook.delete()

    assert [] == hooks.list(get_all=True)
    with pytest.raises(python_gitlab.GitlabGetError) as error:
        hooks.get(hook.id)
    assert (404, "404 Not found") == (error.value.response_code, error.value.error_message)
    assert all(request.known for request in gitlab.requests)


def test_python_gitlab_leads_a_group_hook_through_its_life(
    gitlab: GitLab, client: python_gitlab.Gitlab, receiver: Receiver
) -> None:
    """By path, with the events that only groups have."""
    gitlab.create_group("acme/led")
    gitlab.create_project("acme/led/app")
    hooks = client.groups.get("acme/led").hooks

    hook = hooks.create({"url": receiver.url(), "token": "x", "subgroup_events": True})
    hooks.update(hook.id, {"url": receiver.url("/two"), "token": "y"})
    hook.test("push_events")
    assert [("/two", "y")] == [
        (received.path, received.headers["X-Gitlab-Token"]) for received in receiver.received
    ]
    assert hooks.get(hook.id).subgroup_events is True
    hook.delete()

    assert [] == hooks.list(get_all=True)


def test_python_gitlab_turns_pages(
    project: Repository, client: python_gitlab.Gitlab, receiver: Receiver
) -> None:
    """Its pages of twenty come together without a gap."""
    hooks = client.projects.get(project.name).hooks
    made = [hooks.create({"url": receiver.url(f"/{n}")}).id for n in range(43)]

    assert made == [hook.id for hook in hooks.list(iterator=True)]


def test_python_gitlab_understands_refusals(
    gitlab: GitLab, project: Repository, client: python_gitlab.Gitlab, receiver: Receiver
) -> None:
    """Each by its own class, with the text that a user sees."""
    hooks = client.projects.get(project.name).hooks
    with pytest.raises(python_gitlab.GitlabCreateError) as create:
        hooks.create({"url": "nowhere"})
    receiver.status, receiver.answer_body = 500, b"down"
    with pytest.raises(python_gitlab.GitlabHookTestError) as test:
        hooks.create({"url": receiver.url()}).test("push_events")
    stranger = python_gitlab.Gitlab(gitlab.base_url, private_token="wrong")
    with pytest.raises(python_gitlab.GitlabAuthenticationError) as authentication:
        stranger.projects.get(project.name)

    assert [(422, "Invalid url given"), (422, "down"), (401, "401 Unauthorized")] == [
        (error.value.response_code, error.value.error_message)
        for error in (create, test, authentication)
    ]


def test_a_token_pushes_and_anyone_clones(
    gitlab: GitLab, project: Repository, tmp_path: Path
) -> None:
    """A fetch, as source-controller makes it, sees what was pushed."""
    commit = project.commit({"deploy/app.yaml": "kind: Nothing\n"}, message="Deploy")
    subprocess.run(
        ["git", "clone", "--quiet", project.clone_url, str(tmp_path / "clone")],
        env=environment(),
        check=True,
    )

    assert f"{gitlab.base_url}{project.name}.git" == project.clone_url
    assert "kind: Nothing\n" == (tmp_path / "clone/deploy/app.yaml").read_text()
    assert commit == (project.path / "refs/heads/main").read_text().strip()


def test_a_project_in_a_group_in_a_group_is_cloned_as_well(gitlab: GitLab) -> None:
    """Paths may be as deep as groups."""
    gitlab.create_group("acme/deep")
    gitlab.create_group("acme/deep/deeper")
    project = gitlab.create_project("acme/deep/deeper/app")
    refs = f"{project.clone_url}/info/refs?service=git-upload-pack"

    assert 200 == httpx.get(refs).status_code
    assert 404 == httpx.get(refs.replace("/deeper", "")).status_code


def test_python_gitlab_sees_where_a_branch_stands_and_when_it_was_pushed(
    project: Repository, client: python_gitlab.Gitlab, tmp_path: Path
) -> None:
    """Of a push of more than three branches, only how many there were."""
    found = client.projects.get(project.name)
    commit = project.commit({"a": "1"}, message="one")
    clone = tmp_path / "clone"
    authorized = {**environment(), **project._checkout._env}
    for command in (
        ("clone", "--quiet", project.clone_url, str(clone)),
        *(("-C", str(clone), "branch", f"b/{n}") for n in range(4)),
        ("-C", str(clone), "push", "--quiet", "--all"),
    ):
        subprocess.run(["git", *command], env=authorized, check=True)

    many, one = found.events.list(action="pushed", get_all=False)

    assert commit == found.branches.get("main").commit["id"]
    assert commit == found.branches.get("b/3").commit["id"]
    assert ("main", commit, None) == tuple(
        one.push_data[key] for key in ("ref", "commit_to", "ref_count")
    )
    assert (None, None, 4, "branch") == tuple(
        many.push_data[key] for key in ("ref", "commit_to", "ref_count", "ref_type")
    )
    with pytest.raises(python_gitlab.GitlabGetError) as error:
        found.branches.get("none")
    assert (404, "404 Branch Not Found") == (error.value.response_code, error.value.error_message)


def test_a_push_without_the_token_is_refused(
    gitlab: GitLab, project: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading is free, writing is not."""
    monkeypatch.setitem(project._checkout._env, "GIT_CONFIG_VALUE_0", "Authorization: Basic eDp5")
    with pytest.raises(GitError) as error:
        project.commit({"a": "1"}, message="x")

    assert "git fetch failed" in str(error.value)
    assert gitlab.token not in str(error.value)


@pytest.mark.parametrize(
    ("make", "path", "message"),
    [
        ("project", "app", "path 'app' is in no group, give it one that exists, such as acme/app"),
        (
            "project",
            "none/app",
            "path 'none/app' is in no group, give it one that exists, such as acme/app",
        ),
        ("group", "acme", "path 'acme' exists already, choose another one"),
        ("group", "a b", "path 'a b' is not allowed, use letters, digits, '-', '_' and '.'"),
    ],
)
def test_an_impossible_path_is_refused(gitlab: GitLab, make: str, path: str, message: str) -> None:
    """With what to give instead."""
    with pytest.raises(ValueError, match=r"^path") as error:
        gitlab.create_project(path) if make == "project" else gitlab.create_group(path)

    assert message == str(error.value)


def test_an_unknown_project_is_said(gitlab: GitLab) -> None:
    """With how to make it."""
    with pytest.raises(KeyError) as error:
        gitlab.send("acme/none")

    assert (
        "project 'acme/none' is unknown, make it with create_project('acme/none')",
    ) == error.value.args


def test_the_stand_in_runs_alone(tmp_path: Path) -> None:
    """It prints how to reach it, and ends on Ctrl-C."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "sandbox.forges.gitlab",
            f"--directory={tmp_path}",
            "--project=app",
        ],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = dict(process.stdout.readline().split(maxsplit=1) for _ in range(3))
        base_url, token, clone = (said[key].strip() for key in ("base_url:", "token:", "clone:"))
        answer = httpx.get(
            f"{base_url}api/v4/projects/acme%2Fapp", headers={"PRIVATE-TOKEN": token}
        )
        assert clone == answer.json()["http_url_to_repo"]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert 0 == process.returncode


def log(client: python_gitlab.Gitlab, path: str) -> Any:
    """The webhook's log; the client has no method for it."""
    return client.http_list(path, get_all=True)
