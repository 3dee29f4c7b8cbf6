"""Chains of many shapes in which nothing is wrong: the doctor finds nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from fluxhooks.flux.labels import object_labels
from fluxhooks.flux.receiver_types import ReceiverType
from fluxhooks.flux.signature import sign
from sandbox.sandbox import Sandbox
from tests.matrix import table
from tests.matrix.chain import APP, GITHUB, GITLAB, Chain, await_handled
from tests.matrix.looking import Doctor
from tests.matrix.rows import BOTH
from tests.matrix.webhook import GitLabWebhook


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A set-up.

    Attributes:
        shape: what is particular to it, in words.
        make: what is done to a chain that is whole.
        push: whether a push has come through.
    """

    id: str
    shape: str
    make: Callable[[Chain], object]
    chain: dict[str, Any] = field(default_factory=dict)
    push: bool = True


shapes: list[Any] = []


def shape(
    words: str,
    at: str | tuple[str, ...] = GITHUB,
    *,
    sample: str = "",
    push: bool = True,
    **chain: Any,
) -> Callable[[Callable[[Chain], object]], Callable[[Chain], object]]:
    """Take the function that makes a set-up; one for each forge of `at`."""

    def take(make: Callable[[Chain], object]) -> Callable[[Chain], object]:
        for forge in (at,) if isinstance(at, str) else at:
            name = f"h-{make.__name__.replace('_', '-')}-{forge}"
            one = Shape(id=name, shape=words, make=make, chain={"forge": forge, **chain}, push=push)
            marks = [pytest.mark.sample] if sample == forge else []
            shapes.append(pytest.param(one, id=name, marks=marks))
        return make

    return take


@shape("a push has come through", BOTH, sample=GITHUB)
def plain(chain: Chain) -> None:
    pass


@shape(
    "the chart of a HelmRelease is in the repository",
    BOTH,
    sample=GITLAB,
    applied_by="HelmRelease",
)
def chart(chain: Chain) -> None:
    pass


@shape(
    "made by hand: no filter, all events, and so a ping that reconciled",
    BOTH,
    receiver={"resourceFilter": None, "events": None},
)
def by_hand(chain: Chain) -> None:
    pass


@shape("the Receiver refuses GitHub's ping", receiver={"events": ["push"]})
def ping_refused(chain: Chain) -> None:
    pass


@shape("freshly made: nothing was pushed yet", BOTH, push=False)
def fresh(chain: Chain) -> None:
    chain.await_applied()


@shape("nobody has ever applied anything of it", push=False, applied_by="")
def unapplied(chain: Chain) -> None:
    chain.await_fetched()


@shape("the newest push was of a feature branch", BOTH)
def feature_branch(chain: Chain) -> None:
    for number in range(3):
        chain.push({"README.md": str(number)}, branch="feature/x")


@shape("the source follows tags, and one was pushed", push=False)
def tags(chain: Chain) -> None:
    chain.repository.tag("v1.0.0")
    chain.patch("GitRepository", ref={"branch": None, "semver": ">=1.0.0"})
    chain.await_applied()
    chain.push()
    chain.repository.tag("v1.1.0")
    chain.forge.wait_idle()
    chain.await_applied()


@shape(
    "the source follows tags, and one was pushed",
    GITLAB,
    hook={"tag_push_events": True},
    push=False,
)
def tags_at_gitlab(chain: Chain) -> None:
    tags(chain)


@shape("the webhook's branch filter lets main through", GITLAB)
def branch_filter(chain: Chain) -> None:
    chain.webhook.edit(push_events_branch_filter="ma*")
    chain.push()
    chain.await_applied()


@shape("the Receiver chooses its sources by labels", BOTH)
def labels(chain: Chain) -> None:
    chain.merge(chain.kind, APP, {"metadata": {"labels": {"team": chain.name}}})
    target = {"kind": "GitRepository", "name": "*", "matchLabels": {"team": chain.name}}
    chain.patch("Receiver", resources=[target])
    chain.await_path()
    chain.push()
    chain.await_applied()


@shape("one Receiver reaches three sources", BOTH, sample=GITLAB)
def several_sources(chain: Chain) -> None:
    for name in ("one", "two"):
        chain.make_source(name)
    targets = [{"kind": "GitRepository", "name": name} for name in (APP, "one", "two")]
    chain.patch("Receiver", resources=targets)
    chain.await_path()
    chain.push()
    chain.await_applied()
    for name in ("one", "two"):
        chain.await_fetched(name=name)


@shape("the source is in another namespace")
def other_namespace(chain: Chain) -> None:
    other = f"{chain.name}-sources"
    chain.make_namespace(other)
    chain.copy_source(other, "shared")
    target = {"kind": "GitRepository", "name": "shared", "namespace": other}
    chain.patch("Receiver", resources=[{"kind": "GitRepository", "name": APP}, target])
    chain.await_path()
    chain.push()
    chain.await_applied()


@shape("a former generation is retained after a rotation", BOTH)
def retained_generation(chain: Chain) -> None:
    labels = [object_labels("app", n, project="shop", stack="prod") for n in (1, 2)]
    chain.merge("Receiver", APP, {"metadata": {"labels": labels[0]}})
    token = chain.token[::-1]
    chain.known_tokens.append(token)
    chain.make_secret("token-g2", {"token": token})
    path = chain.make_receiver("app-g2", secretRef={"name": "token-g2"}, labels=labels[1])
    chain.webhook.edit(url=f"{chain.ingress.url}{path}", secret=token)
    chain.push()
    chain.await_applied()


