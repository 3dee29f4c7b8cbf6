"""What a push with options makes of it at the GitLab stand-in: Git sends them, and a client looks.

After GitLab's documentation of push options and of merge requests.
"""

from typing import Any

import gitlab as python_gitlab
import pytest

from sandbox.forges.git import GitError, git
from sandbox.forges.github import GitHub
from sandbox.forges.gitlab import GitLab, Repository


def push(
    forge: GitHub | GitLab,
    repository: Repository,
    *options: str,
    branch: str = "images",
    text: str = "one",
) -> None:
    """Commit on a branch of a clone, and push it with options."""
    clone = repository.path.with_name(f"{repository.path.stem}-{branch}")
    if not clone.exists():
        git("clone", "--quiet", repository.clone_url, str(clone), cwd=repository.path)
        git("checkout", "--quiet", "-B", branch, cwd=clone)
    (clone / "app.yaml").write_text(text)
    identity = ("-c", "user.name=Octo Cat", "-c", "user.email=octocat@example.com")
    git("add", "app.yaml", cwd=clone)
    git(*identity, "commit", "--quiet", "--message", f"Update to {text}\n\nBody", cwd=clone)
    flags = [f"--push-option={option}" for option in options]
    git(
        "push",
        "--quiet",
        *flags,
        repository.clone_url.replace("://", f"://oauth2:{forge.token}@"),
        branch,
        cwd=clone,
    )


def opened(gitlab: GitLab, project: Repository) -> list[dict[str, Any]]:
    """The open merge requests, as GitLab's client for Python sees them, oldest first."""
    client = python_gitlab.Gitlab(gitlab.base_url, private_token=gitlab.token)
    found = client.projects.get(project.name).mergerequests.list(state="opened", get_all=True)
    wanted = (
        "iid",
        "title",
        "description",
        "source_branch",
        "target_branch",
        "labels",
        "draft",
        "merge_when_pipeline_succeeds",
        "force_remove_source_branch",
    )
    return [{key: getattr(one, key) for key in wanted} for one in found[::-1]]


def test_a_push_without_options_opens_nothing(gitlab: GitLab, project: Repository) -> None:
    """And one with options for others neither."""
    push(gitlab, project)
    push(gitlab, project, "ci.skip", "unknown", text="two")

    assert [] == opened(gitlab, project)
    assert [(), ("ci.skip", "unknown")] == gitlab.push_options(project.name)


def test_a_push_that_asks_for_it_opens_a_merge_request(gitlab: GitLab, project: Repository) -> None:
    """To the default branch, with the commit's first line for a title; Flux sends the "="."""
    push(gitlab, project, "merge_request.create=")

    assert [
        {
            "iid": 1,
            "title": "Update to one",
            "description": "",
            "source_branch": "images",
            "target_branch": "main",
            "labels": [],
            "draft": False,
            "merge_when_pipeline_succeeds": False,
            "force_remove_source_branch": False,
        }
    ] == opened(gitlab, project)


def test_options_say_what_it_is(gitlab: GitLab, project: Repository) -> None:
    """Target, title, description with line breaks, labels, and the flags."""
    project.push("origin/main:refs/heads/release")

    push(
        gitlab,
        project,
        "merge_request.create",
        "merge_request.target=release",
        "merge_request.title=New image",
        r"merge_request.description=One\nTwo",
        "merge_request.label=flux",
        "mr.label=images",
        "merge_request.remove_source_branch",
        "merge_request.merge_when_pipeline_succeeds",
        "merge_request.draft",
    )

    assert [
        {
            "iid": 1,
            "title": "Draft: New image",
            "description": "One\nTwo",
            "source_branch": "images",
            "target_branch": "release",
            "labels": ["flux", "images"],
            "draft": True,
            "merge_when_pipeline_succeeds": True,
            "force_remove_source_branch": True,
        }
    ] == opened(gitlab, project)


def test_the_next_push_of_the_branch_changes_the_one_that_is_open(
    gitlab: GitLab, project: Repository
) -> None:
    """There is never a second for the same branch."""
    push(gitlab, project, "merge_request.create")
    push(gitlab, project, "merge_request.create", "merge_request.title=Newer", text="two")

    (found,) = gitlab.merge_requests(project.name)
    tip = git("rev-parse", "refs/heads/images", cwd=project.path).strip()
    assert ("Newer", tip) == (found.title, found.sha)


@pytest.mark.parametrize(
    ("option", "warning"),
    [
        pytest.param(
            "merge_request.target=main",
            "A merge_request.create push option is required to create a merge request for branch "
            "images",
            id="without create",
        ),
        pytest.param(
            "merge_request.target=nowhere",
            "Target branch {project}:nowhere does not exist",
            id="to a branch that is not there",
        ),
    ],
)
def test_what_cannot_be_is_a_warning_and_the_push_stands(
    gitlab: GitLab, project: Repository, option: str, warning: str
) -> None:
    """GitLab prints it to whoever pushed."""
    push(gitlab, project, option)

    assert [] == opened(gitlab, project)
    assert [warning.format(project=project.name)] == gitlab.warnings(project.name)
    assert git("rev-parse", "refs/heads/images", cwd=project.path)


def test_a_push_to_the_default_branch_opens_nothing(gitlab: GitLab, project: Repository) -> None:
    """There is nothing to merge it into."""
    push(gitlab, project, "merge_request.create", branch="main")

    assert [] == opened(gitlab, project)


def test_the_github_stand_in_takes_no_options(github: GitHub) -> None:
    """Nothing there is known to do anything with them; a client that has some is told."""
    repository = github.create_repository("without-options")

    with pytest.raises(GitError) as error:
        push(github, repository, "merge_request.create")

    assert "the receiving end does not support push options" in str(error.value)
