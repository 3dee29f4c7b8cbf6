"""An update that goes on after an error must not delete what is still live."""

from collections.abc import Callable

from sandbox.sandbox import Sandbox
from tests.app import App, changes, errors
from tests.faults.table import Row, Section, told

PROGRAM = """\
import json
import os
from pathlib import Path

import pulumi

from fluxhooks import WebhookReceiver


def impatient(args):
    if args.type_.endswith(":Receiver") and "RECEIVER_TIMEOUT" in os.environ:
        timeout = os.environ["RECEIVER_TIMEOUT"]
        args.opts.custom_timeouts = pulumi.CustomTimeouts(create=timeout, update=timeout)
    return pulumi.ResourceTransformationResult(args.props, args.opts)


name, args = json.loads(Path("args.json").read_text())
WebhookReceiver(name, args, pulumi.ResourceOptions(transformations=[impatient]))
"""


def test_with_continue_on_error_a_receiver_that_never_gets_ready_fails_the_program(
    sandbox: Sandbox, make_app: Callable[..., App], row: Row
) -> None:
    """The engine would go on to the deletes: outputs that stay unknown have to stop it."""
    app = make_app("incomplete", program=PROGRAM)
    app.up()
    live = app.hook()
    sandbox.cluster.stop("notification-controller")
    try:
        app.stack.environment["RECEIVER_TIMEOUT"] = "4s"
        failed = app.up("--continue-on-error", check=False, generation=2)
    finally:
        del app.stack.environment["RECEIVER_TIMEOUT"]
        sandbox.cluster.start("notification-controller")
    assert failed.returncode != 0
    assert [change for change in changes(failed) if change.startswith("delete")] == []
    assert (app.hook().url, app.probe(live)) == (live.url, 200)

    finished = app.up()
    assert app.receivers() == ["incomplete-g2"]
    assert app.probe(app.hook()) == 200
    row(
        Section.OPTIONS,
        "`--continue-on-error`, and the Receiver does not become Ready",
        "failed; nothing was deleted; the webhook called the old generation",
        told(finished),
    )


def test_with_continue_on_error_a_webhook_that_the_forge_refuses_fails_the_program(
    sandbox: Sandbox, make_app: Callable[..., App], row: Row
) -> None:
    """The message says that nothing may be deleted, and what to do."""
    app = make_app("unwanted")
    app.up()
    live = app.hook()
    sandbox.github.faults.respond(422, method="PATCH", times=None)
    try:
        failed = app.up("--continue-on-error", check=False, generation=2)
    finally:
        sandbox.github.faults.clear()
    expected = (
        "unwanted: Receiver or webhook could not be updated, so generation 2 is not proved live "
        "and nothing of it or of older ones may be deleted; mend what failed above and run pulumi "
        "up again"
    )
    assert failed.returncode != 0
    assert expected in errors(failed)
    assert [change for change in changes(failed) if change.startswith("delete")] == []
    assert (app.hook().url, app.probe(live)) == (live.url, 200)

    finished = app.up()
    drained = "unwanted: the webhook points at generation 2; older ones answer for 1 s more"
    assert finished.diagnostics == [("info", drained)]
    assert app.receivers() == ["unwanted-g2"]
    assert app.probe(app.hook()) == 200
    row(
        Section.OPTIONS,
        "`--continue-on-error`, and the forge refuses the new URL",
        "failed; nothing was deleted; the webhook called the old generation",
        told(finished),
    )
