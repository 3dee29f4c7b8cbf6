"""Flux objects as the API server has them, with the conditions their controllers write."""

import dataclasses
import datetime
from typing import Any

from fluxhooks.flux.hook_path import hook_path
from fluxhooks.observe.doctor.diagnosis import Examined
from fluxhooks.observe.doctor.evidence import (
    ClusterEvidence,
    Evidence,
    FluxObject,
    SecretEvidence,
)

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
NAMESPACE = "apps"
TOKEN = "a-token-that-no-finding-may-tell"
PATH = hook_path(TOKEN, "app", NAMESPACE)
COMMIT = "5c017323f9fbe8d254fba0ff0d557ef7d4ac5b56"
REVISION = f"main@sha1:{COMMIT}"


def stamp(ago: float = 86400) -> str:
    """Return the time so many seconds before now, as controllers write it."""
    return f"{NOW - datetime.timedelta(seconds=ago):%Y-%m-%dT%H:%M:%SZ}"


def condition(
    status: str, reason: str, message: str = "", *, kind: str = "Ready", ago: float = 86400
) -> dict[str, Any]:
    """Return a condition that has had its status for so many seconds."""
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": 1,
        "lastTransitionTime": stamp(ago),
    }


READY = condition("True", "Succeeded")


def flux(
    kind: str, spec: dict[str, Any], *conditions: dict[str, Any], name: str = "app", **more: Any
) -> FluxObject:
    """Return an object that is a day old; `status` is beside its conditions."""
    status = {"conditions": list(conditions) or [READY], **more.pop("status", {})}
    given = {"generation": 1, "created_at": NOW - DAY, "changed_at": NOW - DAY, **more}
    namespace = given.pop("namespace", NAMESPACE)
    return FluxObject(kind=kind, namespace=namespace, name=name, spec=spec, status=status, **given)


def receiver(*conditions: dict[str, Any], **spec: Any) -> FluxObject:
    """Return a Receiver of app that is Ready, or what `conditions` say; None drops a field."""
    values = {
        "type": "github",
        "events": ["push", "ping"],
        "secretRef": {"name": "token"},
        "resources": [{"kind": "GitRepository", "name": "app"}],
        **spec,
    }
    given = {key: value for key, value in values.items() if value is not None}
    return flux("Receiver", given, *conditions, status={"webhookPath": PATH})


def source(
    *conditions: dict[str, Any], kind: str = "GitRepository", name: str = "app", **more: Any
) -> FluxObject:
    """Return a source that has fetched main a day ago; further fields are its spec's."""
    spec = {
        "interval": "30m",
        "url": "https://forge.example.com/acme/app.git",
        "ref": {"branch": "main"},
        **more.pop("spec", {}),
    }
    status = {"artifact": {"revision": REVISION, "lastUpdateTime": stamp()}, **more.pop("had", {})}
    return flux(kind, spec, *conditions, name=name, status=status, **more)


def kustomization(*conditions: dict[str, Any], name: str = "app", **more: Any) -> FluxObject:
    """Return a Kustomization that has applied what app has fetched."""
    spec = {
        "interval": "30m",
        "path": "./deploy",
        "sourceRef": {"kind": "GitRepository", "name": "app"},
        **more.pop("spec", {}),
    }
    status = {"lastAppliedRevision": REVISION, **more.pop("had", {})}
    return flux("Kustomization", spec, *conditions, name=name, status=status, **more)


def helm_release(*conditions: dict[str, Any], name: str = "app", **more: Any) -> FluxObject:
    """Return a HelmRelease of a chart in app."""
    origin = {"kind": "GitRepository", "name": "app"}
    spec = {
        "interval": "30m",
        "chart": {"spec": {"chart": "./chart", "sourceRef": origin}},
        **more.pop("spec", {}),
    }
    status = {"lastAttemptedRevision": "0.1.0", **more.pop("had", {})}
    return flux("HelmRelease", spec, *conditions, name=name, status=status, **more)


def helm_chart(*conditions: dict[str, Any]) -> FluxObject:
    """Return the HelmChart that helm-controller makes of it."""
    spec = {"chart": "./chart", "sourceRef": {"kind": "GitRepository", "name": "app"}}
    artifact = {"revision": "0.1.0", "lastUpdateTime": stamp()}
    return flux("HelmChart", spec, *conditions, name="apps-app", status={"artifact": artifact})


def cluster(
    *objects: FluxObject, token: str | SecretEvidence = TOKEN, **more: Any
) -> ClusterEvidence:
    """Return a cluster with the Secret of `receiver`."""
    if isinstance(token, str):
        token = SecretEvidence(keys=("token",), token=token.encode())
    return ClusterEvidence(
        objects={each.key: each for each in objects},
        secrets={(NAMESPACE, "token"): token},
        **more,
    )


def evidence(*objects: FluxObject, **more: Any) -> Evidence:
    """Return what is known of the chain of `receiver` in a cluster with `objects`."""
    of_cluster = {key: more.pop(key) for key in ("token", "unseen", "only") if key in more}
    found = cluster(*objects, **of_cluster)
    return Evidence(name="apps/app", receiver=(NAMESPACE, "app"), now=NOW, cluster=found, **more)


def later(found: Evidence, **span: float) -> Evidence:
    """Return the same evidence, looked at later."""
    return dataclasses.replace(found, now=found.now + datetime.timedelta(**span))


def labels(examined: Examined) -> list[str]:
    """Return which faults were found."""
    return [finding.fault.label for finding in examined.findings]
