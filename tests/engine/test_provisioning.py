"""What the first `pulumi up` makes, and that later ones without a change do nothing."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from lightkube.resources.core_v1 import Secret

from sandbox.stack import Run
from tests.app import App, Receiver, changes


@dataclass(frozen=True)
class Provisioned:
    """An app after its first `up`, and the runs that led there."""

    app: App
    preview: Run
    up: Run


@pytest.fixture(scope="class")
def provisioned(make_app: Callable[..., App]) -> Provisioned:
    app = make_app("first")
    return Provisioned(app, app.preview("--diff"), app.up("--diff"))


class TestTheFirstUp:
    def test_it_makes_token_secret_receiver_and_webhook_in_this_order(
        self, provisioned: Provisioned
    ) -> None:
        """The webhook comes last, when what it calls is Ready."""
        expected = [
            "create RandomPassword first-g1-token",
            "create Secret first-g1-token",
            "create Receiver first-g1",
            "create RepositoryWebhook first-webhook",
        ]
        assert expected == changes(provisioned.up)

    def test_the_preview_showed_just_that(self, provisioned: Provisioned) -> None:
        """Nothing is registered only once a value is known."""
        assert changes(provisioned.up) == changes(provisioned.preview)

    def test_it_says_nothing_alarming(self, provisioned: Provisioned) -> None:
        """A first update has neither warnings nor errors."""
        assert [] == provisioned.up.diagnostics

    def test_the_webhook_is_the_one_the_receiver_waits_for(self, provisioned: Provisioned) -> None:
        """URL, secret, format and events as GitHub holds them."""
        app = provisioned.app
        (receiver,) = app.client.list(Receiver, labels={"fluxhooks/component": app.name})
        hook = app.hook()
        url = f"https://{app.sandbox.ingress.host}{receiver.status['webhookPath']}"
        assert (url, "json", False, ("push",), True) == (
            hook.url,
            hook.content_type,
            hook.insecure_ssl,
            hook.events,
            hook.active,
        )
        assert 64 == len(hook.secret or "")

    def test_githubs_ping_is_answered_200_and_reconciles_nothing(
        self, provisioned: Provisioned
    ) -> None:
        """A ping is no change: the filter keeps it from the targets."""
        (ping,) = provisioned.app.deliveries("ping")
        assert (200, None) == (ping.status_code, provisioned.app.requested_at())

    def test_objects_say_whose_they_are_and_the_secret_cannot_be_edited(
        self, provisioned: Provisioned
    ) -> None:
        """By these labels people and `prune` find what a killed run left."""
        app = provisioned.app
        labels = {
            "app.kubernetes.io/managed-by": "fluxhooks",
            "fluxhooks/component": "first",
            "fluxhooks/generation": "1",
            "fluxhooks/stack": "project-first.first",
        }
        (secret,) = app.client.list(Secret, labels=labels)
        (receiver,) = app.client.list(Receiver, labels=labels)
        assert (True, ["token"]) == (secret.immutable, list(secret.data or {}))
        assert {"name": secret.metadata.name} == receiver.spec["secretRef"]

    @pytest.mark.parametrize("flags", [(), ("--refresh",)], ids=["plain", "refresh"])
    def test_an_up_without_a_change_does_nothing(
        self, provisioned: Provisioned, flags: tuple[str, ...]
    ) -> None:
        """No step, no write at the forge. A null in a spec would be a difference for ever."""
        app = provisioned.app
        writes = app.writes()
        run = app.up(*flags)
        assert ([], writes) == (run.changes, app.writes())

    def test_a_preview_without_a_change_shows_none(self, provisioned: Provisioned) -> None:
        """The program's inputs are the same in every run."""
        assert [] == provisioned.app.preview().changes

    def test_secrets_are_encrypted_in_the_state(self, provisioned: Provisioned) -> None:
        """Token, path and URL are secret wherever they stand; the scan knows all of them."""
        app = provisioned.app
        app.leaks.read("the exported state", app.stack.run("stack", "export").output)
        app.leaks.read("the outputs", app.stack.run("stack", "output").output)
        assert {"a token", "a token in base64", "a hook path"} == app.leaks.kinds
        assert [] == app.scan()


def test_the_scan_for_secrets_finds_them(make_app: Callable[..., App]) -> None:
    """A program that prints its token is what the scan is for."""
    program = (
        "import pulumi, pulumi_random\n"
        "token = pulumi_random.RandomPassword('token', length=64, special=False).result\n"
        "pulumi.export('token', pulumi.Output.unsecret(token))\n"
    )
    app = make_app("careless", program=program)
    app.stack.up()
    app.leaks.know_token(app.stack.outputs()["token"])
    found = app.scan()
    # What was found is the point here, and must not fail the scan that ends each test.
    app.leaks.forget()
    assert ".pulumi/stacks/project-careless/careless.json holds a token" in {
        line.removeprefix("state/") for line in found
    }


def test_a_destroy_ends_and_leaves_nothing(make_app: Callable[..., App]) -> None:
    """Foreground deletion would wait for ever for a garbage collector that is not there."""
    app = make_app("gone")
    app.up(generation=2, retained=[1])
    run = app.stack.destroy()
    assert [] == app.receivers()
    assert [] == list(app.client.list(Secret, labels={"fluxhooks/component": "gone"}))
    assert [] == app.sandbox.github.hooks("gone")
    assert "delete RepositoryWebhook gone-webhook" == changes(run)[0]
