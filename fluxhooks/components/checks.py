"""Checks of a WebhookReceiver's arguments, before anything is registered where a value is known.

Every check names the argument, the value and the cure. A value inside an Output is checked when
it is known, and raises the same ArgumentError.
"""

import datetime
import importlib.util
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi

from fluxhooks.components.args import (
    GiteaArgs,
    GitHubArgs,
    GitLabArgs,
    ResourceRef,
    ScheduleArgs,
    WebhookReceiverArgs,
)
from fluxhooks.components.forges import github_events, gitlab_events
from fluxhooks.components.identity import gcr_secret, oidc_providers
from fluxhooks.components.overrides import Overrides
from fluxhooks.components.token_source import TokenSource, token_source
from fluxhooks.components.values import (
    ANYTHING,
    EXPRESSION,
    HOST,
    OBJECT_NAME,
    SPELLINGS,
    component_name,
    entry,
    known_keys,
    label,
    listed,
    plain,
    seconds,
    suggestion,
    text,
    when_known,
    whole,
)
from fluxhooks.errors import ArgumentError
from fluxhooks.flux import gitea_events, resource_filter, targets
from fluxhooks.flux.generations import declared
from fluxhooks.flux.receiver_types import (
    RECEIVER_TYPES,
    SYSTEM_HOOK,
    Proof,
    ReceiverType,
    default_events,
)
from fluxhooks.flux.schedule import Schedule, as_text, due_after, period, schedule

