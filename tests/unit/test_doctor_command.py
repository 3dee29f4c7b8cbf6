"""`fluxhooks doctor`: what is asked of whom, what it prints, and how it ends."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fluxhooks.cli.app import main
from fluxhooks.observe.doctor.diagnosis import Chain, Diagnosis, Examined, Finding, State, Sure
from fluxhooks.observe.doctor.faults import LINKS, Fault
from fluxhooks.observe.doctor.subjects import OfCluster, OfStack
from fluxhooks.observe.state import Scope, parse
from fluxhooks.operate.stack import PulumiStack

STATE = parse((Path(__file__).parent.parent / "golden" / "interrupted-stack.json").read_text())

COMMAND = sys.modules["fluxhooks.cli.doctor"]

REDIRECT = Finding(
    fault=Fault.REDIRECT,
    where="https://flux.example.com",
    wrong="flux.example.com: something in front redirects.",
    evidence=("a GET: 301, a redirect to https://x.example.com/hook/" + "0" * 64, "delivery 7"),
    cure="Nothing may redirect: `kubectl get ingress,httproute --all-namespaces -o yaml "
    "--show-managed-fields=false` shows the rules.",
    sure=Sure.LIKELY,
)
EXPIRES = Finding(
    fault=Fault.CERTIFICATE_EXPIRES,
    where="https://flux.example.com",
    wrong="The certificate expires in 3 days.",
    evidence=("valid until then",),
    cure="See why it was not renewed.",
)


def chain(name: str, *findings: Finding, **states: State) -> Chain:
    """Return a chain that is fine, but for its findings and the links of which a state is given."""
    links = []
    broken = False
    for link in LINKS:
        mine = tuple(found for found in findings if found.fault.link is link)
        state = State.NOT_REACHED if broken else states.get(link, State.OK)
        if mine:
            broken = broken or any(found.fault.breaks for found in mine)
            state = State.BROKEN if broken else State.WARNING
        seen = f"{link} is fine" if state is State.OK else ""
        seen = "nobody asked" if state is State.UNSEEN else seen
        links.append(Examined(link=link, state=state, seen=seen, findings=mine))
    return Chain(name=name, links=tuple(links))


class Run:
    """The command, with stack and diagnosis replaced."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.asked: dict[str, Any] = {}
        monkeypatch.setattr(PulumiStack, "export", lambda _: STATE)

    def __call__(
        self, *arguments: str, found: Diagnosis | None = None
    ) -> tuple[int, list[str], str]:
        """Run it; return its exit code, the lines of standard output, and standard error."""

        def diagnose(wanted: object, **given: Any) -> Diagnosis:
            self.asked = {"wanted": wanted, **given}
            return found or Diagnosis(chains=(chain("app"),))

        self._monkeypatch.setattr(COMMAND, "diagnose", diagnose)
        with pytest.raises(SystemExit) as exit_:
            main(("doctor", *arguments))
        shown = self._capsys.readouterr()
        return int(exit_.value.code or 0), shown.out.splitlines(), " ".join(shown.err.split())


@pytest.fixture(name="run")
def _run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(monkeypatch, capsys)


def test_what_is_fine_is_a_line(run: Run) -> None:
    """With what became of its newest delivery, and what was not there or not seen."""
    found = Diagnosis(
        chains=(
            chain("app"),
            chain("by-hand", webhook=State.ABSENT, delivery=State.ABSENT),
            chain("hidden", webhook=State.UNSEEN, delivery=State.UNSEEN),
        )
    )

    assert (
        0,
        [
            "app      ok  delivery is fine",
            "by-hand  ok  there is no webhook, delivery",
            "hidden   ok  not seen: webhook, delivery (nobody asked)",
            "3 of 3 ok",
        ],
        "",
    ) == run("dev", found=found)


def test_what_was_not_seen_is_explained_once(run: Run) -> None:
    """Here, or among what could not be seen at all; without a chain there is nothing to count."""
    hidden = chain("app", webhook=State.UNSEEN)
    ended = run("dev", found=Diagnosis(chains=(hidden,), unseen=("GitHub: nobody asked",)))
    nothing = run("dev", found=Diagnosis(chains=(), unseen=("no Receiver was found",)))

    assert (1, "app  ok  delivery is fine; not seen: webhook") == (ended[0], ended[1][0])
    assert (1, [], "error: no Receiver was found") == nothing


def test_what_is_broken_is_told_link_by_link(run: Run) -> None:
    """In 80 columns, but for commands, which stay in one piece; no path is shown."""
    code, lines, err = run("dev", found=Diagnosis(chains=(chain("app", REDIRECT),)))

    assert (4, "") == (code, err)
    assert [
        "app  broken",
        "  ✓ webhook   webhook is fine",
        "  ✓ delivery  delivery is fine",
        "  ✓ network   network is fine",
        "  ✗ ingress   redirect",
        "      where     https://flux.example.com",
        "      wrong     flux.example.com: something in front redirects.",
        "      evidence  a GET: 301, a redirect to https://x.example.com/hook/***",
        "                delivery 7",
        "      sure      likely",
        "      cure      Nothing may redirect:",
        "                `kubectl get ingress,httproute --all-namespaces -o yaml "
        "--show-managed-fields=false`",
        "                shows the rules.",
        "  - receiver  not reached",
        "  - source    not reached",
        "  - applier   not reached",
        "  - cluster   not reached",
        "",
        "0 of 1 ok; 1 broken",
    ] == lines


