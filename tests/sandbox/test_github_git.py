"""Repositories of the GitHub stand-in: real `git` against them, and what a push tells webhooks."""

import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.forges.git import ZERO, GitError, environment
from sandbox.forges.github import GitHub, Repository
from tests.sandbox.published import unpublished_in_event
from tests.sandbox.receiver import Receiver

AUTHOR = {
    "GIT_AUTHOR_NAME": "Ann Author",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Carl Committer",
    "GIT_COMMITTER_EMAIL": "carl@example.com",
}


@pytest.fixture
def hook(api: httpx.Client, hooks_path: str, receiver: Receiver, github: GitHub) -> Any:
    """A webhook for everything a push sets off; its ping is forgotten."""
    created = api.post(
        hooks_path,
        json={
            "events": ["push", "create", "delete"],
            "config": {"url": receiver.url(), "content_type": "json", "secret": "not-told"},
        },
    ).json()
    github.wait_idle()
    receiver.received.clear()
    return created


def git(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments],
        cwd=cwd,
        env=environment() | AUTHOR,
        capture_output=True,
        text=True,
        check=False,
    )


def told(github: GitHub, receiver: Receiver, event: str) -> list[Any]:
    """The payloads of an event so far, each checked against its published shape."""
    github.wait_idle()
    payloads = [
        json.loads(received.body)
        for received in receiver.received
        if received.headers["X-GitHub-Event"] == event
    ]
    for payload in payloads:
        assert [] == unpublished_in_event(event, payload)
    return payloads


def test_anyone_clones(repository: Repository, tmp_path: Path) -> None:
    """The first commit is there, on `main`, without a token; with and without `.git`."""
    for number, url in enumerate((repository.clone_url, repository.clone_url[: -len(".git")])):
        done = git("clone", "--quiet", url, str(number), cwd=tmp_path)

        assert 0 == done.returncode, done.stderr
        assert f"# {repository.name}\n" == (tmp_path / str(number) / "README.md").read_text()


def test_a_token_pushes_and_the_hook_hears_of_it(
    github: GitHub, repository: Repository, receiver: Receiver, hook: Any, tmp_path: Path
) -> None:
    """Somebody else's `git push`, with the token as password."""
    git("clone", "--quiet", repository.clone_url, "clone", cwd=tmp_path)
    clone = tmp_path / "clone"
    (clone / "file.txt").write_text("one\n")
    git("add", ".", cwd=clone)
    git("commit", "--quiet", "--message=Add a file\n\nWith a body.", cwd=clone)
    url = repository.clone_url.replace("://", f"://ann:{github.token}@")

    pushed = git("push", "--quiet", url, "HEAD:main", cwd=clone)

    assert 0 == pushed.returncode, pushed.stderr
    head = git("rev-parse", "HEAD", cwd=clone).stdout.strip()
    (payload,) = told(github, receiver, "push")
    (commit,) = payload["commits"]
    assert ("refs/heads/main", head) == (payload["ref"], payload["after"])
    assert (head, ["file.txt"], [], []) == tuple(
        commit[key] for key in ("id", "added", "removed", "modified")
    )
    assert "Add a file\n\nWith a body." == commit["message"]
    assert ("Ann Author", "carl@example.com") == (
        commit["author"]["name"],
        commit["committer"]["email"],
    )
    assert commit == payload["head_commit"]


@pytest.mark.parametrize("credentials", ["", "ann:wrong@"])
def test_a_push_without_the_token_is_refused(
    github: GitHub,
    repository: Repository,
    receiver: Receiver,
    hook: Any,
    tmp_path: Path,
    credentials: str,
) -> None:
    """401, nothing changes, nobody is told."""
    git("clone", "--quiet", repository.clone_url, "clone", cwd=tmp_path)
    clone = tmp_path / "clone"
    git("commit", "--quiet", "--allow-empty", "--message=Not wanted", cwd=clone)
    before = git("rev-parse", "main", cwd=repository.path).stdout

    url = repository.clone_url.replace("://", f"://{credentials}")
    pushed = git("push", url, "HEAD:main", cwd=clone)

    assert 0 != pushed.returncode
    assert before == git("rev-parse", "main", cwd=repository.path).stdout
    assert [] == told(github, receiver, "push")


def test_commits_of_one_push_come_oldest_first(
    github: GitHub, repository: Repository, receiver: Receiver, hook: Any, tmp_path: Path
) -> None:
    """One delivery for all of them; the newest is the head commit."""
    git("clone", "--quiet", repository.clone_url, "clone", cwd=tmp_path)
    clone = tmp_path / "clone"
    for number in range(3):
        git("commit", "--quiet", "--allow-empty", f"--message=Commit {number}", cwd=clone)
    url = repository.clone_url.replace("://", f"://ann:{github.token}@")

    git("push", "--quiet", url, "HEAD:main", cwd=clone)

    (payload,) = told(github, receiver, "push")
    assert ["Commit 0", "Commit 1", "Commit 2"] == [c["message"] for c in payload["commits"]]
    assert payload["commits"][-1] == payload["head_commit"]