_API_VERSION: Final = re.compile(r"([a-z0-9.-]+/)?v[a-z0-9]+")
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")
_ORGANIZATION: Final = re.compile(r"[A-Za-z0-9](-?[A-Za-z0-9]){0,38}")
_GITLAB_PATH: Final = r"[A-Za-z0-9_.][A-Za-z0-9_.-]*"
_PROJECT: Final = re.compile(rf"[0-9]+|{_GITLAB_PATH}(/{_GITLAB_PATH})+")
_GROUP: Final = re.compile(rf"{_GITLAB_PATH}(/{_GITLAB_PATH})*")
_GITEA_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_ADDRESS: Final = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9_.~-]+)*/?")


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A WebhookReceiver's arguments with defaults filled in, each known value known to be good.

    Attributes:
        host, namespace: as given, checked.
        github: the repository or the organisation; None where the webhook is not GitHub's.
        gitlab: the project or the group, and the branch filter if there is one, or the instance;
            None where the webhook is not GitLab's.
        gitea: the server, the repository or the organisation, and the branch filter if there is
            one; None where the webhook is not Gitea's.
        resources: the Receiver's ``spec.resources``, with ``apiVersion`` in each.
        events: the webhook's events, as it asks for them.
        accepted: the same as deliveries name them, which is what the Receiver accepts.
        filter: the Receiver's ``spec.resourceFilter``, or None for none.
        identity: what the Secret has beside the token, of whom a Receiver of the type gcr
            believes; empty for others.
        oidc_providers: the Receiver's ``spec.oidcProviders``, or None for none.
        token: where the token comes from, and where a copy of it goes.
        interval: the Receiver's ``spec.interval``, or None for Flux's default.
        authority: who names the live generation, "program", "schedule" or "configuration".
        next_by_schedule: when the next one is due where the authority is "schedule", else "".
        rotate_every: how old a secret is to become, by the configuration; None where it says
            nothing.
        generations: all declared generations, ascending; `live` is one of them.
        drain, verify_timeout: seconds.
        revokes: whether this run may cut off a generation that its sender still calls.
        adopts: whether the webhook, or its sender, calls something now that was made by hand.
    """

    type: ReceiverType
    host: pulumi.Input[str]
    namespace: pulumi.Input[str]
    github: Mapping[str, pulumi.Input[str]] | None
    gitlab: Mapping[str, Any] | None
    gitea: Mapping[str, pulumi.Input[str]] | None
    resources: pulumi.Input[list[dict[str, Any]]]
    events: pulumi.Input[list[str]]
    accepted: pulumi.Input[list[str]]
    filter: pulumi.Input[str] | None
    identity: Mapping[str, pulumi.Input[str]]
    oidc_providers: pulumi.Input[list[dict[str, Any]]] | None
    token: TokenSource
    interval: pulumi.Input[str] | None
    authority: str
    next_by_schedule: str
    rotate_every: datetime.timedelta | None
    live: int
    generations: list[int]
    drain: float
    verify: bool
    verify_timeout: float
    revokes: bool
    adopts: bool

    def due_at(self, created_at: str) -> str:
        """Return when the next rotation is due; `created_at` is the live generation's.

        "" where neither a schedule nor the configuration says so.
        """
        return self.next_by_schedule or due_after(created_at, self.rotate_every)

    @property
    def has_token(self) -> bool:
        """Whether the Receiver has a token, and with it a Secret."""
        return bool(RECEIVER_TYPES[self.type].secret_keys)

    @property
    def takes_probe(self) -> bool:
        """Whether a signed probe can be made that the Receiver takes and does not act on."""
        return self.filter is not None and RECEIVER_TYPES[self.type].proof is not Proof.IDENTITY

    @property
    def managed(self) -> bool:
        """Whether the webhook is made here; else its sender is given the URL by other means."""
        return any(at is not None for at in (self.github, self.gitlab, self.gitea))


def check_args(
    name: str,
    args: WebhookReceiverArgs,
    configured: Mapping[str, Any] | None = None,
    *,
    rotate_every: str | None = None,
    adopting: Mapping[str, Any] | None = None,
) -> Checked:
    """Return `args` checked and completed.

    Args:
        name: the component's logical name, from which its objects are named.
        args: the arguments, as a mapping; other languages' programs send a plain one.
        configured: the stack's configuration ``fluxhooks:generations``, if there is one.
        rotate_every: the stack's configuration ``fluxhooks:rotate_every``, if there is one.
        adopting: the stack's configuration ``fluxhooks:adopting``, if there is one.

    Raises:
        ArgumentError: a known value cannot work.
        SettingError: the environment of this run has a value that cannot work.
    """
    plain("args", args, Mapping)
    values: dict[str, Any] = {key: value for key, value in args.items() if value is not None}
    known_keys("args", values, WebhookReceiverArgs.__annotations__)
    for key in sorted(WebhookReceiverArgs.__required_keys__):
        if key not in values:
            raise ArgumentError(key, f"is missing; give {_EXAMPLES[key]}")
    component_name(name)
    forge = _forge(values)
    receiver_type = _type(forge, values.get("type"))
    gitlab = _gitlab(values["gitlab"]) if forge == "gitlab" else None
    sender = _gitlabs(gitlab) if gitlab is not None else forge
    scheduled, today = _schedule(values), datetime.datetime.now(datetime.UTC).date()
    if scheduled is not None:
        if not forge:
            raise ArgumentError(
                "schedule",
                "is for a webhook that is made here: a sender that is told by hand does not hear "
                "that the day has come; remove it, and use fluxhooks rotate",
            )
        _schedule_alone(name, scheduled, scheduled.generation(today), configured or {})
        values["generation"] = scheduled.generation(today)
    live, generations = _generations(name, values, configured or {})
    overrides = Overrides.read()
    resources = when_known(values["resources"], lambda known: _resources(receiver_type, known))
    events = when_known(
        {"events": values.get("events"), "resources": resources},
        lambda known: _events(receiver_type, sender, known["events"], known["resources"]),
    )
    return Checked(
        type=receiver_type,
        host=when_known(values["host"], _host),
        namespace=when_known(
            values.get("namespace", "flux-system"), lambda v: label("namespace", v)
        ),
        github=_github(values["github"]) if forge == "github" else None,
        gitlab=gitlab,
        gitea=_gitea(values["gitea"]) if forge == "gitea" else None,
        resources=resources,
        events=events,
        accepted=_accepted(sender, events),
        filter=_filter(receiver_type, values.get("resource_filter"), sender, events),
        identity=gcr_secret(receiver_type, values.get("gcr")),
        oidc_providers=oidc_providers(receiver_type, values.get("oidc_providers")),
        token=token_source(receiver_type, values, retains=len(generations) > 1),
        interval=when_known(values.get("interval"), _interval),
        authority=_authority(values),
        next_by_schedule="" if scheduled is None else as_text(scheduled.due(today)),
        rotate_every=None
        if rotate_every is None
        else period("fluxhooks:rotate_every", rotate_every),
        live=live,
        generations=generations,
        drain=seconds("drain", values.get("drain", "30s"))
        if overrides.drain is None
        else overrides.drain,
        verify=plain("verify", values.get("verify", True), bool) and overrides.verify,
        verify_timeout=seconds("verify_timeout", values.get("verify_timeout", "60s")),
        revokes=overrides.revoke,
        adopts=name in (adopting or {}),
    )


def applier_warnings(resources: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each of a Receiver's `resources` that is an applier, not a source."""
    return [
        f"resources[{index}] targets the applier {ref['kind']}/{ref['name']}: it follows its "
        "source inside the cluster and needs no webhook; target that source instead"
        for index, ref in enumerate(resources)
        if ref["kind"] in targets.APPLIERS
    ]


