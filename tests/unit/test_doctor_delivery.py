"""What the forge's log of deliveries is judged to say."""

import dataclasses
import datetime
import hashlib
import hmac
import json
from typing import Any

import pytest

from fluxhooks.observe.doctor.deliveries import goes_through
from fluxhooks.observe.doctor.diagnosis import Examined, State, Sure
from fluxhooks.observe.doctor.evidence import FluxObject
from fluxhooks.observe.doctor.faults import Fault, Link
from fluxhooks.observe.doctor.links.delivery import LARGEST, examine
from fluxhooks.observe.forges import Delivery
from tests.leaks import Leaks
from tests.unit.forge_evidence import (
    NEW,
    NOW,
    OLD,
    PATH,
    TOKEN,
    UNSERVED,
    cluster,
    delivery,
    evidence,
    head,
    of_stack,
    public,
    receiver,
    source,
    url,
    webhook,
)

FINE = (
    Examined(link=Link.NETWORK, state=State.OK),
    Examined(link=Link.INGRESS, state=State.OK),
    Examined(link=Link.RECEIVER, state=State.OK),
)
BROKEN = (*FINE[:2], Examined(link=Link.RECEIVER, state=State.BROKEN))


def judge(forge: str, *log: Delivery, behind: tuple[Examined, ...] = FINE, **changes: Any) -> Any:
    of_forge = {"deliveries": log} | changes.pop("of_forge", {})
    seen = changes.pop("seen", [])
    return examine(evidence(forge, *seen, of_forge=of_forge, **changes), behind)


def faults(examined: Examined) -> list[Fault]:
    return [finding.fault for finding in examined.findings]


def fetched(after: float, **changes: Any) -> FluxObject:
    """The source, whose artifact came so many minutes before now."""
    found = source(**changes)
    at = (NOW - datetime.timedelta(minutes=after)).isoformat()
    status = {"artifact": {**found.status["artifact"], "lastUpdateTime": at}}
    return dataclasses.replace(found, status=status)


@pytest.mark.parametrize("forge", ["github", "gitlab"])
@pytest.mark.parametrize(
    "log",
    [
        pytest.param([], id="idle"),
        pytest.param([(200, {})], id="taken"),
        pytest.param([(400, {"event": "ping"})], id="a ping, when it was made"),
        pytest.param([(0, {"event": "ping", "reason": "timed out"})], id="a ping to nobody"),
        pytest.param([(200, {}), (500, {"ago": 20})], id="one that was made up for"),
        pytest.param(
            [(200, {"redelivery": True}), (400, {"ago": 20})], id="one that was sent again"
        ),
        pytest.param(
            [(400, {"event": "issues"}), (200, {"ago": 20})], id="an event that is not taken"
        ),
        pytest.param(
            [(500, {"ref": "refs/heads/feature", "commit": NEW}), (200, {"ago": 20})],
            id="a branch that nobody follows",
        ),
        pytest.param([(503, {"ref": "refs/heads/main", "commit": OLD})], id="what was fetched"),
    ],
)
def test_nothing_is_wrong_with_what_works(forge: str, log: list[tuple[int, Any]]) -> None:
    """And never with a webhook that has nothing to tell."""
    entries = [delivery(status, forge=forge, **changes) for status, changes in log]

    examined = judge(forge, *entries)

    assert (State.OK, []) == (examined.state, faults(examined))


def test_what_was_seen_is_said() -> None:
    """Event, branch, age, ID and answer."""
    examined = judge("github", delivery(200, ref="refs/heads/main", id="99"))

    assert "push of main, delivery 99, 10 min ago, was answered 200" == examined.seen


@pytest.mark.parametrize("status", [0, 400, 404, 500, 503])
def test_a_failure_that_something_behind_explains_is_its_symptom(status: int) -> None:
    """It is no finding of its own."""
    examined = judge("github", delivery(status, id="99"), behind=BROKEN)

    assert (State.SYMPTOM, []) == (examined.state, faults(examined))
    assert "delivery 99" in examined.seen


_COMPACT = {"separators": (",", ":")}


