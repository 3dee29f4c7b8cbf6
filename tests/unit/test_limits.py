"""Before GitHub refuses a webhook too many it is said how near that is, and what helps."""

import pytest

from fluxhooks.observe.forges import SeenWebhook, github
from fluxhooks.observe.limits import near
from fluxhooks.observe.state import DeclaredWebhook, ProviderSettings, Scope

_REPOSITORY = Scope("github", "repository", "acme/app")
_ORGANIZATION = Scope("github", "organization", "acme")
_PROJECT = Scope("gitlab", "project", "acme/app")


def webhooks(scope: Scope, *events: str) -> list[SeenWebhook]:
    """Return one for each of the events, of a scope."""
    return [
        SeenWebhook(scope=scope, id=str(i), events=frozenset([e])) for i, e in enumerate(events)
    ]


@pytest.mark.parametrize(("count", "told"), [(0, 0), (17, 0), (18, 1), (20, 1)])
def test_it_is_said_while_there_is_room(count: int, told: int) -> None:
    """With three more to go."""
    assert told == len(near(webhooks(_REPOSITORY, *["push"] * count), {_REPOSITORY: 20}))


def test_what_helps_is_named() -> None:
    """Another place for webhooks, as each has its own limit."""
    full = [*webhooks(_REPOSITORY, *["push"] * 20), *webhooks(_ORGANIZATION, *["package"] * 19)]

    assert [
        "acme/app has 20 of the 20 webhooks that GitHub takes of the event push, and refuses "
        "more: delete what nobody needs (fluxhooks prune); its organisation takes as many "
        "besides, and one there serves all repositories",
        "acme has 19 of the 20 webhooks that GitHub takes of the event package, and refuses more: "
        "delete what nobody needs (fluxhooks prune); its repositories take as many each",
    ] == near(full, {_REPOSITORY: 20, _ORGANIZATION: 20})


def test_events_are_counted_apart() -> None:
    """And one that hears all counts for each."""
    mixed = ["push"] * 16 + ["package"] * 16 + ["*"] * 2

    assert [] == near(webhooks(_REPOSITORY, *mixed[:-1]), {_REPOSITORY: 20})
    assert 1 == len(near(webhooks(_REPOSITORY, *mixed), {_REPOSITORY: 20}))


def test_nothing_is_said_of_forges_without_such_a_limit() -> None:
    """GitLab has none of an event."""
    assert [] == near(webhooks(_PROJECT, *["Push Hook"] * 99), {_REPOSITORY: 20})


@pytest.mark.parametrize(
    ("base_url", "takes"),
    [
        ("", 20),
        ("https://api.github.com/", 20),
        ("https://github.com/", 20),
        ("https://acme.ghe.com/", 20),
        ("https://api.acme.ghe.com/", 20),
        ("https://github.example.com/", 250),
        ("https://github.example.com/api/v3/", 250),
    ],
)
def test_an_enterprise_server_takes_more(
    base_url: str, takes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub itself, and its tenants' hosts, take 20."""
    monkeypatch.delenv("GITHUB_BASE_URL", raising=False)
    declared = DeclaredWebhook(scope=_ORGANIZATION, id="")

    assert takes == github.takes(declared, ProviderSettings(github_base_url=base_url))


@pytest.mark.parametrize(
    ("api_url", "takes"),
    [
        ("https://api.github.com/orgs/acme/hooks/1", 20),
        ("https://github.example.com/api/v3/orgs/acme/hooks/1", 250),
    ],
)
def test_a_webhooks_own_address_counts_first(api_url: str, takes: int) -> None:
    """It is what the provider really used."""
    declared = DeclaredWebhook(scope=_ORGANIZATION, id="1", api_url=api_url)

    assert takes == github.takes(declared, ProviderSettings())
