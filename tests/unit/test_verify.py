"""A rotation is verified where it counts: in the state, the cluster, at the forge, at old URLs."""

import dataclasses
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from fluxhooks.observe.cluster import ClusterObject
from fluxhooks.observe.forges import Delivery, SeenWebhook
from fluxhooks.observe.state import (
    DeclaredGeneration,
    DeclaredReceiver,
    DeclaredWebhook,
    Scope,
    StackState,
    parse,
)
from fluxhooks.operate import verify as verification
from fluxhooks.operate.plan import Action, Move, Plan
from fluxhooks.operate.verify import Check, verify

# `web` is at generation 2, which retains 1; before, generation 3 of it stands for an old one.
STATE = parse((Path(__file__).parent.parent / "golden" / "interrupted-stack.json").read_text())
WEB = STATE.receivers["web"]
OLD = dataclasses.replace(WEB.generations[1], number=3, path="/hook/" + "a" * 64)
MOVE = Move(name="web", action=Action.ROTATE, live=3, target=2, retained=(1,))
SINCE = datetime.datetime(2026, 11, 22, 14, tzinfo=datetime.UTC)
LATER = Delivery(id="2", event="push", at=SINCE + datetime.timedelta(seconds=1), status=200)
EARLIER = Delivery(id="1", event="push", at=SINCE - datetime.timedelta(seconds=1), status=200)

GOOD = {
    "live generation": (True, "2"),
    "Receiver of generation 2": (True, "Ready, with its path"),
    "Receiver of generation 1": (True, "Ready, with its path"),
    "webhook": (True, "calls the live path, active, JSON"),
    "delivery": (True, "push 200"),
    "old path of generation 3": (True, "404"),
}


class Cluster:
    """A cluster with the Receivers of `web`, changed by generation."""

    def __init__(self, **changes: dict[str, Any] | None) -> None:
        self._changes = changes

    def receivers(self, namespaces: list[str]) -> list[ClusterObject]:
        assert ["flux-system"] == namespaces
        found = []
        for number, generation in WEB.generations.items():
            change = self._changes.get(f"g{number}", {})
            if change is not None:
                declared = ClusterObject(
                    kind="Receiver",
                    namespace=generation.namespace,
                    name=generation.receiver,
                    path=generation.path,
                )
                found.append(dataclasses.replace(declared, **change))
        return found


class Forge:
    """A forge with the webhook of `web`, changed; it pings once."""

    def __init__(
        self, last: Delivery | None = LATER, ping: Delivery | None = None, **changes: Any
    ) -> None:
        self._last, self._ping, self._changes = last, ping, changes
        self.pings = 0

    def of(self, declared: DeclaredWebhook) -> Any:
        return self

    def webhook(self, declared: DeclaredWebhook) -> SeenWebhook | None:
        seen = SeenWebhook(scope=declared.scope, id=declared.id, url=declared.url)
        return None if "gone" in self._changes else dataclasses.replace(seen, **self._changes)

    def last_delivery(self, declared: DeclaredWebhook) -> Delivery | None:
        return self._last

    def ping(self, declared: DeclaredWebhook) -> Delivery | None:
        self.pings += 1
        return self._ping


def state(receiver: DeclaredReceiver | None) -> StackState:
    """Return a stack with `web` only, or without it."""
    return dataclasses.replace(STATE, receivers={"web": receiver} if receiver else {})


def answering(status: int) -> httpx.MockTransport:
    """Return a host that answers everything with a status."""
    return httpx.MockTransport(lambda request: httpx.Response(status))


def checks(
    *,
    after: DeclaredReceiver | None = WEB,
    cluster: Any = None,
    forge: Any = None,
    transport: httpx.AsyncBaseTransport | None = None,
    reach: bool = True,
    old: DeclaredGeneration = OLD,
) -> list[Check]:
    """Return what is verified of a rotation of `web` from 3 to 2."""
    before = dataclasses.replace(WEB, live=3, generations={**WEB.generations, 3: old})
    return verify(
        state(before),
        state(after),
        Plan(moves=(MOVE,)),
        cluster=cluster or Cluster(),
        forges=forge or Forge(),
        since=SINCE,
        reach=reach,
        transport=transport or answering(404),
    )


def seen(found: list[Check]) -> dict[str, tuple[bool | None, str]]:
    """Return result and words by what was looked at."""
    return {check.what: (check.ok, check.seen) for check in found}


def test_a_rotation_that_is_done_is_right_everywhere() -> None:
    """And a delivery since then makes a ping needless."""
    forge = Forge()

    assert GOOD == seen(checks(forge=forge))
    assert 0 == forge.pings