@pytest.mark.parametrize(
    ("forge", "entry", "fault", "wrong", "cure"),
    [
        pytest.param(
            "github",
            {"status": 400},
            Fault.DELIVERY_SECRET_DIFFERS,
            "the forge's secret is not the token in the Receiver's Secret: its deliveries are "
            "refused",
            "give the webhook the Receiver's token: `gh api -X PATCH "
            'repos/acme/app/hooks/42/config -f "secret=$(kubectl -n flux-system get secret app-g2',
            id="another secret at GitHub",
        ),
        pytest.param(
            "gitlab",
            {"status": 400, "url": url()},
            Fault.DELIVERY_SECRET_DIFFERS,
            "the forge's secret is not the token in the Receiver's Secret: its deliveries are "
            "refused",
            "give the webhook the Receiver's token: `glab api -X PUT "
            'projects/acme%2Fapp/hooks/42 -f "url=$(glab api',
            id="another secret at GitLab",
        ),
        pytest.param(
            "github",
            {"status": 0, "reason": "failed to connect to host"},
            Fault.DELIVERY_NO_CONNECTION,
            "the forge gets no connection, and this machine does",
            "let in the forge's addresses (`gh api meta --jq .hooks[]`); then send it again: "
            "`gh api -X POST repos/acme/app/hooks/42/deliveries/0-10/attempts`",
            id="no connection",
        ),
        pytest.param(
            "github",
            {
                "status": 0,
                "reason": "Peer certificate cannot be authenticated with given CA certificates",
            },
            Fault.DELIVERY_NO_CONNECTION,
            "the forge does not trust the host's certificate, which this machine trusts",
            "serve a certificate of a public authority",
            id="a certificate of one's own",
        ),
        pytest.param(
            "gitlab",
            {"status": 0, "reason": "internal error", "duration": 0.1},
            Fault.DELIVERY_NO_CONNECTION,
            "the forge gets no connection, and this machine does",
            "let in the forge's addresses",
            id="no connection at GitLab",
        ),
        pytest.param(
            "github",
            {"status": 0, "reason": "timed out", "duration": 10.0},
            Fault.DELIVERY_TIMED_OUT,
            "the forge waited for an answer in vain, for 10 s",
            "a firewall that drops the forge's packets, or a slow ingress",
            id="timed out",
        ),
        pytest.param(
            "gitlab",
            {"status": 0, "reason": "internal error", "duration": 10.2},
            Fault.DELIVERY_TIMED_OUT,
            "the forge waited for an answer in vain, for 10 s",
            "a firewall that drops the forge's packets, or a slow ingress",
            id="timed out at GitLab",
        ),
        pytest.param(
            "github",
            {"status": 413, "size": LARGEST},
            Fault.DELIVERY_TOO_LARGE,
            "the delivery has 3.0 MiB, and notification-controller takes 3 MiB",
            "fetch what it told of: `flux reconcile source git app -n flux-system`",
            id="too large",
        ),
        pytest.param(
            "gitlab",
            {"status": 0, "reason": "internal error", "size": LARGEST * 2},
            Fault.DELIVERY_TOO_LARGE,
            "the delivery has 6.0 MiB, and notification-controller takes 3 MiB",
            "fetch what it told of: `flux reconcile source git app -n flux-system`",
            id="too large to hear the answer",
        ),
        pytest.param(
            "github",
            {"status": 503},
            Fault.DELIVERY_FAILED,
            "the newest delivery was answered 503, and nothing has made up for it",
            "what it failed of is over; then send it again: `gh api -X POST",
            id="an outage that is over",
        ),
        pytest.param(
            "gitlab",
            {"status": 403, "server": "nginx"},
            Fault.DELIVERY_FAILED,
            "the newest delivery was answered 403, by nginx, and nothing has made up for it",
            "let in the forge's addresses",
            id="only this machine is let in",
        ),
        pytest.param(
            "gitlab",
            {"status": 302},
            Fault.DELIVERY_FAILED,
            "the newest delivery was answered 302, and nothing has made up for it",
            "have the webhook call the address that is redirected to: none is followed",
            id="a redirect, which GitLab counts as taken",
        ),
    ],
)
def test_a_failure_that_nothing_behind_explains_is_a_finding(
    forge: str, entry: dict[str, Any], fault: Fault, wrong: str, cure: str
) -> None:
    """With what was answered, and how it is sent again."""
    (finding,) = judge(forge, delivery(forge=forge, **entry)).findings

    assert (fault, wrong) == (finding.fault, finding.wrong)
    assert finding.cure.startswith(cure)
    assert "webhook acme/app 42" == finding.where
    assert f"delivery {entry['status']}-10, 10 min ago," in finding.evidence[0]


def test_how_sure_another_secret_is() -> None:
    """A token is shown as it is, so that a probe proves it; of a signature nobody returns all."""
    for forge, signed, sure in (
        ("gitlab", 200, Sure.PROVED),
        ("gitlab", None, Sure.LIKELY),
        ("github", 200, Sure.LIKELY),
    ):
        (finding,) = judge(forge, delivery(400, forge=forge), public=public(signed)).findings
        assert (Fault.DELIVERY_SECRET_DIFFERS, sure) == (finding.fault, finding.sure)


