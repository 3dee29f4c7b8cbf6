"""Serves what a monitor knows: ``/metrics`` for Prometheus, ``/healthz`` and ``/readyz``.

prometheus-client, an extra, is imported where it is served.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from fluxhooks.errors import ArgumentError, ObservationError
from fluxhooks.observe.monitoring.known import Known
from fluxhooks.observe.monitoring.metrics import METRICS, Metric, Sample, samples

if TYPE_CHECKING:
    from prometheus_client.core import Metric as Family

_Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Collector:
    """Gives Prometheus's registry what is known at the moment it is scraped."""

    def __init__(self, known: Callable[[], Known]) -> None:
        self._known = known

    def collect(self) -> "Iterator[Family]":
        """Yield each metric with its samples."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        found: dict[Metric, list[Sample]] = {metric: [] for metric in METRICS}
        for metric, sample in samples(self._known()):
            found[metric].append(sample)
        for metric, values in found.items():
            make = CounterMetricFamily if metric.counter else GaugeMetricFamily
            family = make(metric.name, metric.meaning, labels=metric.labels)
            for labels, value in values:
                family.add_metric(labels, value)
            yield family


class Server:
    """An HTTP server for the `with` block; each request has a thread of its own.

    Args:
        listen: address and port, as in "127.0.0.1:9797" or "[::]:9797"; port 0 takes any.
        known: returns what is known.
        ready: returns whether there is something to be told.
        alive: returns whether it is still looked.

    Raises:
        ArgumentError: it cannot listen there.
        ObservationError: prometheus-client is not installed.
    """

    def __init__(
        self,
        listen: str,
        *,
        known: Callable[[], Known],
        ready: Callable[[], bool],
        alive: Callable[[], bool],
    ) -> None:
        try:
            from prometheus_client import CollectorRegistry, make_wsgi_app
            from prometheus_client.exposition import ThreadingWSGIServer
        except ModuleNotFoundError:
            raise ObservationError(
                "metrics cannot be exported without prometheus-client: pip install "
                "'fluxhooks[monitor]'"
            ) from None
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Collector(known))
        self._metrics: _Wsgi = make_wsgi_app(registry)
        self._checks = {"/healthz": alive, "/readyz": ready}
        host, port = address(listen)

        class Listening(ThreadingWSGIServer):
            address_family = _family(host)

        try:
            self._server = make_server(host, port, self._answer, Listening, _Silent)
        except OSError as error:
            raise ArgumentError(
                "--listen", f"{listen!r} cannot be listened on: {error.strerror or error}"
            ) from None

    def __enter__(self) -> "Server":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Address and port it listens on."""
        host, port = self._server.server_address[:2]
        return f"[{host!s}]:{port}" if ":" in str(host) else f"{host!s}:{port}"

    def _answer(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return self._metrics(environ, start_response)
        status, text = "404 Not Found", "there are /metrics, /healthz and /readyz"
        if path in self._checks:
            good = self._checks[path]()
            status, text = ("200 OK", "ok") if good else ("503 Service Unavailable", "not yet")
        start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{text}\n".encode()]


def address(listen: str) -> tuple[str, int]:
    """Return host and port of an address to listen on.

    Raises:
        ArgumentError: it is none.
    """
    host, separator, port = listen.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise ArgumentError("--listen", f"{listen!r} is no address, as in 127.0.0.1:9797")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _family(host: str) -> Any:
    import socket

    return socket.AF_INET6 if ":" in host else socket.AF_INET


class _Silent(WSGIRequestHandler):
    """Logs no request."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""