@pytest.mark.parametrize(
    ("arguments", "what", "said"),
    [
        pytest.param(
            lambda: {"after": dataclasses.replace(WEB, live=3)},
            "live generation",
            "3 instead of 2",
            id="not live",
        ),
        pytest.param(
            lambda: {"after": dataclasses.replace(WEB, generations={**WEB.generations, 3: OLD})},
            "older generations",
            "3 still declared; does the program's argument retained say so?",
            id="not retired",
        ),
        pytest.param(lambda: {"after": None}, "state", "the component is gone", id="no component"),
        pytest.param(
            lambda: {"cluster": Cluster(g2=None)},
            "Receiver of generation 2",
            "is not in the cluster",
            id="no Receiver",
        ),
        pytest.param(
            lambda: {"cluster": Cluster(g1={"not_ready": "TokenNotFound"})},
            "Receiver of generation 1",
            "is not Ready: TokenNotFound",
            id="a retained one is not Ready",
        ),
        pytest.param(
            lambda: {"cluster": Cluster(g2={"path": OLD.path})},
            "Receiver of generation 2",
            "serves another path than the stack declares",
            id="another path",
        ),
        pytest.param(lambda: {"forge": Forge(gone=True)}, "webhook", "it is gone", id="no webhook"),
        pytest.param(
            lambda: {"forge": Forge(url=f"https://flux.example.com{OLD.path}")},
            "webhook",
            "it calls another path",
            id="an old path",
        ),
        pytest.param(
            lambda: {"forge": Forge(url=f"https://example.com{WEB.finished_path}")},
            "webhook",
            "it calls another host",
            id="another host",
        ),
        pytest.param(
            lambda: {"forge": Forge(active=False, json=False)},
            "webhook",
            "it is not active; it does not send JSON",
            id="changed by hand",
        ),
        pytest.param(
            lambda: {"forge": Forge(EARLIER)},
            "delivery",
            "the forge's ping was not delivered",
            id="no ping",
        ),
        pytest.param(
            lambda: {"forge": Forge(dataclasses.replace(LATER, status=404))},
            "delivery",
            "push 404",
            id="a red delivery",
        ),
        pytest.param(
            lambda: {"forge": Forge(dataclasses.replace(LATER, status=0))},
            "delivery",
            "push without an answer",
            id="an unanswered delivery",
        ),
    ],
)
def test_what_is_wrong_is_said(
    arguments: Callable[[], dict[str, Any]], what: str, said: str
) -> None:
    """Each by itself, in words without a secret."""
    found = seen(checks(**arguments()))

    assert (False, said) == found[what]
    assert "/hook/" not in str(found)


def test_without_a_delivery_since_then_the_forge_pings() -> None:
    """One from before proves the old chain only."""
    for last in (None, EARLIER):
        forge = Forge(last, dataclasses.replace(LATER, event="ping"))

        assert (True, "ping 200") == seen(checks(forge=forge))["delivery"]
        assert 1 == forge.pings


def test_an_old_path_that_still_answers_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some time for the controller to forget it."""
    monkeypatch.setattr(verification, "_FORGET_SECONDS", 0.01)

    assert (False, "400") == seen(checks(transport=answering(400)))["old path of generation 3"]


def test_an_old_path_is_asked_for_until_it_is_forgotten() -> None:
    """The controller takes a moment."""
    answers = iter([400, 400])
    transport = httpx.MockTransport(lambda request: httpx.Response(next(answers, 404)))

    assert (True, "404") == seen(checks(transport=transport))["old path of generation 3"]


def test_what_cannot_be_reached_is_not_called_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner behind a firewall does not know."""
    monkeypatch.setattr(verification, "_FORGET_SECONDS", 0.01)

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    found = seen(checks(transport=httpx.MockTransport(refuse)))
    assert (None, "no answer: refused") == found["old path of generation 3"]


def test_where_verification_is_off_old_urls_are_not_asked() -> None:
    """Forge and cluster still are."""
    found = seen(checks(reach=False))

    assert (None, "not asked: verification is off") == found["old path of generation 3"]
    assert GOOD["webhook"] == found["webhook"]


def test_old_urls_are_asked_without_a_signature() -> None:
    """At the host the webhook calls."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(404)

    checks(transport=httpx.MockTransport(answer))

    assert [("GET", f"https://flux.example.com{OLD.path}", b"")] == [
        (request.method, str(request.url), request.content) for request in asked
    ]


def test_a_generation_that_never_had_a_path_has_no_old_one() -> None:
    """Its Receiver was not Ready when the run before was killed."""
    found = seen(checks(old=dataclasses.replace(OLD, path="")))

    assert {what: result for what, result in GOOD.items() if "old path" not in what} == found


def test_a_webhook_the_forge_cannot_test_is_not_pinged() -> None:
    """GitLab tests pushes; of others it is not known, which is no fault."""
    forge = Forge(EARLIER, pingable=False)

    assert (None, "none yet, and the forge has no test for its events") == (
        seen(checks(forge=forge))["delivery"]
    )
    assert 0 == forge.pings


def test_of_a_delivery_that_gitea_tells_nobody_of_it_is_said_where_it_is() -> None:
    """A test of its would reconcile, and prove nothing to anybody here."""
    webhook = dataclasses.replace(
        WEB.webhook, scope=Scope("gitea", "repository", "acme/web", "https://git.example.com")
    )
    forge = Forge(None, pingable=False)

    found = seen(checks(after=dataclasses.replace(WEB, webhook=webhook), forge=forge))

    told = "not seen: Gitea tells of deliveries on its page of the webhook, and nowhere"
    assert (None, told) == found["delivery"]
    assert 0 == forge.pings


def test_without_a_webhook_of_ours_no_forge_is_asked() -> None:
    """Whether the sender was told is not known here."""
    found = seen(checks(after=dataclasses.replace(WEB, managed=False, webhook=None)))

    assert (None, "none is made here; its sender is told by hand") == found["webhook"]
    assert "delivery" not in found


def test_a_webhook_that_is_wrong_is_not_pinged() -> None:
    """Where it is gone, or calls something else, a ping proves nothing."""
    forge = Forge(EARLIER, active=False)

    assert "delivery" not in seen(checks(forge=forge))
    assert 0 == forge.pings