def test_deliveries_are_queued_when_a_push_returns(
    github: GitHub, repository: Repository, receiver: Receiver, hook: Any
) -> None:
    """So that `wait_idle` after a commit waits for its deliveries."""
    shas = [repository.commit({"n": str(n)}, message=f"Commit {n}") for n in range(3)]

    payloads = told(github, receiver, "push")
    assert shas == sorted((p["after"] for p in payloads), key=shas.index)
    assert 3 == len(payloads)


def test_a_commit_says_what_it_added_changed_and_removed(
    github: GitHub, repository: Repository, receiver: Receiver, hook: Any
) -> None:
    """The paths, from the repository itself; `before` and `after` join up."""
    first = repository.commit({"deploy/a.yaml": "1", "b": "1"}, message="Add two")
    second = repository.commit({"deploy/a.yaml": "2", "b": None, "ü c": "1"}, message="All three")

    one, two = sorted(told(github, receiver, "push"), key=lambda p: p["after"] == second)
    assert (first, first, second) == (one["after"], two["before"], two["after"])
    assert {"added": ["ü c"], "modified": ["deploy/a.yaml"], "removed": ["b"]} == {
        key: two["commits"][0][key] for key in ("added", "modified", "removed")
    }
    assert f"{first[:12]}...{second[:12]}" == two["compare"].rsplit("/", 1)[1]
    assert (False, False, False) == (two["created"], two["deleted"], two["forced"])


def test_a_new_branch_is_a_push_and_a_create(
    github: GitHub, repository: Repository, receiver: Receiver, hook: Any
) -> None:
    """`before` is all zeros, the commits are those that `main` does not have."""
    tip = git("rev-parse", "main", cwd=repository.path).stdout.strip()
    sha = repository.commit({"t": "1"}, message="On a branch", branch="topic/one")

    (push,) = told(github, receiver, "push")
    assert ("refs/heads/topic/one", ZERO, sha) == (push["ref"], push["before"], push["after"])
    assert (True, None) == (push["created"], push["base_ref"])
    assert [sha] == [commit["id"] for commit in push["commits"]]
    (create,) = told(github, receiver, "create")
    assert ("topic/one", "branch", "main") == (
        create["ref"],
        create["ref_type"],
        create["master_branch"],
    )
    assert f"{tip}\n" == git("rev-parse", f"{sha}~1", cwd=repository.path).stdout


@pytest.mark.parametrize("message", [None, "A release"], ids=["light", "annotated"])
def test_a_tag_is_a_push_and_a_create(
    github: GitHub, repository: Repository, receiver: Receiver, hook: Any, message: str | None
) -> None:
    """Without commits, but with the one it names; an annotated tag is named by its own id."""
    tip = git("rev-parse", "main", cwd=repository.path).stdout.strip()

    repository.tag("v1", message=message)

    (push,) = told(github, receiver, "push")
    assert ("refs/tags/v1", [], tip) == (push["ref"], push["commits"], push["head_commit"]["id"])
    assert "refs/heads/main" == push["base_ref"]
    assert (push["after"] == tip) is (message is None)
    (create,) = told(github, receiver, "create")
    assert ("v1", "tag") == (create["ref"], create["ref_type"])


def test_a_deletion_is_a_push_and_a_delete(
    github: GitHub, repository: Repository, receiver: Receiver, hook: Any
) -> None:
    """`after` is all zeros and there is no head commit."""
    sha = repository.commit({"t": "1"}, message="On a branch", branch="topic")
    github.wait_idle()
    receiver.received.clear()

    repository.delete("refs/heads/topic")

    (push,) = told(github, receiver, "push")
    assert (sha, ZERO, True, None, []) == tuple(
        push[key] for key in ("before", "after", "deleted", "head_commit", "commits")
    )
    (delete,) = told(github, receiver, "delete")
    assert ("topic", "branch") == (delete["ref"], delete["ref_type"])


def test_a_rewritten_branch_is_forced(
    github: GitHub, repository: Repository, receiver: Receiver, hook: Any
) -> None:
    """`forced` says that `before` is not among the ancestors."""
    repository.commit({"a": "1"}, message="To be rewritten")
    github.wait_idle()
    receiver.received.clear()

    repository.push("origin/main~1:refs/heads/main", force=True)

    (push,) = told(github, receiver, "push")
    assert (True, []) == (push["forced"], push["commits"])


def test_more_than_three_tags_in_one_push_tell_nobody(
    github: GitHub, repository: Repository, receiver: Receiver, hook: Any
) -> None:
    """GitHub's cap; a branch in the same push is told of all the same."""
    for count in (4, 3):
        refspecs = [f"origin/main:refs/tags/v{count}.{n}" for n in range(count)]
        repository.push(*refspecs, f"origin/main:refs/heads/with-{count}")

    refs = sorted(push["ref"] for push in told(github, receiver, "push"))
    assert [
        "refs/heads/with-3",
        "refs/heads/with-4",
        "refs/tags/v3.0",
        "refs/tags/v3.1",
        "refs/tags/v3.2",
    ] == refs
    assert len(refs) == len(told(github, receiver, "create"))