def test_a_signature_of_the_receivers_token_acquits_the_secret() -> None:
    """It is made again over what the forge says was sent."""
    payload = {"ref": "refs/heads/main", "after": NEW, "who": "ü"}
    body = json.dumps(payload, ensure_ascii=False, **_COMPACT).encode()  # type: ignore[arg-type]
    digest = hmac.new(TOKEN.encode(), body, hashlib.sha256).hexdigest()
    entry = delivery(
        400,
        payload=payload,
        ref=payload["ref"],
        commit=NEW,
        headers={"x-hub-signature-256": f"sha256={digest}"},
    )

    assert [Fault.DELIVERY_FAILED] == faults(judge("github", entry))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"url": url(UNSERVED)}, id="to where the webhook pointed then"),
        pytest.param({"ago": 60}, id="by the webhook before it was edited"),
    ],
)
def test_what_was_otherwise_then_says_nothing_of_the_secret(changes: dict[str, Any]) -> None:
    """It failed all the same, until something makes up for it."""
    edited = webhook(changed_at=NOW - datetime.timedelta(minutes=30))
    entry = delivery(**{"status": 400, **changes})
    made_up = cluster(receiver(), fetched(5))

    assert [Fault.DELIVERY_FAILED] == faults(judge("github", entry, seen=[edited]))
    assert [] == faults(judge("github", entry, seen=[edited], cluster=made_up))


@pytest.mark.parametrize(
    ("status", "lasting"),
    [
        pytest.param(400, True, id="another secret"),
        pytest.param(0, False, id="a moment without connection"),
        pytest.param(500, False, id="a moment of trouble"),
    ],
)
def test_what_is_over_is_made_up_for_by_the_next_poll(status: int, lasting: bool) -> None:
    """What lasts is not: the next delivery fails as well."""
    made_up = cluster(receiver(), fetched(5))
    log = (delivery(status), delivery(200, ago=60))

    assert lasting == bool(faults(judge("github", *log, cluster=made_up)))
    assert faults(judge("github", *log))


def test_no_connection_twice_is_no_moment() -> None:
    """The source polls, and nobody delivers."""
    made_up = cluster(receiver(), fetched(5))
    log = (delivery(0, reason="timed out"), delivery(0, reason="timed out", ago=60))

    assert [Fault.DELIVERY_TIMED_OUT] == faults(judge("github", *log, cluster=made_up))


def test_a_receiver_that_takes_nothing_that_is_sent() -> None:
    """That is no mere warning."""
    target = {"kind": "HelmRepository", "name": "app"}
    (finding,) = judge(
        "github",
        delivery(400, event="page_build", id="99"),
        # From before it was edited.
        delivery(200, ago=60),
        seen=[webhook(events=frozenset({"page_build"}))],
        cluster=cluster(receiver(resources=[target]), source("HelmRepository")),
    ).findings

    assert Fault.DELIVERY_EVENT_REFUSED is finding.fault
    assert (
        "the forge sends page_build, and Receiver flux-system/app-g2 takes only push, ping"
        == finding.wrong
    )
    assert "`kubectl -n flux-system patch receiver app-g2 --type=json -p '" in finding.cure


# What was not sent


def missed(forge: str = "github", ago: float = 10, **changes: Any) -> Examined:
    of_forge = {"heads": {"main": NEW}, "pushed": {"main": head(ago, **changes.pop("head", {}))}}
    log = changes.pop("log", ())
    examined: Examined = judge(forge, *log, of_forge=of_forge, **changes)
    return examined


def test_events_that_the_receiver_is_found_to_refuse_are_its_symptom() -> None:
    """What its sources need is the Receiver's fault."""
    taking = cluster(receiver("github", events=["ping"]), source())
    examined = judge("github", delivery(400), behind=BROKEN, cluster=taking)

    assert (State.SYMPTOM, []) == (examined.state, faults(examined))
    assert [Fault.DELIVERY_EVENT_REFUSED] == faults(judge("github", delivery(400), cluster=taking))


