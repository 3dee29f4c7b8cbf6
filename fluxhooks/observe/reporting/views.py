"""What the page shows, made ready from what was seen: words, order, and what belongs together."""

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from fluxhooks.observe import coverage as coverages
from fluxhooks.observe import status as statuses
from fluxhooks.observe.coverage import Coverage
from fluxhooks.observe.doctor.diagnosis import Chain, Diagnosis, Examined, Finding, State
from fluxhooks.observe.status import Status

# Chains


@dataclass(frozen=True, kw_only=True)
class LinkView:
    """A link in the picture of a chain.

    Attributes:
        symbol: which shape it has, and which colour.
        word: what the shape says, in a word.
        seen: what was seen there, or why nothing was.
    """

    name: str
    symbol: str
    word: str
    seen: str


@dataclass(frozen=True)
class Piece:
    """A piece of a cure.

    Attributes:
        code: whether it is to be taken letter by letter.
        command: whether it is one, to be copied.
    """

    text: str
    code: bool = False
    command: bool = False


@dataclass(frozen=True, kw_only=True)
class FindingView:
    """A finding.

    Attributes:
        anchor: where it stands in the page.
        breaks: whether it stops deliveries.
        evidence: each text once.
        cure: its pieces, in their order.
        command: the one it ends with, where that stands alone; it is none of the pieces then.
        chains: anchor and name of the chains that have it, in their order.
    """

    anchor: str
    link: str
    breaks: bool
    sure: str
    where: str
    wrong: str
    evidence: tuple[str, ...]
    cure: tuple[Piece, ...]
    command: str
    chains: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class ChainView:
    """A chain.

    Attributes:
        state: "broken", "warning", "unseen" or "ok".
        word: the same for people.
        sentence: where it is broken, or what else there is to say of it; "" where nothing.
        findings: those that it has alone.
        shared: those that it shares with other chains.
    """

    anchor: str
    name: str
    state: str
    word: str
    sentence: str
    links: tuple[LinkView, ...]
    findings: tuple[FindingView, ...]
    shared: tuple[FindingView, ...]


@dataclass(frozen=True, kw_only=True)
class DiagnosisView:
    """All chains, what is broken first.

    Attributes:
        symbol: of the worst state.
        headline: how many are broken, as a sentence.
        counts: state, word and number of chains, for the states that there are.
        shared: the findings of several chains, those of most chains first.
    """

    symbol: str
    headline: str
    counts: tuple[tuple[str, str, int], ...]
    shared: tuple[FindingView, ...]
    chains: tuple[ChainView, ...]


_SYMBOLS: Final = {
    State.OK: ("ok", "ok"),
    State.WARNING: ("warning", "warning"),
    State.SYMPTOM: ("symptom", "symptom"),
    State.BROKEN: ("broken", "broken"),
    State.ABSENT: ("absent", "nothing there"),
    State.UNSEEN: ("unseen", "not seen"),
    State.NOT_REACHED: ("unreached", "not reached"),
}

LEGEND: Final = (
    ("ok", "ok", "looked at, and as it must be"),
    ("warning", "warning", "works, and could be better"),
    ("broken", "broken", "deliveries stop here"),
    ("symptom", "symptom", "fails because of a link behind it"),
    ("unreached", "not reached", "a link before it is broken"),
    ("unseen", "not seen", "could not be looked at"),
    ("absent", "nothing there", "there is nothing to look at"),
)
"""Symbol, word and meaning of each state of a link."""

_WORDS: Final = {
    "broken": "broken",
    "warning": "with a warning",
    "unseen": "not seen whole",
    "ok": "fine",
}
"""States of a chain, in the order in which they are shown."""


