"""Which chains the doctor looks at, what it asks of their public URLs, and what it cannot see."""

import asyncio
import dataclasses
import datetime
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from fluxhooks.errors import ObservationError
from fluxhooks.flux.hook_path import UNKNOWN_PATH, hook_path
from fluxhooks.flux.labels import object_labels
from fluxhooks.flux.resource_filter import with_probe
from fluxhooks.observe.doctor import doctor, gather_cluster, gather_forge, gather_public
from fluxhooks.observe.doctor.diagnosis import State
from fluxhooks.observe.doctor.doctor import Looked, look
from fluxhooks.observe.doctor.evidence import (
    ClusterEvidence,
    FluxObject,
    ForgeEvidence,
    PublicEvidence,
    SecretEvidence,
)
from fluxhooks.observe.doctor.faults import Link
from fluxhooks.observe.doctor.settings import Settings
from fluxhooks.observe.doctor.subjects import (
    OfCluster,
    OfStack,
    Subject,
    forge_hosts,
    of_cluster,
    of_stack,
    scope_of,
)
from fluxhooks.observe.forges import Forges, SeenWebhook
from fluxhooks.observe.state import ProviderSettings, Scope, parse

STATE = parse((Path(__file__).parent.parent / "golden" / "interrupted-stack.json").read_text())
TOKEN = "a-token-nobody-may-see"
HOST = "flux.example.com"
APP = Scope("github", "repository", "acme/app")
HOSTS = {"github.com": "github", "gitlab.com": "gitlab"}


