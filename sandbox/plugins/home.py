"""A PULUMI_HOME with the engine's plugins under their official names.

Plugins are put where the engine looks for installed ones: one on PATH would beat an official one
and be announced with a warning at each run.
"""

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import toolchain
from sandbox.plugins.install import install as install_stand_in
from sandbox.toolchain.programs import pinned
from sandbox.toolchain.progress import Report

RESOURCE_PLUGINS = ("random", "github")
PROGRAMS = (
    "pulumi",
    "pulumi-language-python",
    *(f"pulumi-resource-{plugin}" for plugin in RESOURCE_PLUGINS),
)


@dataclass(frozen=True)
class PulumiHome:
    """What `assemble` made.

    Attributes:
        path: the PULUMI_HOME.
        programs: the programs in it that are real, by name.
        stand_ins: a sentence for each plugin that is not.
    """

    path: Path
    programs: dict[str, toolchain.Program]
    stand_ins: list[str] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """Return what makes the engine use this home, and the Python that runs this."""
        own = [str(self.path / "bin"), str(Path(sys.executable).parent)]
        return {
            "PATH": os.pathsep.join([*own, os.environ.get("PATH", os.defpath)]),
            "PULUMI_HOME": str(self.path),
        }

    def environment_for_policies(self) -> dict[str, str]:
        """Return the same for programs in YAML that policy packs in Python look at.

        The engine starts a pack by the language host, and by Pulumi's own script where it finds
        none. The host that can be built here is too old to start one, so the engine must not
        find it.
        """
        host = self.programs["pulumi-language-python"]
        if host.origin is not toolchain.Origin.BUILT:
            return self.environment()
        directory = self.path / "bin-without-python"
        if not directory.exists():
            _link(directory, [self.path / "bin" / f for f in ("pulumi", "pulumi-language-yaml")])
            script = toolchain.policy_analyzer()
            shutil.copyfile(script, directory / script.name).chmod(0o755)
        elsewhere = [
            entry
            for entry in os.environ.get("PATH", os.defpath).split(os.pathsep)
            if not (Path(entry) / host.name).exists()
        ]
        own = [str(directory), str(Path(sys.executable).parent)]
        return {**self.environment(), "PATH": os.pathsep.join([*own, *elsewhere])}

    def add_plugin(self, plugin: str, *, report: Report | None = None) -> None:
        """Add a resource plugin that cannot be built: the official one, else its stand-in."""
        official = toolchain.official(f"pulumi-resource-{plugin}", report=report)
        if official is None:
            install_stand_in(self.path, plugin)
            self.stand_ins.append(
                f"pulumi-{plugin}: a stand-in, as the official plugin cannot be had"
            )
        else:
            self.programs[official.name] = official
            _link(_plugin_directory(self.path, plugin), [official.path])

    def add_yaml(self, *, report: Report | None = None) -> None:
        """Add the language host of YAML programs.

        Raises:
            ToolchainError: it can be had neither from the machine nor by building it.
        """
        host = "pulumi-language-yaml"
        self.programs.update(toolchain.provide([host], report=report))
        _link(self.path / "bin", [self.programs[host].path])


def assemble(directory: Path, *, report: Report | None = None) -> PulumiHome:
    """Make a PULUMI_HOME in `directory` of real programs, and stand-ins where none can be had.

    Raises:
        ToolchainError: a program can be had neither from the machine nor by building it.
    """
    programs = toolchain.provide(PROGRAMS, report=report)
    _link(directory / "bin", _with_companions(programs, ["pulumi", "pulumi-language-python"]))
    for plugin in RESOURCE_PLUGINS:
        _link(_plugin_directory(directory, plugin), [programs[f"pulumi-resource-{plugin}"].path])
    home = PulumiHome(directory, programs)
    home.add_plugin("kubernetes", report=report)
    return home


def _plugin_directory(home: Path, plugin: str) -> Path:
    # The engine asks for the version of the SDK in the program's environment.
    version = importlib.metadata.version(f"pulumi-{plugin}")
    return home / "plugins" / f"resource-{plugin}-v{version}"


def _with_companions(programs: dict[str, toolchain.Program], names: Iterable[str]) -> list[Path]:
    return [
        beside
        for name in names
        for beside in (
            programs[name].path,
            *(programs[name].path.parent / file for file in pinned(name).files),
        )
    ]


def _link(directory: Path, targets: Iterable[Path]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for target in targets:
        link = directory / target.name
        # The engine looks for its language hosts beside the file that it is, not beside a link.
        try:
            link.hardlink_to(target)
        except OSError:
            shutil.copy2(target, link)