def of_diagnosis(diagnosis: Diagnosis) -> DiagnosisView:
    """Return what is shown of all chains; a finding that several of them have, once."""
    order = list(_WORDS)
    chains = sorted(diagnosis.chains, key=lambda chain: (order.index(_state(chain)), chain.name))
    anchors = [(f"chain-{number}", chain) for number, chain in enumerate(chains, 1)]
    having: dict[tuple[object, ...], list[tuple[tuple[str, str], Finding]]] = {}
    for anchor, chain in anchors:
        for finding in chain.findings:
            having.setdefault(_identity(finding), []).append(((anchor, chain.name), finding))
    views = {
        identity: _finding(f"finding-{number}", found)
        for number, (identity, found) in enumerate(having.items(), 1)
    }
    states = [_state(chain) for chain in chains]
    causes = len({_identity(chain.first) for chain in chains if chain.first})
    shared = [view for view in views.values() if len(view.chains) > 1]
    return DiagnosisView(
        symbol=states[0] if states else "absent",
        headline=_headline(states, causes),
        counts=tuple(
            (state, word, states.count(state)) for state, word in _WORDS.items() if state in states
        ),
        shared=tuple(sorted(shared, key=lambda view: (not view.breaks, -len(view.chains)))),
        chains=tuple(
            _chain(anchor, chain, [views[_identity(finding)] for finding in chain.findings])
            for anchor, chain in anchors
        ),
    )


def _identity(finding: Finding) -> tuple[object, ...]:
    # Evidence may differ: the same cause, seen in the deliveries of several webhooks.
    return (finding.fault, finding.where, finding.wrong, finding.cure)


def _state(chain: Chain) -> str:
    states = {examined.state for examined in chain.links}
    if State.BROKEN in states or chain.first is not None:
        return "broken"
    if State.WARNING in states:
        return "warning"
    return "unseen" if State.UNSEEN in states else "ok"


def _headline(states: Sequence[str], causes: int) -> str:
    if not states:
        return "There is no chain to look at."
    broken, unseen = states.count("broken"), states.count("unseen")
    if broken:
        chains = _number(len(states), "chain")
        by = f", by {_number(causes, 'cause')}" if causes < broken else ""
        return f"{broken} of {chains} {'is' if broken == 1 else 'are'} broken{by}."
    if unseen:
        whole = "which" if len(states) == unseen else f"{unseen} of which"
        seen = f"{whole} could not be seen whole"
        return f"Nothing is known to be broken in {_number(len(states), 'chain')}, {seen}."
    return (
        f"{_number(len(states), 'chain')}, none of them broken."
        if len(states) > 1
        else ("The chain is not broken.")
    )


def _chain(anchor: str, chain: Chain, findings: Sequence[FindingView]) -> ChainView:
    state = _state(chain)
    return ChainView(
        anchor=anchor,
        name=chain.name,
        state=state,
        word=_WORDS[state],
        sentence=_sentence(chain),
        links=tuple(map(_link, chain.links)),
        findings=tuple(finding for finding in findings if len(finding.chains) == 1),
        shared=tuple(finding for finding in findings if len(finding.chains) > 1),
    )


def _sentence(chain: Chain) -> str:
    if chain.first is not None:
        return f"at the {chain.first.fault.link}: {chain.first.fault.meaning}"
    unseen = [str(one.link) for one in chain.links if one.state is State.UNSEEN]
    return f"not seen: {', '.join(unseen)}" if unseen else ""


def _link(examined: Examined) -> LinkView:
    symbol, word = _SYMBOLS[examined.state]
    return LinkView(name=str(examined.link), symbol=symbol, word=word, seen=examined.seen)


def _finding(anchor: str, found: Sequence[tuple[tuple[str, str], Finding]]) -> FindingView:
    finding = found[0][1]
    evidence = dict.fromkeys(text for _, each in found for text in each.evidence)
    chains = dict.fromkeys(chain for chain, _ in found)
    cure = pieces(finding.cure)
    alone = _stands_alone(cure)
    return FindingView(
        anchor=anchor,
        link=str(finding.fault.link),
        breaks=finding.fault.breaks,
        sure=str(finding.sure),
        where=finding.where,
        wrong=finding.wrong,
        evidence=_at_most(evidence, 12),
        cure=cure[:-1] if alone else cure,
        command=cure[-1].text if alone else "",
        chains=tuple(chains),
    )


