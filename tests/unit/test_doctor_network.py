"""The doctor's links network and ingress: what each answer of a public host means."""

import dataclasses
import datetime
from typing import Any

import pytest

from fluxhooks.observe.doctor.diagnosis import Examined, State, Sure
from fluxhooks.observe.doctor.evidence import (
    ClusterEvidence,
    Evidence,
    FluxObject,
    ForgeEvidence,
    PublicEvidence,
)
from fluxhooks.observe.doctor.faults import Fault, Link
from fluxhooks.observe.doctor.links import answers, ingress, network
from fluxhooks.observe.forges import Delivery, SeenWebhook
from fluxhooks.observe.probing.replies import Failure, Reply
from fluxhooks.observe.state import Scope

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
PATH = "/hook/" + "ab" * 32
URL = f"https://flux.example.com{PATH}"
SCOPE = Scope("github", "repository", "acme/app")

FINE = {"control": Reply(status=404), "unsigned": Reply(status=400), "signed": Reply(status=200)}


def page(status: int) -> Reply:
    """Return an answer with a page."""
    return Reply(status=status, page=True, server="nginx")


def cluster(*, ready: bool = True, suspended: bool = False, path: str = PATH) -> ClusterEvidence:
    """Return a cluster whose Receiver serves, or does not."""
    receiver = FluxObject(
        kind="Receiver",
        namespace="flux-system",
        name="app",
        spec={"type": "github", "suspend": suspended},
        status={
            "webhookPath": path,
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    )
    return ClusterEvidence(objects={receiver.key: receiver})


def evidence(
    *,
    seen: ClusterEvidence | None = None,
    delivery: Delivery | None = None,
    url: str = URL,
    verifies: bool = True,
    **replies: Any,
) -> Evidence:
    """Return what was seen of a chain whose public URL answers as it must, but for `replies`."""
    return Evidence(
        name="app",
        receiver=("flux-system", "app"),
        now=NOW,
        public=PublicEvidence(url=url, **{**FINE, **replies}),
        cluster=seen,
        forge=ForgeEvidence(
            scope=SCOPE,
            webhook=SeenWebhook(scope=SCOPE, id="42", url=URL, verifies_tls=verifies),
            deliveries=(delivery,) if delivery else (),
        ),
    )


def delivered(status: int, **more: Any) -> Delivery:
    """Return the newest delivery in the forge's log."""
    return Delivery(id="7", event="push", at=NOW, status=status, **more)


def nothing_but(control: Reply) -> dict[str, Any]:
    """Return what is seen where nothing more is asked after the first request."""
    return {"control": control, "unsigned": None, "signed": None}


def everywhere(reply: Reply) -> dict[str, Any]:
    """Return what is seen where every path is answered alike."""
    return {"control": reply, "unsigned": reply, "signed": None}


def told(examined: Examined) -> tuple[Fault, Sure]:
    """Return the one finding's fault and how sure it is."""
    (finding,) = examined.findings
    assert finding.fault.link is examined.link
    assert "/hook/ab" not in repr(finding)
    assert finding.cure
    assert finding.evidence
    return finding.fault, finding.sure


@pytest.mark.parametrize("examine", [network.examine, ingress.examine])
def test_a_chain_that_answers_as_it_must_has_nothing(examine: Any) -> None:
    """Both links are fine, and say what was seen."""
    found = examine(evidence(seen=cluster()))

    assert (State.OK, ()) == (found.state, found.findings)
    assert found.seen


@pytest.mark.parametrize("examine", [network.examine, ingress.examine])
def test_what_was_not_asked_is_not_judged(examine: Any) -> None:
    """Without a public URL there is nothing to say."""
    unasked = Evidence(name="app", receiver=("flux-system", "app"), now=NOW)

    assert State.UNSEEN is examine(unasked).state


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        pytest.param(Reply(failure=Failure.NAME), Fault.DNS, id="name"),
        pytest.param(Reply(failure=Failure.REFUSED), Fault.CONNECTION_REFUSED, id="refused"),
        pytest.param(
            Reply(failure=Failure.NO_CONNECTION), Fault.CONNECTION_TIMED_OUT, id="dropped"
        ),
        pytest.param(Reply(failure=Failure.UNREACHABLE), Fault.UNREACHABLE, id="no route"),
        pytest.param(Reply(failure=Failure.NO_TLS), Fault.NOT_TLS, id="no TLS"),
        *(
            pytest.param(
                Reply(failure=Failure.CERTIFICATE, verify_code=code), fault, id=f"OpenSSL {code}"
            )
            for code, fault in (
                (9, Fault.CERTIFICATE_NOT_YET_VALID),
                (10, Fault.CERTIFICATE_EXPIRED),
                (18, Fault.CERTIFICATE_UNTRUSTED),
                (20, Fault.CERTIFICATE_UNTRUSTED),
                (62, Fault.CERTIFICATE_OTHER_NAME),
                (64, Fault.CERTIFICATE_OTHER_NAME),
                (79, Fault.CERTIFICATE_UNTRUSTED),
            )
        ),
    ],
)
def test_why_there_is_no_connection(reply: Reply, fault: Fault) -> None:
    """Each way to fail before the first answer is a fault of its own."""
    found = network.examine(evidence(delivery=delivered(0), **nothing_but(reply)))

    assert State.BROKEN is found.state
    assert (fault, Sure.PROVED) == told(found)
    assert "flux.example.com" in found.findings[0].wrong


