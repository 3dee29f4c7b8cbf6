"""The queue in which deliveries wait: they can be held back, paused, waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

Delay = float | Callable[[], float]


class Queue:
    """Sends what is queued, up to `concurrency` at a time; lives on one event loop.

    `delay` is how long a delivery stays queued, in seconds, or a function that is asked for each.
    """

    def __init__(self, *, concurrency: int = 32) -> None:
        self.delay: Delay = 0.0
        self._slots = asyncio.Semaphore(concurrency)
        self._running = asyncio.Event()
        self._running.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def pending(self) -> int:
        """How many deliveries are queued or under way."""
        return len(self._tasks)

    def put(self, send: Callable[[], Awaitable[None]]) -> None:
        """Queue a delivery; `send` is called when it is its turn."""
        delay = self.delay() if callable(self.delay) else self.delay
        task = asyncio.create_task(self._deliver(send, delay))
        self._idle.clear()
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def pause(self) -> None:
        self._running.clear()

    def resume(self) -> None:
        self._running.set()

    async def wait_idle(self) -> None:
        await self._idle.wait()

    async def close(self) -> None:
        """Forget what is queued, break off what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not self._tasks:
            self._idle.set()
        if not task.cancelled() and (error := task.exception()):
            raise error

    async def _deliver(self, send: Callable[[], Awaitable[None]], delay: float) -> None:
        if delay > 0:
            await asyncio.sleep(delay)
        await self._running.wait()
        async with self._slots:
            await send()
