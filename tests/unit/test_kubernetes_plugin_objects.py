"""How the stand-in for pulumi-kubernetes reads, compares and stores objects."""

from typing import Any

import pytest

from sandbox.plugins.errors import UnsupportedError
from sandbox.plugins.kubernetes.objects import (
    checkpoint,
    mark_secrets,
    normalize,
    prune,
    read_checkpoint,
)
from sandbox.plugins.kubernetes.settings import Settings, read_settings
from sandbox.plugins.properties import (
    SIGNATURE,
    UNKNOWN,
    UNKNOWN_STRING,
    Secret,
    has_unknown,
    read_struct,
    reveal,
    write_struct,
)

VALUES: dict[str, Any] = {
    "text": "a",
    "whole": 30,
    "fraction": 0.5,
    "yes": True,
    "none": None,
    "list": [1, Secret("x"), {"deep": UNKNOWN}],
    "empty": {},
    "secret": Secret({"token": "x"}),
}


def test_property_values_survive_the_protocol() -> None:
    """Numbers stay whole, nulls stay, secrets and unknowns stay what they are."""
    assert VALUES == read_struct(write_struct(VALUES))


def test_secrets_and_unknowns_are_marked_as_the_engine_marks_them() -> None:
    """The marks are the engine's own constants."""
    struct = write_struct({"secret": Secret("x"), "unknown": UNKNOWN})

    assert "1b47061264138c4ac30d75fd1eb44270" == struct["secret"][SIGNATURE]
    assert "x" == struct["secret"]["value"]
    assert UNKNOWN_STRING == struct["unknown"]


def test_a_secret_does_not_show_in_a_repr() -> None:
    """Whatever ends in a message or a traceback holds no secret."""
    assert "hidden" not in repr({"a": Secret("hidden")})


def test_revealed_values_hold_no_secrets() -> None:
    """The API server gets what a secret holds, unknowns stay unknown."""
    assert {"a": {"token": "x"}, "b": [UNKNOWN]} == reveal(
        {"a": Secret({"token": Secret("x")}), "b": [Secret(UNKNOWN)]}
    )
    assert has_unknown({"a": [Secret({"b": UNKNOWN})]})


def test_an_asset_is_refused() -> None:
    """What no Kubernetes object can hold is an error of the stand-in's own."""
    struct = write_struct({"a": {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "text": "x"}})

    with pytest.raises(UnsupportedError, match=r"^stand-in: .* is not supported"):
        read_struct(struct)


def test_string_data_becomes_data() -> None:
    """As the API server stores it; `stringData` wins over `data` of the same key."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "data": {"a": "b2xk", "b": "Yg==\n"},
        "stringData": {"a": "new"},
        "metadata": {"name": "x", "uid": "1", "creationTimestamp": None},
    }

    assert {
        "apiVersion": "v1",
        "kind": "Secret",
        "data": {"a": "bmV3", "b": "Yg==\n"},
        "metadata": {"name": "x"},
    } == normalize(secret)


def test_what_is_not_known_yet_is_not_normalized() -> None:
    """A preview passes on what it cannot encode."""
    secret = {"apiVersion": "v1", "kind": "Secret", "stringData": {"token": UNKNOWN}}

    assert secret == normalize(secret)


def test_nulls_and_strays_of_built_in_kinds_only_are_dropped() -> None:
    """A custom resource's null is sent as it is; a built-in kind's type has no room for it."""
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": ""}}
    receiver = {"apiVersion": "notification.toolkit.fluxcd.io/v1", "spec": {"filter": None}}

    assert config_map == normalize({**config_map, "binaryData": None, "stray": 1})
    assert receiver == normalize(receiver)


def test_pruning_keeps_what_the_inputs_name() -> None:
    """Live values, in the shape of the inputs."""
    live = {"spec": {"events": ["push", "ping"], "interval": "10m", "ref": [{"a": 1, "b": 2}]}}
    inputs = {"spec": {"events": ["push"], "ref": [{"a": 0}], "filter": None}}

    assert {"spec": {"events": ["push"], "ref": [{"a": 1}]}} == prune(live, inputs)


def test_data_of_a_secret_is_always_secret() -> None:
    """Also if the program forgot to say so; nothing else of a Secret ever is."""
    outputs: dict[str, Any] = {"kind": "Secret", "data": {"token": "x"}, "metadata": {"name": "n"}}

    mark_secrets(outputs, {"metadata": Secret({"name": "n"})})

    assert {"kind": "Secret", "data": Secret({"token": "x"}), "metadata": {"name": "n"}} == outputs


def test_other_outputs_are_secret_where_the_inputs_were() -> None:
    """Objects are followed; one secret element makes a list secret."""
    outputs: dict[str, Any] = {"spec": {"a": 1, "b": [1, 2], "c": 3}, "status": {"x": 1}}

    mark_secrets(outputs, {"spec": {"a": Secret(1), "b": [Secret(1), 2], "d": Secret(4)}})

    assert {"spec": {"a": Secret(1), "b": Secret([1, 2]), "c": 3}, "status": {"x": 1}} == outputs


def test_a_state_gives_back_what_it_was_made_of() -> None:
    """Inputs and live object, revealed; the originals stay unmarked."""
    inputs: dict[str, Any] = {"kind": "Secret", "data": {"token": "x"}}
    live: dict[str, Any] = {"kind": "Secret", "data": {"token": "x"}, "type": "Opaque"}

    state = checkpoint(
        inputs, live, secrets_of=inputs, initial_api_version="v1", field_manager="me"
    )

    assert Secret({"token": "x"}) == state["__inputs"]["data"]
    assert (inputs, live) == read_checkpoint(state)
    assert {"token": "x"} == inputs["data"] == live["data"]


@pytest.mark.parametrize(
    ("inputs", "environment", "expected"),
    [
        ({}, {}, False),
        ({"upsertExistingObjects": "true"}, {}, True),
        ({"upsertExistingObjects": True}, {}, True),
        ({}, {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true"}, True),
        (
            {"upsertExistingObjects": "false"},
            {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true"},
            False,
        ),
    ],
)
def test_a_provider_argument_beats_its_environment_variable(
    inputs: dict[str, Any], environment: dict[str, str], expected: bool
) -> None:
    """Upserting is off unless one of the two asks for it."""
    settings = read_settings(inputs, environment)

    assert Settings(upsert_existing_objects=expected) == settings


@pytest.mark.parametrize(
    ("inputs", "environment"),
    [
        ({"enableServerSideApply": "false"}, {}),
        ({"renderYamlToDirectory": "out"}, {}),
        ({"enableSecretMutable": "true"}, {}),
        ({}, {"PULUMI_K8S_ENABLE_SECRET_MUTABLE": "true"}),
        ({}, {"PULUMI_K8S_AWAIT_ALL": "true"}),
    ],
)
def test_what_only_the_official_plugin_can_do_is_refused(
    inputs: dict[str, Any], environment: dict[str, str]
) -> None:
    """A setting that would be ignored here is an error that says so."""
    with pytest.raises(UnsupportedError, match=r"^stand-in: .* is not supported$"):
        read_settings(inputs, environment)
