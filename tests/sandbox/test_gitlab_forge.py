"""How fluxhooks sees and changes webhooks at GitLab, through the real client."""

import datetime
import re
from pathlib import Path

import gitlab as python_gitlab
import pytest

from fluxhooks import ObservationError
from fluxhooks.observe.forges import Delivery, SeenWebhook
from fluxhooks.observe.forges.gitlab import GitLabForge, connect
from fluxhooks.observe.state import DeclaredWebhook, ProviderSettings, Scope
from sandbox.forges.gitlab import GitLab
from tests.sandbox.receiver import Receiver


@pytest.fixture(name="site")
def _site(gitlab: GitLab, monkeypatch: pytest.MonkeyPatch) -> GitLab:
    """The module's stand-in, as the environment names it."""
    monkeypatch.setenv("GITLAB_BASE_URL", f"{gitlab.base_url}api/v4/")
    monkeypatch.setenv("GITLAB_TOKEN", gitlab.token)
    return gitlab


@pytest.fixture(name="client")
def _client(site: GitLab) -> python_gitlab.Gitlab:
    """A client of the test's own, to change things behind the back of ours."""
    return python_gitlab.Gitlab(site.base_url, private_token=site.token)


@pytest.fixture(name="scope", params=["project", "group"])
def _scope(request: pytest.FixtureRequest, site: GitLab) -> Scope:
    """A project or a group of the test's own; the group has a project with a commit."""
    name = re.sub(r"\W+", "-", request.node.name).strip("-")
    if request.param == "project":
        site.create_project(f"acme/{name}")
        return Scope("gitlab", "project", f"acme/{name}")
    site.create_group(name)
    site.create_project(f"{name}/app")
    return Scope("gitlab", "group", name)


@pytest.fixture(name="declared")
def _declared(client: python_gitlab.Gitlab, scope: Scope, receiver: Receiver) -> DeclaredWebhook:
    """A webhook that exists, as a state would have it."""
    return _make(client, scope, receiver, push_events=True)


def _make(
    client: python_gitlab.Gitlab, scope: Scope, receiver: Receiver, **flags: bool
) -> DeclaredWebhook:
    hook = _hooks(client, scope).create({"url": receiver.url(), "token": "x", **flags})
    return DeclaredWebhook(scope=scope, id=str(hook.id), url=receiver.url())


def _hooks(client: python_gitlab.Gitlab, scope: Scope):  # type: ignore[no-untyped-def]
    owners = client.projects if scope.kind == "project" else client.groups
    return owners.get(scope.name, lazy=True).hooks


@pytest.fixture(name="forge")
def _forge(site: GitLab) -> GitLabForge:
    return connect(ProviderSettings())


def test_a_webhook_is_seen_as_it_is(forge: GitLabForge, declared: DeclaredWebhook) -> None:
    """Where it calls, that it is active, that it always sends JSON, and since when it is there."""
    seen = forge.webhook(declared)

    assert isinstance(seen, SeenWebhook)
    assert (declared.scope, declared.id, declared.url) == (seen.scope, seen.id, seen.url)
    assert (True, "", True, True) == (
        seen.active,
        seen.inactive_because,
        seen.json,
        seen.pingable,
    )
    assert seen.changed_at is not None
    age = datetime.datetime.now(datetime.UTC) - seen.changed_at
    assert datetime.timedelta(minutes=-1) < age < datetime.timedelta(minutes=1)
    assert [seen] == forge.webhooks(declared)


def test_a_webhook_that_is_gone_is_none(forge: GitLabForge, declared: DeclaredWebhook) -> None:
    """Deleting it twice is no error either."""
    seen = forge.webhook(declared)
    assert seen is not None
    forge.delete(seen, declared)
    forge.delete(seen, declared)

    assert forge.webhook(declared) is None
    assert [] == forge.webhooks(declared)


def test_a_test_push_is_what_gitlab_has_for_a_ping(
    forge: GitLabForge, declared: DeclaredWebhook
) -> None:
    """It is told apart from the one before, and stands in the log."""
    assert forge.last_delivery(declared) is None
    first, second = forge.ping(declared), forge.ping(declared)

    assert isinstance(first, Delivery)
    assert isinstance(second, Delivery)
    assert ("Push Hook", 200) == (first.event, first.status)
    assert first.id != second.id
    assert second == forge.last_delivery(declared)


def test_a_test_that_is_refused_tells_the_status(
    forge: GitLabForge, declared: DeclaredWebhook, receiver: Receiver
) -> None:
    """A wrong token is answered 400, as Flux does."""
    receiver.status = 400

    ping = forge.ping(declared)

    assert ping is not None
    assert 400 == ping.status


def test_a_webhook_without_pushes_cannot_be_tested(
    client: python_gitlab.Gitlab, forge: GitLabForge, scope: Scope, receiver: Receiver
) -> None:
    """What GitLab would send of other events depends on what the project has."""
    declared = _make(client, scope, receiver, push_events=False, pipeline_events=True)
    seen = forge.webhook(declared)

    assert seen is not None
    assert not seen.pingable
    assert forge.ping(declared) is None
    assert [] == receiver.received


