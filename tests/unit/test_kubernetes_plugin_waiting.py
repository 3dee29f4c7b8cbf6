"""What the stand-in for pulumi-kubernetes waits for."""

import json
from typing import Any

import pytest

from sandbox.plugins.errors import PluginError
from sandbox.plugins.kubernetes.waiting import (
    StatusCondition,
    parse_expression,
    timeout_of,
    wait_for,
)


def receiver(**status: Any) -> dict[str, Any]:
    """A Receiver of the second generation with this status."""
    return {"kind": "Receiver", "metadata": {"name": "app", "generation": 2}, "status": status}


def ready(status: str = "True", **more: Any) -> list[dict[str, Any]]:
    """Conditions with one entry of type Ready."""
    return [{"type": "Reconciling", "status": "True"}, {"type": "Ready", "status": status, **more}]


DECIDED = "jsonpath={.status.conditions[?@.type=='Stalled' || @.type=='Ready' && @.status=='True']}"


def annotated(annotation: str) -> dict[str, Any]:
    """An object that says what to wait for."""
    return {"metadata": {"annotations": {"pulumi.com/waitFor": annotation}}}


@pytest.mark.parametrize(
    ("expression", "obj", "expected"),
    [
        pytest.param("jsonpath={.status.webhookPath}", receiver(webhookPath="/x"), True, id="path"),
        pytest.param("jsonpath={.status.webhookPath}", receiver(), False, id="no path"),
        pytest.param("jsonpath={ $.status.a }=b", receiver(a="b"), True, id="with a value"),
        pytest.param("jsonpath={.status.a}=b", receiver(a="c"), False, id="another value"),
        pytest.param("jsonpath={.status.a}=1", receiver(a=1), True, id="a number"),
        pytest.param("jsonpath={.status.a}=true", receiver(a=True), True, id="a boolean"),
        pytest.param("jsonpath={.status.a}", receiver(a={}), True, id="anything at all"),
        pytest.param(
            'jsonpath={.status.conditions[?(@.type=="Ready")].status}=True',
            receiver(conditions=ready()),
            True,
            id="a filter",
        ),
        pytest.param(
            "jsonpath={.status.webhookPath}",
            receiver(webhookPath="/old", observedGeneration=1),
            False,
            id="path of an older generation",
        ),
        pytest.param(
            "jsonpath={.status.webhookPath}",
            receiver(webhookPath="/new", observedGeneration=2),
            True,
            id="path of this generation",
        ),
        pytest.param(DECIDED, receiver(conditions=ready()), True, id="decided for it"),
        pytest.param(
            DECIDED,
            receiver(conditions=[*ready("False"), {"type": "Stalled", "status": "True"}]),
            True,
            id="decided against it",
        ),
        pytest.param(DECIDED, receiver(conditions=ready("False")), False, id="not decided"),
        pytest.param("condition=Ready", receiver(conditions=ready()), True, id="condition"),
        pytest.param("condition=ready", receiver(conditions=ready("true")), True, id="any case"),
        pytest.param("condition=Ready", receiver(conditions=ready("False")), False, id="not true"),
        pytest.param(
            "condition=Ready=False", receiver(conditions=ready("False")), True, id="false"
        ),
        pytest.param("condition=Ready", receiver(), False, id="no conditions"),
        pytest.param(
            "condition=Ready",
            receiver(conditions=ready(observedGeneration=2), observedGeneration=-1),
            True,
            id="a condition's own generation counts",
        ),
        pytest.param(
            "condition=Ready",
            receiver(conditions=ready(), observedGeneration=1),
            False,
            id="an older generation",
        ),
    ],
)
def test_a_condition_holds_for_the_current_generation(
    expression: str, obj: dict[str, Any], expected: bool
) -> None:
    """Each form says when it is satisfied; what was observed earlier does not count."""
    assert expected is parse_expression(expression).holds(obj)


def test_an_array_asks_for_all_of_its_conditions() -> None:
    """A JSON array of expressions gives one condition each, anything else a single one."""
    both = wait_for(annotated(json.dumps(["condition=Ready", "condition=Stalled=False"])))

    assert [StatusCondition("Ready"), StatusCondition("Stalled", "False")] == both
    assert [StatusCondition("Ready")] == wait_for(annotated("condition=Ready"))


def test_without_the_annotation_there_is_nothing_to_wait_for() -> None:
    """Custom resources are not waited for by themselves."""
    assert [] == wait_for({"metadata": {"annotations": {"other": "condition=Ready"}}})


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ("[]", "at least one condition must be specified"),
        ("Ready", 'expected a "jsonpath=" or "condition=" prefix, got "Ready"'),
        ("jsonpath=.a", ".a should be wrapped in brackets { ... }"),
        ("jsonpath='{.a}'", "'{.a}' should omit shell quotes"),
        ("jsonpath={.a}=", "{.a}= requires a value"),
        (
            "jsonpath={.a}=b=c",
            'format should be {.path}=value or {.path}, got "{.a}=b=c"',
        ),
        (
            "jsonpath={.a[?@.b && @.c && @.d]}",
            "parsing \"{.a[?@.b && @.c && @.d]}\": jsonpath: unexpected '&'",
        ),
    ],
)
def test_a_wait_that_cannot_be_read_says_why(annotation: str, message: str) -> None:
    """A malformed annotation is an error, not a wait for nothing."""
    with pytest.raises(PluginError) as raised:
        wait_for(annotated(annotation))

    assert message == str(raised.value)


def test_a_path_to_an_object_cannot_be_compared() -> None:
    """A value is compared with something that has a spelling."""
    with pytest.raises(PluginError) as raised:
        parse_expression("jsonpath={.status.a}=b").holds(receiver(a={"c": [True, None], "b": 1}))

    assert '"{.status.a}" has a non-primitive value (map[b:1 c:[true <nil>]])' == str(raised.value)


@pytest.mark.parametrize(
    ("annotation", "custom", "expected"),
    [("6", 0.0, 6.0), ("6", 30.0, 30.0), ("soon", 0.0, 600.0), (None, 0.0, 600.0)],
)
def test_the_resource_option_beats_the_annotation_beats_ten_minutes(
    annotation: str | None, custom: float, expected: float
) -> None:
    """`custom_timeouts`, then `pulumi.com/timeoutSeconds`, then the default."""
    annotations = {} if annotation is None else {"pulumi.com/timeoutSeconds": annotation}

    assert expected == timeout_of({"metadata": {"annotations": annotations}}, custom)
