"""What an adoption is going to do, or why it refuses, by program, state, forge and cluster."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from fluxhooks import RefusedError, SettingError
from fluxhooks.flux.labels import STACK
from fluxhooks.observe import configuration
from fluxhooks.observe.configuration import Begun
from fluxhooks.observe.declaration import Declaration, Planned, PlannedWebhook
from fluxhooks.observe.forges import SeenWebhook
from fluxhooks.observe.hand_made import HandMade, hand_made
from fluxhooks.observe.listing import Target
from fluxhooks.observe.state import (
    COMPONENT_TYPE,
    DeclaredReceiver,
    DeclaredWebhook,
    Scope,
    StackState,
)
from fluxhooks.operate import adopt
from fluxhooks.operate.adoption import (
    Adoption,
    Way,
    adoption,
    as_setting,
    named,
    resources_to_take_in,
)

APP = Target(kind="GitRepository", name="app", namespace="flux-system")
WEB = Target(kind="GitRepository", name="web", namespace="flux-system")
APPLIER = Target(kind="Kustomization", name="app", namespace="flux-system")

REPOSITORY = Scope("github", "repository", "app")
PROJECT = Scope("gitlab", "project", "acme/app")

URN = "urn:pulumi:dev::p::fluxhooks:index:WebhookReceiver::app"
WEBHOOK_TYPE = "github:index/repositoryWebhook:RepositoryWebhook"

BY_HAND = HandMade(
    namespace="flux-system",
    name="github",
    type="github",
    secret="webhook-token",
    targets=(APP,),
    path=f"/hook/{'1' * 64}",
)


def planned(scope: Scope | None = REPOSITORY, **changes: Any) -> Planned:
    """Return the component of a program, with a webhook at `scope`."""
    webhook = None
    if scope is not None:
        webhook = PlannedWebhook(
            declared=DeclaredWebhook(scope=scope, id=""),
            type=WEBHOOK_TYPE,
            name="app-webhook",
            provider_version="6.15.0",
        )
    values: dict[str, Any] = {
        "name": "app",
        "urn": URN,
        "namespace": "flux-system",
        "targets": (APP,),
        "events": ("ping", "push"),
        "webhook": webhook,
    }
    return Planned(**{**values, **changes})


def seen(id_: str = "7", path: str = BY_HAND.path, scope: Scope = REPOSITORY) -> SeenWebhook:
    """Return a webhook at the forge."""
    return SeenWebhook(
        scope=scope, id=id_, url=f"https://flux.example.com{path}", events=frozenset({"push"})
    )


def state(**webhooks: str) -> StackState:
    """Return a state that has these components, each with a webhook of an ID."""
    receivers = {
        name: DeclaredReceiver(
            name=name,
            urn=URN,
            live=1,
            finished_url="https://flux.example.com/hook/ours",
            webhook=DeclaredWebhook(scope=REPOSITORY, id=id_),
        )
        for name, id_ in webhooks.items()
    }
    keys = frozenset(("github", id_) for id_ in webhooks.values())
    return StackState(project="p", stack="dev", receivers=receivers, hook_keys=keys)


def decide(
    component: Planned | None = None,
    *,
    of: StackState | None = None,
    webhooks: tuple[SeenWebhook, ...] = (seen(),),
    made_by_hand: tuple[HandMade, ...] = (BY_HAND,),
    ours: dict[str, str] | None = None,
    begun: Begun | None = None,
    **named: str,
) -> Adoption | None:
    """Decide for the component above, unless something else is said."""
    return adoption(
        component or planned(),
        of or state(),
        webhooks=webhooks,
        made_by_hand=made_by_hand,
        ours=ours or {},
        begun=begun,
        **named,
    )


def test_the_webhook_that_calls_a_hand_made_receiver_is_taken_over() -> None:
    """It is known by the path that a Receiver of this cluster serves."""
    decided = decide(webhooks=(seen("6", f"/hook/{'2' * 64}"), seen()))

    assert decided is not None
    assert (Way.EDIT, Begun(webhook="7", receiver="flux-system/github"), BY_HAND) == (
        decided.way,
        decided.begun,
        decided.receiver,
    )
    assert () == decided.notes


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param(PROJECT, id="GitLab"),
        pytest.param(Scope("gitea", "repository", "acme/app", "https://git"), id="Gitea"),
    ],
)
def test_where_no_edit_takes_a_secret_the_webhook_is_replaced(scope: Scope) -> None:
    """GitLab forgets a token when the URL is changed, and Gitea takes no other secret."""
    decided = decide(planned(scope), webhooks=(seen(scope=scope),))

    assert decided is not None
    assert Way.REPLACE is decided.way


def test_a_second_webhook_beside_the_stacks_own_is_replaced_by_that() -> None:
    """Somebody ran pulumi up first, and two webhooks send."""
    decided = decide(of=state(app="9"), webhooks=(seen("9", "/hook/ours"), seen()))

    assert decided is not None
    assert (Way.REPLACE, "7") == (decided.way, decided.begun.webhook)


def test_where_there_is_nothing_more_to_take_over_nothing_is_done() -> None:
    """The stack has its own webhook, and no other calls what was made by hand."""
    assert decide(of=state(app="9"), webhooks=(seen("9", "/hook/ours"),)) is None


def test_a_begun_adoption_goes_on_with_what_it_began_with() -> None:
    """Its webhook calls our path already, and the Receiver is told by the configuration."""
    begun = Begun(webhook="7", receiver="flux-system/github")
    unfinished = dataclasses.replace(state(app="7").receivers["app"], live=None)
    decided = decide(
        of=dataclasses.replace(state(), receivers={"app": unfinished}),
        webhooks=(seen("7", "/hook/ours"),),
        begun=begun,
    )

    assert decided is not None
    assert (Way.EDIT, True, True, begun, BY_HAND) == (
        decided.way,
        decided.resumes,
        decided.taken_in,
        decided.begun,
        decided.receiver,
    )


def test_what_a_begun_adoption_deleted_already_is_not_missed() -> None:
    """It was killed after the last step, and before it could say so."""
    decided = decide(
        planned(PROJECT),
        of=state(app="9"),
        webhooks=(seen("9", "/hook/ours", PROJECT),),
        made_by_hand=(),
        begun=Begun(webhook="7", receiver="flux-system/github"),
    )

    assert decided is not None
    assert (None, None) == (decided.before, decided.receiver)


OURS = f"/hook/{'3' * 64}"
OTHER = dataclasses.replace(BY_HAND, name="other", path=f"/hook/{'4' * 64}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            {"webhooks": ()},
            "app: no webhook of repository app calls a Receiver of this cluster that was made by "
            "hand; pulumi up makes a new one. --webhook names one that calls elsewhere",
            id="nothing there",
        ),
        pytest.param(
            {"webhooks": (seen(), seen("8", OTHER.path)), "made_by_hand": (BY_HAND, OTHER)},
            "app: several webhooks of repository app call Receivers that were made by hand (7 "
            "calls Receiver flux-system/github; 8 calls Receiver flux-system/other); name the one "
            "that is meant with --webhook",
            id="several",
        ),
        pytest.param(
            {"webhook": "5"}, "repository app has no webhook 5; it has: 7", id="no such webhook"
        ),
        pytest.param(
            {"webhook": "5", "webhooks": (seen("5", OURS),), "ours": {OURS: "p.prod"}},
            "webhook 5 calls a Receiver of the stack p.prod; it was not made by hand",
            id="another stack's",
        ),
        pytest.param(
            {"webhook": "7", "of": state(web="7")},
            "webhook 7 is that of the WebhookReceiver web",
            id="another component's",
        ),
        pytest.param(
            {"receiver": "old"},
            "the cluster has no Receiver 'old' that was made by hand; it has: flux-system/github",
            id="no such Receiver",
        ),
        pytest.param(
            {"made_by_hand": (dataclasses.replace(BY_HAND, targets=(APP, WEB)),)},
            "app: Receiver flux-system/github also reconciles GitRepository flux-system/web, which "
            "the program does not name, and no delivery would any more; add it to resources, or "
            "remove it from the hand-made Receiver first",
            id="a target would be lost",
        ),
        pytest.param(
            {"component": planned(None, type="harbor")},
            "app: which hand-made Receiver of the type harbor is meant is not clear (with one of "
            "its resources: none); name it with --receiver",
            id="told by hand, and nothing alike",
        ),
    ],
)
def test_what_is_not_clear_or_not_safe_is_refused(arguments: dict[str, Any], message: str) -> None:
    """Nothing is changed on a guess, and no source is silently without its deliveries."""
    with pytest.raises(RefusedError) as caught:
        decide(**arguments)

    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "notes"),
    [
        pytest.param(
            {"made_by_hand": (dataclasses.replace(BY_HAND, targets=(APP, APPLIER)),)},
            (
                "Kustomization flux-system/app is reconciled by the hand-made Receiver and not "
                "named in the program; it follows its source, and needs no webhook",
            ),
            id="an applier",
        ),
        pytest.param(
            {"webhook": "7", "made_by_hand": ()},
            (
                "no Receiver of this cluster serves what the webhook calls at flux.example.com: "
                "if it is another cluster's, that one gets no deliveries any more",
            ),
            id="perhaps another cluster's",
        ),
        pytest.param(
            {"webhooks": (dataclasses.replace(seen(), events=frozenset({"push", "release"})),)},
            ("the hand-made webhook sends release, which is not asked for any more",),
            id="fewer events",
        ),
        pytest.param(
            {"webhook": "7", "webhooks": (seen(), seen("8"))},
            (
                "webhook 8 calls Receiver flux-system/github too; give it to adopt with --webhook "
                "when this one is done",
            ),
            id="two webhooks for one Receiver",
        ),
    ],
)
def test_what_changes_with_it_is_said_before(
    arguments: dict[str, Any], notes: tuple[str, ...]
) -> None:
    """Its user decides with open eyes."""
    decided = decide(**arguments)

    assert decided is not None
    assert notes == decided.notes


def test_a_wildcard_covers_what_it_names() -> None:
    """`*` without labels is all of a kind in its namespace."""
    everything = Target(kind="GitRepository", name="*", namespace="flux-system")
    by_hand = dataclasses.replace(BY_HAND, targets=(APP, WEB))

    assert decide(planned(targets=(everything,)), made_by_hand=(by_hand,)) is not None


def test_where_no_webhook_is_made_the_receiver_of_the_same_type_and_target_is_meant() -> None:
    """Only its sender can be told of another URL."""
    harbor = dataclasses.replace(BY_HAND, name="harbor", type="harbor")
    decided = decide(
        planned(None, type="harbor"), webhooks=(), made_by_hand=(BY_HAND, harbor, OTHER)
    )

    assert decided is not None
    assert (Way.BY_HAND, "flux-system/harbor") == (decided.way, decided.begun.receiver)


def test_the_only_component_need_not_be_named() -> None:
    """Of several one has to be meant."""
    one = Declaration(project="p", stack="dev", receivers={"app": planned()})
    two = dataclasses.replace(one, receivers={"app": planned(), "web": planned(name="web")})

    assert "app" == named(one, None).name
    assert "web" == named(two, "web").name
    for declaration, name, message in (
        (
            two,
            None,
            "the program declares several WebhookReceivers or none (app, web); name the one that "
            "is meant",
        ),
        (one, "ap", "the program declares no WebhookReceiver 'ap'; it has: app"),
    ):
        with pytest.raises(RefusedError) as caught:
            named(declaration, name)
        assert message == str(caught.value)


def test_the_webhook_is_taken_in_below_its_component() -> None:
    """So that the program's own resource is what was taken in; and by the program's version."""
    decided = decide(planned(above=(("urn:outer", "acme:index:Delivery", "outer"),)))
    assert decided is not None

    assert {
        "nameTable": {},
        "resources": [
            {
                "type": "acme:index:Delivery",
                "name": "component0",
                "logicalName": "outer",
                "component": True,
            },
            {
                "type": COMPONENT_TYPE,
                "name": "component1",
                "logicalName": "app",
                "component": True,
                "parent": "component0",
            },
            {
                "type": WEBHOOK_TYPE,
                "name": "webhook",
                "logicalName": "app-webhook",
                "id": "app/7",
                "parent": "component1",
                "version": "6.15.0",
            },
        ],
    } == resources_to_take_in(decided, ())
    known = resources_to_take_in(decided, ("urn:outer", URN))
    assert {"component0": "urn:outer", "component1": URN} == known["nameTable"]
    assert ["webhook"] == [each["name"] for each in known["resources"]]  # type: ignore[index]


def test_the_record_keeps_those_of_others() -> None:
    """Several may be under way."""
    app, web = Begun(webhook="7", receiver="flux-system/github"), Begun(webhook="8")

    with_both = as_setting({"web": web}, "app", app)
    assert {
        "app": {"webhook": "7", "receiver": "flux-system/github"},
        "web": {"webhook": "8", "receiver": ""},
    } == with_both
    assert {} == as_setting({"app": app}, "app", None)


@pytest.mark.parametrize(
    ("changes", "secrets", "told"),
    [
        pytest.param({}, set(), "  kubectl -n flux-system delete secret webhook-token", id="its"),
        pytest.param(
            {"secret_is_shared": True},
            set(),
            "  (its Secret webhook-token stays: another Receiver reads it)",
            id="another's too",
        ),
        pytest.param(
            {},
            {"webhook-token"},
            "  (its Secret webhook-token stays: app reads it)",
            id="the component's, by token_secret",
        ),
    ],
)
def test_the_removal_spares_a_secret_that_is_read(
    changes: dict[str, Any], secrets: set[str], told: str
) -> None:
    """Whoever follows the report breaks nothing."""
    by_hand = dataclasses.replace(BY_HAND, **changes)
    decided = decide(planned(secrets=frozenset(secrets)), made_by_hand=(by_hand,))
    assert decided is not None

    assert (
        "Receiver flux-system/github was not touched and may go now, if nobody else calls it:",
        "  kubectl -n flux-system delete receiver github",
        told,
    ) == adopt._left(decided, state())


def receiver(name: str, **labels: str) -> dict[str, Any]:
    """Return a Receiver as the cluster has it."""
    return {
        "metadata": {"name": name, "namespace": "flux-system", "labels": labels},
        "spec": {
            "type": "github",
            "secretRef": {"name": "token"},
            "resources": [{"kind": "GitRepository", "name": "app"}],
        },
        "status": {"webhookPath": BY_HAND.path},
    }


def test_a_receiver_without_our_label_was_made_by_hand() -> None:
    """And whose it is, and whether its Secret is another's too, is told."""
    flux = {
        "kustomize.toolkit.fluxcd.io/name": "apps",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    }
    (found, other) = hand_made(
        [receiver("github", **flux), receiver("other"), receiver("ours", **{STACK: "p.dev"})]
    )

    assert ("Kustomization flux-system/apps", True, (APP,)) == (
        found.owner,
        found.secret_is_shared,
        found.targets,
    )
    assert "" == other.owner
    assert BY_HAND.path not in repr(found)


def test_what_the_configuration_keeps_of_an_adoption_is_read(tmp_path: Path) -> None:
    """And what adopt did not write is refused, with the command that removes it."""
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(
        "config: {fluxhooks:adopting: {app: {webhook: '7', receiver: flux-system/github}}}"
    )

    expected = {"app": Begun(webhook="7", receiver="flux-system/github")}
    assert expected == configuration.read(tmp_path, "dev").adopting
    file.write_text("config: {fluxhooks:adopting: [app]}")
    with pytest.raises(SettingError) as caught:
        configuration.read(tmp_path, "dev")
    assert (
        "fluxhooks:adopting: ['app'] is not what fluxhooks adopt writes; pulumi config rm "
        "fluxhooks:adopting, and run fluxhooks adopt again"
    ) == str(caught.value)
