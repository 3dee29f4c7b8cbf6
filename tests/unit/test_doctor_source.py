"""Which fault of a source its conditions speak of; the texts are source-controller's own."""

from typing import Any

import pytest

from fluxhooks.observe.doctor.diagnosis import State
from fluxhooks.observe.doctor.evidence import FluxObject
from fluxhooks.observe.doctor.links.source import examine
from tests.unit import forge_evidence
from tests.unit.flux_evidence import (
    NOW,
    REVISION,
    condition,
    evidence,
    labels,
    receiver,
    source,
    stamp,
)

GIT = "failed to checkout and determine revision: "
URL = "https://forge.example.com/acme/app.git"
GET = f'Get "{URL}/info/refs?service=git-upload-pack": '


@pytest.mark.parametrize(
    ("reason", "message", "expected"),
    [
        pytest.param(
            "GitOperationFailed",
            f"""{GIT}unable to clone '{URL}': couldn't find remote ref "refs/heads/nope\"""",
            "source-reference",
            id="no such branch",
        ),
        pytest.param(
            "GitOperationFailed",
            f"{GIT}unable to resolve commit object for '0123': object not found",
            "source-reference",
            id="no such commit",
        ),
        pytest.param(
            "GitOperationFailed",
            f"{GIT}unable to resolve ref 'refs/heads/nope' to a specific commit",
            "source-reference",
            id="no such ref",
        ),
        pytest.param("EmptyGitRepository", "git repository is empty", "source-reference"),
        pytest.param(
            "OCIArtifactPullFailed",
            "failed to determine artifact digest: GET https://ghcr.io/v2/acme/app/manifests/nope: "
            "MANIFEST_UNKNOWN: manifest unknown",
            "source-reference",
            id="no such tag in a registry",
        ),
        pytest.param(
            "GitOperationFailed",
            f"{GIT}no match found for semver: >=7.0.0",
            "source-semver",
            id="no tag in the range",
        ),
        pytest.param(
            "ChartPullError",
            "chart pull error: no 'app' chart with version matching '>=7.0.0' found",
            "source-semver",
            id="no chart in the range",
        ),
        pytest.param(
            "GitOperationFailed",
            f'{GIT}semver parse error: improper constraint: "x y"',
            "source-invalid",
            id="a range that is none",
        ),
        pytest.param(
            "GitOperationFailed",
            f"{GIT}unable to clone '{URL}': authentication required: Invalid username or token.",
            "source-authentication",
            id="401 of Git",
        ),
        pytest.param(
            "OCIArtifactPullFailed",
            "failed to determine artifact digest: GET https://ghcr.io/token: DENIED: requested "
            "access to the resource is denied",
            "source-authentication",
            id="a registry denies",
        ),
        pytest.param(
            "GitOperationFailed",
            f"{GIT}unable to clone 'ssh://git@forge.example.com/acme/app': ssh: handshake failed: "
            "ssh: unable to authenticate, attempted methods [none publickey], no supported "
            "methods remain",
            "source-authentication",
            id="a key that ssh refuses",
        ),
        pytest.param(
            "AuthenticationFailed",
            "failed to configure authentication options: invalid 'https' auth option: 'password' "
            "requires 'username' to be set",
            "source-authentication",
            id="credentials that are none",
        ),
        pytest.param(
            "AuthenticationFailed",
            "failed to get secret 'apps/nope': failed to get secret 'apps/nope': secrets "
            '"nope" not found',
            "source-secret-missing",
            id="no Secret",
        ),
        pytest.param(
            "AuthenticationFailed",
            "failed to get credential: secret 'apps/nope' not found",
            "source-secret-missing",
            id="no Secret for a registry",
        ),
        pytest.param(
            "GitOperationFailed",
            f"{GIT}unable to clone '{URL}': repository not found: Not Found",
            "source-not-found",
            id="404 of Git",
        ),
        pytest.param(
            "Failed",
            "failed to fetch Helm repository index: failed to cache index to temporary file: "
            "failed to fetch https://charts.example.com/index.yaml : 404 Not Found",
            "source-not-found",
            id="404 of a Helm repository",
        ),
        pytest.param(
            "GitOperationFailed",
            f"{GIT}unable to clone '{URL}': {GET}tls: "
            "failed to verify certificate: x509: certificate signed by unknown authority",
            "source-certificate",
            id="an authority that is not trusted",
        ),
        pytest.param(
            "GitOperationFailed",
            f"{GIT}unable to clone 'ssh://git@forge.example.com/acme/app': ssh: handshake failed: "
            "knownhosts: key mismatch",
            "source-certificate",
            id="a host key that is not known",
        ),
        pytest.param(
            "GitOperationFailed",
            f"{GIT}unable to clone '{URL}': {GET}dial tcp: lookup forge.example.com: no such host",
            "source-unreachable",
            id="no such host",
        ),
        pytest.param(
            "OCIArtifactPullFailed",
            'failed to determine artifact digest: Get "https://127.0.0.1:1/v2/": dial tcp '
            "127.0.0.1:1: connect: connection refused",
            "source-unreachable",
            id="connection refused",
        ),
        pytest.param(
            "GitOperationFailed",
            f"{GIT}unable to clone '{URL}': context deadline exceeded",
            "source-unreachable",
            id="no answer in time",
        ),
        pytest.param(
            "GitOperationFailed",
            f'{GIT}unable to clone: unexpected requesting "{URL}/info/refs" status code: 503',
            "source-unreachable",
            id="an outage",
        ),
        pytest.param(
            "GitOperationFailed",
            f'{GIT}unable to clone: unexpected requesting "{URL}/info/refs" status code: 500',
            "source-fetch-failed",
            id="an error of the forge's",
        ),
        pytest.param(
            "BucketOperationFailed",
            "failed to confirm existence of 'b' bucket: Bucket name cannot be shorter than 3 "
            "characters",
            "source-fetch-failed",
            id="anything else",
        ),
        pytest.param(
            "InvalidCommitSignature",
            "signature verification of commit '0123' failed: unable to verify Git commit",
            "source-fetch-failed",
            id="a signature",
        ),
        pytest.param(
            "InvalidProviderConfiguration",
            "secretRef 'apps/key' has github app data but provider is not set to github",
            "source-invalid",
            id="a provider that does not fit",
        ),
    ],
)
def test_why_it_is_not_fetched(reason: str, message: str, expected: str) -> None:
    """Reason first, message second; the condition is the evidence."""
    found = examine(evidence(receiver(), source(condition("False", reason, message))))

    assert (State.BROKEN, [expected]) == (found.state, labels(found))
    assert found.findings[0].evidence[0].startswith(f"Ready is False, {reason}: ")


