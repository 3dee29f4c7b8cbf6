"""A public host that answers as told and keeps what it was asked."""

from collections.abc import Callable

import httpx


class Host:
    """Answers requests in order, the last answer for ever.

    Args:
        answers: a status, a response, or what goes wrong.
        at_request: called with each request before it is answered.
    """

    def __init__(
        self,
        *answers: int | httpx.Response | Exception,
        at_request: Callable[[httpx.Request], None] = lambda request: None,
    ) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = list(answers)
        self._at_request = at_request

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self._at_request(request)
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer) if isinstance(answer, int) else answer