@pytest.mark.parametrize(
    ("reply", "sure"),
    [
        (Reply(failure=Failure.REFUSED), Sure.LIKELY),
        (Reply(failure=Failure.NAME), Sure.LIKELY),
        (Reply(failure=Failure.CERTIFICATE, verify_code=10), Sure.PROVED),
    ],
)
def test_a_forge_that_got_through_makes_a_failure_from_here_less_sure(
    reply: Reply, sure: Sure
) -> None:
    """But not what everybody sees alike, as that a certificate has expired."""
    found = network.examine(evidence(delivery=delivered(200), **nothing_but(reply)))

    assert sure is told(found)[1]


@pytest.mark.parametrize(
    ("code", "verifies", "status", "state"),
    [
        pytest.param(20, True, 200, State.UNSEEN, id="the forge trusts it"),
        pytest.param(20, True, 0, State.BROKEN, id="nobody trusts it"),
        pytest.param(10, True, 200, State.BROKEN, id="it has expired since"),
        pytest.param(10, False, 200, State.UNSEEN, id="nobody looks at it"),
        pytest.param(62, False, 200, State.UNSEEN, id="nobody looks at its name"),
        pytest.param(10, False, 502, State.BROKEN, id="nobody looks at it, and nothing works"),
    ],
)
def test_whom_a_forge_trusts_is_its_own_matter(
    code: int, verifies: bool, status: int, state: State
) -> None:
    """What is behind a certificate that is refused here is not seen from here."""
    found = evidence(
        delivery=delivered(status),
        verifies=verifies,
        **nothing_but(Reply(failure=Failure.CERTIFICATE, verify_code=code)),
    )

    assert state is network.examine(found).state
    assert State.UNSEEN is ingress.examine(found).state


@pytest.mark.parametrize(
    ("hours", "state"), [(1, State.UNSEEN), (23, State.UNSEEN), (25, State.BROKEN)]
)
def test_a_firewall_may_let_nobody_pass_but_the_forge(hours: float, state: State) -> None:
    """Which shows in its deliveries, as long as there are some of late."""
    at = NOW - datetime.timedelta(hours=hours)
    dropped = nothing_but(Reply(failure=Failure.NO_CONNECTION))
    refused = everywhere(page(403))
    delivery = dataclasses.replace(delivered(200), at=at)

    assert state is network.examine(evidence(delivery=delivery, **dropped)).state
    assert state is ingress.examine(evidence(delivery=delivery, **refused)).state


def test_that_nobody_trusts_a_certificate_needs_a_delivery_to_be_proved() -> None:
    """The forge may know an authority that is not known here."""
    unknown = nothing_but(Reply(failure=Failure.CERTIFICATE, verify_code=20))

    assert (Fault.CERTIFICATE_UNTRUSTED, Sure.LIKELY) == told(network.examine(evidence(**unknown)))


