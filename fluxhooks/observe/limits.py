"""How near a repository or an organisation is to the number of webhooks that GitHub takes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from fluxhooks.observe.forges import SeenWebhook
from fluxhooks.observe.state import Scope

# Of each event: https://docs.github.com/en/webhooks/types-of-webhooks
ON_GITHUB: Final = 20
ON_ENTERPRISE_SERVER: Final = 250

# A warning that comes with the last one comes too late.
_SPARE: Final = 3


def near(webhooks: Iterable[SeenWebhook], takes: Mapping[Scope, int]) -> list[str]:
    """Return a sentence for each scope that takes few more webhooks, or none, of some event.

    Args:
        webhooks: all of each scope's.
        takes: how many of each event a scope takes; where it is missing, nothing is said of it.
    """
    heard: dict[Scope, list[SeenWebhook]] = {}
    for webhook in webhooks:
        if webhook.scope in takes:
            heard.setdefault(webhook.scope, []).append(webhook)
    return [
        _sentence(scope, event, count, takes[scope])
        for scope, found in heard.items()
        for event, count in _most(found)
        if count > takes[scope] - _SPARE
    ]


def _most(webhooks: list[SeenWebhook]) -> list[tuple[str, int]]:
    """Return the event that most of them hear, and how many do."""
    everything = sum("*" in webhook.events for webhook in webhooks)
    counted = Counter(event for webhook in webhooks for event in webhook.events if event != "*")
    return [(event, count + everything) for event, count in counted.most_common(1)]


def _sentence(scope: Scope, event: str, count: int, takes: int) -> str:
    other = (
        "its organisation takes as many besides, and one there serves all repositories"
        if scope.kind == "repository"
        else "its repositories take as many each"
    )
    return (
        f"{scope.name} has {count} of the {takes} webhooks that GitHub takes of the event {event}, "
        f"and refuses more: delete what nobody needs (fluxhooks prune); {other}"
    )
