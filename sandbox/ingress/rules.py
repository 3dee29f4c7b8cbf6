"""What an ingress may do with a request, other than pass it on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.client import responses

END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True)
class Request:
    """The head of a request.

    Attributes:
        target: its path with the query.
        headers: by name in lower case, without duplicates.
        port: where it goes on loopback, where that is not the ingress's own target.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    port: int | None = None

    @classmethod
    def parse(cls, head: bytes) -> Request:
        """Read a head as it came, up to the empty line. Names of headers become lower case."""
        start, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        method, target, _ = start.split(" ", 2)
        fields = (line.partition(":") for line in lines)
        return cls(method, target, {name.lower(): value.strip() for name, _, value in fields})

    @property
    def length(self) -> int:
        """How many bytes of body it announces."""
        return int(self.headers.get("content-length", 0))

    def encode(self) -> bytes:
        """The head as it goes on; it asks for the connection's end, as one rule decides on all."""
        headers = {**self.headers, "connection": "close"}
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join(lines).encode("latin-1") + END_OF_HEAD


@dataclass(frozen=True)
class Answer:
    """What the ingress answers by itself."""

    status: int
    page: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def encode(self, *, body: bool = True) -> bytes:
        """The answer as it is sent, after which the connection ends; to `HEAD` without a body."""
        page = self.page.encode()
        headers = {
            "content-type": "text/html",
            **{name.lower(): value for name, value in self.headers.items()},
            "content-length": str(len(page)),
            "connection": "close",
        }
        lines = [f"HTTP/1.1 {self.status} {responses.get(self.status, '')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join(lines).encode("latin-1") + END_OF_HEAD + (page if body else b"")


Rule = Callable[[Request], Request | Answer]
"""Decides on each request: what is passed on in its place, or what is answered."""


def answers(
    status: int, page: str = "", *, headers: Mapping[str, str] | None = None, below: str = "/"
) -> Rule:
    """The same answer to every request whose path begins with `below`."""
    answer = Answer(status, page, headers or {})

    def rule(request: Request) -> Request | Answer:
        return answer if request.target.startswith(below) else request

    return rule


def redirects(to: str, *, status: int = 308) -> Rule:
    """A redirect to the same path below `to`, such as `https://flux.example.com`."""

    def rule(request: Request) -> Answer:
        return Answer(status, headers={"Location": f"{to}{request.target}"})

    return rule


def asks_for_password(realm: str = "Restricted") -> Rule:
    """401 without credentials, as a web server with a password file answers."""
    challenge = {"WWW-Authenticate": f'Basic realm="{realm}"'}

    def rule(request: Request) -> Request | Answer:
        if "authorization" in request.headers:
            return request
        return Answer(401, "<h1>401 Authorization Required</h1>", challenge)

    return rule


def sends_to_login(url: str) -> Rule:
    """302 to a page that wants a login, as a proxy for single sign-on answers."""

    def rule(request: Request) -> Answer:
        return Answer(302, headers={"Location": f"{url}?rd={request.target}"})

    return rule


def limits_body(size: int) -> Rule:
    """413 for bodies of more than `size` bytes."""

    def rule(request: Request) -> Request | Answer:
        if request.length <= size:
            return request
        return Answer(413, "<h1>413 Request Entity Too Large</h1>", {"Server": "nginx"})

    return rule


def limits_rate(requests: int = 0, *, retry_after: int = 60) -> Rule:
    """429 for all requests after the first `requests`."""
    seen = 0

    def rule(request: Request) -> Request | Answer:
        nonlocal seen
        seen += 1
        if seen <= requests:
            return request
        return Answer(429, "Too Many Requests", {"Retry-After": str(retry_after)})

    return rule


def adds_prefix(prefix: str) -> Rule:
    """Every path goes on with `prefix`, such as `/flux`, in front."""
    return lambda request: replace(request, target=f"{prefix}{request.target}")


def strips_prefix(prefix: str) -> Rule:
    """Paths below `prefix` go on without it."""

    def rule(request: Request) -> Request:
        if not f"{request.target}/".startswith(f"{prefix}/"):
            return request
        return replace(request, target=request.target.removeprefix(prefix) or "/")

    return rule
