"""Which fault of a Receiver the cluster, its deliveries and a probe speak of."""

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Any

import pytest

from fluxhooks.flux.hook_path import hook_path
from fluxhooks.flux.resource_filter import with_probe
from fluxhooks.observe.doctor.diagnosis import State, Sure
from fluxhooks.observe.doctor.evidence import (
    Evidence,
    FluxObject,
    ForgeEvidence,
    PublicEvidence,
    SecretEvidence,
)
from fluxhooks.observe.doctor.links.receiver import examine
from fluxhooks.observe.forges import Delivery
from fluxhooks.observe.probing.replies import Reply
from tests.unit import forge_evidence
from tests.unit.flux_evidence import (
    COMMIT,
    NAMESPACE,
    NOW,
    PATH,
    TOKEN,
    condition,
    evidence,
    kustomization,
    labels,
    receiver,
    source,
    stamp,
)

TERMINAL = "Reconciliation failed terminally due to configuration error: "
BAD_CEL = condition(
    "False",
    "InvalidCELExpression",
    f"{TERMINAL}invalid resourceFilter expression: failed to parse the CEL expression 'has(req.x'",
)
KUSTOMIZE = "kustomize.toolkit.fluxcd.io/v1"


def forge(
    *deliveries: Delivery, name: str = "github", path: str = PATH, **webhook: Any
) -> ForgeEvidence:
    """Return a forge whose webhook calls the Receiver."""
    seen = forge_evidence.webhook(name, url=forge_evidence.url(path), **webhook)
    return ForgeEvidence(
        scope=forge_evidence.SCOPES[name], webhook=seen, webhooks=(seen,), deliveries=deliveries
    )


def signed(status: int, *, page: bool = False) -> PublicEvidence:
    """Return that a signed probe was answered so."""
    return PublicEvidence(url="https://x", signed=Reply(status=status, page=page))


def push(status: int = 200, **more: Any) -> Delivery:
    """Return the delivery of a push to main, a minute ago."""
    return forge_evidence.delivery(status, **{"ago": 1, "ref": "refs/heads/main", **more})


def asked(ago: float, **more: Any) -> FluxObject:
    """Return app, which a Receiver has asked to reconcile so many seconds ago."""
    return source(annotations={"reconcile.fluxcd.io/requestedAt": stamp(ago)}, **more)


def missing(*objects: FluxObject, **more: Any) -> Evidence:
    """Return a chain without its Receiver."""
    return evidence(*objects, **more)


def test_a_receiver_that_is_missing() -> None:
    """It is told where it should be, and how it comes back."""
    found = examine(missing(source()))

    assert (State.BROKEN, ["receiver-missing"]) == (found.state, labels(found))
    of_stack = dataclasses.replace(missing(source()), declared=forge_evidence.declared())
    assert "`pulumi up --refresh`" in examine(of_stack).findings[0].cure


def test_what_cannot_be_seen() -> None:
    """The rule says why."""
    refused = "the cluster refused the Receiver objects: 403 Forbidden"
    without = dataclasses.replace(evidence(), cluster=None)

    assert (State.UNSEEN, refused) == (
        (found := examine(evidence(unseen={"Receiver": refused}))).state,
        found.seen,
    )
    assert State.UNSEEN is examine(without).state
    assert State.UNSEEN is examine(evidence(only={"Receiver": "other"})).state


