"""What a rotation will do follows from state, configuration and options, case by case."""

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhooks import RefusedError
from fluxhooks.observe.configuration import Configuration, Entry
from fluxhooks.observe.state import (
    DeclaredGeneration,
    DeclaredReceiver,
    DeclaredWebhook,
    Scope,
    StackState,
)
from fluxhooks.operate.plan import Action, Move, Options, Plan, plan, seen

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)


def receiver(
    name: str = "app",
    *,
    live: int | None = 1,
    present: Iterable[int] = (1,),
    webhook_at: int | None = 0,
    ages: dict[int, int] | None = None,
    authority: str = "configuration",
    managed: bool = True,
) -> DeclaredReceiver:
    """Return a WebhookReceiver whose webhook is at the live generation unless said otherwise."""
    at = live if webhook_at == 0 else webhook_at
    return DeclaredReceiver(
        name=name,
        urn=f"urn:pulumi:dev::fluxhooks::fluxhooks:index:WebhookReceiver::{name}",
        live=live,
        authority=authority,
        finished_url=f"https://flux.example.com/hook/{live}" if live else "",
        generations={
            n: DeclaredGeneration(
                number=n,
                receiver=f"{name}-g{n}",
                path=f"/hook/{n}",
                created_at=NOW - datetime.timedelta(days=(ages or {}).get(n, 10)),
            )
            for n in present
        },
        managed=managed,
        webhook=None
        if at is None or not managed
        else DeclaredWebhook(
            scope=Scope("github", "repository", name),
            id="1",
            url=f"https://flux.example.com/hook/{at}",
        ),
    )


def planned(
    *receivers: DeclaredReceiver,
    configured: dict[str, Entry] | None = None,
    cluster: str = "uid",
    **options: Any,
) -> Plan:
    """Return the plan for a stack of these, in the cluster "uid"."""
    return plan(
        StackState(
            project="fluxhooks", stack="dev", receivers={found.name: found for found in receivers}
        ),
        Configuration(generations=configured or {}, cluster=cluster),
        Options(**options),
        cluster="uid",
        now=NOW,
    )


def refusal(*receivers: DeclaredReceiver, **arguments: Any) -> str:
    """Return why a plan is refused."""
    with pytest.raises(RefusedError) as error:
        planned(*receivers, **arguments)
    return str(error.value)


def written(result: Plan) -> object:
    """Return what the plan writes as fluxhooks:generations."""
    return result.configuration.get("fluxhooks:generations")


def test_the_next_generation_is_made_and_the_live_one_goes() -> None:
    """That is a rotation."""
    result = planned(receiver())

    assert (
        Move(
            name="app",
            action=Action.ROTATE,
            live=1,
            target=2,
            retired=(1,),
            reason="asked for",
        ),
    ) == result.moves
    assert {"fluxhooks:generations": {"app": {"live": 2}}} == result.configuration
    assert not result.revokes


def test_retain_keeps_the_live_one() -> None:
    """So that `--back` has somewhere to go."""
    (move,) = planned(receiver(), retain=True).moves

    assert (2, (1,), ()) == (move.target, move.retained, move.retired)


def test_a_rotation_keeps_what_is_retained() -> None:
    """Overlap lasts until it is ended on purpose."""
    result = planned(receiver(live=2, present=(1, 2)), configured={"app": Entry(2, (1,))})

    assert (3, (1,), (2,)) == (
        result.moves[0].target,
        result.moves[0].retained,
        result.moves[0].retired,
    )
    assert {"app": {"live": 3, "retained": [1]}} == written(result)


