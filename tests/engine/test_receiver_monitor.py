"""What a ReceiverMonitor makes, on a real API server: what it takes, and what runs with it.

A mock would take rules that the operator's definitions refuse, and would let the job do what its
Role does not. Nothing here starts Pods: the job's command is run as its CronJob says, with a token
of its ServiceAccount.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.authentication_v1 import TokenRequestSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.batch_v1 import CronJob
from lightkube.resources.core_v1 import Namespace, ServiceAccountToken
from lightkube.resources.rbac_authorization_v1 import Role
from lightkube.types import PatchType

from sandbox import toolchain
from sandbox.cluster.kubeconfig import write_kubeconfig
from sandbox.sandbox import Sandbox
from sandbox.stack import Run
from tests.app import App, Receiver, changes, eventually
from tests.evaluation import RULES
from tests.heartbeats import Heartbeats

NAME = "observed"

PROGRAM = """\
import json
from pathlib import Path

import pulumi

from fluxhooks import ReceiverMonitor, WebhookReceiver

name, args = json.loads(Path("args.json").read_text())
monitor = args.pop("monitor")
component = WebhookReceiver(name, args)
monitor["probe_job"]["secret_names"] = [component.secret_name]
ReceiverMonitor("watch", monitor)
"""

PrometheusRule = create_namespaced_resource(
    "monitoring.coreos.com", "v1", "PrometheusRule", "prometheusrules"
)
PodMonitor = create_namespaced_resource("monitoring.coreos.com", "v1", "PodMonitor", "podmonitors")
Probe = create_namespaced_resource("monitoring.coreos.com", "v1", "Probe", "probes")


@dataclass(frozen=True)
class Watched:
    """An app with a monitor, as the first update made it.

    Attributes:
        service: is called where all was well.
    """

    app: App
    run: Run
    service: Heartbeats

    def one(self, kind: Any, namespace: str = "flux-system") -> Any:
        """The one object of a kind that the monitor has."""
        labels = {"fluxhooks/component": "watch", "fluxhooks/stack": f"project-{NAME}.{NAME}"}
        (found,) = self.app.client.list(kind, namespace=namespace, labels=labels)
        return found

    def job(self) -> "subprocess.CompletedProcess[str]":
        """Run what the CronJob would, as its ServiceAccount; what it says is scanned."""
        cluster = self.app.sandbox.cluster
        pod = self.one(CronJob).spec.jobTemplate.spec.template.spec
        (container,) = pod.containers
        account = self.account
        token = self.app.client.create(
            ServiceAccountToken(
                metadata=ObjectMeta(namespace="flux-system"),
                spec=TokenRequestSpec(audiences=[], expirationSeconds=3600),
            ),
            account,
        ).status.token
        kubeconfig = write_kubeconfig(
            self.app.stack.directory / "job.kubeconfig",
            server=cluster.server,
            ca_file=cluster.ca_file,
            user=account,
            token=token,
            namespace="flux-system",
        )
        done = subprocess.run(
            [str(Path(sys.executable).with_name("fluxhooks")), *container.args],
            env={
                "KUBECONFIG": str(kubeconfig),
                "SSL_CERT_FILE": str(self.app.sandbox.ingress.ca_file),
                **{variable.name: f"{self.service.url}/ping/200" for variable in container.env},
            },
            capture_output=True,
            text=True,
            check=False,
        )
        kubeconfig.unlink()
        self.app.leaks.read("the output of the job", done.stdout + done.stderr)
        return done

    @property
    def account(self) -> str:
        """The ServiceAccount that the Pod has."""
        return str(self.one(CronJob).spec.jobTemplate.spec.template.spec.serviceAccountName)


@pytest.fixture(scope="module")
def service() -> Iterator[Heartbeats]:
    with Heartbeats() as service:
        yield service


@pytest.fixture(scope="class")
def watched(sandbox: Sandbox, make_app: Callable[..., App], service: Heartbeats) -> Watched:
    sandbox.cluster.add_definitions(toolchain.prometheus_operator())
    app = make_app(NAME, program=PROGRAM)
    # In flux-system are Receivers of others, whose Secrets the job may not read.
    app.client.create(Namespace(metadata=ObjectMeta(name=NAME)))
    run = app.up(
        namespace=NAME,
        resources=[{"kind": "GitRepository", "name": NAME, "namespace": "flux-system"}],
        monitor={
            "alert_rules": {"exporter": True, "labels": {"release": "prometheus"}, "scrape": True},
            "blackbox": {"host": sandbox.ingress.host, "prober": "blackbox-exporter:9115"},
            "probe_job": {
                "heartbeat_secret": "heartbeat",
                "host": sandbox.ingress.host,
                "image": "registry.example.com/fluxhooks:1",
                "receivers_namespace": NAME,
            },
        },
    )
    return Watched(app, run, service)


class TestAMonitor:
    def test_the_api_server_takes_all_of_it_and_an_update_changes_nothing(
        self, watched: Watched
    ) -> None:
        """The definitions are the operator's own."""
        made = {step.removeprefix("create ") for step in changes(watched.run)}

        assert {
            f"{kind} watch"
            for kind in (
                *("CronJob", "PodMonitor", "Probe", "PrometheusRule"),
                *("Role", "RoleBinding", "ServiceAccount"),
            )
        } <= made
        assert [] == changes(watched.app.up())
        assert "http-prom" == watched.one(PodMonitor).spec["podMetricsEndpoints"][0]["port"]
        assert "fluxhooks-blackbox" == watched.one(Probe).spec["jobName"]

    def test_the_rules_are_what_the_manifest_has_and_prometheus_takes_them(
        self, watched: Watched, promtool: Path, tmp_path: Path
    ) -> None:
        """As the API server holds them."""
        spec = watched.one(PrometheusRule).spec
        (tmp_path / "rules.yaml").write_text(yaml.safe_dump(spec))
        done = subprocess.run(
            [promtool, "check", "rules", "--lint-fatal", "rules.yaml"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

        assert yaml.safe_load(RULES.read_text())["spec"] == spec
        assert (0, "") == (done.returncode, done.stderr), done.stdout

    def test_the_job_does_what_it_is_for_with_the_rights_it_has(self, watched: Watched) -> None:
        """It reads, and only where the Receivers are; all is well, and somebody hears of it."""
        done = watched.job()
        asked = watched.app.sandbox.cluster.requests_of(watched.account)

        assert 0 == done.returncode, done.stdout + done.stderr
        assert "1 of 1 answer as they must" in done.stdout
        assert ["/ping/200"] == watched.service.called
        (secret,) = watched.one(Role, NAME).rules[1].resourceNames
        assert {("list", "receivers", ""), ("get", "secrets", secret)} == {
            (request.verb, request.resource, request.name) for request in asked
        }

    def test_the_job_fails_where_a_delivery_would_not_be_taken(self, watched: Watched) -> None:
        """And nobody hears of anything, which is what they wait for."""
        app = watched.app
        (receiver,) = app.client.list(Receiver, namespace=NAME)
        before = list(watched.service.called)

        def suspend(value: bool | None) -> None:
            app.client.patch(
                Receiver,
                receiver.metadata.name,
                {"spec": {"suspend": value}},
                namespace=NAME,
                patch_type=PatchType.MERGE,
            )

        suspend(True)
        try:
            eventually(lambda: app.get(app.hook()) == 503)
            done = watched.job()
        finally:
            suspend(None)
        eventually(lambda: app.get(app.hook()) == 400)

        assert 4 == done.returncode
        assert "503. The Receiver is suspended or not Ready" in done.stdout
        assert before == watched.service.called

    def test_after_a_rotation_the_job_may_read_the_new_secret_alone(self, watched: Watched) -> None:
        """In the same update."""
        before = watched.one(Role, NAME).rules[1].resourceNames
        watched.app.up(generation=2)
        after = watched.one(Role, NAME).rules[1].resourceNames

        assert 1 == len(after)
        assert before != after
        assert 0 == watched.job().returncode