def test_a_url_that_is_none() -> None:
    """The controller does not try again before it is edited."""
    text = 'failed to parse url: parse "https://x:y": invalid port ":y" after host'
    failed = condition("False", "URLInvalid", text)
    stalled = condition("True", "URLInvalid", text, kind="Stalled")

    assert ["source-invalid"] == labels(examine(evidence(receiver(), source(failed, stalled))))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({}, [], id="sound"),
        pytest.param({"spec": {"suspend": True}}, ["source-suspended"], id="suspended"),
        pytest.param(
            {"spec": {"ref": {"branch": "main", "commit": "0123"}}}, ["source-pinned"], id="commit"
        ),
        pytest.param({"spec": {"ref": {"tag": "v1"}}}, [], id="a tag may move"),
        pytest.param({"spec": {"ref": {"semver": ">=1"}}}, [], id="a range of versions"),
        pytest.param({"spec": {"ignore": "# all\n/*\n"}}, ["source-ignores"], id="all is ignored"),
        pytest.param({"spec": {"ignore": "/*\n!/deploy\n"}}, [], id="some is taken back"),
        pytest.param({"spec": {"ignore": "*.md"}}, [], id="some is ignored"),
        pytest.param({"spec": {"interval": "10s"}}, ["source-interval"], id="every 10 seconds"),
        pytest.param({"spec": {"interval": "1m"}}, [], id="every minute"),
        pytest.param({"spec": {"interval": "3000m"}}, [], id="every 50 hours"),
        pytest.param({"spec": {"interval": "3001m"}}, ["source-interval"], id="more seldom"),
        pytest.param(
            {"kind": "OCIRepository", "spec": {"ref": {"digest": "sha256:01"}}},
            ["source-pinned"],
            id="digest",
        ),
    ],
)
def test_what_its_spec_says(changed: dict[str, Any], expected: list[str]) -> None:
    """Where its conditions are fine."""
    found = source(**changed)
    target = {"kind": found.kind, "name": "app"}

    assert expected == labels(examine(evidence(receiver(resources=[target]), found)))


ASKED = "reconcile.fluxcd.io/requestedAt"


