"""The program whose WebhookReceivers would reach what no Receiver reaches.

Which repository sends is guessed from the addresses of the sources; a guess is marked as one.
"""

import json
import re
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from fluxhooks.observe.listing import Listing, Source

_DEFAULT_NAMESPACE: Final = "flux-system"

# What the hosts of the forges are called where they are asked otherwise.
_ALIASES: Final = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}

_GITHUB_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")
_GITEA_HOST: Final = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
_GITLAB_PROJECT: Final = re.compile(r"[0-9]+|[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)+", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Who would send: a repository at GitHub or Gitea, a project at GitLab, or one told by hand.

    Attributes:
        forge: "github", "gitlab", "gitea", or "" where the sender is told by hand.
        server: the forge's host; Gitea's address.
        owner: the repository's at GitHub and Gitea.
        name: of the repository; ID or full path of the project; what is sent for, otherwise.
        type: of the Receiver where the sender is told by hand.
        note: what is to be looked at.
    """

    forge: str = ""
    server: str = ""
    owner: str = ""
    name: str = ""
    type: str = ""
    note: str = field(default="", compare=False)


def sender(source: Source, url: str) -> Sender:
    """Return who would tell of changes at `url`, which `source` is fetched from."""
    try:
        parts = urllib.parse.urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return _by_hand(source, "its address cannot be read")
    host = _ALIASES.get(host, host)
    path = [urllib.parse.unquote(part) for part in parts.path.split("/") if part]
    if source.kind == "GitRepository":
        return _git(source, host, path, parts)
    if source.kind == "HelmRepository":
        return _helm(source, host, path)
    if source.kind == "Bucket":
        return _by_hand(source, "sent on the bucket's events, by a function of the provider's")
    return _registry(source, host, path)


def _git(source: Source, host: str, path: list[str], url: urllib.parse.SplitResult) -> Sender:
    path = [*path[:-1], path[-1].removesuffix(".git")] if path else []
    if host == "github.com" or host.startswith("github."):
        return _github(source, host, path)
    if "gitlab" in host:
        return _gitlab(source, host, "/".join(path))
    if host == "codeberg.org" or "gitea" in host or "forgejo" in host:
        return _gitea(source, url, path)
    if "bitbucket" in host:
        return _by_hand(source, "a webhook of Bitbucket", "bitbucket")
    return _by_hand(source, f"by what tells of pushes at {host or 'its host'}")


def _helm(source: Source, host: str, path: list[str]) -> Sender:
    pages = "guessed: the repository whose pages are the chart repository"
    if host.endswith(".github.io"):
        owner = host.removesuffix(".github.io")
        return _github(source, "github.com", [owner, path[0] if path else host], pages)
    if host == "raw.githubusercontent.com":
        return _github(source, "github.com", path)
    if path[:3] == ["api", "v4", "projects"] and len(path) > 3:
        return _gitlab(source, host, path[3])
    if host.endswith(".gitlab.io") and path:
        project = f"{host.removesuffix('.gitlab.io')}/{path[0]}"
        return _gitlab(source, "gitlab.com", project, pages)
    return _by_hand(source, "by the job that publishes the charts")


def _registry(source: Source, host: str, path: list[str]) -> Sender:
    if path:
        path = [*path[:-1], re.split("[:@]", path[-1])[0]]
    if host == "ghcr.io":
        return _github(
            source, "github.com", path, "guessed: the repository that the package is linked to"
        )
    if host == "registry.gitlab.com":
        project = path if len(path) < 3 else path[:-1]
        return _gitlab(
            source, "gitlab.com", "/".join(project), "guessed: the project of the registry"
        )
    return _by_hand(source, "by the job that pushes the artifact")


def _github(source: Source, server: str, path: list[str], note: str = "") -> Sender:
    if len(path) < 2 or not all(_GITHUB_NAME.fullmatch(part) for part in path[:2]):
        return _by_hand(source, "its address names no repository")
    return Sender(forge="github", server=server, owner=path[0], name=path[1], note=note)


def _gitlab(source: Source, server: str, project: str, note: str = "") -> Sender:
    if not _GITLAB_PROJECT.fullmatch(project):
        return _by_hand(source, "its address names no project")
    return Sender(forge="gitlab", server=server, name=project, note=note)


def _gitea(source: Source, url: urllib.parse.SplitResult, path: list[str]) -> Sender:
    web = url.scheme in ("http", "https")
    # The port of SSH is not that of the API.
    host = url.netloc.rpartition("@")[2] if web else str(url.hostname)
    names = len(path) > 1 and all(_GITHUB_NAME.fullmatch(part) for part in path)
    if not names or not _GITEA_HOST.fullmatch(host):
        return _by_hand(source, "its address names no repository", "github")
    *below, owner, name = path
    server = "/".join([f"{url.scheme if web else 'https'}://{host}", *below])
    return Sender(forge="gitea", server=server, owner=owner, name=name)


def _by_hand(source: Source, note: str, type_: str = "generic-hmac") -> Sender:
    # One for each: who sends is not known to be the same.
    name = "/".join((source.kind, source.namespace, source.name))
    return Sender(name=name, type=type_, note=note)


def program(
    uncovered: Iterable[Source],
    listing: Listing,
    *,
    host: str = "",
    taken: Iterable[str] = (),
    cross_namespace: bool = True,
) -> str:
    """Return the Python program that declares a WebhookReceiver for each sender.

    Args:
        uncovered: the sources it is to reach.
        listing: where the repositories of charts are looked up.
        host: the public host of webhook-receiver; one to be replaced when absent.
        taken: names that other WebhookReceivers have.
        cross_namespace: whether one Receiver may reach several namespaces.
    """
    groups: dict[tuple[Sender, str], list[Source]] = {}
    notes: dict[tuple[Sender, str], list[str]] = {}
    for source in uncovered:
        who = sender(source, _url(source, listing))
        key = (who, "" if cross_namespace else source.namespace)
        groups.setdefault(key, []).append(source)
        notes.setdefault(key, []).extend([str(source), who.note])
    names, providers = set(taken), _Providers()
    declared = [
        _declaration(key[0], sources, _free(_name(key[0], sources), names), providers, notes[key])
        for key, sources in groups.items()
    ]
    example = host or "flux.example.com"
    return "\n".join(
        [
            '"""WebhookReceivers for what no Receiver reaches, guessed from the sources: read it',
            "first, and take out what is not yours: nobody makes webhooks at others'",
            'repositories."""',
            "",
            "import pulumi",
            *sorted(providers.imports),
            "",
            "from fluxhooks import WebhookReceiver, WebhookReceiverArgs",
            "",
            f"HOST = {_quoted(example)}  # the public host of Flux's Service webhook-receiver",
            *(("",) if providers.lines else ()),
            *providers.lines,
            *declared,
            "",
        ]
    )


