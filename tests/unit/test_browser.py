"""The browser of the tests is the machine's, or unpacked; where neither can be, it says so."""

from pathlib import Path

import pytest

from sandbox.browser import Browser, BrowserError, provide
from sandbox.toolchain.cache import Cache


def _program(path: Path, script: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_the_machines_own_is_taken(tmp_path: Path) -> None:
    """One that starts; what only says how to install it is passed over."""
    _program(tmp_path / "bin/chromium", "echo 'install it by snap' >&2; exit 1")
    found = _program(tmp_path / "bin/google-chrome", "echo Google Chrome 150.0.7871.100")

    assert Browser(found, {}, "found on PATH", "150.0.7871.100") == provide(
        path=str(tmp_path / "bin")
    )


def test_without_apt_it_says_what_would_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not every machine is Debian's."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BrowserError) as error:
        provide(cache=Cache(tmp_path), path=str(tmp_path))

    assert "no Chromium on PATH, and no apt-get to get one; install Chromium" == str(error.value)


def test_what_apt_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing half unpacked is left where the browser would be."""
    _program(tmp_path / "bin/apt-get", "echo 'E: no network' >&2; exit 100")
    _program(tmp_path / "bin/dpkg-deb", "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    with pytest.raises(BrowserError) as error:
        provide(cache=Cache(tmp_path), path=str(tmp_path))

    assert "no Chromium on PATH, and apt-get gets none: E: no network" == str(error.value)
    assert not (tmp_path / "chromium").exists()
