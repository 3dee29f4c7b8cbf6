"""The Receiver, its Secret, its filter and its targets, wrong one by one."""

import pytest

from fluxhooks.flux.targets import KINDS
from fluxhooks.observe.doctor.faults import Fault
from sandbox.forges.gitlab.payloads import PUSH
from tests.matrix import admission
from tests.matrix.chain import APP, GITHUB, GITLAB, Chain
from tests.matrix.conftest import Judge
from tests.matrix.rows import BOTH, Row, Rows

rows = Rows()


@rows(
    Fault.RECEIVER_SUSPENDED,
    "the Receiver is suspended",
    at=BOTH,
    cure=r"flux resume receiver app -n NS",
    sample=GITHUB,
)
def receiver_suspended(chain: Chain) -> None:
    chain.patch("Receiver", suspend=True)
    chain.push()
    chain.until(lambda: chain.deliveries()[-1].status_code == 503, "a delivery is answered 503")


@rows(Fault.SECRET_MISSING, "the Secret with the token is deleted", at=BOTH, cure=r"token")
def receiver_secret_deleted(chain: Chain) -> None:
    chain.delete("Secret", "token")
    chain.push()


@rows(
    Fault.SECRET_MISSING,
    "the Secret with the token is deleted, and the Receiver reconciled",
    cure=r"token",
)
def receiver_secret_missed(chain: Chain) -> None:
    chain.delete("Secret", "token")
    chain.ask("Receiver")
    chain.await_condition("Receiver", says="TokenNotFound")
    chain.push()


@rows(Fault.SECRET_WITHOUT_TOKEN, "the Secret has the token under another key", cure=r"token")
def receiver_secret_other_key(chain: Chain) -> None:
    change = {"data": {"token": None}, "stringData": {"password": chain.token}}
    chain.merge("Secret", "token", change)
    chain.push()


@rows(Fault.TOKEN_EMPTY, "the token is made empty", at=BOTH, cure=r"token")
def receiver_token_empty(chain: Chain) -> None:
    chain.merge("Secret", "token", {"data": {"token": ""}})
    chain.push()


@rows(
    Fault.TOKEN_LINE_BREAK,
    "the token was written by `echo`, with the line break at its end, and pasted without it",
    at=BOTH,
    cure=r"token",
    sample=GITLAB,
)
def receiver_token_line_break(chain: Chain) -> None:
    before = chain.await_path()
    chain.merge("Secret", "token", {"stringData": {"token": f"{chain.token}\n"}})
    chain.reconcile("Receiver")
    chain.until(lambda: chain.await_path() != before, "the path is another")
    chain.webhook.edit(url=chain.url, secret=chain.token)
    chain.push()


@rows(
    Fault.FILTER_INVALID,
    "the resourceFilter is no CEL",
    at=BOTH,
    cure=r"resourceFilter, which is no valid CEL at column 11",
)
def receiver_filter_invalid(chain: Chain) -> None:
    chain.patch("Receiver", resourceFilter="req.ref ==")
    chain.await_condition("Receiver", type_="Stalled", status="True")
    chain.push()


@rows(
    Fault.FILTER_INVALID,
    "the filter of the target reads what there is not",
    cure=r"resources\[0\]\.filter, which has nothing to read named 'event'",
    sample=GITHUB,
)
def receiver_target_filter_invalid(chain: Chain) -> None:
    target = {"kind": "GitRepository", "name": APP, "filter": "event.ref == 'refs/heads/main'"}
    chain.patch("Receiver", resources=[target])
    chain.await_condition("Receiver", type_="Stalled", status="True")
    chain.push()


@rows(
    Fault.FILTER_INVALID,
    "the resourceFilter gives no answer of yes or no",
    cure=r"resourceFilter, which may give anything",
)
def receiver_filter_no_bool(chain: Chain) -> None:
    chain.patch("Receiver", resourceFilter="req.deleted")
    chain.await_condition("Receiver", type_="Stalled", status="True")
    chain.push()


@rows(
    Fault.FILTER_FAILS,
    "the resourceFilter reads a field that pushes do not have",
    at=BOTH,
    cure=r"has\(",
)
def receiver_filter_fails(chain: Chain) -> None:
    wanted = "!has(req.fluxhooksProbe) && req.pull_request.number > 0"
    chain.patch("Receiver", resourceFilter=wanted)
    chain.await_path()
    chain.push()
    assert chain.deliveries()[-1].status_code == 500