_EXAMPLES: Final = {
    "gitea": '{"url": "https://gitea.example.com", "owner": "acme", "repository": "app"}',
    "github": '{"repository": "app"}',
    "gitlab": '{"project": "acme/app"}',
    "host": 'the public host of webhook-receiver, such as "flux.example.com"',
    "resources": '[{"kind": "GitRepository", "name": "app"}]',
    "schedule": '{"every": "90d", "since": "2026-01-31"}',
}


def _interval(value: Any) -> str | None:
    if value is None:
        return None
    seconds("interval", value)
    return str(value)


def _forge(values: Mapping[str, Any]) -> str:
    given = [forge for forge in _TYPES if forge in values]
    if len(given) > 1:
        raise ArgumentError(
            given[1],
            f"is given beside {given[0]}; give one, and declare a second WebhookReceiver",
        )
    if not given and "type" not in values:
        raise ArgumentError(
            "github",
            f"is missing; give {_EXAMPLES['github']}, or gitlab {_EXAMPLES['gitlab']}, or gitea "
            f"{_EXAMPLES['gitea']}, or the type of a sender that is given the URL by hand",
        )
    return given[0] if given else ""


_TYPES: Final = {
    "github": ReceiverType.GITHUB,
    "gitlab": ReceiverType.GITLAB,
    # It signs and names its deliveries as GitHub does, besides its own way.
    "gitea": ReceiverType.GITHUB,
}


def _type(forge: str, value: Any) -> ReceiverType:
    if value is None:
        return _TYPES[forge]
    if plain("type", value, str) not in set(ReceiverType):
        raise ArgumentError(
            "type",
            f"{value!r} is not a receiver type{suggestion(value, ReceiverType)}; "
            f"Flux has {listed(ReceiverType)}",
        )
    if forge and value != _TYPES[forge]:
        raise ArgumentError(
            "type",
            f"{str(value)!r} is not what {forge} sends to; remove it, or remove {forge} and give "
            "the URL to the sender by hand",
        )
    return ReceiverType(value)


def _authority(values: Mapping[str, Any]) -> str:
    if "schedule" in values:
        return "schedule"
    return "program" if "generation" in values else "configuration"


def _schedule(values: Mapping[str, Any]) -> Schedule | None:
    if "schedule" not in values:
        return None
    if "generation" in values:
        raise ArgumentError(
            "schedule", "is given beside generation; one of them decides: remove the other"
        )
    given = plain("schedule", values["schedule"], Mapping)
    known_keys("schedule", given, ScheduleArgs.__annotations__)
    for key in sorted(ScheduleArgs.__required_keys__):
        if given.get(key) is None:
            raise ArgumentError(f"schedule.{key}", f"is missing; give {_EXAMPLES['schedule']}")
    extra = given.get("extra")
    return schedule(
        given["every"], given["since"], 0 if extra is None else extra, argument="schedule."
    )


