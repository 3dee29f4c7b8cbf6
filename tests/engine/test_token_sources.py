"""Rotations of tokens that come from elsewhere lose nothing either.

Engine, API server and controllers are real; what stands in for the External Secrets Operator,
where it does, is said at the end of the run.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Secret

from fluxhooks.observe.state import DeclaredReceiver, parse
from sandbox.external_secrets import ExternalSecret, ExternalSecretsOperator, SecretStore
from sandbox.forges.github import Hook
from sandbox.load import Load, Tally
from sandbox.sandbox import Sandbox
from sandbox.stack import Run
from tests.app import App, changes, decoded, errors, eventually
from tests.breadth.table import Breadth

RATE = 10.0
"""Deliveries a second."""

DRAIN = 4.0
QUEUED = 2.0
"""Seconds; what is queued when the webhook is repointed still goes to the old URL."""

GIVEN = """\
import json
from pathlib import Path

import pulumi

from fluxhooks import WebhookReceiver

name, args = json.loads(Path("args.json").read_text())
WebhookReceiver(name, {**args, "token": pulumi.Config().require_secret("token")})
"""

UNDER_LOAD = "a rotation under load, GitHub is a stand-in"
"""What the table of what is covered says of each."""

IN_SECRET, FROM_STORE = (secrets.token_hex(16) for _ in range(2))
"""Tokens of generation 2."""


@dataclass(frozen=True)
class Rotated:
    """A rotation under load, and what a preview and an update say afterwards.

    Attributes:
        declared: what the state says of it.
    """

    app: App
    run: Run
    tally: Tally
    before: Hook
    after: Hook
    declared: DeclaredReceiver
    unchanged: Run


def rotate(app: App) -> Rotated:
    """From generation 1 to 2, with every second delivery queued for seconds."""
    before = replace(app.hook())
    with Load(app.sandbox.github, app.name, rate=RATE, queued=QUEUED) as load:
        assert eventually(lambda: load.sent > 2 * RATE)
        run = app.up(generation=2, drain=f"{DRAIN:g}s")
    exported = app.stack.run("stack", "export", "--show-secrets", "--stack", app.name).output
    declared = parse(exported).receivers[app.name]
    return Rotated(app, run, load.tally, before, app.hook(), declared, app.up())


def nothing_lost(rotated: Rotated, *, token: str) -> None:
    """What holds of every one of them."""
    assert 0 == rotated.tally.lost, rotated.tally
    assert (token, True) == (rotated.after.secret, rotated.after.url != rotated.before.url)
    assert [] == changes(rotated.unchanged)
    assert 200 == rotated.app.probe(rotated.after)
    assert [f"{rotated.app.name}-g2"] == rotated.app.receivers()
    generation = rotated.declared.generations[2]
    assert (2, token) == (rotated.declared.live, generation.token)
    assert generation.created_at is not None


def put(app: App, name: str, token: str) -> None:
    """Make a Secret, as somebody else does; the scan for leaks knows its token."""
    app.leaks.know_token(token)
    app.client.create(Secret(metadata=ObjectMeta(name=name), stringData={"token": token}))


# Given


@dataclass(frozen=True)
class Given:
    """The number changed alone, the token alone, both; forward once more and back.

    Attributes:
        token: generation 2's.
        hook: the webhook in the end.
    """

    number: Run
    alone: Run
    rotated: Rotated
    token: str
    back: Run
    hook: Hook


@pytest.fixture(scope="class")
def given(make_app: Callable[..., App]) -> Given:
    app = make_app("given", program=GIVEN)
    first, second, third = (secrets.token_hex(16) for _ in range(3))
    give(app, first)
    app.up(generation=1)
    number = app.up(generation=2, check=False)
    give(app, second)
    alone = app.up(generation=1, check=False)
    rotated = rotate(app)
    give(app, third)
    app.up(generation=3, retained=[2])
    give(app, second)
    back = app.up(generation=2, retained=[])
    return Given(number, alone, rotated, second, back, app.hook())


def give(app: App, token: str) -> None:
    """Set a token in the stack's configuration; the scan for leaks knows it."""
    app.leaks.know_token(token)
    app.stack.run("config", "set", "--secret", "token", token, "--stack", app.name)


