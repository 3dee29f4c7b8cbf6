"""What the doctor sees at forges, through the real clients, and how few requests it takes."""

import dataclasses
import datetime
import subprocess
import threading
from pathlib import Path
from typing import Any

import gitlab as python_gitlab
import httpx
import pytest

from fluxhooks.flux.hook_path import hook_path
from fluxhooks.observe.doctor import gather_forge
from fluxhooks.observe.doctor.diagnosis import State
from fluxhooks.observe.doctor.evidence import (
    ClusterEvidence,
    Evidence,
    FluxObject,
    ForgeEvidence,
    SecretEvidence,
)
from fluxhooks.observe.doctor.faults import Fault
from fluxhooks.observe.doctor.links import delivery as delivery_link
from fluxhooks.observe.doctor.links import webhook as webhook_link
from fluxhooks.observe.doctor.settings import Settings
from fluxhooks.observe.doctor.subjects import Subject
from fluxhooks.observe.forges import Forges, SeenWebhook
from fluxhooks.observe.state import ProviderSettings, Scope
from sandbox.forges.git import environment
from sandbox.forges.github import GitHub, Repository
from sandbox.forges.gitlab import GitLab
from tests.sandbox.receiver import Receiver

_TOKEN = "the-token"


@pytest.fixture(name="forges")
def _forges(github: GitHub, gitlab: GitLab, monkeypatch: pytest.MonkeyPatch) -> Forges:
    """Both, as the environment names them."""
    monkeypatch.setenv("GITHUB_BASE_URL", github.base_url)
    monkeypatch.setenv("GITHUB_TOKEN", github.token)
    monkeypatch.setenv("GITLAB_BASE_URL", f"{gitlab.base_url}api/v4/")
    monkeypatch.setenv("GITLAB_TOKEN", gitlab.token)
    return Forges(ProviderSettings(), retries=0)


@dataclasses.dataclass
class Chain:
    """A Receiver, the source it has, and where its repository is; nothing of it is in a cluster."""

    scope: Scope
    commit: str
    receiver: Receiver
    events: tuple[str, ...] = ()
    filter: str = ""

    @property
    def path(self) -> str:
        return hook_path(_TOKEN, self._name, "flux-system")

    @property
    def _name(self) -> str:
        return self.scope.name.rpartition("/")[2][:40]

    @property
    def url(self) -> str:
        return self.receiver.url(self.path)

    @property
    def subject(self) -> Subject:
        return Subject(
            name=self._name,
            receiver=("flux-system", self._name),
            type=self.scope.forge,
            scope=self.scope,
            host=self.receiver.url("").partition("://")[2],
        )

    @property
    def objects(self) -> list[FluxObject]:
        spec = {
            "type": self.scope.forge,
            "resources": [{"kind": "GitRepository", "name": self._name}],
            "secretRef": {"name": self._name},
            "events": list(self.events),
            "resourceFilter": self.filter,
        }
        common: dict[str, Any] = {"namespace": "flux-system", "name": self._name}
        return [
            FluxObject(kind="Receiver", spec=spec, status={"webhookPath": self.path}, **common),
            FluxObject(
                kind="GitRepository",
                spec={
                    "url": f"https://forge.example.com/{self.scope.name}",
                    "ref": {"branch": "main"},
                },
                status={"artifact": {"revision": f"main@sha1:{self.commit}"}},
                **common,
            ),
        ]


def cluster(*chains: Chain) -> ClusterEvidence:
    return ClusterEvidence(
        objects={found.key: found for chain in chains for found in chain.objects},
        secrets={chain.subject.receiver: SecretEvidence(token=_TOKEN.encode()) for chain in chains},
    )


def gather(forges: Forges, *chains: Chain, **changes: Any) -> dict[str, ForgeEvidence]:
    subjects = [dataclasses.replace(chain.subject, **changes) for chain in chains]
    found = gather_forge.gather(subjects, forges, cluster=cluster(*chains), settings=Settings())
    return dict(found)


