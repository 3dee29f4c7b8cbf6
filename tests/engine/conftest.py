"""What several stories at the real engine share."""

import pytest

from sandbox.forges.gitea import Gitea
from sandbox.sandbox import Sandbox
from sandbox.toolchain import ToolchainError


@pytest.fixture(scope="module")
def gitea(sandbox: Sandbox, ran: set[str]) -> Gitea:
    """A real Gitea in the sandbox; where there is no C compiler, and so none, the run says so."""
    try:
        return sandbox.gitea
    except ToolchainError as error:
        ran.add(f"not run: a real Gitea: {error}")
        pytest.skip(str(error))