class TestGiven:
    """By the stack's configuration, as ESC gives it too."""

    def test_neither_number_nor_token_changes_alone(self, given: Given) -> None:
        """The run fails before it makes anything, and says what belongs together."""
        assert [] == [*changes(given.number), *changes(given.alone)]
        (first,), (second,) = errors(given.number), errors(given.alone)
        assert "token: gives generation 2 the token of generation 1" in first
        assert "token: gives another token, and the generation is 1 as before" in second

    def test_a_rotation_loses_nothing(self, given: Given, breadth: Breadth) -> None:
        """A Secret and a Receiver are made, the webhook is moved, and the old ones go."""
        nothing_lost(given.rotated, token=given.token)
        assert [
            "create Secret given-g2-token",
            "create Receiver given-g2",
            "update RepositoryWebhook given-webhook",
            "delete Receiver given-g1",
            "delete Secret given-g1-token",
        ] == changes(given.rotated.run)
        breadth(type="github", forge="GitHub repository", secret="given", against=UNDER_LOAD)

    def test_a_retained_generation_keeps_its_token(self, given: Given) -> None:
        """So that going back to it is a repointing, and nothing is made."""
        assert given.token == given.hook.secret
        assert [
            "update RepositoryWebhook given-webhook",
            "delete Receiver given-g3",
            "delete Secret given-g3-token",
        ] == changes(given.back)


# In a Secret made elsewhere


@dataclass(frozen=True)
class InSecret:
    """The number raised before the next Secret was there, and after."""

    too_early: Run
    rotated: Rotated


@pytest.fixture(scope="class")
def in_secret(make_app: Callable[..., App]) -> InSecret:
    app = make_app("in-secret")
    put(app, "in-secret-token-1", secrets.token_hex(16))
    app.up(generation=1, token_secret="in-secret-token-{generation}")
    too_early = app.up(generation=2, check=False)
    put(app, "in-secret-token-2", IN_SECRET)
    return InSecret(too_early, rotate(app))


class TestInASecret:
    """That somebody else makes, one for each generation."""

    def test_a_secret_that_is_not_there_is_named(self, in_secret: InSecret) -> None:
        """By the engine, before anything is made."""
        assert [] == changes(in_secret.too_early)
        said = "\n".join(errors(in_secret.too_early))
        assert "'flux-system/in-secret-token-2' does not exist" in said

    def test_a_rotation_loses_nothing(self, in_secret: InSecret, breadth: Breadth) -> None:
        """Only Receivers come and go."""
        nothing_lost(in_secret.rotated, token=IN_SECRET)
        assert [
            "create Receiver in-secret-g2",
            "update RepositoryWebhook in-secret-webhook",
            "delete Receiver in-secret-g1",
        ] == [step for step in changes(in_secret.rotated.run) if not step.startswith("discard")]
        breadth(
            type="github",
            forge="GitHub repository",
            secret="an existing Secret",
            against=UNDER_LOAD,
        )

    def test_the_secrets_are_left_alone(self, in_secret: InSecret) -> None:
        """Also those of generations that are gone, and when the stack goes."""
        app = in_secret.rotated.app
        app.learn()
        app.stack.destroy()

        for number in (1, 2):
            assert app.client.get(Secret, f"in-secret-token-{number}").data


# From a store, and to one


@pytest.fixture(scope="module")
def operator(sandbox: Sandbox, ran: set[str]) -> Iterator[ExternalSecretsOperator]:
    with ExternalSecretsOperator(sandbox.cluster) as operator:
        ran.add(operator.ran)
        yield operator


def make_store(app: App, **values: str) -> None:
    """Make a store with values, named as the app."""
    data = [{"key": f"{app.name}/{key}", "value": value} for key, value in values.items()]
    # The fake provider wants to have something.
    data.append({"key": "unused", "value": "unused"})
    app.client.create(
        SecretStore(metadata=ObjectMeta(name=app.name), spec={"provider": {"fake": {"data": data}}})
    )


