"""What the stand-in for pulumi-kubernetes does beyond what was recorded of the official plugin.

The rules are read from the source of pulumi-kubernetes; where one could tempt a stand-in to be
kinder than the official plugin, the test's docstring says so. With
`PULUMI_RESOURCE_KUBERNETES=<path of the plugin>` the official plugin is asked the same.
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sandbox.cluster import Cluster
from sandbox.plugins.install import install
from tests.sandbox.plugin_process import CHECKOUT, STAND_IN, Answer, PluginProcess

pytestmark = pytest.mark.timeout(120)

RECEIVER = "notification.toolkit.fluxcd.io/v1:Receiver"
SECRET = "core/v1:Secret"
BACKGROUND = {"pulumi.com/deletionPropagationPolicy": "background"}
BOTH = '["jsonpath={.status.webhookPath}","condition=Ready"]'


class Program:
    """A Pulumi program of single resources, as the engine would carry it out."""

    def __init__(self, plugin: PluginProcess) -> None:
        self.plugin = plugin
        provider = {"urn": "urn:pulumi:s::p::pulumi:providers:kubernetes::default"}
        answer = plugin.ask("Configure", {**provider, "args": {}, "acceptSecrets": True})
        assert not answer.error

    def check(self, type_: str, inputs: dict[str, Any], **request: Any) -> Answer:
        """Check a resource of the logical name `app`."""
        return self.plugin.ask("Check", {"urn": urn(type_), "news": inputs, **request})

    def create(self, type_: str, inputs: dict[str, Any], **request: Any) -> Answer:
        """Check and create a resource."""
        checked = self.check(type_, inputs)
        assert not checked.error, checked.error
        properties = checked.response["inputs"]
        return self.plugin.ask("Create", {"urn": urn(type_), "properties": properties, **request})

    def update(self, type_: str, state: Any, inputs: dict[str, Any], **request: Any) -> Answer:
        """Update a resource whose state is `state`."""
        return self.plugin.ask(
            "Update",
            {"urn": urn(type_), "id": state["id"], "olds": state["properties"], "news": inputs}
            | request,
        )

    def delete(self, type_: str, state: Any, **request: Any) -> Answer:
        """Delete a resource whose state is `state`."""
        return self.plugin.ask(
            "Delete",
            {"urn": urn(type_), "id": state["id"], "properties": state["properties"], **request},
        )


def urn(type_: str) -> str:
    """The URN of a resource with the logical name `app`."""
    return f"urn:pulumi:s::p::kubernetes:{type_}::app"


def secret(name: str, token: str = "a-token", **metadata: Any) -> dict[str, Any]:
    """A Secret that tells the controller about itself."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": "flux-system",
            "labels": {"reconcile.fluxcd.io/watch": "Enabled"},
            **metadata,
        },
        "stringData": {"token": token},
    }


def receiver(name: str, *, wait: str = "", timeout: int = 20, **spec: Any) -> dict[str, Any]:
    """A Receiver of a Secret of its own name."""
    annotations = BACKGROUND | {"pulumi.com/timeoutSeconds": str(timeout)}
    return {
        "apiVersion": "notification.toolkit.fluxcd.io/v1",
        "kind": "Receiver",
        "metadata": {
            "name": name,
            "namespace": "flux-system",
            "annotations": annotations | ({"pulumi.com/waitFor": wait} if wait else {}),
        },
        "spec": {
            "type": "github",
            "events": ["push"],
            "secretRef": {"name": name},
            "resources": [{"kind": "GitRepository", "name": "app"}],
            **spec,
        },
    }


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster of this module's own, because its API server is restarted."""
    with Cluster(controllers={"notification-controller": ()}) as cluster:
        yield cluster


@pytest.fixture
def program(cluster: Cluster) -> Iterator[Program]:
    """A program with the administrator's rights."""
    with PluginProcess(cluster.kubeconfig) as plugin:
        yield Program(plugin)