class _Providers:
    """The providers of the forges, one for each owner and server."""

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.lines: list[str] = []
        self._known: dict[tuple[str, str, str], str] = {}
        self._names: set[str] = set()

    def of(self, who: Sender) -> str:
        """Return the name of a sender's provider; "" where the default one does."""
        key = (who.forge, who.server, who.owner)
        if key in self._known or key == ("gitlab", "gitlab.com", ""):
            return self._known.get(key, "")
        public = who.server == "github.com"
        name = _slug("-".join([who.forge, *([] if public else [who.server]), who.owner]))
        name = _free(name, self._names)
        self._known[key] = _identifier(name)
        given = {"owner": who.owner} if who.owner else {}
        if not public:
            api = "/api/v4/" if who.forge == "gitlab" else "/"
            given["base_url"] = f"https://{who.server}{api}"
        arguments = ", ".join(f"{key}={_quoted(value)}" for key, value in given.items())
        self.imports.add(f"import pulumi_{who.forge}")
        self.lines.append(
            f"{_identifier(name)} = pulumi_{who.forge}.Provider({_quoted(name)}, {arguments})"
        )
        return _identifier(name)


def _declaration(
    who: Sender, sources: list[Source], name: str, providers: _Providers, notes: list[str]
) -> str:
    namespaces = {source.namespace for source in sources}
    namespace = namespaces.pop() if len(namespaces) == 1 else _DEFAULT_NAMESPACE
    provider = providers.of(who) if who.forge in ("github", "gitlab") else ""
    comments = dict.fromkeys(" ".join(note.split()) for note in notes if note)
    lines = ["", *(f"# {comment}" for comment in comments)]
    variable = f"hook_{_identifier(name)}"
    lines += [
        f"{variable} = WebhookReceiver(" if not who.forge else "WebhookReceiver(",
        f"    {_quoted(name)},",
        "    WebhookReceiverArgs(",
        "        host=HOST,",
    ]
    if who.forge:
        at = {"project" if who.forge == "gitlab" else "repository": who.name}
        if who.forge == "gitea":
            at = {"url": who.server, "owner": who.owner, **at}
        fields = ", ".join(f"{_quoted(key)}: {_quoted(value)}" for key, value in at.items())
        lines.append(f"        {who.forge}={{{fields}}},")
    else:
        lines.append(f"        type={_quoted(who.type)},")
    if namespace != _DEFAULT_NAMESPACE:
        lines.append(f"        namespace={_quoted(namespace)},")
    lines.append("        resources=[")
    for source in sources:
        ref = {"kind": source.kind, "name": source.name}
        if source.namespace != namespace:
            ref["namespace"] = source.namespace
        fields = ", ".join(f"{_quoted(key)}: {_quoted(value)}" for key, value in ref.items())
        lines.append(f"            {{{fields}}},")
    lines += ["        ],", "    ),"]
    if provider:
        lines.append(f"    pulumi.ResourceOptions(providers=[{provider}]),")
    lines.append(")")
    if not who.forge:
        lines += [
            f"pulumi.export({_quoted(f'{name}-url')}, {variable}.hook_url)",
            f"pulumi.export({_quoted(f'{name}-token')}, {variable}.token)",
        ]
    return "\n".join(lines)


def _url(source: Source, listing: Listing) -> str:
    if source.kind != "HelmChart":
        return source.url
    repository = (source.chart_of[0], source.namespace, source.chart_of[1])
    return next((found.url for found in listing.sources if found.key == repository), "")


def _name(who: Sender, sources: list[Source]) -> str:
    if not who.forge or who.name.isdigit():
        return _slug(sources[0].name)
    return _slug(who.name.rpartition("/")[2])


def _slug(text: str) -> str:
    # As WebhookReceiver wants its name, with room for a number.
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")[:44].strip("-") or "source"


def _free(name: str, names: set[str]) -> str:
    free, count = name, 1
    while free in names:
        count += 1
        free = f"{name}-{count}"
    names.add(free)
    return free


def _identifier(name: str) -> str:
    return name.replace("-", "_")


def _quoted(text: str) -> str:
    return json.dumps(text)
