"""A Chromium to look at pages with: the machine's own, else Debian's package in the cache.

Where apt is at hand the package is downloaded and unpacked into the cache with what it needs and
the machine lacks: without root, and without installing anything.
"""

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock

from sandbox.toolchain.cache import Cache

NAMES: Final = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
_PACKAGES: Final = ("chromium-headless-shell", "fonts-dejavu-core")
_PROGRAM: Final = "usr/lib/chromium/chromium-headless-shell"
_FONTS: Final = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{fonts}</dir>
</fontconfig>
"""


class BrowserError(Exception):
    """No browser can be had; says why, and what would help."""


@dataclass(frozen=True)
class Browser:
    """A browser that starts.

    Attributes:
        environment: what it needs beside the caller's.
        origin: where it is from, as in "found on PATH".
    """

    path: Path
    environment: Mapping[str, str]
    origin: str
    version: str

    def __str__(self) -> str:
        return f"Chromium {self.version}, {self.origin}: {self.path}"


def provide(*, cache: Cache | None = None, path: str | None = None) -> Browser:
    """Return a browser, unpacked into the cache where the machine has none.

    Args:
        path: what to search instead of ``$PATH``.

    Raises:
        BrowserError: there is none, and none can be unpacked here.
    """
    for name in NAMES:
        if (found := shutil.which(name, path=path)) and (version := _version(Path(found), {})):
            return Browser(Path(found), {}, "found on PATH", version)
    return _unpacked(cache or Cache())


def _version(program: Path, environment: Mapping[str, str]) -> str:
    try:
        answer = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, **environment},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    # A stub that only says how to install the browser ends with an error.
    words = answer.stdout.split() if answer.returncode == 0 else []
    return next((word for word in words if word[:1].isdigit()), "")


def _unpacked(cache: Cache) -> Browser:
    folder = cache.root / "chromium" / f"{_release()}-{platform.machine()}"
    with FileLock(cache.lock("chromium")):
        if not (folder / _PROGRAM).exists():
            _unpack(folder, cache)
    environment = _environment(folder)
    version = _version(folder / _PROGRAM, environment)
    if not version:
        raise BrowserError(f"the Chromium unpacked in {folder} does not start; install Chromium")
    return Browser(folder / _PROGRAM, environment, "unpacked from Debian's package", version)


def _release() -> str:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return platform.system()
    return f"{release.get('ID', '')}-{release.get('VERSION_ID', 'testing')}"


def _unpack(folder: Path, cache: Cache) -> None:
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise BrowserError(f"no Chromium on PATH, and no {tool} to get one; install Chromium")
    workshop = cache.workshop("chromium")
    for place in ("lists/partial", "archives/partial", "root"):
        (workshop / place).mkdir(parents=True)
    options = {
        "Dir::State::lists": workshop / "lists",
        "Dir::Cache": workshop,
        "Dir::Cache::archives": workshop / "archives",
        # Neither the machine's locks nor the right to become another user is needed.
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": "",
        "APT::Update::Post-Invoke": "",
    }
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    _run([*apt, "update"])
    _run([*apt, "install", "--yes", "--no-install-recommends", "--download-only", *_PACKAGES])
    for package in sorted((workshop / "archives").glob("*.deb")):
        _run(["dpkg-deb", "--extract", str(package), str(workshop / "root")])
    if not (workshop / "root" / _PROGRAM).exists():
        raise BrowserError(f"{_PACKAGES[0]} holds no {_PROGRAM}; install Chromium")
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    (workshop / "root").replace(folder)
    shutil.rmtree(workshop)


def _run(command: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    answer = subprocess.run(command, capture_output=True, text=True, env=environment)
    if answer.returncode:
        said = " ".join((answer.stderr or answer.stdout).split())[-300:]
        raise BrowserError(f"no Chromium on PATH, and {command[0]} gets none: {said}")


def _environment(folder: Path) -> dict[str, str]:
    libraries = sorted({str(path.parent) for path in folder.rglob("*.so*") if path.is_file()})
    fonts = folder / "fonts.conf"
    fonts.write_text(_FONTS.format(fonts=folder / "usr/share/fonts"))
    return {"LD_LIBRARY_PATH": ":".join(libraries), "FONTCONFIG_FILE": str(fonts)}
