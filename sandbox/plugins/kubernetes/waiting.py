"""Waiting until an object is ready, or gone.

The annotation `pulumi.com/waitFor` says what to wait for: `jsonpath={.path}`, the same with
`=value`, `condition=Type`, the same with `=Status`, or a JSON array of these: all have to hold.
Each change of the object is looked at in its order, as an informer does, because a wait for too
little must end at the same too early moment as with the official plugin.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sandbox.plugins.errors import PluginError
from sandbox.plugins.kubernetes import naming
from sandbox.plugins.kubernetes.api import Api, Object
from sandbox.plugins.kubernetes.errors import ApiError, UnreachableError, WaitError

WAIT_FOR: Final = "pulumi.com/waitFor"
SKIP_AWAIT: Final = "pulumi.com/skipAwait"
TIMEOUT_SECONDS: Final = "pulumi.com/timeoutSeconds"
DEFAULT_TIMEOUT: Final = 600.0
TIMED_OUT: Final = "timed out waiting for the condition"
CANCELLED: Final = "context canceled"
_RECONNECT_AFTER: Final = 0.2


class Condition(Protocol):
    """Something that an object can be waited for."""

    def holds(self, obj: Mapping[str, Any]) -> bool:
        """Return whether it is so.

        Raises:
            PluginError: It can never be so.
        """


@dataclass(frozen=True)
class StatusCondition:
    """An entry of `status.conditions`, compared without regard to case."""

    type: str
    status: str = "True"

    def holds(self, obj: Mapping[str, Any]) -> bool:
        """Return whether the condition has this status, for the current generation."""
        for entry in _dig(obj, "status", "conditions") or []:
            if str(entry.get("type", "")).casefold() != self.type.casefold():
                continue
            observed = entry.get("observedGeneration", _dig(obj, "status", "observedGeneration"))
            if _is_stale(obj, observed):
                return False
            return str(entry.get("status", "")).casefold() == self.status.casefold()
        return False


@dataclass(frozen=True)
class JsonPath:
    """A path that selects something; with `value`, something that reads so."""

    text: str
    select: Callable[[Mapping[str, Any]], Sequence[Any]]
    value: str = ""

    def holds(self, obj: Mapping[str, Any]) -> bool:
        """Return whether the path selects what it should, for the current generation."""
        if _is_stale(obj, _dig(obj, "status", "observedGeneration")):
            return False
        selected = self.select(obj)
        if not selected:
            return False
        if not self.value:
            return True
        if isinstance(selected[0], dict | list):
            raise PluginError(f'"{self.text}" has a non-primitive value ({_spell(selected[0])})')
        return _spell(selected[0]) == self.value


def wait_for(obj: Mapping[str, Any]) -> list[Condition]:
    """Return what the annotations of `obj` say to wait for, nothing if they say nothing.

    Raises:
        PluginError: The annotation `pulumi.com/waitFor` cannot be read.
    """
    annotation = naming.annotations_of(obj).get(WAIT_FOR)
    if not annotation:
        return []
    try:
        expressions = json.loads(annotation)
    except ValueError:
        expressions = None
    if not isinstance(expressions, list) or not all(isinstance(e, str) for e in expressions):
        expressions = [annotation]
    if not expressions:
        raise PluginError("at least one condition must be specified")
    return [parse_expression(expression) for expression in expressions]


def parse_expression(expression: str) -> Condition:
    """Return the condition that one `waitFor` expression means.

    Raises:
        PluginError: It is none; the message is the official plugin's.
    """
    if expression.startswith("jsonpath="):
        return _parse_jsonpath(expression.removeprefix("jsonpath="))
    if expression.startswith("condition="):
        type_, equals, status = expression.removeprefix("condition=").partition("=")
        return StatusCondition(type_, status if equals else "True")
    quoted = json.dumps(expression)
    raise PluginError(f'expected a "jsonpath=" or "condition=" prefix, got {quoted}')


def timeout_of(obj: Mapping[str, Any], custom: float) -> float:
    """Return how many seconds to wait: `custom`, else the annotation's, else ten minutes."""
    if custom:
        return float(int(custom))
    annotation = naming.annotations_of(obj).get(TIMEOUT_SECONDS)
    if isinstance(annotation, str) and re.fullmatch(r"[+-]?\d+", annotation):
        return float(annotation)
    return DEFAULT_TIMEOUT


async def until(
    api: Api,
    obj: Object,
    conditions: Sequence[Condition],
    *,
    timeout: float,
    cancelled: asyncio.Event,
) -> Object:
    """Return `obj` as it is when all `conditions` hold at once.

    Raises:
        WaitError: They did not within `timeout` seconds, or the wait was cancelled.
    """
    last = obj

    def all_hold() -> bool:
        with contextlib.suppress(PluginError):
            return all(condition.holds(last) for condition in conditions)
        return False

    async def observe() -> None:
        nonlocal last
        if all_hold():
            return
        async with contextlib.aclosing(_events(api, obj)) as events:
            async for type_, seen in events:
                if type_ == "DELETED" or _generation(seen) < _generation(last):
                    continue
                last = seen
                if all_hold():
                    return

    if await _within(observe(), timeout=timeout, cancelled=cancelled):
        return last
    try:
        if all(condition.holds(last) for condition in conditions):
            return last
    except PluginError as error:
        raise WaitError(str(error), last) from None
    raise WaitError(CANCELLED if cancelled.is_set() else TIMED_OUT, last)


