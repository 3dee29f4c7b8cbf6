"""The programs the sandbox runs: which version of each, and where it may come from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from sandbox.toolchain import golang
from sandbox.toolchain.errors import ToolchainError

GO = Path(__file__).parent / "go"


class Origin(StrEnum):
    """Where a program was taken from."""

    PATH = "PATH"
    KUBEBUILDER_ASSETS = "KUBEBUILDER_ASSETS"
    DOWNLOAD = "download"
    BUILT = "built"


@dataclass(frozen=True)
class Program:
    """A program that can be run now."""

    name: str
    version: str
    """Without a leading ``v``; ``unknown`` where a program found on PATH does not tell."""
    path: Path
    origin: Origin


class Official(StrEnum):
    """How a program's publisher hands it out."""

    INSTALLER = "Pulumi's installer"
    PLUGIN = "pulumi plugin install"


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """One row: a program, the version that is built or downloaded, and what may stand in for it.

    To add a program, add a row and require its module in the go.mod of ``module`` (or in a new one,
    where the versions it needs do not agree with the others').
    """

    name: str
    version: str
    """Without a leading ``v``."""
    at_least: str
    """The oldest version that is good enough when found on the machine; the major must agree."""
    module: str = ""
    """The folder below ``go/`` whose go.mod pins it; empty for a program that cannot be built."""
    package: str = ""
    """The Go package of its ``main``, as ``go build`` takes it."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """String variables to set when linking; a program that is not told its version has none."""
    tags: tuple[str, ...] = ()
    cgo: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    """What must lie beside a built binary: name to ``module@version/path`` in Go's module cache."""
    official: Official | None = None
    envtest: bool = False
    """Whether it belongs to the assets that envtest, and so KUBEBUILDER_ASSETS, provides."""
    leader: str = ""
    """The program whose companion this is: taken from beside it, unless that one is built."""
    ask: tuple[str, ...] = ()
    """Arguments that make it print its version; without any, Go's build information is read."""

    @property
    def plugin(self) -> str:
        """The name Pulumi knows a resource plugin by, or an empty string."""
        return (
            self.name.removeprefix("pulumi-resource-") if self.official is Official.PLUGIN else ""
        )

    @property
    def instead(self) -> str:
        """What somebody can do who can neither build nor download it."""
        if self.official is Official.INSTALLER:
            return f"install Pulumi >= {self.at_least}: https://www.pulumi.com/docs/install/"
        if self.leader:
            return pinned(self.leader).instead
        if self.plugin:
            return f"run `pulumi plugin install resource {self.plugin} {self.version}`"
        if self.envtest:
            return (
                f"set KUBEBUILDER_ASSETS to a folder with {self.name} >= {self.at_least}, "
                "as `setup-envtest use -p path` prints it"
            )
        return f"put {self.name} >= {self.at_least} on PATH"

    @property
    def binary(self) -> str:
        """The name ``go build`` gives to the executable of ``package``."""
        parts = self.package.split("/")
        return parts[-2] if parts[-1].startswith("v") and parts[-1][1:].isdigit() else parts[-1]


PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"

