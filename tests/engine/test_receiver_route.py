"""Webhooks behind a ReceiverRoute, whose objects a controller really routes by.

Engine, API server, definitions and Flux are real; the Gateway's controller and that of Ingresses
are a stand-in, which the run says. What a mock would get wrong: whether the API server takes the
objects, in which order a change of the host is made, and whether a delivery comes through.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from lightkube.resources.networking_v1 import Ingress, NetworkPolicy

from fluxhooks.flux.hook_path import UNKNOWN_PATH
from sandbox.ingress import routing as stand_in
from sandbox.ingress.routing import CLASS, GATEWAY, INFRA, TLS_SECRET, HTTPRoute, Routing
from sandbox.sandbox import Sandbox
from sandbox.stack import Run
from tests.app import App, changes, errors, eventually
from tests.command import Command

PROGRAM = """\
import json
from pathlib import Path

import pulumi

from fluxhooks import ReceiverRoute, WebhookReceiver

name, args = json.loads(Path("args.json").read_text())
route = ReceiverRoute("flux", args.pop("route"))
component = WebhookReceiver(name, {**args, "host": route.host})
pulumi.export("url", route.url)
"""

ELSEWHERE = ("/", "/healthz", "/metrics", "/hooks", "/flux/hook/", "/hookah")


@pytest.fixture(scope="module")
def routing(sandbox: Sandbox, ran: set[str]) -> Iterator[Routing]:
    """Somebody who routes by what the API server holds."""
    ran.add(f"stand-in: {stand_in.STAND_IN}")
    with Routing(sandbox.cluster, ca=sandbox.ingress.ca) as routing:
        yield routing


def gateway(routing: Routing, **changes: Any) -> dict[str, Any]:
    """Arguments of a route at the Gateway's listener for https."""
    listener = {"name": GATEWAY, "namespace": INFRA, "section_name": "https"}
    return {"host": routing.ingress.host, "gateway": {**listener, **changes}}


def ingress(routing: Routing) -> dict[str, Any]:
    """Arguments of a route as an Ingress."""
    by = {"class_name": CLASS, "tls_secret_name": TLS_SECRET}
    return {"host": routing.ingress.host, "ingress": by}


def answer(app: App, routing: Routing, path: str) -> tuple[int, str]:
    """Status and text with which a path is answered."""
    url = f"{routing.ingress.url}{path}"
    found = httpx.get(url, verify=app._certificates(), trust_env=False)
    return found.status_code, found.text.strip()


def refusal(run: Run) -> str:
    """The one error of a run."""
    (error,) = errors(run)
    return error


@pytest.fixture(
    scope="class",
    params=[
        pytest.param((gateway, "HTTPRoute"), id="HTTPRoute"),
        pytest.param((ingress, "Ingress"), id="Ingress"),
    ],
)
def routed(
    request: pytest.FixtureRequest, routing: Routing, make_app: Callable[..., App]
) -> Iterator[tuple[App, str, Run]]:
    """An app behind a route, as the first update made it."""
    make, kind = request.param
    app = make_app(f"behind-{kind.lower()}", program=PROGRAM, suspend=False)
    policy = {"namespaces": [INFRA], "cidrs": ["10.0.0.0/16"]}
    run = app.up(route={**make(routing), "network_policy": policy})
    yield app, kind, run
    app.stack.run("destroy", "--yes", "--skip-preview", "--stack", app.name)


