"""Which of a forge's events tell of a change in a source: any one of them is enough.

Less strict than what is asked for when nothing is given (``default_events``): whoever reconciles
after a CI run, or on releases, asks for something else, and means it.
Sources: the forges' descriptions of their webhook events; GitLab sends tags as an event of their
own, GitHub with its pushes.
"""

from typing import Final

from fluxhooks.flux.receiver_types import SYSTEM_HOOK, ReceiverType

_GITHUB_PACKAGES: Final = frozenset({"package", "registry_package"})

_NEEDED: Final[dict[tuple[ReceiverType, str], frozenset[str]]] = {
    (ReceiverType.BITBUCKET, "GitRepository"): frozenset({"repo:refs_changed", "repo:push"}),
    (ReceiverType.GITHUB, "GitRepository"): frozenset({"push"}),
    (ReceiverType.GITHUB, "ImageRepository"): _GITHUB_PACKAGES,
    (ReceiverType.GITHUB, "OCIRepository"): _GITHUB_PACKAGES,
    (ReceiverType.GITLAB, "GitRepository"): frozenset({"Push Hook", SYSTEM_HOOK}),
}

_NEEDED_FOR_TAGS: Final[dict[tuple[ReceiverType, str], frozenset[str]]] = {
    (ReceiverType.BITBUCKET, "GitRepository"): frozenset({"repo:refs_changed", "repo:push"}),
    (ReceiverType.GITHUB, "GitRepository"): frozenset({"create", "push", "release"}),
    (ReceiverType.GITLAB, "GitRepository"): frozenset(
        {"Release Hook", "Tag Push Hook", SYSTEM_HOOK}
    ),
}


def needed_events(receiver_type: str, kind: str, *, tags: bool = False) -> frozenset[str]:
    """Return the events any one of which tells of a change in a source.

    Empty where nothing certain can be said: of the kind, or of the type, is anything possible.

    Args:
        receiver_type: ``spec.type`` of the Receiver, also one that is not known.
        kind: the source's.
        tags: whether it follows tags, by their name or a range of versions.
    """
    if receiver_type not in list(ReceiverType):
        return frozenset()
    table = _NEEDED_FOR_TAGS if tags else _NEEDED
    return table.get((ReceiverType(receiver_type), kind), frozenset())