def judge(
    chain: Chain, forge: ForgeEvidence, *, grace: float = 0.0, host: str | None = None
) -> list[Fault]:
    """What the first two links find, where nothing behind them is looked at."""
    evidence = Evidence(
        name=chain.subject.name,
        receiver=chain.subject.receiver,
        # Whole seconds are what forges tell.
        now=datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=2),
        host=chain.subject.host if host is None else host,
        grace=datetime.timedelta(seconds=grace),
        forge=forge,
        cluster=cluster(chain),
    )
    first = webhook_link.examine(evidence)
    links = [first]
    if first.state is not State.BROKEN:
        links.append(delivery_link.examine(evidence, ()))
    found = [finding.fault for link in links for finding in link.findings]
    # The receivers here have no certificate.
    return [fault for fault in found if fault is not Fault.WEBHOOK_NOT_HTTPS]


# GitHub


@pytest.fixture(name="app")
def _app(github: GitHub, repository: Repository, receiver: Receiver) -> Chain:
    """A repository that is fetched as far as it goes."""
    commit = repository.commit({"a": "1"}, message="one")
    github.wait_idle()
    return Chain(Scope("github", "repository", f"acme/{repository.name}"), commit, receiver)


def _hook(api: httpx.Client, path: str, url: str, **changes: Any) -> str:
    config = {"url": url, "content_type": "json", "secret": _TOKEN} | changes.pop("config", {})
    body = {"name": "web", "config": config, "events": ["push"]} | changes
    answer = api.post(path, json=body)
    assert 201 == answer.status_code
    return str(answer.json()["id"])


def test_all_that_github_tells_of_a_webhook(
    forges: Forges, app: Chain, api: httpx.Client, hooks_path: str
) -> None:
    """Its settings word for word; that it has a secret, and never which."""
    identity = _hook(
        api,
        hooks_path,
        app.url,
        events=["push", "release"],
        config={"insecure_ssl": "1", "content_type": "form"},
    )
    bare = _hook(api, hooks_path, app.receiver.url("/other"), config={"secret": ""})

    (found,) = gather(forges, app).values()

    assert found.webhook is not None
    assert (identity, frozenset({"push", "release"}), True, False, False) == (
        found.webhook.id,
        found.webhook.events,
        found.webhook.has_secret,
        found.webhook.verifies_tls,
        found.webhook.json,
    )
    assert {identity: True, bare: False} == {each.id: each.has_secret for each in found.webhooks}
    assert _TOKEN not in repr(found)
    assert app.path not in repr(found)


def test_a_healthy_chain_takes_three_requests_at_github(
    github: GitHub,
    forges: Forges,
    app: Chain,
    repository: Repository,
    api: httpx.Client,
    hooks_path: str,
) -> None:
    """The list, the log, and where the branch stands; and nothing is found."""
    _hook(api, hooks_path, app.url)
    app.commit = repository.commit({"a": "2"}, message="two")
    github.wait_idle()
    asked = len(github.requests)

    (found,) = gather(forges, app).values()

    requests = github.requests[asked:]
    base = f"/repos/acme/{repository.name}"
    assert found.webhook is not None
    assert sorted(
        [f"{base}/hooks", f"{base}/hooks/{found.webhook.id}/deliveries", f"{base}/activity"]
    ) == sorted(request.path.removeprefix("/api/v3") for request in requests)
    assert {"GET"} == {request.method for request in requests}
    assert {"main": app.commit} == found.heads
    assert ["push", "ping"] == [each.event for each in found.deliveries]
    assert [] == judge(app, found)


def test_one_delivery_that_failed_is_looked_at_in_full(
    github: GitHub,
    forges: Forges,
    app: Chain,
    repository: Repository,
    api: httpx.Client,
    hooks_path: str,
) -> None:
    """What it told of, and how it was answered; the others are not."""
    _hook(api, hooks_path, app.url)
    repository.commit({"a": "2"}, message="two")
    github.wait_idle()
    app.receiver.status = 503
    commit = repository.commit({"a": "3"}, message="three")
    github.wait_idle()

    (found,) = gather(forges, app).values()

    failed, _, ping = found.deliveries
    assert (503, "refs/heads/main", commit) == (failed.status, failed.ref, failed.commit)
    assert failed.payload is not None
    assert (None, "ping") == (ping.payload, ping.event)
    assert [Fault.DELIVERY_FAILED] == judge(app, found)
    app.commit = commit
    assert [] == judge(app, found)


