"""The report is valid HTML, says everything once, and no text from elsewhere becomes part of it."""

import base64
import dataclasses
import datetime
import hashlib
import re

import pytest
from justhtml import JustHTML

from fluxhooks.observe.coverage import Coverage
from fluxhooks.observe.doctor.diagnosis import Chain, Diagnosis, Examined, State
from fluxhooks.observe.doctor.faults import Fault, Link
from fluxhooks.observe.reporting import views
from fluxhooks.observe.reporting.page import render
from fluxhooks.observe.reporting.report import Report
from fluxhooks.observe.status import Status
from tests import reports
from tests.leaks import Leaks

EVERYTHING = render(reports.everything())


def _page(text: str) -> JustHTML:
    return JustHTML(text, strict=True, sanitize=False)


# The page


@pytest.mark.parametrize(
    "report",
    [
        pytest.param(reports.everything(), id="everything"),
        pytest.param(reports.nothing_wrong(), id="nothing wrong"),
        pytest.param(Report(of="nothing", made_at=reports.NOW), id="nothing seen"),
        pytest.param(
            Report(
                of="an empty stack",
                made_at=reports.NOW,
                diagnosis=Diagnosis(chains=()),
                coverage=Coverage(rows=(), findings=()),
                status=Status(stack="dev", rows=()),
            ),
            id="empty",
        ),
    ],
)
def test_it_is_valid_html(report: Report) -> None:
    """To a parser that forgives nothing; and every link within it leads somewhere."""
    page = _page(render(report))
    anchors = [node.attrs["id"] for node in page.query("[id]")]
    links = [node.attrs["href"] for node in page.query("a, use")]

    assert [] == page.errors
    assert len(anchors) == len(set(anchors))
    assert set() == {link.removeprefix("#") for link in links} - set(anchors)


def test_texts_from_elsewhere_stay_texts() -> None:
    """A condition's message that is a script is read, not run."""
    page = _page(EVERYTHING)
    shown = page.query("main")[0].to_text()

    assert 1 == len(page.query("script"))
    assert [] == page.query("img")
    assert "<script>alert(1)</script><img src=https://example.com/x" in shown


