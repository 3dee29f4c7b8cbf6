"""What the documentation shows of `fluxhooks doctor`: the command itself, on a chain that breaks.

Each text must stand on the page; with ``--write-matrix`` those of the run take its place. What
differs from run to run is written as it could be: hosts, IDs, commits and ages.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.sandbox import Sandbox
from tests.leaks import Leaks
from tests.matrix.chain import Chain, started
from tests.matrix.looking import reader_kubeconfig

PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"

# Its namespace and repository; on the page it is another word of as many letters.
NAME, SHOWN = "recorded", "shopping"

BANNER = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: banner, namespace: {}}}
"""


def well(chain: Chain) -> None:
    """Leave it whole."""


def to_the_events_port(chain: Chain) -> None:
    """Lead the ingress to the other Service of notification-controller, and push."""
    # It limits how often the same is told: what other tests sent there is forgotten so.
    chain.sandbox.cluster.restart("notification-controller")
    chain.ingress.target_port = chain.sandbox.cluster.events_port
    chain.push()
    assert 202 == chain.deliveries()[-1].status_code


def with_another_secret(chain: Chain) -> None:
    """Change the secret at the forge, and push."""
    chain.webhook.edit(secret="changed-at-the-forge")
    chain.known_tokens.append("changed-at-the-forge")
    chain.push()


def into_no_namespace(chain: Chain) -> None:
    """Push an object whose namespace nobody makes."""
    chain.push({"deploy/banner.yaml": BANNER.format("seasonal")})
    chain.await_fetched()
    chain.await_condition("Kustomization")


RECORDINGS = [
    pytest.param("Nothing is wrong", well, 0, id="well"),
    pytest.param(
        "The forge shows green ticks, and nothing happens", to_the_events_port, 4, id="green"
    ),
    pytest.param("The forge shows 400, and nobody says why", with_another_secret, 4, id="400"),
    pytest.param(
        "The push arrives, and the cluster refuses it", into_no_namespace, 4, id="refused"
    ),
]


@pytest.fixture(scope="module")
def chain(sandbox: Sandbox) -> Iterator[Chain]:
    """A chain that is whole, with an ingress of its own."""
    for controller in ("kustomize-controller", "helm-controller"):
        sandbox.cluster.add_controller(controller)
    with started(Chain(sandbox, NAME, own_ingress=True)) as chain:
        yield chain


@pytest.fixture
def mended(chain: Chain) -> Iterator[Chain]:
    """The chain, which is whole again when the test is over."""
    yield chain
    chain.ingress.target_port = chain.sandbox.cluster.receiver_port
    chain.webhook.edit(secret=chain.token)
    chain.push({**chain.content(), "deploy/banner.yaml": BANNER.format(NAME)})
    chain.await_applied()


@pytest.mark.parametrize(("title", "breaks", "code"), RECORDINGS)
def test_the_page_shows_what_the_command_says(
    mended: Chain,
    title: str,
    breaks: Callable[[Chain], None],
    code: int,
    pytestconfig: pytest.Config,
) -> None:
    """Read by somebody with a silent chain; run with the rights that the page asks for."""
    breaks(mended)
    done = _run(mended)
    said = _as_shown(done.stdout, mended)

    assert (code, "") == (done.returncode, done.stderr)
    if pytestconfig.getoption("--write-matrix"):
        _write(title, said)
    assert said.split() == _recorded(title).split(), "make matrix-faults writes it"


def _run(chain: Chain) -> "subprocess.CompletedProcess[str]":
    sandbox = chain.sandbox
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("fluxhooks")),
            *("doctor", "--cluster", "--namespace", chain.name, "--settle", "0s"),
        ],
        env={
            **os.environ,
            "KUBECONFIG": str(reader_kubeconfig(sandbox)),
            "SSL_CERT_FILE": str(sandbox.ingress.ca_file),
            "GITHUB_BASE_URL": sandbox.github.base_url,
            "GITHUB_TOKEN": sandbox.github.issue_token(webhooks="read"),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    leaks = Leaks()
    for token in chain.known_tokens:
        leaks.know_token(token)
    for path in chain.known_paths:
        leaks.know_path(path)
    leaks.read("the command's output", done.stdout + done.stderr)
    assert {"a hook path", "a token", "a token in base64"} == leaks.kinds
    assert [] == leaks.found()
    return done


def _as_shown(text: str, chain: Chain) -> str:
    text = text.replace(chain.ingress.host, "flux.example.com").replace(NAME, SHOWN)
    for pattern, shown in (
        (r"sha1:[0-9a-f]+", "sha1:5f3c9a1e"),
        (r"\b240\d{8}\b", "24000000017"),
        (r"\b4\d{8}\b", "403129001"),
        (r"valid for \d+ days", "valid for 63 days"),
        (r"\b\d+ (s|min|m|minutes?) ago", "3 s ago"),
    ):
        text = re.sub(pattern, shown, text)
    return text


def _marks(title: str) -> tuple[str, str]:
    command = f"$ fluxhooks doctor --cluster --namespace {SHOWN}"
    return f"### {title}\n\n```console\n{command}\n", "```\n"


def _recorded(title: str) -> str:
    begin, end = _marks(title)
    return PAGE.read_text().partition(begin)[2].partition(end)[0]


def _write(title: str, said: str) -> None:
    begin, end = _marks(title)
    before, found, rest = PAGE.read_text().partition(begin)
    assert found, f"the page has no {title!r}"
    PAGE.write_text(f"{before}{begin}{said}{end}{rest.partition(end)[2]}")