@pytest.fixture(scope="class")
def from_store(operator: ExternalSecretsOperator, make_app: Callable[..., App]) -> Rotated:
    app = make_app("from-store")
    first = secrets.token_hex(16)
    for token in (first, FROM_STORE):
        app.leaks.know_token(token)
    make_store(app, **{"1": first, "2": FROM_STORE})
    app.preview(generation=1, token_from={"store": app.name, "key": "from-store/{generation}"})
    app.up()
    return rotate(app)


class TestFromAStore:
    """By an ExternalSecret for each generation."""

    def test_a_rotation_loses_nothing(self, from_store: Rotated, breadth: Breadth) -> None:
        """ExternalSecret and Receiver are made, and go in the opposite order."""
        nothing_lost(from_store, token=FROM_STORE)
        assert [
            "create ExternalSecret from-store-g2-token",
            "create Receiver from-store-g2",
            "update RepositoryWebhook from-store-webhook",
            "delete Receiver from-store-g1",
            "delete ExternalSecret from-store-g1-token",
        ] == [step for step in changes(from_store.run) if not step.startswith("discard")]
        breadth(
            type="github",
            forge="GitHub repository",
            secret="an ExternalSecret",
            against=f"{UNDER_LOAD}, so is the operator where it is not on PATH",
        )

    def test_its_secret_is_made_once(self, from_store: Rotated) -> None:
        """Immutable, and without the labels by which prune finds what we make."""
        secret = from_store.app.client.get(Secret, from_store.declared.generations[2].secret)

        assert secret.immutable
        assert secret.metadata is not None
        labels = secret.metadata.labels or {}
        assert "Enabled" == labels["reconcile.fluxcd.io/watch"]
        assert [] == [label for label in labels if label.startswith("fluxhooks/")]

    def test_what_the_stack_makes_is_told_from_what_it_reads(self, from_store: Rotated) -> None:
        """Nobody looks for labels of ours on the other."""
        assert not from_store.declared.generations[2].secret_is_ours


@pytest.fixture(scope="class")
def to_store(operator: ExternalSecretsOperator, make_app: Callable[..., App]) -> Rotated:
    app = make_app("to-store")
    make_store(app)
    app.up(generation=1, token_to={"store": app.name, "key": "to-store/{generation}"})
    return rotate(app)


class TestToAStore:
    """By a PushSecret for each generation."""

    def test_a_rotation_loses_nothing(self, to_store: Rotated, breadth: Breadth) -> None:
        """The copy is there before the webhook is moved."""
        nothing_lost(to_store, token=to_store.after.secret or "")
        done = changes(to_store.run)
        moved = done.index("update RepositoryWebhook to-store-webhook")
        assert done.index("create PushSecret to-store-g2-copy") < moved
        assert "delete PushSecret to-store-g1-copy" in done[moved:]
        breadth(
            type="github",
            forge="GitHub repository",
            secret="generated, copied by a PushSecret",
            against=f"{UNDER_LOAD}, so is the operator where it is not on PATH",
        )

    def test_each_generation_has_its_own_copy(self, to_store: Rotated) -> None:
        """Whoever reads the store finds the live one under its number, and the old one still."""
        app = to_store.app
        found = [self.read(app, number) for number in (1, 2)]

        assert [to_store.before.secret, to_store.after.secret] == found

    def read(self, app: App, number: int) -> str:
        """What the store has, as the operator reads it."""
        name = f"to-store-read-{number}"
        data = [{"secretKey": "token", "remoteRef": {"key": f"to-store/{number}"}}]
        app.client.create(
            ExternalSecret(
                metadata=ObjectMeta(name=name),
                spec={"data": data, "secretStoreRef": {"name": app.name}, "target": {"name": name}},
            )
        )
        secret = eventually(lambda: list(app.client.list(Secret, fields={"metadata.name": name})))
        assert secret, f"the operator made no Secret {name}"
        return decoded(secret[0])
