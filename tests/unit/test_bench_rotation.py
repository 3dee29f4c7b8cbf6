"""The benchmark's page: the picture shows what was measured, and the table says the same."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench.rotation import page, picture, tables
from bench.rotation.__main__ import PARTS
from bench.rotation.picture import Lane
from bench.rotation.ways import Result, Way
from sandbox.cluster import ApiRequest
from sandbox.forges.github import Request
from sandbox.load import Answer

_SVG = "{http://www.w3.org/2000/svg}"


def _result(*, queued: float = 4.0) -> Result:
    """One rotation at second 1,000: four deliveries answered 200 and one, later, 404."""
    hook = "/repos/acme/app/hooks/1"
    return Result(
        way=Way(key="a", title="a <way>", program="", queued=queued, rotations=1),
        runs=[3.25],
        answers=[
            *(Answer(at, 200, 0.1) for at in (990.0, 998.1, 998.2, 1001.0)),
            Answer(1002.0, 404, 4.0),
        ],
        forge_requests=[Request("PATCH", hook, 200, 1000.0), Request("GET", hook, 200, 1000.5)],
        api_requests=[
            ApiRequest("create", "secrets", "s", 999.0),
            ApiRequest("delete", "receivers", "r", 1001.5),
        ],
    )


def _drawn(lanes: list[Lane]) -> ET.Element:
    return ET.fromstring(picture.draw(lanes, rate=40))


def _texts(drawn: ET.Element) -> list[str]:
    return [element.text or "" for element in drawn.iter(f"{_SVG}text")]


def test_a_lane_is_the_time_around_the_webhooks_change() -> None:
    """Deliveries of long before are left out; the rest is counted from the change."""
    lane = picture.lane_of(_result())

    assert [(-1.9, True), (-1.8, True), (1.0, True), (2.0, False)] == [
        (pytest.approx(at), answered) for at, answered in lane.answers
    ]
    assert (1, 1.5) == (lane.lost, lane.retired)


def test_the_picture_has_a_bar_for_each_quarter_of_a_second_with_an_answer() -> None:
    """Two answers within one quarter share a bar that is twice as high."""
    drawn = _drawn([picture.lane_of(_result())])
    bars = {
        path.attrib["class"]: re.findall(r"v-([\d.]+)h", path.attrib["d"])
        for path in drawn.iter(f"{_SVG}path")
    }

    assert {"answered": ["58.0", "29.0"], "lost": ["29.0"]} == bars


def test_the_picture_says_what_it_shows_in_words() -> None:
    """Who cannot see it, or not the colours, learns as much."""
    lane = picture.lane_of(_result())
    drawn = _drawn([lane, lane])

    assert (
        "a <way>, every second delivery 4 s late: lost 1 of 4; " * 2
    ) == f"{drawn.findtext(f'{_SVG}desc')}; "
    assert 2 == _texts(drawn).count("1 of 4 lost")
    assert 2 == _texts(drawn).count("old Receiver deleted")
    assert 1 == _texts(drawn).count("the webhook gets its new URL")


def test_the_picture_has_colours_for_light_and_dark() -> None:
    """Each colour of the one has its counterpart in the other."""
    style = _drawn([picture.lane_of(_result())]).findtext(f"{_SVG}style") or ""
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    coloured = re.compile(r"(\S+) \{ (?:fill|stroke): (#\w{6})")

    assert dict(coloured.findall(light)).keys() == dict(coloured.findall(dark)).keys()
    assert not set(coloured.findall(light)) & set(coloured.findall(dark))


def test_the_page_gets_its_table_and_keeps_its_text(tmp_path: Path) -> None:
    """Writing it twice changes nothing more."""
    around = "before\n<!-- ways -->\n{}<!-- end -->\nbetween\n<!-- fifty -->\n<!-- end -->\n"
    (tmp_path / "rotation.md").write_text(around.format(""))

    for _ in range(2):
        page.write_table("ways", tables.of_ways([_result(queued=0.0)]), docs=tmp_path)

    assert (tmp_path / "rotation.md").read_text() == around.format(
        "| way | rotations | sent | lost | seconds | calls to GitHub | to the API server |\n"
        "| --- | --: | --: | --: | --: | --: | --: |\n"
        "| a <way>, nothing queued | 1 | 5 | 1 | 3.2 | 2.0 (least 1) | 2.0 (least 6) |\n"
    )


def test_a_page_without_place_for_the_table_is_refused(tmp_path: Path) -> None:
    """Figures that are measured and not shown would go unnoticed."""
    (tmp_path / "rotation.md").write_text("nothing\n")

    with pytest.raises(ValueError, match=r"rotation\.md has 0 places <!-- ways --> … <!-- end -->"):
        page.write_table("ways", tables.of_ways([]), docs=tmp_path)


def test_the_page_in_docs_has_a_place_for_each_part() -> None:
    """So that a run of half an hour does not fail at its end."""
    text = (page.DOCS / "rotation.md").read_text()

    assert [1, 1, 1] == [text.count(f"<!-- {part} -->\n") for part in PARTS]
    assert 3 == text.count("<!-- end -->")
