"""The picture of one rotation in each way: every delivery around the webhook's change."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from bench.rotation.ways import AFTER, BEFORE, Result

BIN = 0.25
"""Seconds of one bar."""

_WIDTH = 880
_MARGIN = 24
_LEFT, _RIGHT = 236, _WIDTH - _MARGIN
_TOP = 118
_LANE, _BAR = 92, 58
"""A lane's height, and that of its highest bar."""

# It paints its own ground: a page may be dark where the reader's system is light. What was lost
# differs from the rest in lightness too, not only in hue.
_LIGHT = {
    ".ground": "fill: #ffffff",
    "text": "fill: #1f2328",
    "text.quiet": "fill: #656d76",
    "text.good": "fill: #1a7f37",
    "text.lost": "fill: #cf222e",
    "text.small": "stroke: #ffffff",
    ".answered": "fill: #9bd5b9",
    ".lost": "fill: #cf222e",
    ".line": "stroke: #d0d7de",
    ".retired": "stroke: #656d76",
    ".moment": "stroke: #1f2328",
}
_DARK = {
    ".ground": "fill: #0d1117",
    "text": "fill: #e6edf3",
    "text.quiet": "fill: #8d96a0",
    "text.good": "fill: #3fb950",
    "text.lost": "fill: #ff7b72",
    "text.small": "stroke: #0d1117",
    ".answered": "fill: #2c6b53",
    ".lost": "fill: #ff6a60",
    ".line": "stroke: #30363d",
    ".retired": "stroke: #8d96a0",
    ".moment": "stroke: #e6edf3",
}
_SHAPES = {
    "text": 'font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif',
    "text.title": "font-size: 18px; font-weight: 600",
    "text.way": "font-size: 15px; font-weight: 600",
    "text.count": "font-size: 15px; font-weight: 600",
    # A rim keeps it readable where it crosses a bar.
    "text.small": "font-size: 11px; stroke-width: 3px; paint-order: stroke",
    "text.middle": "text-anchor: middle",
    "text.end": "text-anchor: end",
    ".moment": "stroke-dasharray: 3 3",
}


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One way's row.

    Attributes:
        remark: what the picture is too short to show; "" where there is nothing.
        answers: of each delivery, the seconds after the webhook's change at which its answer
            came, and whether that was 200.
        retired: the seconds after which the old Receiver was deleted; None where it stays.
    """

    title: str
    note: str
    remark: str
    answers: Sequence[tuple[float, bool]]
    retired: float | None

    @property
    def lost(self) -> int:
        """How many of them were lost."""
        return sum(not answered for _, answered in self.answers)


def lane_of(result: Result) -> Lane:
    """Return the row that shows a way's first rotation."""
    moment, *later = result.repointed_at
    end = min([AFTER, *(at - moment for at in later)])
    return Lane(
        title=result.way.title,
        note=result.way.load,
        remark=result.way.remark,
        answers=[
            (answer.at - moment, answer.status == 200)
            for answer in result.answers
            if -BEFORE <= answer.at - moment < end
        ],
        retired=None if result.retired_at is None else result.retired_at - moment,
    )


def draw(lanes: Sequence[Lane], *, rate: float) -> str:
    """Return the lanes as an SVG document, one below the other on one time axis.

    Args:
        rate: deliveries a second.
    """
    bottom = _TOP + _LANE * len(lanes)
    svg = ET.Element(
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {bottom + 48}",
        width=str(_WIDTH),
        role="img",
    )
    svg.text = "\n"
    ET.SubElement(svg, "title").text = "What becomes of deliveries while a secret is rotated"
    ET.SubElement(svg, "desc").text = "; ".join(
        f"{lane.title}, {lane.note}: lost {lane.lost} of {len(lane.answers)}" for lane in lanes
    )
    ET.SubElement(svg, "style").text = "\n".join(
        [
            "",
            *_rules(_SHAPES),
            *_rules(_LIGHT),
            "@media (prefers-color-scheme: dark) {",
            *_rules(_DARK),
            "}",
            "",
        ]
    )
    _box(svg, "ground", 0, 0, _WIDTH, bottom + 48, rounded=8)
    _text(
        svg,
        "title",
        _MARGIN,
        38,
        f"One rotation of a webhook's secret, {rate:g} deliveries a second",
    )
    _legend(svg)
    _axis(svg, bottom)
    highest = max(max(_bars(lane.answers, {True, False}).values(), default=1) for lane in lanes)
    for number, lane in enumerate(lanes):
        _draw_lane(svg, lane, top=_TOP + _LANE * number, highest=highest)
    _moment(svg, bottom)
    for element in svg:
        element.tail = "\n"
    return ET.tostring(svg, encoding="unicode") + "\n"


