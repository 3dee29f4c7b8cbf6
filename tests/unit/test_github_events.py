"""The names of GitHub's events are the published ones."""

from typing import get_args

from githubkit_schemas.latest.webhooks import EventNameType

from fluxhooks.components.forges.github_events import EVENTS


def test_events_are_those_of_githubs_description() -> None:
    """githubkit generates its names from GitHub's OpenAPI description."""
    assert sorted(get_args(EventNameType)) == sorted(EVENTS)
