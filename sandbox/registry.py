"""A registry for images on loopback: the CNCF's own, which tells of what is pushed to it."""

import hashlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

from sandbox import toolchain
from sandbox.processes import end_group
from sandbox.toolchain.progress import Report

_READY_SECONDS = 30.0
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"


class Registry:
    """The registry on a free port of 127.0.0.1, for the length of a `with` block.

    Args:
        directory: takes what is pushed, and the log; made when absent.
        ca_file: the certificate authority that https receivers are verified against.

    Attributes:
        program: what runs.
    """

    def __init__(
        self, directory: Path, *, ca_file: Path | None = None, report: Report | None = None
    ) -> None:
        self.directory = directory
        self.program = toolchain.provide(["registry"], report=report)["registry"]
        self._ca_file = ca_file
        self._process: subprocess.Popen[str] | None = None
        self._endpoints: list[dict[str, Any]] = []
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.host = f"127.0.0.1:{server.getsockname()[1]}"
        self._http = httpx.Client(base_url=f"http://{self.host}", trust_env=False, timeout=10.0)

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()
        self._stop()

    def notify(self, url: str, *, headers: Mapping[str, str]) -> None:
        """Tell `url` of every push from now on, and of nothing else; restarts the registry."""
        self._endpoints = [
            {
                "name": "flux",
                "url": url,
                "headers": {name: [value] for name, value in headers.items()},
                "timeout": "2s",
                "threshold": 3,
                "backoff": "1s",
                # Flux's own scans are pulls, and each would ask for the next.
                "ignore": {"actions": ["pull"]},
            }
        ]
        self._stop()
        self._start()

    def push(self, repository: str, tag: str, *, content: str = "") -> str:
        """Push an image without layers, which `content` tells from others; return its digest."""
        config = json.dumps({"architecture": "amd64", "os": "linux", "author": content}).encode()
        started = self._http.post(f"/v2/{repository}/blobs/uploads/").raise_for_status()
        put = httpx.URL(started.headers["Location"]).copy_merge_params({"digest": _digest(config)})
        self._http.put(put, content=config).raise_for_status()
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": {"mediaType": _CONFIG, "digest": _digest(config), "size": len(config)},
                "layers": [],
            }
        ).encode()
        self._http.put(
            f"/v2/{repository}/manifests/{tag}",
            content=manifest,
            headers={"Content-Type": _MANIFEST},
        ).raise_for_status()
        return _digest(manifest)

    def _start(self) -> None:
        config = self.directory / "config.yaml"
        config.write_text(
            yaml.safe_dump(
                {
                    "version": "0.1",
                    "log": {"level": "info", "accesslog": {"disabled": True}},
                    "storage": {"filesystem": {"rootdirectory": str(self.directory / "data")}},
                    "http": {"addr": self.host},
                    "notifications": {"endpoints": self._endpoints},
                }
            )
        )
        # It holds the token that receivers want to see.
        config.chmod(0o600)
        environment = {"PATH": os.environ.get("PATH", ""), "OTEL_TRACES_EXPORTER": "none"}
        if self._ca_file is not None:
            environment["SSL_CERT_FILE"] = str(self._ca_file)
        with (self.directory / "registry.log").open("a") as log:
            self._process = subprocess.Popen(
                [self.program.path, "serve", config],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                tail = (self.directory / "registry.log").read_text().splitlines()[-5:]
                raise RuntimeError("the registry does not start:\n" + "\n".join(tail))
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return self._http.get("/v2/").status_code == 200
        except httpx.HTTPError:
            return False

    def _stop(self) -> None:
        if self._process is not None:
            end_group(self._process)
            self._process = None


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
