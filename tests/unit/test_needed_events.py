"""Which events tell of a change in a source."""

import pytest

from fluxhooks.flux.needed_events import needed_events
from fluxhooks.flux.receiver_types import RECEIVER_TYPES, ReceiverType
from fluxhooks.flux.targets import SOURCES


@pytest.mark.parametrize(
    ("receiver_type", "kind", "tags", "events"),
    [
        pytest.param("github", "GitRepository", False, {"push"}, id="a branch at GitHub"),
        pytest.param(
            "github", "GitRepository", True, {"create", "push", "release"}, id="tags at GitHub"
        ),
        pytest.param(
            "gitlab", "GitRepository", False, {"Push Hook", "System Hook"}, id="a branch at GitLab"
        ),
        pytest.param(
            "gitlab",
            "GitRepository",
            True,
            {"Release Hook", "System Hook", "Tag Push Hook"},
            id="tags at GitLab",
        ),
        pytest.param("gitlab", "OCIRepository", False, set(), id="whatever a CI job does"),
        pytest.param("github", "HelmRepository", False, set(), id="however pages are made"),
        pytest.param("generic", "GitRepository", False, set(), id="a sender without events"),
        pytest.param("smoke-signal", "GitRepository", False, set(), id="an unknown type"),
    ],
)
def test_any_one_of_them_is_enough(
    receiver_type: str, kind: str, tags: bool, events: set[str]
) -> None:
    """And none is known to be needed where anything could tell of a change."""
    assert events == needed_events(receiver_type, kind, tags=tags)


def test_what_is_asked_for_by_default_is_enough() -> None:
    """Nobody who leaves the events out is told that some are missing."""
    for receiver_type in ReceiverType:
        asked = RECEIVER_TYPES[receiver_type].default_events
        for kind in SOURCES:
            for tags in (False, True):
                needed = needed_events(receiver_type, kind, tags=tags)
                assert not needed or needed & set(asked[kind])