def test_it_loads_and_runs_nothing_but_what_it_was_made_with() -> None:
    """Its policy names style and script by their digests, and no place to load from."""
    page = _page(EVERYTHING)
    policy = page.query("meta[http-equiv=Content-Security-Policy]")[0].attrs["content"]

    assert "default-src 'none'; " in policy
    for kind in ("script", "style"):
        (text,) = re.findall(rf"<{kind}>(.*?)</{kind}>", EVERYTHING, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert [] == page.query("[src], [srcset], [action], [style], [onclick], [onload]")
    assert {"data:,"} == {
        link for node in page.query("[href]") if not (link := node.attrs["href"]).startswith("#")
    }


def test_no_secret_is_in_it() -> None:
    """Paths and signatures are masked wherever they come from."""
    leaks = Leaks()
    leaks.know_path(reports.PATH)
    leaks.know_token(reports.SIGNATURE)
    leaks.read("the page", EVERYTHING)

    assert [] == leaks.found()
    assert "/hook/***" in EVERYTHING
    assert "sha256=***" in EVERYTHING


def test_nothing_invisible_is_in_it() -> None:
    """A character that turns the order of what follows would show a command as another one."""
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" in reports.HOSTILE
    assert [] == re.findall(r"[\x00-\x08\x0e-\x1f\u202a-\u202e\u2066-\u2069]", EVERYTHING)


def test_the_same_is_written_the_same() -> None:
    """Two pages of one report differ in nothing, so a job commits what changed."""
    assert EVERYTHING == render(reports.everything())


def test_a_page_of_five_hundred_chains_is_small() -> None:
    """It can be sent by mail; most of it is what was seen."""
    assert len(render(reports.large(500))) < 2_000_000


# Chains


def test_what_is_broken_comes_first() -> None:
    """Then warnings, then what was not seen whole; by name within."""
    view = views.of_diagnosis(_diagnosis())

    assert [
        ("broken", "checkout"),
        ("broken", "eu-orders"),
        ("broken", "eu-search"),
        ("broken", "eu-web"),
        ("broken", "orders"),
        ("warning", "search"),
        ("unseen", "payments-and-invoicing-of-the-european-market"),
        ("ok", "charts"),
        ("ok", "web"),
    ] == [(chain.state, chain.name) for chain in view.chains]
    assert (
        ("broken", "broken", 5),
        ("warning", "with a warning", 1),
        ("unseen", "not seen whole", 1),
        ("ok", "fine", 2),
    ) == view.counts


def test_a_cause_that_several_chains_have_is_told_once() -> None:
    """With all that have it; their own part only leads there."""
    view = views.of_diagnosis(_diagnosis())
    (shared,) = view.shared
    having = [chain for chain in view.chains if chain.shared]

    assert "the certificate of flux-eu.example.com expired 3 days ago" == shared.wrong
    assert [(chain.anchor, chain.name) for chain in having] == [*shared.chains]
    assert 3 == len(having)
    assert [] == [chain.name for chain in having if chain.findings]
    assert 1 == EVERYTHING.count("TLS: certificate has expired (10)")


def test_evidence_of_several_chains_is_together_and_bounded() -> None:
    """The same cause seen in other deliveries is the same cause."""
    suspended = reports.suspended("one")
    chains = tuple(
        reports.chain(
            f"app-{number:02}", None, dataclasses.replace(suspended, evidence=(f"seen {number}",))
        )
        for number in range(20)
    )
    (shared,) = views.of_diagnosis(Diagnosis(chains=chains)).shared

    assert 20 == len(shared.chains)
    assert (*(f"seen {number}" for number in range(12)), "and 8 more") == shared.evidence


@pytest.mark.parametrize(
    ("names", "headline"),
    [
        pytest.param([], "There is no chain to look at.", id="none"),
        pytest.param(["web"], "The chain is not broken.", id="one"),
        pytest.param(["web", "charts"], "2 chains, none of them broken.", id="two"),
        pytest.param(["web", "orders"], "1 of 2 chains is broken.", id="one broken"),
        pytest.param(
            ["orders", "checkout"], "2 of 2 chains are broken.", id="each by a cause of its own"
        ),
        pytest.param(
            ["eu-web", "eu-orders", "eu-search", "web"],
            "3 of 4 chains are broken, by 1 cause.",
            id="by one cause",
        ),
        pytest.param(
            ["payments-and-invoicing-of-the-european-market"],
            "Nothing is known to be broken in 1 chain, which could not be seen whole.",
            id="unseen",
        ),
        pytest.param(
            ["payments-and-invoicing-of-the-european-market", "web"],
            "Nothing is known to be broken in 2 chains, 1 of which could not be seen whole.",
            id="partly unseen",
        ),
    ],
)
def test_the_headline_says_how_it_stands(names: list[str], headline: str) -> None:
    """What was not seen is never called fine."""
    chains = {chain.name: chain for chain in _diagnosis().chains}
    wanted = Diagnosis(chains=tuple(chains[name] for name in names))

    assert headline == views.of_diagnosis(wanted).headline


def test_every_state_has_a_shape_and_a_meaning() -> None:
    """A new state without them would not be drawn."""
    page = _page(EVERYTHING)
    drawn = {node.attrs["id"] for node in page.query("symbol")}
    chain = Chain(
        name="all",
        links=tuple(
            Examined(link=link, state=state) for link, state in zip(Link, [*State], strict=False)
        ),
    )
    (shown,) = views.of_diagnosis(Diagnosis(chains=(chain,))).chains

    assert {symbol for symbol, _, _ in views.LEGEND} == drawn
    assert drawn == {link.symbol for link in shown.links}


def test_a_chain_that_is_broken_says_where() -> None:
    """In a sentence beside its name."""
    sentences = {chain.name: chain.sentence for chain in views.of_diagnosis(_diagnosis()).chains}

    assert f"at the receiver: {Fault.RECEIVER_SUSPENDED.meaning}" == sentences["orders"]
    assert (
        "not seen: webhook, delivery" == sentences["payments-and-invoicing-of-the-european-market"]
    )
    assert "" == sentences["web"]


@pytest.mark.parametrize(
    ("cure", "commands"),
    [
        pytest.param("Resume it: `flux resume receiver app`", ["flux resume receiver app"], id="1"),
        pytest.param(
            "Run `pulumi up`; by hand: `kubectl get pods -n 'a b'`.",
            ["pulumi up", "kubectl get pods -n 'a b'"],
            id="two",
        ),
        pytest.param(
            "Set `spec.suspend` to false in Git, then `flux reconcile source git app`",
            ["flux reconcile source git app"],
            id="a field's name is none",
        ),
        pytest.param(
            "Renew it: kubectl -n ingress get certificate; then wait",
            ["kubectl -n ingress get certificate"],
            id="without backticks",
        ),
        pytest.param(
            "kubectl get a\nkubectl get b", ["kubectl get a", "kubectl get b"], id="lines"
        ),
        pytest.param("Route /hook/ of the host to the Service webhook-receiver.", [], id="an edit"),
        pytest.param("", [], id="none"),
    ],
)
def test_commands_are_set_off(cure: str, commands: list[str]) -> None:
    """Whoever copies one gets the command, and no word of the sentence around it."""
    pieces = views.pieces(cure)

    assert commands == [piece.text for piece in pieces if piece.command]
    assert cure.replace("`", "") == "".join(piece.text for piece in pieces)


@pytest.mark.parametrize(
    ("cure", "command"),
    [
        pytest.param("Resume it: `flux resume receiver a`", "flux resume receiver a", id="a colon"),
        pytest.param("`flux resume receiver a`", "flux resume receiver a", id="nothing else"),
        pytest.param("`pulumi up --refresh` makes it anew", "", id="the sentence goes on"),
        pytest.param("`flux get a` and `flux get b`", "", id="two"),
        pytest.param("name it in `spec.ref`", "", id="no command"),
        pytest.param("", "", id="no cure"),
    ],
)
def test_a_command_has_a_line_of_its_own_where_it_is_the_end(cure: str, command: str) -> None:
    """Elsewhere it stays in its sentence, which would make no sense without it."""
    finding = dataclasses.replace(reports.suspended("app"), cure=cure)
    chain = reports.chain("app", None, finding)
    (view,) = views.of_diagnosis(Diagnosis(chains=(chain,))).chains[0].findings

    assert command == view.command
    assert cure.replace("`", "") == "".join(piece.text for piece in view.cure) + command


# Coverage and generations


def test_uncovered_sources_come_first_and_are_open() -> None:
    """With what their polling costs in the headline."""
    coverage = reports.everything().coverage
    assert coverage is not None
    view = views.of_coverage(coverage)

    assert "4 of 7 sources are covered by a webhook; the others ask 1,728 times a day." == (
        view.headline
    )
    assert [("uncovered", True), ("unknown", True), ("covered", False), ("apart", False)] == [
        (group.state, group.open) for group in view.sources
    ]
    assert 100.0 == round(sum(part[4] for part in view.bar), 1)
    assert "flux-system/old-g1-77aa (takes no delivery)" == view.sources[0].rows[0].receivers


@pytest.mark.parametrize(
    ("covered", "uncovered", "headline"),
    [
        (0, 0, "There is no source that needs a webhook."),
        (1, 0, "1 of 1 source is covered by a webhook."),
        (0, 1, "0 of 1 source is covered by a webhook; it asks 48 times a day."),
        (0, 2, "0 of 2 sources are covered by a webhook; they ask 96 times a day."),
        (2, 1, "2 of 3 sources are covered by a webhook; the other asks 48 times a day."),
        (1, 2, "1 of 3 sources is covered by a webhook; the others ask 96 times a day."),
    ],
)
def test_the_headline_of_the_coverage(covered: int, uncovered: int, headline: str) -> None:
    """Whatever the numbers, it is a sentence."""
    rows = [
        *(reports.row(f"a{number}", "covered") for number in range(covered)),
        *(reports.row(f"b{number}", "uncovered") for number in range(uncovered)),
    ]

    assert headline == views.of_coverage(Coverage(rows=tuple(rows), findings=())).headline


def test_generations_that_are_due_are_told() -> None:
    """Age, due date, and what is not as declared."""
    status = reports.everything().status
    assert status is not None
    view = views.of_status(status, reports.NOW)
    rows = {row.name: row for row in view.rows}

    assert "1 of 4 webhooks not as declared, 1 overdue, 1 orphan." == view.headline
    assert ("97 days", "2026-11-15", True) == (
        rows["orders"].age,
        rows["orders"].due,
        rows["orders"].overdue,
    )
    assert "push 200, 4 minutes ago" == rows["checkout"].delivery
    assert ("-", "-", False) == (rows["new"].age, rows["new"].due, rows["new"].overdue)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        ({"days": 2, "hours": 5}, "2 days"),
        ({"hours": 1, "minutes": 59}, "1 hour"),
        ({"minutes": 3}, "3 minutes"),
        ({"seconds": 0}, "0 seconds"),
    ],
)
def test_ages_are_told_in_their_greatest_unit(span: dict[str, float], text: str) -> None:
    """Nobody needs the minutes of a month."""
    assert text == views.age(datetime.timedelta(**span))


def test_what_could_not_be_seen_is_told_once() -> None:
    """Whoever says it."""
    assert (
        "no token for GitHub: set GITHUB_TOKEN",
        "the cluster refuses to list ImageRepositories",
    ) == reports.everything().all_unseen


def _diagnosis() -> Diagnosis:
    diagnosis = reports.everything().diagnosis
    assert diagnosis is not None
    return diagnosis