@pytest.mark.parametrize(
    ("found", "expected", "seen"),
    [
        pytest.param(
            source(annotations={ASKED: stamp(600)}), ["source-not-reconciled"], "", id="unheard"
        ),
        pytest.param(
            source(annotations={ASKED: "2026-11-22 11:50:00.123456789 +0000 UTC m=+1.5"}),
            ["source-not-reconciled"],
            "",
            id="unheard, as a Receiver writes the time",
        ),
        pytest.param(source(annotations={ASKED: stamp(20)}), [], "has main@", id="just asked"),
        pytest.param(
            source(annotations={ASKED: stamp(600)}, had={"lastHandledReconcileAt": stamp(600)}),
            [],
            "has main@",
            id="heard",
        ),
        pytest.param(
            source(annotations={ASKED: stamp(200)}, spec={"timeout": "10m"}),
            [],
            "has main@",
            id="at a fetch that may take as long",
        ),
        pytest.param(
            source(generation=2, changed_at=NOW), [], "is being reconciled", id="just edited"
        ),
        pytest.param(source(generation=2), ["source-not-reconciled"], "", id="edited a day ago"),
        pytest.param(
            source(condition("Unknown", "Progressing", ago=30)),
            [],
            "is being reconciled",
            id="at it",
        ),
        pytest.param(
            source(condition("Unknown", "Progressing", ago=600)),
            ["source-not-reconciled"],
            "",
            id="at it for too long",
        ),
        pytest.param(
            source(condition("False", "GitOperationFailed", "x"), generation=2, changed_at=NOW),
            [],
            "is being reconciled",
            id="a failure that was just mended",
        ),
    ],
)
def test_whether_its_controller_acts(found: FluxObject, expected: list[str], seen: str) -> None:
    """What is under way is no fault for as long as it may be."""
    examined = examine(evidence(receiver(), found))

    assert expected == labels(examined)
    assert seen in examined.seen


def test_each_source_has_its_own_finding() -> None:
    """Two that are broken are two causes."""
    both = [{"kind": "GitRepository", "name": "*", "matchLabels": {"team": "a"}}]
    labelled: Any = {"labels": {"team": "a"}}
    found = examine(
        evidence(
            receiver(resources=both),
            source(spec={"suspend": True}, **labelled),
            source(condition("False", "EmptyGitRepository", "x"), name="other", **labelled),
            source(name="third", **labelled),
        )
    )

    assert [("GitRepository apps/app", "source-suspended")] == [
        (each.where, each.fault.label) for each in found.findings[:1]
    ]
    assert 2 == len(found.findings)


def test_pushes_to_a_branch_that_nobody_follows() -> None:
    """Told as a warning: it may be meant."""
    pushes = [
        forge_evidence.delivery(ago=ago, ref="refs/heads/main", default_branch="main")
        for ago in (1, 5)
    ]
    forge = forge_evidence.evidence(of_forge={"deliveries": tuple(pushes)}).forge
    develop = source(spec={"ref": {"branch": "develop"}})
    found = examine(evidence(receiver(), develop, forge=forge))

    assert (State.WARNING, ["source-other-branch"]) == (found.state, labels(found))
    # Somebody follows it: as where production stands apart.
    assert [] == labels(examine(evidence(receiver(), develop, source(name="main"), forge=forge)))
    # What is pushed to is no default branch.
    feature = [forge_evidence.delivery(ref="refs/heads/topic", default_branch="main")] * 2
    forge = forge_evidence.evidence(of_forge={"deliveries": tuple(feature)}).forge
    assert [] == labels(examine(evidence(receiver(), develop, forge=forge)))


def test_credentials_in_an_address_are_not_told() -> None:
    """Neither in what is wrong nor in the evidence."""
    url = "https://me:hunter2@forge.example.com/acme/app.git"
    failed = condition("False", "GitOperationFailed", f"{GIT}unable to clone '{url}': EOF")
    found = examine(evidence(receiver(), source(failed, spec={"url": url})))

    assert "hunter2" not in str(found)
    assert ["source-unreachable"] == labels(found)


def test_what_was_seen() -> None:
    """The revision, with as much of its hash as people read."""
    assert REVISION.startswith("main@sha1:5c017323f9")
    assert (
        "GitRepository apps/app has main@sha1:5c017323"
        == examine(evidence(receiver(), source())).seen
    )


def test_without_a_source() -> None:
    """There is nothing to look at."""
    assert State.ABSENT is examine(evidence(receiver(resources=[]))).state
