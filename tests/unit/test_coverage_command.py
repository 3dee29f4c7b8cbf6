"""`fluxhooks coverage`: what it prints, and how it ends."""

import dataclasses
import datetime
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from fluxhooks import ObservationError
from fluxhooks.cli import coverage as command
from fluxhooks.cli.app import main
from fluxhooks.observe.configuration import Configuration
from fluxhooks.observe.forges import Forges, SeenWebhook
from fluxhooks.observe.listing import Listing, Receiver, Source, Target
from fluxhooks.observe.state import DeclaredWebhook, StackState, parse
from tests.leaks import Leaks

PATH = "/hook/" + "a" * 64
STATE = parse((Path(__file__).parent.parent / "golden" / "interrupted-stack.json").read_text())

APP = Source(
    kind="GitRepository",
    namespace="flux-system",
    name="app",
    interval="30m",
    url="https://github.com/acme/app",
)
CHARTS = Source(kind="HelmRepository", namespace="flux-system", name="charts", type="oci")
TO_APP = Receiver(
    namespace="flux-system",
    name="app",
    targets=(Target(kind="GitRepository", name="app"),),
    path=PATH,
    secret="token",
)


class Cluster:
    """A cluster that has what is given, and Secrets that are a hundred days old."""

    def __init__(self, listing: Listing, *, uid: str) -> None:
        self._listing = listing
        self._uid = uid

    def uid(self) -> str:
        return self._uid

    def sources_and_receivers(self) -> Listing:
        return self._listing

    def with_secrets(
        self, receivers: Iterable[Receiver]
    ) -> tuple[tuple[Receiver, ...], tuple[str, ...]]:
        made = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=100, hours=1)
        return tuple(dataclasses.replace(one, secret_created_at=made) for one in receivers), ()


class Forge:
    """A forge where every webhook is as it was declared."""

    def webhooks(self, declared: DeclaredWebhook) -> list[SeenWebhook]:
        return [SeenWebhook(scope=declared.scope, id=declared.id, url=declared.url)]


class Stack:
    """A stack in a golden state, for another cluster than the one at hand where that is given."""

    cluster = ""

    def __init__(self, directory: Path, name: str) -> None:
        self.name = name

    def export(self) -> StackState:
        return STATE

    def configuration(self, stack: str) -> Configuration:
        return Configuration(cluster=self.cluster)


