"""Work that waits for the network, beside Pulumi's event loop.

In a program of many resources that loop is busy: it goes through everything that is outstanding
each time one thing of it is done. A request that it carried would time out with the answer there.
"""

import asyncio
import functools
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


async def aside(work: Coroutine[Any, Any, _T]) -> _T:
    """Run `work` on an event loop of its own, which all such work shares; return what it does."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, _loop()))


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    # A daemon: a program that fails is not kept alive by what it still waits for.
    threading.Thread(target=loop.run_forever, name="fluxhooks-aside", daemon=True).start()
    return loop
