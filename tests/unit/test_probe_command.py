"""`fluxhooks probe`: what is asked of whom, what it prints, and how it ends."""

import functools
import io
import json
import re
import ssl
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from fluxhooks.cli.app import main
from fluxhooks.errors import ObservationError
from fluxhooks.flux.hook_path import UNKNOWN_PATH, hook_path
from fluxhooks.flux.resource_filter import with_probe
from fluxhooks.observe.cluster import ServedReceiver
from fluxhooks.observe.probing.examination import examine
from fluxhooks.observe.state import parse
from fluxhooks.operate.stack import PulumiStack

STATE = parse((Path(__file__).parent.parent / "golden" / "interrupted-stack.json").read_text())
TOKEN = "a-token-nobody-may-see"
PATH = hook_path(TOKEN, "app", "ns")
URL = f"https://flux.example.com{PATH}"

COMMAND = sys.modules["fluxhooks.cli.probe"]


class Flux:
    """The public host: it knows some paths, and keeps what it was asked."""

    def __init__(self, *paths: str, control: int = 404) -> None:
        self.requests: list[httpx.Request] = []
        self._paths, self._control = paths, control

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.path == UNKNOWN_PATH:
            return httpx.Response(self._control)
        if request.url.path not in self._paths:
            return httpx.Response(404)
        return httpx.Response(200 if request.method == "POST" else 400)


class Cluster:
    """A cluster with two Receivers, the Secret of one of which may not be read."""

    def served(self, namespace: str) -> list[ServedReceiver]:
        given: dict[str, Any] = {"type": "github", "path": PATH, "namespace": "ns"}
        found = [
            ServedReceiver(name="app", secret="app", resource_filter=with_probe(None), **given),
            ServedReceiver(name="other", secret="hidden", **given),
        ]
        return [each for each in found if namespace in ("*", each.namespace)]

    def token(self, namespace: str, secret: str) -> str:
        if secret == "hidden":
            raise ObservationError("the cluster refused Secret ns/hidden: 403 Forbidden")
        return TOKEN


