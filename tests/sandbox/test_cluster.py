"""The sandbox cluster: ready when entered, faithful when restarted, gone when left."""

import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import lightkube
import pytest
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import ConfigMap, Namespace, Secret

from sandbox.cluster import Cluster, ClusterError, ProgramDiedError
from sandbox.cluster import cluster as cluster_module
from sandbox.cluster.ports import free_ports
from sandbox.toolchain import provide

Receiver = create_namespaced_resource(
    "notification.toolkit.fluxcd.io", "v1", "Receiver", "receivers"
)
GitRepository = create_namespaced_resource(
    "source.toolkit.fluxcd.io", "v1", "GitRepository", "gitrepositories"
)
EVERY_PROGRAM = ["etcd", "kube-apiserver", "notification-controller", "source-controller"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def client(cluster: Cluster) -> Iterator[lightkube.Client]:
    with cluster.client() as client:
        yield client


def eventually(holds: Callable[[], object], *, seconds: float = 20.0) -> object:
    """The first true answer of `holds`, or its last one when the time is over."""
    deadline = time.monotonic() + seconds
    while not (answer := holds()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer


def make_receiver(client: lightkube.Client, name: str) -> str:
    """A Receiver of type generic for a source of its own; its path."""
    client.create(Secret(metadata=ObjectMeta(name=name), stringData={"token": "t"}))
    source = {"url": "https://localhost/nowhere", "interval": "30m"}
    client.create(GitRepository(metadata=ObjectMeta(name=name), spec=source))
    target = {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository"}
    client.create(
        Receiver(
            metadata=ObjectMeta(name=name),
            spec={
                "type": "generic",
                "secretRef": {"name": name},
                "resources": [{**target, "name": name}],
            },
        )
    )

    def path() -> object:
        status = client.get(Receiver, name).status
        return status.get("webhookPath") if isinstance(status, dict) else None

    return str(eventually(path))


# Ready


def test_the_programs_the_namespace_and_the_kinds_are_there(
    cluster: Cluster, client: lightkube.Client
) -> None:
    """Entering the block returns only when everything can be used."""
    assert EVERY_PROGRAM == list(cluster.pids)
    assert "Active" == client.get(Namespace, "flux-system").to_dict()["status"]["phase"]
    assert [] == list(client.list(Receiver)) + list(client.list(GitRepository))


def test_the_identity_is_the_uid_of_kube_system(cluster: Cluster, client: lightkube.Client) -> None:
    """The usual way to tell one cluster from another."""
    assert client.get(Namespace, "kube-system").to_dict()["metadata"]["uid"] == cluster.uid


def test_a_receiver_becomes_ready_and_its_path_answers(
    cluster: Cluster, client: lightkube.Client
) -> None:
    """The controller reconciles, and its receivers are reached at the port that is named."""
    path = make_receiver(client, "receiver")
    url = f"http://127.0.0.1:{cluster.receiver_port}"

    assert 200 == httpx.post(f"{url}{path}").status_code
    assert 404 == httpx.post(f"{url}/hook/{'0' * 64}").status_code


def test_the_port_for_events_takes_any_json_on_any_path(cluster: Cluster) -> None:
    """What an ingress reaches that leads to the wrong Service of the same controller."""
    url = f"http://127.0.0.1:{cluster.events_port}/hook/{'0' * 64}"

    answers = [httpx.post(url), httpx.post(url, json={"ref": "refs/heads/main"})]

    assert [400, 202] == [answer.status_code for answer in answers]


def test_the_kubeconfig_is_for_its_owner_only(cluster: Cluster) -> None:
    """It holds the administrator's token."""
    assert 0o600 == stat.S_IMODE(cluster.kubeconfig.stat().st_mode)


def test_a_service_account_may_do_what_its_rules_say_and_nothing_else(cluster: Cluster) -> None:
    """RBAC is the API server's own."""
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
    config = lightkube.KubeConfig.from_file(cluster.kubeconfig_for("reader", rules))

    with lightkube.Client(config, trust_env=False) as reader:
        assert [] == list(reader.list(ConfigMap, labels={"nobody": "has"}))
        with pytest.raises(lightkube.ApiError, match='cannot list resource "secrets"'):
            list(reader.list(Secret))
        with pytest.raises(lightkube.ApiError, match='in the namespace "default"'):
            list(reader.list(ConfigMap, namespace="default"))


def test_rules_for_the_whole_cluster_hold_in_every_namespace(cluster: Cluster) -> None:
    """What a command that looks at all namespaces needs."""
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}]
    path = cluster.kubeconfig_for("auditor", rules, namespace=None)

    with lightkube.Client(lightkube.KubeConfig.from_file(path), trust_env=False) as auditor:
        assert [] == list(auditor.list(Secret, namespace="default"))


def test_what_a_service_account_asks_is_known(cluster: Cluster) -> None:
    """Refused requests too, in their order; a watch at once, and not again when it ends."""
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "watch"]}]
    path = cluster.kubeconfig_for("counted", rules)
    assert [] == cluster.requests_of("counted")

    with lightkube.Client(lightkube.KubeConfig.from_file(path), trust_env=False) as counted:
        counted.create(ConfigMap(metadata=ObjectMeta(name="asked-for")))
        with pytest.raises(lightkube.ApiError, match='cannot get resource "configmaps"'):
            counted.get(ConfigMap, "asked-for")
        watch = counted.watch(ConfigMap)
        assert "ADDED" == next(watch)[0]
        asked = ["create configmaps", "get configmaps", "watch configmaps"]
        assert eventually(lambda: asked == [str(r) for r in cluster.requests_of("counted")])
    assert asked == [str(request) for request in cluster.requests_of("counted")]