@rows(
    Fault.FILTER_REJECTS,
    "the resourceFilter wants master, and main is pushed to",
    at=BOTH,
    cure=r"resourceFilter",
)
def receiver_filter_rejects(chain: Chain) -> None:
    wanted = "!has(req.fluxhooksProbe) && req.ref == 'refs/heads/master'"
    chain.patch("Receiver", resourceFilter=wanted)
    chain.await_path()
    chain.until(lambda: chain.seconds_since_push() > 3, "the last push is a while ago")
    chain.push()
    assert chain.deliveries()[-1].status_code == 200


@rows(
    Fault.PATH_STALE,
    "the token is changed in a Secret that Flux does not watch; the webhook's is changed, too",
    at=BOTH,
    cure=r"flux reconcile receiver app -n NS|requestedAt",
)
def receiver_path_stale(chain: Chain) -> None:
    token = chain.token[::-1]
    chain.known_tokens.append(token)
    chain.merge("Secret", "token", {"stringData": {"token": token}})
    chain.webhook.edit(secret=token)
    chain.push()


@rows(
    Fault.RECEIVER_NOT_READY,
    "the Receiver wants an identity, and its rule is no CEL",
    cure=r"oidcProviders|validations",
)
def receiver_validation_failed(chain: Chain) -> None:
    chain.settings["host"] = chain.ingress.host
    issuer = {
        "issuerURL": "https://localhost",
        "validations": [{"expression": "claims.sub ==", "message": "never"}],
    }
    chain.patch(
        "Receiver",
        type="generic-oidc",
        secretRef=None,
        events=None,
        oidcProviders=[issuer],
    )
    chain.await_condition("Receiver")
    chain.push()


@rows(
    Fault.RECEIVER_NOT_RECONCILED,
    "the Receiver is edited, and notification-controller may not write its status",
    cure=r"notification-controller",
)
def receiver_not_reconciled(chain: Chain) -> None:
    admission.deny(chain, "notification.toolkit.fluxcd.io", "v1", "receivers/status")
    chain.patch("Receiver", interval="20m")
    chain.push()


@rows(
    Fault.RECEIVER_OTHER_TYPE,
    "the Receiver is of the type gitlab",
    cure=r"github",
)
def receiver_of_gitlab(chain: Chain) -> None:
    chain.patch("Receiver", type="gitlab", events=None)
    chain.await_path()
    chain.push()


@rows(
    Fault.RECEIVER_OTHER_TYPE,
    "the Receiver is of the type github",
    at=GITLAB,
    cure=r"gitlab",
)
def receiver_of_github(chain: Chain) -> None:
    chain.patch("Receiver", type="github", events=None)
    chain.await_path()
    chain.push()


@rows(
    Fault.RECEIVER_EVENTS,
    "the Receiver's events lack push",
    cure=r"push",
)
def receiver_events(chain: Chain) -> None:
    chain.patch("Receiver", events=["ping"])
    chain.await_path()
    chain.push()


@rows(
    Fault.RECEIVER_EVENTS,
    "the Receiver's events have tags only",
    at=GITLAB,
    cure=r"Push Hook",
)
def receiver_tag_events(chain: Chain) -> None:
    chain.patch("Receiver", events=["Tag Push Hook"])
    chain.await_path()
    chain.push()
    assert chain.deliveries(PUSH)[-1].status_code == 400


@rows(
    Fault.TARGET_MISSING,
    "the Receiver names a GitRepository that does not exist",
    at=BOTH,
    cure=r"app",
)
def target_missing(chain: Chain) -> None:
    chain.name_scope()
    chain.patch("Receiver", resources=[{"kind": "GitRepository", "name": "ap"}])
    chain.await_path()
    chain.push()


@rows(
    Fault.TARGET_OTHER_KIND,
    "the Receiver names the source as an OCIRepository",
    at=BOTH,
    cure=r"GitRepository",
)
def target_other_kind(chain: Chain) -> None:
    chain.name_scope()
    events = None if chain.forge is chain.sandbox.github else chain.get("Receiver").spec["events"]
    chain.patch("Receiver", resources=[{"kind": "OCIRepository", "name": APP}], events=events)
    chain.await_path()
    chain.push()


