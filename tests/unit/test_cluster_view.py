"""Which cluster is asked, and what is told of a Receiver that is not Ready."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from fluxhooks import ObservationError
from fluxhooks.observe.cluster import _not_ready, connect
from fluxhooks.observe.state import ProviderSettings


def kubeconfig(*names: str) -> str:
    """Return a kubeconfig with a context for each name; the first one is current."""
    return yaml.safe_dump(
        {
            "current-context": names[0],
            "contexts": [{"name": n, "context": {"cluster": n, "user": "me"}} for n in names],
            "clusters": [{"name": n, "cluster": {"server": f"https://{n}.test"}} for n in names],
            "users": [{"name": "me", "user": {"token": "t"}}],
        }
    )


def server(providers: ProviderSettings) -> str:
    """Return the API server that would be asked."""
    return connect(providers).client.config.cluster.server


@pytest.fixture(name="environment")
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    (tmp_path / "kubeconfig").write_text(kubeconfig("environment", "other"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return monkeypatch


def test_the_environment_says_which(environment: pytest.MonkeyPatch) -> None:
    """As for kubectl; a context of the stack's configuration is honoured."""
    assert "https://environment.test" == server(ProviderSettings())
    assert "https://other.test" == server(ProviderSettings(context="other"))


def test_the_providers_own_comes_first(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As for the provider itself: as a text or as a file's path."""
    (tmp_path / "its-own").write_text(kubeconfig("file"))

    assert "https://text.test" == server(ProviderSettings(kubeconfig=kubeconfig("text")))
    assert "https://file.test" == server(ProviderSettings(kubeconfig=str(tmp_path / "its-own")))


def test_the_first_file_that_exists_decides(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """KUBECONFIG may name several."""
    environment.setenv("KUBECONFIG", f"{tmp_path / 'none'}:{tmp_path / 'kubeconfig'}")

    assert "https://environment.test" == server(ProviderSettings())


@pytest.mark.parametrize(
    "providers",
    [
        pytest.param(ProviderSettings(), id="none at all"),
        pytest.param(ProviderSettings(kubeconfig="a: [\n"), id="no YAML"),
        pytest.param(ProviderSettings(kubeconfig="no kubeconfig"), id="no mapping"),
        pytest.param(ProviderSettings(kubeconfig="a: 1\n"), id="another mapping"),
    ],
)
def test_what_is_no_kubeconfig_is_said(
    environment: pytest.MonkeyPatch, tmp_path: Path, providers: ProviderSettings
) -> None:
    """In one line, without quoting it: it holds credentials."""
    environment.delenv("KUBECONFIG")
    with pytest.raises(ObservationError) as error:
        connect(providers)

    assert str(error.value).startswith("no cluster to ask (")
    assert str(error.value).endswith(
        "): set KUBECONFIG to the kubeconfig of the cluster the stack is for"
    )


def test_a_cluster_that_does_not_answer_is_said(environment: pytest.MonkeyPatch) -> None:
    """lightkube's own client raises errors of its own; none of them reaches the user."""
    closed = yaml.safe_load(kubeconfig("closed"))
    closed["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:9"
    with pytest.raises(ObservationError) as error:
        connect(ProviderSettings(kubeconfig=yaml.safe_dump(closed))).uid()

    assert str(error.value) == (
        "the cluster could not be asked for the namespace kube-system: ConnectError; is "
        "KUBECONFIG that of the stack's cluster?"
    )


@pytest.mark.parametrize(
    ("conditions", "told"),
    [
        pytest.param([], "has no status yet", id="not looked at"),
        pytest.param([{"type": "Ready", "status": "True", "message": "x"}], "", id="ready"),
        pytest.param([{"type": "Ready", "status": "Unknown"}], "not Ready", id="no reason"),
        pytest.param(
            [
                {"type": "Reconciling", "status": "True", "reason": "ProgressingWithRetry"},
                {
                    "type": "Ready",
                    "status": "False",
                    "reason": "TokenNotFound",
                    "message": f"no Secret for /hook/{'0' * 64}",
                },
            ],
            "TokenNotFound: no Secret for /hook/***",
            id="reason and message",
        ),
    ],
)
def test_why_a_receiver_is_not_ready_is_told_in_the_controllers_words(
    conditions: list[dict[str, Any]], told: str
) -> None:
    """Without the path, which stands in some of them."""
    assert told == _not_ready({"conditions": conditions})