def _at_most(texts: Iterable[str], most: int) -> tuple[str, ...]:
    first = tuple(texts)
    if len(first) <= most:
        return first
    return (*first[:most], f"and {len(first) - most} more")


_COMMANDS: Final = "curl|dig|flux|fluxhooks|gh|git|glab|helm|kubectl|openssl|pulumi"
_QUOTED: Final = re.compile(r"`([^`\n]+)`")
_BARE: Final = re.compile(rf"(?:^|(?<=: ))((?:{_COMMANDS}) [^\n;]+)", re.MULTILINE)


def pieces(cure: str) -> tuple[Piece, ...]:
    """Return a cure in pieces, which put together are the cure without its backticks.

    Commands stand in backticks; without any, a known command's name begins one, at the start of a
    line or behind a colon, and it goes on to the line's end or a semicolon. What else is in
    backticks, as the name of a field, is code and no command.
    """
    pattern = _QUOTED if _QUOTED.search(cure) else _BARE
    found, at = [], 0
    for match in pattern.finditer(cure):
        command = re.match(rf"(?:{_COMMANDS}) ", match[1]) is not None
        found += [Piece(cure[at : match.start()]), Piece(match[1], code=True, command=command)]
        at = match.end()
    found.append(Piece(cure[at:]))
    return tuple(piece for piece in found if piece.text)


def _stands_alone(cure: Sequence[Piece]) -> bool:
    """Return whether a cure ends with its only command, so that this can have a line of its own."""
    *others, last = cure or [Piece("")]
    before = "".join(piece.text for piece in others).rstrip()
    return last.command and not any(piece.command for piece in others) and before[-1:] in ("", ":")


# Coverage


@dataclass(frozen=True, kw_only=True)
class SourceView:
    """A source; the texts of a row."""

    name: str
    kind: str
    interval: str
    requests: str
    receivers: str
    why: str


@dataclass(frozen=True, kw_only=True)
class SourcesView:
    """The sources of one state, with what it means.

    Attributes:
        open: whether they are shown without being asked for.
    """

    state: str
    symbol: str
    word: str
    open: bool
    rows: tuple[SourceView, ...]


@dataclass(frozen=True, kw_only=True)
class CoverageView:
    """What is covered.

    Attributes:
        symbol: of the worst that was found.
        headline: how much of it, as a sentence.
        bar: symbol, word, number, and begin and width of its part in a hundred, of each state.
    """

    symbol: str
    headline: str
    bar: tuple[tuple[str, str, int, float, float], ...]
    findings: tuple[coverages.Finding, ...]
    sources: tuple[SourcesView, ...]
    not_served: tuple[str, ...]


_COVERAGE: Final = {
    "uncovered": ("broken", "no webhook reaches it"),
    "unknown": ("unseen", "not seen"),
    "covered": ("ok", "covered"),
    "apart": ("absent", "needs no webhook"),
}


def of_coverage(coverage: Coverage) -> CoverageView:
    """Return what is shown of a coverage, what is missing first."""
    sources, bar, begin = [], [], 0.0
    for state, (symbol, word) in _COVERAGE.items():
        rows = coverage.of(state)
        if not rows:
            continue
        width = 100 * len(rows) / len(coverage.rows)
        bar.append((symbol, word, len(rows), round(begin, 2), round(width, 2)))
        begin += width
        sources.append(
            SourcesView(
                state=state,
                symbol=symbol,
                word=word,
                open=state in ("uncovered", "unknown"),
                rows=tuple(_source(row) for row in rows),
            )
        )
    worst = "warning" if coverage.findings else "unseen" if coverage.of("unknown") else "ok"
    return CoverageView(
        symbol="broken" if coverage.gaps else worst,
        headline=_covered(coverage),
        bar=tuple(bar),
        findings=coverage.findings,
        sources=tuple(sources),
        not_served=coverage.not_served,
    )


