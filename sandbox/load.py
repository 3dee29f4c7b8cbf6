"""Deliveries that keep flowing while something else happens, and what became of them."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from sandbox.forges import github, gitlab
from sandbox.forges.github import GitHub
from sandbox.forges.gitlab import GitLab


@dataclass(frozen=True)
class Answer:
    """What one delivery was answered.

    Attributes:
        at: seconds since 1970, when the answer came, or when it was clear that none would.
        status: the HTTP status; None where no answer came.
        waited: seconds since the event.
        reason: why no answer came; "" where one did.
    """

    at: float
    status: int | None
    waited: float
    reason: str = ""


@dataclass(frozen=True)
class Tally:
    """What became of the deliveries of one load.

    Attributes:
        answers: how many deliveries got which status; None where none came.
        reasons: why none came, how often each.
    """

    answers: Counter[int | None]
    reasons: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, answers: Iterable[Answer]) -> Self:
        """Count answers by status."""
        found = list(answers)
        return cls(
            Counter(answer.status for answer in found),
            Counter(answer.reason for answer in found if answer.status is None),
        )

    @property
    def sent(self) -> int:
        """How many were sent."""
        return self.answers.total()

    @property
    def lost(self) -> int:
        """How many were not answered 200, and so asked Flux for nothing."""
        return self.sent - self.answers[200]

    def __str__(self) -> str:
        return ", ".join(
            [
                *(f"{count} × no answer: {reason}" for reason, count in self.reasons.items()),
                *(
                    f"{count} × {status}"
                    for status, count in sorted(self.answers.items(), key=lambda item: item[0] or 0)
                    if status is not None
                ),
            ]
        )


class Load:
    """Sends pushes at `rate` a second, from entering the context to leaving it.

    They are of `repository`, and of the `others` in turn with it.

    Every second one is held back by the forge for `queued` seconds, as a busy forge does. GitHub's
    then goes to the URL that was the webhook's when it was queued, GitLab's to the webhook's own,
    and to none when the webhook is gone. What becomes of them is told by the log of the
    repository's webhooks, or with `organization` by that of its owner's, at GitLab the instance's.

    Attributes:
        answers: in the order in which they came; there when the context was left.
    """

    answers: list[Answer]

    def __init__(
        self,
        forge: GitHub | GitLab,
        repository: str,
        *,
        rate: float,
        queued: float,
        others: Sequence[str] = (),
        organization: bool = False,
    ) -> None:
        self._forge = forge
        self._turns = itertools.cycle((repository, *others))
        self._organization = organization
        self._repository = repository
        self._rate = rate
        self._queued = queued
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send, name=f"load-{repository}", daemon=True)
        self._sent: dict[str, float] = {}

    @property
    def sent(self) -> int:
        """How many were sent so far."""
        return len(self._sent)

    @property
    def tally(self) -> Tally:
        """What became of them; there when the context was left."""
        return Tally.of(self.answers)

    def __enter__(self) -> Self:
        turns = itertools.cycle((0.0, self._queued))
        self._forge.delivery_delay = lambda: next(turns)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._forge.wait_idle(self._queued + 30)
        self._forge.delivery_delay = 0.0
        answers: dict[str, Answer] = {}
        for delivery in self._deliveries():
            status = delivery.status_code if delivery.answered else None
            # Where one webhook takes the place of another, both are told, and one is enough.
            if delivery.guid not in answers or status == 200:
                waited = delivery.delivered_at - delivery.queued_at
                answers[delivery.guid] = Answer(
                    delivery.delivered_at, status, waited, _reason(delivery)
                )
        # An event of which no webhook was told has no delivery, and is lost all the same.
        found = (
            answers.get(guid) or Answer(at, None, 0.0, "told to nobody")
            for guid, at in self._sent.items()
        )
        self.answers = sorted(found, key=lambda answer: answer.at)

    def _deliveries(self) -> Sequence[github.Delivery | gitlab.Delivery]:
        if isinstance(self._forge, GitHub) and self._organization:
            return self._forge.deliveries()
        return self._forge.deliveries("" if self._organization else self._repository)

    def _send(self) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            self._sent[self._forge.send(next(self._turns))] = time.time()
            due += 1 / self._rate
            self._stop.wait(max(0.0, due - time.monotonic()))


def _reason(delivery: github.Delivery | gitlab.Delivery) -> str:
    if delivery.answered:
        return ""
    return delivery.status if isinstance(delivery, github.Delivery) else delivery.error or ""
