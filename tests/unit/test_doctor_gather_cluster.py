"""What is asked of a cluster for all chains, and what becomes of what it refuses."""

import datetime
from collections.abc import Mapping
from typing import Any, cast

import pytest

from fluxhooks.observe.cluster import ClusterView
from fluxhooks.observe.doctor.evidence import LISTED, ClusterEvidence
from fluxhooks.observe.doctor.gather_cluster import gather

ITEMS: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("Receiver", "*"): [
        {
            "metadata": {
                "namespace": namespace,
                "name": "app",
                "generation": 3,
                "creationTimestamp": "2026-11-21T12:00:00Z",
                "managedFields": [
                    {"manager": "flux", "time": "2026-11-22T10:00:00Z"},
                    {
                        "manager": "notification-controller",
                        "subresource": "status",
                        "time": "2026-11-22T11:00:00Z",
                    },
                ],
            },
            "spec": {"secretRef": {"name": "token"}},
        }
        for namespace in ("apps", "other", "more")
    ]
    + [{"metadata": {"namespace": "apps", "name": "oidc"}, "spec": {"type": "generic-oidc"}}],
    ("GitRepository", "*"): [{"metadata": {"namespace": "apps", "name": "app"}}],
    ("Kustomization", "apps"): [{"metadata": {"namespace": "apps", "name": "app"}}],
}
STATUSES = {("ImageRepository", "*"): 404, ("Kustomization", "*"): 403, ("Bucket", "*"): 403}


class View:
    """A cluster that may be asked for some kinds and Secrets."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def all_of(self, kind: str, namespace: str = "*") -> tuple[int, list[Mapping[str, Any]]]:
        """Return what is listed."""
        self.asked.append((kind, namespace))
        place = (kind, namespace)
        if kind == "Bucket":
            return 403, []
        return STATUSES.get(place, 200), list(ITEMS.get(place, ()))

    def secret(self, namespace: str, name: str) -> tuple[int, Mapping[str, bytes]]:
        """Return a Secret."""
        self.asked.append(("Secret", f"{namespace}/{name}"))
        if namespace == "apps":
            return 200, {"token": b"secret", "more": b""}
        return (403 if namespace == "other" else 404), {}


def gathered(view: View | None = None, **wanted: Any) -> ClusterEvidence:
    """Return what is gathered."""
    return gather(cast(ClusterView, view or View()), **wanted)


def test_one_list_for_each_kind() -> None:
    """However many chains there are; Secrets are read one by one, as nobody need list them."""
    view = View()
    gathered(view)

    assert sorted([(kind, "*") for kind in LISTED]) == sorted(
        each for each in view.asked if each[0] != "Secret"
    )
    assert [("Secret", f"{namespace}/token") for namespace in ("apps", "more", "other")] == sorted(
        each for each in view.asked if each[0] == "Secret"
    )


def test_secrets_of_what_is_examined() -> None:
    """Of a namespace, or of some Receivers; what is missing or refused is told."""
    found = gathered().secrets

    assert ("more", "token") in found
    assert not found["more", "token"].found
    assert "the cluster refused Secret other/token: 403 Forbidden" == found["other", "token"].unseen
    assert (b"secret", ("more", "token")) == (
        found["apps", "token"].token,
        found["apps", "token"].keys,
    )
    assert b"secret" not in repr(found).encode()
    assert {("apps", "token")} == gathered(namespace="apps").secrets.keys()
    assert {("more", "token")} == gathered(receivers=[("more", "app")]).secrets.keys()


def test_kinds_that_are_refused_or_not_there() -> None:
    """A kind that may be listed in one namespace is listed there."""
    found = gathered(namespace="apps")

    assert frozenset({"ImageRepository"}) == found.not_served
    assert {"Bucket": "the cluster refused the Bucket objects: 403 Forbidden"} == found.unseen
    assert {"Kustomization": "apps"} == found.only
    assert ("Kustomization", "apps", "app") in found.objects


@pytest.mark.parametrize(
    ("kind", "namespace", "expected"),
    [
        ("GitRepository", "anywhere", True),
        ("ImageRepository", "anywhere", True),
        ("Bucket", "apps", False),
        ("Kustomization", "apps", True),
        ("Kustomization", "other", False),
        ("ImagePolicy", "apps", False),
    ],
)
def test_what_would_have_been_seen(kind: str, namespace: str, expected: bool) -> None:
    """Only then does an object not exist that was not found."""
    assert expected == gathered(namespace="apps").sees(kind, namespace)


def test_when_an_object_was_changed() -> None:
    """Its status is no change of it."""
    found = gathered().objects["Receiver", "apps", "app"]

    assert (3, datetime.datetime(2026, 11, 22, 10, tzinfo=datetime.UTC)) == (
        found.generation,
        found.changed_at,
    )
