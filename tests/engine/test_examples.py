"""Every program in `examples/programs` is run, as whoever starts from it runs it."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Secret

from fluxhooks.flux.labels import STACK, stack_label
from sandbox import toolchain
from sandbox.external_secrets import ExternalSecretsOperator, SecretStore
from sandbox.ingress.routing import GATEWAY, INFRA, STAND_IN, Routing
from sandbox.sandbox import Sandbox
from sandbox.stack import Run
from sandbox.toolchain import ToolchainError
from tests.app import Receiver, changes, decoded, remarks
from tests.leaks import Leaks

PROGRAMS = Path(__file__).parents[2] / "examples" / "programs"


@dataclass(frozen=True, kw_only=True)
class Example:
    """What a program finds where it is run, and what it makes there.

    Attributes:
        config: its settings, but for the host; what makes them, where the forge has its own.
        secret_config: those that are secret.
        prepare: makes what it needs at the forge and in the cluster.
        makes: what the first update creates, but for what comes with every Receiver.
    """

    config: Mapping[str, str] | Callable[[Sandbox], Mapping[str, str]] = field(default_factory=dict)
    secret_config: Mapping[str, str] = field(default_factory=dict, repr=False)
    prepare: Callable[[Sandbox], None] = lambda _: None
    makes: frozenset[str]


def _repositories(*names: str) -> Callable[[Sandbox], None]:
    def make(sandbox: Sandbox) -> None:
        for name in names:
            sandbox.github.create_repository(name)

    return make


def _project(sandbox: Sandbox) -> None:
    sandbox.gitlab.create_group("example")
    sandbox.gitlab.create_project("example/app")


def _instance(sandbox: Sandbox) -> None:
    sandbox.gitlab.create_project("acme/of-the-instance")


def _at_gitea(sandbox: Sandbox) -> dict[str, str]:
    gitea = sandbox.gitea
    gitea.create_repository("example-app")
    return {"server": gitea.base_url, "owner": gitea.owner, "repository": "example-app"}


def _store(sandbox: Sandbox) -> None:
    _repositories("shop", "blog")(sandbox)
    data = [{"key": "flux/shop/1", "value": secrets.token_hex(16)}]
    with sandbox.cluster.client() as client:
        client.create(
            SecretStore(
                metadata=ObjectMeta(name="vault"), spec={"provider": {"fake": {"data": data}}}
            )
        )


EXAMPLES = {
    "alerts": Example(
        config={"owner": "acme", "repository": "example-alerts"},
        secret_config={
            "slack": f"https://hooks.slack.example.com/services/{secrets.token_hex(16)}",
            "statuses": secrets.token_hex(16),
        },
        prepare=_repositories("example-alerts"),
        makes=frozenset(
            {
                "Alert app-status",
                "Alert people",
                "Alert people-second",
                "Provider app-status",
                "Provider people",
                "Provider people-second",
                "RepositoryWebhook app-webhook",
                "Secret app-status-provider",
                "Secret people-provider",
            }
        ),
    ),
    "continuous-integration": Example(makes=frozenset({"Receiver built-g1"})),
    "docker-hub": Example(makes=frozenset({"Receiver images-g1"})),
    "external-secrets": Example(
        prepare=_store,
        makes=frozenset(
            {
                "ExternalSecret shop-g1-token",
                "PushSecret blog-g1-copy",
                "RepositoryWebhook blog-webhook",
                "RepositoryWebhook shop-webhook",
            }
        ),
    ),
    "gateway": Example(
        config={
            "gateway": GATEWAY,
            "gateway_namespace": INFRA,
            "image": "registry.example.com/fluxhooks:1",
            "repository": "example-routed",
        },
        prepare=_repositories("example-routed"),
        makes=frozenset(
            {
                "CronJob flux",
                "HTTPRoute flux",
                "PrometheusRule flux",
                "RepositoryWebhook app-webhook",
            }
        ),
    ),
    "gitea": Example(
        config=_at_gitea,
        makes=frozenset({"Webhook app-g1-webhook"}),
    ),
    "github": Example(
        config={"repositories[0]": "example-app", "repositories[1]": "example-web"},
        prepare=_repositories("example-app", "example-web"),
        makes=frozenset(
            {"RepositoryWebhook example-app-webhook", "RepositoryWebhook example-web-webhook"}
        ),
    ),
    "gitlab": Example(
        config={"project": "example/app"},
        prepare=_project,
        makes=frozenset({"ProjectHook app-g1-webhook"}),
    ),
    "gitlab-instance": Example(
        config={"projects[0]": "acme/of-the-instance", "projects[1]": "acme/web"},
        prepare=_instance,
        makes=frozenset({"SystemHook instance-g1-webhook"}),
    ),
    "image-automation": Example(
        config={"image": "registry.example.com/acme/app"},
        makes=frozenset(
            {
                "ImagePolicy app-policy",
                "ImageRepository app-images",
                "ImageUpdateAutomation app-updates",
                "Receiver images-g1",
            }
        ),
    ),
    "organization": Example(
        config={"organization": "acme", "repositories[0]": "example-app"},
        makes=frozenset({"OrganizationWebhook acme-webhook"}),
    ),
    "own-token": Example(
        secret_config={"token": secrets.token_hex(16)},
        prepare=_repositories("app"),
        makes=frozenset({"RepositoryWebhook app-webhook", "Secret app-g1-token"}),
    ),
    "yaml": Example(
        config={"repository": "example-yaml"},
        prepare=_repositories("example-yaml"),
        makes=frozenset({"RepositoryWebhook app-webhook"}),
    ),
}


@pytest.fixture(scope="module")
def operator(sandbox: Sandbox, ran: set[str]) -> Iterator[None]:
    with ExternalSecretsOperator(sandbox.cluster) as operator:
        ran.add(operator.ran)
        yield


@pytest.fixture(scope="module")
def routing(sandbox: Sandbox, ran: set[str]) -> Iterator[None]:
    sandbox.cluster.add_definitions(toolchain.prometheus_operator())
    with Routing(sandbox.cluster, ca=sandbox.ingress.ca):
        ran.add(f"stand-in: {STAND_IN}")
        yield


@pytest.fixture(scope="module")
def images(sandbox: Sandbox) -> Iterator[None]:
    names = ("image-reflector-controller", "image-automation-controller")
    with sandbox.cluster.further_controllers(*names):
        yield


@pytest.mark.usefixtures("operator", "routing", "images")
@pytest.mark.parametrize(
    "name", sorted(path.parent.name for path in PROGRAMS.glob("*/Pulumi.yaml"))
)
def test_a_program_to_start_from_makes_what_it_says(
    sandbox: Sandbox, ran: set[str], name: str
) -> None:
    """The next update has nothing to do, destroy leaves nothing, and none prints a secret."""
    example = EXAMPLES[name]
    example.prepare(sandbox)
    # Before there is a stack: a forge that is started here gives it its token.
    try:
        config = example.config(sandbox) if callable(example.config) else example.config
    except ToolchainError as error:
        ran.add(f"not run: the example {name}: {error}")
        pytest.skip(str(error))
    runtime = "python" if (PROGRAMS / name / "__main__.py").exists() else "yaml"
    stack = sandbox.stack(f"example-{name}", program=PROGRAMS / name, runtime=runtime)
    leaks = Leaks()
    stack.set_all({"host": sandbox.ingress.host, **config})
    for key, value in example.secret_config.items():
        leaks.know_token(value)
        stack.run("config", "set", "--secret", key, value, "--stack", stack.name)
    try:
        first, second = stack.up(), stack.up()
        _know(leaks, sandbox, stack_label(f"fluxhooks-{name}", stack.name))
    finally:
        gone = stack.destroy()

    made, unmade = _of("create ", first), _of("delete ", gone)
    assert example.makes == example.makes & made
    assert ([], []) == (changes(second), remarks(second))
    assert made == unmade
    leaks.read("the output of pulumi", first.output + second.output + gone.output)
    leaks.read_files(stack.directory)
    assert {"a hook path", "a token"} <= leaks.kinds
    assert [] == leaks.found()


def _of(step: str, run: Run) -> set[str]:
    return {each.removeprefix(step) for each in changes(run) if each.startswith(step)}


def _know(leaks: Leaks, sandbox: Sandbox, label: str) -> None:
    """Has what is secret of a stack's Receivers searched for."""
    with sandbox.cluster.client() as client:
        for receiver in client.list(Receiver, labels={STACK: label}):
            leaks.know_path(receiver.status["webhookPath"])
            if "secretRef" in receiver.spec:
                name = receiver.spec["secretRef"]["name"]
                leaks.know_token(decoded(client.get(Secret, name)))


def test_the_readme_names_them_all() -> None:
    """A program that nobody finds is no example."""
    readme = (PROGRAMS / "README.md").read_text()

    assert [] == [
        path.name
        for path in PROGRAMS.iterdir()
        if path.is_dir()
        and f"({path.name}/__main__.py)" not in readme
        and f"({path.name}/Pulumi.yaml)" not in readme
    ]