class Run:
    """The command, with the network, the stack and the cluster replaced."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.flux = Flux(PATH)
        monkeypatch.setattr(PulumiStack, "export", lambda _: STATE)
        monkeypatch.setattr("fluxhooks.observe.cluster.connect", self._connect)
        self.connections = 0

    def _connect(self, _: object) -> Cluster:
        self.connections += 1
        return Cluster()

    def __call__(self, *arguments: str, flux: Flux | None = None) -> tuple[int, str, str]:
        """Run it; return its exit code, standard output and standard error."""
        self.flux = flux or Flux(PATH)
        self._monkeypatch.setattr(
            COMMAND,
            "examine",
            functools.partial(
                examine,
                certificates=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
                transport=httpx.MockTransport(self.flux),
            ),
        )
        with pytest.raises(SystemExit) as exit_:
            main(("probe", *arguments))
        shown = self._capsys.readouterr()
        for secret in (TOKEN, PATH.removeprefix("/hook/"), *STATE.secrets):
            assert secret not in shown.out + shown.err
        assert "/hook/" not in shown.out
        return int(exit_.value.code or 0), shown.out, " ".join(shown.err.split())


@pytest.fixture(name="run")
def _run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(monkeypatch, capsys)


def _lines(shown: str) -> list[str]:
    # Times differ, and with them the widths of columns.
    untimed = re.sub(r" \d+ ms", "", shown)
    return [re.sub(r" {2,}", "  ", line).rstrip() for line in untimed.splitlines()]


PATHS = [g.path for r in STATE.receivers.values() for g in r.generations.values()]


def test_a_stack_that_answers_as_it_must(run: Run) -> None:
    """A line for each generation, and the exit code for well."""
    code, out, err = run("dev", flux=Flux(*PATHS))
    host = STATE.receivers["app"].finished_url.split("/")[2]

    assert (0, "") == (code, err)
    assert [
        "RECEIVER  TYPE  HOST  TLS  CONTROL  UNSIGNED  SIGNED",
        *(
            f"{name}  github  {host}  ok  404  400  200"
            for name in ("app 3 retained", "app 2 live", "web 2 live", "web 1 retained")
        ),
        "4 of 4 answer as they must",
    ] == _lines(out)


def test_what_is_wrong_is_said_with_its_cure(run: Run) -> None:
    """Once for all that have it, and with the exit code for it."""
    web = [g.path for g in STATE.receivers["web"].generations.values()]
    code, out, _ = run("dev", "--settle", "0s", flux=Flux(*web))

    assert 4 == code
    assert [
        "app 3 retained, app 2 live: unsigned: 404. No Receiver has this path: it is deleted, or "
        "not reconciled since its token changed, or the host leads to another cluster, or past a "
        "prefix or rewriting.",
        "2 of 4 answer as they must; 2 wrong",
    ] == _lines(out)[-2:]


def test_named_ones_alone_are_asked(run: Run) -> None:
    """By the names that `status` shows; others are wrong usage."""
    code, out, _ = run("dev", "web", "--json", flux=Flux(*PATHS))

    assert 0 == code
    assert ["web 2 live", "web 1 retained"] == [t["name"] for t in json.loads(out)["targets"]]
    code, _, err = run("dev", "nope")
    assert 2 == code
    assert "error: NAME: 'nope' is no WebhookReceiver of the stack dev; it has: app, web" == err
    assert [] == run.flux.requests


def test_a_cluster_is_asked_without_a_stack(run: Run) -> None:
    """What would reconcile is told before; what could not be seen makes it fail."""
    code, out, err = run("--cluster", "--host", "flux.example.com", "--json")
    result = json.loads(out)
    app, other = result["targets"]

    assert (1, False) == (code, result["ok"])
    assert [(True, "ns/app"), (False, "ns/other")] == [(t["ok"], t["name"]) for t in (app, other)]
    assert "the cluster refused Secret ns/hidden: 403 Forbidden" in other["checks"][3]["seen"]
    assert (
        "not sent: signed probe (nothing in its resourceFilter keeps a signed probe from "
        "reconciling): ns/other --deliver sends each a delivery, which reconciles"
    ) == err


def test_no_receiver_is_not_well(run: Run) -> None:
    """A probe that asked nobody proves nothing."""
    code, out, err = run("--cluster", "--host", "flux.example.com", "-n", "empty")

    assert (1, "error: no Receiver was found in empty") == (code, err)
    assert "0 of 0 answer as they must" in out


def test_one_url_with_a_token_from_a_variable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signed probe is sent where the user says that the filter is there."""
    monkeypatch.setenv("HOOK_TOKEN", TOKEN)
    flags = ("--url", URL, "--type", "github", "--token-env", "HOOK_TOKEN")

    code, out, err = run(*flags)
    assert 0 == code
    assert "flux.example.com  github  flux.example.com  ok  404  400  -" == _lines(out)[1]
    assert "not sent: signed probe" in err
    assert ["GET", "GET"] == [request.method for request in run.flux.requests]

    code, out, err = run(*flags, "--filtered")
    assert (0, "") == (code, err)
    assert "flux.example.com  github  flux.example.com  ok  404  400  200" == _lines(out)[1]


def test_one_url_with_a_token_from_standard_input(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the line break that ends it; a delivery is announced, then sent."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{TOKEN}\n"))
    flags = ("--url", URL, "--type", "gitlab", "--token-stdin", "--event", "Tag Push Hook")
    code, out, err = run(*flags, "--deliver")
    sent = run.flux.requests[-1]

    assert 0 == code
    assert err.endswith("reconciled, for --deliver: the targets of flux.example.com")
    assert (TOKEN, "Tag Push Hook", b'{"fluxhooksCatchUp":true}') == (
        sent.headers["x-gitlab-token"],
        sent.headers["x-gitlab-event"],
        sent.content,
    )
    assert "ok  404  400  -  200" in _lines(out)[1]