TABLE = (
    Pinned(
        name="etcd",
        version="3.6.8",
        at_least="3.5",
        module="programs",
        package="go.etcd.io/etcd/server/v3",
        envtest=True,
        ask=("--version",),
    ),
    Pinned(
        name="kube-apiserver",
        version="1.36.3",
        at_least="1.32",
        module="programs",
        package="k8s.io/kubernetes/cmd/kube-apiserver",
        variables={
            "k8s.io/component-base/version.gitVersion": "v1.36.3",
            "k8s.io/component-base/version.gitMajor": "1",
            "k8s.io/component-base/version.gitMinor": "36",
            "k8s.io/component-base/version.gitTreeState": "clean",
        },
        envtest=True,
        ask=("--version",),
    ),
    Pinned(
        name="notification-controller",
        version="1.9.3",
        at_least="1.9",
        module="programs",
        package="github.com/fluxcd/notification-controller",
    ),
    Pinned(
        name="source-controller",
        version="1.9.1",
        at_least="1.9",
        module="programs",
        package="github.com/fluxcd/source-controller",
    ),
    # Wanted by fewer, and built beside the rest: their module selects the versions that "programs"
    # does, so that they share what is compiled.
    Pinned(
        name="kustomize-controller",
        version="1.9.1",
        at_least="1.9",
        module="appliers",
        package="github.com/fluxcd/kustomize-controller",
    ),
    Pinned(
        name="helm-controller",
        version="1.6.1",
        at_least="1.6",
        module="appliers",
        package="github.com/fluxcd/helm-controller",
    ),
    # For those who look at images; what they share with the rest is selected alike.
    Pinned(
        name="image-reflector-controller",
        version="1.2.0",
        at_least="1.2",
        module="images",
        package="github.com/fluxcd/image-reflector-controller",
    ),
    Pinned(
        name="image-automation-controller",
        version="1.2.0",
        at_least="1.2",
        module="images",
        package="github.com/fluxcd/image-automation-controller",
    ),
    Pinned(
        name="registry",
        version="3.1.1",
        at_least="3.0",
        module="images",
        package="github.com/distribution/distribution/v3/cmd/registry",
        ask=("--version",),
    ),
    # Only what checks rules: it finds no targets, which is most of Prometheus. Its module selects
    # the versions that "programs" does, too.
    Pinned(
        name="promtool",
        version="3.12.0",
        at_least="3.0",
        module="prometheus",
        package="github.com/prometheus/prometheus/cmd/promtool",
        variables={"github.com/prometheus/common/version.Version": "3.12.0"},
        tags=("remove_all_sd",),
        ask=("--version",),
    ),
    # In C: its database. It finds its texts and templates in the folders beside it.
    Pinned(
        name="gitea",
        version="1.26.1",
        at_least="1.26",
        module="gitea",
        package="code.gitea.io/gitea",
        variables={"main.Version": "1.26.1"},
        tags=("sqlite", "sqlite_unlock_notify"),
        cgo=True,
        files={
            name: f"code.gitea.io/gitea@v1.26.1/{name}"
            for name in ("options", "public", "templates")
        },
        ask=("--version",),
    ),
    Pinned(
        name="pulumi",
        version="3.259.0",
        at_least="3.259",
        module="pulumi",
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        variables={f"{PULUMI_SDK}/go/common/version.Version": "v3.259.0"},
        official=Official.INSTALLER,
        ask=("version",),
    ),
    Pinned(
        name="pulumi-language-python",
        # The last release whose host lies in a module that can be had without a checkout of Pulumi.
        # It starts whatever `python3` is on PATH and knows nothing of virtual environments.
        version="3.79.0",
        at_least="3.79",
        module="language-python",
        package=f"{PULUMI_SDK}/python/cmd/pulumi-language-python",
        files={
            "pulumi-language-python-exec": (
                f"{PULUMI_SDK}@v3.259.0/python/cmd/pulumi-language-python-exec"
            ),
            # Runs the resources that a program in Python brings itself.
            "pulumi-resource-pulumi-python": (
                f"{PULUMI_SDK}@v3.259.0/python/dist/pulumi-resource-pulumi-python"
            ),
        },
        leader="pulumi",
    ),
    # Wanted by few. No companion of "pulumi": one without it is as good for everybody else. Its
    # module selects the versions that "pulumi" does, so that they share what is compiled.
    Pinned(
        name="pulumi-language-yaml",
        version="1.38.1",
        at_least="1.30",
        module="language-yaml",
        package="github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml",
    ),
    Pinned(
        name="pulumi-resource-random",
        version="4.21.4",
        at_least="4.21.4",
        module="programs",
        package="./pulumi-resource-random",
        official=Official.PLUGIN,
        ask=("-version",),
    ),
    Pinned(
        name="pulumi-resource-github",
        version="6.15.0",
        at_least="6.15.0",
        module="programs",
        package="./pulumi-resource-github",
        official=Official.PLUGIN,
        ask=("-version",),
    ),
    # Not to be built: their upstream is not published as a Go module.
    Pinned(
        name="pulumi-resource-kubernetes",
        version="4.34.2",
        at_least="4.34.2",
        official=Official.PLUGIN,
        ask=("-version",),
    ),
    Pinned(
        name="pulumi-resource-gitlab",
        version="10.4.0",
        at_least="10.4.0",
        official=Official.PLUGIN,
        ask=("-version",),
    ),
)

CRD_MODULES = {
    "notification-controller": "github.com/fluxcd/notification-controller",
    "source-controller": "github.com/fluxcd/source-controller",
    "kustomize-controller": "github.com/fluxcd/kustomize-controller",
    "helm-controller": "github.com/fluxcd/helm-controller",
    "image-automation-controller": "github.com/fluxcd/image-automation-controller",
    "image-reflector-controller": "github.com/fluxcd/image-reflector-controller",
}
"""Programs whose Go module carries the definitions of the objects it reconciles."""

EXTERNAL_SECRETS = "github.com/external-secrets/external-secrets@v1.3.2"
"""Carries the definitions of its objects; its program needs modules that are not published."""

GATEWAY_API = "sigs.k8s.io/gateway-api@v1.6.3"
PROMETHEUS_OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.88.0"
"""They carry definitions of objects; nothing of them runs."""


def pinned(name: str) -> Pinned:
    """The row of a program.

    Raises:
        ToolchainError: there is no such program.
    """
    for row in TABLE:
        if row.name == name:
            return row
    known = ", ".join(sorted(row.name for row in TABLE))
    raise ToolchainError(f"unknown program {name!r}, expected one of: {known}")


def in_table_order(names: Iterable[str]) -> list[Pinned]:
    """The rows of some programs, each once, in the order in which they are worth building."""
    wanted = {pinned(name).name for name in names}
    return [row for row in TABLE if row.name in wanted]


def every_name() -> tuple[str, ...]:
    """All programs that can be had here, because they can be built.

    Those that are partly in C are among them where there is a compiler for it.
    """
    builds_c = golang.c_compiler() is not None
    return tuple(row.name for row in TABLE if row.module and (builds_c or not row.cgo))
