"""Hook paths and signatures never reach what is printed."""

import logging
import sys
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhooks.flux.hook_path import hook_path
from fluxhooks.flux.receiver_types import ReceiverType
from fluxhooks.flux.signature import sign
from fluxhooks.masking import MaskingFilter, mask

_PATH = hook_path("token", "app-g1", "flux-system")
_DIGEST = _PATH.rpartition("/")[2]


class _Kept(logging.Handler):
    """Keeps every line as a handler prints it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def masked() -> Iterator[tuple[logging.Logger, list[str]]]:
    """A logger with the filter, and the lines it printed."""
    logger = logging.getLogger("tests.masking")
    handler, masking = _Kept(), MaskingFilter()
    logger.addHandler(handler)
    logger.addFilter(masking)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield logger, handler.lines
    logger.removeHandler(handler)
    logger.removeFilter(masking)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(_PATH, "/hook/***", id="a path"),
        pytest.param(
            f"https://flux.example.com{_PATH} said 404",
            "https://flux.example.com/hook/*** said 404",
            id="a URL in a sentence",
        ),
        pytest.param(f"{_PATH} {_PATH}", "/hook/*** /hook/***", id="two paths"),
        pytest.param(
            f"https://login.example.com/?rd={quote('https://f.example.com' + _PATH, safe='')}",
            "https://login.example.com/?rd=https%3A%2F%2Ff.example.com%2Fhook%2F***",
            id="a path that a login page is told to return to",
        ),
        pytest.param(quote(quote(_PATH, safe="")).lower(), "%252fhook%252f***", id="encoded twice"),
        pytest.param(f"/hook/{_DIGEST.upper()}", "/hook/***", id="upper case"),
        pytest.param("sha1=" + "a" * 40, "sha1=***", id="the old signature"),
        pytest.param("sha512=" + "a" * 128, "sha512=***", id="the long signature"),
        pytest.param("/hook/new-branch", "/hook/new-branch", id="another path"),
        pytest.param("sha256:" + "a" * 64, "sha256:" + "a" * 64, id="an image's digest"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_what_is_masked(text: str, shown: str) -> None:
    """Only the credential goes; what surrounds it stays readable."""
    assert shown == mask(text)


@given(st.text(), st.binary())
def test_every_signature_github_sends_is_masked(token: str, body: bytes) -> None:
    """No signature we make is readable where it was masked."""
    (value,) = sign(ReceiverType.GITHUB, token, body).values()

    assert "X-Hub-Signature-256: sha256=***" == mask(f"X-Hub-Signature-256: {value}")


@given(st.text(), st.text(), st.text(), st.text(), st.text())
def test_no_path_survives_in_any_surroundings(
    token: str, name: str, namespace: str, before: str, after: str
) -> None:
    """The digest is gone whatever stands around it."""
    path = hook_path(token, name, namespace)

    assert path.rpartition("/")[2] not in mask(before + path + after)


def test_a_records_message_and_arguments_are_masked(
    masked: tuple[logging.Logger, list[str]],
) -> None:
    """Also where the path is an argument that is formatted late."""
    logger, lines = masked
    logger.info("POST %s got %d", f"https://flux.example.com{_PATH}", 404)

    assert ["POST https://flux.example.com/hook/*** got 404"] == lines


def test_a_records_traceback_is_masked(masked: tuple[logging.Logger, list[str]]) -> None:
    """An exception's own text is printed with the traceback."""
    logger, lines = masked
    try:
        raise ValueError(f"bad path {_PATH}")
    except ValueError:
        logger.exception("failed")

    assert lines[0].endswith("ValueError: bad path /hook/***")
    assert _DIGEST not in lines[0]


def test_a_traceback_somebody_formatted_before_is_masked() -> None:
    """Another handler may have formatted the record first."""
    try:
        raise ValueError(_PATH)
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "", (), sys.exc_info())
    logging.Formatter().format(record)

    MaskingFilter().filter(record)

    assert record.exc_text is not None
    assert _DIGEST not in record.exc_text


def test_percent_signs_of_the_message_survive(masked: tuple[logging.Logger, list[str]]) -> None:
    """The formatted text is not formatted a second time."""
    logger, lines = masked
    logger.info("%s", "100% of %s")

    assert ["100% of %s"] == lines
