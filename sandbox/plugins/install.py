"""Puts a stand-in where an engine looks for the official plugin."""

import os
import shlex
import sys
from importlib.metadata import version
from pathlib import Path


def install(pulumi_home: Path, plugin: str) -> Path:
    """Install the stand-in for `plugin` into a sandbox's `PULUMI_HOME`, and return its program.

    The version is that of the installed SDK, because the SDK asks for exactly its own. The program
    runs this interpreter and this checkout, so it need not be installed again when code changes.
    """
    release = version(f"pulumi-{plugin}")
    directory = pulumi_home / "plugins" / f"resource-{plugin}-v{release}"
    directory.mkdir(parents=True, exist_ok=True)
    checkout = Path(__file__).resolve().parents[2]
    program = directory / f"pulumi-resource-{plugin}"
    partial = program.with_suffix(f".{os.getpid()}")
    partial.write_text(
        "#!/bin/sh\n"
        f"PYTHONPATH={shlex.quote(str(checkout))} exec {shlex.quote(sys.executable)} "
        f'-P -m sandbox.plugins.{plugin} "$@"\n'
    )
    partial.chmod(0o755)
    partial.replace(program)
    return program