@pytest.mark.parametrize(
    ("found", "entry", "target", "reason"),
    [
        pytest.param(
            receiver(), Entry(2), 2, "the configuration already says 2", id="not even begun"
        ),
        pytest.param(
            receiver(present=(1, 2), webhook_at=2),
            Entry(2),
            2,
            "the configuration already says 2",
            id="killed in the drain",
        ),
        pytest.param(
            receiver(present=(1, 2)), Entry(1), 2, "generation 2 was begun", id="configuration lost"
        ),
        pytest.param(
            receiver(live=2, present=(1, 2)),
            Entry(2),
            2,
            "older generations were not deleted",
            id="killed in the deletes",
        ),
        pytest.param(
            receiver(live=None, present=(1,), webhook_at=None),
            Entry(1),
            1,
            "its first update was not finished",
            id="never finished",
        ),
        pytest.param(
            receiver(webhook_at=None),
            Entry(1),
            1,
            "the webhook does not point at it",
            id="no webhook",
        ),
        pytest.param(
            receiver(live=2, present=(1, 2)),
            Entry(1, (2,)),
            1,
            "it was going back to 1",
            id="killed while going back",
        ),
        pytest.param(
            receiver(live=2, present=(), webhook_at=2),
            Entry(2),
            2,
            "its Secret or Receiver is missing",
            id="objects missing",
        ),
    ],
)
@pytest.mark.parametrize("options", [{}, {"everything": True}, {"older_than": None}])
def test_what_was_begun_is_finished_first(
    found: DeclaredReceiver, entry: Entry, target: int, reason: str, options: dict[str, Any]
) -> None:
    """The same command finishes it: no other rotation starts."""
    (move,) = planned(found, configured={"app": entry}, **options).moves

    assert (Action.RESUME, target, reason) == (move.action, move.target, move.reason)


def test_what_was_begun_is_finished_whatever_its_age() -> None:
    """A scheduled `--older-than` that was killed in its deletes finds them again."""
    found = receiver(live=2, present=(1, 2), ages={1: 100, 2: 0})
    result = planned(found, configured={"app": Entry(2)}, older_than=datetime.timedelta(days=90))

    assert [(Action.RESUME, 2)] == [(move.action, move.target) for move in result.moves]


def test_a_stale_configuration_does_not_lower_the_number() -> None:
    """A fresh clone may hold an older file than the state."""
    result = planned(receiver(live=5, present=(5,)), configured={"app": Entry(2, (1,))})

    assert [(Action.ROTATE, 6, ())] == [(m.action, m.target, m.retained) for m in result.moves]


def test_a_stale_configuration_does_not_make_what_is_retained_a_leftover() -> None:
    """What the newer file retained is not known here: the rotation that was asked for is done."""
    result = planned(receiver(live=5, present=(4, 5)), configured={"app": Entry(2)})

    assert [(Action.ROTATE, 6)] == [(move.action, move.target) for move in result.moves]


def test_an_update_brings_others_along_safely() -> None:
    """It concerns the whole stack: what was begun elsewhere is finished, nothing is lowered."""
    result = planned(
        receiver("app"),
        receiver("begun", present=(1, 2)),
        receiver("stale", live=4, present=(4,)),
        configured={"begun": Entry(2), "stale": Entry(1)},
        names=("app",),
    )

    assert [("app", 2), ("begun", 2)] == [(move.name, move.target) for move in result.moves]
    assert {"app": {"live": 2}, "begun": {"live": 2}, "stale": {"live": 4}} == written(result)
    assert (
        "begun was not asked for; what was begun there is finished too",
        "stale: the configuration says generation 1, but 4 is live; the configuration is corrected",
    ) == result.notes


def test_a_stale_configuration_is_corrected_where_nothing_else_is_to_do() -> None:
    """A job that was killed before its push leaves one; the next `pulumi up` would rotate back."""
    result = planned(
        receiver(live=4, present=(4,)),
        configured={"app": Entry(1)},
        older_than=datetime.timedelta(days=90),
    )

    assert () == result.moves
    assert {"app": {"live": 4}} == written(result)


# Going back


def test_back_returns_to_the_generation_before_and_keeps_the_other() -> None:
    """A repointing like any other, and it can be undone."""
    result = planned(
        receiver(live=2, present=(1, 2)), configured={"app": Entry(2, (1,))}, back=True
    )

    assert [(Action.BACK, 1, (2,), ())] == [
        (m.action, m.target, m.retained, m.retired) for m in result.moves
    ]
    assert {"app": {"live": 1, "retained": [2]}} == written(result)


def test_back_goes_to_the_newest_of_the_older_ones() -> None:
    """One step at a time."""
    found = receiver(live=4, present=(1, 2, 4))
    (move,) = planned(found, configured={"app": Entry(4, (1, 2))}, back=True).moves

    assert (2, (1, 4)) == (move.target, move.retained)


