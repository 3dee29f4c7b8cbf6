"""Orphans are ours and unknown to the state; what is anybody else's is never one."""

import dataclasses
import datetime

from fluxhooks.observe.cluster import ClusterObject
from fluxhooks.observe.forges import SeenWebhook
from fluxhooks.observe.orphans import orphans
from fluxhooks.observe.state import (
    DeclaredGeneration,
    DeclaredReceiver,
    DeclaredWebhook,
    Scope,
    StackState,
)

PATHS = {name: "/hook/" + digit * 64 for name, digit in (("live", "a"), ("left", "b"))}
OTHERS = "/hook/" + "c" * 64
DEAD = "/hook/" + "d" * 64
AT = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

SCOPE = Scope("github", "repository", "app")

STATE = StackState(
    project="fluxhooks",
    stack="dev",
    receivers={
        "app": DeclaredReceiver(
            name="app",
            urn="",
            live=1,
            webhook=DeclaredWebhook(
                scope=SCOPE,
                id="1",
                url="https://flux.example.com" + PATHS["live"],
            ),
        )
    },
    objects=frozenset(
        {
            ("Receiver", "flux-system", "live"),
            ("Secret", "flux-system", "live-token"),
            ("Alert", "flux-system", "declared"),
        }
    ),
    hook_keys=frozenset({("github", "1")}),
)


def thing(
    name: str, *, kind: str = "Receiver", stack: str = "fluxhooks.dev", path: str = ""
) -> ClusterObject:
    """Return an object of generation 2 of app."""
    return ClusterObject(
        kind=kind,
        namespace="flux-system",
        name=name,
        stack=stack,
        component="app",
        generation="2",
        created_at=AT,
        path=path,
    )


RECEIVERS = (
    thing("live", path=PATHS["live"]),
    thing("left", path=PATHS["left"]),
    thing("others", stack="", path=OTHERS),
)


def hook(id_: str, path: str, *, host: str = "flux.example.com") -> SeenWebhook:
    """Return a webhook of the repository app."""
    return SeenWebhook(scope=SCOPE, id=id_, url=f"https://{host}{path}", changed_at=AT)


def found(
    objects: tuple[ClusterObject, ...] = (), webhooks: tuple[SeenWebhook, ...] = ()
) -> list[tuple[str, str, str]]:
    """Return kind, name and reason of what is found."""
    return [
        (orphan.kind, orphan.name, orphan.why)
        for orphan in orphans(STATE, objects=objects, receivers=RECEIVERS, webhooks=webhooks)
    ]


def test_what_is_declared_is_none() -> None:
    """The state knows it."""
    declared = (thing("live"), thing("live-token", kind="Secret"))

    assert [] == found(declared, (hook("1", PATHS["live"]),))


def test_what_a_killed_run_left_is_found() -> None:
    """Webhooks first: nothing should call what goes after them."""
    why = "generation 2 of app, unknown to the stack"

    assert [
        ("webhook", "app/2", "calls flux-system/left, unknown to the stack"),
        ("Receiver", "flux-system/left", why),
        ("Secret", "flux-system/left-token", why),
    ] == found(
        (thing("left-token", kind="Secret"), thing("left"), thing("live")),
        (hook("2", PATHS["left"]),),
    )


def test_what_is_left_of_alerting_is_found_in_the_order_in_which_it_can_go() -> None:
    """An Alert names its Provider, and that its Secret; there is no generation to tell."""
    left = tuple(
        dataclasses.replace(thing(name, kind=kind), component="people", generation="")
        for kind, name in (
            ("Secret", "people-provider"),
            ("Provider", "people"),
            ("Alert", "people"),
            ("Alert", "declared"),
        )
    )
    why = "of people, unknown to the stack"

    assert [
        ("Alert", "flux-system/people", why),
        ("Provider", "flux-system/people", why),
        ("Secret", "flux-system/people-provider", why),
    ] == found(left)


def test_a_twin_of_the_webhook_is_found() -> None:
    """It delivers everything twice."""
    assert [("webhook", "app/2", "calls flux-system/live beside the stack's own webhook")] == found(
        webhooks=(hook("1", PATHS["live"]), hook("2", PATHS["live"]))
    )


def test_a_webhook_that_nothing_answers_is_found() -> None:
    """Its generation is gone, and GitHub still calls it."""
    assert [("webhook", "app/2", "calls our host on a path that no Receiver serves")] == found(
        webhooks=(hook("2", DEAD),)
    )


def test_other_stacks_objects_are_theirs() -> None:
    """Even where only their label tells."""
    assert [] == found((thing("left", stack="fluxhooks.prod"), thing("left", stack="")))


def test_other_peoples_webhooks_are_theirs() -> None:
    """One that calls a Receiver of theirs, another host, or something that is no hook path."""
    assert [] == found(
        webhooks=(
            hook("2", OTHERS),
            hook("3", DEAD, host="elsewhere.example.com"),
            hook("4", "/hook/short"),
            hook("5", "/"),
        )
    )


def test_a_host_is_the_same_with_and_without_its_port() -> None:
    """443 is what https means, and case does not matter."""
    assert 1 == len(found(webhooks=(hook("2", DEAD, host="FLUX.example.com:443"),)))


def test_our_receivers_are_known_where_our_host_is_not() -> None:
    """A first creation that failed leaves no webhook in the state, and so no host."""
    state = StackState(project="fluxhooks", stack="dev", objects=STATE.objects)
    unknown = orphans(
        state,
        objects=(),
        receivers=RECEIVERS,
        webhooks=(
            hook("2", PATHS["live"]),
            hook("3", DEAD),
            hook("4", OTHERS),
            hook("5", PATHS["left"]),
        ),
    )

    assert ["app/2", "app/5"] == [orphan.name for orphan in unknown]


def test_a_webhook_made_by_hand_is_no_orphan() -> None:
    """Where the component makes none, whoever calls its Receivers was told to."""
    generation = DeclaredGeneration(number=1, receiver="live", path=PATHS["live"])
    by_hand = dataclasses.replace(
        STATE.receivers["app"], managed=False, webhook=None, generations={1: generation}
    )
    state = dataclasses.replace(STATE, receivers={"app": by_hand}, hook_keys=frozenset())

    webhooks = (hook("2", PATHS["live"]), hook("3", PATHS["left"]))
    unknown = orphans(state, objects=(), receivers=RECEIVERS, webhooks=webhooks)

    assert ["app/3"] == [orphan.name for orphan in unknown]
