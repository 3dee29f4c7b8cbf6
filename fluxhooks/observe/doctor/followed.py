"""Which repository, and what of it, the Git sources of a Receiver follow."""

import urllib.parse
from collections.abc import Iterable

from fluxhooks.observe.doctor import reached
from fluxhooks.observe.doctor.evidence import ClusterEvidence, FluxObject
from fluxhooks.observe.state import Scope

# What source-controller follows where ``spec.ref`` is absent: ``api/v1/gitrepository_types.go``.
_DEFAULT_BRANCH = "master"


def repositories(receiver: FluxObject, cluster: ClusterEvidence) -> list[FluxObject]:
    """Return the GitRepositories that a Receiver's targets name, match, or are charts of."""
    found: dict[tuple[str, str, str], FluxObject] = {}
    for target in reached.targets(receiver):
        for each in reached.reached(target, receiver.namespace, cluster):
            source = _origin(each, cluster) if each.kind == "HelmChart" else each
            if source is not None and source.kind == "GitRepository":
                found[source.key] = source
    return list(found.values())


def in_scope(sources: Iterable[FluxObject], scope: Scope) -> list[FluxObject]:
    """Return the GitRepositories of a repository, of a project, or of all of a group's
    or an instance's.

    The only one there is, is taken for it also where its URL does not say so: it may name a mirror.
    """
    known = list(sources)
    found = [source for source in known if is_in(source, scope)]
    return found or (known if len(known) == 1 else [])


def is_in(source: FluxObject, scope: Scope) -> bool:
    """Return whether a GitRepository's URL is that of a repository or project, or below a group.

    An instance has them all: which host is its own, nothing here says.
    """
    where, name = f"/{path(source).lower()}", scope.name.lower()
    if scope.kind == "instance":
        return True
    if scope.kind in ("group", "organization"):
        return f"/{name}/" in where
    return where.endswith(f"/{name}")


def branch(source: FluxObject) -> str:
    """Return the branch a GitRepository follows; "" where it follows none."""
    reference = source.spec.get("ref") or {}
    if name := str(reference.get("name") or ""):
        return name.removeprefix("refs/heads/") if name.startswith("refs/heads/") else ""
    if any(reference.get(key) for key in ("commit", "semver", "tag")):
        return ""
    return str(reference.get("branch") or _DEFAULT_BRANCH)


def by_tag(source: FluxObject) -> bool:
    """Return whether a GitRepository follows tags."""
    reference = source.spec.get("ref") or {}
    name = str(reference.get("name") or "")
    if name or reference.get("commit"):
        return name.startswith("refs/tags/")
    return bool(reference.get("semver") or reference.get("tag"))


def follows(source: FluxObject, ref: str) -> bool:
    """Return whether a push of `ref`, as in "refs/heads/main", may change what is fetched."""
    reference = source.spec.get("ref") or {}
    if reference.get("commit") and not reference.get("name"):
        return False
    if ref.startswith("refs/tags/"):
        return by_tag(source)
    return ref == f"refs/heads/{branch(source)}"


def commit(source: FluxObject) -> str:
    """Return the commit of a GitRepository's artifact; "" where it has none.

    Its revision is ``main@sha1:1d0c…``, or ``sha1:1d0c…`` of one that is pinned.
    """
    return source.revision.rpartition(":")[2]


def path(source: FluxObject) -> str:
    """Return the path of a GitRepository's URL, as in "acme/app"."""
    url = str(source.spec.get("url") or "")
    if "://" not in url:
        # As in git@github.com:acme/app.git, which ssh takes.
        url = "ssh://" + url.rpartition("@")[2].replace(":", "/", 1)
    try:
        return urllib.parse.urlsplit(url).path.strip("/").removesuffix(".git")
    except ValueError:
        return ""


def _origin(chart: FluxObject, cluster: ClusterEvidence) -> FluxObject | None:
    reference = chart.spec.get("sourceRef") or {}
    key = (str(reference.get("kind", "")), chart.namespace, str(reference.get("name", "")))
    return cluster.objects.get(key)