def test_without_a_token_a_url_is_only_known_to_be_there(run: Run) -> None:
    """What was not proved is not called well."""
    code, _, _ = run("--url", URL, "--type", "github", "--filtered")

    assert 1 == code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("--cluster", "--url", URL), "--url: does not go with --cluster", id="two"),
        pytest.param(("dev", "--cluster"), "--cluster: goes without a stack", id="stack, cluster"),
        pytest.param(("dev", "--url", URL), "--url: goes without a stack", id="stack and URL"),
        pytest.param(("--host", "x"), "--host: goes with --cluster", id="host alone"),
        pytest.param(("-n", "x"), "--namespace: goes with --cluster", id="namespace alone"),
        pytest.param(("--type", "github"), "--type: goes with --url", id="type alone"),
        pytest.param(("--event", "push"), "--event: goes with --url", id="event alone"),
        pytest.param(("--token-env", "X"), "--token-env: goes with --url", id="variable alone"),
        pytest.param(("--token-stdin",), "--token-stdin: goes with --url", id="stdin alone"),
        pytest.param(("--filtered",), "--filtered: goes with --url", id="filtered alone"),
        pytest.param(("--cluster",), "--host: is needed with --cluster", id="no host"),
        pytest.param(
            ("--cluster", "--host", "https://x"), "--host: is a host, with a port", id="a URL"
        ),
        pytest.param(("--cluster", "--host", "me:pw@x"), "--host: is a host", id="a password"),
        pytest.param(("--url", URL), "--type: is needed with --url", id="no type"),
        pytest.param(
            ("--url", f"https://me:pw@x{PATH}", "--type", "github"),
            "--url: is a hook URL, as in https://flux.example.com/hook/",
            id="URL with a password",
        ),
        pytest.param(
            ("--url", URL[:-1], "--type", "github"),
            "--url: has no /hook/ with 64 hexadecimal digits behind it",
            id="URL cut off",
        ),
        pytest.param(
            ("--url", URL, "--type", "github", "--token-env", "NO_SUCH_VARIABLE"),
            "--token-env: names a variable that is not set",
            id="no such variable",
        ),
        pytest.param(
            ("--url", URL, "--type", "github", "--token-env", "X", "--token-stdin"),
            "--token-stdin: does not go with --token-env",
            id="two tokens",
        ),
        pytest.param(("--settle", "soon"), "--settle: 'soon' is not a duration", id="duration"),
    ],
)
def test_wrong_usage_is_said(run: Run, arguments: tuple[str, ...], message: str) -> None:
    """With the exit code for it, and before anything is asked."""
    code, _, err = run(*arguments)

    assert 2 == code
    assert f"Error: Invalid value for {message}" in err
    assert ([], 0) == (run.flux.requests, run.connections)


def test_many_names_are_cut_short() -> None:
    """A host that is down fails for hundreds."""
    names = [str(i) for i in range(9)]

    assert "0, 1, 2, 3, 4 and 4 more" == COMMAND._listed(names)
    assert "0, 1" == COMMAND._listed(names[:2])


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was called to say that all is well."""
    calls: list[str] = []
    monkeypatch.setattr(COMMAND, "beat", lambda url: calls.append(url) or "")
    monkeypatch.setenv("HEARTBEAT", "https://beat.example.com/a-secret")
    return calls


def test_where_all_is_well_somebody_is_told(run: Run, called: list[str]) -> None:
    """Once, and nothing that is printed says where."""
    code, out, err = run("dev", "--heartbeat-env", "HEARTBEAT", flux=Flux(*PATHS))

    assert (0, ["https://beat.example.com/a-secret"]) == (code, called)
    assert "a-secret" not in out + err


@pytest.mark.parametrize("arguments", [("dev",), ("--cluster", "--host", "flux.example.com")])
def test_where_something_is_not_nobody_is(
    run: Run, called: list[str], arguments: tuple[str, ...]
) -> None:
    """An answer is wrong, or a Secret may not be read: it is missed, and whoever waits alerts."""
    flux = Flux(PATH) if "--cluster" in arguments else Flux()
    code, _, _ = run(*arguments, "--heartbeat-env", "HEARTBEAT", flux=flux)

    assert 0 != code
    assert [] == called


def test_a_heartbeat_that_fails_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """All was well, and nobody heard."""
    monkeypatch.setattr(COMMAND, "beat", lambda url: "it was answered 404")
    monkeypatch.setenv("HEARTBEAT", "https://beat.example.com/a-secret")
    code, _, err = run("dev", "--heartbeat-env", "HEARTBEAT", flux=Flux(*PATHS))

    assert 1 == code
    assert "the URL of --heartbeat-env could not be called: it was answered 404" in err
    assert "a-secret" not in err


def test_a_heartbeat_without_a_url_is_wrong_usage(run: Run) -> None:
    """Before anything is asked."""
    code, _, err = run("dev", "--heartbeat-env", "NO_SUCH_VARIABLE")

    assert (2, []) == (code, run.flux.requests)
    assert "--heartbeat-env: names a variable that is not set" in re.sub(r"[\s│]+", " ", err)
