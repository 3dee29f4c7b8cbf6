"""What must not be read anywhere, and everything that could be read: a scan for leaked secrets."""

import base64
from collections.abc import Iterable, Mapping
from pathlib import Path


class Leaks:
    """Collects a test's secrets and what was printed or written, and compares the two."""

    def __init__(self) -> None:
        self._secrets: dict[str, str] = {}
        self._texts: list[tuple[str, str]] = []
        self._looks = True

    @property
    def kinds(self) -> set[str]:
        """What kinds of secrets are known: a scan that knows none proves nothing."""
        return set(self._secrets.values())

    def know_token(self, token: str) -> None:
        """Look for a token, as it is and as a Secret's data holds it."""
        self._secrets[token] = "a token"
        self._secrets[base64.b64encode(token.encode()).decode()] = "a token in base64"

    def know_path(self, path: str) -> None:
        """Look for a hook path, and with it for its URL."""
        self._secrets[path.removeprefix("/hook/")] = "a hook path"

    def read(self, where: str, text: str) -> None:
        """Look through `text`, which stands for `where`."""
        self._texts.append((where, text))

    def read_files(self, directory: Path) -> None:
        """Look through every file below `directory`."""
        for path in sorted(directory.rglob("*")):
            if path.is_file():
                self.read(str(path.relative_to(directory)), path.read_text(errors="replace"))

    def forget(self) -> None:
        """Look for nothing from now on, where a leak is the point of a test."""
        self._looks = False

    def found(self) -> list[str]:
        """Return where something leaked, without saying what."""
        return list(_found(self._secrets, self._texts)) if self._looks else []


def _found(secrets: Mapping[str, str], texts: Iterable[tuple[str, str]]) -> Iterable[str]:
    for where, text in texts:
        for secret, kind in secrets.items():
            if secret in text:
                yield f"{where} holds {kind}"
