"""Scripts of Pulumi's that are no programs to build, from the Go module that carries them."""

from pathlib import Path

from sandbox.toolchain import golang
from sandbox.toolchain.programs import GO, PULUMI_SDK, pinned


def policy_analyzer() -> Path:
    """Pulumi's script that starts policy packs in Python where the language host does not.

    It is the one of the pinned language host; hosts of today start packs themselves.

    Raises:
        ToolchainError: Go is missing, or cannot fetch the module.
    """
    row = pinned("pulumi-language-python")
    folder = golang.module_folder(f"{PULUMI_SDK}@v{row.version}", within=GO / row.module)
    return folder / "python/dist/pulumi-analyzer-policy-python"
