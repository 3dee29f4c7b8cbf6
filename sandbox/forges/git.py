"""The Git side: real bare repositories behind `git http-backend`, and a checkout that pushes."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.forges.authorization import basic

ZERO = "0" * 40
SERVICES = ("git-upload-pack", "git-receive-pack")

# The server names the files for one request; a push by path, past the server, tells nobody.
_POST_RECEIVE = """#!/bin/sh
[ -n "$PUSHED_REFS" ] || exec cat > /dev/null
cat > "$PUSHED_REFS"
count=0
while [ "$count" -lt "${GIT_PUSH_OPTION_COUNT:-0}" ]; do
    eval "printf '%s\\n' \\"\\$GIT_PUSH_OPTION_$count\\""
    count=$((count + 1))
done > "$PUSHED_OPTIONS"
"""

# Without it a client that has options refuses to push.
_PUSH_OPTIONS = """[receive]
	advertisePushOptions = true
"""

# Housekeeping in the background would outlive the server and lock files of the next push.
_NO_HOUSEKEEPING = """[receive]
	autogc = false
[maintenance]
	auto = false
[gc]
	auto = 0
"""

_FIRST_COMMIT = """commit refs/heads/main
committer Octo Cat <octocat@example.com> now
data 14
Initial commit
M 100644 inline README.md
data {}
{}
"""


@dataclass(frozen=True)
class RefUpdate:
    """One ref that a push created, moved or deleted; `before` or `after` may be all zeros."""

    ref: str
    before: str
    after: str

    @property
    def created(self) -> bool:
        return self.before == ZERO

    @property
    def deleted(self) -> bool:
        return self.after == ZERO

    @property
    def is_tag(self) -> bool:
        return self.ref.startswith("refs/tags/")

    @property
    def short_name(self) -> str:
        return self.ref.split("/", 2)[2]


@dataclass(frozen=True)
class Person:
    name: str
    email: str
    date: str


@dataclass(frozen=True)
class Commit:
    """A commit and the paths it touched, for a push payload. Dates are ISO 8601."""

    id: str
    tree: str
    author: Person
    committer: Person
    message: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    modified: tuple[str, ...]

    @property
    def title(self) -> str:
        return self.message.partition("\n")[0]


class GitError(RuntimeError):
    """A `git` command failed; the message holds what it printed."""


def git(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, text: str | None = None
) -> str:
    """Run `git` without the user's or the machine's configuration and return what it printed.

    `text` is what it reads. Raises `GitError` when it fails.
    """
    done = subprocess.run(
        ("git", *arguments),
        cwd=cwd,
        env={**environment(), **(env or {})},
        input=text,
        stdin=subprocess.DEVNULL if text is None else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise GitError(f"git {arguments[0]} failed ({done.returncode}): {done.stderr.strip()}")
    return done.stdout


def environment() -> dict[str, str]:
    kept = {key: os.environ[key] for key in ("PATH", "TMPDIR") if key in os.environ}
    return kept | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
    }


def init_bare(path: Path, *, push_options: bool = False) -> None:
    """Make a repository that can be served and pushed to, with a first commit on `main`.

    `push_options` says whether it takes the options of `git push -o`.
    """
    path.mkdir(parents=True)
    git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", ".", cwd=path)
    with (path / "config").open("a") as config:
        config.write(_NO_HOUSEKEEPING + (_PUSH_OPTIONS if push_options else ""))
    hook = path / "hooks" / "post-receive"
    hook.parent.mkdir()
    hook.write_text(_POST_RECEIVE)
    hook.chmod(0o755)
    readme = f"# {path.stem}\n"
    git(
        "fast-import",
        "--quiet",
        "--date-format=now",
        cwd=path,
        text=_FIRST_COMMIT.format(len(readme), readme),
    )


def parse_updates(lines: str) -> list[RefUpdate]:
    """The `old new ref` lines that `git` gives a post-receive hook."""
    updates = []
    for line in lines.splitlines():
        before, after, ref = line.split(" ", 2)
        updates.append(RefUpdate(ref, before, after))
    return updates


def resolve(path: Path, revision: str) -> str | None:
    """The commit behind a revision, None when there is none."""
    try:
        return git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", cwd=path).strip()
    except GitError:
        return None


def branches(path: Path) -> list[str]:
    """The names of all branches, sorted."""
    return git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads", cwd=path).split()


def branches_with(path: Path, commit: str) -> list[str]:
    """The names of the branches that a commit is on, sorted."""
    flags = ("--format=%(refname:lstrip=2)", f"--contains={commit}")
    return git("for-each-ref", *flags, "refs/heads", cwd=path).split()


def is_ancestor(path: Path, older: str, newer: str) -> bool:
    try:
        git("merge-base", "--is-ancestor", older, newer, cwd=path)
    except GitError:
        return False
    return True


def commits(path: Path, *revisions: str, limit: int) -> list[Commit]:
    """The newest `limit` commits of a range, oldest first."""
    text = git(
        "log",
        "--no-renames",
        "--name-status",
        "-z",
        f"--max-count={limit}",
        "--format=%x1e%H%x1f%T%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B%x1f",
        *revisions,
        "--",
        cwd=path,
    )
    return [_commit(record) for record in reversed(text.split("\x1e")[1:])]


def newest_step(path: Path, branch: str) -> RefUpdate | None:
    """The last step of a branch, None when it has no commit."""
    ref = f"refs/heads/{branch}"
    after = resolve(path, ref)
    if after is None:
        return None
    return RefUpdate(ref, resolve(path, f"{after}~1") or ZERO, after)


def pushed_range(path: Path, update: RefUpdate, *, default_branch: str) -> tuple[str, ...]:
    """The commits a push added, as revisions for `commits`; of a new branch those of its own."""
    if not update.created:
        return (f"{update.before}..{update.after}",)
    default = f"refs/heads/{default_branch}"
    if update.ref == default or resolve(path, default) is None:
        return (update.after,)
    return (update.after, "--not", default)


class Checkout:
    """A working copy that commits and pushes over HTTP, kept between calls for speed.

    `served` is the bare repository behind `clone_url`: its refs say whether a fetch is needed.
    """

    def __init__(self, directory: Path, *, served: Path, clone_url: str, token: str) -> None:
        self._directory = directory
        self._served = served
        self._clone_url = clone_url
        self._at: tuple[str, str] | None = None
        # By the environment: an argument or a URL with a token shows in the process list.
        self._env = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: {basic('oauth2', token)}",
            "GIT_AUTHOR_NAME": "Octo Cat",
            "GIT_AUTHOR_EMAIL": "octocat@example.com",
            "GIT_COMMITTER_NAME": "Octo Cat",
            "GIT_COMMITTER_EMAIL": "octocat@example.com",
        }

    def commit(self, files: Mapping[str, str | None], *, message: str, branch: str) -> str:
        """Write the files (None deletes one), commit on `branch`, push; return the commit's id.

        A branch that does not exist starts at the tip of `main`.
        """
        tip = self._tip(branch)
        if tip is None or self._at != (branch, tip):
            self._fetch()
            start = f"origin/{branch}" if tip is not None else "origin/main"
            self._git("checkout", "--quiet", "--force", "-B", branch, start)
        for name, content in files.items():
            path = self._directory / name
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
        self._git("add", "--all", "--", ".")
        self._git("commit", "--quiet", "--allow-empty", f"--message={message}")
        commit = self._git("rev-parse", "HEAD").strip()
        self._git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        self._at = (branch, commit)
        return commit

    def tag(self, name: str, *, revision: str, message: str | None) -> None:
        self._fetch()
        annotation = () if message is None else (f"--message={message}",)
        self._git("tag", "--force", *annotation, name, revision)
        self._git("push", "--quiet", "--force", "origin", f"refs/tags/{name}")

    def push(self, *refspecs: str, force: bool) -> None:
        self._fetch()
        self._git("push", "--quiet", *(("--force",) if force else ()), "origin", *refspecs)

    def _tip(self, branch: str) -> str | None:
        ref = self._served / "refs" / "heads" / branch
        return ref.read_text().strip() if ref.is_file() else None

    def _fetch(self) -> None:
        if not self._directory.exists():
            self._directory.mkdir(parents=True)
            self._git("init", "--quiet", "--initial-branch=main")
            self._git("remote", "add", "origin", self._clone_url)
        self._git("fetch", "--quiet", "--prune", "origin")

    def _git(self, *arguments: str) -> str:
        return git(*arguments, cwd=self._directory, env=self._env)


async def http_backend(variables: Mapping[str, str], body: bytes) -> bytes:
    """Run `git http-backend` as the CGI program it is, and return its output.

    In a thread: where many end at once, asyncio's own processes lose their exit codes to a race.
    """
    done = await asyncio.to_thread(
        subprocess.run,
        ["git", "http-backend"],
        env={**environment(), **variables},
        input=body,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return bytes(done.stdout)


def _commit(record: str) -> Commit:
    id_, tree, name, email, date, c_name, c_email, c_date, message, paths = record.split("\x1f")
    touched: dict[str, list[str]] = {"A": [], "D": [], "M": []}
    fields = [field for field in paths.strip("\n\0").split("\0") if field]
    for status, path in zip(fields[::2], fields[1::2], strict=True):
        touched.get(status.strip()[0], touched["M"]).append(path)
    return Commit(
        id=id_,
        tree=tree,
        author=Person(name, email, date),
        committer=Person(c_name, c_email, c_date),
        message=message.rstrip("\n"),
        added=tuple(touched["A"]),
        removed=tuple(touched["D"]),
        modified=tuple(touched["M"]),
    )