def _rules(declarations: Mapping[str, str]) -> list[str]:
    return [f"{selector} {{ {text} }}" for selector, text in declarations.items()]


def _legend(svg: ET.Element) -> None:
    _box(svg, "answered", _MARGIN, 56, 11, 11, rounded=2)
    _text(svg, "quiet", _MARGIN + 18, 66, "answered 200: Flux reconciles")
    _box(svg, "lost", _MARGIN + 228, 56, 11, 11, rounded=2)
    _text(svg, "quiet", _MARGIN + 246, 66, "refused: lost")


def _axis(svg: ET.Element, bottom: float) -> None:
    for second in range(-int(BEFORE), int(AFTER) + 1):
        if second % 2 == 0:
            label = "0" if second == 0 else f"{second:+d} s".replace("-", "−")
            _text(svg, "quiet middle", _x(second), bottom + 24, label)


def _moment(svg: ET.Element, bottom: float) -> None:
    _line(svg, "moment", _x(0), _TOP - 10, _x(0), bottom)
    _text(svg, "middle", _x(0), _TOP - 18, "the webhook gets its new URL")


def _draw_lane(svg: ET.Element, lane: Lane, *, top: float, highest: int) -> None:
    base = top + _LANE - 18
    _text(svg, "way", _MARGIN, base - 40, lane.title)
    _text(svg, "quiet", _MARGIN, base - 22, lane.note)
    _text(
        svg,
        "count lost" if lane.lost else "count good",
        _MARGIN,
        base - 2,
        f"{lane.lost} of {len(lane.answers)} lost",
    )
    heights = {
        kind: {at: _BAR * count / highest for at, count in _bars(lane.answers, kinds).items()}
        for kind, kinds in (("lost", {False}), ("answered", {True}))
    }
    # What was lost stands at the bottom, where its beginning and end are easy to compare.
    _path(svg, "lost", base, heights["lost"])
    _path(svg, "answered", base, heights["answered"], raised=heights["lost"])
    _line(svg, "line", _LEFT, base, _RIGHT, base)
    if lane.retired is not None and lane.retired < AFTER:
        _line(svg, "retired", _x(lane.retired), base - _BAR - 6, _x(lane.retired), base)
        late = lane.retired > AFTER / 2
        _text(
            svg,
            "quiet small end" if late else "quiet small",
            _x(lane.retired) + (-5 if late else 5),
            base - _BAR + 2,
            "old Receiver deleted",
        )
    _text(svg, "lost small end", _RIGHT, base - _BAR + 2, lane.remark)


def _bars(answers: Sequence[tuple[float, bool]], kinds: Iterable[bool]) -> Counter[int]:
    return Counter(math.floor(at / BIN) for at, answered in answers if answered in kinds)


def _path(
    svg: ET.Element,
    kind: str,
    base: float,
    heights: Mapping[int, float],
    *,
    raised: Mapping[int, float] | None = None,
) -> None:
    width = _x(BIN) - _x(0) - 1
    bars = (
        f"M{_x(at * BIN):.1f} {base - (raised or {}).get(at, 0.0):.1f}"
        f"v{-height:.1f}h{width:.1f}v{height:.1f}z"
        for at, height in sorted(heights.items())
    )
    ET.SubElement(svg, "path", {"class": kind, "d": "".join(bars)})


def _x(seconds: float) -> float:
    return _LEFT + (seconds + BEFORE) / (BEFORE + AFTER) * (_RIGHT - _LEFT)


def _text(svg: ET.Element, kind: str, x: float, y: float, text: str) -> None:
    ET.SubElement(svg, "text", {"class": kind, "x": f"{x:.1f}", "y": f"{y:.1f}"}).text = text


def _line(svg: ET.Element, kind: str, x: float, y: float, to_x: float, to_y: float) -> None:
    ends = {"x1": x, "y1": y, "x2": to_x, "y2": to_y}
    ET.SubElement(svg, "line", {"class": kind, **{key: f"{at:.1f}" for key, at in ends.items()}})


def _box(
    svg: ET.Element, kind: str, x: float, y: float, width: float, height: float, *, rounded: float
) -> None:
    sizes = {"x": x, "y": y, "width": width, "height": height, "rx": rounded}
    ET.SubElement(svg, "rect", {"class": kind, **{key: f"{at:g}" for key, at in sizes.items()}})