class TestARoute:
    def test_it_is_there_before_the_webhook_calls_it(
        self, routed: tuple[App, str, Run], routing: Routing
    ) -> None:
        """And the webhook calls its host; an update without a change makes none."""
        app, kind, run = routed
        steps = changes(run)

        assert steps.index(f"create {kind} flux") < steps.index(
            f"create RepositoryWebhook {app.name}-webhook"
        )
        assert "create NetworkPolicy flux" in steps
        assert httpx.URL(app.hook().url).netloc.decode() == routing.ingress.host
        assert [] == changes(app.up())
        assert [] == changes(app.preview())

    def test_a_push_comes_through_it(self, routed: tuple[App, str, Run]) -> None:
        """From the forge through the route to the source, which fetches it."""
        app, _, _ = routed
        commit = app.repository.commit({"file": "text"}, message="A change")

        assert [200] == [delivery.status_code for delivery in app.deliveries("push")]
        assert eventually(lambda: app.revision() == commit)

    def test_nothing_else_does(self, routed: tuple[App, str, Run], routing: Routing) -> None:
        """What the route does not match is no matter of Flux's; what it does, Flux answers."""
        app, _, _ = routed

        assert {(404, "<h1>no route</h1>")} == {answer(app, routing, path) for path in ELSEWHERE}
        status, text = answer(app, routing, UNKNOWN_PATH)
        assert 404 == status
        assert "<h1>no route</h1>" != text

    def test_probe_and_doctor_find_it_well(
        self, routed: tuple[App, str, Run], tmp_path: Path
    ) -> None:
        """Up to the source; nothing of it is applied here."""
        app, _, _ = routed
        fluxhooks = Command(app, tmp_path)
        probed, doctor = fluxhooks("probe", "--json"), fluxhooks("doctor", "--json")

        assert (0, True) == (probed.returncode, probed.result["ok"]), probed.result
        assert (0, True) == (doctor.returncode, doctor.result["ok"]), doctor.result
        (chain,) = doctor.result["chains"]
        assert [] == [link for link in chain["links"] if link["state"] in ("broken", "warning")]

    def test_a_rotation_goes_through_it(self, routed: tuple[App, str, Run]) -> None:
        """The route stays as it is."""
        app, _, _ = routed
        steps = changes(app.up(generation=2))

        assert [] == [step for step in steps if "flux" in step.split()]
        assert 200 == app.probe(app.hook())

    def test_the_network_policy_is_one(self, routed: tuple[App, str, Run]) -> None:
        """The API server takes it; nobody enforces it here."""
        app, _, _ = routed
        labels = {
            "fluxhooks/component": "flux",
            "fluxhooks/stack": f"project-{app.name}.{app.name}",
        }
        (found,) = app.client.list(NetworkPolicy, labels=labels)
        assert found.spec is not None

        assert [["10.0.0.0/16"], [9292]] == [
            [peer.ipBlock.cidr for peer in found.spec.ingress[0].from_ if peer.ipBlock],  # type: ignore[index,union-attr]
            [port.port for port in found.spec.ingress[0].ports],  # type: ignore[index,union-attr]
        ]

    def test_another_host_is_served_before_the_one_before_goes(
        self, routed: tuple[App, str, Run]
    ) -> None:
        """The webhook is repointed in between; verify is off, as the name leads nowhere here."""
        app, kind, _ = routed
        before = app.args["route"]
        try:
            steps = changes(
                app.up(route={**before, "host": "new.example.com"}, verify=False, drain="0s")
            )
        finally:
            mended = changes(app.up(route=before, verify=True, drain="1s"))

        webhook = f"update RepositoryWebhook {app.name}-webhook"
        for done in (steps, mended):
            made = [step for step in done if kind in step]
            assert [f"create-replacement {kind} flux", f"replace {kind} flux"] == made[:2]
            assert (
                done.index(made[0])
                < done.index(webhook)
                < done.index(f"delete-replaced {kind} flux")
            )
        assert 200 == app.probe(app.hook())


@pytest.fixture(scope="class")
def refused(routing: Routing, make_app: Callable[..., App]) -> App:
    """An app whose route the Gateway's controller does not take."""
    return make_app("unroutable", program=PROGRAM)


