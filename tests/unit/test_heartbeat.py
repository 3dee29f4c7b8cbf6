"""What a heartbeat says of its call, which is nothing of its URL."""

from collections.abc import Iterator

import pytest

from fluxhooks.observe.heartbeat import beat
from tests.heartbeats import Heartbeats


@pytest.fixture(scope="module")
def service() -> Iterator[Heartbeats]:
    with Heartbeats() as service:
        yield service


@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param("/200", "", id="heard"),
        pytest.param("/204", "", id="heard without a word"),
        pytest.param("/302", "it was answered 302", id="sent elsewhere"),
        pytest.param("/404", "it was answered 404", id="not known"),
    ],
)
def test_what_was_answered_is_told(service: Heartbeats, path: str, said: str) -> None:
    """A redirect leads to a page for people, and nobody is told by it."""
    assert said == beat(f"{service.url}{path}")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("http://127.0.0.1:1/secret", "ConnectError", id="nobody listens"),
        pytest.param("secret", "UnsupportedProtocol", id="no scheme"),
        pytest.param("http://secret:port", "InvalidURL", id="no URL"),
    ],
)
def test_what_cannot_be_called_is_told_by_kind(url: str, said: str) -> None:
    """The URL is a secret; no text of the client's is passed on."""
    assert said == beat(url)
