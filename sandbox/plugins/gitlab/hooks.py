"""The three resources: their properties, and what GitLab's REST API calls them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.plugins.errors import PluginError, UnsupportedError

_EVENTS: Final = (
    "confidentialIssuesEvents",
    "confidentialNoteEvents",
    "deploymentEvents",
    "emojiEvents",
    "featureFlagEvents",
    "issuesEvents",
    "jobEvents",
    "mergeRequestsEvents",
    "milestoneEvents",
    "noteEvents",
    "pipelineEvents",
    "pushEvents",
    "releasesEvents",
    "resourceAccessTokenEvents",
    "tagPushEvents",
    "vulnerabilityEvents",
    "wikiPageEvents",
)
_TRUE_BY_DEFAULT: Final = ("pushEvents", "enableSslVerification")
_TEXTS: Final = (
    "branchFilterStrategy",
    "description",
    "name",
    "pushEventsBranchFilter",
    "token",
    "url",
)
REFUSED: Final = ("customHeaders", "customWebhookTemplate", "signingToken", "urlVariables")
SECRETS: Final = ("signingToken", "token")
STRATEGIES: Final = ("wildcard", "regex", "all_branches")


@dataclass(frozen=True)
class HookType:
    """A kind of webhook.

    `parent` is the property that says whose it is, `project` or `group`; "" for the instance's.
    """

    type: str
    parent: str
    events: tuple[str, ...]
    more_outputs: tuple[str, ...]
    replaced_by_any_change: bool

    @property
    def title(self) -> str:
        """What errors call it."""
        return f"GitLab {self.parent or 'system'} hook"

    @property
    def flags(self) -> tuple[str, ...]:
        """The properties that are true or false."""
        return (*self.events, "enableSslVerification")

    @property
    def texts(self) -> tuple[str, ...]:
        """The properties that are texts."""
        if not self.parent:
            return ("description", "name", "token", "url")
        return (*_TEXTS, self.parent)

    @property
    def inputs(self) -> frozenset[str]:
        """Everything a program can give."""
        refused = REFUSED if self.parent else ("signingToken",)
        return frozenset((*self.flags, *self.texts, *refused))

    @property
    def outputs(self) -> tuple[str, ...]:
        """Everything that only GitLab knows."""
        if not self.parent:
            return ("createdAt", "signingTokenPresent", *self.more_outputs)
        return (
            "alertStatus",
            "disabledUntil",
            "hookId",
            f"{self.parent}Id",
            "signingTokenPresent",
            *self.more_outputs,
        )

    @property
    def replacing(self) -> tuple[str, ...]:
        """The properties that GitLab cannot change, or not without forgetting the token."""
        return ("url", self.parent) if self.parent else ("url",)

    def default(self, flag: str) -> bool:
        """What a flag is that the program does not give."""
        return flag in _TRUE_BY_DEFAULT

    def path(self, parent: str, *rest: object) -> tuple[str, ...]:
        """The parts of the path of a webhook's, or of all webhooks', place in the API."""
        place = (f"{self.parent}s", parent) if self.parent else ()
        return (*place, "hooks", *map(str, rest))

    def parameters(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """What of the inputs is sent to GitLab, by GitLab's names."""
        sent = (*self.flags, *(text for text in self.texts if text != self.parent))
        return {snake(key): inputs[key] for key in sent if inputs.get(key) is not None}

    def state(self, hook: Mapping[str, Any], *, parent: str, token: Any) -> dict[str, Any]:
        """The properties of a webhook as GitLab shows it, with the token that it does not show."""
        state: dict[str, Any] = {key: bool(hook.get(snake(key))) for key in self.flags}
        told = (key for key in self.texts if key not in ("token", self.parent))
        state |= {key: hook.get(snake(key)) or "" for key in told}
        state |= {key: hook[snake(key)] for key in self.outputs if hook.get(snake(key)) is not None}
        if self.parent:
            state |= {"customWebhookTemplate": "", "hookId": hook["id"], self.parent: parent}
        state["id"] = f"{parent}:{hook['id']}" if self.parent else str(hook["id"])
        if token is not None:
            state["token"] = token
        return state


PROJECT_HOOK: Final = HookType(
    "gitlab:index/projectHook:ProjectHook",
    "project",
    events=(*_EVENTS, "resourceDeployTokenEvents"),
    more_outputs=("repositoryUpdateEvents",),
    replaced_by_any_change=False,
)
GROUP_HOOK: Final = HookType(
    "gitlab:index/groupHook:GroupHook",
    "group",
    events=(*_EVENTS, "memberEvents", "projectEvents", "subgroupEvents"),
    more_outputs=(),
    replaced_by_any_change=True,
)
# Its API had no edit for long, and the provider replaces it.
SYSTEM_HOOK: Final = HookType(
    "gitlab:index/systemHook:SystemHook",
    "",
    events=("mergeRequestsEvents", "pushEvents", "repositoryUpdateEvents", "tagPushEvents"),
    more_outputs=(),
    replaced_by_any_change=True,
)


def hook_type(urn: str) -> HookType:
    """The kind of webhook that a URN names.

    Raises:
        UnsupportedError: It is no webhook.
    """
    type_ = urn.split("::", 3)[2].rpartition("$")[2]
    for known in (PROJECT_HOOK, GROUP_HOOK, SYSTEM_HOOK):
        if known.type == type_:
            return known
    raise UnsupportedError(f"the type {type_}")


def split_id(kind: HookType, resource_id: str) -> tuple[str, int]:
    """The project or group, "" for the instance, and the webhook's number in it.

    Raises:
        PluginError: The ID is of another form.
    """
    if not kind.parent and resource_id.isdecimal():
        return "", int(resource_id)
    parent, colon, number = resource_id.rpartition(":")
    if not colon or not parent or not number.isdecimal():
        raise PluginError(f'Unexpected ID format ("{resource_id}"). Expected <part1>:<part2>')
    return parent, int(number)


def snake(key: str) -> str:
    """GitLab's name for a property."""
    return re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", key)
