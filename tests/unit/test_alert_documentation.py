"""What docs/alerts.md shows is what there is.

``python -m tests.unit.test_alert_documentation`` writes its tables anew.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from fluxhooks.flux.alert_filters import DEFAULT_EXCLUSIONS, NODE_REPLACEMENT, Filter
from fluxhooks.flux.alert_providers import (
    ALERT_PROVIDERS,
    Address,
    AlertProviderType,
    Channel,
    ProviderFacts,
)
from tests.unit.recording_engine import RecordingEngine

_PAGE = Path(__file__).parents[2] / "docs/alerts.md"
_ADDRESS = {
    Address.URL: "a URL",
    Address.REPOSITORY: "the repository's",
    Address.NAME: "a name",
    Address.NONE: "",
}


def _types() -> str:
    rows = [
        f"| `{type_}` | {facts.to} | {_ADDRESS[facts.address]} | {_credentials(facts)} "
        f"| {_channel(facts)} | {', '.join(_others(facts))} | `{facts.severity}` |"
        for type_, facts in sorted(ALERT_PROVIDERS.items())
    ]
    head = "| `type` | sends to | `address` | shows | `channel` | takes | `severity` |"
    return "\n".join([head, "|---|---|---|---|---|---|---|", *rows])


def _credentials(facts: ProviderFacts) -> str:
    shown = " or ".join(
        " and ".join(f"`{key}`" for key in credential.value) for credential in facts.credentials
    )
    return shown if facts.needs_credential or not shown else f"({shown})"


def _channel(facts: ProviderFacts) -> str:
    example = facts.channel_example
    shown = example if " " in example else f"`{example}`"
    return {Channel.NONE: "", Channel.NEEDED: shown, Channel.OPTIONAL: f"({shown})"}[facts.channel]


def _others(facts: ProviderFacts) -> Iterable[str]:
    for name, takes in (
        ("`username`", facts.username),
        ("`headers`", facts.headers),
        ("cert", facts.certificate),
        ("proxy", facts.proxy),
    ):
        if takes:
            yield name


def _filters(filters: tuple[Filter, ...]) -> str:
    rows = [f"| {_in_a_cell(one.samples[0])} | {one.reason} |" for one in filters]
    return "\n".join(["| as in | why |", "|---|---|", *rows])


def _in_a_cell(sample: str) -> str:
    text = sample if len(sample) < 130 else f"{sample[:60]} … {sample[-60:]}"
    return f"`{text}`"


_TABLES = {
    "types": _types(),
    "default": _filters(DEFAULT_EXCLUSIONS),
    "nodes": _filters(NODE_REPLACEMENT),
}


def _written(page: str) -> str:
    for name, table in _TABLES.items():
        page = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)",
            lambda match, table=table: f"{match[1]}{table}\n{match[2]}",
            page,
            flags=re.DOTALL,
        )
    return page


def test_the_tables_are_those_of_the_code() -> None:
    """Types, credentials, channels; what is left out and why."""
    page = _PAGE.read_text()

    assert all(f"| `{type_}` |" in page for type_ in AlertProviderType)
    assert page == _written(page)


@pytest.mark.parametrize(
    "program",
    re.findall(r"^```python\n(.*?)^```", _PAGE.read_text(), re.DOTALL | re.MULTILINE),
    ids=["people", "status"],
)
def test_the_programs_run(program: str) -> None:
    """They declare alerts, and their arguments are taken."""
    config = {"fluxhooks:slack": "https://hooks.slack.com/x", "fluxhooks:statuses": "ghp_0123"}

    engine = RecordingEngine(config=config, preview=True).run(
        lambda: exec(compile(program, _PAGE.name, "exec"), {})
    )

    assert 1 == len(engine.named("ReceiverAlerts"))


if __name__ == "__main__":
    _PAGE.write_text(_written(_PAGE.read_text()))