@pytest.mark.parametrize(
    ("found", "token", "expected"),
    [
        pytest.param(receiver(), TOKEN, [], id="sound"),
        pytest.param(receiver(suspend=True), TOKEN, ["receiver-suspended"], id="suspended"),
        pytest.param(receiver(), SecretEvidence(found=False), ["secret-missing"], id="no Secret"),
        pytest.param(
            receiver(),
            SecretEvidence(keys=("password",)),
            ["secret-without-token"],
            id="another key",
        ),
        pytest.param(
            receiver(type="gcr", events=None), TOKEN, ["secret-without-token"], id="more keys"
        ),
        pytest.param(receiver(), "", ["token-empty"], id="empty"),
        pytest.param(receiver(), SecretEvidence(unseen="403"), [], id="a Secret that is not seen"),
        pytest.param(receiver(BAD_CEL), TOKEN, ["filter-invalid"], id="no CEL"),
        pytest.param(
            receiver(
                condition("False", "InvalidCELExpression", f"{TERMINAL}invalid validation"),
                type="generic-oidc",
                secretRef=None,
                oidcProviders=[{"issuerURL": "https://example.com"}],
            ),
            TOKEN,
            ["receiver-not-ready"],
            id="an issuer's rule is no CEL",
        ),
        pytest.param(
            receiver(
                condition("False", "ValidationFailed", f"{TERMINAL}secretRef is required when"),
            ),
            TOKEN,
            ["receiver-not-ready"],
            id="not valid",
        ),
        pytest.param(
            receiver(condition("False", "TokenNotFound", "unable to read token from secret")),
            TOKEN,
            ["receiver-not-ready"],
            id="a Secret that came later",
        ),
        pytest.param(receiver(), "another token", ["path-stale"], id="a token that was changed"),
        pytest.param(
            receiver(type="generic-oidc", secretRef=None, events=None),
            TOKEN,
            ["path-stale"],
            id="the path of another Receiver",
        ),
    ],
)
def test_what_the_cluster_says_of_it(
    found: FluxObject, token: str | SecretEvidence, expected: list[str]
) -> None:
    """The first that is wrong is the cause of the others."""
    examined = examine(evidence(found, source(), token=token))

    assert expected == labels(examined)
    assert (State.BROKEN if expected else State.OK) is examined.state


def with_line_break(last: Delivery | None = None, **spec: Any) -> Evidence:
    """Return a chain whose token ends with a line break."""
    token = f"{TOKEN}\n"
    path = hook_path(token, "app", NAMESPACE)
    found = receiver(**spec)
    found = dataclasses.replace(found, status={**found.status, "webhookPath": path})
    told = forge(*([last] if last else []), path=path)
    return evidence(found, source(), token=token, forge=told)


@pytest.mark.parametrize(
    ("seen", "expected", "sure"),
    [
        pytest.param(with_line_break(), ["token-line-break"], Sure.LIKELY, id="never delivered"),
        pytest.param(with_line_break(push(400)), ["token-line-break"], Sure.PROVED, id="refused"),
        pytest.param(with_line_break(push()), [], None, id="its sender has it too"),
        pytest.param(
            with_line_break(type="generic", events=None), [], None, id="nothing is compared"
        ),
    ],
)
def test_a_token_with_a_line_break(seen: Evidence, expected: list[str], sure: Sure | None) -> None:
    """It is part of the token, and of the path."""
    found = examine(seen)

    assert expected == labels(found)
    assert ([sure] if sure else []) == [each.sure for each in found.findings]


@pytest.mark.parametrize(
    ("changes", "expected", "seen"),
    [
        pytest.param({"generation": 2}, ["receiver-not-reconciled"], "", id="edited a day ago"),
        pytest.param(
            {"generation": 2, "changed_at": NOW}, [], "is being reconciled", id="just edited"
        ),
        pytest.param(
            {"status": {}, "created_at": NOW, "changed_at": NOW},
            [],
            "is being reconciled",
            id="just made",
        ),
        pytest.param({"status": {}}, ["receiver-not-reconciled"], "", id="made a day ago"),
    ],
)
def test_whether_its_controller_acts(
    changes: dict[str, Any], expected: list[str], seen: str
) -> None:
    """What is under way is no fault for as long as it may be."""
    found = examine(evidence(dataclasses.replace(receiver(), **changes), source()))

    assert expected == labels(found)
    assert seen in found.seen


@pytest.mark.parametrize(
    ("of_type", "told", "expected"),
    [
        pytest.param("gitlab", forge(), ["receiver-other-type"], id="GitLab's for GitHub"),
        pytest.param(
            "github", forge(name="gitlab"), ["receiver-other-type"], id="GitHub's for GitLab"
        ),
        pytest.param("generic-hmac", forge(), ["receiver-other-type"], id="another signature"),
        pytest.param("generic", forge(), [], id="takes anything"),
        pytest.param("generic-hmac", forge(push()), [], id="was answered 200"),
        pytest.param("generic-hmac", forge(path="/hook/0"), [], id="another Receiver is called"),
        pytest.param("generic-hmac", None, [], id="no webhook is known"),
    ],
)
def test_a_type_that_is_not_its_senders(
    of_type: str, told: ForgeEvidence | None, expected: list[str]
) -> None:
    """Only of a webhook that calls it, and of what no forge of that kind sends."""
    found = receiver(type=of_type, events=None)

    assert expected == labels(examine(evidence(found, source(), forge=told)))