@pytest.fixture(autouse=True)
def _no_forges(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_BASE_URL", "GITLAB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def receiver(name: str, *sources: str, **changes: Any) -> FluxObject:
    """Return a Receiver that serves a path and names GitRepositories."""
    spec = {
        "type": "github",
        "events": ["ping", "push"],
        "secretRef": {"name": name},
        "resourceFilter": with_probe(None),
        "resources": [{"kind": "GitRepository", "name": source} for source in sources],
        **changes.pop("spec", {}),
    }
    return FluxObject(
        kind="Receiver",
        namespace="flux-system",
        name=name,
        spec=spec,
        status={"webhookPath": hook_path(TOKEN, name, "flux-system")},
        **changes,
    )


def source(name: str, url: str, **changes: Any) -> FluxObject:
    """Return a GitRepository."""
    return FluxObject(
        kind="GitRepository",
        namespace="flux-system",
        name=name,
        **{"spec": {"url": url}, **changes},
    )


def cluster(*objects: FluxObject) -> ClusterEvidence:
    """Return what a cluster has, with the Secret of each Receiver."""
    return ClusterEvidence(
        objects={found.key: found for found in objects},
        secrets={
            ("flux-system", found.name): SecretEvidence(token=TOKEN.encode())
            for found in objects
            if found.kind == "Receiver"
        },
    )


@pytest.mark.parametrize(
    ("url", "scope"),
    [
        ("https://github.com/acme/app", APP),
        ("https://github.com/acme/app.git", APP),
        ("https://user:secret@github.com/acme/app/", APP),
        ("ssh://git@github.com/acme/app.git", APP),
        ("ssh://git@github.com:22/acme/app.git", None),
        ("git@github.com:acme/app.git", APP),
        ("https://gitlab.com/acme/team/app.git", Scope("gitlab", "project", "acme/team/app")),
        ("https://codeberg.org/acme/app", None),
        ("https://github.com/acme", None),
        ("https://github.com.example.com/acme/app", None),
        ("", None),
    ],
)
def test_a_source_says_which_repository_it_is_of(url: str, scope: Scope | None) -> None:
    """Without the credentials in its URL; None where its forge is not one that can be asked."""
    assert scope == scope_of(url, HOSTS)


@pytest.mark.parametrize(
    ("github", "gitlab", "hosts"),
    [
        ("", "", HOSTS),
        ("https://api.github.com/", "https://gitlab.com/api/v4/", HOSTS),
        (
            "https://git.example.com/api/v3/",
            "https://example.com/gitlab/api/v4",
            {"git.example.com": "github", "example.com/gitlab": "gitlab"},
        ),
        ("https://git.example.com:8443", "", {"git.example.com:8443": "github", **HOSTS}),
    ],
)
def test_a_forge_is_known_by_the_address_of_its_api(
    monkeypatch: pytest.MonkeyPatch, github: str, gitlab: str, hosts: dict[str, str]
) -> None:
    """As the environment has it, or a stack's provider."""
    monkeypatch.setenv("GITHUB_BASE_URL", github)
    monkeypatch.setenv("GITLAB_BASE_URL", gitlab)
    monkeypatch.delenv("GITEA_BASE_URL", raising=False)
    expected = {host: forge for host, forge in hosts.items() if host != "github.com" or not github}
    expected = hosts if "api.github.com" in github else expected

    assert expected == forge_hosts(ProviderSettings())


def test_a_server_of_ones_own_is_asked_for_what_lies_below_its_address() -> None:
    """Also by SSH, whose port is another one."""
    hosts = {"git.example.com:8443": "github", "example.com/gitlab": "gitlab"}

    assert APP == scope_of("https://git.example.com:8443/acme/app.git", hosts)
    assert APP == scope_of("ssh://git@git.example.com/acme/app.git", hosts)
    assert Scope("gitlab", "project", "acme/app") == scope_of(
        "https://example.com/gitlab/acme/app.git", hosts
    )


def test_a_gitea_is_known_where_the_environment_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one in each place; what is asked is its address, not that of its API."""
    monkeypatch.setenv("GITEA_BASE_URL", "https://git.example.com/gitea/api/v1/")

    hosts = forge_hosts(ProviderSettings())

    assert {"git.example.com/gitea": "gitea"}.items() <= hosts.items()
    assert Scope("gitea", "repository", "acme/app", "https://git.example.com/gitea") == scope_of(
        "https://git.example.com/gitea/acme/app.git", hosts
    )


def test_of_a_stack_each_live_generation_is_a_chain() -> None:
    """With what the stack declares of its webhook and its host."""
    (found,) = of_stack(OfStack(state=STATE, names=("app",)))
    declared = STATE.receivers["app"]
    live = declared.generations[declared.live or 0]

    assert ("app", (live.namespace, live.receiver)) == (found.name, found.receiver)
    assert len(declared.generations) - 1 == len(found.older)
    assert declared.finished_url.split("/")[2] == found.host
    assert declared.webhook is not None
    assert declared.webhook.scope == found.scope
    assert declared.finished_path not in repr(found)


def _subjects(wanted: OfCluster, *objects: FluxObject) -> dict[str, Subject]:
    found = of_cluster(wanted, cluster(*objects), ProviderSettings())
    return {subject.name: subject for subject in found}


def test_of_a_cluster_each_receiver_is_a_chain() -> None:
    """Its webhook is looked for where its source's URL says."""
    (found,) = _subjects(
        OfCluster(host=HOST), receiver("app", "app"), source("app", "https://github.com/acme/app")
    ).values()

    assert (
        Subject(
            name="flux-system/app",
            receiver=("flux-system", "app"),
            type="github",
            scope=APP,
            managed=True,
            host=HOST,
        )
        == found
    )


def test_generations_beside_each_other_are_one_chain() -> None:
    """The newest is live, unless the webhook calls another one."""
    labels = [object_labels("app", number, project="p", stack="s") for number in (9, 10)]
    (found,) = _subjects(
        OfCluster(), receiver("g9", "app", labels=labels[0]), receiver("g10", labels=labels[1])
    ).values()

    assert ("flux-system", "g10") == found.receiver
    assert (("flux-system", "g9"),) == found.older


def test_a_receiver_of_several_repositories_is_a_chain_for_each() -> None:
    """None of which must have the webhook: an organisation's may call it."""
    found = _subjects(
        OfCluster(),
        receiver("app", "app", "infra", "again"),
        source("app", "https://github.com/acme/app"),
        source("again", "https://github.com/acme/app"),
        source("infra", "https://github.com/acme/infra"),
    )

    assert {"flux-system/app (acme/app)": False, "flux-system/app (acme/infra)": False} == {
        name: subject.managed for name, subject in found.items()
    }


@pytest.mark.parametrize(
    ("spec", "scope", "managed"),
    [
        pytest.param({"type": "generic-hmac"}, None, False, id="no forge's type"),
        pytest.param({"type": "gitlab"}, APP, True, id="another forge's type"),
        pytest.param(
            {"resources": [{"kind": "HelmChart", "name": "chart"}]}, APP, True, id="a chart of it"
        ),
        pytest.param(
            {"resources": [{"kind": "Bucket", "name": "app"}]}, None, False, id="no Git at all"
        ),
        pytest.param(
            {"resources": [{"kind": "GitRepository", "name": "*", "matchLabels": {"team": "a"}}]},
            APP,
            False,
            id="whatever has a label",
        ),
    ],
)
def test_where_the_webhook_must_be(
    spec: dict[str, Any], scope: Scope | None, managed: bool
) -> None:
    """Only where one repository is named, and its sender is one that can be asked."""
    chart = FluxObject(
        kind="HelmChart",
        namespace="flux-system",
        name="chart",
        spec={"sourceRef": {"kind": "GitRepository", "name": "app"}},
    )
    app = source("app", "https://github.com/acme/app", labels={"team": "a"})
    (found,) = _subjects(OfCluster(), receiver("app", "app", spec=spec), app, chart).values()

    assert (scope, managed) == (found.scope, found.managed)


def test_one_receiver_is_looked_at_by_its_name_whether_it_is_there_or_not() -> None:
    """And its webhook where it is said to be."""
    group = Scope("gitlab", "group", "acme")
    wanted = OfCluster(receiver="flux-system/app", scope=group)
    (there,) = _subjects(wanted, receiver("app", "app"), receiver("other")).values()
    (gone,) = _subjects(wanted, receiver("other")).values()

    assert (("flux-system", "app"), group) == (there.receiver, there.scope)
    assert (("flux-system", "app"), "") == (gone.receiver, gone.type)


def test_what_may_have_the_webhooks_of_many_need_not_have_each() -> None:
    """An organisation is looked at beside their repositories; another repository is no use."""
    acme, other = Scope("github", "organization", "acme"), Scope("github", "repository", "a/b")
    objects = (
        receiver("app", "app"),
        source("app", "https://github.com/acme/app"),
        receiver("bare"),
        receiver("lab", spec={"type": "gitlab"}),
    )

    def found(scope: Scope) -> dict[str, list[tuple[Scope | None, bool]]]:
        subjects = _subjects(OfCluster(scope=scope), *objects).values()
        return {
            name: [(each.scope, each.managed) for each in subjects if each.receiver[1] == name]
            for name in ("app", "bare", "lab")
        }

    assert {
        "app": [(APP, False), (acme, False)],
        "bare": [(acme, False)],
        "lab": [(None, False)],
    } == found(acme)
    assert {"app": [(APP, True)], "bare": [(other, False)], "lab": [(None, False)]} == found(other)


def test_a_namespace_bounds_what_is_looked_at() -> None:
    """Others' Receivers are not."""
    elsewhere = dataclasses.replace(receiver("app"), namespace="elsewhere")

    assert ["elsewhere/app"] == list(
        _subjects(OfCluster(namespace="elsewhere"), receiver("app"), elsewhere)
    )


class Flux:
    """The public host, and what it was asked."""

    def __init__(self, answer: Callable[[str], int] = lambda path: 400) -> None:
        self.asked: list[str] = []
        self.urls: list[str] = []
        self._answer = answer

    def __call__(self, request: httpx.Request) -> httpx.Response:
        made_up = request.url.path.endswith(UNKNOWN_PATH)
        self.asked.append(f"{request.method} {'made-up' if made_up else 'hook'}")
        self.urls.append(str(request.url))
        if made_up:
            return httpx.Response(self._answer("made-up"))
        return httpx.Response(200 if request.method == "POST" else self._answer("hook"))


def _answer(made_up: int = 404, hook: int = 400) -> Callable[[str], int]:
    return lambda path: made_up if path == "made-up" else hook


NETWORK = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing is encrypted where nothing is sent."""


def _public(
    flux: Flux,
    *objects: FluxObject,
    wanted: OfCluster | None = None,
    forge: Mapping[str, ForgeEvidence] | None = None,
) -> tuple[dict[str, PublicEvidence], dict[str, str]]:
    seen = cluster(*objects)
    return gather_public.gather(
        of_cluster(wanted or OfCluster(host=HOST), seen, ProviderSettings()),
        cluster=seen,
        forge=forge or {},
        settings=Settings(settle_for=0),
        certificates=NETWORK,
        transport=httpx.MockTransport(flux),
    )


def test_a_public_url_is_asked_three_times_and_nothing_reconciles() -> None:
    """A host's other path once for all that are on it."""
    flux = Flux(_answer())
    found, unseen = _public(flux, receiver("app"), receiver("shop"))
    asked = found["flux-system/app"]

    assert {} == unseen
    assert (404, 400, 200, "") == (
        asked.control and asked.control.status,
        asked.unsigned and asked.unsigned.status,
        asked.signed and asked.signed.status,
        asked.withheld,
    )
    assert ["GET hook", "GET hook", "GET made-up", "POST hook", "POST hook"] == sorted(flux.asked)
    assert "/hook/" not in repr(asked)


@pytest.mark.parametrize(
    ("spec", "asked", "withheld"),
    [
        ({"resourceFilter": ""}, ["GET hook", "GET made-up"], "no signed probe: nothing in its"),
        ({"type": "generic"}, ["GET made-up", "POST hook"], "no GET without a signature: a Rec"),
        ({"type": "generic", "resourceFilter": ""}, ["GET made-up"], "no GET without"),
        ({"type": "generic-oidc"}, ["GET hook", "GET made-up"], "no signed probe: not sent: it"),
    ],
)
def test_what_would_reconcile_is_withheld(
    spec: dict[str, Any], asked: list[str], withheld: str
) -> None:
    """And why is said."""
    flux = Flux(_answer())
    found, _ = _public(flux, receiver("app", spec=spec))

    assert asked == sorted(flux.asked)
    assert found["flux-system/app"].withheld.startswith(withheld)


@pytest.mark.parametrize(
    ("made_up", "hook"), [(404, 404), (404, 503), (200, 200), (400, 400), (502, 502), (302, 400)]
)
def test_no_token_is_shown_to_what_is_not_the_controller(made_up: int, hook: int) -> None:
    """At GitLab's type it would be in clear."""
    flux = Flux(_answer(made_up, hook))
    _public(flux, receiver("app"))

    assert ["GET hook", "GET made-up"] == sorted(flux.asked)


def test_what_the_webhook_calls_is_asked_word_for_word() -> None:
    """A prefix is right where something in front takes it off; a host is the webhook's."""
    app = receiver("app", "app")
    path = app.status["webhookPath"]

    def asked(url: str, host: str = "") -> str:
        flux = Flux(_answer())
        webhook = SeenWebhook(scope=APP, id="42", url=url)
        forge = {"flux-system/app": ForgeEvidence(scope=APP, webhook=webhook)}
        _public(
            flux,
            app,
            source("app", "https://github.com/acme/app"),
            wanted=OfCluster(host=host),
            forge=forge,
        )
        return flux.urls[1]

    prefixed = f"https://{HOST}/flux{path}"
    assert prefixed == asked(prefixed)
    assert prefixed == asked(prefixed, "other.example.com")
    stale = "/hook/" + "ab" * 32
    assert f"https://{HOST}{path}" == asked(f"https://user:secret@{HOST}{stale}")
    assert f"https://{HOST}{path}" == asked(f"https://other.example.com{stale}", HOST)


def test_without_host_or_path_nothing_is_asked() -> None:
    """And why is said."""
    flux = Flux()
    none = dataclasses.replace(receiver("app"), status={})

    assert ({}, {"flux-system/app": gather_public.NO_HOST}) == _public(
        flux, receiver("app"), wanted=OfCluster()
    )
    assert ({}, {"flux-system/app": gather_public.NO_PATH}) == _public(flux, none)
    assert [] == flux.asked


class Looking:
    """The doctor, with cluster, forge and network replaced."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cluster: ClusterEvidence | ObservationError = cluster()
        self.forge: dict[str, ForgeEvidence] = {}
        self.said: list[str] = []
        self.asked_of_forge: list[str] = []
        monkeypatch.setattr(gather_cluster, "gather", self._cluster)
        monkeypatch.setattr(gather_forge, "gather", self._forge)

    def __call__(self, wanted: OfStack | OfCluster, **changes: Any) -> Looked:
        """Look."""
        given: dict[str, Any] = {
            "cluster": lambda: self,
            "forges": Forges(ProviderSettings()),
            "settings": Settings(settle_for=0),
            "certificates": NETWORK,
            "transport": httpx.MockTransport(Flux(_answer())),
            "say": self.said.append,
            **changes,
        }
        return look(wanted, **given)

    def _cluster(self, *_: object, **__: object) -> ClusterEvidence:
        if isinstance(self.cluster, ObservationError):
            raise self.cluster
        return self.cluster

    def _forge(self, subjects: list[Subject], *_: object, **__: object) -> dict[str, Any]:
        self.asked_of_forge += [subject.name for subject in subjects]
        return self.forge

    def uid(self) -> str:
        """Return which cluster it is."""
        return "a-cluster"


@pytest.fixture(name="looking")
def _looking(monkeypatch: pytest.MonkeyPatch) -> Looking:
    return Looking(monkeypatch)


def test_nothing_is_looked_at_that_is_not_to_be(looking: Looking) -> None:
    """That is no failure, and each link says so."""
    found = looking(
        OfStack(state=STATE), cluster=None, forges=None, settings=Settings(public=False)
    )

    assert () == found.unseen
    assert [] == looking.said
    assert set(Link) == set(found.evidence[0].unseen)
    assert {State.UNSEEN} == {
        examined.state for chain in map(doctor.walk, found.evidence) for examined in chain.links
    }


def test_a_cluster_that_cannot_be_asked_leaves_forge_and_url(looking: Looking) -> None:
    """With a stack, which says what to ask there; without, nothing can be told."""
    looking.cluster = ObservationError("the cluster could not be asked")
    found = looking(OfStack(state=STATE))

    assert ("the cluster could not be asked",) == found.unseen
    assert {Link.RECEIVER, Link.SOURCE, Link.APPLIER, Link.CLUSTER} == set(found.evidence[0].unseen)
    assert found.evidence[0].public is not None
    with pytest.raises(ObservationError, match="the cluster could not be asked"):
        looking(OfCluster())


def test_another_cluster_than_the_stacks_is_not_looked_at(looking: Looking) -> None:
    """Its Receivers are somebody else's."""
    found = looking(OfStack(state=STATE, cluster="another"))

    assert ("the cluster at hand (a-cluster) is not the stack's (another)",) == found.unseen
    assert None is found.evidence[0].cluster


def test_a_forge_that_cannot_be_asked_is_said_once(looking: Looking) -> None:
    """For all chains that it has webhooks of."""
    looking.cluster = cluster(
        *(receiver(name, name) for name in "ab"),
        *(source(name, f"https://github.com/acme/{name}") for name in "ab"),
    )
    looking.forge = {
        f"flux-system/{name}": ForgeEvidence(scope=APP, unseen="no token for GitHub")
        for name in "ab"
    }
    found = looking(OfCluster(host=HOST))

    assert ("no token for GitHub",) == found.unseen
    assert ["no token for GitHub"] * 2 == [each.unseen[Link.WEBHOOK] for each in found.evidence]


def test_hosts_that_nobody_says_are_said_once(looking: Looking) -> None:
    """With what would say them."""
    looking.cluster = cluster(*(receiver(name) for name in "abc"))
    found = looking(OfCluster())

    assert (
        "the public URL of flux-system/a and 2 more was not asked: nobody says at which host: "
        "give --host, or --no-public",
    ) == found.unseen


def test_without_its_webhook_nobody_says_the_host_and_that_is_no_news(looking: Looking) -> None:
    """What is missing is told at the webhook."""
    looking.cluster = cluster(receiver("app", "app"), source("app", "https://github.com/acme/app"))
    looking.forge = {"flux-system/app": ForgeEvidence(scope=APP)}
    found = looking(OfCluster())

    assert () == found.unseen
    assert gather_public.NO_HOST == found.evidence[0].unseen[Link.NETWORK]


def test_no_receiver_at_all_is_said(looking: Looking) -> None:
    """Nothing was looked at, and that is not well."""

    def unseen(seen: ClusterEvidence) -> tuple[str, ...]:
        looking.cluster = seen
        return looking(OfCluster(namespace="apps")).unseen

    refused = "the cluster refused the Receiver objects: 403 Forbidden"
    assert ("no Receiver was found in apps",) == unseen(cluster())
    assert (refused,) == unseen(ClusterEvidence(unseen={"Receiver": refused}))
    assert ("the cluster has no Receivers: is Flux installed there?",) == unseen(
        ClusterEvidence(not_served=frozenset({"Receiver"}))
    )


def test_of_several_repositories_those_with_a_webhook_are_told(looking: Looking) -> None:
    """Each webhook once, also where an organisation has it; where none has one, the first."""
    looking.cluster = cluster(
        receiver("app", "a", "b"),
        *(source(name, f"https://github.com/acme/{name}") for name in "ab"),
    )
    names = ["flux-system/app (acme/a)", "flux-system/app (acme/b)"]
    first = looking(OfCluster(host=HOST))
    webhook = SeenWebhook(scope=APP, id="42", url=f"https://{HOST}")
    looking.forge = {names[1]: ForgeEvidence(scope=APP, webhook=webhook)}
    second = looking(OfCluster(host=HOST))
    looking.forge = {name: ForgeEvidence(scope=APP, webhook=webhook) for name in names}
    same = looking(OfCluster(host=HOST))

    assert [names[:1], names[1:], names[:1]] == [
        [each.name for each in found.evidence] for found in (first, second, same)
    ]
    assert names == looking.asked_of_forge[:2]


def test_an_older_generation_that_the_webhook_calls_is_live(looking: Looking) -> None:
    """As after going back; without a stack nobody says otherwise."""
    labels = [object_labels("app", number, project="p", stack="s") for number in (1, 2)]
    old = receiver("g1", "app", labels=labels[0])
    looking.cluster = cluster(
        old, receiver("g2", "app", labels=labels[1]), source("app", "https://github.com/acme/app")
    )
    url = f"https://{HOST}{old.status['webhookPath']}"
    webhook = SeenWebhook(scope=APP, id="42", url=url)
    looking.forge = {"flux-system/g2": ForgeEvidence(scope=APP, webhook=webhook)}
    (found,) = looking(OfCluster()).evidence

    assert ("flux-system", "g1") == found.receiver
    assert found.public is not None
    assert url == found.public.url


def test_what_is_under_way_is_said(looking: Looking) -> None:
    """For who waits."""
    looking.cluster = cluster(receiver("app", "app"), source("app", "https://github.com/a/app"))
    looking(OfCluster(host=HOST))

    assert ["looking at the cluster", "looking at the forge", "asking the public URLs"] == (
        looking.said
    )


def test_a_public_url_that_takes_too_long_is_left(looking: Looking) -> None:
    """The rest is told all the same."""
    looking.cluster = cluster(receiver("app"))

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
            await asyncio.sleep(60)
            raise AssertionError

    found = looking(
        OfCluster(host=HOST), settings=Settings(settle_for=0, limit=0.01), transport=Slow()
    )

    assert (
        "the public URL of flux-system/app was not asked: it did not finish within 0.01 s",
    ) == found.unseen
    assert datetime.timedelta(minutes=2) == found.evidence[0].grace