def test_a_commit_that_was_told_to_nobody() -> None:
    """With the way to have it now."""
    (finding,) = missed("gitlab", head={"refs": 5}).findings

    assert (Fault.DELIVERY_NOT_SENT, Sure.PROVED) == (finding.fault, finding.sure)
    assert (
        "main was pushed to with 5 branches at once 10 min ago, and the forge has sent nothing "
        "for it" == finding.wrong
    )
    assert (
        "fetch it now: `flux reconcile source git app -n flux-system`; push at most three branches "
        "or tags at a time" == finding.cure
    )
    (likely,) = missed("github").findings
    assert (Fault.DELIVERY_NOT_SENT, Sure.LIKELY) == (likely.fault, likely.sure)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"ago": 1}, id="it may be under way"),
        pytest.param({"ago": 4 * 24 * 60}, id="the log forgets"),
        pytest.param({"head": {"commit": OLD}}, id="it is what was fetched"),
        pytest.param({"log": [delivery(200, commit=NEW)]}, id="it was told"),
        pytest.param({"log": [delivery(200)]}, id="it may have been told"),
        pytest.param(
            {"seen": [webhook(changed_at=NOW - datetime.timedelta(minutes=5))]},
            id="there was no such webhook yet",
        ),
        pytest.param(
            {"cluster": cluster(receiver(), source(suspend=True))}, id="nobody fetches it"
        ),
        pytest.param({"cluster": cluster(receiver(), source(revision=""))}, id="nor ever did"),
        pytest.param(
            {"log": [delivery(200, event="issues", ago=n / 50) for n in range(100)]},
            id="the page of the log is full",
        ),
        pytest.param({"cluster": None}, id="what is fetched cannot be seen"),
    ],
)
def test_what_may_well_be_sent_is_not_missed(changes: dict[str, Any]) -> None:
    """Only what is certain is said."""
    assert [] == faults(missed(**changes))


def test_pushes_of_other_commits_are_not_it() -> None:
    """Though they were told of later."""
    log = [delivery(200, ago=5, commit="3" * 40), delivery(200, ago=60)]

    assert [Fault.DELIVERY_NOT_SENT] == faults(missed(log=log))


def test_a_shorter_grace_may_be_given() -> None:
    """Whoever knows that nothing is under way need not wait."""
    grace = datetime.timedelta(0)

    assert [Fault.DELIVERY_NOT_SENT] == faults(missed(ago=1, grace=grace))


# The rest


def test_deliveries_that_are_held_back_are_a_warning() -> None:
    """They arrive."""
    late = delivery(200, throttled_at=NOW)
    examined = judge("github", late)

    assert (State.WARNING, [Fault.DELIVERY_THROTTLED]) == (examined.state, faults(examined))


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        pytest.param({"forge": None}, State.UNSEEN, id="no forge"),
        pytest.param({"forge": None, "managed": False}, State.ABSENT, id="told by hand"),
        pytest.param({"of_forge": {"unseen": "GitHub is out"}}, State.UNSEEN, id="outage"),
        pytest.param({"of_forge": {"unseen_log": "no right"}}, State.UNSEEN, id="no log"),
        pytest.param({"of_forge": {"webhook": None}}, State.ABSENT, id="no webhook"),
    ],
)
def test_what_cannot_be_known_is_no_finding(changes: dict[str, Any], state: State) -> None:
    """It is said why."""
    examined = examine(evidence("github", **changes), FINE)

    assert (state, []) == (examined.state, faults(examined))
    assert examined.seen


@pytest.mark.parametrize("forge", ["github", "gitlab"])
@pytest.mark.parametrize("status", [0, 302, 400, 413, 500])
def test_nothing_secret_is_told(forge: str, status: int) -> None:
    """Neither token nor path, though the log has both."""
    leaks = Leaks()
    leaks.know_token(TOKEN)
    leaks.know_path(PATH)
    entry = delivery(
        status,
        forge=forge,
        url=url(),
        size=LARGEST,
        payload={"ref": "refs/heads/main", "secret": TOKEN},
        headers={"x-gitlab-token": TOKEN, "x-hub-signature-256": "sha256=" + "0" * 64},
    )
    seen = evidence(forge, of_forge={"deliveries": (entry,)})
    for each in (seen, of_stack(seen, forge)):
        examined = examine(each, FINE)
        assert examined.findings
        leaks.read("what is told", str(examined.as_json()) + repr(examined))
    leaks.read("evidence", repr(seen))

    assert [] == leaks.found()


def test_what_was_taken_elsewhere_does_not_go_through() -> None:
    """GitLab does not tell when a webhook was edited, and tells what each delivery called."""
    taken, elsewhere = (
        evidence("gitlab", of_forge={"deliveries": (delivery(forge="gitlab", url=called),)})
        for called in (url(), "https://old.example.com" + PATH)
    )

    assert (True, False) == (goes_through(taken), goes_through(elsewhere))