@rows(
    Fault.TARGET_OTHER_NAMESPACE,
    "the Receiver names a source of another namespace, and the controller allows none",
    at=BOTH,
    cure=r"--no-cross-namespace-refs",
)
def target_other_namespace(chain: Chain) -> None:
    other = f"{chain.name}-sources"
    chain.make_namespace(other)
    chain.copy_source(other)
    target = {"kind": "GitRepository", "name": APP, "namespace": other}
    chain.patch("Receiver", resources=[target])
    chain.await_path()
    controller, cluster = "notification-controller", chain.sandbox.cluster
    cluster.restart(controller, flags=["--no-cross-namespace-refs"])
    chain.after(lambda: cluster.restart(controller, flags=[]))
    chain.push()
    assert chain.deliveries()[-1].status_code == 500


@rows(
    Fault.TARGET_API_VERSION,
    "the Receiver names a Kustomization without an apiVersion, beside its source",
    cure=r"kustomize\.toolkit\.fluxcd\.io/v1\b",
)
def target_without_api_version(chain: Chain) -> None:
    source = {"kind": "GitRepository", "name": APP}
    chain.patch("Receiver", resources=[source, {"kind": "Kustomization", "name": APP}])
    chain.await_path()
    chain.push()


@rows(
    Fault.TARGET_API_VERSION,
    "the Receiver names its target with an apiVersion that is not served",
    cure=r"source\.toolkit\.fluxcd\.io/v1\b",
)
def target_api_version(chain: Chain) -> None:
    target = {
        "apiVersion": "source.toolkit.fluxcd.io/v1alpha1",
        "kind": "GitRepository",
        "name": APP,
    }
    chain.patch("Receiver", resources=[target])
    chain.await_path()
    chain.push()


@rows(
    Fault.TARGET_LABELS_MATCH_NONE,
    "the Receiver's labels match no source",
    at=BOTH,
    cure=r"team",
)
def target_labels_match_none(chain: Chain) -> None:
    chain.name_scope()
    target = {"kind": "GitRepository", "name": "*", "matchLabels": {"team": chain.name}}
    chain.patch("Receiver", resources=[target])
    chain.await_path()
    chain.push()


@rows(
    Fault.TARGET_WITHOUT_LABELS,
    "the Receiver names * and no labels",
    cure=r"matchLabels",
)
def target_without_labels(chain: Chain) -> None:
    chain.patch("Receiver", resources=[{"kind": "GitRepository", "name": "*"}])
    chain.push()


@rows(
    Fault.TARGET_NEVER_FETCHES,
    "the Receiver names a HelmRepository of the type oci",
    cure=r"HelmRepository|OCIRepository",
)
def target_never_fetches(chain: Chain) -> None:
    chain.name_scope()
    spec = {"type": "oci", "url": "oci://localhost/acme/charts"}
    chain.make("HelmRepository", "charts", spec)
    targets = [{"kind": "HelmRepository", "name": "charts"}]
    chain.patch("Receiver", resources=targets)
    chain.await_path()
    chain.push()


@rows(
    Fault.TARGET_IS_APPLIER,
    "the Receiver names the Kustomization instead of its source",
    at=BOTH,
    cure=r"GitRepository",
)
def target_is_applier(chain: Chain) -> None:
    chain.name_scope()
    applier = {"apiVersion": KINDS["Kustomization"], "kind": "Kustomization", "name": APP}
    chain.patch("Receiver", resources=[applier])
    chain.await_path()
    chain.push()


@rows(
    Fault.TARGET_NOT_PERMITTED,
    "notification-controller is denied to annotate the source",
    at=BOTH,
    cure=r"notification-controller",
)
def target_not_permitted(chain: Chain) -> None:
    admission.deny(chain, "source.toolkit.fluxcd.io", "v1", "gitrepositories")
    chain.push()
    assert chain.deliveries()[-1].status_code == 500


@pytest.mark.parametrize("row", rows.all)
def test_the_receivers_fault_is_named(row: Row, judge: Judge) -> None:
    """A 400 never says why; the doctor does."""
    judge(row)