@dataclasses.dataclass(frozen=True)
class Done:
    """What a run left."""

    code: int
    shown: str
    said: str


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command on a cluster with what is given; no path may be in what it prints."""

    def command_on(
        *arguments: str, found: tuple[Source | Receiver, ...] = (), forge: bool = True, **more: Any
    ) -> Done:
        listing = Listing(
            sources=tuple(one for one in found if isinstance(one, Source)),
            receivers=tuple(one for one in found if isinstance(one, Receiver)),
            **more,
        )
        monkeypatch.setattr(
            command.cluster, "connect", lambda providers: Cluster(listing, uid="uid")
        )

        class OneForge(Forges):
            def of(self, declared: DeclaredWebhook) -> Any:
                if not forge:
                    raise ObservationError("no token for GitHub")
                return Forge()

        monkeypatch.setattr(command, "Forges", OneForge)
        monkeypatch.setattr(command, "PulumiStack", Stack)
        with pytest.raises(SystemExit) as ended:
            main(("coverage", *arguments))
        printed = capsys.readouterr()
        leaks = Leaks()
        leaks.know_path(PATH)
        for webhook in STATE.webhooks:
            leaks.know_path(webhook.path)
        leaks.read("the output", printed.out + printed.err)
        assert [] == leaks.found()
        return Done(int(ended.value.code or 0), printed.out, printed.err)

    return command_on


def test_all_covered_is_one_line_and_no_error(run: Run) -> None:
    """What needs no webhook is told with the reason, and where Flux has it."""
    assert Done(
        0,
        "no webhook needed: HelmRepository flux-system/charts is of the type oci: it holds an "
        "address, and nothing is fetched (source-controller "
        "internal/controller/helmrepository_controller.go, migrationToStatic)\n"
        "sources: 1 covered, 0 uncovered, 1 without need\n",
        "",
    ) == run(found=(APP, CHARTS, TO_APP))


def test_gaps_are_a_table_and_an_exit_code(run: Run) -> None:
    """With their cost, and where to read on."""
    done = run(found=(APP, Receiver(namespace="flux-system", name="idle", suspended=True)))
    lines = [" ".join(line.split()) for line in done.shown.splitlines()]

    assert 4 == done.code
    assert [
        "WHERE WHAT",
        "gap GitRepository flux-system/app no Receiver reaches it; it asks 48 times a day",
        "gap Receiver flux-system/idle is suspended: it takes no delivery",
        "sources: 0 covered, 1 uncovered (asking 48 times a day), 0 without need",
    ] == lines
    assert done.said == "fluxhooks coverage --suggest prints the program that would cover them\n"


def test_warnings_count_where_asked(run: Run) -> None:
    """Thresholds are options."""
    found = (APP, TO_APP)

    assert 0 == run("--min-beside", "1h", found=found).code
    assert 4 == run("--min-beside", "1h", "--strict", found=found).code
    assert 0 == run("--strict", found=found).code


def test_old_secrets_are_gaps_where_asked(run: Run) -> None:
    """Otherwise no Secret is asked for."""
    assert 0 == run("--older-than", "101d", found=(APP, TO_APP)).code
    old = run("--older-than", "100d", found=(APP, TO_APP))
    assert 4 == old.code
    assert "its Secret is 100 days old" in old.shown


def test_what_may_not_be_seen_is_an_exit_code_and_what_is_not_there_none(run: Run) -> None:
    """A cluster without image automation is whole."""
    refused = "the cluster refused the Bucket objects: 403 Forbidden"
    hidden = run(found=(APP, TO_APP), unseen={"Bucket": refused})

    assert (1, f"error: {refused}\n") == (hidden.code, hidden.said)
    whole = run(found=(APP, TO_APP), not_served=frozenset({"ImageRepository"}))
    assert 0 == whole.code
    assert "not in the cluster: ImageRepository\n" in whole.shown


def test_a_program_is_all_that_is_printed_where_one_is_asked_for(run: Run) -> None:
    """It can be written to a file; an idle Receiver is no reason for another one."""
    idle = dataclasses.replace(
        TO_APP, targets=(Target(kind="GitRepository", name="web"),), suspended=True
    )
    done = run("--suggest", found=(APP, dataclasses.replace(APP, name="web"), idle))

    compile(done.shown, "suggested.py", "exec")
    assert (4, "", 1) == (done.code, done.said, done.shown.count('"kind": "GitRepository"'))
    assert '"name": "web"' not in done.shown


def test_the_same_for_machines(run: Run) -> None:
    """One object, with the program where it is asked for."""
    result = json.loads(run("--json", "--suggest", found=(APP,)).shown)

    assert {
        "covered": 0,
        "uncovered": 1,
        "apart": 0,
        "unknown": 0,
        "uncovered_requests_a_day": 48.0,
    } == result["summary"]
    assert [
        {
            "severity": "gap",
            "kind": "uncovered",
            "where": "GitRepository flux-system/app",
            "text": "no Receiver reaches it; it asks 48 times a day",
        }
    ] == result["findings"]
    assert result["suggestion"].startswith('"""WebhookReceivers for what no Receiver reaches')


def test_a_stacks_webhooks_are_held_against_the_receivers(run: Run) -> None:
    """Their paths are in the state; here no Receiver of the cluster serves them."""
    done = run("dev", "--json", found=(APP, TO_APP))
    kinds = {finding["kind"] for finding in json.loads(done.shown)["findings"]}

    assert (4, {"unreceived"}) == (done.code, kinds)


def test_a_stacks_host_is_that_of_the_program(run: Run) -> None:
    """Without a stack it is one to be replaced."""
    host = next(webhook.host for webhook in STATE.webhooks if webhook.host)

    assert f'HOST = "{host}"' in run("dev", "--suggest", found=(APP,)).shown
    assert 'HOST = "flux.example.com"' in run("--suggest", found=(APP,)).shown


def test_a_forge_that_cannot_be_asked_is_said_and_the_cluster_is_told_of(run: Run) -> None:
    """Nothing is claimed of webhooks then."""
    done = run("dev", found=(APP, TO_APP), forge=False)

    assert (1, "error: no token for GitHub\n") == (done.code, done.said)
    assert done.shown.startswith("sources: 1 covered")


def test_a_stack_of_another_cluster_is_not_held_against_this_one(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All its webhooks would seem to be lost."""
    monkeypatch.setattr(Stack, "cluster", "another")
    done = run("dev", found=(APP, TO_APP))

    assert (1, "error: the cluster at hand (uid) is not the stack's (another)\n") == (
        done.code,
        done.said,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--min-beside", "often"),
            "Invalid value for --min-beside: 'often' is not a duration such as '30s'",
        ),
        (
            ("--older-than", "3m"),
            "--older-than: '3m' is not a period; use days or weeks, as in '90d' or '12w'",
        ),
    ],
)
def test_wrong_thresholds_are_wrong_usage(
    run: Run, arguments: tuple[str, ...], message: str
) -> None:
    """Before anything is asked."""
    done = run(*arguments)

    assert 2 == done.code
    assert message in " ".join(done.said.split())
