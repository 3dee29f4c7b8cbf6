"""ReceiverAlerts through `pulumi up` and the real notification-controller: who is told of what.

Events are sent to the controller's own endpoint, as the other controllers send them; what it
makes of them arrives at an HTTP server. A mock would have no filters, no retries, and nothing to
say where it fails.
"""

import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import lightkube
import pytest
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Event, Namespace, Secret

from fluxhooks.flux.alert_filters import DEFAULT_EXCLUSIONS, NODE_REPLACEMENT
from fluxhooks.flux.labels import object_labels
from fluxhooks.observe.cluster import ClusterObject, ClusterView
from fluxhooks.observe.state import parse
from fluxhooks.observe.status import Seen
from sandbox.sandbox import Sandbox
from sandbox.stack import Stack
from tests.sandbox.receiver import Receiver, eventually
from tests.unit.test_alert_filters import FAILURES
from tests.unit.test_go_regexp import REFUSED, TAKEN

_PROGRAM = """\
import json
from pathlib import Path

import pulumi

from fluxhooks import ReceiverAlerts

for name, args in json.loads(Path("args.json").read_text()).items():
    alerts = ReceiverAlerts(name, args)
    pulumi.export(name, {"alert": alerts.alert_name, "secret": alerts.secret_name})
"""

_FLUX = "notification.toolkit.fluxcd.io"
Alert = create_namespaced_resource(_FLUX, "v1beta3", "Alert", "alerts")
Provider = create_namespaced_resource(_FLUX, "v1beta3", "Provider", "providers")

_KEY = "signs-what-is-sent-0123456789"
_PATH = "/services/only-the-secret-knows"


