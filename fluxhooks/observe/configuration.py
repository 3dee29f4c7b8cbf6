"""A stack's configuration file, as far as it concerns rotations.

Read from the file, as Pulumi finds it: asking Pulumi would start it once more.
"""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from fluxhooks.errors import SettingError
from fluxhooks.flux.schedule import period
from fluxhooks.observe.state import FORGES, Scope


@dataclass(frozen=True)
class Entry:
    """What ``fluxhooks:generations`` says of one component.

    Attributes:
        unverified: whether cluster or forge showed otherwise after its last rotation.
    """

    live: int = 1
    retained: tuple[int, ...] = ()
    unverified: bool = False


@dataclass(frozen=True, kw_only=True)
class Begun:
    """An adoption that was begun, as ``fluxhooks:adopting`` has it.

    Attributes:
        webhook: the hand-made one's ID; "" where there is none.
        receiver: the hand-made one's namespace and name; "" where there is none.
    """

    webhook: str = ""
    receiver: str = ""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """The settings of a stack that concern rotations.

    Attributes:
        generations: ``fluxhooks:generations``, by component.
        adopting: ``fluxhooks:adopting``, by component.
        cluster: ``fluxhooks:cluster``, the UID of the cluster's namespace kube-system; "" when
            none was recorded.
        rotate_every: ``fluxhooks:rotate_every``; None when not set.
        scopes: what has webhooks by ``fluxhooks:receivers``, the settings of the ready program.
    """

    generations: Mapping[str, Entry] = field(default_factory=dict)
    adopting: Mapping[str, Begun] = field(default_factory=dict)
    cluster: str = ""
    rotate_every: datetime.timedelta | None = None
    scopes: tuple[Scope, ...] = ()


def read(directory: Path, stack: str) -> Configuration:
    """Return the configuration of `stack`, whose project is in `directory` or above it.

    Raises:
        SettingError: there is no project, or a value in the file is wrong.
    """
    path = stack_file(directory, stack)
    if not path.exists():
        return Configuration()
    values = _mapping(path).get("config") or {}
    every = values.get("fluxhooks:rotate_every")
    return Configuration(
        generations=_generations(values.get("fluxhooks:generations") or {}),
        adopting=_adopting(values.get("fluxhooks:adopting") or {}),
        cluster=str(values.get("fluxhooks:cluster") or ""),
        rotate_every=None if every is None else period("fluxhooks:rotate_every", str(every)),
        scopes=tuple(_scopes(values.get("fluxhooks:receivers"))),
    )


def stack_file(directory: Path, stack: str) -> Path:
    """Return where Pulumi keeps the configuration of `stack`.

    Raises:
        SettingError: neither `directory` nor a folder above it has a Pulumi.yaml.
    """
    for folder in (directory.absolute(), *directory.absolute().parents):
        for name in ("Pulumi.yaml", "Pulumi.yml"):
            if (folder / name).is_file():
                where = _mapping(folder / name).get("stackConfigDir") or "."
                return folder / where / f"Pulumi.{stack}.yaml"
    raise SettingError(
        f"no Pulumi.yaml in {directory} or above; go to the program's folder, or give --cwd"
    )


def _mapping(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise SettingError(f"{path} cannot be read: {type(error).__name__}") from None
    return content if isinstance(content, dict) else {}


def _scopes(receivers: Any) -> Iterator[Scope]:
    # Whether they are right is for the program to say.
    for settings in receivers.values() if isinstance(receivers, dict) else ():
        at = settings.get("gitea") if isinstance(settings, dict) else None
        if isinstance(at, dict) and isinstance(at.get("url"), str):
            yield from _at_gitea(at)
        if isinstance(settings, dict) and settings.get("system_hook") is True:
            yield Scope("gitlab", "instance", "GitLab")
        for kind, forge in FORGES.items():
            if isinstance(settings, dict) and isinstance(settings.get(kind), str | int):
                yield Scope(forge, kind, str(settings[kind]))


def _at_gitea(at: dict[str, Any]) -> Iterator[Scope]:
    server = at["url"].rstrip("/")
    if isinstance(at.get("organization"), str):
        yield Scope("gitea", "organization", at["organization"], server)
    elif isinstance(at.get("owner"), str) and isinstance(at.get("repository"), str):
        yield Scope("gitea", "repository", f"{at['owner']}/{at['repository']}", server)


def _generations(values: Any) -> dict[str, Entry]:
    if not isinstance(values, dict):
        raise _wrong("fluxhooks:generations", values)
    return {str(name): _entry(f"fluxhooks:generations.{name}", v) for name, v in values.items()}


def _adopting(values: Any) -> dict[str, Begun]:
    mappings = isinstance(values, dict) and all(isinstance(v, dict) for v in values.values())
    if not mappings:
        raise SettingError(
            f"fluxhooks:adopting: {values!r} is not what fluxhooks adopt writes; pulumi config rm "
            "fluxhooks:adopting, and run fluxhooks adopt again"
        )
    return {
        str(name): Begun(
            webhook=str(value.get("webhook") or ""), receiver=str(value.get("receiver") or "")
        )
        for name, value in values.items()
    }


def _entry(key: str, value: Any) -> Entry:
    if not isinstance(value, dict):
        raise _wrong(key, value)
    live, retained = value.get("live", 1), value.get("retained") or []
    numbers = [live, *retained] if isinstance(retained, list) else [None]
    if not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in numbers):
        raise _wrong(key, value)
    return Entry(live=live, retained=tuple(retained), unverified=value.get("unverified") is True)


def _wrong(key: str, value: object) -> SettingError:
    return SettingError(
        f"{key}: {value!r} is not a mapping such as "
        f"{{live: 2, retained: [1]}}; pulumi config set --path '{key}.live' 1"
    )