@shape("other webhooks of the repository call other hosts", BOTH)
def other_webhooks(chain: Chain) -> None:
    chain.webhook.create("https://ci.invalid/github-webhook", "a secret of CI")
    # Another cluster's, whose Receiver nobody here knows.
    chain.webhook.create(f"https://flux.invalid/hook/{'0123456789abcdef' * 4}", "another")
    chain.push()
    chain.await_applied()


@shape("a monorepo: three Receivers of one repository, a webhook each", BOTH)
def monorepo(chain: Chain) -> None:
    for name in ("one", "two"):
        token = f"{name}-{chain.token}"
        chain.known_tokens.append(token)
        chain.make_secret(f"token-{name}", {"token": token})
        path = chain.make_receiver(name, secretRef={"name": f"token-{name}"})
        chain.webhook.create(f"{chain.ingress.url}{path}", token)
    chain.push()
    chain.await_applied()


@shape("the organisation's webhook calls the Receiver, not the repository's", GITLAB)
def of_the_group(chain: Chain) -> None:
    chain.webhook.delete()
    hook = GitLabWebhook(chain.sandbox.gitlab, chain.sandbox.gitlab.group, group=True)
    number = hook.id = hook.create(chain.url, chain.token)
    chain.after(hook.close)
    chain.after(hook.delete)
    assert number
    chain.push()
    chain.await_applied()


@shape("a delivery failed, and the next one made up for it", BOTH, own_ingress=True)
def made_up_for(chain: Chain) -> None:
    chain.ingress.refuse()
    chain.push()
    chain.ingress.resume()
    chain.push()
    chain.await_applied()


@shape(
    "a delivery failed, and the source has fetched the commit by itself",
    BOTH,
    own_ingress=True,
)
def fetched_meanwhile(chain: Chain) -> None:
    chain.ingress.refuse()
    chain.push()
    chain.ingress.resume()
    chain.reconcile("GitRepository")
    chain.await_applied()


@shape(
    "the user's filter lets some deliveries through, and the newest not",
    BOTH,
    receiver={"resourceFilter": "!has(req.fluxhooksProbe) && req.ref == 'refs/heads/main'"},
)
def filtered(chain: Chain) -> None:
    chain.push({"README.md": "1"}, branch="feature/y")


@shape("a Receiver of the type generic, called by a CI job")
def generic(chain: Chain) -> None:
    chain.webhook.delete()
    chain.patch("Receiver", type="generic", events=None)
    send(chain, {})


@shape("a Receiver of the type generic-hmac, called by a CI job", sample=GITHUB)
def generic_hmac(chain: Chain) -> None:
    chain.webhook.delete()
    chain.patch("Receiver", type="generic-hmac", events=None)
    chain.await_path()
    body = b'{"ref":"refs/heads/main"}'
    send(chain, sign(ReceiverType.GENERIC_HMAC, chain.token, body), body)


@shape("a Receiver of the type harbor beside an ImageRepository that is not served")
def harbor(chain: Chain) -> None:
    chain.webhook.delete()
    chain.patch("Receiver", type="harbor", events=None, resourceFilter=None)
    chain.await_path()
    send(chain, {"Authorization": chain.token})


@shape("beside it stand a HelmRepository of the type oci and a suspended source nobody reaches")
def beside(chain: Chain) -> None:
    chain.make("HelmRepository", "charts", {"type": "oci", "url": "oci://localhost/acme/charts"})
    chain.make_source("parked", suspend=True)


@shape("another source's applier in the namespace fails, and its Receiver is another's")
def somebody_elses_failure(chain: Chain) -> None:
    chain.make_source("other")
    source = {"kind": "GitRepository", "name": "other"}
    chain.make_applier("other", path="./nowhere", sourceRef=source)
    chain.await_condition("Kustomization", "other")


@shape("what it depends on is ready", BOTH)
def dependency_ready(chain: Chain) -> None:
    chain.make_applier("base")
    chain.await_condition("Kustomization", "base", status="True")
    chain.patch("Kustomization", dependsOn=[{"name": "base"}])
    chain.push()
    chain.await_applied()


@shape("the interval is a day, as the webhook brings what is new", BOTH, source={"interval": "24h"})
def rarely_polled(chain: Chain) -> None:
    pass


def send(chain: Chain, headers: dict[str, str], body: bytes = b"{}") -> None:
    """Deliver something as a sender that is no forge, and wait for what it brings."""
    # No forge says where it is called.
    chain.settings["host"] = chain.ingress.host
    chain.repository.commit(chain.content(), message="A change")
    answer = httpx.post(
        chain.url,
        content=body,
        headers={"Content-Type": "application/json", **headers},
        verify=chain.trust,
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    chain.await_applied()


@pytest.mark.parametrize("shape", shapes)
def test_nothing_is_found_where_nothing_is_wrong(
    shape: Shape,
    sandbox: Sandbox,
    doctor: Doctor,
    record_property: Callable[[str, object], None],
) -> None:
    """A doctor who cries wolf is not asked again."""
    with Chain(sandbox, shape.id, **shape.chain) as chain:
        chain.start(push=shape.push)
        shape.make(chain)
        await_handled(sandbox, chain.namespace)
        looked = doctor.look(chain)
        findings = len(looked.findings)
        record_property(table.HEALTHY, {"shape": shape.shape, "findings": findings})

        assert [] == [finding.fault for finding in looked.findings], f"\n{looked}"
        assert () == looked.diagnosis.unseen, f"\n{looked}"
        assert [] == looked.wrong, f"\n{looked}"
