"""The benchmark of looking: both sides take turns, and the page has the place for its table."""

from itertools import count

import pytest

from bench.seeing import bare
from bench.seeing.__main__ import table_of
from bench.seeing.fleet import Member
from bench.seeing.measure import Measured, UnlikeError, measure
from bench.table import DOCS, Table, write
from fluxhooks.flux.hook_path import UNKNOWN_PATH
from fluxhooks.flux.receiver_types import ReceiverType
from fluxhooks.observe.probing.targets import Target
from tests import reports


def test_both_sides_take_turns() -> None:
    """Who begins changes, so that neither always finds what the other has warmed up."""
    ran: list[str] = []
    ticks = count()

    def bare_requests() -> int:
        ran.append("bare")
        return 3

    measured = measure(
        "key",
        "a title",
        bare=bare_requests,
        ours=lambda: ran.append("ours"),
        turns=3,
        clock=lambda: float(next(ticks)),
    )

    assert ["bare", "ours", "bare", "ours", "ours", "bare", "bare", "ours"] == ran
    assert (3, [1.0] * 3, [1.0] * 3) == (measured.requests, measured.bare, measured.ours)


def test_a_turn_with_a_wrong_answer_is_run_again() -> None:
    """Its time says nothing; where too many are wrong, the machine is no place to measure."""
    outcomes = iter([True, False, True, True])

    def ours() -> None:
        if not next(outcomes, False):
            raise UnlikeError("wrong")

    measured = measure("key", "a title", bare=lambda: 1, ours=ours, turns=2)

    assert (1, 2, 2) == (measured.left_out, len(measured.ours), len(measured.bare))
    with pytest.raises(UnlikeError):
        measure("key", "a title", bare=lambda: 1, ours=ours, turns=2)


def test_the_ratio_is_that_of_the_medians() -> None:
    """One turn beside a busy machine does not decide it; the table shows how far they lie apart."""
    measured = Measured("probe", "`probe`", 2001, [1.0, 2.0, 9.0], [3.0, 4.0, 9.0])

    assert 2.0 == measured.ratio
    assert [["`probe`", "2,001", "2.00", "4.00", "2.00", "1.00", "3.00"]] == [
        *table_of([measured]).rows
    ]
    assert {
        "requests": 2001,
        "bare_seconds": 2.0,
        "seconds": 4.0,
        "ratio": 2.0,
        "left_out": 0,
        "turns": [1.0, 2.0, 3.0],
    } == measured.as_json()


def test_bare_requests_are_those_of_the_probe() -> None:
    """A host once, each URL twice, the second time with a body and its signature."""
    targets = [
        Target(
            name=name,
            type=ReceiverType.GITHUB,
            url=f"https://localhost:1/hook/{name}",
            token="token",
            event="push",
        )
        for name in ("a", "b")
    ]
    requests = bare.of_public(targets)

    assert [
        ("GET", f"https://localhost:1{UNKNOWN_PATH}", False),
        ("GET", "https://localhost:1/hook/a", False),
        ("POST", "https://localhost:1/hook/a", True),
        ("GET", "https://localhost:1/hook/b", False),
        ("POST", "https://localhost:1/hook/b", True),
    ] == [
        (one.method, one.url, "x-hub-signature-256" in {name.lower() for name in one.headers})
        for one in requests
    ]


def test_nothing_shows_a_path() -> None:
    """Not even of a Receiver that lives for a minute."""
    member = Member("apps", "app", "token", reports.PATH)
    request = bare.Request("GET", reports.PATH)

    assert "" == "".join(
        text for text in (reports.PATH, "token") if text in repr([member, request])
    )


def test_the_page_has_a_place_for_the_table(tmp_path_factory: pytest.TempPathFactory) -> None:
    """And for no other one."""
    page = tmp_path_factory.mktemp("docs") / "seeing.md"
    page.write_text((DOCS / "seeing.md").read_text())
    write(Table(("a", "b"), [("c", "1")]), "seeing", page=page)

    assert "<!-- seeing -->\n| a | b |\n| --- | --: |\n| c | 1 |\n<!-- end -->" in page.read_text()
