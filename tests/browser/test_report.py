"""The report as a person sees it: on a phone and a screen, in light and dark, on paper.

A parser would not know what runs off the edge, what cannot be read on its background, what a
browser asks the network for, or what a script does.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from fluxhooks.observe.doctor.faults import LINKS
from fluxhooks.observe.reporting.report import Report
from tests import reports

PHONE: Final = {"width": 360, "height": 740}
SCREEN: Final = {"width": 1280, "height": 900}

Write = Callable[[str, Report], str]


@dataclass
class Opened:
    """A page, and what it asked for and complained of since it was opened."""

    page: Page
    url: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


Open = Callable[..., Opened]


@pytest.fixture
def open_(browser: Browser, write: Write) -> Iterator[Open]:
    """Open a report of `reports` in a new window."""
    contexts = []

    def opened(name: str, **options: Any) -> Opened:
        context = browser.new_context(**options)
        contexts.append(context)
        found = Opened(context.new_page(), write(name, getattr(reports, name)()))
        found.page.on("request", lambda request: found.requests.append(request.url))
        found.page.on("console", lambda message: found.complaints.append(message.text))
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.on("dialog", lambda dialog: found.complaints.append(dialog.message))
        found.page.goto(found.url)
        return found

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "viewport", [pytest.param(PHONE, id="phone"), pytest.param(SCREEN, id="screen")]
)
@pytest.mark.parametrize("name", ["everything", "nothing_wrong"])
class TestEverywhere:
    """On every device and in both schemes."""

    def test_everything_is_within_the_window(
        self, open_: Open, name: str, viewport: Any, scheme: str
    ) -> None:
        """Nobody scrolls sideways, and nothing is cut off, with all that can be opened open."""
        page = open_(name, viewport=viewport, color_scheme=scheme).page
        page.evaluate(_OPENED)

        assert viewport["width"] == page.evaluate("document.documentElement.scrollWidth")
        assert [] == page.evaluate(_OUTSIDE)

    def test_whoever_reads_it_can(self, open_: Open, name: str, viewport: Any, scheme: str) -> None:
        """Contrast, headings, names of pictures and controls, as axe checks them after WCAG."""
        page = open_(name, viewport=viewport, color_scheme=scheme).page
        page.evaluate(_OPENED)
        results = Axe().run(page)
        checked = {rule["id"] for rule in results.response["passes"]}

        assert {"color-contrast", "heading-order", "svg-img-alt"} <= checked
        assert [] == [
            (rule["id"], node["target"], node["failureSummary"])
            for rule in results.response["violations"]
            for node in rule["nodes"]
        ]

    def test_it_asks_for_nothing_and_complains_of_nothing(
        self, open_: Open, name: str, viewport: Any, scheme: str
    ) -> None:
        """One file, also where a condition's message would load and run something."""
        opened = open_(name, viewport=viewport, color_scheme=scheme)
        opened.page.wait_for_load_state("networkidle")

        assert [opened.url] == opened.requests
        assert [] == opened.complaints

    def test_every_chain_is_a_picture_of_eight_links(
        self, open_: Open, name: str, viewport: Any, scheme: str
    ) -> None:
        """Drawn large enough to be seen, each with its name."""
        page = open_(name, viewport=viewport, color_scheme=scheme).page
        diagnosis = getattr(reports, name)().diagnosis
        names = [link.value for link in LINKS]

        assert [[[name, True] for name in names]] * len(diagnosis.chains) == page.evaluate(_DRAWN)


_OPENED: Final = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"

_OUTSIDE: Final = """
[...document.querySelectorAll('body *')]
  .filter((one) => !one.closest('.spoken, .shapes, thead'))
  .map((one) => [one, one.getBoundingClientRect()])
  .filter(([one, box]) => box.width && (box.right > innerWidth + 0.5 || box.left < -0.5
    || (one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== 'visible')))
  .map(([one]) => one.outerHTML.slice(0, 120))
"""

_DRAWN: Final = """
[...document.querySelectorAll('.chain')].map((chain) =>
  [...chain.querySelectorAll('.picture > li')].map((link) => {
    const box = link.querySelector('svg').getBoundingClientRect();
    return [link.querySelector('.link').textContent, box.width >= 24 && box.height >= 24];
  }))
"""


def test_the_states_differ_without_colour(open_: Open) -> None:
    """Seven shapes that are seven pictures in grey: whoever sees no red still sees what broke."""
    page = open_("everything", viewport=SCREEN).page
    page.evaluate("document.documentElement.style.setProperty('filter', 'grayscale(1)')")
    page.locator(".legend summary").click()
    shapes = page.locator(".legend svg")
    seen = {shapes.nth(number).screenshot() for number in range(shapes.count())}

    assert 7 == shapes.count()
    assert 7 == len(seen)


def test_chains_are_found_among_many(open_: Open) -> None:
    """By text and by state; of five hundred those are left that were asked for."""
    page = open_("large", viewport=SCREEN).page
    shown = page.locator(".chain:visible")

    assert 500 == shown.count()

    page.get_by_role("button", name="50 broken").click()

    assert 50 == shown.count()

    page.get_by_label("Find").fill("APP-12")

    assert ["app-120"] == shown.locator("h3").all_inner_texts()
    assert "1 of 500 shown" == page.get_by_role("status").inner_text()

    page.get_by_role("button", name="50 broken").click()

    assert [f"app-12{n}" for n in range(10)] == sorted(shown.locator("h3").all_inner_texts())


def test_a_link_shows_a_chain_that_was_filtered_away(open_: Open) -> None:
    """From a cause that several share to one of those that have it."""
    page = open_("everything", viewport=PHONE).page
    page.get_by_label("Find").fill("nothing has this")

    assert 0 == page.locator(".chain:visible").count()

    page.get_by_text("3 chains have it").click()
    page.get_by_role("link", name="eu-search", exact=True).click()

    # The page hears of it a moment after the click.
    expect(page.locator(".chain:visible")).to_have_count(9)
    assert page.locator(".chain", has_text="eu-search").first.is_visible()


def test_a_command_is_copied_as_it_is(open_: Open) -> None:
    """What lands in the clipboard is what the cure says, whatever is in it."""
    opened = open_("everything", viewport=SCREEN, permissions=["clipboard-read", "clipboard-write"])
    command = opened.page.locator(".command", has_text="flux resume receiver")
    command.get_by_role("button").click()
    command.get_by_text("Copied").wait_for()

    assert "flux resume receiver orders-g3-1f2e -n flux-system" == opened.page.evaluate(
        "navigator.clipboard.readText()"
    )


def test_it_is_whole_without_scripts(open_: Open) -> None:
    """All chains, what is wrong with them and what was seen; only what cannot work is absent."""
    page = open_("everything", viewport=PHONE, java_script_enabled=False).page
    page.locator(".chain details summary").first.click()

    assert 9 == page.locator(".chain:visible").count()
    assert page.get_by_text("flux resume receiver").is_visible()
    assert page.locator(".chain dl").first.is_visible()
    assert 0 == page.locator("form:visible, button:visible").count()


def test_on_paper_everything_is_there(open_: Open) -> None:
    """What is closed on the screen is printed; what is to be clicked is not."""
    page = open_("everything", viewport=SCREEN, color_scheme="dark").page
    page.emulate_media(media="print")

    assert page.locator(".chain dl").first.is_visible()
    assert 0 == page.locator("form:visible, button:visible").count()
    assert "rgb(255, 255, 255)" == page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert page.pdf().startswith(b"%PDF-")
