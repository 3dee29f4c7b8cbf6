"""What the stand-in for pulumi-kubernetes changes in place, and what it replaces."""

from typing import Any

import pytest

from sandbox.plugins.kubernetes.diff import (
    Change,
    Difference,
    Kind,
    difference,
    format_path,
    merge_patch,
    parse_path,
)
from sandbox.plugins.properties import UNKNOWN

ANNOTATED = {"pulumi.com/autonamed": "true"}


def secret(token: str = "b25l", **changes: Any) -> dict[str, Any]:
    """A Secret as its inputs; `metadata` is merged into the usual one."""
    metadata = {"name": "app", "namespace": "flux-system"} | changes.pop("metadata", {})
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "immutable": True,
        "metadata": metadata,
        "data": {"token": token},
    } | changes


def receiver(*events: str, **spec: Any) -> dict[str, Any]:
    """A Receiver as its inputs."""
    return {
        "apiVersion": "notification.toolkit.fluxcd.io/v1",
        "kind": "Receiver",
        "metadata": {"name": "app", "namespace": "flux-system"},
        "spec": {"type": "github", "events": list(events), **spec},
    }


def between(old: dict[str, Any], new: dict[str, Any], **options: Any) -> Difference:
    """The difference after `old` was made and the API server added to it."""
    metadata = old["metadata"] | {"uid": "1", "resourceVersion": "2", "generation": 3}
    live = old | {"metadata": metadata, "status": {"observedGeneration": 3}}
    return difference(old_inputs=old, old_live=live, new_inputs=new, namespaced=True, **options)


def test_what_the_api_server_adds_is_no_difference() -> None:
    """Status, defaults and the server's metadata never make a step."""
    assert Difference({}, delete_before_replace=False) == between(
        receiver("push"), receiver("push")
    )


def test_a_secret_with_other_content_is_replaced() -> None:
    """Content cannot change in place; with an explicit name the old one has to go first."""
    found = between(secret(), secret("dHdv"))

    assert {"data.token": Change(Kind.UPDATE_REPLACE)} == found.changes
    assert ["data.token"] == found.replaces
    assert found.delete_before_replace


def test_string_data_of_the_same_content_is_no_difference() -> None:
    """`stringData` and `data` are two spellings of one thing."""
    new = secret() | {"stringData": {"token": "one"}}
    del new["data"]

    assert {} == between(secret(), new).changes


def test_an_auto_named_secret_is_created_before_the_old_one_goes() -> None:
    """A new name lets both exist."""
    old = secret(metadata={"annotations": ANNOTATED})
    new = secret("dHdv", metadata={"annotations": ANNOTATED})

    assert not between(old, new).delete_before_replace


def test_another_explicit_name_is_created_before_the_old_one_goes() -> None:
    """Name and namespace are an object's identity."""
    found = between(secret(), secret(metadata={"name": "other"}))

    assert {"metadata.name": Change(Kind.UPDATE_REPLACE)} == found.changes
    assert not found.delete_before_replace


def test_content_that_is_not_known_yet_replaces_a_secret() -> None:
    """A preview assumes that what it cannot know will change."""
    new = secret() | {"stringData": {"token": UNKNOWN}}
    del new["data"]

    found = between(secret(), new)

    assert {
        "data": Change(Kind.DELETE_REPLACE, in_inputs=True),
        "stringData": Change(Kind.ADD_REPLACE),
    } == found.changes


def test_an_object_that_becomes_unknown_loses_its_keys() -> None:
    """The official plugin shows them as deleted, and nothing if there were none."""
    found = between(receiver("push", ref={"a": 1}, empty={}), receiver(ref=UNKNOWN, empty=UNKNOWN))

    assert {
        "spec.events[0]": Change(Kind.DELETE, in_inputs=True),
        "spec.ref.a": Change(Kind.DELETE, in_inputs=True),
    } == found.changes


def test_an_unknown_annotation_hides_that_the_name_was_given() -> None:
    """The official plugin reads all annotations or none, and then takes the name for explicit."""
    old = secret(metadata={"annotations": ANNOTATED})
    new = secret("dHdv", metadata={"annotations": ANNOTATED | {"a": UNKNOWN}})

    assert between(old, new).delete_before_replace


def test_a_secrets_labels_change_in_place() -> None:
    """Even of an immutable Secret."""
    found = between(secret(), secret(metadata={"labels": {"app.kubernetes.io/name": "x"}}))

    assert {"metadata.labels": Change(Kind.ADD)} == found.changes
    assert [] == found.replaces


def test_a_custom_resource_changes_in_place() -> None:
    """Whatever its spec; elements of a list are told apart."""
    found = between(receiver("push", "ping"), receiver("push", "ping", "release"))

    assert {"spec.events[2]": Change(Kind.ADD)} == found.changes
    assert {"spec.events[1]": Change(Kind.DELETE, in_inputs=True)} == between(
        receiver("push", "ping"), receiver("push")
    ).changes


def test_a_null_is_a_difference_for_ever() -> None:
    """A null in a custom resource is never stored, so every later step wants to write it again."""
    old = receiver("push", resourceFilter=None)
    live = receiver("push")

    found = difference(old_inputs=old, old_live=live, new_inputs=old, namespaced=True)

    assert {"spec.resourceFilter": Change(Kind.DELETE, in_inputs=True)} == found.changes


def test_drift_of_what_the_program_set_is_a_difference() -> None:
    """The last seen object counts, not the last inputs."""
    old = receiver("push", interval="10m")
    live = receiver("push", interval="1h")

    found = difference(old_inputs=old, old_live=live, new_inputs=old, namespaced=True)

    assert {"spec.interval": Change(Kind.UPDATE)} == found.changes


@pytest.mark.parametrize(
    "path",
    ["spec.events[2]", "spec.events", "spec", "spec.events[*]", "metadata.annotations", "*.events"],
)
def test_ignored_changes_are_none(path: str) -> None:
    """`ignore_changes` hides what lies in a path, and nothing else."""
    old, new = receiver("push", "ping"), receiver("push", "ping", "release")

    found = between(old, new, ignore=[path])

    assert (path == "metadata.annotations") == ("spec.events[2]" in found.changes)


def test_a_namespace_left_out_is_the_default_one() -> None:
    """An object of no namespace lives in `default`, and does not move there."""
    old, new = receiver("push"), receiver("push")
    old["metadata"]["namespace"] = "default"
    del new["metadata"]["namespace"]

    assert {} == between(old, new).changes


def test_a_merge_patch_is_what_rfc_7386_says() -> None:
    """Removed keys are null, lists are replaced whole, and true is not one."""
    old = {"a": 1, "b": {"c": 1, "d": 2}, "e": [1, 2], "f": 1}
    new = {"b": {"c": 1, "d": 3}, "e": [1], "f": True}

    assert {"a": None, "b": {"d": 3}, "e": [1], "f": True} == merge_patch(old, new)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("spec.events[2]", ("spec", "events", 2)),
        (
            'metadata.annotations["pulumi.com/waitFor"]',
            ("metadata", "annotations", "pulumi.com/waitFor"),
        ),
        ('a["b\\"c"].d', ("a", 'b"c', "d")),
    ],
)
def test_paths_are_written_as_pulumi_writes_them(text: str, path: tuple[str | int, ...]) -> None:
    """Reading and writing a property path are inverse."""
    assert text == format_path(path)
    assert path == parse_path(text)