def test_a_webhook_that_gitlab_disabled_says_until_when(
    client: python_gitlab.Gitlab, forge: GitLabForge, declared: DeclaredWebhook, receiver: Receiver
) -> None:
    """After four failures in a row."""
    receiver.status = 500
    for _ in range(4):
        forge.ping(declared)
    seen = forge.webhook(declared)

    assert seen is not None
    assert not seen.active
    assert seen.inactive_because.startswith(
        ": GitLab disabled it after failed deliveries, until 20"
    )


def test_one_request_each(site: GitLab, forge: GitLabForge, declared: DeclaredWebhook) -> None:
    """GitLab limits them; nothing is asked but the webhooks."""
    asked = len(site.requests)
    forge.webhook(declared)
    forge.webhooks(declared)
    forge.last_delivery(declared)

    requests = site.requests[asked:]
    assert ["GET"] * 3 == [request.method for request in requests]
    assert all("/hooks" in request.path for request in requests)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        pytest.param(
            401,
            {"message": "401 Unauthorized"},
            "the token is not valid; set GITLAB_TOKEN",
            id="wrong token",
        ),
        pytest.param(
            403,
            {"message": "403 Forbidden"},
            "it answered 403; may the token administer webhooks?",
            id="too few rights",
        ),
        pytest.param(
            404,
            {"message": "404 Project Not Found"},
            "it answered 404; may the token administer webhooks?",
            id="hidden",
        ),
        pytest.param(418, {"message": "no"}, "it answered 418", id="anything else"),
    ],
)
def test_a_refusal_is_one_line(
    site: GitLab,
    forge: GitLabForge,
    declared: DeclaredWebhook,
    status: int,
    body: dict[str, str],
    message: str,
) -> None:
    """With the cure where it is known, and without the token; a hidden project is no lost hook."""
    for ask in (forge.webhook, forge.webhooks):
        site.faults.respond(status, path="/hooks", body=body)
        with pytest.raises(ObservationError) as error:
            ask(declared)

        scope = declared.scope
        assert f"GitLab refused the webhooks of the {scope.kind} {scope.name}: {message}" == str(
            error.value
        )


def test_an_address_where_nothing_listens_is_one_line(
    declared: DeclaredWebhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a traceback of the client's."""
    monkeypatch.setenv("GITLAB_BASE_URL", "http://127.0.0.1:1/api/v4/")

    with pytest.raises(ObservationError, match=r"^GitLab could not be asked for the webhooks of"):
        connect(ProviderSettings()).webhooks(declared)


def test_the_providers_settings_are_used_where_the_environment_has_none(
    site: GitLab, declared: DeclaredWebhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the provider was given them."""
    monkeypatch.delenv("GITLAB_TOKEN")
    monkeypatch.delenv("GITLAB_BASE_URL")
    providers = ProviderSettings(gitlab_token=site.token, gitlab_base_url=f"{site.base_url}api/v4/")

    assert [declared.id] == [seen.id for seen in connect(providers).webhooks(declared)]


def test_without_a_token_its_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what it must be allowed."""
    monkeypatch.delenv("GITLAB_TOKEN", raising=False)

    with pytest.raises(ObservationError) as error:
        connect(ProviderSettings())

    assert (
        "no token for GitLab: set GITLAB_TOKEN to one with the scope api whose owner administers "
        "the webhooks, or pulumi config set --secret gitlab:token"
    ) == str(error.value)


def test_without_the_client_its_installation_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra."""
    monkeypatch.setitem(__import__("sys").modules, "gitlab", None)

    with pytest.raises(ObservationError) as error:
        connect(ProviderSettings(gitlab_token="x"))

    assert "GitLab cannot be asked without python-gitlab: pip install 'fluxhooks[gitlab]'" == str(
        error.value
    )


def test_no_token_is_in_a_repr(site: GitLab, tmp_path: Path) -> None:
    """Whoever logs the settings logs no secret."""
    assert site.token not in repr(ProviderSettings(gitlab_token=site.token))


def test_what_passes_is_told_apart_and_asked_once(site: GitLab, declared: DeclaredWebhook) -> None:
    """Whoever asks again anyway wants no retries between, and the time GitLab wants to be left."""
    forge = connect(ProviderSettings(), retries=0)
    unknown = forge.requests_left
    limit = site.faults.rate_limit(path="/hooks", retry_after=40)
    with pytest.raises(ObservationError) as limited:
        forge.webhooks(declared)
    left = forge.requests_left
    outage = site.faults.respond(503, path="/hooks")
    with pytest.raises(ObservationError) as down:
        forge.webhooks(declared)

    assert str(limited.value).endswith("it answered 429, too many requests")
    assert str(down.value).endswith("it answered 503, an outage")
    assert (True, 40.0) == (limited.value.passing, limited.value.retry_after)
    assert (True, None) == (down.value.passing, down.value.retry_after)
    assert (1, 1) == (limit.hits, outage.hits)
    assert (None, 0) == (unknown, left)