@pytest.mark.parametrize("status", [403, 0])
def test_a_firewall_that_lets_not_even_the_forge_pass_is_broken(status: int) -> None:
    """As its newest delivery shows."""
    dropped = nothing_but(Reply(failure=Failure.NO_CONNECTION))
    refused = everywhere(page(403))
    delivery = delivered(status)

    for examine, replies in ((network.examine, dropped), (ingress.examine, refused)):
        assert Sure.PROVED is told(examine(evidence(delivery=delivery, **replies)))[1]


@pytest.mark.parametrize("reply", [Reply(status=202), page(200), Reply(status=502)])
def test_what_is_answered_to_everybody_is_broken_whatever_the_log_says(reply: Reply) -> None:
    """What else answers may well answer 200."""
    found = ingress.examine(evidence(delivery=delivered(200), **everywhere(reply)))

    assert State.BROKEN is found.state


def test_a_connection_that_comes_about_once_only_is_broken() -> None:
    """As where one of several addresses is dead."""
    found = network.examine(evidence(unsigned=Reply(failure=Failure.REFUSED), signed=None))

    assert Fault.CONNECTION_REFUSED is told(found)[0]


@pytest.mark.parametrize(
    ("days", "state"), [(0.5, State.WARNING), (13.9, State.WARNING), (14.1, State.OK)]
)
def test_a_certificate_that_expires_soon_is_a_warning(days: float, state: State) -> None:
    """It stops nothing yet."""
    until = NOW + datetime.timedelta(days=days)
    found = network.examine(evidence(control=Reply(status=404, expires=until)))

    assert state is found.state
    expected = [] if state is State.OK else [Fault.CERTIFICATE_EXPIRES]
    assert expected == [finding.fault for finding in found.findings]


def test_the_evidence_holds_no_login_of_the_urls() -> None:
    """A webhook's URL may have one."""
    url = f"https://user:password@flux.example.com{PATH}"
    found = network.examine(evidence(url=url, **nothing_but(Reply(failure=Failure.NAME))))

    assert "password" not in repr(found)
    assert "https://flux.example.com" == found.findings[0].where


IN_FRONT = [
    pytest.param(Reply(status=301), Fault.REDIRECT, id="301"),
    pytest.param(Reply(status=308), Fault.REDIRECT, id="308"),
    pytest.param(page(401), Fault.LOGIN_REQUIRED, id="401"),
    pytest.param(Reply(status=407), Fault.LOGIN_REQUIRED, id="407"),
    pytest.param(page(403), Fault.REFUSED_IN_FRONT, id="403"),
    pytest.param(Reply(status=429), Fault.RATE_LIMIT, id="429"),
    pytest.param(page(200), Fault.OTHER_BACKEND, id="200"),
    pytest.param(Reply(status=204), Fault.OTHER_BACKEND, id="204"),
    pytest.param(Reply(status=405), Fault.OTHER_BACKEND, id="405"),
    pytest.param(page(400), Fault.OTHER_BACKEND, id="400 with a page"),
    pytest.param(page(500), Fault.OTHER_BACKEND, id="500"),
    pytest.param(Reply(status=502), Fault.NO_BACKEND, id="502"),
    pytest.param(Reply(status=503), Fault.NO_BACKEND, id="503"),
    pytest.param(page(503), Fault.NO_BACKEND, id="503 with a page"),
    pytest.param(Reply(status=504), Fault.NO_BACKEND, id="504"),
    pytest.param(page(521), Fault.NO_BACKEND, id="521"),
    pytest.param(Reply(failure=Failure.NO_ANSWER), Fault.NO_ANSWER, id="silence"),
    pytest.param(Reply(failure=Failure.CUT_OFF), Fault.NO_ANSWER, id="cut off"),
    pytest.param(Reply(status=400), Fault.WRONG_SERVICE, id="400"),
    pytest.param(Reply(status=202), Fault.WRONG_SERVICE, id="202"),
]