@pytest.mark.parametrize(
    ("events", "told", "expected"),
    [
        pytest.param(["ping"], forge(), ["receiver-events"], id="sent, and refused"),
        pytest.param(["ping", "PUSH"], forge(), [], id="in whatever case"),
        pytest.param(
            ["release"], forge(events=frozenset({"*"})), ["receiver-events"], id="all are sent"
        ),
        pytest.param(
            ["release"], forge(events=frozenset({"release"})), [], id="releases are what is wanted"
        ),
        pytest.param(["workflow_run"], None, [], id="nobody knows what is sent"),
        pytest.param(["ping"], None, ["receiver-events"], id="no event at all"),
        pytest.param(None, forge(), [], id="all are accepted"),
    ],
)
def test_events_that_are_refused(
    events: list[str] | None, told: ForgeEvidence | None, expected: list[str]
) -> None:
    """What its sources need and its webhook sends."""
    assert expected == labels(examine(evidence(receiver(events=events), source(), forge=told)))


APP = {"kind": "GitRepository", "name": "app"}
OCI = source(kind="HelmRepository", name="charts", spec={"type": "oci"})


@pytest.mark.parametrize(
    ("targets", "objects", "expected", "cure"),
    [
        pytest.param([APP], [], ["target-missing"], "make GitRepository apps/app", id="missing"),
        pytest.param(
            [APP],
            [source(namespace="other")],
            ["target-missing"],
            "set the target's namespace to other",
            id="in another namespace",
        ),
        pytest.param(
            [APP],
            [source(kind="OCIRepository")],
            ["target-other-kind"],
            "set the target's kind to OCIRepository",
            id="another kind",
        ),
        pytest.param(
            [{"kind": "Kustomization", "name": "app"}],
            [kustomization()],
            ["target-api-version"],
            f"set the target's apiVersion to {KUSTOMIZE}",
            id="no apiVersion",
        ),
        pytest.param(
            [{**APP, "apiVersion": KUSTOMIZE}],
            [source()],
            ["target-api-version"],
            "source.toolkit.fluxcd.io/v1",
            id="another apiVersion",
        ),
        pytest.param(
            [{**APP, "name": "*", "matchLabels": {"team": "a"}}],
            [source()],
            ["target-labels-match-none"],
            "`kubectl -n apps label gitrepository NAME team=a`",
            id="labels that nothing has",
        ),
        pytest.param(
            [{**APP, "name": "*", "matchLabels": {"team": "a"}}],
            [source(labels={"team": "a"})],
            [],
            "",
            id="labels",
        ),
        pytest.param(
            [APP, {**APP, "name": "*", "matchLabels": {"team": "a"}}],
            [source()],
            [],
            "",
            id="labels that nothing has yet, besides",
        ),
        pytest.param(
            [{**APP, "name": "*"}],
            [source()],
            ["target-without-labels"],
            "give the target matchLabels",
            id="no labels",
        ),
        pytest.param(
            [{"kind": "HelmRepository", "name": "charts"}],
            [OCI],
            ["target-never-fetches"],
            "name the HelmChart",
            id="an address only",
        ),
        pytest.param(
            [APP, {"kind": "HelmRepository", "name": "charts"}],
            [source(), OCI],
            [],
            "",
            id="an address besides",
        ),
        pytest.param(
            [{"kind": "Kustomization", "name": "app", "apiVersion": KUSTOMIZE}],
            [kustomization(), source()],
            ["target-is-applier"],
            "name GitRepository apps/app instead",
            id="an applier",
        ),
        pytest.param(
            [APP, {"kind": "Kustomization", "name": "app", "apiVersion": KUSTOMIZE}],
            [kustomization(), source()],
            [],
            "",
            id="an applier besides",
        ),
        pytest.param(
            [{"kind": "ImagePolicy", "name": "p", "apiVersion": "image.toolkit.fluxcd.io/v1"}],
            [],
            ["target-never-fetches"],
            "name the source behind it",
            id="an image policy",
        ),
        pytest.param(
            [APP, {**APP, "name": "b"}, {**APP, "name": "c"}],
            [source()],
            ["target-missing", "target-missing"],
            "make GitRepository apps/b",
            id="two that are missing",
        ),
    ],
)
def test_what_its_targets_come_to(
    targets: list[dict[str, Any]], objects: Sequence[FluxObject], expected: list[str], cure: str
) -> None:
    """As the controller looks for them when a delivery comes."""
    found = examine(evidence(receiver(resources=targets), *objects))

    assert expected == labels(found)
    assert cure in "".join(each.cure for each in found.findings)