@pytest.mark.parametrize(
    ("port_of", "reason"), [("nobody", "failed to connect to host"), ("silence", "returned")]
)
def test_no_answer_is_told_from_one_that_says_no(
    github: GitHub,
    forges: Forges,
    app: Chain,
    repository: Repository,
    api: httpx.Client,
    hooks_path: str,
    port_of: str,
    reason: str,
) -> None:
    """GitHub has a status for it all the same."""
    identity = _hook(api, hooks_path, app.url)
    github.wait_idle()
    if port_of == "silence":
        app.receiver.broken = True
    url = app.url if port_of == "silence" else f"http://127.0.0.1:1{app.path}"
    api.patch(f"{hooks_path}/{identity}/config", json={"url": url})
    repository.commit({"a": "2"}, message="two")
    github.wait_idle()

    (found,) = gather(forges, app, host="").values()

    assert 0 == found.deliveries[0].status
    assert reason in found.deliveries[0].reason


def test_a_secret_that_differs_is_told_from_one_that_does_not(
    github: GitHub,
    forges: Forges,
    app: Chain,
    repository: Repository,
    api: httpx.Client,
    hooks_path: str,
) -> None:
    """The signature over what GitHub says was sent is made again with the Receiver's token."""
    identity = _hook(api, hooks_path, app.url)
    app.receiver.status = 400
    repository.commit({"a": "ü"}, message="ü")
    github.wait_idle()
    (ours,) = gather(forges, app).values()
    api.patch(f"{hooks_path}/{identity}/config", json={"secret": "another"})
    repository.commit({"a": "3"}, message="three")
    github.wait_idle()
    (theirs,) = gather(forges, app).values()

    def settled(found: ForgeEvidence) -> ForgeEvidence:
        # It is edited and delivers within one of GitHub's seconds.
        assert found.webhook is not None
        return dataclasses.replace(
            found, webhook=dataclasses.replace(found.webhook, changed_at=None)
        )

    assert [Fault.DELIVERY_FAILED] == judge(app, settled(ours))
    assert [Fault.DELIVERY_SECRET_DIFFERS] == judge(app, settled(theirs))


def test_a_commit_that_nobody_was_told_of(
    github: GitHub,
    forges: Forges,
    app: Chain,
    repository: Repository,
    api: httpx.Client,
    hooks_path: str,
) -> None:
    """The branch has moved, the artifact has not, and the log has no word of it."""
    identity = _hook(api, hooks_path, app.url)
    api.patch(f"{hooks_path}/{identity}", json={"events": ["release"]})
    repository.commit({"a": "2"}, message="two")
    github.wait_idle()
    api.patch(f"{hooks_path}/{identity}", json={"events": ["push"]})
    (found,) = gather(forges, app).values()
    assert found.webhook is not None
    earlier = found.webhook.changed_at
    assert earlier is not None
    found = dataclasses.replace(
        found,
        webhook=dataclasses.replace(
            found.webhook, changed_at=earlier - datetime.timedelta(minutes=1)
        ),
    )

    assert [Fault.DELIVERY_NOT_SENT] == judge(app, found)
    assert [] == judge(app, found, grace=120)


def test_an_organisations_webhook_is_found_where_the_repository_has_none(
    github: GitHub, forges: Forges, app: Chain, repository: Repository, api: httpx.Client
) -> None:
    """And its log is read where it is."""
    identity = _hook(api, "/orgs/acme/hooks", app.url)
    app.commit = repository.commit({"a": "2"}, message="two")
    github.wait_idle()

    (found,) = gather(forges, app).values()

    assert found.webhook is not None
    assert (identity, "organization") == (found.webhook.id, found.webhook.scope.kind)
    assert ["push", "ping"] == [each.event for each in found.deliveries]
    assert [] == judge(app, found)


def test_what_a_token_may_not_list_above_is_said(
    github: GitHub, forges: Forges, app: Chain
) -> None:
    """The webhook may be there."""
    github.faults.respond(404, path="/orgs/", body={"message": "Not Found"}, times=None)

    (found,) = gather(forges, app).values()

    assert (None, ("acme",), "") == (found.webhook, found.hidden, found.unseen)
    assert [Fault.WEBHOOK_MISSING] == judge(app, found)


def test_a_token_that_may_not_read_the_repository_loses_the_branch_only(
    github: GitHub, forges: Forges, app: Chain, api: httpx.Client, hooks_path: str
) -> None:
    """Webhooks are a right of their own."""
    _hook(api, hooks_path, app.url)
    github.wait_idle()
    github.faults.respond(403, path="/activity", body={"message": "no"}, times=None)

    (found,) = gather(forges, app).values()

    assert ({}, "") == (found.heads, found.unseen)
    assert [] == judge(app, found)


