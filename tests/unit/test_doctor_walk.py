"""The doctor's walk: which links are judged, and what becomes of those behind a broken one."""

import datetime
from collections.abc import Sequence
from typing import Any

import pytest

from fluxhooks.observe.doctor import walk as walking
from fluxhooks.observe.doctor.diagnosis import Chain, Diagnosis, Examined, Finding, State
from fluxhooks.observe.doctor.evidence import Evidence, ForgeEvidence, PublicEvidence
from fluxhooks.observe.doctor.faults import LINKS, Fault, Link
from fluxhooks.observe.forges import Delivery
from fluxhooks.observe.probing.replies import Reply
from fluxhooks.observe.state import Scope

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


def finding(fault: Fault, evidence: str = "seen") -> Finding:
    """Return a finding of a fault."""
    return Finding(
        fault=fault, where="it", wrong="it is wrong", evidence=(evidence,), cure="mend it"
    )


class Links:
    """What each link is found to be: fine, but for some."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[Link] = []
        self._found: dict[Link, Examined] = {}
        for link in LINKS:
            self.fine(link)
        rules = {link: self._rule(link) for link in LINKS if link is not Link.DELIVERY}
        monkeypatch.setattr(walking, "_RULES", rules)
        monkeypatch.setattr(walking.delivery, "examine", self._delivery)

    def fine(self, link: Link) -> None:
        """Let a link be fine."""
        self._found[link] = Examined(link=link, state=State.OK, seen=f"{link} is fine")

    def wrong(self, fault: Fault, *, evidence: str = "seen") -> None:
        """Let a link have a fault."""
        state = State.BROKEN if fault.breaks else State.WARNING
        self._found[fault.link] = Examined(
            link=fault.link, state=state, findings=(finding(fault, evidence),)
        )

    def symptom(self) -> None:
        """Let the newest delivery have failed because of something behind it."""
        self._found[Link.DELIVERY] = Examined(
            link=Link.DELIVERY, state=State.SYMPTOM, seen="delivery 7: 404"
        )

    def walk(self, **evidence: Any) -> Chain:
        """Return what the chain comes to."""
        return walking.walk(
            Evidence(name="app", receiver=("flux-system", "app"), now=NOW, **evidence)
        )

    def _rule(self, link: Link) -> Any:
        def examine(_: Evidence) -> Examined:
            self.asked.append(link)
            return self._found[link]

        return examine

    def _delivery(self, _: Evidence, behind: Sequence[Examined]) -> Examined:
        self.asked.append(Link.DELIVERY)
        self.behind = behind
        return self._found[Link.DELIVERY]


@pytest.fixture(name="links")
def _links(monkeypatch: pytest.MonkeyPatch) -> Links:
    return Links(monkeypatch)


def states(chain: Chain) -> dict[str, str]:
    """Return the links that are not fine."""
    assert LINKS == tuple(examined.link for examined in chain.links)
    return {str(each.link): str(each.state) for each in chain.links if each.state is not State.OK}


def unreached(*links: Link) -> dict[str, str]:
    """Return links that were not reached."""
    return dict.fromkeys(map(str, links), "not reached")


def test_a_chain_that_is_fine_is_walked_to_its_end(links: Links) -> None:
    """Deliveries are judged when what lies behind them is known."""
    chain = links.walk()

    assert {} == states(chain)
    assert None is chain.first
    assert [Link.WEBHOOK, Link.NETWORK, Link.INGRESS, Link.RECEIVER, Link.DELIVERY] == (
        links.asked[:5]
    )
    assert [Link.NETWORK, Link.INGRESS, Link.RECEIVER] == [each.link for each in links.behind]


@pytest.mark.parametrize(
    "fault",
    [
        Fault.WEBHOOK_MISSING,
        Fault.DNS,
        Fault.REDIRECT,
        Fault.RECEIVER_MISSING,
        Fault.SOURCE_SUSPENDED,
        Fault.APPLIER_SUSPENDED,
        Fault.CLUSTER_DENIED,
    ],
    ids=lambda fault: str(fault.link),
)
def test_what_lies_behind_a_broken_link_is_not_reached(links: Links, fault: Fault) -> None:
    """Except deliveries, which came before."""
    links.wrong(fault)
    links.wrong(Fault.CLUSTER_INVALID if fault.link is not Link.CLUSTER else fault)
    chain = links.walk()
    behind = LINKS[LINKS.index(fault.link) + 1 :]

    assert {str(fault.link): "broken", **unreached(*behind)} == states(chain)
    assert chain.first is not None
    assert fault is chain.first.fault
    assert not set(behind) & set(links.asked)


def test_a_warning_stops_nothing(links: Links) -> None:
    """It is told, and the walk goes on."""
    links.wrong(Fault.CERTIFICATE_EXPIRES)
    links.wrong(Fault.SOURCE_SUSPENDED)
    chain = links.walk()

    assert {
        "network": "warning",
        "source": "broken",
        **unreached(Link.APPLIER, Link.CLUSTER),
    } == states(chain)
    assert chain.first is not None
    assert Fault.SOURCE_SUSPENDED is chain.first.fault


def test_a_failed_delivery_is_evidence_of_what_it_failed_of(links: Links) -> None:
    """It is no finding of its own."""
    links.wrong(Fault.RECEIVER_MISSING)
    links.symptom()
    chain = links.walk()

    assert {
        "delivery": "symptom",
        "receiver": "broken",
        **unreached(Link.SOURCE, Link.APPLIER, Link.CLUSTER),
    } == states(chain)
    (told,) = chain.findings
    assert ("seen", "delivery 7: 404") == told.evidence


def test_a_delivery_that_is_evidence_already_is_told_once(links: Links) -> None:
    """By its ID."""
    links.wrong(Fault.RECEIVER_MISSING, evidence="delivery 7 was answered 404")
    links.symptom()
    scope = Scope("github", "repository", "acme/app")
    seen = Delivery(id="7", event="push", at=NOW, status=404)
    chain = links.walk(forge=ForgeEvidence(scope=scope, deliveries=(seen,)))

    (told,) = chain.findings
    assert ("delivery 7 was answered 404",) == told.evidence


def test_a_delivery_that_nothing_explains_ends_the_walk(links: Links) -> None:
    """What it passed stays as it was seen: that it is fine is what shows the forge's fault."""
    links.wrong(Fault.DELIVERY_SECRET_DIFFERS)
    chain = links.walk()

    assert {
        "delivery": "broken",
        **unreached(Link.SOURCE, Link.APPLIER, Link.CLUSTER),
    } == states(chain)


