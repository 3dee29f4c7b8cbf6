"""A Kubernetes API server and Flux's controllers on loopback, for as long as a `with` block."""

import shutil
import ssl
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx

from sandbox import toolchain
from sandbox.cluster import access, audit, crds, logs
from sandbox.cluster.credentials import write_credentials
from sandbox.cluster.errors import ClusterError, NotReadyError, ProgramDiedError
from sandbox.cluster.kubeconfig import write_kubeconfig
from sandbox.cluster.ports import free_ports
from sandbox.cluster.programs import API_SERVER, CONTROLLERS, ETCD, Address, Daemon
from sandbox.cluster.supervisor import Supervisor
from sandbox.toolchain.progress import Report

if TYPE_CHECKING:
    import lightkube

NAMESPACE = "flux-system"
DEFAULT_CONTROLLERS: Mapping[str, Sequence[str]] = {
    "notification-controller": (),
    "source-controller": (),
}
READY_SECONDS = 60.0
TAIL_LINES = 15
_ATTEMPTS = 4
_POLL_SECONDS = 0.02


class Cluster:
    """etcd, kube-apiserver (with RBAC) and Flux controllers on free ports of 127.0.0.1.

    On entry everything is started and ready: the controllers' CRDs, in any case those of
    notification-controller and source-controller, are Established and the namespace `flux-system`
    exists. There is no kubelet, no scheduler and no garbage collector: an object
    deleted with foreground propagation stays for ever.

    `directory`: where everything is written. By default a new temporary directory, removed at the
    end, also when the caller is killed. A given one must be empty and stays.
    `controllers`: which Flux controllers run, and their further flags; by default
    notification-controller and source-controller without any.
    `environment`: further environment variables of the controllers. They inherit none.
    `programs`: the executables by name; those not given come from `sandbox.toolchain`.
    `report`: told what the toolchain does when programs must first be downloaded or built.

    Raises `ProgramDiedError` or `NotReadyError` when a program does not start, and
    `ToolchainError` when one cannot be had.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        controllers: Mapping[str, Sequence[str]] = DEFAULT_CONTROLLERS,
        environment: Mapping[str, str] | None = None,
        programs: Mapping[str, Path] | None = None,
        report: Report | None = None,
    ) -> None:
        _check_known(controllers)
        if directory is not None and directory.exists() and any(directory.iterdir()):
            raise ValueError(f"directory: {directory} is not empty; name a new or an empty one")
        self._given_directory = directory
        self._flags = {name: tuple(flags) for name, flags in controllers.items()}
        self._environment = dict(environment or {})
        self._own_environments: dict[str, dict[str, str]] = {}
        self._given_programs = dict(programs or {})
        self.provided = {}
        self._daemons = {
            daemon.name: daemon
            for daemon in (ETCD, API_SERVER, *(CONTROLLERS[name] for name in controllers))
        }
        self._report = report
        self._supervisor: Supervisor | None = None
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every program and remove what the cluster wrote; closing again does nothing."""
        self._supervisor = None
        self._closing.close()

    # What it is

    directory: Path
    """Everything the cluster wrote; what is put here is removed with it."""

    logs: Path
    """The directory with one `<program>.log` each."""

    kubeconfig: Path
    """The administrator's kubeconfig, readable by its owner only; its namespace is flux-system."""

    token: str
    """The administrator's bearer token."""

    uid: str
    """The UID of the namespace kube-system, which stands for the cluster's identity."""

    provided: dict[str, toolchain.Program]
    """The programs that were not given to it but taken from `sandbox.toolchain`, by name."""

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://{self._addresses['api']}"

    @property
    def ca_file(self) -> Path:
        """The certificate authority of the API server, as PEM."""
        return self.directory / "credentials" / "ca.pem"

    @property
    def receiver_port(self) -> int:
        """Where notification-controller listens for webhooks: http, on 127.0.0.1."""
        return self._addresses["receiver"].port

    @property
    def events_port(self) -> int:
        """Where notification-controller listens for events of the other controllers: http."""
        return self._addresses["events"].port

    @property
    def pids(self) -> dict[str, int]:
        """The process id of each program that was started and not stopped."""
        return self._running().pids()

    # What it can do

    def client(self) -> "lightkube.Client":
        """A new client with the administrator's rights and the namespace flux-system."""
        # Half a second that a caller without need for it should not pay.
        import lightkube

        return lightkube.Client(
            config=lightkube.KubeConfig.from_file(self.kubeconfig),
            field_manager="fluxhooks-sandbox",
            trust_env=False,
        )

    def kubeconfig_for(
        self,
        name: str,
        rules: Sequence[access.Rule],
        *,
        namespace: str | None = NAMESPACE,
    ) -> Path:
        """Make a ServiceAccount that may do what `rules` say, and return its kubeconfig.

        The ServiceAccount is `flux-system/<name>`. The rules hold in `namespace`, with `None` in
        the whole cluster; they are given as in a Role: `{"apiGroups": [""], "resources":
        ["secrets"], "verbs": ["get"]}`. Calling it again with the same name replaces the rules.
        """
        token = access.grant(self._http, name, rules, home=NAMESPACE, namespace=namespace)
        return write_kubeconfig(
            self.directory / f"{name}.kubeconfig",
            server=self.server,
            ca_file=self.ca_file,
            user=name,
            token=token,
            namespace=namespace or NAMESPACE,
        )

    def requests_of(self, name: str) -> list[audit.ApiRequest]:
        """What the ServiceAccount `flux-system/<name>` has asked so far, oldest first."""
        log = self.directory / API_SERVER.name / audit.LOG_FILE
        return audit.read(log, f"system:serviceaccount:{NAMESPACE}:{name}")

    def stop(self, name: str, *, kill: bool = False) -> None:
        """End one program, in order or, with `kill`, at once; its data and ports stay its own."""
        self._running().stop(self._daemon(name).name, kill=kill)

    def start(
        self,
        name: str,
        *,
        flags: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start a stopped program on its old ports and data, and wait until it is ready.

        `flags` replace the further flags it had until now, `environment` its own further
        environment variables; absent, it keeps them. With
        `{"KUBECONFIG": str(cluster.kubeconfig_for(...))}` a controller may do only what is granted.
        """
        daemon = self._daemon(name)
        if name in self.pids:
            raise ClusterError(f"{name} runs already; stop it before starting it")
        if flags is not None:
            self._flags[name] = tuple(flags)
        if environment is not None:
            self._own_environments[name] = dict(environment)
        self._launch(daemon)
        self._await_ready(daemon)

    def restart(
        self,
        name: str,
        *,
        kill: bool = False,
        flags: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Stop one program, start it again and wait until it is ready; all else as for `start`."""
        self.stop(name, kill=kill)
        self.start(name, flags=flags, environment=environment)

    def add_controller(self, name: str, *, flags: Sequence[str] = ()) -> None:
        """Run a further Flux controller: with its CRDs, and ready when this returns.

        One that the cluster has already stays as it is.
        """
        _check_known([name])
        if name in self._daemons:
            return
        daemon = CONTROLLERS[name]
        if name not in self._programs:
            self._programs |= self._provide([name])
        crds.establish(self._http, toolchain.crds([name]))
        self._daemons[name] = daemon
        self._flags[name] = tuple(flags)
        self._launch(daemon)
        self._await_ready(daemon)

    @contextmanager
    def further_controllers(self, *names: str) -> Iterator[None]:
        """Run further Flux controllers for the length of a `with` block.

        Afterwards their CRDs are gone again, with all objects of them.
        """
        added = [name for name in names if name not in self._daemons]
        try:
            for name in added:
                self.add_controller(name)
            yield
        finally:
            for name in reversed(added):
                # First: the controller still has to take its finalizers off what is deleted.
                crds.remove(self._http, toolchain.crds([name]))
                self.stop(name)
                del self._daemons[name]

    def add_definitions(self, files: Iterable[Path]) -> None:
        """Serve the objects of further CustomResourceDefinition files, one in each."""
        crds.establish(self._http, files)

    def tail(self, name: str, *, lines: int = TAIL_LINES) -> list[str]:
        """The last lines of a program's log, hook paths masked."""
        return logs.tail(self.logs / f"{name}.log", lines)

    def keep_logs(self, to: Path) -> Path:
        """Copy all logs into the directory `to`, hook paths masked, and return it."""
        return logs.keep(self.logs, to)

    # How it starts

    def _open(self) -> None:
        self._programs = self._find_programs()
        for _ in range(_ATTEMPTS - 1):
            try:
                self._open_once()
            except ProgramDiedError as error:
                # Between being chosen and being bound, a port is anybody's.
                if not error.port_taken:
                    raise
                self.close()
                if self._given_directory is not None:
                    shutil.rmtree(self._given_directory)
            else:
                return
        self._open_once()

    def _find_programs(self) -> dict[str, Path]:
        missing = [name for name in self._daemons if name not in self._given_programs]
        return {**self._provide(missing), **self._given_programs}

    def _provide(self, names: Sequence[str]) -> dict[str, Path]:
        programs = toolchain.provide(names, report=self._report)
        self.provided |= programs
        return {name: program.path for name, program in programs.items()}

    def _open_once(self) -> None:
        self._make_directory()
        self._supervisor = Supervisor(
            self.directory,
            log=self.logs / "supervisor.log",
            remove=self._given_directory is None,
        )
        self._closing.callback(self._supervisor.close)
        self._addresses = _addresses()
        self.token = write_credentials(self.directory / "credentials")
        audit.write_policy(self.directory / "credentials")
        self._launch(ETCD)
        self._launch(API_SERVER)
        self._http = self._closing.enter_context(self._admin_http())
        self.kubeconfig = write_kubeconfig(
            self.directory / "kubeconfig",
            server=self.server,
            ca_file=self.ca_file,
            user="admin",
            token=self.token,
            namespace=NAMESPACE,
        )
        # The rest of the API server's own start, a second, runs beside the next steps.
        self._await_answer(API_SERVER, crds.SERVED)
        controllers = [daemon for name, daemon in self._daemons.items() if name in CONTROLLERS]
        defined = {*DEFAULT_CONTROLLERS, *(daemon.name for daemon in controllers)}
        crds.establish(self._http, toolchain.crds(defined))
        for daemon in controllers:
            self._launch(daemon)
        for daemon in (ETCD, API_SERVER, *controllers):
            self._await_ready(daemon)
        self._make_namespace()
        self.uid = self._namespace_uid("kube-system")
        self._raise_if_died()

    def _admin_http(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.server,
            auth=self._authorize,
            verify=ssl.create_default_context(cafile=self.ca_file),
            timeout=10.0,
            trust_env=False,
        )

    def _authorize(self, request: httpx.Request) -> httpx.Request:
        # The same client asks the other programs for their health, without the token.
        if str(request.url).startswith(f"{self.server}/"):
            request.headers["Authorization"] = f"Bearer {self.token}"
        return request

    def _make_directory(self) -> None:
        if self._given_directory is None:
            self.directory = Path(tempfile.mkdtemp(prefix="fluxhooks-cluster-"))
        else:
            self.directory = self._given_directory.resolve()
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.logs = self.directory / "logs"
        self.logs.mkdir()

    def _launch(self, daemon: Daemon) -> None:
        data = self.directory / daemon.name
        data.mkdir(mode=0o700, exist_ok=True)
        values = {
            **self._addresses,
            "data": data,
            "credentials": self.directory / "credentials",
            "kubeconfig": self.directory / "kubeconfig",
        }
        environment = {
            # Programs that keep a cache or a temporary file keep it where it is removed.
            "HOME": str(data),
            "TMPDIR": str(data),
            **{key: value.format_map(values) for key, value in daemon.environment.items()},
            **(self._environment if daemon.name in CONTROLLERS else {}),
            **self._own_environments.get(daemon.name, {}),
        }
        command = [
            str(self._programs[daemon.name]),
            *(flag.format_map(values) for flag in daemon.flags),
            *self._flags.get(daemon.name, ()),
        ]
        log = self.logs / f"{daemon.name}.log"
        self._running().start(daemon.name, command, environment=environment, log=log)

    def _await_ready(self, daemon: Daemon) -> None:
        for url in daemon.ready:
            self._await_answer(daemon, url)

    def _await_answer(self, daemon: Daemon, url: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while (answer := self._answer(url.format_map(self._addresses))) != "ready":
            self._raise_if_died()
            if time.monotonic() > deadline:
                raise NotReadyError(
                    daemon.name, seconds=READY_SECONDS, last=answer, tail=self.tail(daemon.name)
                )
            time.sleep(_POLL_SECONDS)

    def _answer(self, url: str) -> str:
        try:
            status = self._http.get(url, timeout=2.0).status_code
        except httpx.HTTPError as error:
            return type(error).__name__
        return "ready" if status < 500 else f"status {status}"

    def _make_namespace(self) -> None:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        self._http.post("/api/v1/namespaces", json=namespace).raise_for_status()

    def _namespace_uid(self, name: str) -> str:
        namespace = self._http.get(f"/api/v1/namespaces/{name}").raise_for_status().json()
        return str(namespace["metadata"]["uid"])

    def _raise_if_died(self) -> None:
        for name, code in self._running().ended().items():
            raise ProgramDiedError(name, code=code, tail=self.tail(name))

    def _running(self) -> Supervisor:
        if self._supervisor is None:
            raise ClusterError("the cluster is not running; use it inside its `with` block")
        return self._supervisor

    def _daemon(self, name: str) -> Daemon:
        if name not in self._daemons:
            raise ValueError(
                f"name: the cluster does not run {name!r}, only: {', '.join(self._daemons)}"
            )
        return self._daemons[name]


def _check_known(controllers: Iterable[str]) -> None:
    if unknown := sorted(set(controllers) - CONTROLLERS.keys()):
        raise ValueError(
            f"controllers: unknown controller {unknown[0]!r}, "
            f"expected some of: {', '.join(sorted(CONTROLLERS))}"
        )


def _addresses() -> dict[str, Address]:
    names = [port for row in (ETCD, API_SERVER, *CONTROLLERS.values()) for port in row.ports]
    return {name: Address(port) for name, port in zip(names, free_ports(len(names)), strict=True)}