def test_back_twice_goes_back_once() -> None:
    """A run that was killed while going back is finished by the same command."""
    (move,) = planned(
        receiver(live=2, present=(1, 2)), configured={"app": Entry(1, (2,))}, back=True
    ).moves

    assert (Action.RESUME, 1, (2,)) == (move.action, move.target, move.retained)


def test_back_gives_up_a_rotation_that_cannot_be_finished() -> None:
    """The generation it had made stays, as deliveries may be on their way to it."""
    (move,) = planned(
        receiver(present=(1, 2), webhook_at=2), configured={"app": Entry(2)}, back=True
    ).moves

    assert (Action.BACK, 1, (2,)) == (move.action, move.target, move.retained)
    assert "the rotation to 2 is given up" == move.reason


@pytest.mark.parametrize(
    ("found", "entry"),
    [
        pytest.param(receiver(live=2, present=(2,)), Entry(2), id="none retained"),
        pytest.param(receiver(live=2, present=(2,)), Entry(2, (1,)), id="the retained one is gone"),
        pytest.param(receiver(live=1, present=(1, 2)), Entry(1, (2,)), id="only a newer one"),
    ],
)
def test_back_goes_to_a_retained_generation_only(found: DeclaredReceiver, entry: Entry) -> None:
    """Any other would come with another token: a rotation in disguise."""
    assert (
        "app: no older generation is retained to go back to; fluxhooks rotate --retain keeps the "
        "one that was live"
    ) == refusal(found, configured={"app": entry}, back=True)


def test_after_going_back_the_next_number_is_new() -> None:
    """The one that was left is not made live again under its number."""
    (move,) = planned(receiver(live=1, present=(1, 2)), configured={"app": Entry(1, (2,))}).moves

    assert (3, (2,), (1,)) == (move.target, move.retained, move.retired)


# Without a webhook of ours


_URL_AND_TOKEN = "its sender has the new URL and token"


def test_what_a_sender_calls_is_kept_until_it_was_told() -> None:
    """Nothing tells it but somebody who reads the note."""
    result = planned(receiver(managed=False))

    (move,) = result.moves
    assert (Action.ROTATE, 2, (1,), (), True) == (
        move.action,
        move.target,
        move.retained,
        move.retired,
        move.by_hand,
    )
    assert {"app": {"live": 2, "retained": [1]}} == written(result)
    assert (
        f"app: no webhook is made here: generation 1 is kept until {_URL_AND_TOKEN}" in result.notes
    )


def test_a_sender_that_was_told_is_finished_on_purpose() -> None:
    """Then the old one goes, and nobody has to be told of anything."""
    found = receiver(live=2, present=(1, 2), managed=False)

    (move,) = planned(found, configured={"app": Entry(2, (1,))}, finish=True).moves

    assert (Action.RETIRE, (), (1,), False) == (
        move.action,
        move.retained,
        move.retired,
        move.by_hand,
    )


@pytest.mark.parametrize("options", [{}, {"finish": True}, {"retain": True}])
def test_a_rotation_by_hand_that_was_begun_keeps_what_is_called(options: dict[str, bool]) -> None:
    """Its new URL was never told to anybody."""
    found = receiver(live=1, present=(1, 2), managed=False)

    (move,) = planned(found, configured={"app": Entry(2)}, **options).moves

    assert (Action.RESUME, 2, (1,), True) == (
        move.action,
        move.target,
        move.retained,
        move.by_hand,
    )


def test_a_rotation_by_hand_on_top_of_another_keeps_both() -> None:
    """The sender may call either."""
    found = receiver(live=2, present=(1, 2), managed=False)

    (move,) = planned(found, configured={"app": Entry(2, (1,))}).moves

    assert (3, (1, 2)) == (move.target, move.retained)


def test_going_back_by_hand_keeps_what_was_live() -> None:
    """The sender may have been told already."""
    found = receiver(live=2, present=(1, 2), managed=False)

    (move,) = planned(found, configured={"app": Entry(2, (1,))}, back=True).moves

    assert (1, (2,), True) == (move.target, move.retained, move.by_hand)