async def until_gone(
    api: Api, obj: Object, name: str, *, timeout: float, cancelled: asyncio.Event
) -> None:
    """Return when no object of this kind has the name `name` any more.

    Raises:
        WaitError: One still has after `timeout` seconds, or the wait was cancelled.
    """
    last = obj

    async def observe() -> None:
        nonlocal last
        try:
            last = await api.get(obj, name)
        except ApiError as error:
            if error.not_found:
                return
        async with contextlib.aclosing(_events(api, last)) as events:
            async for type_, seen in events:
                if type_ == "DELETED":
                    return
                last = seen

    if await _within(observe(), timeout=timeout, cancelled=cancelled):
        return
    with contextlib.suppress(UnreachableError):
        try:
            await api.get(obj, name)
        except ApiError as error:
            if error.not_found:
                return
    raise WaitError(CANCELLED if cancelled.is_set() else TIMED_OUT, last)


async def _events(api: Api, obj: Object) -> AsyncGenerator[tuple[str, Object], None]:
    """Yield what `obj` is now, and each of its changes, over lost connections.

    It lists and watches the whole namespace, as an informer does: a program whose credentials may
    only read its own objects must not find out elsewhere.
    """
    name = naming.name_of(obj)
    known = True
    while True:
        with contextlib.suppress(ApiError, UnreachableError):
            objects, since = await api.list_all(obj)
            found = [item for item in objects if naming.name_of(item) == name]
            if found:
                yield "MODIFIED", found[0]
            elif known:
                yield "DELETED", obj
            known = bool(found)
            async with contextlib.aclosing(api.watch(obj, since=since)) as stream:
                async for type_, seen in stream:
                    if type_ == "ERROR":
                        # Too old a version to continue from: list again.
                        break
                    if naming.name_of(seen) == name:
                        known = type_ != "DELETED"
                        yield type_, seen
        await asyncio.sleep(_RECONNECT_AFTER)


async def _within(work: Any, *, timeout: float, cancelled: asyncio.Event) -> bool:
    """Run `work`; return whether it ended before the time was over or it was cancelled."""
    task = asyncio.ensure_future(work)
    stop = asyncio.ensure_future(cancelled.wait())
    try:
        await asyncio.wait({task, stop}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        return False
    finally:
        for pending in (task, stop):
            pending.cancel()
        await asyncio.gather(task, stop, return_exceptions=True)


def _parse_jsonpath(text: str) -> JsonPath:
    # `==` belongs to a filter inside the path; a single `=` separates path and value.
    parts = re.split(r"(?<![=])=(?![=])", text)
    path, value = parts[0], "".join(parts[1:2])
    if len(parts) > 2:
        quoted = json.dumps(text)
        raise PluginError(f"format should be {{.path}}=value or {{.path}}, got {quoted}")
    if len(parts) == 2 and not value:
        raise PluginError(f"{path}= requires a value")
    if path.startswith("'") and path.endswith("'"):
        raise PluginError(f"{path} should omit shell quotes")
    inner = re.search(r"\{\s*(.*?)\s*\}", path)
    if inner is None:
        raise PluginError(f"{path} should be wrapped in brackets {{ ... }}")
    query = inner[1] if inner[1].startswith("$") else f"${inner[1]}"
    if inner[1].count("&&") > 1:
        # The official plugin's parser, of the same standard, stumbles over a third term.
        raise PluginError(f"parsing {json.dumps(path)}: jsonpath: unexpected '&'")

    # Slow to import, and by now the object to wait for has been made.
    import jsonpath_rfc9535

    try:
        compiled = jsonpath_rfc9535.compile(query)
    except jsonpath_rfc9535.JSONPathError as error:
        raise PluginError(f"parsing {json.dumps(path)}: {error}") from None

    def select(obj: Mapping[str, Any]) -> Sequence[Any]:
        return compiled.find(dict(obj)).values()

    return JsonPath(path, select, value)


def _is_stale(obj: Mapping[str, Any], observed: Any) -> bool:
    generation = _dig(obj, "metadata", "generation")
    return isinstance(generation, int) and isinstance(observed, int) and observed < generation


def _generation(obj: Mapping[str, Any]) -> int:
    generation = _dig(obj, "metadata", "generation")
    return generation if isinstance(generation, int) else 0


def _spell(value: Any) -> str:
    """Spell a value as Go prints it."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        entries = (f"{key}:{_spell(item)}" for key, item in sorted(value.items()))
        return f"map[{' '.join(entries)}]"
    if isinstance(value, list):
        return f"[{' '.join(map(_spell, value))}]"
    return str(value)


def _dig(obj: Mapping[str, Any], *keys: str) -> Any:
    value: Any = obj
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value
