"""What makes webhooks at a Gitea and what looks at them, both on a real one.

Where there is no C compiler, and so no Gitea, the run says that none of this was run.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.rpc import UNKNOWN

from fluxhooks.components.forges.gitea_provider import GiteaWebhookProvider
from fluxhooks.errors import ObservationError
from fluxhooks.observe.forges import Forge, Forges
from fluxhooks.observe.state import DeclaredWebhook, ProviderSettings, Scope
from sandbox.forges.gitea import Gitea
from sandbox.toolchain import ToolchainError

PROVIDER = GiteaWebhookProvider()
URL = f"https://flux.example.com/hook/{'a' * 64}"


@pytest.fixture(scope="module")
def gitea(tmp_path_factory: pytest.TempPathFactory, ran: set[str]) -> Iterator[Gitea]:
    """One without a cluster; nothing that its webhooks call is there."""
    try:
        made = Gitea(tmp_path_factory.mktemp("gitea") / "gitea")
    except ToolchainError as error:
        ran.add(f"not run: a real Gitea: {error}")
        pytest.skip(str(error))
    with made as gitea:
        ran.add(f"gitea {gitea.program.version}, {gitea.program.origin}: {gitea.program.path}")
        yield gitea


@pytest.fixture
def props(gitea: Gitea, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The inputs of a webhook of a repository of the test's own."""
    monkeypatch.setenv("GITEA_TOKEN", gitea.token)
    name = hashlib.sha256(request.node.name.encode()).hexdigest()[:8]
    gitea.create_repository(name)
    return {
        "active": True,
        "branch_filter": "",
        "content_type": "json",
        "events": ["push"],
        "hook_id": None,
        "organization": None,
        "owner": gitea.owner,
        "repository": name,
        "secret": "a-token",
        "server": gitea.base_url.rstrip("/"),
        "url": URL,
    }


def place(props: dict[str, Any]) -> str:
    return f"{props['owner']}/{props['repository']}"


def test_of_two_equal_webhooks_the_older_goes(gitea: Gitea, props: dict[str, Any]) -> None:
    """Gitea takes both; with which secret the first was made nobody can tell."""
    PROVIDER.create({**props, "secret": "another"})
    second = PROVIDER.create(props)

    (left,) = gitea.hooks(place(props))
    assert (second.id, "a-token", True, True) == (str(left.id), left.secret, left.json, left.active)


def test_an_edit_changes_all_but_the_secret(gitea: Gitea, props: dict[str, Any]) -> None:
    """Which Gitea keeps, whatever it is sent: so a rotation makes another webhook."""
    made = PROVIDER.create(props)
    url = URL.replace("flux", "new")
    change = {
        "branch_filter": "main",
        "events": ["pull_request_only", "push"],
        "secret": "ignored",
        "url": url,
    }

    edited = PROVIDER.update(made.id, made.outs or {}, {**props, **change})

    (hook,) = gitea.hooks(place(props))
    assert (made.id, "a-token", url, "main", {"pull_request", "push"}) == (
        str(hook.id),
        hook.secret,
        hook.url,
        hook.branch_filter,
        hook.events,
    )
    assert ["pull_request_only", "push"] == (edited.outs or {})["events"]


def test_what_was_changed_by_hand_is_a_difference(gitea: Gitea, props: dict[str, Any]) -> None:
    """Until it is looked at nobody knows."""
    made = PROVIDER.create(props)
    change = {"active": False, "branch_filter": "release/*", "events": ["push", "create"]}
    where = f"/repos/{place(props)}/hooks/{made.id}"
    gitea.client.patch(where, json=change).raise_for_status()

    seen = PROVIDER.read(made.id, made.outs or {}).outs or {}

    assert (False, "release/*", ["create", "push"]) == (
        seen["active"],
        seen["branch_filter"],
        seen["events"],
    )
    assert PROVIDER.diff(made.id, seen, props).changes


@pytest.mark.parametrize("event", ["issues", "issues_only", "package", "pull_request", "push"])
def test_what_was_asked_for_is_no_difference(props: dict[str, Any], event: str) -> None:
    """However Gitea shows it."""
    asked = {**props, "events": [event]}
    made = PROVIDER.create(asked)

    seen = PROVIDER.read(made.id, made.outs or {}).outs or {}

    assert not PROVIDER.diff(made.id, seen, asked).changes