class Room:
    """A namespace for each ReceiverAlerts of one stack, and the server they all send to."""

    def __init__(self, sandbox: Sandbox, server: Receiver, client: lightkube.Client) -> None:
        self.sandbox, self.server, self.client = sandbox, server, client
        self.stack: Stack = sandbox.stack("alerts", program=_PROGRAM, project="alerts")
        self.args: dict[str, Any] = {}
        self.made: dict[str, Any] = {}

    def declare(self, name: str, **args: Any) -> None:
        """Declare one in a namespace of its own, for what is in it."""
        self.client.apply(
            Namespace(metadata=ObjectMeta(name=name)), field_manager="test", force=True
        )
        resources = [{"kind": "GitRepository", "name": "app"}]
        self.args[name] = {"namespace": name, "resources": resources, **args}

    def up(self) -> list[str]:
        """Run an update, and return what it did."""
        (self.stack.directory / "args.json").write_text(json.dumps(self.args))
        changes = self.stack.up().changes
        self.made = self.stack.outputs()
        return changes

    def send(
        self,
        namespace: str,
        message: str,
        *,
        severity: str = "error",
        kind: str = "Kustomization",
        name: str = "app",
        reason: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> None:
        """Send an event as kustomize-controller does."""
        group = {"GitRepository": "source", "Kustomization": "kustomize"}[kind]
        event = {
            "involvedObject": {
                "apiVersion": f"{group}.toolkit.fluxcd.io/v1",
                "kind": kind,
                "name": name,
                "namespace": namespace,
                "uid": "7d0cdc51-ddcf-4743-b223-83ca5c699632",
            },
            "severity": severity,
            "timestamp": "2026-11-22T12:00:00Z",
            "message": message,
            "reason": reason or ("ReconciliationFailed" if severity == "error" else "Progressing"),
            "metadata": metadata or {},
            "reportingController": f"{group}-controller",
        }
        answer = httpx.post(
            f"http://127.0.0.1:{self.sandbox.cluster.events_port}/", json=event, trust_env=False
        )
        assert 202 == answer.status_code, answer.text

    def arrived(self, path: str) -> list[Any]:
        """What was sent to a path, in the order in which it arrived."""
        return [json.loads(one.body) for one in self.server.received if one.path == path]

    def told(self, path: str, last: str) -> list[str]:
        """The messages that arrived at a path of the type generic, up to one that must."""
        eventually(lambda: last in [one["message"] for one in self.arrived(path)], seconds=20)
        return [one["message"] for one in self.arrived(path)]

    def complaints(self, namespace: str) -> list[str]:
        """What the controller says about Alerts of a namespace, in Kubernetes' own events."""
        return [
            f"{event.type} {event.reason} {event.involvedObject.name}: {event.message}"
            for event in self.client.list(Event, namespace=namespace)
            if event.involvedObject.kind == "Alert"
        ]


@pytest.fixture(scope="module")
def server() -> Iterator[Receiver]:
    with Receiver() as server:
        yield server


@pytest.fixture(scope="module")
def silent() -> Iterator[str]:
    """An address where a connection is taken and no request is ever answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}{_PATH}"


@pytest.fixture(scope="module")
def room(sandbox: Sandbox, server: Receiver, silent: str) -> Iterator[Room]:
    with sandbox.cluster.client() as client:
        room = Room(sandbox, server, client)
        generic = {"type": "generic", "address": server.url("/people")}
        chat = {"default_exclusions": True, "severity": "error"}
        room.declare("people", provider={"type": "slack", "address": server.url(_PATH)})
        room.declare("plain", provider=generic, **chat)
        room.declare(
            "nodes",
            provider={**generic, "address": server.url("/nodes")},
            exclude_node_replacement=True,
            **chat,
        )
        room.declare(
            "signed",
            provider={
                "type": "generic-hmac",
                "address": server.url("/signed"),
                "token": _KEY,
                "headers": {"X-Cluster": "production"},
            },
            event_metadata={"cluster": "production"},
            severity="info",
        )
        room.declare("teams", provider={"type": "msteams", "address": server.url("/teams")})
        room.declare(
            "included",
            provider={**generic, "address": server.url("/included")},
            severity="info",
            inclusion_list=["^Reconciliation finished"],
            exclusion_list=["next run in 10m0s$"],
        )
        room.declare(
            "failing",
            provider={"type": "generic", "address": server.url("/gone"), "timeout": "2s"},
            second={**generic, "address": server.url("/second")},
        )
        room.declare(
            "unanswered",
            provider={"type": "generic", "address": silent, "timeout": "1s"},
        )
        room.up()
        yield room


def test_failures_are_told_and_what_passes_is_not(room: Room) -> None:
    """Every failure that somebody must mend; nothing that a node's replacement says of itself."""
    noise = [sample for one in DEFAULT_EXCLUSIONS for sample in one.samples]
    for message in noise:
        room.send("plain", message)
    room.send("plain", "Reconciliation finished in 1.2s, next run in 10m0s", severity="info")
    for message in FAILURES:
        room.send("plain", message)

    assert sorted(FAILURES) == sorted(room.told("/people", FAILURES[-1]))


def test_what_cannot_be_reached_while_nodes_go_is_told_unless_it_is_asked_otherwise(
    room: Room,
) -> None:
    """By default it is: it may last."""
    noise = [sample for one in NODE_REPLACEMENT for sample in one.samples]
    for message in noise:
        room.send("plain", message, name="reached")
        room.send("nodes", message, name="reached")
    for message in FAILURES:
        room.send("nodes", message, name="reached")

    assert sorted(FAILURES) == sorted(room.told("/nodes", FAILURES[-1]))
    assert set(noise) <= set(room.told("/people", noise[-1]))


def test_a_node_replaced_every_day_is_not_told_and_what_fails_on_it_is(room: Room) -> None:
    """Karpenter's events, relayed to Flux as those of the Kustomization that runs it, as errors."""
    day = [
        "Disrupting Node: Drifted",
        "Disrupting NodeClaim: Drifted",
        "Launching NodeClaim: Drifted",
        "Waiting on readiness to continue disruption",
        "Node ip-10-0-1-23.eu-west-1.compute.internal status is now: NodeNotReady",
    ]
    failed = "health check failed after 5m0s: timeout waiting for: [Deployment/apps/web]"
    for number in range(7):
        for message in day:
            # By day another node: the controller's own limit is for what is quite the same.
            room.send("plain", message.replace("23", str(23 + number)), name=f"karpenter-{number}")
    room.send("plain", failed, name="karpenter")

    assert [] == [m for m in room.told("/people", failed) if m in day or "is now:" in m]


def test_slack_gets_its_own_shape_at_an_address_that_only_the_secret_has(room: Room) -> None:
    """An attachment with the object as its author; the Provider in the cluster has no address."""
    room.send("people", "kustomize build failed: slack")

    assert eventually(lambda: len(room.arrived(_PATH)) == 1, seconds=20)
    (message,) = room.arrived(_PATH)
    (attachment,) = message["attachments"]
    assert ("kustomization/app.people", "danger", "kustomize build failed: slack") == (
        attachment["author_name"],
        attachment["color"],
        attachment["text"],
    )
    (provider,) = room.client.list(Provider, namespace="people")
    assert {"secretRef", "type"} == provider.spec.keys()


def test_teams_gets_a_card(room: Room) -> None:
    """In Microsoft's form of today."""
    room.send("teams", "kustomize build failed: teams")

    assert eventually(lambda: len(room.arrived("/teams")) == 1, seconds=20)
    (message,) = room.arrived("/teams")
    assert "application/vnd.microsoft.card.adaptive" == message["attachments"][0]["contentType"]
    assert "kustomize build failed: teams" in json.dumps(message)


def test_a_signed_event_can_be_verified_and_carries_what_was_added(room: Room) -> None:
    """With the token of the Secret, over the body as it is."""
    room.send("signed", "Applied revision: main@sha1:0123", severity="info")

    assert eventually(lambda: len(room.arrived("/signed")) == 1, seconds=20)
    (request,) = [one for one in room.server.received if one.path == "/signed"]
    expected = hmac.new(_KEY.encode(), request.body, hashlib.sha256).hexdigest()
    assert f"sha256={expected}" == request.headers["X-Signature"]
    assert "production" == request.headers["X-Cluster"]
    assert "production" == json.loads(request.body)["metadata"]["cluster"]


def test_an_inclusion_lets_its_own_through_and_an_exclusion_is_stronger(room: Room) -> None:
    """Both over the message."""
    for message in (
        "Reconciliation finished in 1s, next run in 10m0s",
        "ConfigMap/apps/web configured",
        "Reconciliation finished in 1s, next run in 1h0m0s",
    ):
        room.send("included", message, severity="info")

    last = "Reconciliation finished in 1s, next run in 1h0m0s"
    assert [last] == room.told("/included", last)


def test_a_failed_dispatch_reaches_the_second_and_is_told_by_the_cluster(room: Room) -> None:
    """The first is down: the second has the event, and Kubernetes an event about the Alert."""
    room.server.status_of["/gone"] = 404
    room.send("failing", "kustomize build failed: nobody hears")

    told = room.told("/second", "kustomize build failed: nobody hears")
    alert = room.made["failing"]["alert"]
    expected = (
        f"Warning NotificationDispatchFailed {alert}: failed to send notification for "
        "Kustomization/failing/app: postMessage failed: request failed: request failed with "
        "status code 404: taken"
    )
    assert ["kustomize build failed: nobody hears"] == told
    assert eventually(lambda: expected in room.complaints("failing"), seconds=20)
    assert [expected] == room.complaints("failing")


def test_where_nobody_answers_the_address_of_the_secret_is_told(room: Room, silent: str) -> None:
    """Flux masks the token alone: who may read events there may read it, as the docs warn.

    A refused connection would not show it: Flux tries again after two seconds, and where the time
    is over while it waits for that, its message has no address.
    """
    room.send("unanswered", "kustomize build failed: unanswered")

    alert = room.made["unanswered"]["alert"]
    expected = (
        f"Warning NotificationDispatchFailed {alert}: failed to send notification for "
        "Kustomization/unanswered/app: postMessage failed: failed to execute request: "
        f"POST {silent} giving up after 1 attempt(s): context deadline exceeded"
    )
    assert eventually(lambda: room.complaints("unanswered") != [], seconds=20)
    assert [expected] == room.complaints("unanswered")


def test_another_address_is_another_secret_and_no_alert_is_lost_between(room: Room) -> None:
    """The new Secret is there before the Provider names it; the old one goes after."""
    before = room.made["teams"]["secret"]
    room.args["teams"]["provider"]["address"] = room.server.url("/moved")

    changes = room.up()

    assert [
        "create-replacement Secret teams-provider",
        "replace Secret teams-provider",
        "update Provider teams",
        "delete-replaced Secret teams-provider",
    ] == changes
    after = room.made["teams"]["secret"]
    assert before != after
    assert [after] == [
        secret.metadata.name for secret in room.client.list(Secret, namespace="teams")
    ]
    room.send("teams", "kustomize build failed: moved")
    assert eventually(lambda: len(room.arrived("/moved")) == 1, seconds=20)


def test_nothing_changed_is_nothing_done_and_no_secret_is_told(room: Room) -> None:
    """Neither by the state nor by a preview."""
    assert [] == room.up()

    state = json.dumps(room.stack.state())
    preview = room.stack.preview().output
    assert [] == [s for s in (_KEY, _PATH) if s in state or s in preview]


def test_what_no_state_knows_of_alerting_is_an_orphan_and_can_be_removed(room: Room) -> None:
    """A killed run leaves what carries the stack's labels; what is declared stays."""
    labels = object_labels("left", project="alerts", stack=room.stack.name)
    meta = ObjectMeta(name="left", namespace="people", labels=labels)
    room.client.create(Provider(metadata=meta, spec={"type": "generic"}))
    spec = {
        "providerRef": {"name": "left"},
        "eventSources": [{"kind": "Kustomization", "name": "left"}],
    }
    room.client.create(Alert(metadata=meta, spec=spec))
    cluster, state = ClusterView(room.client), parse(json.dumps(room.stack.state()))
    seen = Seen()

    seen.look_at_cluster(state, cluster)
    found = seen.orphans(state)

    assert [("Alert", "people/left"), ("Provider", "people/left")] == [
        (orphan.kind, orphan.name) for orphan in found
    ]
    for orphan in found:
        assert isinstance(orphan.found, ClusterObject)
        cluster.delete(orphan.found)
    seen.look_at_cluster(state, cluster)
    assert [] == seen.orphans(state)


def test_flux_takes_the_expressions_that_are_taken_here_and_no_others(room: Room) -> None:
    """What it cannot read it says in its log, one line for each, and passes over."""
    cluster = room.sandbox.cluster
    refused = [parameters.values[0] for parameters in REFUSED]
    namespace = "expressions"
    room.client.create(Namespace(metadata=ObjectMeta(name=namespace)))
    # None of these can match, and the first that did would end it.
    taken = [f"never(?:{expression})" for expression in TAKEN]
    room.client.create(
        Alert(
            metadata=ObjectMeta(name="all", namespace=namespace),
            spec={
                "eventSources": [{"kind": "Kustomization", "name": "app"}],
                "exclusionList": [*taken, *refused],
                "providerRef": {"name": "none"},
            },
        )
    )
    room.send(namespace, "kustomize build failed: expressions")

    lines = (cluster.logs / "notification-controller.log").read_text().splitlines()
    complaint = "failed to compile exclusion regex: "
    assert refused == [
        entry["msg"].removeprefix(complaint)
        for line in lines
        if complaint in line and (entry := json.loads(line))
    ]
