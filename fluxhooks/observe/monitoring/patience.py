"""Forges that are asked again later, and later still, while they fail or want to be left alone."""

import datetime
import functools
import random
import threading
import time
from collections.abc import Callable
from typing import Any, Final, cast

from fluxhooks.errors import ObservationError
from fluxhooks.observe.forges import Forge, Forges
from fluxhooks.observe.state import DeclaredWebhook, ProviderSettings

LONGEST: Final = 3600.0

NAMES: Final = {"gitea": "Gitea", "github": "GitHub", "gitlab": "GitLab"}


def called(site: str) -> str:
    """Return what people call a forge, or one server of many, as in "Gitea at git.example.com"."""
    forge, _, host = site.partition(" ")
    return NAMES.get(forge, forge) + (f" at {host}" if host else "")


class Patience:
    """For how long something that fails is left alone: twice as long with each failure in a row.

    Args:
        first: seconds after the first failure.
        longest: seconds it never gets longer than, unless what failed asks for more.
        random: returns a number from 0 to 1; so that not all monitors ask at the same moment.
    """

    def __init__(
        self,
        first: float,
        *,
        longest: float = LONGEST,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._first = first
        self._longest = max(first, longest)
        self._random = random
        self._failures = 0
        self._failed_at = -1.0
        self.until = 0.0

    @property
    def failing(self) -> bool:
        """Whether it failed when it was last asked."""
        return self._failures > 0

    def failed(self, now: float, *, began: float, retry_after: float | None = None) -> None:
        """Take note of a failure.

        Args:
            began: when it was asked; what was asked before it last failed counts as one with that.
            retry_after: seconds for which it wants to be left alone.
        """
        if not self.failing or began > self._failed_at:
            self._failures += 1
            self._failed_at = now
        wait = min(self._first * 2 ** min(self._failures - 1, 30), self._longest)
        # Never earlier than it was told.
        wait = max(wait, retry_after or 0.0) * (1 + 0.1 * self._random())
        self.until = max(self.until, now + wait)

    def worked(self, *, began: float) -> None:
        """Take note of an answer; one that was asked for before it failed says nothing."""
        if began > self._failed_at:
            self._failures, self.until = 0, 0.0


class PatientForges(Forges):
    """Forges whose outages and rate limits are waited out.

    While one fails it is asked by one request at a time, and after a failure by none until its
    patience is over: to everything else the answer is an ObservationError, at once. No request is
    repeated.

    Args:
        first: seconds for which a forge is left alone after the first failure.
        clock: returns the seconds since 1970.
    """

    def __init__(
        self,
        providers: ProviderSettings,
        *,
        first: float,
        clock: Callable[[], float] = time.time,
        random: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(providers, retries=0)
        self._guards: dict[str, Guard] = {}
        self._make = functools.partial(Patience, first, random=random)
        self._clock = clock
        self._making = threading.Lock()

    def guards(self) -> dict[str, "Guard"]:
        """Return what guards each forge that was asked so far, by its name."""
        with self._making:
            return dict(self._guards)

    def of(self, declared: DeclaredWebhook) -> Forge:
        """Return the forge of a declared webhook, guarded."""
        return self.guarded(declared.scope.site, functools.partial(super().of, declared))

    def guarded(self, name: str, connect: Callable[[], Forge]) -> Forge:
        """Return a forge by its name, guarded.

        Raises:
            ObservationError: `connect` raised it.
        """
        forge = connect()
        with self._making:
            if name not in self._guards:
                self._guards[name] = Guard(name, self._make(), self._clock)
        return cast("Forge", _Guarded(forge, self._guards[name]))


class Guard:
    """Lets questions to one forge through, or not.

    Attributes:
        answered_at: when it last answered, a refusal included; None where it never did.
        requests_left: before its rate limit, as it last said.
    """

    def __init__(self, name: str, patience: Patience, clock: Callable[[], float]) -> None:
        self._name = name
        self._patience = patience
        self._clock = clock
        self._one_at_a_time = threading.Lock()
        self._noting = threading.Lock()
        self.answered_at: float | None = None
        self.requests_left: int | None = None

    @property
    def up(self) -> bool:
        """Whether it answered when it was last asked."""
        return not self._patience.failing

    @property
    def left_alone_until(self) -> float:
        """Until when it is not asked; 0 where it is."""
        return self._patience.until

    def ask(self, question: Callable[[], Any]) -> Any:
        """Ask, unless it is left alone.

        Raises:
            ObservationError: it is, or `question` raised it.
        """
        if not self._patience.failing:
            return self._ask(question)
        with self._one_at_a_time:
            return self._ask(question)

    def _ask(self, question: Callable[[], Any]) -> Any:
        began = self._clock()
        left = self._patience.until - began
        if left > 0:
            until = datetime.datetime.fromtimestamp(self._patience.until, datetime.UTC)
            raise ObservationError(
                f"{called(self._name)} failed, and is left alone until {until:%H:%M:%S} UTC",
                passing=True,
                retry_after=left,
            )
        try:
            answer = question()
        except ObservationError as error:
            self._note(began, error)
            raise
        self._note(began, None)
        return answer

    def _note(self, began: float, error: ObservationError | None) -> None:
        now = self._clock()
        with self._noting:
            if error is not None and error.passing:
                self._patience.failed(now, began=began, retry_after=error.retry_after)
            else:
                # A refusal is an answer, too.
                self.answered_at = now
                self._patience.worked(began=began)


class _Guarded:
    """A forge, each question to which is let through by its guard."""

    def __init__(self, forge: Forge, guard: Guard) -> None:
        self._forge = forge
        self._guard = guard

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._forge, name)
        if not callable(found):
            return found

        def ask(*args: Any, **kwargs: Any) -> Any:
            try:
                return self._guard.ask(functools.partial(found, *args, **kwargs))
            finally:
                self._guard.requests_left = self._forge.requests_left

        return ask