def test_an_event_of_forgejos_is_refused_where_gitea_does_not_know_it(
    gitea: Gitea, props: dict[str, Any]
) -> None:
    """It would be taken, and never sent; nothing is left of it."""
    with pytest.raises(ObservationError, match="does not know action_run_success"):
        PROVIDER.create({**props, "events": ["action_run_success", "push"]})

    assert [] == gitea.hooks(place(props))


def test_what_a_token_may_not_is_told_in_giteas_words(
    gitea: Gitea, props: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is made, and by the one that could only read when it is."""

    def refused(token: str, **changes: Any) -> str:
        monkeypatch.setenv("GITEA_TOKEN", token)
        (failure,) = PROVIDER.check({}, {**props, **changes}).failures
        return failure.reason

    head = f"Gitea at {gitea.base_url.removeprefix('http://').rstrip('/')} refused the webhooks of"
    assert f"{head} {place(props)}: the token is not valid; set GITEA_TOKEN" == refused("0" * 40)
    few = refused(gitea.issue_token(scopes=("read:user",)))
    assert "it answered 403, 'token does not have at least one of required scope(s)" in few
    assert "it answered 403, 'user should be an owner" in refused(gitea.create_user("stranger"))
    assert (
        f"{head} acme/nowhere: it answered 404; is there acme/nowhere, and may the token's owner "
        "administer it?"
    ) == refused(gitea.token, repository="nowhere")
    monkeypatch.setenv("GITEA_TOKEN", gitea.issue_token(scopes=("read:repository",)))
    with pytest.raises(ObservationError, match="the token needs the scope write:repository"):
        PROVIDER.create(props)


def test_webhooks_that_the_administrator_disabled_are_told_of_in_a_preview(
    gitea: Gitea, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their list is refused as well, so nothing has to be tried to know."""
    with Gitea(tmp_path / "gitea", program=gitea.program, webhooks=False) as without:
        without.create_repository("app")
        monkeypatch.setenv("GITEA_TOKEN", without.token)
        at = {"server": without.base_url, "owner": without.owner, "repository": "app"}
        (failure,) = PROVIDER.check({}, {**at, "url": UNKNOWN, "secret": UNKNOWN}).failures

    said = "it answered 403, 'webhooks disabled by administrator'; have DISABLE_WEBHOOKS removed"
    assert said in failure.reason


def test_an_organisations_webhook_comes_and_goes(gitea: Gitea, props: dict[str, Any]) -> None:
    """Twice gone is no error."""
    at = {**props, "owner": None, "repository": None, "organization": gitea.owner}
    made = PROVIDER.create(at)
    there = gitea.hooks(gitea.owner)
    for _ in range(2):
        PROVIDER.delete(made.id, at)

    assert ([made.id], []) == ([str(hook.id) for hook in there], gitea.hooks(gitea.owner))


def test_webhooks_and_branches_are_seen_as_they_are(props: dict[str, Any]) -> None:
    """What is gone is gone, what is not there is None, and no log is told of."""
    made = PROVIDER.create({**props, "events": ["pull_request_sync"]})
    scope = Scope("gitea", "repository", place(props), props["server"])
    at = DeclaredWebhook(scope=scope, id=made.id)
    forge: Forge = Forges(ProviderSettings()).of(at)

    seen = forge.webhook(at)
    assert seen is not None
    assert [seen] == forge.webhooks(at)
    assert (URL, True, True, frozenset({"pull_request"}), None) == (
        seen.url,
        seen.active,
        seen.json,
        seen.events,
        seen.has_secret,
    )
    head = forge.head(at, "main", known="")
    assert head is not None
    assert (40, None) == (len(head.commit), forge.head(at, "nowhere", known=""))
    assert ([], None) == (forge.deliveries(at), forge.last_delivery(at))
    forge.delete(seen, at)
    forge.delete(seen, at)
    assert forge.webhook(at) is None
    assert "" == PROVIDER.read(made.id, made.outs or {}).id
