"""What is said of Providers and Alerts is what their definitions and the controller's code say."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from fluxhooks.flux import targets
from fluxhooks.flux.alert_providers import (
    ALERT_PROVIDERS,
    Address,
    AlertProviderType,
    AlertSeverity,
    Channel,
    Credential,
    Purpose,
)
from sandbox.toolchain import crds, golang
from sandbox.toolchain.programs import CRD_MODULES, pinned

_MODULE = CRD_MODULES["notification-controller"]
_VERSION = pinned("notification-controller").version


def _spec(plural: str) -> dict[str, Any]:
    (path,) = [path for path in crds() if path.name.endswith(f"_{plural}.yaml")]
    definition = yaml.safe_load(path.read_text())
    (version,) = [v for v in definition["spec"]["versions"] if v["name"] == "v1beta3"]
    spec: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return spec


def test_every_type_of_the_definition_is_in_the_table_and_no_other() -> None:
    """The API server takes exactly these."""
    assert set(_spec("providers")["properties"]["type"]["enum"]) == set(AlertProviderType)
    assert set(AlertProviderType) == ALERT_PROVIDERS.keys()


def test_kinds_and_severities_are_those_of_the_definition() -> None:
    """An Alert hears of what a Receiver may reconcile, and of nothing else: of no Receiver."""
    properties = _spec("alerts")["properties"]

    assert set(properties["eventSeverity"]["enum"]) == set(AlertSeverity)
    kinds = properties["eventSources"]["items"]["properties"]["kind"]["enum"]
    assert set(kinds) == set(targets.KINDS)


def test_a_commit_status_has_a_name_of_its_own_with_those_types_alone() -> None:
    """The definition refuses the expression with all others."""
    (rule,) = _spec("providers")["x-kubernetes-validations"]

    assert set(re.findall(r"self\.type == '(\w+)'", rule["rule"])) == {
        str(type_)
        for type_, facts in ALERT_PROVIDERS.items()
        if facts.purpose is Purpose.COMMIT_STATUS
    }


@pytest.fixture(scope="module")
def code() -> Path:
    """The controller's own code, of the version that runs."""
    return golang.module_folder(f"{_MODULE}@v{_VERSION}") / "internal"


@pytest.fixture(scope="module")
def constants() -> dict[str, str]:
    """The types by the names that the controller's code has for them."""
    api = golang.module_folder(f"{_MODULE}/api@v{_VERSION}")
    text = (api / "v1beta3/provider_types.go").read_text()
    return dict(re.findall(r'^\t(\w+) +string = "([\w-]+)"$', text, re.MULTILINE))


@pytest.fixture(scope="module")
def read(code: Path, constants: dict[str, str]) -> dict[str, set[str]]:
    """What the notifier of each type is made of: fields of the options it is given."""
    folder = code / "notifier"
    factory = (folder / "factory.go").read_text()
    shared = {
        "opts.GitHubClientOptions()": _fields(folder / "github_helpers.go", "o"),
        "opts.GiteaClientOptions()": _fields(folder / "gitea_helpers.go", "o"),
        # It is given all of them, and takes what it wants.
        "(&opts)": _fields(folder / "google_pubsub.go", "opts")
        | _fields(folder / "google_helpers.go", "opts"),
    }
    found: dict[str, set[str]] = {}
    for constant, function in re.findall(r"^\t\tapiv1\.(\w+): +(\w+),$", factory, re.MULTILINE):
        match = re.search(rf"^func {function}\(.*?^}}", factory, re.MULTILINE | re.DOTALL)
        assert match is not None
        body = match[0]
        found[constants[constant]] = {
            *re.findall(r"opts\.([A-Z]\w+)\b(?!\()", body),
            *(field for call, fields in shared.items() if call in body for field in fields),
        }
    return found


def _fields(file: Path, options: str) -> set[str]:
    return set(re.findall(rf"\b{options}\.([A-Z]\w+)\b(?!\()", file.read_text()))


def test_the_code_of_every_type_was_found(read: dict[str, set[str]]) -> None:
    """Else the tests below would be content with nothing."""
    assert set(AlertProviderType) == read.keys()
    assert {"URL", "ProxyURL", "Token", "TLSConfig", "Username", "Channel"} == read["slack"]


@pytest.mark.parametrize("type_", AlertProviderType)
def test_a_type_uses_what_its_notifier_reads(
    type_: AlertProviderType, read: dict[str, set[str]]
) -> None:
    """What it does not read is refused as an argument: nothing would come of it."""
    facts, fields = ALERT_PROVIDERS[type_], read[type_]

    assert ("URL" in fields) == (facts.address is not Address.NONE)
    assert ("Channel" in fields) == (facts.channel is not Channel.NONE)
    assert ("Headers" in fields) == facts.headers
    assert ("TLSConfig" in fields) == facts.certificate
    assert ("ProxyURL" in fields) == facts.proxy
    assert ("ServiceAccountName" in fields) == facts.service_account
    basic = {"Username", "Password"} <= fields
    assert ("Username" in fields and not basic) == facts.username
    if type_ is AlertProviderType.OTEL:
        # Read where there are headers, and one of those says the same.
        assert () == facts.credentials
        return
    assert basic == (Credential.BASIC in facts.credentials)
    assert ("Token" in fields) == (Credential.TOKEN in facts.credentials)


def test_commit_statuses_and_comments_are_those_that_the_server_tells_apart(
    code: Path, constants: dict[str, str]
) -> None:
    """Other events are not sent to them, or theirs not to others."""
    for file, function, purpose in (
        ("provider_commit_status.go", "isCommitStatusProvider", Purpose.COMMIT_STATUS),
        ("provider_change_request.go", "isChangeRequestProvider", Purpose.CHANGE_REQUEST),
    ):
        text = (code / "server" / file).read_text()
        match = re.search(rf"^func {function}\(.*?^}}", text, re.MULTILINE | re.DOTALL)
        assert match is not None
        assert {
            constants[name] for name in re.findall(r"apiv1beta3\.(\w+Provider)\b", match[0])
        } == {str(type_) for type_, facts in ALERT_PROVIDERS.items() if facts.purpose is purpose}
