"""`fluxhooks monitor` on a stack, which the real engine rotates while it looks."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.app import App
from tests.watching import Samples, Watching, labelled, value

NAME = "watched"


@pytest.fixture(scope="class")
def watched(make_app: Callable[..., App]) -> App:
    """An app with a live generation."""
    app = make_app(NAME, suspend=False)
    app.up()
    return app


@pytest.fixture(scope="class")
def watching(watched: App) -> Iterator[Watching]:
    """The command; the app knows its secrets when all that it said is looked through."""
    watching = Watching(
        watched.stack.name,
        environment=watched.stack.environment,
        directory=watched.stack.directory,
    )
    try:
        yield watching
        code, said = watching.end()
    finally:
        watching.close()
    watched.learn()
    watched.leaks.read("the output of fluxhooks monitor", said)
    for text in set(watching.texts):
        watched.leaks.read("a page of fluxhooks monitor", text)
    assert 0 == code


def _whole(samples: Samples, generation: int) -> bool:
    wanted = {
        "fluxhooks_up": 1.0,
        "fluxhooks_chain_ok": 1.0,
        "fluxhooks_generation": float(generation),
    }
    return wanted == {name: value(samples, name, chain=NAME) for name in wanted}


class TestAStack:
    def test_its_webhooks_are_told_by_their_names(self, watching: Watching) -> None:
        """State, cluster and forge are all asked; only a real engine writes such a state."""
        samples = watching.until(lambda found: _whole(found, 1))

        assert {NAME} == labelled(samples, "fluxhooks_chain_info", "chain")
        assert {"cluster", "github", "stack"} == labelled(samples, "fluxhooks_source_up", "source")
        created = value(samples, "fluxhooks_generation_created_timestamp_seconds") or 0.0
        assert time.time() - 600 < created < time.time() + 5

    def test_a_rotation_is_seen_as_one_and_never_as_an_outage(
        self, watching: Watching, watched: App
    ) -> None:
        """What it asks has another path afterwards, and the old one is gone."""
        before = watching.until(lambda found: _whole(found, 1))
        ups: list[float | None] = []
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.1):
                ups.append(watching.value("fluxhooks_up", chain=NAME))

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            watched.up(generation=2)
            after = watching.until(lambda found: _whole(found, 2))
            watching.look("probe")
        finally:
            done.set()
            thread.join()

        assert {1.0} == set(ups)
        receivers = [
            labelled(samples, "fluxhooks_chain_info", "receiver") for samples in (before, after)
        ]
        assert receivers[0] != receivers[1]
        created = [
            value(samples, "fluxhooks_generation_created_timestamp_seconds") or 0.0
            for samples in (before, after)
        ]
        assert created[0] < created[1]