def test_a_refused_ref_is_not_told_of(
    github: GitHub, repository: Repository, receiver: Receiver, hook: Any, tmp_path: Path
) -> None:
    """Only what Git took: one ref of a push that is not a fast-forward, another that is new."""
    git("clone", "--quiet", repository.clone_url, "clone", cwd=tmp_path)
    clone = tmp_path / "clone"
    repository.commit({"a": "1"}, message="Ahead of the clone")
    github.wait_idle()
    receiver.received.clear()
    git("commit", "--quiet", "--allow-empty", "--message=Behind", cwd=clone)
    url = repository.clone_url.replace("://", f"://ann:{github.token}@")

    pushed = git("push", url, "HEAD:main", "HEAD:refs/heads/other", cwd=clone)

    assert 0 != pushed.returncode
    assert ["refs/heads/other"] == [push["ref"] for push in told(github, receiver, "push")]


def test_a_synthetic_push_says_what_the_newest_real_one_said(
    github: GitHub, repository: Repository, receiver: Receiver, hook: Any
) -> None:
    """Load cannot be told from a push, also after the next commit."""
    for number in range(2):
        repository.commit({"a": str(number)}, message=f"Commit {number}")
        github.wait_idle()
        receiver.received.clear()
        (delivery,) = [d for d in github.deliveries(repository.name) if d.event == "push"][-1:]

        github.send(repository.name)

        (payload,) = told(github, receiver, "push")
        assert delivery.payload == payload


def test_the_working_copy_follows_what_others_push(
    github: GitHub, repository: Repository, tmp_path: Path
) -> None:
    """A commit starts from the tip, whoever made it."""
    repository.commit({"a": "1"}, message="Ours")
    git("clone", "--quiet", repository.clone_url, "clone", cwd=tmp_path)
    clone = tmp_path / "clone"
    git("commit", "--quiet", "--allow-empty", "--message=Theirs", cwd=clone)
    url = repository.clone_url.replace("://", f"://ann:{github.token}@")
    assert 0 == git("push", url, "HEAD:main", cwd=clone).returncode

    repository.commit({"a": "2"}, message="Ours again")

    log = git("log", "--format=%s", "main", cwd=repository.path).stdout
    assert ["Ours again", "Theirs", "Ours", "Initial commit"] == log.splitlines()


def test_a_wrong_token_does_not_read_either(repository: Repository, api: httpx.Client) -> None:
    """Bad credentials are refused where none would do."""
    url = f"{repository.clone_url}/info/refs?service=git-upload-pack"

    answer = api.get(url, auth=("ann", "wrong"))

    assert (401, 'Basic realm="GitHub"') == (
        answer.status_code,
        answer.headers["WWW-Authenticate"],
    )


def test_a_compressed_request_in_the_second_protocol_is_understood(
    repository: Repository, api: httpx.Client
) -> None:
    """What `git` sends when it wants much: gzip, and the version in a header."""
    answer = api.post(
        f"{repository.clone_url}/git-upload-pack",
        content=gzip.compress(b"0014command=ls-refs\n00010000"),
        headers={
            "Content-Type": "application/x-git-upload-pack-request",
            "Content-Encoding": "gzip",
            "Git-Protocol": "version=2",
        },
    )

    assert 200 == answer.status_code
    assert b" refs/heads/main\n" in answer.content


def test_a_failing_push_says_why_and_not_with_what(github: GitHub, repository: Repository) -> None:
    """Git's own words, without the token."""
    with pytest.raises(GitError) as failure:
        repository.push("refs/heads/absent:refs/heads/absent")

    assert "absent" in str(failure.value)
    assert github.token not in str(failure.value)


@pytest.mark.parametrize(
    "path",
    [
        "/info/refs",
        "/info/refs?service=git-shell",
        "/HEAD",
        "/objects/info/packs",
        "/../../checkouts",
    ],
)
def test_only_the_smart_protocol_is_served(
    repository: Repository, github: GitHub, path: str
) -> None:
    """No file of a repository, nor one beside it, by its path."""
    assert 404 == httpx.get(f"{repository.clone_url}{path}").status_code


@pytest.mark.parametrize("name", ["", "a b", "../up", ".hidden", "a/b"])
def test_a_repository_with_an_impossible_name_is_refused(github: GitHub, name: str) -> None:
    """The message names the argument, the value and what is allowed."""
    with pytest.raises(ValueError, match="is not allowed, use letters, digits") as refusal:
        github.create_repository(name)

    assert f"name {name!r}" in str(refusal.value)


def test_a_repository_name_is_taken_once(github: GitHub, repository: Repository) -> None:
    """And an unknown one is an error that names the cure."""
    with pytest.raises(ValueError, match="exists already, choose another name"):
        github.create_repository(repository.name)
    with pytest.raises(KeyError, match="make it with create_repository"):
        github.hooks("absent")
