"""A commit's status at both forges, through `pulumi up` and the real notification-controller.

The forges are stand-ins that refuse what the published contracts refuse. A mock would set any
status on any commit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.forges.repository import Repository
from sandbox.sandbox import Sandbox
from tests.cluster.test_alerts import Room
from tests.sandbox.receiver import Receiver, eventually

_NOWHERE = "0123456789" * 4


@dataclass(frozen=True, kw_only=True)
class Forge:
    """A forge as a Provider names it.

    Attributes:
        words: its states for what went well and what did not.
    """

    type: str
    site: Any
    repository: Repository
    words: tuple[str, str]

    def states(self) -> list[tuple[str, str, str]]:
        """What was set on which commit, oldest first."""
        found = self.site.statuses(self.repository.name)
        return [(one.sha, one.state, one.description) for one in found]


@pytest.fixture(scope="module")
def forges(sandbox: Sandbox) -> dict[str, Forge]:
    github, gitlab = sandbox.github, sandbox.gitlab
    return {
        "github": Forge(
            type="github",
            site=github,
            repository=github.create_repository("statuses"),
            words=("success", "failure"),
        ),
        "gitlab": Forge(
            type="gitlab",
            site=gitlab,
            repository=gitlab.create_project("acme/statuses"),
            words=("success", "failed"),
        ),
    }


@pytest.fixture(scope="module")
def room(sandbox: Sandbox, forges: dict[str, Forge]) -> Iterator[Room]:
    with Receiver() as server, sandbox.cluster.client() as client:
        room = Room(sandbox, server, client)
        for name, forge in forges.items():
            room.declare(
                f"status-{name}",
                provider={
                    "type": forge.type,
                    "address": forge.repository.clone_url.removesuffix(".git"),
                    "token": forge.site.token,
                    "timeout": "5s",
                },
                event_sources=[{"kind": "Kustomization", "name": "app"}],
            )
            del room.args[f"status-{name}"]["resources"]
        room.up()
        yield room


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_a_commit_shows_what_became_of_it(room: Room, forges: dict[str, Forge], name: str) -> None:
    """First that it failed, then that it was applied; said twice, it is set once."""
    forge, namespace = forges[name], f"status-{name}"
    well, failed = forge.words
    sha = forge.repository.commit({"app.yaml": name}, message="Change")

    _tell(room, namespace, sha, severity="error", reason="HealthCheckFailed")
    assert eventually(lambda: [state for _, state, _ in forge.states()] == [failed], seconds=20)
    _tell(room, namespace, sha, severity="info", reason="ReconciliationSucceeded")

    expected = [(sha, failed, "health check failed"), (sha, well, "reconciliation succeeded")]
    assert eventually(lambda: forge.states() == expected, seconds=20), forge.states()
    assert [] == room.complaints(namespace)


@pytest.mark.parametrize("name", ["github", "gitlab"])
def test_a_commit_of_another_repository_is_a_failed_dispatch(
    room: Room, forges: dict[str, Forge], name: str
) -> None:
    """The forge refuses it, and Kubernetes has an event about the Alert."""
    forge, namespace = forges[name], f"status-{name}"
    before = forge.states()

    _tell(room, namespace, _NOWHERE, severity="info", reason="ReconciliationSucceeded")

    assert eventually(lambda: room.complaints(namespace) != [], seconds=20)
    (complaint,) = room.complaints(namespace)
    assert complaint.startswith("Warning NotificationDispatchFailed ")
    assert forge.site.token not in complaint
    assert before == forge.states()


def _tell(room: Room, namespace: str, sha: str, *, severity: str, reason: str) -> None:
    group = "kustomize.toolkit.fluxcd.io"
    # kustomize-controller marks what went well so; without it, no status is set.
    marked = {f"{group}/commit_status": "update"} if severity == "info" else {}
    room.send(
        namespace,
        reason,
        severity=severity,
        reason=reason,
        metadata={f"{group}/revision": f"main@sha1:{sha}", **marked},
    )