# Faults of single programs


@pytest.mark.parametrize("name", EVERY_PROGRAM)
def test_a_restarted_program_keeps_data_and_ports(
    cluster: Cluster, client: lightkube.Client, name: str
) -> None:
    """After a restart the same addresses serve the same objects, with a new process."""
    before = cluster.pids[name]
    client.create(ConfigMap(metadata=ObjectMeta(name=f"before-{name}"), data={"kept": "yes"}))

    cluster.restart(name)

    assert before != cluster.pids[name]
    assert {"kept": "yes"} == client.get(ConfigMap, f"before-{name}").data
    unknown = f"http://127.0.0.1:{cluster.receiver_port}/hook/{'0' * 64}"
    assert eventually(lambda: 404 == httpx.post(unknown).status_code)


def test_a_stopped_controller_answers_nobody_until_it_is_started(cluster: Cluster) -> None:
    """A stop is a fault that lasts until the start."""
    url = f"http://127.0.0.1:{cluster.receiver_port}/hook/"
    cluster.stop("notification-controller", kill=True)
    with pytest.raises(httpx.ConnectError):
        httpx.post(url)

    cluster.start("notification-controller")

    assert 404 == httpx.post(url).status_code


def test_a_running_program_is_not_started_twice(cluster: Cluster) -> None:
    """Two of a kind would fight for ports and data."""
    with pytest.raises(ClusterError, match=r"^etcd runs already; stop it before starting it$"):
        cluster.start("etcd")


def test_a_program_that_is_not_part_of_the_cluster_is_refused(cluster: Cluster) -> None:
    """The message lists what could have been meant."""
    with pytest.raises(
        ValueError,
        match=r"^name: the cluster does not run 'helm-controller', only: etcd, kube-apiserver, "
        r"notification-controller, source-controller$",
    ):
        cluster.stop("helm-controller")


# Logs


def test_kept_logs_show_no_hook_path(
    cluster: Cluster, client: lightkube.Client, tmp_path: Path
) -> None:
    """The controller logs paths, and whoever knows one can trigger the Receiver."""
    path = make_receiver(client, "logged")
    log = cluster.logs / "notification-controller.log"
    assert eventually(lambda: path in log.read_text())

    kept = cluster.keep_logs(tmp_path / "kept")

    assert {f"{name}.log" for name in [*EVERY_PROGRAM, "supervisor"]} == {
        log.name for log in kept.iterdir()
    }
    assert "/hook/***" in (kept / log.name).read_text()
    assert path not in (kept / log.name).read_text()
    assert path not in "".join(cluster.tail("notification-controller", lines=1000))


# Failed starts


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_program_that_dies_at_its_start_is_named_with_its_last_words(tmp_path: Path) -> None:
    """One error says which program, how it ended and why; nothing stays behind."""
    etcd = script(tmp_path / "etcd", "echo one; echo two >&2; exit 3")

    with pytest.raises(ProgramDiedError) as died:
        Cluster(controllers={}, programs={"etcd": etcd}).__enter__()

    assert "etcd ended with exit code 3; the last lines of its log:\n  one\n  two" == str(
        died.value
    )


def test_a_program_that_cannot_be_executed_is_named(tmp_path: Path) -> None:
    """The path that was tried is part of the message."""
    with pytest.raises(ClusterError, match=r"^etcd could not be started: .*'.*/no-etcd'$"):
        Cluster(controllers={}, programs={"etcd": tmp_path / "no-etcd"}).__enter__()


