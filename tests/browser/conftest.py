"""A real browser for the pages; where none can be had, every run says so."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from fluxhooks.observe.reporting.page import render
from fluxhooks.observe.reporting.report import Report
from sandbox import browser as browsers


# Not of the session: while Playwright is there, its event loop runs in this thread, and nothing
# else may run one.
@pytest.fixture(scope="module")
def browser(ran: set[str]) -> Iterator[Browser]:
    """A headless Chromium."""
    try:
        found = browsers.provide()
    except browsers.BrowserError as error:
        ran.add(f"not run: pages in a browser: {error}")
        pytest.skip(str(error))
    ran.add(str(found))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found.path, env=found.environment)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def write(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Report], str]:
    """Write a report once, and return its URL."""
    folder = tmp_path_factory.mktemp("reports")

    def written(name: str, report: Report) -> str:
        path = Path(folder / f"{name}.html")
        if not path.exists():
            path.write_text(render(report), encoding="utf-8")
        return path.as_uri()

    return written
