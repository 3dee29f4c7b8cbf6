"""How the stand-in for pulumi-kubernetes finds its API server."""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.plugins.errors import UnsupportedError
from sandbox.plugins.kubernetes.errors import UnreachableError
from sandbox.plugins.kubernetes.kubeconfig import active_cluster, connect


def kubeconfig(
    user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A kubeconfig of two contexts, the first being the current one."""
    return {
        "clusters": [
            {"name": "one", "cluster": {"server": "https://one:6443/"} | (cluster or {})},
            {"name": "two", "cluster": {"server": "https://two:6443"}},
        ],
        "users": [{"name": "me", "user": user or {"token": "hidden"}}],
        "contexts": [
            {"name": "first", "context": {"cluster": "one", "user": "me", "namespace": "apps"}},
            {"name": "second", "context": {"cluster": "two", "user": "me"}},
        ],
        "current-context": "first",
    }


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The kubeconfig's path, which `KUBECONFIG` names too."""
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(kubeconfig()))
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


def test_path_content_and_environment_are_equal(path: Path) -> None:
    """The provider argument may be a path or the content; without it the environment counts."""
    for given in (str(path), path.read_text(), ""):
        connection = connect(given)

        assert "https://one:6443" == connection.server
        assert "apps" == connection.namespace
        assert {"Authorization": "Bearer hidden"} == connection.headers


def test_context_and_cluster_can_be_chosen(path: Path) -> None:
    """Arguments win over the current context and its cluster."""
    assert ("https://two:6443", "default") == (
        connect(context="second").server,
        connect(context="second").namespace,
    )
    assert "https://two:6443" == connect(cluster="two").server
    assert {"server": "https://two:6443"} == active_cluster(str(path), context="", cluster="two")


def test_a_connection_does_not_show_its_credentials(path: Path) -> None:
    """Neither a `repr` nor an error holds the token."""
    assert "hidden" not in repr(connect(str(path)))
    with pytest.raises(UnreachableError) as raised:
        connect("users: [{name: me, user: {token: hidden}}\n: :")
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(kubeconfig({"exec": {"command": "aws"}}), id="another program"),
        pytest.param(kubeconfig({"token": "x", "as": "root"}), id="another identity"),
        pytest.param(kubeconfig(cluster={"proxy-url": "http://proxy"}), id="a proxy"),
    ],
)
def test_what_it_cannot_do_is_refused(content: dict[str, Any]) -> None:
    """Rather than connecting in another way than the official plugin would."""
    with pytest.raises(UnsupportedError, match=r"^stand-in: "):
        connect(json.dumps(content))


def test_a_kubeconfig_that_leads_nowhere_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing file and a missing context are told apart."""
    with pytest.raises(UnreachableError, match=r"there is no kubeconfig .*missing"):
        connect(str(tmp_path / "missing"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "missing"))
    with pytest.raises(UnreachableError, match="no configuration has been provided"):
        connect()
    with pytest.raises(UnreachableError, match="context 'third' names no server"):
        connect(json.dumps(kubeconfig()), context="third")