def test_deliveries_that_are_held_back(
    github: GitHub,
    forges: Forges,
    app: Chain,
    repository: Repository,
    api: httpx.Client,
    hooks_path: str,
) -> None:
    """GitHub notes it."""
    _hook(api, hooks_path, app.url)
    github.wait_idle()
    github.throttling = True
    try:
        app.commit = repository.commit({"a": "2"}, message="two")
        github.wait_idle()
    finally:
        github.throttling = False

    (found,) = gather(forges, app).values()

    assert [Fault.DELIVERY_THROTTLED] == judge(app, found)


# Many


def _many(github: GitHub, receiver: Receiver, name: str, count: int) -> list[Chain]:
    repositories = [github.create_repository(f"{name}-{n}") for n in range(count)]
    commits = [(r.path / "refs/heads/main").read_text().strip() for r in repositories]
    return [
        Chain(Scope("github", "repository", f"acme/{r.name}"), commit, receiver)
        for r, commit in zip(repositories, commits, strict=True)
    ]


def test_many_chains_of_one_repository_list_it_once(
    github: GitHub, forges: Forges, app: Chain, api: httpx.Client, hooks_path: str
) -> None:
    """Each has its own webhook, and its own log; what nobody serves is told once."""
    chains = [dataclasses.replace(app) for _ in range(3)]
    scope = app.scope
    named = [f"{number}-of-many" for number in range(3)]
    paths = [hook_path(_TOKEN, name, "flux-system") for name in named]
    for path in [*paths, hook_path("gone", "gone", "flux-system")]:
        _hook(api, hooks_path, app.receiver.url(path))
    github.wait_idle()
    subjects = [
        dataclasses.replace(chain.subject, name=name, receiver=("flux-system", name))
        for chain, name in zip(chains, named, strict=True)
    ]
    objects = [
        FluxObject(
            kind="Receiver", namespace="flux-system", name=name, status={"webhookPath": path}
        )
        for name, path in zip(named, paths, strict=True)
    ]
    seen = ClusterEvidence(objects={found.key: found for found in objects})
    asked = len(github.requests)

    found = gather_forge.gather(subjects, forges, cluster=seen, settings=Settings())

    requests = [request.path for request in github.requests[asked:]]
    assert 4 == len(requests)
    assert 1 == sum(path.endswith("/hooks") for path in requests)
    webhooks = [found[name].webhook for name in named]
    assert paths == [each.path if each else "" for each in webhooks]
    assert [1, 0, 0] == [len(found[name].strays) for name in named]
    assert {scope} == {each.scope for each in found.values()}


@pytest.mark.parametrize("others", [0, 1])
def test_where_nobody_says_which_host_is_ours_one_alone_is_meant(
    github: GitHub, forges: Forges, app: Chain, api: httpx.Client, hooks_path: str, others: int
) -> None:
    """Of two, nobody could tell which; one may still be another cluster's, which is said."""
    for number in range(others + 1):
        _hook(api, hooks_path, app.receiver.url(hook_path(f"gone-{number}", "gone", "ns")))
    github.wait_idle()

    (found,) = gather(forges, app, host="").values()

    (fault,) = judge(app, found, host="")
    assert fault is (Fault.WEBHOOK_MISSING if others else Fault.WEBHOOK_STALE_PATH)


def test_one_that_is_hidden_takes_no_other_with_it(
    github: GitHub, forges: Forges, receiver: Receiver, api: httpx.Client
) -> None:
    """One clear sentence for it, and the rest as ever."""
    chains = _many(github, receiver, "hidden", 3)
    for chain in chains:
        _hook(api, f"/repos/{chain.scope.name}/hooks", chain.url)
    github.wait_idle()
    github.faults.respond(404, path=r"hidden-1/hooks$", body={"message": "Not Found"}, times=None)

    found = gather(forges, *chains)

    assert (
        "GitHub refused the webhooks of acme/hidden-1: it answered 404; may the token administer "
        "webhooks?" == found["hidden-1"].unseen
    )
    assert ["", ""] == [found[name].unseen for name in ("hidden-0", "hidden-2")]
    assert found["hidden-2"].webhook is not None


