"""The rotation jobs of ``examples/jobs`` as their runners start them, each in a fresh clone."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import yaml

from sandbox.sandbox import REPOSITORY
from tests.app import App

JOBS = REPOSITORY / "examples" / "jobs"

# What is not the runner's: a job has to bring these itself.
_CREDENTIALS = ("GITHUB_TOKEN", "KUBECONFIG")
# What another installation has, and what pip would take for one.
_NOT_DEPENDENCIES = ("__editable__", "_fluxhooks", "fluxhooks", "pip")


def manifests(name: str) -> list[dict[str, Any]]:
    """Return the documents of a file."""
    return list(yaml.safe_load_all((JOBS / name).read_text()))


class Repository:
    """A bare repository with this project and an app's settings, and fresh clones of it."""

    def __init__(self, app: App, directory: Path) -> None:
        self._app = app
        self._directory = directory
        self._clones = 0
        self.bare = directory / "bare.git"
        tree = directory / "tree"
        self._git(directory, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        for name in self._git(REPOSITORY, "ls-files").splitlines():
            if name.startswith(("examples/", "fluxhooks/", "stacks/")) or "/" not in name:
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(REPOSITORY / name, tree / name, follow_symlinks=False)
        settings = f"stacks/Pulumi.{app.name}.yaml"
        shutil.copy(app.stack.directory / settings, tree / settings)
        self._git(tree, "init", "--quiet", "--initial-branch=main")
        self._git(tree, "add", ".")
        self.commit(tree, "The program and its settings")

    def clone(self) -> Path:
        """Return a fresh clone."""
        clone = self.directory()
        self._git(self._directory, "clone", "--quiet", str(self.bare), str(clone))
        return clone

    def directory(self) -> Path:
        """Return the name of a directory that does not exist yet."""
        self._clones += 1
        return self._directory / f"clone-{self._clones}"

    def commit(self, tree: Path, message: str) -> None:
        """Commit what was changed in a tree, and push it."""
        identity = ("-c", "user.name=a", "-c", "user.email=a@localhost")
        self._git(tree, *identity, "commit", "--quiet", "--all", "--message", message)
        self._git(tree, "push", "--quiet", str(self.bare), "HEAD:main")

    def commits(self) -> list[str]:
        """Return the subjects of what was pushed, newest first."""
        return self._git(self.bare, "log", "--format=%s", "main").splitlines()

    def _git(self, directory: Path, *arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments],
            cwd=directory,
            env=self._app.stack.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout


class Runner:
    """What runs a job of a repository, with the rights it is given; all it prints is scanned.

    Args:
        kubeconfig: that of the job's ServiceAccount.
        directory: for what a runner keeps beside the clone.
    """

    def __init__(self, app: App, repository: Repository, kubeconfig: Path, directory: Path) -> None:
        self._app = app
        self._repository = repository
        self._kubeconfig = kubeconfig
        self._directory = directory
        dependencies = directory / "dependencies"
        dependencies.mkdir()
        for found in Path(sysconfig.get_path("purelib")).iterdir():
            if not found.name.startswith(_NOT_DEPENDENCIES):
                (dependencies / found.name).symlink_to(found)
        gitconfig = directory / "gitconfig"
        gitconfig.write_text(
            f'[url "file://{repository.bare}"]\n'
            "    insteadOf = https://github.com/acme/fluxhooks.git\n"
            "    insteadOf = https://fluxhooks:push-token@gitlab.example.com/acme/fluxhooks.git\n"
        )
        environment = app.stack.environment
        self._secrets = {
            "GITHUB_TOKEN": environment["GITHUB_TOKEN"],
            "GIT_TOKEN": "git-token",
            "PULUMI_ACCESS_TOKEN": "not needed by a file backend",
        }
        self._environment = {
            **{key: value for key, value in environment.items() if key not in _CREDENTIALS},
            "GIT_CONFIG_GLOBAL": str(gitconfig),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}",
            # The clone is installed; its dependencies are those of this environment.
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
            "PIP_NO_DEPS": "1",
            "PIP_NO_INDEX": "1",
            "PYTHONPATH": str(dependencies),
        }

    def github_actions(self) -> int:
        """Run the workflow's steps as GitHub's runner does; the actions it uses are done here."""
        workflow = manifests("github-actions.yaml")[0]
        clone = self._repository.clone()
        temporary = self._repository.directory()
        temporary.mkdir()
        secrets = {
            "secrets.FLUXHOOKS_GITHUB_TOKEN": self._secrets["GITHUB_TOKEN"],
            "secrets.FLUXHOOKS_KUBECONFIG": self._kubeconfig.read_text(),
            "secrets.PULUMI_ACCESS_TOKEN": self._secrets["PULUMI_ACCESS_TOKEN"],
            "runner.temp": str(temporary),
        }

        def known(text: str) -> str:
            return re.sub(r"\$\{\{ (\S+) \}\}", lambda found: secrets[found[1]], text)

        for step in workflow["jobs"]["rotate"]["steps"]:
            if "run" in step:
                given = {key: known(value) for key, value in step.get("env", {}).items()}
                given |= {"RUNNER_TEMP": str(temporary)}
                code = self.run(["bash", "-e", "-c", step["run"]], clone, given)
                if code != 0:
                    return code
        return 0

    def gitlab_ci(self) -> int:
        """Run the job's script as GitLab's runner does: in a clone without a branch."""
        job = manifests("gitlab-ci.yaml")[0]["rotate-webhook-secrets"]
        clone = self._repository.clone()
        self.run(["git", "checkout", "--quiet", "--detach"], clone, {})
        predefined = {
            "CI_COMMIT_BRANCH": "main",
            "CI_PROJECT_PATH": "acme/fluxhooks",
            "CI_SERVER_HOST": "gitlab.example.com",
            "GITHUB_TOKEN": self._secrets["GITHUB_TOKEN"],
            "KUBECONFIG": str(self._kubeconfig),
            "PULUMI_ACCESS_TOKEN": self._secrets["PULUMI_ACCESS_TOKEN"],
            "PUSH_TOKEN": "push-token",
        }
        own = {
            key: re.sub(r"\$(\w+)", lambda found: predefined[found[1]], value)
            for key, value in job["variables"].items()
        }
        script = "\n".join(job["script"])
        return self.run(["bash", "-eo", "pipefail", "-c", script], clone, {**predefined, **own})

    def cronjob(self) -> int:
        """Run the container's command as the kubelet does, in an empty working directory."""
        (manifest,) = manifests("cronjob.yaml")
        pod = manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        job = self._repository.directory()
        job.mkdir()
        given = {variable["name"]: variable["value"] for variable in container["env"]}
        given = {key: str(job) if value == "/job" else value for key, value in given.items()}
        given |= {**self._secrets, "KUBECONFIG": str(self._kubeconfig)}
        return self.run([*container["command"], *container["args"]], job, given)

    def status(self, stack: str) -> int:
        """Run `fluxhooks status` in a fresh clone."""
        given = {**self._secrets, "KUBECONFIG": str(self._kubeconfig)}
        return self.run(["fluxhooks", "status", stack], self._repository.clone(), given)

    def run(self, command: list[str], directory: Path, given: dict[str, str]) -> int:
        """Run a command, and return its exit code."""
        done = subprocess.run(
            command,
            cwd=directory,
            env={**self._environment, **given},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        # Shown where a test fails.
        sys.stdout.write(done.stdout)
        self._app.leaks.read(f"the output of {command[:2]}", done.stdout)
        self._app.learn()
        return done.returncode
