"""The page: what was seen goes in, one HTML document without any request comes out.

The template only loops over what `views` makes ready. The page's own policy (CSP) lets nothing
run or load but the style and the script it was made with, so that a text from a cluster that
looks like HTML stays a text twice over.
"""

import base64
import datetime
import hashlib
import re
from importlib import resources
from typing import Final

import jinja2
from markupsafe import Markup

from fluxhooks.masking import mask
from fluxhooks.observe.reporting import views
from fluxhooks.observe.reporting.report import Report

_FILES: Final = resources.files("fluxhooks.observe.reporting") / "files"


def render(report: Report) -> str:
    """Return the report as one HTML document; hook paths and signatures in it are masked."""
    style, script = _file("report.css"), _file("report.js")
    environment = jinja2.Environment(
        autoescape=True,
        finalize=_visible,
        loader=jinja2.FunctionLoader(_file),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    page = environment.get_template("report.html").render(
        report=report,
        chains=views.of_diagnosis(report.diagnosis) if report.diagnosis else None,
        coverage=views.of_coverage(report.coverage) if report.coverage else None,
        status=views.of_status(report.status, report.made_at) if report.status else None,
        legend=views.LEGEND,
        made_at=report.made_at.astimezone(datetime.UTC),
        style=Markup(style),  # noqa: S704  # ours, and as it must be for its digest
        script=Markup(script),  # noqa: S704
        style_digest=_digest(style),
        script_digest=_digest(script),
    )
    return mask(page.strip()) + "\n"


# Characters that show nothing, or show what follows in another order than it has.
_INVISIBLE: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def _visible(value: object) -> object:
    """Return a text without what could make it look like another one."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", value)
    return value


def _file(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    # As https://www.w3.org/TR/CSP3/#framework-directive-source-list has it.
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
