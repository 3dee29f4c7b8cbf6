"""Puts the stand-in where an engine looks for the official plugin."""

import os
import shlex
import sys
from importlib.metadata import version
from pathlib import Path


def install(pulumi_home: Path) -> Path:
    """Install the stand-in into a `PULUMI_HOME` of the sandbox's own, and return its program.

    The version is that of the installed SDK, because the SDK asks for exactly its own. The program
    runs this interpreter and this checkout, so it need not be installed again when code changes.
    """
    release = version("pulumi-kubernetes")
    directory = pulumi_home / "plugins" / f"resource-kubernetes-v{release}"
    directory.mkdir(parents=True, exist_ok=True)
    checkout = Path(__file__).resolve().parents[3]
    program = directory / "pulumi-resource-kubernetes"
    partial = program.with_suffix(f".{os.getpid()}")
    partial.write_text(
        "#!/bin/sh\n"
        f"PYTHONPATH={shlex.quote(str(checkout))} exec {shlex.quote(sys.executable)} "
        '-P -m sandbox.plugins.kubernetes "$@"\n'
    )
    partial.chmod(0o755)
    partial.replace(program)
    return program