def test_revoking_by_hand_cuts_off_what_is_called() -> None:
    """It is what a leak asks for, and it is said."""
    result = planned(receiver(managed=False), revoke=True)

    assert [(2, (), (1,))] == [(m.target, m.retained, m.retired) for m in result.moves]
    assert result.revokes
    assert (
        f"app: no webhook is made here: all deliveries are refused until {_URL_AND_TOKEN}"
        in result.notes
    )


def test_a_lost_configuration_does_not_cut_a_sender_off() -> None:
    """What is corrected keeps all that may be called."""
    found = receiver(live=2, present=(1, 2), managed=False)

    result = planned(found, configured={"app": Entry(1)})

    assert {"app": {"live": 3, "retained": [1, 2]}} == written(result)


def test_what_is_corrected_by_the_way_keeps_what_may_be_called() -> None:
    """Where another one is rotated."""
    found = receiver("web", live=2, present=(1, 2), managed=False)

    result = planned(receiver(), found, configured={"web": Entry(1)}, names=("app",))

    assert {"app": {"live": 2}, "web": {"live": 2, "retained": [1]}} == written(result)


def test_an_old_secret_by_hand_is_rotated_once() -> None:
    """And then its sender is waited for, however old its secrets grow."""
    period = datetime.timedelta(days=90)
    aged = receiver(ages={1: 100}, managed=False)
    waiting = receiver(live=2, present=(1, 2), ages={1: 190, 2: 100}, managed=False)
    young = receiver(live=2, present=(1, 2), ages={1: 50, 2: 10}, managed=False)
    configured = {"app": Entry(2, (1,))}

    assert [(2, (1,))] == [(m.target, m.retained) for m in planned(aged, older_than=period).moves]
    assert () == planned(young, configured=configured, older_than=period).moves
    assert (
        "app: a secret of its is too old, and its sender is told by hand; give it the live URL "
        "and token, then fluxhooks rotate --finish"
    ) == refusal(waiting, configured=configured, older_than=period)


# Revoking and finishing


def test_revoke_leaves_nothing_old_and_does_not_wait() -> None:
    """And it says what that may lose."""
    result = planned(
        receiver(live=2, present=(1, 2)), configured={"app": Entry(2, (1,))}, revoke=True
    )

    assert [(3, (), (1, 2))] == [(m.target, m.retained, m.retired) for m in result.moves]
    assert result.revokes
    assert (
        "older generations are cut off at once: deliveries that are queued or retried for them "
        "are answered 404; one delivery of ours reconciles the targets instead"
    ) in result.notes


def test_what_failed_its_verification_is_verified_again_before_anything_rotates() -> None:
    """State and configuration agree, so nothing else would tell."""
    configured = {"app": Entry(2, (1,), unverified=True)}
    result = planned(receiver(live=2, present=(1, 2)), configured=configured)

    assert (
        Move(
            name="app",
            action=Action.RESUME,
            live=2,
            target=2,
            retained=(1,),
            reason="cluster or forge showed otherwise after its last rotation",
            verifies_again=True,
        ),
    ) == result.moves
    assert {} == result.configuration


def test_a_leaked_secret_is_not_kept_because_its_verification_failed() -> None:
    """The generation that is live may be the one that leaked."""
    configured = {"app": Entry(2, unverified=True)}
    (move,) = planned(receiver(live=2, present=(2,)), configured=configured, revoke=True).moves

    assert (Action.ROTATE, 3, False) == (move.action, move.target, move.verifies_again)


def test_going_back_does_not_wait_for_a_verification() -> None:
    """It may be the cure."""
    configured = {"app": Entry(2, (1,), unverified=True)}
    (move,) = planned(receiver(live=2, present=(1, 2)), configured=configured, back=True).moves

    assert (Action.BACK, 1, False) == (move.action, move.target, move.verifies_again)


def test_the_configuration_says_what_failed_and_what_no_longer_does() -> None:
    """And is written only where it does not say so already."""
    first, again = (
        planned(receiver("app", live=2, present=(2,)), configured=configured)
        for configured in ({"app": Entry(2)}, {"app": Entry(2, unverified=True)})
    )
    failed = {"app": {"live": 3, "unverified": True}}

    assert {"fluxhooks:generations": failed} == seen(first, {"app"})
    assert {} == seen(first, set())
    assert {} == seen(again, {"app"})
    assert {"fluxhooks:generations": {"app": {"live": 2}}} == seen(again, set())


