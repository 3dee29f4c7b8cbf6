"""Which Receiver a webhook calls, by the path in its URL; paths are credentials."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

from fluxhooks.flux.hook_path import HOOK_PATH, PREFIX, hook_path
from fluxhooks.observe.doctor.evidence import ClusterEvidence
from fluxhooks.observe.forges import SeenWebhook
from fluxhooks.observe.state import DeclaredReceiver

_DIGEST: Final = len(PREFIX)

Name = tuple[str, str]
"""Namespace and name of a Receiver."""


def request(url: str) -> str:
    """Return what the controller compares with a Receiver's path: the query is part of it."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def host(webhook: SeenWebhook) -> str:
    """Return the host a webhook calls, without what makes no difference."""
    return same_host(webhook.host)


def same_host(name: str) -> str:
    """Return a host with its port as it is compared: without credentials and the usual port."""
    return name.rpartition("@")[2].lower().removesuffix(":443")


def live_paths(
    receiver: Name, declared: DeclaredReceiver | None, cluster: ClusterEvidence | None
) -> frozenset[str]:
    """Return the paths that a webhook of a Receiver may call: what it serves is what counts.

    Where it does not serve the path of its present token yet, that path is right as well. Without
    the cluster, what the stack declares.
    """
    if cluster is not None and cluster.sees("Receiver", receiver[0]):
        found = cluster.objects.get(("Receiver", *receiver))
        if found is None:
            return frozenset()
        reference = found.spec.get("secretRef") or {}
        secret = cluster.secrets.get((receiver[0], str(reference.get("name", ""))))
        paths = {str(found.status.get("webhookPath") or "")}
        if secret is not None and secret.token is not None:
            token = secret.token.decode(errors="replace")
            paths.add(hook_path(token, found.name, found.namespace))
        return frozenset(paths - {""})
    return frozenset(_declared_paths(receiver, declared))


def _declared_paths(receiver: Name, declared: DeclaredReceiver | None) -> Iterable[str]:
    if declared is None:
        return
    for each in declared.generations.values():
        if (each.namespace, each.receiver) == receiver and each.path:
            yield each.path
    live = declared.generations.get(declared.live or 0)
    if declared.finished_path and (live is None or (live.namespace, live.receiver) == receiver):
        yield declared.finished_path


def other_paths(
    receiver: Name,
    others: Iterable[Name],
    declared: DeclaredReceiver | None,
    cluster: ClusterEvidence | None,
) -> dict[str, Name]:
    """Return the paths of a Receiver's other generations, and whose they are."""
    found: dict[str, Name] = {}
    for other in others:
        for path in live_paths(other, declared, cluster):
            found[path] = other
    for each in declared.generations.values() if declared else ():
        # Also of one that the cluster does not have any more.
        if each.path and (each.namespace, each.receiver) != receiver:
            found.setdefault(each.path, (each.namespace, each.receiver))
    return found


def served(cluster: ClusterEvidence | None) -> dict[str, Name] | None:
    """Return the paths that Receivers serve; None where not all Receivers could be seen."""
    if cluster is None or "Receiver" in cluster.unseen or "Receiver" in cluster.only:
        return None
    return {
        path: (found.namespace, found.name)
        for found in cluster.of("Receiver")
        if (path := str(found.status.get("webhookPath") or ""))
    }


def exactly(webhook: SeenWebhook, paths: Collection[str]) -> bool:
    """Return whether a webhook calls one of `paths`."""
    return request(webhook.url) in paths


def nearly(webhook: SeenWebhook, paths: Collection[str]) -> bool:
    """Return whether a webhook's URL has the digest of one of `paths` in it."""
    url = unquote(webhook.url).lower()
    return any(path[_DIGEST:] in url for path in paths)


def like_flux(webhook: SeenWebhook) -> bool:
    """Return whether a webhook calls a path as Receivers have them."""
    return bool(HOOK_PATH.fullmatch(webhook.path.rstrip("/")))


def masked(webhook: SeenWebhook) -> bool:
    """Return whether GitLab shows a webhook's URL with parts left out."""
    return webhook.scope.forge == "gitlab" and "{" in webhook.url


def chosen(
    webhooks: Iterable[SeenWebhook],
    *,
    live: Collection[str],
    others: Mapping[str, Name],
    declared_id: str,
) -> SeenWebhook | None:
    """Return the webhook that calls a Receiver, or is declared to; None where there is none."""
    ranked = [
        (rank, not webhook.active, webhook.id != declared_id, position, webhook)
        for position, webhook in enumerate(webhooks)
        if (rank := _rank(webhook, live, others, declared_id)) is not None
    ]
    return min(ranked)[-1] if ranked else None


def _rank(
    webhook: SeenWebhook, live: Collection[str], others: Mapping[str, Name], declared_id: str
) -> int | None:
    if exactly(webhook, live):
        return 0
    if nearly(webhook, live):
        return 1
    if webhook.id == declared_id:
        return 2
    return 3 if exactly(webhook, others) else None