def test_a_wait_goes_on_where_a_failed_one_ended(program: Program) -> None:
    """The object of a failed wait is saved; the update that follows waits again, and succeeds."""
    failed = program.create(RECEIVER, receiver("cured", wait=BOTH, timeout=1))
    assert failed.error.endswith("timed out waiting for the condition")
    assert "flux-system/cured" == failed.saved["id"]

    threading.Timer(0.5, lambda: program.create(SECRET, secret("cured"))).start()
    updated = program.update(RECEIVER, failed.saved, receiver("cured", wait=BOTH))

    assert updated.response["properties"]["status"]["webhookPath"].startswith("/hook/")


def test_cancel_ends_a_wait_and_saves_the_object(program: Program) -> None:
    """Ctrl-C must neither wait for the time-out nor forget what was made."""
    answers: list[Answer] = []
    waiting = threading.Thread(
        target=lambda: answers.append(
            program.create(RECEIVER, receiver("cancelled", wait=BOTH, timeout=60))
        )
    )
    waiting.start()
    time.sleep(1)
    started = time.monotonic()
    program.plugin.ask("Cancel", {})
    waiting.join()

    assert time.monotonic() - started < 2
    assert answers[0].error.endswith("failed to fully initialize or become live: context canceled")
    assert "flux-system/cancelled" == answers[0].saved["id"]


def test_a_wait_outlives_a_restart_of_the_api_server(program: Program, cluster: Cluster) -> None:
    """A lost connection is not a lost object."""
    answers: list[Answer] = []
    waiting = threading.Thread(
        target=lambda: answers.append(
            program.create(RECEIVER, receiver("outlived", wait=BOTH, timeout=60))
        )
    )
    waiting.start()
    time.sleep(1)
    cluster.restart("kube-apiserver")
    program.create(SECRET, secret("outlived"))
    waiting.join()

    assert not answers[0].error
    assert answers[0].response["properties"]["status"]["webhookPath"].startswith("/hook/")


@pytest.mark.parametrize(
    ("verbs", "error"),
    [
        pytest.param(["get", "create"], "timed out waiting for the condition", id="too few"),
        pytest.param(["get", "create", "list", "watch"], "", id="enough"),
    ],
)
def test_a_wait_needs_the_rights_to_list_and_watch(
    program: Program, cluster: Cluster, verbs: list[str], error: str
) -> None:
    """Reading the object itself would do, but the official plugin's informers list and watch.

    Where they may not, it waits for ever; that the stand-in ends in time is its only kindness.
    """
    name = f"restricted-{len(verbs)}"
    program.create(SECRET, secret(name))
    rule = {"apiGroups": ["notification.toolkit.fluxcd.io"], "resources": ["receivers"]}
    kubeconfig = cluster.kubeconfig_for(name, [{**rule, "verbs": verbs}])

    with PluginProcess(kubeconfig) as plugin:
        answer = Program(plugin).create(RECEIVER, receiver(name, wait=BOTH, timeout=3))

    assert answer.error.endswith(error) if error else not answer.error


def test_twenty_receivers_are_waited_for_at_once(program: Program) -> None:
    """Waits run side by side, as many as the engine asks for."""
    names = [f"many-{number}" for number in range(20)]
    for name in names:
        program.create(SECRET, secret(name))
    started = time.monotonic()
    with ThreadPoolExecutor(len(names)) as pool:
        answers = list(
            pool.map(lambda name: program.create(RECEIVER, receiver(name, wait=BOTH)), names)
        )

    assert {""} == {answer.error for answer in answers}
    assert time.monotonic() - started < 15


def test_a_foreground_deletion_waits_for_a_garbage_collector(program: Program) -> None:
    """Foreground is the default, and a cluster without the collector never finishes it."""
    state = program.create(
        SECRET, secret("kept", annotations={"pulumi.com/timeoutSeconds": "1"})
    ).response

    answer = program.delete(SECRET, state)

    assert "rpc error: code = Unknown desc = timed out waiting for the condition" == answer.error
    assert ["foregroundDeletion"] == answer.saved["properties"]["metadata"]["finalizers"]
    assert ["finalizers might be preventing deletion (foregroundDeletion)"] == program.plugin.logged


def test_what_is_gone_already_counts_as_deleted(program: Program) -> None:
    """A deletion that is repeated succeeds."""
    state = program.create(SECRET, secret("gone", annotations=BACKGROUND)).response

    assert not program.delete(SECRET, state).error
    assert not program.delete(SECRET, state).error