def test_a_first_generation_without_an_entry_gets_one_only_when_it_fails() -> None:
    """The configuration says no more than it has to."""
    found = receiver(live=None, present=(1,), webhook_at=None)
    result = planned(found)

    assert {} == seen(result, set())
    assert {"fluxhooks:generations": {"app": {"live": 1, "unverified": True}}} == seen(
        result, {"app"}
    )


def test_revoke_finishes_what_was_begun_without_what_is_retained() -> None:
    """The generation that was begun is newer than the leak."""
    found = receiver(live=2, present=(1, 2, 3))
    (move,) = planned(found, configured={"app": Entry(3, (1, 2))}, revoke=True).moves

    assert (Action.RESUME, 3, (), (1, 2)) == (
        move.action,
        move.target,
        move.retained,
        move.retired,
    )


def test_finish_retires_and_rotates_nothing() -> None:
    """The live generation stays as it is."""
    found = receiver(live=2, present=(1, 2))
    (move,) = planned(found, configured={"app": Entry(2, (1,))}, finish=True).moves

    assert (Action.RETIRE, 2, (), (1,)) == (move.action, move.target, move.retained, move.retired)


def test_finish_has_nothing_to_do_where_nothing_is_retained() -> None:
    """It may be run on a schedule."""
    result = planned(receiver(), finish=True)

    assert () == result.moves
    assert {"app": "nothing older is retained"} == result.skipped
    assert {} == result.configuration


def test_nothing_to_do_writes_nothing() -> None:
    """Neither the cluster nor a correction of the configuration: no update follows."""
    result = planned(
        receiver(live=2, present=(2,)),
        receiver("stale", live=3, present=(3,)),
        configured={"app": Entry(2)},
        names=("app",),
        cluster="",
        finish=True,
    )

    assert ((), {}) == (result.moves, result.configuration)


def test_retain_counts_for_what_is_finished_too() -> None:
    """The rotation may have been begun without it."""
    (move,) = planned(receiver(present=(1, 2)), configured={"app": Entry(2)}, retain=True).moves

    assert (Action.RESUME, 2, (1,), ()) == (move.action, move.target, move.retained, move.retired)


# Ages


def test_older_than_rotates_what_is_older() -> None:
    """Of all in the stack."""
    result = planned(
        receiver("old", ages={1: 91}),
        receiver("young", ages={1: 89}),
        older_than=datetime.timedelta(days=90),
    )

    assert [("old", 2, "its secret is 91 days old")] == [
        (move.name, move.target, move.reason) for move in result.moves
    ]


def test_a_retained_secret_counts_as_a_live_one() -> None:
    """It opens the same door; it goes, and the young live one stays."""
    found = receiver(live=2, present=(1, 2), ages={1: 100, 2: 10})
    (move,) = planned(
        found, configured={"app": Entry(2, (1,))}, older_than=datetime.timedelta(days=90)
    ).moves

    assert (Action.RETIRE, 2, (), (1,)) == (move.action, move.target, move.retained, move.retired)


def test_an_old_live_secret_takes_old_retained_ones_along() -> None:
    """Young retained ones stay."""
    found = receiver(live=3, present=(1, 2, 3), ages={1: 100, 2: 10, 3: 100})
    (move,) = planned(
        found, configured={"app": Entry(3, (1, 2))}, older_than=datetime.timedelta(days=90)
    ).moves

    assert (4, (2,), (1, 3)) == (move.target, move.retained, move.retired)


def test_a_secret_of_unknown_age_is_old() -> None:
    """What cannot be judged is not trusted."""
    found = receiver()
    unknown = dataclasses.replace(
        found, generations={1: dataclasses.replace(found.generations[1], created_at=None)}
    )
    (move,) = planned(unknown, older_than=datetime.timedelta(days=90)).moves

    assert "its secret is of unknown age" == move.reason


# What is refused


