"""Whose generation is made next, where one update makes many.

A forge takes one write a second, so an update of many webhooks ends early if its first write is
early. Left alone, the engine makes every token, then every Secret, then every Receiver, and the
forge waits for all of them. So a few generations at a time are made from beginning to end.
"""

import asyncio
import weakref
from typing import Final

import pulumi

# More than the forge takes in the second or so that a Receiver needs to become Ready.
_AT_ONCE: Final = 4

# A turn is passed on then at the latest: whoever has it may wait for somebody who waits for it.
_SECONDS: Final = 5.0

_TURNS: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
    weakref.WeakKeyDictionary()
)


class Turn:
    """One generation's turn: taken before its first resource, passed on after its last."""

    def __init__(self) -> None:
        self._passed_on = False

    def taken(self) -> pulumi.Output[None]:
        """Return an Output that is known when it is this generation's turn."""
        return pulumi.Output.from_input(self._take())

    def pass_on(self) -> None:
        """Let the next one have it; more than once is as good as once."""
        if not self._passed_on:
            self._passed_on = True
            _turns().release()

    async def _take(self) -> None:
        await _turns().acquire()
        asyncio.get_running_loop().call_later(_SECONDS, self.pass_on)


def _turns() -> asyncio.Semaphore:
    return _TURNS.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE))