def test_a_port_that_was_taken_meanwhile_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Losing the race for a port costs time, not the start."""
    tries: list[list[int]] = []
    taken = free_ports(1)

    def once_taken(count: int) -> list[int]:
        tries.append(free_ports(count))
        return [*taken, *tries[-1][1:]] if len(tries) == 1 else tries[-1]

    monkeypatch.setattr(cluster_module, "free_ports", once_taken)
    listener = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(taken[0])],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert eventually(lambda: answers(taken[0]))
        with Cluster(tmp_path / "cluster", controllers={}) as cluster:
            assert {"etcd", "kube-apiserver"} == set(cluster.pids)
            assert tmp_path / "cluster" == cluster.directory
    finally:
        listener.kill()
        listener.wait()

    assert 2 == len(tries)
    # Whoever names a directory is the one who removes it.
    assert (tmp_path / "cluster" / "logs" / "etcd.log").is_file()


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/").is_success
    except httpx.ConnectError:
        return False


def test_an_unknown_controller_is_refused_at_once() -> None:
    """The message lists the ones there are."""
    with pytest.raises(
        ValueError,
        match=r"^controllers: unknown controller 'flux', expected some of: helm-controller, "
        r"image-automation-controller, image-reflector-controller, kustomize-controller, "
        r"notification-controller, source-controller$",
    ):
        Cluster(controllers={"flux": ()})


def test_a_directory_in_use_is_refused_at_once(tmp_path: Path) -> None:
    """Somebody else's files are neither mixed with the cluster's nor removed."""
    (tmp_path / "mine").touch()

    with pytest.raises(ValueError, match=f"^directory: {tmp_path} is not empty; name a new or"):
        Cluster(tmp_path)


def test_a_cluster_outside_its_block_says_so() -> None:
    """Rather than an attribute error from its inside."""
    with pytest.raises(
        ClusterError, match=r"^the cluster is not running; use it inside its `with`"
    ):
        Cluster().stop("etcd")


# Several


def test_two_clusters_run_at_once() -> None:
    """Test workers in parallel each have their own."""
    with ThreadPoolExecutor() as threads:
        both = list(threads.map(lambda _: Cluster(controllers={}).__enter__(), range(2)))
        one, other = both
        try:
            assert one.uid != other.uid
            assert one.server != other.server
        finally:
            one.close()
            other.close()


# Gone


def is_gone(directory: Path) -> bool:
    """Whether neither the directory is there nor a process whose command line names it."""
    listed = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True)
    return not directory.exists() and str(directory) not in listed.stdout


def test_nothing_is_left_after_the_block(tmp_path: Path) -> None:
    """Neither a process nor a file, and at once, whatever ran with whichever options."""
    name = "notification-controller"
    real = provide([name])[name].path
    program = script(
        tmp_path / "program", f'cd {tmp_path}; echo "$@" > flags; env > variables; exec {real} "$@"'
    )
    flags = {name: ["--no-cross-namespace-refs=true"]}

    with Cluster(
        controllers=flags, environment={"NO_PROXY": "*"}, programs={name: program}
    ) as cluster:
        directory = cluster.directory
        assert not is_gone(directory)
        assert ["etcd", "kube-apiserver", name] == list(cluster.pids)

    assert is_gone(directory)
    assert (tmp_path / "flags").read_text().endswith(" --no-cross-namespace-refs=true\n")
    assert "NO_PROXY=*" in (tmp_path / "variables").read_text().splitlines()


@pytest.mark.parametrize(
    ("sign", "code"),
    [
        pytest.param(signal.SIGINT, 0, id="Ctrl-C"),
        pytest.param(signal.SIGKILL, -9, id="kill -9"),
    ],
)
def test_the_command_line_tells_how_to_reach_the_cluster_and_leaves_nothing(
    sign: signal.Signals, code: int
) -> None:
    """`python -m sandbox.cluster` is a cluster to play with, until it is ended in any way."""
    command = subprocess.Popen(
        [sys.executable, "-m", "sandbox.cluster"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert command.stdout is not None
    with command.stdout as stdout:
        lines = [stdout.readline().strip() for _ in range(4)]
    found = re.fullmatch(r"export KUBECONFIG=(/\S+)/kubeconfig", lines[1])
    assert found is not None
    directory = Path(found[1])
    assert re.fullmatch(r"receivers: http://127\.0\.0\.1:\d+/hook/\.\.\.", lines[2])
    assert f"logs: {directory}/logs" == lines[3]
    assert not is_gone(directory)

    command.send_signal(sign)

    assert code == command.wait(30)
    assert eventually(lambda: is_gone(directory))
