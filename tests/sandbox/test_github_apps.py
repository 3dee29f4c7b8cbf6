"""Apps at the GitHub stand-in, and what we see of webhooks there with an App's credentials."""

import dataclasses
import time

import httpx
import jwt
import pytest
from githubkit_schemas.latest.models import InstallationToken

from fluxhooks import ObservationError
from fluxhooks.observe.forges import github as forge
from fluxhooks.observe.forges.github import GitHubForge
from fluxhooks.observe.state import DeclaredWebhook, ProviderSettings, Scope
from sandbox.forges.github import App, GitHub, Repository
from tests.sandbox.published import unpublished
from tests.sandbox.receiver import Receiver

_BY_APP = ("GITHUB_APP_ID", "GITHUB_APP_INSTALLATION_ID", "GITHUB_APP_PEM_FILE")


@pytest.fixture
def app(github: GitHub) -> App:
    return github.install_app()


@pytest.fixture(autouse=True)
def _bare_environment(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*_BY_APP, "GITHUB_TOKEN", "GITHUB_OWNER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_BASE_URL", github.base_url)


def web_token(app: App, *, seconds: int = 300, issuer: str = "") -> str:
    now = int(time.time())
    claims = {"iat": now - 30, "exp": now + seconds, "iss": issuer or app.id}
    return jwt.encode(claims, app.pem, algorithm="RS256")


def ask(github: GitHub, app: App, token: str, *, installation: str = "") -> httpx.Response:
    where = f"app/installations/{installation or app.installation_id}/access_tokens"
    return httpx.post(
        f"{github.base_url}api/v3/{where}",
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    )


def by_app(monkeypatch: pytest.MonkeyPatch, app: App, **changes: str) -> None:
    values = {"id": app.id, "installation_id": app.installation_id, "pem": app.pem, **changes}
    for name, value in zip(_BY_APP, values.values(), strict=True):
        monkeypatch.setenv(name, value)


def organization(github: GitHub, identity: object = "") -> DeclaredWebhook:
    return DeclaredWebhook(scope=Scope("github", "organization", github.owner), id=str(identity))


def connect(github: GitHub, **providers: str) -> GitHubForge:
    return forge.connect(organization(github), ProviderSettings(**providers), retries=0)


def test_an_installations_token_is_as_published_and_opens_webhooks(
    github: GitHub, app: App
) -> None:
    """What an App is given for a web token that it signed, for one hour."""
    answer = ask(github, app, web_token(app))

    assert 201 == answer.status_code
    assert [] == unpublished(InstallationToken, answer.json())
    token = answer.json()["token"]
    with httpx.Client(headers={"Authorization": f"token {token}"}, trust_env=False) as client:
        root = f"{github.base_url}api/v3"
        assert 200 == client.get(f"{root}/orgs/{github.owner}/hooks").status_code
        # It is nobody.
        assert 403 == client.get(f"{root}/user").status_code


def test_who_is_not_the_app_is_given_no_token(github: GitHub, app: App) -> None:
    """Another key, another App's name, a time that has passed or is too far, a user's token."""
    other = github.install_app()
    forged = dataclasses.replace(app, pem=other.pem)
    refused = {
        "another key": ask(github, app, web_token(forged)),
        "another name": ask(github, app, web_token(app, issuer=other.id)),
        "passed": ask(github, app, web_token(app, seconds=-120)),
        "too far": ask(github, app, web_token(app, seconds=3600)),
        "a user's": ask(github, app, github.token),
    }

    assert dict.fromkeys(refused, 401) == {k: each.status_code for k, each in refused.items()}
    assert 404 == ask(github, app, web_token(app), installation="7").status_code


def test_an_app_itself_sees_no_webhooks(github: GitHub, app: App) -> None:
    """Only its installations do."""
    answer = httpx.get(
        f"{github.base_url}api/v3/orgs/{github.owner}/hooks",
        headers={"Authorization": f"Bearer {web_token(app)}"},
        trust_env=False,
    )

    assert 401 == answer.status_code


@pytest.mark.parametrize("suffix", ["", "api/v3", "api/v3/"])
def test_an_app_is_preferred_to_a_token(
    github: GitHub,
    app: App,
    api: httpx.Client,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
) -> None:
    """As the provider does; and an Enterprise Server's address may have the API's path."""
    config = {"url": receiver.url(), "content_type": "json", "secret": "not-told"}
    body = {"name": "web", "config": config}
    made = api.post(f"/orgs/{github.owner}/hooks", json=body).json()
    monkeypatch.setenv("GITHUB_BASE_URL", f"{github.base_url}{suffix}")
    monkeypatch.setenv("GITHUB_TOKEN", "of-nobody")
    by_app(monkeypatch, app, pem=app.pem.replace("\n", "\\n"))

    seen = connect(github)

    (found,) = seen.webhooks(organization(github))
    assert (str(made["id"]), receiver.url()) == (found.id, found.url)
    delivery = seen.ping(organization(github, found.id))
    assert delivery is not None
    assert ("ping", 200) == (delivery.event, delivery.status)


def test_an_app_of_the_providers_is_taken(github: GitHub, app: App) -> None:
    """What a provider was given lies in the state as JSON."""
    given = (
        f'{{"id": "{app.id}", "installationId": "{app.installation_id}", '
        f'"pemFile": "{app.pem.replace(chr(10), chr(92) + "n")}"}}'
    )
    settings = ProviderSettings(github_app_auth=given)

    assert [] == connect(github, github_app_auth=given).webhooks(organization(github))
    assert "PRIVATE" not in repr(settings)


def test_an_app_without_an_installation_is_told_of(
    github: GitHub, app: App, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its 404 is none of the webhook's, which would be made anew."""
    by_app(monkeypatch, app, installation_id="7")
    declared = DeclaredWebhook(scope=Scope("github", "repository", repository.name), id="1")

    with pytest.raises(ObservationError) as caught:
        connect(github, github_owner=github.owner).webhook(declared)

    assert (
        "GitHub gave the App no token: it answered 404; are GITHUB_APP_ID, "
        "GITHUB_APP_INSTALLATION_ID and GITHUB_APP_PEM_FILE those of one installation?"
    ) == str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"pem": "/etc/app.pem"}, id="a path"),
        pytest.param({"installation_id": "acme"}, id="a name"),
    ],
)
def test_what_is_no_apps_credentials_is_told_of(
    github: GitHub, app: App, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str]
) -> None:
    """In one line that holds nothing of the key."""
    by_app(monkeypatch, app, **changes)

    with pytest.raises(ObservationError) as caught:
        connect(github)

    assert (
        "the GitHub App's credentials cannot be used: GITHUB_APP_INSTALLATION_ID must be a number, "
        "and GITHUB_APP_PEM_FILE the private key itself, with \\n for its line breaks"
    ) == str(caught.value)
    assert caught.value.__suppress_context__


def test_half_an_app_is_none(github: GitHub, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token is taken then, or missed."""
    by_app(monkeypatch, app, pem="")
    with pytest.raises(ObservationError, match=r"^no token for GitHub: set GITHUB_TOKEN"):
        connect(github)

    monkeypatch.setenv("GITHUB_TOKEN", github.token)

    assert [] == connect(github).webhooks(organization(github))
