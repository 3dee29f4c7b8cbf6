"""The flags of GitLab's events are those of the provider's published schema."""

import inspect

import pulumi_gitlab
import pytest

from fluxhooks.components.forges.gitlab_events import EVENTS


@pytest.mark.parametrize(
    ("at", "hook"),
    [
        pytest.param("project", pulumi_gitlab.ProjectHookArgs, id="project"),
        pytest.param("group", pulumi_gitlab.GroupHookArgs, id="group"),
        pytest.param("instance", pulumi_gitlab.SystemHookArgs, id="instance"),
    ],
)
def test_every_flag_of_the_provider_has_its_event(at: str, hook: type) -> None:
    """One that is missing here would be left to the provider, which defaults pushes to on."""
    arguments = inspect.signature(hook.__init__).parameters

    assert {name for name in arguments if name.endswith("_events")} == set(EVENTS[at].values())


@pytest.mark.parametrize("at", ["project", "group", "instance"])
def test_no_two_events_have_one_flag(at: str) -> None:
    """Asking for one would ask for the other."""
    assert len(EVENTS[at]) == len(set(EVENTS[at].values()))


@pytest.mark.parametrize(
    ("event", "flag"),
    [
        # As GitLab's documentation shows them side by side.
        ("Push Hook", "push_events"),
        ("Tag Push Hook", "tag_push_events"),
        ("Release Hook", "releases_events"),
        ("Merge Request Hook", "merge_requests_events"),
        ("Note Hook", "note_events"),
        ("Issue Hook", "issues_events"),
        ("Pipeline Hook", "pipeline_events"),
        ("Job Hook", "job_events"),
        ("Wiki Page Hook", "wiki_page_events"),
        ("Feature Flag Hook", "feature_flag_events"),
    ],
)
def test_names_are_those_of_the_header(event: str, flag: str) -> None:
    """A Receiver compares the header with spec.events."""
    assert flag == EVENTS["project"][event] == EVENTS["group"][event]
