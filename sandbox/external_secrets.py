"""The External Secrets Operator, for ExternalSecrets and PushSecrets of stores that are `fake`.

Its definitions are the real ones. Where the program `external-secrets` is on PATH, it runs; where
it is not, a stand-in does what its documentation says of these objects, and nothing else. Built
with that one provider, release 0.20.4 was run through the same tests; later ones are in modules
that cannot be had one by one.
"""

import base64
import contextlib
import os
import shutil
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import lightkube
from lightkube import ApiError
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta, OwnerReference
from lightkube.resources.core_v1 import Secret
from lightkube.types import PatchType

from sandbox import toolchain
from sandbox.cluster import Cluster
from sandbox.processes import end_group

_GROUP = "external-secrets.io"
_POLL_SECONDS = 0.1

SecretStore = create_namespaced_resource(_GROUP, "v1", "SecretStore", "secretstores")
ExternalSecret = create_namespaced_resource(_GROUP, "v1", "ExternalSecret", "externalsecrets")
PushSecret = create_namespaced_resource(_GROUP, "v1alpha1", "PushSecret", "pushsecrets")


class ExternalSecretsOperator:
    """The operator on a cluster, from entering the context to leaving it.

    Attributes:
        ran: what runs, in words.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._exits = contextlib.ExitStack()
        program = shutil.which("external-secrets")
        self._program = Path(program) if program else None
        self.ran = (
            f"external-secrets, PATH: {program}"
            if program
            else "stand-in: External Secrets Operator: made after its documentation, on its real "
            "definitions"
        )

    def __enter__(self) -> Self:
        self._cluster.add_definitions(toolchain.external_secrets())
        with contextlib.ExitStack() as exits:
            if self._program:
                _run(self._program, self._cluster, exits)
            else:
                exits.enter_context(_StandIn(exits.enter_context(self._cluster.client())))
            self._exits = exits.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exits.close()


def _run(program: Path, cluster: Cluster, exits: contextlib.ExitStack) -> None:
    log = exits.enter_context((cluster.logs / "external-secrets.log").open("w"))
    # Neither address is asked for anything; 0 is any port that is free.
    addresses = ("--metrics-addr=127.0.0.1:0", "--live-addr=127.0.0.1:0")
    process = subprocess.Popen(
        [program, *addresses, "--enable-leader-election=false", "--loglevel=info"],
        env={**os.environ, "KUBECONFIG": str(cluster.kubeconfig)},
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    exits.callback(end_group, process)


class _StandIn:
    """Makes Secrets and copies them; values are those of a store's `fake` provider, and copies."""

    def __init__(self, client: lightkube.Client) -> None:
        self._client = client
        self._copies: dict[tuple[str, str], str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="external-secrets", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stop.wait(_POLL_SECONDS):
            # An object that went, or an API server that restarts: the next round sees what is.
            with contextlib.suppress(ApiError, OSError):
                self._round()

    def _round(self) -> None:
        orders = list(self._client.list(ExternalSecret, namespace="*"))
        for push in self._client.list(PushSecret, namespace="*"):
            if not _is_ready(push):
                self._copy(push)
        for order in orders:
            if not _is_ready(order):
                self._make(order)
        self._collect({str(order.metadata.uid) for order in orders if order.metadata})

    def _make(self, order: Any) -> None:
        spec, namespace = order.spec, order.metadata.namespace
        data = {}
        for item in spec["data"]:
            value = self._value(spec["secretStoreRef"]["name"], namespace, item["remoteRef"]["key"])
            if value is None:
                self._say(ExternalSecret, order, "False", "SecretSyncedError")
                return
            data[item["secretKey"]] = base64.b64encode(value.encode()).decode()
        target = spec["target"]
        secret = Secret(
            data=data,
            immutable=target.get("immutable", False),
            metadata=ObjectMeta(
                labels=target.get("template", {}).get("metadata", {}).get("labels", {}),
                name=target.get("name", order.metadata.name),
                namespace=namespace,
                ownerReferences=[
                    OwnerReference(
                        apiVersion=order.apiVersion,
                        controller=True,
                        kind=order.kind,
                        name=order.metadata.name,
                        uid=order.metadata.uid,
                    )
                ],
            ),
        )
        with contextlib.suppress(ApiError):
            self._client.create(secret, namespace=namespace)
        self._say(ExternalSecret, order, "True", "SecretSynced")

    def _copy(self, push: Any) -> None:
        namespace = push.metadata.namespace
        name = push.spec["selector"]["secret"]["name"]
        found = self._client.get(Secret, name, namespace=namespace)
        for item in push.spec["data"]:
            value = base64.b64decode((found.data or {})[item["match"]["secretKey"]]).decode()
            for store in push.spec["secretStoreRefs"]:
                key = item["match"]["remoteRef"]["remoteKey"]
                self._copies[store["name"], key] = value
        self._say(PushSecret, push, "True", "Synced")

    def _value(self, store: str, namespace: str, key: str) -> str | None:
        found = self._client.get(SecretStore, store, namespace=namespace)
        data = (found.spec or {})["provider"]["fake"]["data"]
        values = {item["key"]: str(item["value"]) for item in data}
        return values.get(key, self._copies.get((store, key)))

    def _say(self, kind: Any, order: Any, status: str, reason: str) -> None:
        condition = {"type": "Ready", "status": status, "reason": reason}
        self._client.patch(
            kind.Status,
            order.metadata.name,
            {"status": {"conditions": [condition]}},
            namespace=order.metadata.namespace,
            patch_type=PatchType.MERGE,
        )

    def _collect(self, living: set[str]) -> None:
        # What it owns goes with it; a cluster's garbage collector does the same.
        for secret in self._client.list(Secret, namespace="*"):
            metadata = secret.metadata or ObjectMeta()
            owners = metadata.ownerReferences or ()
            if any(o.kind == "ExternalSecret" and o.uid not in living for o in owners):
                self._client.delete(Secret, str(metadata.name), namespace=str(metadata.namespace))


def _is_ready(order: Any) -> bool:
    conditions = (order.status or {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