def test_an_import_reads_what_only_its_id_names(program: Program) -> None:
    """A Secret's inputs are all that a program can give, a custom resource's only its identity."""
    program.create(SECRET, secret("imported"))
    program.create(RECEIVER, receiver("imported"))

    read = {
        type_: program.plugin.ask("Read", {"urn": urn(type_), "id": "flux-system/imported"})
        for type_ in (SECRET, RECEIVER)
    }

    inputs = read[SECRET].response["inputs"]
    assert {"apiVersion", "data", "kind", "metadata", "type"} == inputs.keys()
    assert {"labels", "name", "namespace"} == inputs["metadata"].keys()
    assert "1b47061264138c4ac30d75fd1eb44270" in inputs["data"].values()
    inputs = read[RECEIVER].response["inputs"]
    assert {"apiVersion", "kind", "metadata"} == inputs.keys()
    assert {"name": "imported", "namespace": "flux-system"} == inputs["metadata"]


def test_a_null_passes_once_and_then_never_again(program: Program) -> None:
    """The API server drops a null when it creates and refuses it when it applies."""
    inputs = receiver("nulled", resourceFilter=None)
    created = program.create(RECEIVER, inputs)
    assert not created.error

    diff = program.plugin.ask(
        "Diff",
        {
            "urn": urn(RECEIVER),
            "id": created.response["id"],
            "olds": created.response["properties"],
            "news": inputs,
        },
    )
    updated = program.update(RECEIVER, created.response, inputs)

    assert {"spec.resourceFilter": {"kind": "DELETE", "inputDiff": True}} == diff.response[
        "detailedDiff"
    ]
    assert 'spec.resourceFilter in body must be of type string: "null"' in updated.error


def test_an_upsert_does_not_take_what_another_manager_set(cluster: Cluster) -> None:
    """Upserting is server-side apply without force: other values of others are a conflict."""
    theirs = {"pulumi.com/patchFieldManager": "them"}
    environment = {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true"}
    with PluginProcess(cluster.kubeconfig, environment=environment) as plugin:
        program = Program(plugin)
        program.create(SECRET, secret("contested", annotations=theirs))
        answer = program.create(SECRET, secret("contested", token="other", annotations={}))

    assert "server-side apply field conflict detected" in answer.error
    assert 'conflict with "them": .data.token' in answer.error
    assert "other" not in answer.error


def test_a_new_field_manager_takes_over_from_the_old_one(program: Program) -> None:
    """The annotation names the manager; fields that only the old one set are given up."""
    created = program.create(SECRET, secret("managed")).response
    inputs = secret("managed", annotations={"pulumi.com/patchFieldManager": "me"})

    updated = program.update(SECRET, created, inputs).response
    read = program.plugin.ask(
        "Read", {"urn": urn(SECRET), "id": created["id"], "properties": updated["properties"]}
    )

    assert "me" == updated["properties"]["__fieldManager"]
    managers = read.response["properties"]["metadata"]["managedFields"]
    assert ["me"] == [entry["manager"] for entry in managers]


def test_what_a_preview_cannot_know_is_passed_on(program: Program) -> None:
    """Unknown inputs, and kinds that are not served yet, are echoed."""
    unknown = secret("unknown", token="04da6b54-80e4-46f7-96ec-b56ff0331ba9")
    not_served = {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "x"}}

    for type_, inputs in ((SECRET, unknown), ("example.org/v1:Thing", not_served)):
        checked = program.check(type_, inputs).response["inputs"]
        answer = program.create(type_, inputs, preview=True)

        assert {"properties": checked} == answer.response


def test_an_object_of_no_namespace_goes_to_the_kubeconfigs(program: Program) -> None:
    """The context's namespace is the default one; what has no namespaces gets none."""
    checked = program.check(SECRET, {"apiVersion": "v1", "kind": "Secret"}).response["inputs"]
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}

    created = program.create("core/v1:Namespace", namespace).response

    assert "flux-system" == checked["metadata"]["namespace"]
    assert "other" == created["id"]
    assert "namespace" not in created["properties"]["metadata"]