@pytest.mark.parametrize(("reply", "fault"), IN_FRONT)
def test_what_answers_every_path_alike_is_not_the_controller(reply: Reply, fault: Fault) -> None:
    """Whatever the cluster says of the Receiver."""
    for seen in (cluster(), cluster(ready=False), None):
        found = ingress.examine(evidence(seen=seen, **everywhere(reply)))

        assert (State.BROKEN, fault) == (found.state, told(found)[0])


@pytest.mark.parametrize(("reply", "fault"), IN_FRONT)
def test_where_nothing_may_be_sent_to_the_receiver_the_other_path_tells(
    reply: Reply, fault: Fault
) -> None:
    """As of a Receiver of the type generic, which any request reconciles."""
    found = ingress.examine(evidence(seen=cluster(), **nothing_but(reply)))

    assert fault is told(found)[0]


@pytest.mark.parametrize(
    "reply", [Reply(status=404), page(404)], ids=["the controller's", "a page"]
)
def test_a_404_on_another_path_alone_is_no_fault(reply: Reply) -> None:
    """Something in front may put pages of its own in place of errors."""
    for replies in (nothing_but(reply), {"control": reply}, {"control": reply, "unsigned": None}):
        assert State.OK is ingress.examine(evidence(seen=cluster(), **replies)).state


@pytest.mark.parametrize(
    ("control", "unsigned"),
    [
        pytest.param(404, Reply(status=404), id="gone"),
        pytest.param(404, Reply(status=503), id="suspended"),
        pytest.param(404, page(404), id="gone, behind a page"),
        pytest.param(404, page(503), id="suspended, behind a page"),
    ],
)
def test_what_the_receivers_link_explains_is_no_fault_of_the_ingress(
    control: int, unsigned: Reply
) -> None:
    """The controller answers so for a Receiver that does not serve."""
    for seen in (cluster(ready=False), cluster(suspended=True), ClusterEvidence()):
        replies = {"control": Reply(status=control), "unsigned": unsigned, "signed": None}

        assert State.OK is ingress.examine(evidence(seen=seen, **replies)).state


@pytest.mark.parametrize(
    ("control", "unsigned", "fault"),
    [
        pytest.param(Reply(status=404), Reply(status=404), Fault.PATH_CHANGED, id="404"),
        pytest.param(page(404), page(404), Fault.OTHER_BACKEND, id="a page"),
        pytest.param(Reply(status=404), page(503), Fault.NO_BACKEND, id="503 with a page"),
    ],
)
def test_a_receiver_that_serves_the_path_must_answer(
    control: Reply, unsigned: Reply, fault: Fault
) -> None:
    """The cluster says that it is served, so what is asked does not arrive."""
    replies = {"control": control, "unsigned": unsigned, "signed": None}

    assert fault is told(ingress.examine(evidence(seen=cluster(), **replies)))[0]


def test_a_path_outside_of_hook_is_told_by_what_gos_servers_say_of_it() -> None:
    """The controller's too; a proxy that names itself speaks for itself."""
    lost = Reply(status=404, page=True, not_under_hook=True)
    told_of = {
        fault: ingress.examine(evidence(seen=cluster(), **everywhere(reply)))
        for fault, reply in (
            (Fault.PATH_CHANGED, lost),
            (Fault.OTHER_BACKEND, dataclasses.replace(lost, server="nginx")),
        )
    }

    assert list(told_of) == [told(found)[0] for found in told_of.values()]


@pytest.mark.parametrize(
    ("location", "fault"),
    [
        ("https://www.example.com/hook/***", Fault.REDIRECT),
        ("https://flux.example.com/hook/***/", Fault.REDIRECT),
        ("https://login.example.com/?rd=%2Fhook%2F***", Fault.LOGIN_REQUIRED),
        ("/oauth2/start", Fault.LOGIN_REQUIRED),
        ("https://acme.example.com/sign_in", Fault.LOGIN_REQUIRED),
        ("", Fault.REDIRECT),
    ],
)
def test_a_redirect_to_a_page_to_sign_in_at_is_a_login(location: str, fault: Fault) -> None:
    """Where a redirect leads is said."""
    reply = Reply(status=302, location=location)
    found = ingress.examine(evidence(seen=cluster(), **everywhere(reply)))

    assert fault is told(found)[0]
    assert (fault is Fault.REDIRECT and bool(location)) == (
        f"It leads to {location}." in found.findings[0].cure
    )


