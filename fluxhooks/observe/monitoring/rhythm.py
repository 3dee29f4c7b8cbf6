"""When a look is due again: at its rhythm, a little off it, and never while one is under way."""

import random
import time
from collections.abc import Callable
from threading import Event
from typing import Final

# How far a look may be off its rhythm, so that many monitors do not ask at the same moment.
JITTER: Final = 0.1

# However long a look takes, so much of its rhythm is kept free of it.
_LEAST: Final = 0.25


def pause(every: float, took: float, *, random: Callable[[], float] = random.random) -> float:
    """Return the seconds from a look's end to the next one's start.

    Args:
        every: seconds from one start to the next.
        took: seconds the look took.
        random: returns a number from 0 to 1.
    """
    jittered = every * (1 + JITTER * (2 * random() - 1))
    return max(jittered - took, every * _LEAST)


def repeat(look: Callable[[], None], every: float, stop: Event) -> None:
    """Look, pause, and so on, until `stop` is set."""
    while not stop.is_set():
        began = time.monotonic()
        look()
        stop.wait(pause(every, time.monotonic() - began))