def _generations(
    name: str, values: Mapping[str, Any], configured: Mapping[str, Any]
) -> tuple[int, list[int]]:
    if "generation" in values:
        live, retained = values["generation"], values.get("retained", [])
        paths = ["generation", "retained"]
    else:
        origin = f"fluxhooks:generations.{name}"
        if not isinstance(configured, Mapping):
            raise ArgumentError(
                "fluxhooks:generations",
                f"{configured!r} is not a mapping of components' names; "
                f"pulumi config set --path '{origin}.live' 1",
            )
        entry = configured.get(name, {})
        if not isinstance(entry, Mapping):
            raise ArgumentError(
                origin,
                f'{entry!r} is not a mapping such as {{"live": 2, "retained": [1]}}; '
                f"pulumi config set --path '{origin}.live' 1",
            )
        live, retained = entry.get("live", 1), entry.get("retained", [])
        paths = [f"{origin}.live", f"{origin}.retained"]
        if "retained" in values:
            retained, paths[1] = values["retained"], "retained"
    live = whole(paths[0], live)
    if "generation" in values:
        _one_authority(name, live, configured)
    plain(paths[1], retained, Sequence)
    numbers = [whole(f"{paths[1]}[{i}]", number) for i, number in enumerate(retained)]
    try:
        return live, declared(live, numbers)
    except ValueError as error:
        raise ArgumentError(paths[0] if live < 1 else paths[1], str(error)) from None


def _configured_live(name: str, configured: Mapping[str, Any]) -> Any:
    entry = configured.get(name) if isinstance(configured, Mapping) else None
    return entry.get("live") if isinstance(entry, Mapping) else None


def _schedule_alone(
    name: str, scheduled: Schedule, due: int, configured: Mapping[str, Any]
) -> None:
    other = _configured_live(name, configured)
    # An equal number would be another one on the day the next is due.
    if other is not None:
        key = f"fluxhooks:generations.{name}"
        ahead = other - due if isinstance(other, int) else 0
        kept = f" and give it extra {scheduled.extra + ahead}" if ahead > 0 else ""
        raise ArgumentError(
            "schedule",
            f"gives {due}, and the configuration {key}.live says {other!r}; one place decides: "
            f"remove the schedule, or keep it{kept} and pulumi config rm --path '{key}'",
        )


def _one_authority(name: str, live: int, configured: Mapping[str, Any]) -> None:
    other = _configured_live(name, configured)
    if other not in (None, live):
        key = f"fluxhooks:generations.{name}"
        raise ArgumentError(
            "generation",
            f"{live} stands in the program and {other!r} in the configuration {key}.live; one "
            f"place decides: remove the argument, or pulumi config rm --path '{key}'",
        )


def _host(value: Any) -> str:
    if isinstance(value, str) and "://" in value:
        cure = "has a scheme; give the bare host, as in 'flux.example.com' (https is always used)"
    elif isinstance(value, str) and "/" in value:
        cure = "has a path; give the bare host: Flux serves exactly /hook/<digest>, no prefix"
    else:
        cure = "is not a host such as 'flux.example.com' or 'flux.example.com:8443'"
    return text("host", value, HOST, cure)


def _github(value: Any) -> dict[str, pulumi.Input[str]]:
    if isinstance(value, pulumi.Output):
        return {"repository": value.apply(_repository_of)}
    if not isinstance(value, Mapping):
        raise ArgumentError("github", f"{value!r} is not a mapping; give {_EXAMPLES['github']}")
    at = {str(key): name for key, name in value.items() if name is not None}
    known_keys("github", at, GitHubArgs.__annotations__)
    if len(at) != 1:
        raise ArgumentError(
            "github",
            f"names {' and '.join(sorted(at)) or 'neither repository nor organization'}; give one "
            f"of them, as in {_EXAMPLES['github']}",
        )
    return {key: when_known(at[key], check) for key, check in _GITHUB.items() if key in at}


def _repository_of(value: Any) -> pulumi.Input[str]:
    at = _github(value)
    if "repository" not in at:
        raise ArgumentError(
            "github", "names an organization, and is an Output; give it as a plain mapping"
        )
    return at["repository"]