def test_targets_that_may_not_be_listed() -> None:
    """Nothing is said of what cannot be seen."""
    refused = {"GitRepository": "403"}

    assert [] == labels(examine(evidence(receiver(), unseen=refused)))
    assert [] == labels(
        examine(
            evidence(
                receiver(resources=[{**APP, "namespace": "other"}]), only={"GitRepository": "apps"}
            )
        )
    )


ELSEWHERE = {"resources": [APP, {**APP, "namespace": "other"}]}
OTHER = source(namespace="other")
USERS = {"resourceFilter": with_probe("req.ref == 'refs/heads/main'")}
OURS = {"resourceFilter": with_probe(None)}


@pytest.mark.parametrize(
    ("spec", "public", "last", "expected"),
    [
        pytest.param(ELSEWHERE, signed(500), None, "target-other-namespace", id="probe, elsewhere"),
        pytest.param(ELSEWHERE, None, push(500), "target-other-namespace", id="push, elsewhere"),
        pytest.param(ELSEWHERE, signed(200), push(), "", id="elsewhere, and taken"),
        pytest.param(
            {"resources": [{**APP, "apiVersion": "source.toolkit.fluxcd.io/v1alpha1"}]},
            signed(500),
            None,
            "target-api-version",
            id="a version that is not served",
        ),
        pytest.param(
            {**ELSEWHERE, **OURS},
            signed(200),
            push(500),
            "target-not-permitted",
            id="elsewhere, and read",
        ),
        pytest.param(USERS, signed(200), push(500), "filter-fails", id="a user's filter"),
        pytest.param(
            {"resources": [{**APP, "filter": "req.ref == 'x'"}]},
            None,
            push(500),
            "filter-fails",
            id="a target's filter",
        ),
        pytest.param(OURS, signed(200), push(500), "target-not-permitted", id="our filter"),
        pytest.param({}, None, push(500), "target-not-permitted", id="no filter"),
        pytest.param({}, None, push(500, commit=COMMIT), "", id="made up for by its interval"),
        pytest.param(USERS, signed(500), push(500), "target-not-permitted", id="before the filter"),
        pytest.param({}, PublicEvidence(signed=Reply(status=500, page=True)), None, "", id="page"),
        pytest.param(
            {}, None, forge_evidence.delivery(500, ago=3000), "", id="before it was changed"
        ),
        pytest.param({}, signed(200), push(502), "", id="not the controller's answer"),
    ],
)
def test_why_it_fails_where_all_seems_right(
    spec: dict[str, Any], public: PublicEvidence | None, last: Delivery | None, expected: str
) -> None:
    """500 leaves three causes, which probe and filter tell apart; it is likely, not proved."""
    found = examine(
        evidence(
            receiver(**spec),
            source(),
            OTHER,
            public=public,
            forge=forge(*([last] if last else [])),
        )
    )

    assert ([expected] if expected else []) == labels(found)
    assert all(each.sure is Sure.LIKELY for each in found.findings)


def test_what_a_filter_fails_on() -> None:
    """Where it is known what was delivered."""
    spec = {"resourceFilter": "!has(req.fluxhooksProbe) && req.action == 'x'"}
    failed = push(500, payload={"ref": "refs/heads/main"})
    (finding,) = examine(evidence(receiver(**spec), source(), forge=forge(failed))).findings

    assert "the delivery has no req.action" == finding.evidence[-1]


