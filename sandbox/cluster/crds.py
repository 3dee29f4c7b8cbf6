"""Custom resource definitions: applied, Established and discoverable, and gone again."""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from sandbox.cluster.errors import ClusterError

SERVED = "https://{api}/readyz/poststarthook/crd-informer-synced"
"""Answers well as soon as the API server can take CRDs."""

READY_SECONDS = 30.0
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_POLL_SECONDS = 0.02


def establish(api: httpx.Client, files: Iterable[Path]) -> None:
    """Apply each file, one CRD each, server-side, and wait until clients can use them all.

    Established is not enough: a controller also finds a new kind only once the API server's
    discovery lists it, which happens a moment later, and gives up when it does not find it.
    """
    with ThreadPoolExecutor(4) as threads:
        wanted = set(threads.map(lambda file: _apply(api, file), files))
    deadline = time.monotonic() + READY_SECONDS
    while missing := wanted - (_established(api) & _discovered(api)):
        if time.monotonic() > deadline:
            raise ClusterError(
                f"kube-apiserver does not serve {', '.join(sorted(missing))} "
                f"{READY_SECONDS:.0f} s after the CRDs were applied"
            )
        time.sleep(_POLL_SECONDS)


def remove(api: httpx.Client, files: Iterable[Path]) -> None:
    """Delete the CRD of each file, and wait until clients find none of them."""
    names = {_name(file) for file in files}
    for name in names:
        api.delete(f"{_DEFINITIONS}/{name}").raise_for_status()
    deadline = time.monotonic() + READY_SECONDS
    while left := names & (_established(api) | _discovered(api)):
        if time.monotonic() > deadline:
            raise ClusterError(
                f"kube-apiserver still serves {', '.join(sorted(left))} "
                f"{READY_SECONDS:.0f} s after the CRDs were deleted; a finalizer may hold objects"
            )
        time.sleep(_POLL_SECONDS)


def _name(file: Path) -> str:
    group, plural = file.stem.rsplit("_", 1)
    return f"{plural}.{group}"


def _apply(api: httpx.Client, file: Path) -> str:
    name = _name(file)
    api.patch(
        f"{_DEFINITIONS}/{name}",
        params={"fieldManager": "fluxhooks-sandbox", "force": "true"},
        headers={"Content-Type": "application/apply-patch+yaml"},
        content=file.read_bytes(),
    ).raise_for_status()
    return name


def _established(api: httpx.Client) -> set[str]:
    answer = api.get(_DEFINITIONS)
    return {
        crd["metadata"]["name"]
        for crd in answer.raise_for_status().json()["items"]
        for condition in crd.get("status", {}).get("conditions") or ()
        if condition["type"] == "Established" and condition["status"] == "True"
    }


def _discovered(api: httpx.Client) -> set[str]:
    kinds = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    answer = api.get("/apis", headers={"Accept": kinds})
    return {
        f"{resource['resource']}.{group['metadata']['name']}"
        for group in answer.raise_for_status().json()["items"]
        for version in group["versions"]
        for resource in version["resources"]
    }
