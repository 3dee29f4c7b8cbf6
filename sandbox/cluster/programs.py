"""What a sandbox cluster runs: one row for each program."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.cluster import audit


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """A program that runs as long as the cluster does.

    `ports` are names, each unique among all rows. In `flags`, `environment` and `ready`, `{name}`
    is the address of the port of that name (`127.0.0.1:20123`), `{name.port}` its number, `{data}`
    the program's own directory, and `{credentials}` and `{kubeconfig}` are paths.
    The program is ready when every URL of `ready` is answered with a status below 500.
    """

    name: str
    ports: tuple[str, ...]
    flags: tuple[str, ...]
    ready: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Address:
    """A TCP port on loopback."""

    port: int

    def __str__(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


ETCD = Daemon(
    name="etcd",
    ports=("etcd", "etcd-peer"),
    flags=(
        "--data-dir={data}",
        "--listen-client-urls=http://{etcd}",
        "--advertise-client-urls=http://{etcd}",
        "--listen-peer-urls=http://{etcd-peer}",
        "--initial-advertise-peer-urls=http://{etcd-peer}",
        "--initial-cluster=default=http://{etcd-peer}",
        # Nobody needs the data after a power cut, and a lone member need not wait for others.
        "--unsafe-no-fsync",
        "--heartbeat-interval=10",
        "--election-timeout=100",
        "--log-level=warn",
    ),
    ready=("http://{etcd}/health",),
    environment={"GOMEMLIMIT": "64MiB"},
)

API_SERVER = Daemon(
    name="kube-apiserver",
    ports=("api",),
    flags=(
        "--etcd-servers=http://{etcd}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--secure-port={api.port}",
        "--cert-dir={data}",
        "--tls-cert-file={credentials}/server.pem",
        "--tls-private-key-file={credentials}/server.key",
        "--token-auth-file={credentials}/tokens.csv",
        "--authorization-mode=RBAC",
        f"--audit-policy-file={{credentials}}/{audit.POLICY_FILE}",
        f"--audit-log-path={{data}}/{audit.LOG_FILE}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-account-key-file={credentials}/service-accounts.key",
        "--service-account-signing-key-file={credentials}/service-accounts.key",
        "--service-cluster-ip-range=10.0.0.0/24",
        # Nothing here makes the default ServiceAccount that this plugin wants every Pod to have.
        "--disable-admission-plugins=ServiceAccount",
        "--endpoint-reconciler-type=none",
        "--profiling=false",
    ),
    ready=("https://{api}/readyz",),
    environment={"GOMEMLIMIT": "512MiB"},
)


def flux_controller(
    name: str,
    *,
    ports: tuple[str, ...] = (),
    flags: tuple[str, ...] = (),
    ready: tuple[str, ...] = (),
    memory: str = "96MiB",
) -> Daemon:
    """A row for a Flux controller: what all of them have in common, and its own."""
    health = f"{name}-health"
    return Daemon(
        name=name,
        ports=(health, *ports),
        flags=(
            f"--health-addr={{{health}}}",
            "--metrics-addr=0",
            "--watch-all-namespaces=true",
            "--log-level=info",
            *flags,
        ),
        ready=(f"http://{{{health}}}/readyz", *ready),
        environment={
            "KUBECONFIG": "{kubeconfig}",
            "RUNTIME_NAMESPACE": "flux-system",
            "GOMEMLIMIT": memory,
        },
    )


def applier(name: str) -> Daemon:
    """A row for a controller that applies what source-controller has fetched."""
    return flux_controller(
        name,
        flags=(
            "--events-addr=http://{events}",
            # Half a minute, and ten attempts with growing pauses, at a user's; here people wait.
            "--requeue-dependency=5s",
            "--http-retry=2",
        ),
        memory="128MiB",
    )


CONTROLLERS: Mapping[str, Daemon] = {
    daemon.name: daemon
    for daemon in (
        flux_controller(
            "notification-controller",
            ports=("receiver", "events"),
            flags=("--receiverAddr={receiver}", "--events-addr={events}"),
            ready=("http://{receiver}/hook/", "http://{events}/"),
        ),
        flux_controller(
            "source-controller",
            ports=("storage",),
            flags=(
                "--events-addr=http://{events}",
                "--storage-path={data}",
                "--storage-addr={storage}",
                "--storage-adv-addr={storage}",
            ),
            ready=("http://{storage}/",),
        ),
        applier("kustomize-controller"),
        applier("helm-controller"),
        flux_controller(
            "image-reflector-controller",
            flags=(
                "--events-addr=http://{events}",
                "--storage-path={data}",
                # A quarter of a gigabyte, mapped twice, at a user's.
                "--storage-value-log-file-size=16777216",
                "--requeue-dependency=5s",
            ),
        ),
        flux_controller("image-automation-controller", flags=("--events-addr=http://{events}",)),
    )
}