def test_a_webhook_that_was_disabled_for_failures_is_a_symptom_of_their_cause(
    links: Links,
) -> None:
    """Enabled again, it would only fail again."""
    links.wrong(Fault.WEBHOOK_DISABLED)
    links.wrong(Fault.REDIRECT)
    chain = links.walk()

    assert {"webhook": "symptom", "ingress": "broken"} == {
        link: state for link, state in states(chain).items() if state != "not reached"
    }
    assert chain.first is not None
    assert Fault.REDIRECT is chain.first.fault
    assert ("seen", "it: it is wrong") == chain.first.evidence


def test_a_webhook_that_was_disabled_for_what_is_mended_is_broken_itself(links: Links) -> None:
    """Nothing is wrong any more but that it is disabled."""
    links.wrong(Fault.WEBHOOK_DISABLED)
    chain = links.walk()

    assert {"webhook": "broken", **unreached(*LINKS[1:])} == states(chain)


def test_a_link_that_could_not_be_looked_at_is_told_and_passed(links: Links) -> None:
    """With why; its rule is not asked."""
    links.wrong(Fault.SOURCE_SUSPENDED)
    why = "no token for GitHub"
    chain = links.walk(unseen={Link.WEBHOOK: why, Link.DELIVERY: why})

    assert (State.UNSEEN, why) == (chain.links[0].state, chain.links[0].seen)
    assert State.UNSEEN is chain.links[1].state
    assert chain.first is not None
    assert Fault.SOURCE_SUSPENDED is chain.first.fault
    assert not {Link.WEBHOOK, Link.DELIVERY} & set(links.asked)


def test_a_receiver_the_cluster_was_not_asked_for_is_told_by_its_answers(links: Links) -> None:
    """Without an answer it stays unseen."""
    unseen = {Link.RECEIVER: "the cluster was not asked"}
    public = PublicEvidence(
        url="https://flux.example.com", control=Reply(status=404), unsigned=Reply(status=404)
    )

    assert {"receiver": "unseen"} == states(links.walk(unseen=unseen))
    first = links.walk(unseen=unseen, public=public).first
    assert first is not None
    assert Fault.RECEIVER_MISSING is first.fault


def test_a_diagnosis_says_for_machines_what_it_says_for_people(links: Links) -> None:
    """All links of all chains, in their order."""
    links.wrong(Fault.SOURCE_SUSPENDED)
    chain = links.walk()
    told = Diagnosis(chains=(chain,), unseen=("no token",)).as_json()

    assert not told["ok"]
    assert ["no token"] == told["unseen"]
    (seen,) = told["chains"]
    assert ("app", False) == (seen["name"], seen["ok"])
    assert list(map(str, LINKS)) == [link["link"] for link in seen["links"]]
    assert {
        "fault": "source-suspended",
        "link": "source",
        "breaks": True,
        "where": "it",
        "wrong": "it is wrong",
        "evidence": ["seen"],
        "sure": "proved",
        "cure": "mend it",
    } == seen["first"]


def test_every_fault_has_a_name_and_a_meaning_of_its_own() -> None:
    """Names are labels of metrics and rows of the documentation."""
    labels = [fault.label for fault in Fault]

    assert sorted(set(labels)) == sorted(labels)
    assert [] == [label for label in labels if not label.replace("-", "").isalpha()]
    assert list(LINKS) == list(dict.fromkeys(fault.link for fault in Fault))
