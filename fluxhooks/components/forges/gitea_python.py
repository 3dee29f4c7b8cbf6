"""Whether the engine will find the Python that is to run the code of Gitea's webhook.

Source: ``pulumi-resource-pulumi-python`` of Pulumi's SDK. It takes a relative ``virtualenv`` of
Pulumi.yaml from the program's folder, and what starts the program takes it from Pulumi.yaml's.
"""

import functools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import yaml

from fluxhooks.errors import ArgumentError

_FILES: Final = ("Pulumi.yaml", "Pulumi.yml")


def check_python(directory: Path) -> None:
    """Check it before anything is registered: the engine tells of it in the middle, and at length.

    Args:
        directory: the program's folder.

    Raises:
        ArgumentError: there is no such environment, or one without fluxhooks.
    """
    virtualenv = _virtualenv(directory)
    if not virtualenv:
        # Then program and webhook are run by the same python3.
        return
    expected = directory / virtualenv
    if expected.resolve() == Path(sys.prefix).resolve():
        return
    python = expected / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.is_file():
        what = "there is none"
    elif not _has_fluxhooks(python, directory):
        what = "that one has no fluxhooks"
    else:
        return
    raise ArgumentError(
        "gitea",
        "is made by a dynamic resource, for which Pulumi takes the virtual environment of "
        f"Pulumi.yaml from the program's folder, as {expected}, and {what}; give "
        f"runtime.options.virtualenv the whole path {sys.prefix}, or link to it: "
        f"ln -s {sys.prefix} {expected}",
    )


@functools.cache
def _has_fluxhooks(python: Path, directory: Path) -> bool:
    # Once for all webhooks of a program: it takes a second.
    done = subprocess.run(
        [python, "-c", "import fluxhooks"], cwd=directory, capture_output=True, check=False
    )
    return done.returncode == 0


def _virtualenv(directory: Path) -> str:
    """Return what Pulumi.yaml says the environment is; nothing where there is none to look for."""
    for folder in (directory, *directory.parents):
        for file in (folder / name for name in _FILES):
            if file.is_file():
                return _said(yaml.safe_load(file.read_text()))
    return ""


def _said(project: Any) -> str:
    runtime = project.get("runtime") if isinstance(project, dict) else None
    if not isinstance(runtime, dict) or runtime.get("name") != "python":
        return ""
    options = runtime.get("options") or {}
    default = ".venv" if options.get("toolchain") == "uv" else ""
    return str(options.get("virtualenv") or default)