def _repository(value: Any) -> str:
    if isinstance(value, str) and "/" in value:
        owner, _, bare = value.rstrip("/").rpartition("/")
        raise ArgumentError(
            "github.repository",
            f"{value!r} names an owner; give the bare name {bare!r} and set the owner on the "
            f"provider: pulumi config set github:owner {owner.rpartition('/')[2]}",
        )
    return text("github.repository", value, _REPOSITORY, "is not a repository's name")


def _organization(value: Any) -> str:
    cure = "is not an organisation's name, such as 'acme'"
    return text("github.organization", value, _ORGANIZATION, cure)


_GITHUB: Final[dict[str, Callable[[Any], str]]] = {
    "repository": _repository,
    "organization": _organization,
}


def _gitlab(value: Any) -> dict[str, Any]:
    at = entry("gitlab", value, GitLabArgs)
    given = [key for key in ("project", "group", "system_hook") if key in at]
    if len(given) != 1:
        raise ArgumentError(
            "gitlab",
            f"names {' and '.join(given) or 'neither project nor group'}; give one of them, as in "
            f"{_EXAMPLES['gitlab']}",
        )
    if "system_hook" in at:
        _system_hook(at)
    if importlib.util.find_spec("pulumi_gitlab") is None:
        raise ArgumentError(
            "gitlab", "needs Pulumi's GitLab provider: pip install 'fluxhooks[gitlab]'"
        )
    return {key: when_known(at[key], check) for key, check in _GITLAB.items() if key in at}


def _gitlabs(at: Mapping[str, Any]) -> str:
    kinds = {"project": "project", "group": "group", "system_hook": "instance"}
    return next(kind for key, kind in kinds.items() if key in at)


def _system_hook(at: Mapping[str, Any]) -> None:
    if plain("gitlab.system_hook", at["system_hook"], bool) is False:
        raise ArgumentError(
            "gitlab.system_hook", f"is False; remove it, and give {_EXAMPLES['gitlab']}"
        )
    if "push_events_branch_filter" in at:
        raise ArgumentError(
            "gitlab.push_events_branch_filter",
            "is not for an instance's webhook; remove it, and filter each target, as in "
            "req.ref == 'refs/heads/main'",
        )


def _accepted(sender: str, events: Any) -> Any:
    if sender == "gitea":
        return when_known(events, gitea_events.delivered)
    # All its deliveries have that name.
    return [SYSTEM_HOOK] if sender == "instance" else events


def _project(value: Any) -> str:
    cure = "is not a project's ID or full path, such as 'acme/app'"
    return text("gitlab.project", value, _PROJECT, cure)


def _group(value: Any) -> str:
    return text("gitlab.group", value, _GROUP, "is not a group's ID or full path")


def _branches(value: Any) -> str:
    path = "gitlab.push_events_branch_filter"
    return text(path, value, ANYTHING, "names no branch; remove it, and all branches are sent")


_GITLAB: Final[dict[str, Callable[[Any], Any]]] = {
    "project": _project,
    "group": _group,
    "system_hook": bool,
    "push_events_branch_filter": _branches,
}


def _gitea(value: Any) -> dict[str, pulumi.Input[str]]:
    plain("gitea", value, Mapping)
    at = {str(SPELLINGS.get(k, k)): v for k, v in value.items() if v is not None}
    known_keys("gitea", at, GiteaArgs.__annotations__)
    given = sorted(at.keys() & {"organization", "owner", "repository"})
    if given not in (["organization"], ["owner", "repository"]):
        raise ArgumentError(
            "gitea",
            f"names {' and '.join(given) or 'no repository'}; give owner and repository, or "
            f"organization alone, as in {_EXAMPLES['gitea']}",
        )
    if "url" not in at:
        raise ArgumentError("gitea.url", f"is missing, as in {_EXAMPLES['gitea']}")
    return {key: when_known(at[key], check) for key, check in _GITEA.items() if key in at}


