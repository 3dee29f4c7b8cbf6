"""A Receiver that the controller refuses ends an update at once, in the controller's own words."""

from collections.abc import Callable
from typing import Any

from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Secret

from sandbox.sandbox import Sandbox
from sandbox.stack import Run, Step
from tests.app import App, Receiver, changes, errors, eventually


def refusal(run: Run) -> str:
    """The one error of a run."""
    (error,) = errors(run)
    return error


def test_a_filter_that_is_no_cel_fails_the_first_update_within_seconds(
    make_app: Callable[..., App],
) -> None:
    """The plugin would wait for Ready to the end of its time, and then not say why it is not."""
    app = make_app("unparsed")
    failed = app.up(check=False, resource_filter="req.ref.matches('(')")
    again = app.up(check=False)
    assert failed.returncode != 0
    assert "(unparsed-g1) will never be Ready; its controller says InvalidCELEx" in refusal(failed)
    assert "invalid resourceFilter expression" in refusal(failed)
    assert refusal(failed) == refusal(again)
    assert [] == app.sandbox.github.hooks("unparsed")

    mended = app.up(resource_filter="has(req.ref)")
    assert ["update Receiver unparsed-g1", "create RepositoryWebhook unparsed-webhook"] == changes(
        mended
    )
    assert 200 == app.probe(app.hook())


def test_a_filter_that_is_no_cel_never_goes_live_with_the_next_generation(
    make_app: Callable[..., App],
) -> None:
    """The one before is not declared any more, so that nothing of it is changed."""
    app = make_app("refiltered")
    app.up()
    live = app.hook()
    failed = app.up(check=False, generation=2, resource_filter="req.ref.matches('(')")
    assert "(refiltered-g2) will never be Ready; its controller says" in refusal(failed)
    assert (live, 200) == (app.hook(), app.probe(live))

    app.up(resource_filter="has(req.ref)")
    assert ["refiltered-g2"] == app.receivers()
    assert 200 == app.probe(app.hook())


def test_what_the_controller_tries_again_fails_no_rotation(
    sandbox: Sandbox, make_app: Callable[..., App]
) -> None:
    """A controller that is away, and a Secret that it does not find at once, are waited for."""
    app = make_app("patient")
    app.up()
    second: dict[str, Any] = {"fluxhooks/component": "patient", "fluxhooks/generation": "2"}
    seen: list[str] = []

    def reason() -> str:
        for found in app.client.list(Receiver, labels=second):
            for condition in (found.status or {}).get("conditions", ()):
                if condition["type"] == "Ready":
                    return str(condition["reason"])
        return ""

    def hide_the_secret(step: Step) -> None:
        if str(step) != "create Secret patient-g2-token":
            return
        (made,) = app.client.list(Secret, labels=second)
        name = str(made.metadata.name) if made.metadata else ""
        app.client.delete(Secret, name)
        sandbox.cluster.start("notification-controller")
        eventually(lambda: reason() == "TokenNotFound")
        seen.append(reason())
        metadata = ObjectMeta(name=name, labels=made.metadata.labels if made.metadata else {})
        app.client.create(Secret(metadata=metadata, data=made.data, immutable=True))

    sandbox.cluster.stop("notification-controller")
    try:
        rotated = app.up(generation=2, on_step=hide_the_secret)
    finally:
        if "notification-controller" not in sandbox.cluster.pids:
            sandbox.cluster.start("notification-controller")
    assert ["TokenNotFound"] == seen
    assert [] == errors(rotated)
    assert ["patient-g2"] == app.receivers()
    assert 200 == app.probe(app.hook())
