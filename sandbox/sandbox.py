"""Everything together: cluster, ingress, forge stand-ins and a Pulumi home, under one roof."""

import contextlib
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox import toolchain
from sandbox.cluster import Cluster
from sandbox.forges.gitea import Gitea
from sandbox.forges.github import GitHub
from sandbox.forges.gitlab import GitLab
from sandbox.ingress import Ingress
from sandbox.plugins.home import PROGRAMS, PulumiHome, assemble
from sandbox.stack import Stack
from sandbox.toolchain.progress import Report

REPOSITORY = Path(__file__).parent.parent

CLUSTER_PROGRAMS = ("etcd", "kube-apiserver", "notification-controller", "source-controller")

_LEFT_BY_USE = shutil.ignore_patterns("Pulumi.*.yaml", ".venv", "__pycache__")

_STAND_IN_GITHUB = "GitHub: a stand-in, checked against GitHub's published description"
_STAND_IN_GITLAB = "GitLab: a stand-in, made after GitLab's documentation, used by a real client"


class Sandbox:
    """Flux on loopback, from entering the context to leaving it.

    Attributes:
        cluster: etcd, kube-apiserver, notification-controller, source-controller; all real.
        ingress: what the forge reaches the Receivers through, with TLS.
        github: the stand-in for GitHub.
        home: the PULUMI_HOME, with real plugins as far as they can be had.
        programs: the real programs that run in it, by name.
    """

    cluster: Cluster
    ingress: Ingress
    github: GitHub
    home: PulumiHome
    programs: dict[str, toolchain.Program]

    def __init__(self, *, report: Report | None = None) -> None:
        self._report = report
        self._exits = contextlib.ExitStack()
        self._gitlab: GitLab | None = None
        self._gitea: Gitea | None = None
        self._starting = threading.Lock()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as exits:
            # All at once: what is built together shares what it compiles.
            provided = toolchain.provide((*CLUSTER_PROGRAMS, *PROGRAMS), report=self._report)
            programs = {name: provided[name] for name in CLUSTER_PROGRAMS}
            self.cluster = exits.enter_context(
                Cluster(programs={name: program.path for name, program in programs.items()})
            )
            # What lies below the cluster's directory goes with it, also when the caller is killed.
            self.directory = self.cluster.directory / "sandbox"
            self.home = assemble(self.directory / "pulumi-home", report=self._report)
            self.programs = {**programs, **self.home.programs}
            self.ingress = exits.enter_context(
                Ingress(self.cluster.receiver_port, directory=self.directory / "ingress")
            )
            self.github = exits.enter_context(
                GitHub(self.directory / "github", ca_file=self.ingress.ca_file)
            )
            self._exits = exits.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exits.close()

    @property
    def stand_ins(self) -> list[str]:
        """A sentence for each part that is not the real thing."""
        gitlab = [_STAND_IN_GITLAB] if self._gitlab else []
        return [_STAND_IN_GITHUB, *gitlab, *self.home.stand_ins]

    @property
    def gitlab(self) -> GitLab:
        """The stand-in for GitLab; it and GitLab's plugin are added when they are first wanted.

        Stacks made from then on can use it.
        """
        with self._starting:
            if self._gitlab is None:
                self.home.add_plugin("gitlab", report=self._report)
                self.programs |= self.home.programs
                self._gitlab = self._exits.enter_context(
                    GitLab(self.directory / "gitlab", ca_file=self.ingress.ca_file)
                )
            return self._gitlab

    @property
    def gitea(self) -> Gitea:
        """A real Gitea, added when it is first wanted; stacks made from then on can use it.

        Raises:
            ToolchainError: it can be had nowhere, as it is partly in C.
        """
        with self._starting:
            if self._gitea is None:
                gitea = Gitea(self.directory / "gitea", ca_file=self.ingress.ca_file)
                self._gitea = self._exits.enter_context(gitea)
                self.programs |= {gitea.program.name: gitea.program}
            return self._gitea

    def _add_yaml(self) -> None:
        with self._starting:
            if "pulumi-language-yaml" not in self.home.programs:
                self.home.add_yaml(report=self._report)
                self.programs |= self.home.programs

    def stack(
        self,
        name: str,
        *,
        program: str | Path | None = None,
        project: str = "fluxhooks",
        runtime: str = "python",
    ) -> Stack:
        """Return a new stack on a file backend of its own.

        Args:
            program: the text of a program, or a project's folder; ``stacks/`` when absent.
            project: the name of the project, where the program is a text.
            runtime: the program's language, "python" or "yaml".
        """
        if runtime == "yaml":
            self._add_yaml()
        directory = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.directory))
        project_file, head = directory / "Pulumi.yaml", f"name: {project}\nruntime: {runtime}\n"
        if program is None:
            shutil.copy(REPOSITORY / "Pulumi.yaml", directory)
            stacks = directory / "stacks"
            shutil.copytree(REPOSITORY / "stacks", stacks, ignore=_stack_settings, symlinks=True)
            (directory / ".venv").symlink_to(sys.prefix)
        elif isinstance(program, Path):
            shutil.copytree(program, directory, ignore=_LEFT_BY_USE, dirs_exist_ok=True)
            (directory / ".venv").symlink_to(sys.prefix)
        elif runtime == "yaml":
            project_file.write_text(head + program)
        else:
            project_file.write_text(head)
            (directory / "__main__.py").write_text(program)
        (directory / "state").mkdir()
        stack = Stack(directory, name, environment=self.environment(directory / "state"))
        stack.init()
        return stack

    def environment(self, backend: Path) -> dict[str, str]:
        """Return all variables a Pulumi command needs to work on this sandbox, and no others."""
        gitlab = self._gitlab
        for_gitlab = gitlab and {
            "GITLAB_BASE_URL": f"{gitlab.base_url}api/v4/",
            "GITLAB_TOKEN": gitlab.token,
        }
        for_gitea = self._gitea and {"GITEA_TOKEN": self._gitea.token}
        return {
            **(for_gitlab or {}),
            **(for_gitea or {}),
            "HOME": str(self.directory),
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            **self.home.environment(),
            "GITHUB_BASE_URL": self.github.base_url,
            "GITHUB_OWNER": self.github.owner,
            "GITHUB_TOKEN": self.github.token,
            "KUBECONFIG": str(self.cluster.kubeconfig),
            # Metadata stand in a file beside the state that a kill can leave empty; every later
            # command then fails with "failed to load checkpoint: EOF".
            "PULUMI_BACKEND_URL": f"{backend.as_uri()}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE": "sandbox",
            # The home has what programs use; the engine would look for every SDK's, at each run.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PYTHONDONTWRITEBYTECODE": "1",
            "SSL_CERT_FILE": str(self.ingress.ca_file),
        }


def _stack_settings(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(("Pulumi.", "__pycache__"))]
