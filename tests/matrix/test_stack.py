"""Chains of a stack, made by the real engine: what it declares is held against what there is.

Each fault is mended by the command that the doctor names, and then nothing is found.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Secret

from fluxhooks.flux.hook_path import hook_path
from fluxhooks.observe import state
from fluxhooks.observe.doctor.diagnosis import State
from fluxhooks.observe.doctor.faults import Fault, Link
from fluxhooks.observe.doctor.subjects import OfStack
from sandbox.sandbox import Sandbox
from tests.app import App, Receiver, eventually
from tests.matrix import table
from tests.matrix.chain import await_handled
from tests.matrix.conftest import recorded
from tests.matrix.looking import Doctor, Looked
from tests.matrix.webhook import GitHubWebhook, GitLabWebhook, Webhook

Record = Callable[[str, object], None]


class Declared:
    """A stack with one webhook, which is broken and mended again and again."""

    namespace = "flux-system"
    settings: dict[str, Any]

    def __init__(self, app: App, webhook: Webhook) -> None:
        self.name = app.name
        self.app = app
        self.client, self.forge, self.path = app.client, app.forge, app.path
        self.webhook = webhook
        self.ingress = app.sandbox.ingress
        self.settings = {}
        self.known_tokens: list[str] = []
        self.known_paths: list[str] = []
        self.up()
        self.push()

    def up(self, *flags: str, **args: Any) -> None:
        """Update the stack; every secret it has then is looked for in what the doctor says."""
        self.app.up(*flags, **args)
        hook = self.app.hook()
        self.webhook.id = str(hook.id)
        self.known_tokens.append(str(hook.secret))
        self.known_paths.append(hook.url.partition("/hook/")[2])

    def push(self) -> None:
        """Push a commit, and wait until the forge has sent what it sends."""
        self.app.repository.commit({"README.md": "Another"}, message="A change")
        self.app.forge.wait_idle()
        await_handled(self.app.sandbox, self.namespace)

    def wanted(self) -> OfStack:
        """The stack as it is now."""
        exported = self.app.stack.run(
            "stack", "export", "--show-secrets", "--stack", self.app.stack.name
        )
        return OfStack(state=state.parse(exported.output))


@pytest.fixture(scope="class")
def declared(
    request: pytest.FixtureRequest, sandbox: Sandbox, make_app: Callable[..., App], doctor: Doctor
) -> Iterator[Declared]:
    forge = request.cls.FORGE
    app = make_app(f"matrix-stack-{forge}", sender=forge, suspend=False)
    # What was written down of the secrets is the point of no test here.
    app.leaks.forget()
    webhook: Webhook = (
        GitHubWebhook(sandbox.github, app.path)
        if forge == "github"
        else GitLabWebhook(sandbox.gitlab, app.path)
    )
    yield Declared(app, webhook)
    webhook.close()


def found_healthy(
    looked: Looked, record: Record, shape: str, *, unseen: tuple[Link, ...] = ()
) -> None:
    """Record a set-up, in which nothing may be found."""
    record(table.HEALTHY, {"shape": shape, "findings": len(looked.findings)})

    assert [] == [finding.fault for finding in looked.findings], f"\n{looked}"
    assert [] == looked.wrong, f"\n{looked}"
    (chain,) = looked.diagnosis.chains
    assert unseen == tuple(link.link for link in chain.links if link.state is State.UNSEEN)


class AStack:
    """In the order of the file: each test leaves the stack as it is declared."""

    FORGE: str

    def look(self, declared: Declared, doctor: Doctor, **told: Any) -> Looked:
        return doctor.look(declared, wanted=declared.wanted(), **told)

    def judge(
        self,
        declared: Declared,
        doctor: Doctor,
        record: Record,
        fault: Fault,
        injected: str,
        cure: str,
    ) -> None:
        looked = self.look(declared, doctor)
        row = recorded(
            looked,
            declared,
            fault=fault,
            injected=f"{injected} (a stack's)",
            forge=self.FORGE,
            cure=cure,
        )
        record(table.FAULT, row)

        assert [fault] == [finding.fault for finding in looked.findings], f"\n{looked}"
        assert row["right"], f"\n{looked}"
        assert () == looked.diagnosis.unseen, f"\n{looked}"
        assert [] == looked.wrong, f"\n{looked}"

    def test_a_stack_as_it_was_made_is_healthy(
        self, declared: Declared, doctor: Doctor, record_property: Record
    ) -> None:
        """By the state's own ID of the webhook."""
        found_healthy(self.look(declared, doctor), record_property, "a stack, as it was made")

    def test_the_forge_alone_is_enough_for_the_webhook(
        self, declared: Declared, doctor: Doctor, record_property: Record
    ) -> None:
        """And what could not be seen is said."""
        looked = self.look(declared, doctor, ask_cluster=False)
        # That the Receiver answers as it must is seen from outside.
        behind = (Link.SOURCE, Link.APPLIER, Link.CLUSTER)
        found_healthy(looked, record_property, "a stack, without its cluster", unseen=behind)

    def test_the_cluster_alone_is_enough_for_the_rest(
        self, declared: Declared, doctor: Doctor, record_property: Record
    ) -> None:
        """And what could not be seen is said."""
        looked = self.look(declared, doctor, ask_forges=False)
        at_the_forge = (Link.WEBHOOK, Link.DELIVERY)
        found_healthy(looked, record_property, "a stack, without its forge", unseen=at_the_forge)

    def test_a_webhook_deleted_at_the_forge(
        self, declared: Declared, doctor: Doctor, record_property: Record
    ) -> None:
        """`pulumi up` alone does not see it."""
        declared.webhook.delete()
        self.judge(
            declared,
            doctor,
            record_property,
            Fault.WEBHOOK_MISSING,
            "the webhook is deleted at the forge",
            r"pulumi up --refresh",
        )
        declared.up("--refresh")
        assert [] == self.look(declared, doctor).findings

    def test_a_receiver_deleted_in_the_cluster(
        self, declared: Declared, doctor: Doctor, record_property: Record
    ) -> None:
        """The state still has it."""
        (receiver,) = declared.client.list(
            Receiver, labels={"fluxhooks/component": declared.app.name}
        )
        declared.client.delete(Receiver, receiver.metadata.name)
        declared.push()
        self.judge(
            declared,
            doctor,
            record_property,
            Fault.RECEIVER_MISSING,
            "the Receiver is deleted in the cluster",
            r"pulumi up --refresh",
        )
        declared.up("--refresh")
        declared.push()
        assert [] == self.look(declared, doctor).findings

    def test_a_webhook_edited_to_another_host(
        self, declared: Declared, doctor: Doctor, record_property: Record
    ) -> None:
        """The state says which is right."""
        hook = declared.app.hook()
        path = hook.url.partition("/hook/")[2]
        declared.webhook.edit(url=f"https://old.invalid/hook/{path}", secret=hook.secret)
        self.judge(
            declared,
            doctor,
            record_property,
            Fault.WEBHOOK_OTHER_HOST,
            "the webhook is edited to call another host",
            r"pulumi up --refresh",
        )
        declared.up("--refresh")
        declared.push()
        assert [] == self.look(declared, doctor).findings

    def test_a_webhook_edited_to_call_another_receiver(
        self, declared: Declared, doctor: Doctor, record_property: Record
    ) -> None:
        """It is answered 200, and something else is reconciled."""
        hook, client, name = declared.app.hook(), declared.client, f"other-{declared.name}"
        declared.app.make_source(name)
        token = f"of-{name}"
        client.create(Secret(metadata=ObjectMeta(name=name), stringData={"token": token}))
        targets = [{"kind": "GitRepository", "name": name}]
        spec = {"type": self.FORGE, "secretRef": {"name": name}, "resources": targets}
        client.create(Receiver(metadata=ObjectMeta(name=name), spec=spec))
        path = hook_path(token, name, "flux-system")
        declared.known_paths.append(path)
        assert eventually(
            lambda: (client.get(Receiver, name).status or {}).get("webhookPath") == path
        )
        declared.webhook.edit(url=f"https://{hook.url.split('/')[2]}{path}", secret=token)
        declared.push()
        self.judge(
            declared,
            doctor,
            record_property,
            Fault.WEBHOOK_OTHER_RECEIVER,
            "the webhook is edited to call another app's Receiver",
            r"pulumi up --refresh",
        )
        declared.up("--refresh")
        declared.push()
        assert [] == self.look(declared, doctor).findings

    def test_a_webhook_put_back_to_the_former_generation(
        self, declared: Declared, doctor: Doctor, record_property: Record
    ) -> None:
        """It answers, as it is retained; when it is retired, deliveries are lost."""
        before = declared.app.hook()
        declared.up(generation=2, retained=[1])
        declared.webhook.edit(url=before.url, secret=before.secret)
        declared.push()
        self.judge(
            declared,
            doctor,
            record_property,
            Fault.WEBHOOK_OLD_GENERATION,
            "the webhook is edited to call the former generation, which is retained",
            r"pulumi up --refresh",
        )
        declared.up("--refresh")
        declared.push()
        assert [] == self.look(declared, doctor).findings

    def test_a_secret_edited_at_the_forge(
        self, declared: Declared, doctor: Doctor, record_property: Record
    ) -> None:
        """No forge shows it, so that no refresh mends it: a rotation does."""
        declared.webhook.edit(secret="edited by hand")
        declared.known_tokens.append("edited by hand")
        declared.push()
        self.judge(
            declared,
            doctor,
            record_property,
            Fault.DELIVERY_SECRET_DIFFERS,
            "the webhook's secret is edited at the forge",
            r"fluxhooks rotate",
        )
        declared.up(generation=3, retained=[])
        declared.push()
        assert [] == self.look(declared, doctor).findings


class TestAStackAtGitHub(AStack):
    """GitHub tells when a webhook was edited."""

    FORGE = "github"


class TestAStackAtGitLab(AStack):
    """GitLab does not."""

    FORGE = "gitlab"
