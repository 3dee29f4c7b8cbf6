"""What the engine calls to make, look at, change and delete a webhook of Gitea's or Forgejo's.

It runs in a process of its own, which reads the token from the environment; no state has it. The
state names this class by its module, so both names are for good: a state of today must be read
by the fluxhooks of tomorrow.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, ParamSpec, TypeVar

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.runtime.rpc import UNKNOWN

from fluxhooks.errors import FluxhooksError, ObservationError
from fluxhooks.flux import gitea_events
from fluxhooks.observe.forges.gitea_api import GiteaApi, host, place

# Of a webhook that is there neither is changed: the API takes no secret in an edit.
_PLACE: Final = ("server", "owner", "repository", "organization")
_REPLACES: Final = (*_PLACE, "secret")
_EDITED: Final = ("url", "events", "branch_filter", "active", "content_type")


_T = TypeVar("_T")
_P = ParamSpec("_P")


def _in_short(call: Callable[_P, _T]) -> Callable[_P, _T]:
    """Have a call raise errors of ours with no more of a traceback than is printed anyway."""

    @functools.wraps(call)
    def called(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return call(*args, **kwargs)
        except FluxhooksError as error:
            raise error.with_traceback(None) from None

    return called


class GiteaWebhookProvider(ResourceProvider):
    """Webhooks of repositories and organisations.

    Their inputs: ``server``, ``owner`` and ``repository`` or ``organization``, ``url``, ``secret``,
    ``events``, ``branch_filter``, ``active``, ``content_type``. Outputs are what Gitea has of
    these, with the secret as it was given, and ``hook_id``.
    """

    # It holds nothing, so there is nothing to hide: a state shows which code made it.
    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Ask for the webhooks of where one is to be made or edited: in a preview already.

        What is refused here is told in one line; the engine tells everything else as a traceback.
        """
        failures = []
        changed = any(_olds.get(key) != news.get(key) for key in (*_REPLACES, *_EDITED))
        if changed and all(news.get(key) != UNKNOWN for key in _PLACE):
            try:
                GiteaApi(news["server"]).list_one(_hooks(news), of=_of(news))
            except ObservationError as error:
                failures.append(CheckFailure("", str(error)))
        return CheckResult(news, failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Tell an edit from a replacement; the code that makes it is no difference."""
        changed = [key for key in (*_REPLACES, *_EDITED) if _olds.get(key) != _news.get(key)]
        return DiffResult(
            changes=bool(changed),
            # What a preview does not know is not said to be another secret.
            replaces=[key for key in changed if key in _REPLACES and _news.get(key) != UNKNOWN],
        )

    @_in_short
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Make the webhook, and delete what an earlier try left: Gitea takes equal ones.

        A new one rather than that: of an old one nobody knows that its secret is ours.
        """
        api, hooks, of = GiteaApi(props["server"]), _hooks(props), _of(props)
        left = _calling(props["url"], api.pages(hooks, of=of))
        try:
            made = api.write("POST", hooks, {"type": "gitea", **_wanted(props)}, of=of)
        except ObservationError as error:
            if not error.passing:
                raise
            # It may have been done all the same.
            found = [hook for hook in api.pages(hooks, of=of) if hook["id"] not in left]
            new = _calling(props["url"], found)
            if not new:
                raise
            made = next(hook for hook in found if hook["id"] == max(new))
            left |= new - {made["id"]}
        if unknown := gitea_events.missing(props["events"], made["events"]):
            api.delete(f"{hooks}/{made['id']}", of=of)
            raise ObservationError(
                f"events: Gitea at {host(props['server'])} does not know "
                f"{', '.join(unknown)}, and would send none; remove it, or update Gitea"
            )
        for each in left:
            api.delete(f"{hooks}/{each}", of=of)
        return CreateResult(str(made["id"]), _seen(made, props))

    @_in_short
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Look at the webhook; one that was deleted by hand is gone from the state then."""
        api, hooks, of = GiteaApi(props["server"]), _hooks(props), _of(props)
        found = api.find(f"{hooks}/{id_}", of=of)
        if found is None:
            # Also what a token may not see is answered so; then this fails.
            api.list_one(hooks, of=of)
            return ReadResult("", {})
        return ReadResult(id_, _seen(found, props))

    @_in_short
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Edit the webhook; Gitea keeps its secret, also under another URL."""
        api, hooks, of = GiteaApi(_news["server"]), _hooks(_news), _of(_news)
        if api.find(f"{hooks}/{_id}", of=of) is None:
            api.list_one(hooks, of=of)
            raise ObservationError(
                f"webhook {of} {_id} is gone from Gitea at {host(_news['server'])}; pulumi up "
                "--refresh makes it anew"
            )
        edited = api.write("PATCH", f"{hooks}/{_id}", _wanted(_news), of=of)
        if not gitea_events.asked_for(_news["events"], edited["events"]):
            raise ObservationError(
                f"events: Gitea at {host(_news['server'])} has webhook {of} {_id} send "
                f"{', '.join(sorted(edited['events']))} after the edit, as some versions edit few "
                "events; raise generation, and a new webhook is made with them"
            )
        return UpdateResult(_seen(edited, _news))

    @_in_short
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete the webhook, wherever it went meanwhile."""
        GiteaApi(_props["server"]).delete(f"{_hooks(_props)}/{_id}", of=_of(_props))


def _hooks(props: Mapping[str, Any]) -> str:
    names = {key: props.get(key) or "" for key in ("owner", "repository", "organization")}
    return f"{place(**names)}/hooks"


def _of(props: Mapping[str, Any]) -> str:
    return str(props.get("organization") or f"{props.get('owner')}/{props.get('repository')}")


def _calling(url: str, hooks: Iterable[Mapping[str, Any]]) -> set[int]:
    return {hook["id"] for hook in hooks if (hook.get("config") or {}).get("url") == url}


def _wanted(props: Mapping[str, Any]) -> dict[str, Any]:
    config = {key: props[key] for key in ("url", "secret", "content_type")}
    # All of it in an edit, too: what is absent there is taken away.
    return {"config": config, **{key: props[key] for key in ("active", "branch_filter", "events")}}


def _seen(hook: Mapping[str, Any], props: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a webhook is seen to have, in the words of its inputs where it is the same."""
    config = hook.get("config") or {}
    events = list(hook.get("events") or ())
    same = gitea_events.asked_for(props["events"], events)
    return {
        **{key: value for key, value in props.items() if not key.startswith("__")},
        "active": hook["active"],
        "branch_filter": hook.get("branch_filter") or "",
        "content_type": config.get("content_type"),
        "events": props["events"] if same else sorted(events),
        "hook_id": str(hook["id"]),
        "url": config.get("url"),
    }
