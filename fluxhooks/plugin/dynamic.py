"""The Python in which the engine runs dynamic resources: one that must have fluxhooks, too."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from fluxhooks.errors import ArgumentError


def check_python(argument: str) -> None:
    """Check that what the engine will start is the Python that runs this.

    It starts ``python3`` of PATH, whatever this plugin was started by: Pulumi's
    ``pulumi-resource-pulumi-python``.

    Args:
        argument: that which needs a dynamic resource, for the error.

    Raises:
        ArgumentError: it is another one, or there is none.
    """
    command = os.environ.get("PULUMI_PYTHON_CMD") or "python3"
    found = shutil.which(command)
    if found is None or _prefix(found) != sys.prefix:
        raise ArgumentError(
            argument,
            f"is made by a dynamic resource, for which Pulumi starts {command} of PATH: "
            f"{f'{found} is not the one' if found else 'there is none'} that fluxhooks is "
            f"installed for; put "
            f"{Path(sys.prefix) / 'bin'} first on PATH, or remove {argument}, give the type "
            "github, and tell the sender hook_url and token by hand",
        )


def _prefix(python: str) -> str:
    told = [python, "-c", "import sys; print(sys.prefix)"]
    answer = subprocess.run(told, capture_output=True, text=True, check=False)
    return answer.stdout.strip()