def test_the_program_decides_where_it_names_the_generation() -> None:
    """There is one authority for the number."""
    why = (
        "app: the program names its generation; raise it there, or remove the argument and let "
        "the configuration decide"
    )
    assert why == refusal(receiver(authority="program"), names=("app",))
    assert why == refusal(receiver(authority="program"))


def test_where_a_schedule_names_the_generation_it_is_left_alone() -> None:
    """And it is said how to rotate out of turn."""
    assert (
        "app: its schedule names its generation, and the next pulumi up after it is due rotates; "
        "raise the schedule's extra by one to rotate out of turn"
    ) == refusal(receiver(authority="schedule"))


def test_all_leaves_the_programs_own_alone() -> None:
    """And says so."""
    result = planned(receiver("app"), receiver("own", authority="program"), everything=True)

    assert ["app"] == [move.name for move in result.moves]
    assert ["own"] == list(result.skipped)


def test_another_cluster_is_refused() -> None:
    """A wrong KUBECONFIG would make everything anew, elsewhere."""
    assert (
        "this is another cluster: its namespace kube-system has the UID uid, and the stack's is "
        "other; set KUBECONFIG to the stack's cluster, or pulumi config set fluxhooks:cluster uid "
        "if it was moved"
    ) == refusal(receiver(), cluster="other")


def test_the_cluster_is_recorded_on_first_use() -> None:
    """From then on it is compared."""
    result = planned(receiver(), cluster="")

    assert "uid" == result.configuration["fluxhooks:cluster"]
    assert ("the cluster uid is recorded as this stack's",) == result.notes


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    """A misspelling rotates nothing."""
    assert "'ap' is no WebhookReceiver of the stack dev; it has: app, web" == refusal(
        receiver("web"), receiver("app"), names=("ap",)
    )


@pytest.mark.parametrize(
    ("receivers", "known"), [((), "none"), ((receiver("app"), receiver("web")), "app, web")]
)
def test_without_a_name_there_must_be_one(
    receivers: tuple[DeclaredReceiver, ...], known: str
) -> None:
    """Nothing is rotated by omission."""
    assert (
        f"the stack dev has several WebhookReceivers or none ({known}); name those that are "
        "meant, or give --all"
    ) == refusal(*receivers)


# Laws


@given(
    live=st.integers(1, 6),
    present=st.sets(st.integers(1, 8)),
    wanted=st.integers(1, 8),
    retained=st.sets(st.integers(1, 8)),
    webhook_at=st.integers(1, 8),
    options=st.sampled_from([{}, {"retain": True}, {"revoke": True}, {"finish": True}]),
)
def test_the_number_is_never_lowered_unless_on_purpose(
    live: int,
    present: set[int],
    wanted: int,
    retained: set[int],
    webhook_at: int,
    options: dict[str, bool],
) -> None:
    """But to a retained generation that the configuration already names."""
    found = receiver(live=live, present=present | {live}, webhook_at=webhook_at)
    entry = Entry(wanted, tuple(sorted(retained - {wanted})))
    result = planned(found, configured={"app": entry}, **options)

    for move in result.moves:
        on_purpose = wanted in present and live in retained
        assert move.target >= live or (move.target == wanted and on_purpose)
        assert move.target not in move.retained
        assert not set(move.retained) & set(move.retired)
        assert set(move.retained) | set(move.retired) <= present | {live}


@given(
    live=st.integers(1, 5),
    retained=st.sets(st.integers(1, 4)),
    options=st.sampled_from([{}, {"retain": True}, {"revoke": True}]),
)
def test_a_rotation_that_is_done_is_not_begun_again(
    live: int, retained: set[int], options: dict[str, bool]
) -> None:
    """Interrupted after any step, the same command goes for the same number."""
    older = {n for n in retained if n < live}
    before = receiver(live=live, present=older | {live})
    (move,) = planned(
        before, configured={"app": Entry(live, tuple(sorted(older)))}, **options
    ).moves
    everything = older | {live, move.target}
    for present, at in (
        (older | {live}, live),
        (everything, live),
        (everything, move.target),
    ):
        killed = receiver(live=live, present=present, webhook_at=at)
        (again,) = planned(killed, configured={"app": move.entry}, **options).moves

        assert move.target == again.target
        assert move.retained == again.retained
