"""How forges are asked: at a pace they take, and not again when they would not answer."""

import dataclasses
import time
from typing import Any

import pytest

from fluxhooks import ObservationError
from fluxhooks.observe.doctor import gather_forge
from fluxhooks.observe.doctor.settings import Settings
from fluxhooks.observe.doctor.subjects import Subject
from fluxhooks.observe.forges import Delivery, Forge, Forges, Head, SeenWebhook
from fluxhooks.observe.state import DeclaredWebhook, ProviderSettings, Scope
from tests.unit.forge_evidence import (
    HOST,
    OLD_PATH,
    PATH,
    UNSERVED,
    cluster,
    receiver,
    source,
    url,
    webhook,
)


class Fake(Forge):
    """A forge that counts what it is asked."""

    def __init__(self, *, left: int | None = None, refuses: ObservationError | None = None) -> None:
        self.asked: list[str] = []
        self._left = left
        self._refuses = refuses

    @property
    def requests_left(self) -> int | None:
        return self._left

    def webhooks(self, declared: DeclaredWebhook) -> list[SeenWebhook]:
        self.asked.append(declared.scope.name)
        if self._refuses is not None and declared.scope.kind == "repository":
            raise self._refuses
        return [webhook(scope=declared.scope)] if declared.scope.kind == "repository" else []

    def deliveries(self, declared: DeclaredWebhook) -> list[Delivery]:
        self.asked.append(f"log of {declared.id}")
        return []

    def head(self, declared: DeclaredWebhook, branch: str, *, known: str) -> Head | None:
        self.asked.append(f"{branch} of {declared.scope.name}")
        return Head(commit=known)


class Listed(Fake):
    """A forge that has some webhooks in its repository."""

    def __init__(self, *webhooks: SeenWebhook) -> None:
        super().__init__()
        self._webhooks = list(webhooks)

    def webhooks(self, declared: DeclaredWebhook) -> list[SeenWebhook]:
        here = self._webhooks if declared.scope.kind == "repository" else []
        return [dataclasses.replace(each, scope=declared.scope) for each in here]


class Faked(Forges):
    def __init__(self, forge: Forge) -> None:
        super().__init__(ProviderSettings())
        self._forge = forge

    def of(self, declared: DeclaredWebhook) -> Forge:
        return self._forge


def subjects(count: int) -> list[Subject]:
    return [
        Subject(
            name=f"app-{number}",
            receiver=("flux-system", "app-g2"),
            type="github",
            scope=Scope("github", "repository", f"acme/app-{number}"),
        )
        for number in range(count)
    ]


def gather(forge: Forge, count: int, *, host: str = "", **changes: Any) -> Any:
    seen = cluster(receiver(), source())
    return gather_forge.gather(
        [dataclasses.replace(subject, host=host) for subject in subjects(count)],
        Faked(forge),
        **{"cluster": seen, "settings": Settings(), **changes},
    )


def test_each_scope_log_and_branch_is_asked_once() -> None:
    """That is all there is to ask where nothing failed."""
    forge = Fake()

    found = gather(forge, 2)

    assert sorted(
        [
            *("acme/app-0", "acme/app-1"),
            *("log of 42",),
            *("main of acme/app-0", "main of acme/app-1"),
        ]
    ) == sorted(forge.asked)
    assert [url(), url()] == [each.webhook.url for each in found.values()]


@pytest.mark.parametrize("path", ["", PATH])
def test_a_receiver_that_lost_its_path_may_be_the_one_that_is_called(path: str) -> None:
    """What calls it is neither stale nor a twin of another's webhook."""
    other = dataclasses.replace(receiver(number=7, path=path), name="other")
    app = source(url="https://github.com/acme/app-0")
    loose = webhook(id="7", url=url(UNSERVED))
    mine = webhook(url=url(OLD_PATH))
    seen = cluster(receiver(path=OLD_PATH), other, app)

    twin = gather(Listed(mine, loose), 1, cluster=seen)["app-0"].strays
    stale = gather(Listed(loose), 1, cluster=seen, host=HOST)["app-0"].webhook

    assert (["7"] if path else []) == [each.id for each in twin]
    assert bool(path) == (stale is not None)


def test_without_a_cluster_no_branch_is_asked() -> None:
    """There is nothing to compare it with."""
    forge = Fake()

    gather(forge, 1, cluster=None)

    assert not [each for each in forge.asked if each.startswith("main")]


@pytest.mark.parametrize("passing", [True, False])
def test_what_passes_is_not_asked_again(passing: bool) -> None:
    """An outage is the forge's; a refusal that stays is the one repository's."""
    forge = Fake(refuses=ObservationError("no", passing=passing))

    found = gather(forge, 60)

    assert {"no"} == {each.unseen for each in found.values()}
    assert (len(forge.asked) < 60) == passing


@pytest.mark.parametrize(
    ("count", "left", "paced"),
    [
        pytest.param(150, 5000, True, id="many"),
        pytest.param(150, None, False, id="a server without limits"),
        pytest.param(3, 5000, False, id="a few"),
    ],
)
def test_many_are_asked_at_the_pace_that_github_takes(
    monkeypatch: pytest.MonkeyPatch, count: int, left: int | None, paced: bool
) -> None:
    """Where it sets a limit at all, and so many come near it."""
    waited: list[object] = []
    monkeypatch.setattr(gather_forge._Asking, "_wait", lambda asking: waited.append(asking))
    forge = Fake(left=left)

    gather(forge, count, cluster=None)

    assert (len(forge.asked) if paced else 0) == len(waited)


def test_the_pace_is_kept_by_all_threads_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never sooner; how much later says nothing."""
    monkeypatch.setattr(gather_forge, "_PACE_SECONDS", 0.001)
    forge = Fake(left=5000)
    started = time.monotonic()

    gather(forge, 150, cluster=None)

    assert time.monotonic() - started >= 0.001 * (len(forge.asked) - 1)
