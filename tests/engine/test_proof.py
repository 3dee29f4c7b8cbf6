"""Nothing is repointed before the new generation has proved itself at its public URL."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import trustme

from sandbox.cluster.ports import free_ports
from sandbox.ingress import Ingress
from sandbox.load import Load, Tally
from sandbox.sandbox import Sandbox
from sandbox.stack import Run
from tests.app import App, changes, errors
from tests.sandbox.receiver import Receiver as HttpServer


@pytest.fixture(scope="class")
def other_host(sandbox: Sandbox) -> Iterator[Ingress]:
    """A second way to the Receivers, to be broken while the webhook still uses the first."""
    ca: trustme.CA = sandbox.ingress.ca
    with Ingress(sandbox.cluster.receiver_port, ca=ca) as ingress:
        yield ingress


@dataclass(frozen=True)
class Refused:
    """Three attempts at a rotation that the new host spoils, and the one that succeeds."""

    app: App
    host: str
    runs: dict[str, Run]
    writes: list[str]
    receivers: list[str]
    tally: Tally
    mended: Run
    mended_writes: list[str]


@pytest.fixture(scope="class")
def refused(
    sandbox: Sandbox, make_app: Callable[..., App], other_host: Ingress
) -> Iterator[Refused]:
    app = make_app("refused")
    app.up()
    writes = len(app.writes())
    wrong: dict[str, Any] = {"generation": 2, "host": other_host.host, "verify_timeout": "2s"}
    with (
        HttpServer() as elsewhere,
        Load(sandbox.github, app.name, rate=10, queued=0.0) as load,
    ):
        runs = {}
        other_host.target_port = free_ports(1)[0]
        runs["nothing listens"] = app.up(check=False, **wrong)
        other_host.target_port = elsewhere.server_port
        elsewhere.status = 404
        runs["another application"] = app.up(check=False)
        elsewhere.status, elsewhere.answer_headers = 301, {"Location": elsewhere.url("/login")}
        runs["a redirect"] = app.up(check=False)
    refused_writes, receivers = app.writes()[writes:], app.receivers()
    other_host.target_port = sandbox.cluster.receiver_port
    mended = app.up()
    return Refused(
        app,
        other_host.host,
        runs,
        refused_writes,
        receivers,
        load.tally,
        mended,
        app.writes()[writes:],
    )


class TestAGenerationThatDoesNotProveItself:
    @pytest.mark.parametrize(
        ("case", "answer", "cure"),
        [
            pytest.param(
                "nothing listens",
                "502",
                "Look at what answers on the host: it must be the Service webhook-receiver.",
                id="nothing-listens",
            ),
            pytest.param(
                "another application",
                "404",
                "No Receiver has this path there: does the host lead to this cluster's Service "
                "webhook-receiver, without a prefix or rewriting?",
                id="another-application",
            ),
            pytest.param(
                "a redirect",
                "301 (a redirect to http://127.0.0.1:{port}/login)",
                "Look at what answers on the host: it must be the Service webhook-receiver.",
                id="a-redirect",
            ),
        ],
    )
    def test_the_run_fails_and_says_what_answered_and_what_to_look_at(
        self, refused: Refused, case: str, answer: str, cure: str
    ) -> None:
        """One message, without the path: what answered, what still works, what to do."""
        run = refused.runs[case]
        port = run.output.partition("redirect to http://127.0.0.1:")[2].partition("/")[0]
        expected = (
            f"refused: generation 2 did not prove itself. https://{refused.host}/hook/*** "
            f"answered the signed probe with {answer.format(port=port)} instead of 200, within "
            "2 s. The webhook still points at the generation before and nothing was lost. "
            f"{cure} Then run pulumi up again; FLUXHOOKS_VERIFY=off skips the probe for one run, "
            "where this machine cannot reach the host."
        )
        assert (True, [expected]) == (run.returncode != 0, errors(run))

    def test_the_forge_is_not_touched_and_both_generations_stay(self, refused: Refused) -> None:
        """The webhook still points at the generation before."""
        assert ([], ["refused-g1", "refused-g2"]) == (refused.writes, refused.receivers)

    def test_deliveries_are_answered_all_the_while(self, refused: Refused) -> None:
        """A failed rotation costs nothing."""
        assert (0, True) == (refused.tally.lost, refused.tally.sent > 50), str(refused.tally)

    def test_when_the_host_is_mended_the_next_up_finishes(self, refused: Refused) -> None:
        """The generation that was made is used, not made again."""
        assert [
            "update RepositoryWebhook refused-webhook",
            "delete Receiver refused-g1",
            "delete Secret refused-g1-token",
            "delete RandomPassword refused-g1-token",
        ] == changes(refused.mended)
        assert ["PATCH"] == refused.mended_writes


class ProbeOnly(HttpServer):
    """Answers the signed probe 200 and everything else 500."""

    @property
    def status(self) -> int:
        return 200 if b"fluxhooksProbe" in self.received[-1].body else 500

    @status.setter
    def status(self, _: int) -> None:
        pass


def test_when_the_catch_up_fails_nothing_is_deleted_and_the_next_up_finishes(
    sandbox: Sandbox, make_app: Callable[..., App], other_host: Ingress
) -> None:
    """What was queued for the old URL must be made up for before the old URL goes."""
    app = make_app("uncaught")
    app.up()
    with ProbeOnly() as spoiler:
        other_host.target_port = spoiler.server_port
        failed = app.up(check=False, generation=2, host=other_host.host)
    expected = (
        "uncaught: the webhook points at generation 2, but the delivery that catches up for "
        "queued ones got 500 instead of 200; nothing was deleted, run pulumi up again"
    )
    assert (True, [expected]) == (failed.returncode != 0, errors(failed))
    assert ["uncaught-g1", "uncaught-g2"] == app.receivers()

    other_host.target_port = sandbox.cluster.receiver_port
    with app.watched() as reconciled:
        mended = app.up()
    assert [
        "delete Receiver uncaught-g1",
        "delete Secret uncaught-g1-token",
        "delete RandomPassword uncaught-g1-token",
    ] == changes(mended)
    assert 1 == len(reconciled)


def test_the_environment_switches_the_proof_off_for_one_run(
    sandbox: Sandbox, make_app: Callable[..., App], other_host: Ingress
) -> None:
    """An outage of the host cannot block the very `up` that cures it."""
    app = make_app("unproved")
    app.up()
    other_host.target_port = free_ports(1)[0]
    app.stack.environment["FLUXHOOKS_VERIFY"] = "off"
    run = app.up(generation=2, host=other_host.host)
    other_host.target_port = sandbox.cluster.receiver_port
    warning = (
        "unproved: the webhook points at generation 2, but the delivery that catches up for "
        "queued ones got 502 instead of 200; it is not repeated, as verify is off"
    )
    assert ["warning"] == [severity for severity, text in run.diagnostics if text == warning]
    assert ["unproved-g2"] == app.receivers()


def test_a_first_creation_needs_no_reachable_host(make_app: Callable[..., App]) -> None:
    """DNS and certificate may come later: there is nothing yet that could be lost."""
    app = make_app("early")
    started = time.monotonic()
    run = app.up(host="flux.invalid")
    assert (0, []) == (run.returncode, run.diagnostics)
    assert time.monotonic() - started < 60
    assert ["early-g1"] == app.receivers()
