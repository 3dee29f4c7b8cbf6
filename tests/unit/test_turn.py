"""How many generations are made at once."""

import asyncio

import pytest

from fluxhooks.components import turn
from fluxhooks.components.turn import Turn


async def _quiesce() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def _have(tasks: list["asyncio.Future[None]"]) -> list[bool]:
    await _quiesce()
    return [task.done() for task in tasks]


def _take(turns: list[Turn]) -> list["asyncio.Future[None]"]:
    return [asyncio.ensure_future(one.taken().future()) for one in turns]


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "_SECONDS", 0.0)


class TestATurn:
    def test_is_had_by_four_at_once_in_the_order_of_the_program(self) -> None:
        """The others wait, so that the first webhook is written before the last Receiver."""

        async def program() -> list[bool]:
            return await _have(_take([Turn() for _ in range(6)]))

        assert [True, True, True, True, False, False] == asyncio.run(program())

    def test_is_passed_on_to_one_other(self) -> None:
        """And only once: a path may be reported more than once."""

        async def program() -> list[bool]:
            turns = [Turn() for _ in range(7)]
            tasks = _take(turns)
            await _quiesce()
            turns[2].pass_on()
            turns[2].pass_on()
            return await _have(tasks)

        assert [True] * 5 + [False] * 2 == asyncio.run(program())

    @pytest.mark.usefixtures("hurried")
    def test_is_passed_on_in_the_end_by_whoever_keeps_it(self) -> None:
        """One that waits for a component without a turn would hold both up for ever."""

        async def program() -> list[None]:
            return await asyncio.gather(*_take([Turn() for _ in range(9)]))

        assert [None] * 9 == asyncio.run(asyncio.wait_for(program(), 10))