def _address(value: Any) -> str:
    if isinstance(value, str) and "/api/" in f"{value}/":
        cure = "is that of its API; give the server's address as people open it"
        raise ArgumentError("gitea.url", f"{value!r} {cure}")
    cure = "is not a server's address, such as 'https://gitea.example.com'"
    return text("gitea.url", value, _ADDRESS, cure).rstrip("/")


def _gitea_repository(value: Any) -> str:
    if isinstance(value, str) and "/" in value:
        owner, _, bare = value.strip("/").rpartition("/")
        raise ArgumentError(
            "gitea.repository",
            f"{value!r} names an owner; give the bare name {bare!r}, and owner "
            f"{owner.rpartition('/')[2]!r} beside it",
        )
    return text("gitea.repository", value, _GITEA_NAME, "is not a repository's name")


def _gitea_name(key: str, what: str) -> Callable[[Any], str]:
    return lambda value: text(f"gitea.{key}", value, _GITEA_NAME, f"is not {what}, such as 'acme'")


def _branch_filter(value: Any) -> str:
    path = "gitea.branch_filter"
    return text(path, value, ANYTHING, "names no branch; remove it, and all branches are sent")


_GITEA: Final[dict[str, Callable[[Any], str]]] = {
    "url": _address,
    "owner": _gitea_name("owner", "an owner's name"),
    "repository": _gitea_repository,
    "organization": _gitea_name("organization", "an organisation's name"),
    "branch_filter": _branch_filter,
}


def _resources(receiver_type: ReceiverType, value: Any) -> list[dict[str, Any]]:
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence) or not value:
        raise ArgumentError(
            "resources", f"{value!r} names no target; give {_EXAMPLES['resources']}"
        )
    return [_resource(receiver_type, f"resources[{index}]", ref) for index, ref in enumerate(value)]


def _resource(receiver_type: ReceiverType, path: str, ref: Any) -> dict[str, Any]:
    if not isinstance(ref, Mapping):
        raise ArgumentError(path, f'{ref!r} is not a mapping such as {{"kind": …, "name": …}}')
    ref = {SPELLINGS.get(k, k): v for k, v in ref.items() if v is not None}
    known_keys(path, ref, ResourceRef.__annotations__)
    kind, name = ref.get("kind"), ref.get("name")
    if not isinstance(kind, str) or kind not in targets.KINDS:
        raise ArgumentError(
            f"{path}.kind",
            f"{kind!r} is not a kind a Receiver can name{suggestion(kind, targets.KINDS)}; "
            f"sources are {listed(targets.SOURCES)}",
        )
    labels = ref.get("match_labels")
    if labels is not None and not _is_labels(labels):
        raise ArgumentError(
            f"{path}.match_labels", f'{labels!r} is not a mapping of texts such as {{"team": "a"}}'
        )
    if name == "*" and not labels:
        raise ArgumentError(
            f"{path}.name",
            "'*' needs match_labels: Flux answers 500 without them; name labels or one object",
        )
    if labels and name != "*":
        raise ArgumentError(
            f"{path}.match_labels", f"is ignored with the name {name!r}; use the name '*'"
        )
    if name != "*":
        text(f"{path}.name", name, OBJECT_NAME, "is not a Kubernetes name")
    api_version = ref.get("api_version", targets.KINDS[kind])
    text(f"{path}.api_version", api_version, _API_VERSION, "is not an apiVersion such as 'g/v1'")
    checked = {
        "apiVersion": api_version,
        "kind": kind,
        "name": name,
    }
    if "namespace" in ref:
        checked["namespace"] = label(f"{path}.namespace", ref["namespace"])
    if labels:
        checked["matchLabels"] = dict(labels)
    if "filter" in ref:
        checked["filter"] = _with_probe(receiver_type, f"{path}.filter", ref["filter"])
    return checked


def _is_labels(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(text, str) for item in value.items() for text in item
    )


