"""A repository at a forge, as its owner works with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sandbox.forges.git import Checkout


class Repository:
    """A repository with a working copy, which pushes over HTTP as yours would.

    `name` is what the forge knows it by, `path` the bare repository, `checkout` where the working
    copy is made.
    """

    def __init__(
        self, name: str, *, path: Path, clone_url: str, checkout: Path, token: str
    ) -> None:
        self.name = name
        self.path = path
        self.clone_url = clone_url
        self._checkout = Checkout(checkout, served=path, clone_url=clone_url, token=token)

    def __repr__(self) -> str:
        return f"Repository({self.clone_url!r})"

    def commit(self, files: Mapping[str, str | None], *, message: str, branch: str = "main") -> str:
        """Commit the files (a path and its text; None deletes it) and push; return the commit's id.

        When this returns, the deliveries are queued. A new branch starts at `main`.
        """
        return self._checkout.commit(files, message=message, branch=branch)

    def tag(self, name: str, *, revision: str = "origin/main", message: str | None = None) -> None:
        """Push a tag, annotated when there is a message."""
        self._checkout.tag(name, revision=revision, message=message)

    def delete(self, *refs: str) -> None:
        """Delete branches or tags by a push: full names, such as `refs/heads/topic`."""
        self._checkout.push(*(f":{ref}" for ref in refs), force=False)

    def push(self, *refspecs: str, force: bool = False) -> None:
        """Push any refspecs from the working copy, in one push."""
        self._checkout.push(*refspecs, force=force)
