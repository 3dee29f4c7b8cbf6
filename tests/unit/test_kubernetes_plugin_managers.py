"""How the stand-in for pulumi-kubernetes books fields on field managers."""

from typing import Any

import pytest

from sandbox.plugins.kubernetes.managers import leave_ignored, taken_over


def entry(
    manager: str, operation: str, fields: dict[str, Any], subresource: str = ""
) -> dict[str, Any]:
    """One entry of `metadata.managedFields`."""
    of_part = {"subresource": subresource} if subresource else {}
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **of_part}


def test_the_first_update_takes_over_what_a_create_made() -> None:
    """The create's entry becomes the applying manager's, those of others stay."""
    controller = entry("notification-controller", "Update", {"f:status": {}}, "status")
    created = entry("pulumi-kubernetes", "Update", {"f:spec": {"f:type": {}}})

    assert [controller, entry("me", "Apply", {"f:spec": {"f:type": {}}})] == taken_over(
        [created, controller], "me"
    )


def test_what_several_managers_made_is_joined() -> None:
    """kubectl's entries and the plugin's own are merged into one."""
    entries = [
        entry("me", "Apply", {"f:spec": {"f:type": {}}}),
        entry("kubectl", "Apply", {"f:spec": {"f:events": {}}}),
        entry("pulumi-kubernetes", "Update", {"f:metadata": {"f:labels": {}}}),
    ]

    assert [
        entry(
            "me",
            "Apply",
            {"f:spec": {"f:type": {}, "f:events": {}}, "f:metadata": {"f:labels": {}}},
        )
    ] == taken_over(entries, "me")


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(entry("them", "Apply", {"f:spec": {}}), id="another program"),
        pytest.param(entry("pulumi-kubernetes", "Update", {}, "status"), id="a status"),
        pytest.param(entry("pulumi-kubernetes", "Apply", {"f:spec": {}}), id="an apply"),
    ],
)
def test_nothing_is_taken_from_anybody_else(other: dict[str, Any]) -> None:
    """Without something to take over, the entries are left alone."""
    assert taken_over([other, entry("me", "Apply", {})], "me") is None


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        pytest.param("them", {}, id="left to its owner"),
        pytest.param("me", {"interval": "1h"}, id="kept as it is"),
        pytest.param("", {"interval": "1h"}, id="kept as it is, if nobody owns it"),
    ],
)
def test_an_ignored_field_is_not_changed(owner: str, expected: dict[str, Any]) -> None:
    """`ignore_changes` never writes the program's value over the cluster's."""
    fields: dict[str, Any] = {"f:spec": {"f:interval": {}}}
    live = {
        "metadata": {"managedFields": [entry(owner, "Apply", fields)] if owner else []},
        "spec": {"interval": "1h"},
    }
    inputs = {"spec": {"interval": "10m"}}

    leave_ignored(inputs, live, ["spec.interval", "spec.absent.deep"], field_manager="me")

    assert {"spec": expected} == inputs


def test_an_ignored_field_that_the_program_dropped_comes_back() -> None:
    """Applying without it would remove what is to be left alone."""
    inputs: dict[str, Any] = {"metadata": {"name": "app"}}

    leave_ignored(
        inputs, {"metadata": {"labels": {"a": "b"}}}, ["metadata.labels.a"], field_manager="me"
    )

    assert {"metadata": {"name": "app", "labels": {"a": "b"}}} == inputs
