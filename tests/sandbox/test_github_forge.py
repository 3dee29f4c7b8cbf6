"""How fluxhooks sees and changes webhooks at GitHub, through the real client."""

import httpx
import pytest

from fluxhooks import ObservationError
from fluxhooks.observe.forges import Delivery, SeenWebhook
from fluxhooks.observe.forges.github import GitHubForge, connect
from fluxhooks.observe.state import DeclaredWebhook, ProviderSettings, Scope
from sandbox.forges.github import GitHub, Repository
from tests.sandbox.receiver import Receiver


@pytest.fixture
def declared(
    github: GitHub, repository: Repository, api: httpx.Client, hooks_path: str, receiver: Receiver
) -> DeclaredWebhook:
    """A webhook that exists, as a state would have it."""
    answer = api.post(
        hooks_path,
        json={
            "config": {"url": receiver.url(), "content_type": "json", "secret": "x"},
            "events": ["push"],
        },
    ).json()
    github.wait_idle()
    return DeclaredWebhook(
        scope=Scope("github", "repository", repository.name),
        id=str(answer["id"]),
        api_url=answer["url"],
        url=receiver.url(),
    )


@pytest.fixture
def forge(
    github: GitHub, declared: DeclaredWebhook, monkeypatch: pytest.MonkeyPatch
) -> GitHubForge:
    monkeypatch.setenv("GITHUB_TOKEN", github.token)
    return connect(declared, ProviderSettings())


def test_a_webhook_is_seen_as_it_is(
    forge: GitHubForge, declared: DeclaredWebhook, api: httpx.Client, hooks_path: str
) -> None:
    """Where it calls, whether it is active, and what it sends."""
    before = forge.webhook(declared)
    api.patch(
        f"{hooks_path}/{declared.id}",
        json={"active": False, "config": {"url": declared.url, "content_type": "form"}},
    )
    after = forge.webhook(declared)

    assert isinstance(before, SeenWebhook)
    assert isinstance(after, SeenWebhook)
    assert (declared.url, True, True) == (before.url, before.active, before.json)
    assert (declared.url, False, False) == (after.url, after.active, after.json)
    assert [after] == forge.webhooks(declared)


def test_a_webhook_that_is_gone_is_none(forge: GitHubForge, declared: DeclaredWebhook) -> None:
    """Deleting it twice is no error either."""
    seen = forge.webhook(declared)
    assert seen is not None
    forge.delete(seen, declared)
    forge.delete(seen, declared)

    assert forge.webhook(declared) is None
    assert [] == forge.webhooks(declared)


def test_a_ping_is_told_apart_from_the_one_before(
    forge: GitHubForge, declared: DeclaredWebhook
) -> None:
    """GitHub pings by itself when a webhook is made; that one proves nothing later."""
    first = forge.last_delivery(declared)
    ping = forge.ping(declared)

    assert isinstance(first, Delivery)
    assert isinstance(ping, Delivery)
    assert ("ping", 200) == (ping.event, ping.status)
    assert first.id != ping.id
    assert ping == forge.last_delivery(declared)


def test_one_request_each(github: GitHub, forge: GitHubForge, declared: DeclaredWebhook) -> None:
    """GitHub limits them."""
    asked = len(github.requests)
    forge.webhook(declared)
    forge.webhooks(declared)
    forge.last_delivery(declared)

    assert ["GET"] * 3 == [request.method for request in github.requests[asked:]]


def test_without_its_place_in_the_api_the_owner_is_asked_for(
    github: GitHub,
    forge: GitHubForge,
    declared: DeclaredWebhook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A webhook whose creation was interrupted has none."""
    monkeypatch.setenv("GITHUB_OWNER", github.owner)
    monkeypatch.setenv("GITHUB_BASE_URL", github.base_url)
    place = DeclaredWebhook(scope=declared.scope, id="")

    assert [declared.id] == [seen.id for seen in connect(place, ProviderSettings()).webhooks(place)]


@pytest.mark.parametrize(
    ("status", "message"),
    [
        pytest.param(401, "the token is not valid; set GITHUB_TOKEN", id="wrong token"),
        pytest.param(
            403, "it answered 403; may the token administer webhooks?", id="too few rights"
        ),
        pytest.param(418, "it answered 418", id="anything else"),
    ],
)
def test_a_refusal_is_one_line(
    github: GitHub, forge: GitHubForge, declared: DeclaredWebhook, status: int, message: str
) -> None:
    """With the cure where it is known, and without the token."""
    body = {"message": "Bad credentials" if status == 401 else "no"}
    github.faults.respond(status, path="/hooks", body=body, times=None)
    with pytest.raises(ObservationError) as error:
        forge.webhooks(declared)

    assert f"GitHub refused the webhooks of {declared.scope.name}: {message}" == str(error.value)


def test_no_token_is_said(declared: DeclaredWebhook, monkeypatch: pytest.MonkeyPatch) -> None:
    """With both places it can come from."""
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    with pytest.raises(ObservationError) as error:
        connect(declared, ProviderSettings())

    assert (
        "no token for GitHub: set GITHUB_TOKEN to one that may administer the repository's "
        "webhooks, or pulumi config set --secret github:token"
    ) == str(error.value)


@pytest.mark.parametrize(
    ("status", "headers", "body", "wait", "message"),
    [
        pytest.param(502, {}, "no", None, "it answered 502, an outage", id="outage"),
        pytest.param(
            429,
            {"Retry-After": "40"},
            "You have exceeded a secondary rate limit.",
            40.0,
            "it answered 429, too many requests",
            id="secondary limit",
        ),
        pytest.param(
            403,
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"},
            "API rate limit exceeded for user ID 1.",
            0.0,
            "it answered 403, too many requests",
            id="quota of an hour that is over",
        ),
    ],
)
def test_what_passes_is_told_apart_and_asked_once(
    github: GitHub,
    declared: DeclaredWebhook,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    headers: dict[str, str],
    body: str,
    wait: float | None,
    message: str,
) -> None:
    """Whoever asks again anyway wants no retries between, and the time GitHub wants to be left."""
    monkeypatch.setenv("GITHUB_TOKEN", github.token)
    forge = connect(declared, ProviderSettings(), retries=0)
    fault = github.faults.respond(
        status, path="/hooks", headers=headers, body={"message": body}, times=None
    )
    with pytest.raises(ObservationError) as error:
        forge.webhooks(declared)

    assert f"GitHub refused the webhooks of {declared.scope.name}: {message}" == str(error.value)
    assert (True, wait, 1) == (error.value.passing, error.value.retry_after, fault.hits)


def test_what_is_left_of_the_quota_costs_no_request(
    github: GitHub, forge: GitHubForge, declared: DeclaredWebhook
) -> None:
    """Each answer says it."""
    unknown = forge.requests_left
    forge.webhooks(declared)
    asked = len(github.requests)
    left = forge.requests_left

    assert unknown is None
    assert left is not None
    assert 0 < left < 5000
    assert asked == len(github.requests)