def test_auto_naming_can_be_disabled_or_proposed(program: Program) -> None:
    """The engine's `pulumi:autonaming` reaches the plugin with each check."""
    inputs = {"apiVersion": "v1", "kind": "Secret"}

    disabled = program.check(SECRET, inputs, autonaming={"mode": "DISABLE"})
    proposed = program.check(SECRET, inputs, autonaming={"proposedName": "app"})

    assert "autonaming is disabled, resource requires" in disabled.error
    assert "app" == proposed.response["inputs"]["metadata"]["name"]


@pytest.mark.parametrize(
    ("type_", "api_version", "kind"),
    [
        ("apps/v1:Deployment", "apps/v1", "Deployment"),
        ("core/v1:SecretPatch", "v1", "Secret"),
        ("core/v1:Service", "v1", "Service"),
        ("helm.sh/v3:Release", "", ""),
        ("yaml/v2:ConfigGroup", "", ""),
    ],
)
def test_what_only_the_official_plugin_can_do_is_refused(
    program: Program, type_: str, api_version: str, kind: str
) -> None:
    """A kind with a readiness of its own would seem ready too early: an error instead."""
    answer = program.check(type_, {"apiVersion": api_version, "kind": kind})

    assert answer.error.startswith("rpc error: code = Unknown desc = stand-in: the ")
    assert answer.error.endswith("pulumi plugin install resource kubernetes")


def test_functions_and_components_are_refused(program: Program) -> None:
    """They render YAML and charts, which nothing here does."""
    function = program.plugin.ask("Invoke", {"tok": "kubernetes:yaml:decode"})
    component = program.plugin.ask("Construct", {"type": "kubernetes:yaml/v2:ConfigFile"})

    assert "stand-in: the function kubernetes:yaml:decode is not supported" in function.error
    assert "stand-in: the component kubernetes:yaml/v2:ConfigFile is not" in component.error


def test_without_an_api_server_only_what_needs_one_fails(tmp_path: Path) -> None:
    """Checks and previews go on; creating, reading and deleting say what is missing."""
    with PluginProcess(tmp_path / "no-kubeconfig") as plugin:
        program = Program(plugin)
        state = {"id": "flux-system/x", "properties": secret("x")}

        assert not program.check(SECRET, secret("x")).error
        assert not program.create(SECRET, secret("x"), preview=True).error
        created = program.create(SECRET, secret("x"))
        deleted = program.delete(SECRET, state)
        read = plugin.ask("Read", {"urn": urn(SECRET), **state})

    assert "configured Kubernetes cluster is unreachable: unable to load" in created.error
    assert "invalid configuration: no configuration has been provided" in created.error
    for answer in (deleted, read):
        assert "PULUMI_K8S_DELETE_UNREACHABLE" in answer.error


def test_the_installed_program_is_found_under_the_sdks_version(
    cluster: Cluster, tmp_path: Path
) -> None:
    """The engine looks for the version of the SDK, and starts the program by its path."""
    path = install(tmp_path, "kubernetes")
    with PluginProcess(cluster.kubeconfig, command=(str(path),)) as plugin:
        version = plugin.ask("GetPluginInfo", {}).response["version"]

    assert f"plugins/resource-kubernetes-v{version}/pulumi-resource-kubernetes" == str(
        path.relative_to(tmp_path)
    )


def test_a_killed_engine_leaves_no_plugin(cluster: Cluster) -> None:
    """Nothing ends a plugin whose engine was killed but the plugin itself."""
    starter = (
        "import subprocess, sys, time\n"
        "plugin = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)\n"
        "plugin.stdout.readline()\n"
        "print(plugin.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        (sys.executable, "-c", starter, *STAND_IN),
        env={"PYTHONPATH": str(CHECKOUT), "KUBECONFIG": str(cluster.kubeconfig)},
        stdout=subprocess.PIPE,
        text=True,
    ) as engine:
        assert engine.stdout is not None
        process = Path("/proc", engine.stdout.readline().strip())
        assert process.exists()
        engine.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 5
    while process.exists():
        assert time.monotonic() < deadline, "the plugin outlived its engine"
        time.sleep(0.1)