class TestARouteThatIsNotTaken:
    @pytest.mark.parametrize(
        ("changed", "reason", "cure"),
        [
            pytest.param(
                {"section_name": "nope"},
                "NoMatchingParent",
                "Has the Gateway a listener nope?",
                id="no such listener",
            ),
            pytest.param(
                {"section_name": "other-host"},
                "NoMatchingListenerHostname",
                "The listener other-host is for other hosts than localhost.",
                id="a listener for another host",
            ),
            pytest.param(
                {"section_name": "own-routes"},
                "NotAllowedByListeners",
                "Let routes of the namespace flux-system in: allowedRoutes of the listener",
                id="a listener for its own namespace",
            ),
        ],
    )
    def test_the_run_ends_at_once_with_the_controllers_reason(
        self, refused: App, routing: Routing, changed: dict[str, str], reason: str, cure: str
    ) -> None:
        """No webhook calls what does not lead anywhere."""
        began = time.monotonic()
        failed = refused.up(check=False, route=gateway(routing, **changed))

        assert failed.returncode != 0
        assert f"its controller says {reason}: " in refusal(failed)
        assert cure in refusal(failed)
        assert [] == refused.sandbox.github.hooks("unroutable")
        assert time.monotonic() - began < 60

    def test_a_service_that_is_missing_is_told(self, refused: App, routing: Routing) -> None:
        """Where Flux has another name for it, or is not there."""
        failed = refused.up(check=False, route={**gateway(routing), "service": "flux-webhooks"})

        assert "BackendNotFound: no Service flux-system/flux-webhooks. Is Flux installed" in (
            refusal(failed)
        )

    def test_without_a_controller_it_is_waited_for_no_longer_than_said(
        self, refused: App, routing: Routing
    ) -> None:
        """The official plugin waits ten minutes where nobody says otherwise."""
        args = {**gateway(routing, name="nobodys"), "accept_timeout": "2s"}
        failed = refused.up(check=False, route=args)

        assert failed.returncode != 0
        assert "timed out waiting for the condition" in failed.output
        assert [] == refused.sandbox.github.hooks("unroutable")

    def test_the_next_update_mends_it(self, refused: App, routing: Routing) -> None:
        """With the listener that was meant; what was refused is gone."""
        refused.up(route=gateway(routing))

        assert 200 == refused.probe(refused.hook())
        assert 1 == len(
            list(
                refused.client.list(
                    HTTPRoute, labels={"fluxhooks/stack": "project-unroutable.unroutable"}
                )
            )
        )
        refused.stack.run("destroy", "--yes", "--skip-preview", "--stack", "unroutable")


def test_the_stand_in_refuses_what_it_does_not_understand(
    sandbox: Sandbox, routing: Routing
) -> None:
    """A filter, an annotation: it would route otherwise than a real controller."""
    with sandbox.cluster.client() as client:
        spec = {
            "parentRefs": [{"name": GATEWAY, "namespace": INFRA}],
            "hostnames": ["odd.example.com"],
            "rules": [
                {"filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}]}
            ],
        }
        client.create(HTTPRoute(metadata={"name": "odd", "namespace": "flux-system"}, spec=spec))
        client.create(
            Ingress.from_dict(
                {
                    "metadata": {
                        "name": "odd",
                        "namespace": "flux-system",
                        "annotations": {"nginx.ingress.kubernetes.io/rewrite-target": "/"},
                    },
                    "spec": {
                        "ingressClassName": CLASS,
                        "rules": [{"host": "odd.example.com"}],
                    },
                }
            )
        )
        try:
            said = eventually(
                lambda: [
                    condition["reason"]
                    for parent in (client.get(HTTPRoute, "odd").status or {}).get("parents", ())
                    for condition in parent["conditions"]
                ]
            )
            refused = eventually(lambda: routing.refused)
        finally:
            client.delete(HTTPRoute, "odd")
            client.delete(Ingress, "odd")

    assert "UnsupportedValue" == said[0]
    assert {
        "flux-system/odd": "not known here: nginx.ingress.kubernetes.io/rewrite-target"
    } == refused