def test_another_path_than_the_receivers_may_be_answered_404() -> None:
    """What the webhook calls is a matter of the webhook's."""
    replies = {"unsigned": Reply(status=404), "signed": None}
    seen = cluster(path="/hook/" + "cd" * 32)

    assert State.OK is ingress.examine(evidence(seen=seen, **replies)).state


@pytest.mark.parametrize(
    ("signed", "fault"),
    [
        (page(403), Fault.REFUSED_IN_FRONT),
        (Reply(status=404), Fault.OTHER_BACKEND),
        (Reply(status=405), Fault.OTHER_BACKEND),
        (Reply(status=413), Fault.BODY_LIMIT),
        (Reply(status=429), Fault.RATE_LIMIT),
        (Reply(status=502), Fault.NO_BACKEND),
        (Reply(failure=Failure.NO_ANSWER), Fault.NO_ANSWER),
    ],
)
def test_what_is_posted_may_be_stopped_where_a_get_is_not(signed: Reply, fault: Fault) -> None:
    """Deliveries are posted."""
    assert fault is told(ingress.examine(evidence(seen=cluster(), signed=signed)))[0]


@pytest.mark.parametrize("status", [400, 500, 503])
def test_what_the_controller_says_to_the_probe_is_the_receivers_matter(status: int) -> None:
    """Secret, event and targets are judged there."""
    found = ingress.examine(evidence(seen=cluster(), signed=Reply(status=status)))

    assert State.OK is found.state


@pytest.mark.parametrize(
    ("delivery", "expected"),
    [
        pytest.param(delivered(413, size=20_000), Sure.PROVED, id="small"),
        pytest.param(delivered(413, server="nginx"), Sure.PROVED, id="of nginx"),
        pytest.param(delivered(413), Sure.LIKELY, id="unknown"),
        pytest.param(delivered(413, size=4_000_000), None, id="the controller's limit"),
        pytest.param(delivered(413, url="https://other/hook/x"), None, id="to another URL"),
        pytest.param(delivered(200, size=20_000), None, id="taken"),
        pytest.param(delivered(403), None, id="403"),
    ],
)
def test_a_limit_of_bodies_is_seen_in_the_forges_log(
    delivery: Delivery, expected: Sure | None
) -> None:
    """The probe's few bytes pass."""
    found = ingress.examine(evidence(seen=cluster(), delivery=delivery))

    if expected is None:
        assert State.OK is found.state
    else:
        assert (Fault.BODY_LIMIT, expected) == told(found)


@pytest.mark.parametrize(
    ("replies", "fault"),
    [
        ({"unsigned": Reply(status=404), "signed": None}, Fault.RECEIVER_MISSING),
        ({"unsigned": Reply(status=503), "signed": None}, Fault.RECEIVER_NOT_READY),
        ({"signed": Reply(status=400)}, Fault.PATH_STALE),
        ({"signed": Reply(status=500)}, Fault.TARGET_MISSING),
    ],
)
def test_without_the_cluster_the_answers_tell_of_the_receiver(
    replies: dict[str, Any], fault: Fault
) -> None:
    """What they suggest is likely, and no more."""
    found = answers.examine(evidence(**replies))

    assert found is not None
    assert (Link.RECEIVER, State.BROKEN) == (found.link, found.state)
    assert (fault, Sure.LIKELY) == told(found)


def test_without_the_cluster_a_probe_that_is_taken_tells_most() -> None:
    """And where none was sent, nothing is told."""
    taken, unsent = answers.examine(evidence()), answers.examine(evidence(signed=None))

    assert taken is not None
    assert State.OK is taken.state
    assert unsent is None