def test_what_is_wrong_with_many_is_told_once(run: Run) -> None:
    """A host fails for all that are on it."""
    chains = tuple(chain(f"app-{number}", REDIRECT) for number in range(7))
    code, lines, _ = run("dev", found=Diagnosis(chains=(*chains, chain("well"))))

    assert 4 == code
    assert [
        "well  ok  delivery is fine",
        "",
        "app-0, app-1, app-2, app-3, app-4 and 2 more  broken",
    ] == lines[:3]
    assert "1 of 8 ok; 7 broken" == lines[-1]
    assert 1 == sum("✗" in line for line in lines)


def test_a_warning_is_told_and_is_no_failure(run: Run) -> None:
    """Of a chain that works."""
    code, lines, _ = run("dev", found=Diagnosis(chains=(chain("app", EXPIRES),)))

    assert 0 == code
    assert "app  warning" in lines
    assert "  ! network   certificate-expires" in lines
    assert "1 of 1 ok; 1 with a warning" == lines[-1]


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (Diagnosis(chains=(chain("app"),), unseen=("no token for GitHub",)), 1),
        (Diagnosis(chains=(chain("app", REDIRECT),), unseen=("no token for GitHub",)), 4),
    ],
)
def test_what_could_not_be_seen_is_said(run: Run, found: Diagnosis, code: int) -> None:
    """And is a failure of its own, unless something is known to be broken."""
    ended, _, err = run("dev", found=found)

    assert (code, "error: no token for GitHub") == (ended, err)


def test_for_machines_it_is_one_json_object(run: Run) -> None:
    """With the exit code that people get."""
    found = Diagnosis(chains=(chain("app", REDIRECT),))
    code, lines, _ = run("dev", "--json", found=found)
    (line,) = lines
    told = json.loads(line)

    assert 4 == code
    assert "redirect" == told["chains"][0]["first"]["fault"]
    assert "/hook/***" in told["chains"][0]["first"]["evidence"][0]


def test_a_stack_is_looked_at_as_it_is_declared(run: Run) -> None:
    """With forge, cluster and public URLs."""
    run("dev", "app", "--settle", "0s", "--at-once", "8")
    wanted = run.asked["wanted"]

    assert OfStack(state=STATE, names=("app",)) == wanted
    assert run.asked["cluster"] is not None
    assert run.asked["forges"] is not None
    assert (0, 8, True) == (
        run.asked["settings"].settle_for,
        run.asked["settings"].at_once,
        run.asked["settings"].public,
    )


def test_what_is_not_to_be_looked_at_is_not(run: Run) -> None:
    """Each for itself."""
    run("dev", "--no-forge", "--no-cluster", "--no-public")

    assert None is run.asked["cluster"]
    assert None is run.asked["forges"]
    assert not run.asked["settings"].public


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((), OfCluster()),
        (("-n", "apps", "--host", "x:8443"), OfCluster(namespace="apps", host="x:8443")),
        (("--receiver", "apps/a"), OfCluster(namespace="apps", receiver="apps/a")),
        (
            ("--repository", "acme/app"),
            OfCluster(scope=Scope("github", "repository", "acme/app")),
        ),
        (("--organization", "a"), OfCluster(scope=Scope("github", "organization", "a"))),
        (("--project", "a/b/c"), OfCluster(scope=Scope("gitlab", "project", "a/b/c"))),
        (("--group", "a"), OfCluster(scope=Scope("gitlab", "group", "a"))),
    ],
)
def test_a_cluster_is_looked_at_without_a_stack(
    run: Run, arguments: tuple[str, ...], wanted: OfCluster
) -> None:
    """All of it, or what is named."""
    assert 0 == run("--cluster", *arguments)[0]
    assert wanted == run.asked["wanted"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("dev", "--cluster"), "Invalid value for --cluster: goes without a stack"),
        (("dev", "-n", "x"), "Invalid value for --namespace: goes with --cluster"),
        (("dev", "--receiver", "a/b"), "Invalid value for --receiver: goes with --cluster"),
        (("dev", "--host", "x"), "Invalid value for --host: goes with --cluster"),
        (("dev", "--repository", "a/b"), "Invalid value for --repository: goes with --cluster"),
        (("dev", "--group", "a"), "Invalid value for --group: goes with --cluster"),
        (("--cluster", "--no-cluster"), "Invalid value for --no-cluster: does not go with --clu"),
        (("--cluster", "--host", "https://x"), "Invalid value for --host: is a host"),
        (("--cluster", "--receiver", "a"), "Invalid value for --receiver: is a namespace and a"),
        (("--cluster", "--receiver", "a/b", "-n", "a"), "for --receiver: does not go with --na"),
        (("--cluster", "--repository", "app"), "Invalid value for --repository: is an owner and"),
        (("--cluster", "--project", "a", "--group", "b"), "for --group: is given, and another"),
        (("dev", "other"), "error: NAME: 'other' is no WebhookReceiver of the stack"),
        (("dev", "--limit", "soon"), "Invalid value for --limit"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_asked(
    run: Run, arguments: tuple[str, ...], said: str
) -> None:
    """It names the option, and ends with 2."""
    code, _, err = run(*arguments)

    assert 2 == code
    assert said in err
    assert {} == run.asked