def test_a_forge_that_wants_to_be_left_is_left(
    github: GitHub, forges: Forges, receiver: Receiver
) -> None:
    """After the first refusal nothing more is asked than was under way."""
    chains = _many(github, receiver, "limited", 30)
    limit = github.faults.rate_limit(path="/hooks", times=None)

    found = gather(forges, *chains)

    assert limit.hits <= 8
    assert {True} == {each.unseen.endswith("too many requests") for each in found.values()}


def test_an_outage_of_the_log_leaves_the_webhook(
    github: GitHub, forges: Forges, app: Chain, api: httpx.Client, hooks_path: str
) -> None:
    """What was seen counts."""
    _hook(api, hooks_path, app.url)
    github.wait_idle()
    github.faults.respond(502, path="/deliveries", times=None)

    (found,) = gather(forges, app).values()

    assert found.webhook is not None
    assert "" == found.unseen
    assert found.unseen_log.endswith("it answered 502, an outage")


def test_without_a_token_it_is_said_once(
    github: GitHub, app: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nobody is asked."""
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    asked = len(github.requests)

    (found,) = gather(Forges(ProviderSettings()), app).values()

    assert found.unseen.startswith("no token for GitHub: set GITHUB_TOKEN")
    assert asked == len(github.requests)


def test_threads_do_not_take_each_others_answers(
    github: GitHub, forges: Forges, receiver: Receiver, api: httpx.Client
) -> None:
    """A client's requests share a connection: each thread has a client of its own."""
    chains = _many(github, receiver, "threads", 24)
    for chain in chains:
        _hook(api, f"/repos/{chain.scope.name}/hooks", chain.url)
    github.wait_idle()

    found = gather(forges, *chains)

    webhooks = [found[chain.subject.name].webhook for chain in chains]
    assert [chain.url for chain in chains] == [each.url if each else "" for each in webhooks]
    assert 1 <= threading.active_count()


# GitLab


@pytest.fixture(name="lab")
def _lab(project: Repository, gitlab: GitLab, receiver: Receiver) -> Chain:
    """A project that is fetched as far as it goes."""
    commit = project.commit({"a": "1"}, message="one")
    gitlab.wait_idle()
    return Chain(Scope("gitlab", "project", project.name), commit, receiver)


@pytest.fixture(name="client")
def _client(gitlab: GitLab) -> python_gitlab.Gitlab:
    return python_gitlab.Gitlab(gitlab.base_url, private_token=gitlab.token)


def _lab_hook(client: python_gitlab.Gitlab, chain: Chain, **changes: Any) -> str:
    values = {"url": chain.url, "token": _TOKEN, "push_events": True} | changes
    owners = client.groups if changes.pop("group", "") else client.projects
    return str(owners.get(chain.scope.name, lazy=True).hooks.create(values).id)


def test_all_that_gitlab_tells_of_a_webhook(
    forges: Forges, lab: Chain, client: python_gitlab.Gitlab
) -> None:
    """Its events by the names deliveries carry."""
    identity = _lab_hook(
        client,
        lab,
        tag_push_events=True,
        releases_events=True,
        merge_requests_events=True,
        wiki_page_events=True,
        enable_ssl_verification=False,
        push_events_branch_filter="main",
    )

    (found,) = gather(forges, lab).values()

    assert found.webhook is not None
    expected = {
        "id": identity,
        "events": frozenset(
            {"Push Hook", "Tag Push Hook", "Release Hook", "Merge Request Hook", "Wiki Page Hook"}
        ),
        "has_secret": True,
        "verifies_tls": False,
        "branch_filter": "main",
        "branch_filter_strategy": "wildcard",
        "disabled": False,
    }
    assert expected == {name: getattr(found.webhook, name) for name in expected}


def test_a_healthy_chain_takes_three_requests_at_gitlab(
    gitlab: GitLab,
    forges: Forges,
    lab: Chain,
    project: Repository,
    client: python_gitlab.Gitlab,
) -> None:
    """The list, the log, and where the branch stands; and nothing is found."""
    _lab_hook(client, lab)
    lab.commit = project.commit({"a": "2"}, message="two")
    gitlab.wait_idle()
    asked = len(gitlab.requests)

    (found,) = gather(forges, lab).values()

    requests = gitlab.requests[asked:]
    assert 3 == len(requests)
    assert {"GET"} == {request.method for request in requests}
    (pushed,) = found.deliveries
    assert ("Push Hook", 200, "refs/heads/main", lab.commit) == (
        pushed.event,
        pushed.status,
        pushed.ref,
        pushed.commit,
    )
    assert None is pushed.payload
    assert [] == judge(lab, found)


def test_a_failure_at_gitlab_is_there_in_full(
    gitlab: GitLab,
    forges: Forges,
    lab: Chain,
    project: Repository,
    client: python_gitlab.Gitlab,
) -> None:
    """Its log has all; another token is what 400 means."""
    _lab_hook(client, lab, token="another")
    lab.receiver.status = 400
    project.commit({"a": "2"}, message="two")
    gitlab.wait_idle()

    (found,) = gather(forges, lab).values()

    assert found.deliveries[0].payload is not None
    assert [Fault.DELIVERY_SECRET_DIFFERS] == judge(lab, found)


def test_more_than_three_branches_at_once_are_told_to_nobody(
    gitlab: GitLab,
    forges: Forges,
    lab: Chain,
    project: Repository,
    client: python_gitlab.Gitlab,
    tmp_path: Path,
) -> None:
    """The project's events know how many there were."""
    _lab_hook(client, lab)
    clone = tmp_path / "clone"
    authorized = {**environment(), **project._checkout._env}
    author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for command in (
        ("clone", "--quiet", project.clone_url, str(clone)),
        ("-C", str(clone), *author, "commit", "--quiet", "--allow-empty", "-m", "many"),
        *(("-C", str(clone), "branch", f"b{n}") for n in range(4)),
        ("-C", str(clone), "push", "--quiet", "--all"),
    ):
        subprocess.run(["git", *command], env=authorized, check=True)
    gitlab.wait_idle()

    (found,) = gather(forges, lab).values()

    assert (5, ()) == (found.pushed["main"].refs, found.deliveries)
    assert [Fault.DELIVERY_NOT_SENT] == judge(lab, found)
    assert [] == judge(lab, found, grace=120)


def test_a_groups_webhook_is_found_where_the_project_has_none(
    gitlab: GitLab,
    forges: Forges,
    lab: Chain,
    project: Repository,
    client: python_gitlab.Gitlab,
) -> None:
    """The nearest group first."""
    hook = client.groups.get("acme", lazy=True).hooks.create({"url": lab.url, "token": _TOKEN})
    try:
        lab.commit = project.commit({"a": "2"}, message="two")
        gitlab.wait_idle()
        (found,) = gather(forges, lab).values()
    finally:
        hook.delete()

    assert found.webhook is not None
    assert (str(hook.id), "group") == (found.webhook.id, found.webhook.scope.kind)
    assert [200] == [each.status for each in found.deliveries]
    assert [] == judge(lab, found)


def test_a_webhook_that_gitlab_disabled(
    gitlab: GitLab,
    forges: Forges,
    lab: Chain,
    project: Repository,
    client: python_gitlab.Gitlab,
) -> None:
    """After four failures."""
    _lab_hook(client, lab)
    lab.receiver.status = 500
    for number in range(4):
        project.commit({"a": str(number)}, message="again")
        gitlab.wait_idle()

    (found,) = gather(forges, lab).values()

    assert isinstance(found.webhook, SeenWebhook)
    assert (False, True) == (found.webhook.active, found.webhook.disabled)
    assert [Fault.WEBHOOK_DISABLED] == judge(lab, found)


def test_tokens_that_may_only_read_are_enough(
    github: GitHub,
    gitlab: GitLab,
    app: Chain,
    lab: Chain,
    api: httpx.Client,
    hooks_path: str,
    client: python_gitlab.Gitlab,
    monkeypatch: pytest.MonkeyPatch,
    forges: Forges,
) -> None:
    """Nothing is changed by looking."""
    _hook(api, hooks_path, app.url)
    _lab_hook(client, lab)
    github.wait_idle()
    monkeypatch.setenv("GITHUB_TOKEN", github.issue_token(webhooks="read"))
    monkeypatch.setenv("GITLAB_TOKEN", gitlab.issue_token(webhooks="read"))
    for chain in (app, lab):
        (found,) = gather(forges, chain).values()

        assert found.webhook is not None
        assert {"main": chain.commit} == found.heads
        assert [] == judge(chain, found)