def _covered(coverage: Coverage) -> str:
    wanting = [row for row in coverage.rows if row.state != "apart"]
    if not wanting:
        return "There is no source that needs a webhook."
    covered, uncovered = len(coverage.of("covered")), coverage.of("uncovered")
    verb = "is" if 1 in (covered, len(wanting)) else "are"
    text = f"{covered} of {_number(len(wanting), 'source')} {verb}"
    if not uncovered:
        return f"{text} covered by a webhook."
    asking = sum(row.requests_a_day for row in uncovered)
    others = "the other asks" if len(uncovered) == 1 and covered else "the others ask"
    if not covered:
        others = "it asks" if len(uncovered) == 1 else "they ask"
    return f"{text} covered by a webhook; {others} {asking:,.0f} times a day."


def _source(row: coverages.Row) -> SourceView:
    source = row.source
    idle = (f"{name} (takes no delivery)" for name in row.idle)
    return SourceView(
        name=f"{source.namespace}/{source.name}",
        kind=source.kind,
        interval=source.interval or "-",
        requests=f"{row.requests_a_day:,.0f}",
        receivers=", ".join([*row.receivers, *idle]) or "-",
        why=row.why,
    )


# Status


@dataclass(frozen=True, kw_only=True)
class GenerationView:
    """A WebhookReceiver; the texts of a row.

    Attributes:
        overdue: whether its rotation should have been.
    """

    name: str
    live: str
    retained: str
    age: str
    due: str
    overdue: bool
    delivery: str
    problems: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StatusView:
    """The generations of a stack.

    Attributes:
        symbol: of the worst that was found.
        headline: how many are not as declared, as a sentence.
        orphans: kind and name, and how they are known to be some.
    """

    symbol: str
    headline: str
    rows: tuple[GenerationView, ...]
    orphans: tuple[tuple[str, str], ...]


def of_status(status: Status, now: datetime.datetime) -> StatusView:
    """Return what is shown of a status, with ages at `now`."""
    rows = tuple(_generation(row, now) for row in status.rows)
    troubled, overdue = sum(bool(row.problems) for row in rows), sum(row.overdue for row in rows)
    parts = [
        f"{troubled} of {_number(len(rows), 'webhook')} not as declared"
        if troubled
        else f"{_number(len(rows), 'webhook')} as declared",
        f"{overdue} overdue" if overdue else "",
        _number(len(status.orphans), "orphan") if status.orphans else "",
    ]
    return StatusView(
        symbol="warning" if troubled or overdue or status.orphans else "ok",
        headline=", ".join(filter(None, parts)) + ".",
        rows=rows,
        orphans=tuple((f"{orphan.kind} {orphan.name}", orphan.why) for orphan in status.orphans),
    )


def _generation(row: statuses.Row, now: datetime.datetime) -> GenerationView:
    delivery = row.delivery
    return GenerationView(
        name=row.name,
        live="-" if row.live is None else str(row.live),
        retained=", ".join(map(str, row.retained)) or "-",
        age="-" if row.created_at is None else age(now - row.created_at),
        due="-" if row.due is None else f"{row.due:%Y-%m-%d}",
        overdue=row.due is not None and row.due < now,
        delivery="-" if delivery is None else f"{delivery}, {age(now - delivery.at)} ago",
        problems=row.problems,
    )


def age(span: datetime.timedelta) -> str:
    """Return a span in its greatest unit, as in "3 days"."""
    for count, unit in (
        (span.days, "day"),
        (span.seconds // 3600, "hour"),
        (span.seconds // 60, "minute"),
    ):
        if count:
            return _number(count, unit)
    return _number(span.seconds, "second")


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