@pytest.mark.parametrize(
    ("spec", "edit"),
    [
        (
            {"resourceFilter": "req.ref =="},
            "correct resourceFilter, which is no valid CEL at column 11: mismatched input the end",
        ),
        (
            {"resources": [APP, {**APP, "filter": "ref == 'x'"}]},
            "correct resources[1].filter, which has nothing to read named 'ref'; it may read req, "
            "res",
        ),
        # It shows when the expression is made to run.
        ({"resourceFilter": "req.ref.matches('(')"}, "correct the filter"),
    ],
)
def test_which_filter_is_refused_and_for_what(spec: dict[str, Any], edit: str) -> None:
    """A Receiver can have many, and the controller's message is long."""
    (finding,) = examine(evidence(receiver(BAD_CEL, **spec))).findings

    assert f"{edit}: `kubectl -n {NAMESPACE} edit receiver app`" == finding.cure


@pytest.mark.parametrize(
    ("last", "found", "expected"),
    [
        pytest.param(push(), source(), True, id="never asked"),
        pytest.param(push(), asked(3600), True, id="not asked since"),
        pytest.param(push(), asked(59), False, id="asked"),
        pytest.param(push(ref="refs/heads/topic"), source(), False, id="another branch"),
        pytest.param(push(ref=""), source(), False, id="nobody knows of what"),
        pytest.param(push(400), source(), False, id="refused"),
        pytest.param(
            push(commit=COMMIT), asked(70), False, id="it has the commit, and clocks differ"
        ),
        pytest.param(
            push(commit=COMMIT), asked(3600), True, id="it has the commit by its interval"
        ),
    ],
)
def test_a_filter_that_lets_nothing_through(
    last: Delivery, found: FluxObject, expected: bool
) -> None:
    """A push to the branch that is followed was taken, and the source was not asked."""
    examined = examine(evidence(receiver(**USERS), found, forge=forge(last)))

    assert (["filter-rejects"] if expected else []) == labels(examined)
    # Without a filter of the user's, everything is let through.
    assert [] == labels(examine(evidence(receiver(**OURS), found, forge=forge(last))))


def test_nothing_secret_is_told() -> None:
    """Neither the token nor the path."""
    stale = examine(evidence(receiver(), source(), token="another token"))
    broken = examine(
        evidence(receiver(condition("False", "Odd", f"path: {PATH}")), source(), forge=forge())
    )

    for found in (stale, broken):
        assert found.findings
        assert PATH.removeprefix("/hook/") not in str(found)
        assert TOKEN not in str(found)
        assert "another token" not in str(found)


def test_what_was_seen() -> None:
    """What it reaches, and what else is worth knowing."""
    targets = [APP, {"kind": "Kustomization", "name": "app", "apiVersion": KUSTOMIZE}]
    secret = SecretEvidence(unseen="the cluster refused Secret apps/token: 403 Forbidden")
    found = examine(evidence(receiver(resources=targets), source(), kustomization(), token=secret))

    assert (
        "Ready, reaches GitRepository apps/app; Kustomization apps/app besides, which connects to "
        "nothing outside; the cluster refused Secret apps/token: 403 Forbidden"
    ) == found.seen


def test_cures_of_a_stack_are_edits_of_its_program() -> None:
    """What Pulumi declares is not edited in the cluster."""
    of_stack = dataclasses.replace(
        evidence(receiver(resources=[APP])), declared=forge_evidence.declared()
    )

    (finding,) = examine(of_stack).findings
    assert finding.cure.startswith("in the arguments of WebhookReceiver app: ")


def test_a_type_of_a_later_controller() -> None:
    """Nothing is known of it, so nothing is said."""
    found = receiver(type="later", events=["x"])

    assert [] == labels(examine(evidence(found, source(), forge=forge())))


def test_a_receiver_whose_last_change_is_not_known() -> None:
    """It was not changed before it was made."""
    made = dataclasses.replace(receiver(), changed_at=None, created_at=NOW)
    failed = push(500, at=NOW + datetime.timedelta(seconds=5))

    assert ["target-not-permitted"] == labels(
        examine(evidence(made, source(), forge=forge(failed)))
    )