def _events(receiver_type: ReceiverType, sender: str, events: Any, resources: Any) -> list[str]:
    facts = RECEIVER_TYPES[receiver_type]
    if facts.event_header is None:
        if events is not None:
            raise ArgumentError(
                "events",
                f"is not looked at by Receivers of the type {receiver_type}; remove it, and "
                "choose with resource_filter",
            )
        return []
    if events is None:
        kinds = [ref["kind"] for ref in resources]
        defaults = default_events(receiver_type, kinds)
        known = {"gitea": gitea_events.EVENTS, "instance": gitlab_events.EVENTS["instance"]}
        if sender in known:
            defaults = [event for event in defaults if event in known[sender]]
        if not defaults:
            raise ArgumentError(
                "events",
                f"is missing, and no event of {receiver_type} tells of a change in "
                f"{listed(set(kinds))}; name the events that should reconcile them",
            )
        return defaults
    example = "Push Hook" if receiver_type is ReceiverType.GITLAB else "push"
    if isinstance(events, str) or not isinstance(events, Sequence) or not events:
        raise ArgumentError("events", f"{events!r} is not a list of events such as [{example!r}]")
    for index, event in enumerate(events):
        _event(f"events[{index}]", event, sender)
    sent = sorted({str(event) for event in events} - {facts.ping})
    if not sent:
        raise ArgumentError("events", f"{events!r} tells of no change; name one such as 'push'")
    return sent


def _event(path: str, event: Any, sender: str) -> None:
    if sender == "":
        # Which events somebody's sender has is not known here.
        text(path, event, ANYTHING, "is not the name of an event")
    elif sender == "github":
        if isinstance(event, str) and event in github_events.EVENTS:
            return
        bare = str(event).partition(".")[0]
        cure = (
            f"; events have no action here, give {bare!r} and filter on req.action"
            if bare != event and bare in github_events.EVENTS
            else suggestion(event, github_events.EVENTS)
        )
        raise ArgumentError(path, f"{event!r} is not an event of GitHub{cure}")
    elif sender == "gitea":
        if not isinstance(event, str) or event not in gitea_events.EVENTS:
            cure = suggestion(event, gitea_events.EVENTS)
            raise ArgumentError(path, f"{event!r} is not an event of Gitea{cure}")
    else:
        flags = gitlab_events.EVENTS[sender]
        if isinstance(event, str) and event in flags:
            return
        # GitLab's API and its user interface name the same events otherwise.
        names = {flag: name for name, flag in flags.items()}
        flag = re.sub(r"\W+", "_", str(event).strip().lower()).removesuffix("_hook")
        near = names.get(flag) or names.get(f"{flag.removesuffix('_events')}_events")
        cure = f", did you mean {near!r}?" if near else suggestion(event, flags)
        what = f"a GitLab {sender}" if sender != "instance" else "a GitLab instance's system hook"
        if sender == "instance" and not cure:
            cure = f"; it has {listed(flags)}"
        raise ArgumentError(path, f"{event!r} is not an event of {what}{cure}")


def _filter(receiver_type: ReceiverType, value: Any, sender: str, events: Any) -> Any:
    if sender == "instance":
        return when_known(
            {"events": events, "value": value},
            lambda known: _of_system(receiver_type, known["events"], known["value"]),
        )
    if value is None and not RECEIVER_TYPES[receiver_type].json_objects:
        return None
    return when_known(value, lambda known: _with_probe(receiver_type, "resource_filter", known))


def _of_system(receiver_type: ReceiverType, events: list[str], value: Any) -> str:
    told = gitlab_events.system_filter(events)
    if value is None:
        return resource_filter.with_probe(told)
    # The user's is judged by itself, so that what is said is of what the user wrote.
    _with_probe(receiver_type, "resource_filter", value)
    return resource_filter.with_probe(f"({told}) && ({value})")


def _with_probe(receiver_type: ReceiverType, path: str, value: Any) -> str:
    if value is None:
        return resource_filter.with_probe(None)
    joined = resource_filter.with_probe(text(path, value, EXPRESSION, "is not a CEL expression"))
    identified = receiver_type is ReceiverType.GENERIC_OIDC
    if wrong := resource_filter.refusal(joined, identified=identified):
        raise ArgumentError(path, f"{value!r} {wrong}")
    return joined
