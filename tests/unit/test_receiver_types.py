"""The table of receiver types agrees with the Receiver's definition and with the controller."""

import json
from pathlib import Path

import pytest

from fluxhooks.components.forges import github_events, gitlab_events
from fluxhooks.flux import targets
from fluxhooks.flux.receiver_types import (
    RECEIVER_TYPES,
    Proof,
    ReceiverType,
    default_events,
)

_CRD = json.loads((Path(__file__).parents[1] / "golden/receiver-crd.json").read_text())


def test_types_are_those_of_the_published_definition() -> None:
    """No type is missing and none is made up."""
    assert sorted(_CRD["types"]) == sorted(ReceiverType)


def test_every_type_has_its_facts() -> None:
    """Whatever derives from the table covers every type."""
    assert list(ReceiverType) == list(RECEIVER_TYPES)


def test_what_each_type_asks_of_a_delivery() -> None:
    """The proof is what notification-controller's `validate` looks at."""
    by_proof = {
        proof: {str(t) for t, facts in RECEIVER_TYPES.items() if facts.proof is proof}
        for proof in Proof
    }

    assert {
        Proof.SIGNATURE: {"github", "bitbucket", "generic-hmac", "nexus"},
        Proof.TOKEN: {"gitlab", "harbor"},
        Proof.IDENTITY: {"gcr", "generic-oidc"},
        Proof.PATH: {"generic", "dockerhub", "quay", "acr", "cdevents"},
    } == by_proof


def test_only_four_types_have_an_event_filter() -> None:
    """The controller reads the event from this header, and ignores spec.events elsewhere."""
    headers = {str(t): f.event_header for t, f in RECEIVER_TYPES.items() if f.event_header}

    assert {
        "bitbucket": "X-Event-Key",
        "cdevents": "Ce-Type",
        "github": "X-GitHub-Event",
        "gitlab": "X-Gitlab-Event",
    } == headers


def test_only_a_generic_receiver_acts_on_a_bare_get() -> None:
    """An unsigned GET is a safe question everywhere else: 400."""
    answers = {str(t): f.get_status for t, f in RECEIVER_TYPES.items() if f.get_status != 400}

    assert {"generic": 200} == answers


def test_the_secrets_keys() -> None:
    """Every Secret has a token; Google's has two keys more, and generic-oidc has no Secret."""
    keys = {str(t): f.secret_keys for t, f in RECEIVER_TYPES.items() if f.secret_keys != ("token",)}

    assert {"gcr": ("token", "email", "audience"), "generic-oidc": ()} == keys


def test_only_github_pings_by_itself() -> None:
    """The ping must be allowed by spec.events, or the first delivery of a webhook is red."""
    assert {"github": "ping"} == {str(t): f.ping for t, f in RECEIVER_TYPES.items() if f.ping}


def test_senders_of_other_bodies_than_json_objects() -> None:
    """A filter makes the controller answer 500 to those, so it is not put on by default."""
    assert {"generic", "harbor"} == {
        str(t) for t, f in RECEIVER_TYPES.items() if not f.json_objects
    }


@pytest.mark.parametrize(
    ("receiver_type", "kinds", "events"),
    [
        pytest.param("github", ["GitRepository"], ["push"], id="a branch or a tag at GitHub"),
        pytest.param(
            "github",
            ["OCIRepository"],
            ["package", "registry_package"],
            id="both names GitHub has for a pushed image",
        ),
        pytest.param(
            "github",
            ["ImageRepository", "GitRepository"],
            ["package", "push", "registry_package"],
            id="two kinds are joined, sorted",
        ),
        pytest.param("github", ["GitRepository", "HelmChart"], ["push"], id="shared events once"),
        pytest.param(
            "gitlab",
            ["GitRepository"],
            ["Push Hook", "Tag Push Hook"],
            id="GitLab tells of tags separately",
        ),
        pytest.param("github", ["Bucket"], [], id="no forge tells of a bucket"),
        pytest.param("generic", ["GitRepository"], [], id="no filter, no events"),
        pytest.param("github", ["Kustomization"], [], id="an applier has no event"),
    ],
)
def test_default_events(receiver_type: str, kinds: list[str], events: list[str]) -> None:
    """The events that tell of a change in the targets' kinds, and no others."""
    assert events == default_events(ReceiverType(receiver_type), kinds)


def test_default_events_are_events_of_the_forge() -> None:
    """What is sent to GitHub by default is known to GitHub, and never its ping."""
    github = RECEIVER_TYPES[ReceiverType.GITHUB]
    events = {event for events in github.default_events.values() for event in events}

    assert set() == events - github_events.EVENTS
    assert github.ping not in events


@pytest.mark.parametrize("at", ["project", "group"])
def test_default_events_of_gitlab_can_be_asked_for(at: str) -> None:
    """At a project and at a group."""
    gitlab = RECEIVER_TYPES[ReceiverType.GITLAB]
    events = {event for events in gitlab.default_events.values() for event in events}

    assert set() == events - set(gitlab_events.EVENTS[at])


def test_default_events_are_for_sources_only() -> None:
    """An applier follows its source inside the cluster."""
    kinds = {kind for facts in RECEIVER_TYPES.values() for kind in facts.default_events}

    assert set() == kinds - set(targets.SOURCES)
