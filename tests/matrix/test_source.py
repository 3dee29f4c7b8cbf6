"""The source, wrong one by one: what it follows, how it asks, and whether it does."""

import pytest

from fluxhooks.observe.doctor.faults import Fault
from tests.matrix.chain import GITHUB, GITLAB, Chain
from tests.matrix.conftest import Judge
from tests.matrix.rows import BOTH, Row, Rows

rows = Rows()


def fetch(chain: Chain, says: str = "", **spec: object) -> None:
    """Change the source's spec, and wait until it cannot be fetched so."""
    chain.patch("GitRepository", **spec)
    chain.await_condition("GitRepository", says=says)
    chain.push()


@rows(
    Fault.SOURCE_SUSPENDED,
    "the GitRepository is suspended",
    at=BOTH,
    cure=r"flux resume source git app -n NS",
)
def source_suspended(chain: Chain) -> None:
    chain.patch("GitRepository", suspend=True)
    chain.push()


@rows(
    Fault.SOURCE_REFERENCE,
    "the GitRepository follows a branch that is not there",
    at=BOTH,
    cure=r"branch",
    sample=GITHUB,
)
def source_branch(chain: Chain) -> None:
    fetch(chain, ref={"branch": "master"})


@rows(Fault.SOURCE_REFERENCE, "the GitRepository follows a tag that is not there", cure=r"tag")
def source_tag(chain: Chain) -> None:
    fetch(chain, ref={"branch": None, "tag": "v1"})


@rows(
    Fault.SOURCE_REFERENCE,
    "the GitRepository follows a reference by a name that is not there",
    at=GITLAB,
    cure=r"name|ref",
)
def source_ref_name(chain: Chain) -> None:
    fetch(chain, ref={"branch": None, "name": "refs/merge-requests/7/head"})


@rows(
    Fault.SOURCE_SEMVER,
    "no tag is in the GitRepository's range",
    at=BOTH,
    cure=r"semver|tag",
)
def source_semver(chain: Chain) -> None:
    chain.repository.tag("v1.0.0")
    if chain.forge is not chain.sandbox.github:
        chain.webhook.edit(tag_push_events=True)
    fetch(chain, ref={"branch": None, "semver": ">=2.0.0"})


@rows(
    Fault.SOURCE_SECRET_MISSING,
    "the GitRepository's Secret does not exist",
    at=BOTH,
    cure=r"Secret nobody .*in NS",
)
def source_secret_missing(chain: Chain) -> None:
    fetch(chain, secretRef={"name": "nobody"})


@rows(
    Fault.SOURCE_AUTHENTICATION,
    "the repository is made private, and the GitRepository's password is wrong",
    at=BOTH,
    cure=r"credentials",
)
def source_authentication(chain: Chain) -> None:
    chain.forge.change_visibility(chain.path, private=True)
    password = "not-the-password"
    chain.known_tokens.append(password)
    chain.make_secret("credentials", {"username": "git", "password": password})
    fetch(chain, secretRef={"name": "credentials"})


@rows(
    Fault.SOURCE_AUTHENTICATION,
    "the repository is made private, and the GitRepository has no Secret",
    at=BOTH,
    cure=r"secretRef|flux create secret git",
)
def source_private(chain: Chain) -> None:
    chain.forge.change_visibility(chain.path, private=True)
    chain.push()
    chain.ask("GitRepository")
    chain.await_condition("GitRepository")


@rows(
    Fault.SOURCE_UNREACHABLE,
    "nothing listens where the GitRepository's URL points",
    at=BOTH,
    cure=r"url|reach",
)
def source_unreachable(chain: Chain) -> None:
    chain.name_scope()
    closed = chain.open_ingress()
    closed.refuse()
    fetch(chain, url=f"http://{closed.host}/{chain.path}.git")


@rows(
    Fault.SOURCE_NOT_FOUND,
    "the GitRepository's URL names a repository that does not exist",
    at=BOTH,
    cure=r"address",
)
def source_not_found(chain: Chain) -> None:
    chain.name_scope()
    fetch(chain, url=chain.repository.clone_url.replace(".git", "-gone.git"))


@rows(
    Fault.SOURCE_CERTIFICATE,
    "the repository's certificate is signed by nobody source-controller trusts",
    at=BOTH,
    cure=r"ca\.crt|certSecretRef|--ca-crt-file|caFile",
)
def source_certificate(chain: Chain) -> None:
    chain.name_scope()
    port = int(chain.forge.base_url.rstrip("/").rpartition(":")[2])
    front = chain.open_ingress(target_port=port)
    owner = f"{chain.forge.owner}/" if chain.forge is chain.sandbox.github else ""
    fetch(chain, url=f"https://{front.host}/{owner}{chain.path}.git")


@rows(
    Fault.SOURCE_FETCH_FAILED,
    "the forge answers Git with 500",
    at=BOTH,
    cure=r"flux reconcile source git app -n NS|describe gitrepository|get gitrepository",
)
def source_fetch_failed(chain: Chain) -> None:
    path = rf"{chain.path}(\.git)?/(info/refs|git-upload-pack)"
    fault = chain.forge.faults.respond(500, method="GET", path=path, times=None)
    chain.after(lambda: setattr(fault, "times", 0))
    chain.ask("GitRepository")
    chain.await_condition("GitRepository")


@rows(
    Fault.SOURCE_INVALID,
    "the GitRepository is to ask as a GitHub App, and has no Secret of one",
    cure=r"kubectl -n NS edit gitrepository app",
)
def source_invalid(chain: Chain) -> None:
    fetch(chain, provider="github")


@rows(
    Fault.SOURCE_PINNED,
    "the GitRepository is pinned to a commit",
    at=BOTH,
    cure=r"commit",
)
def source_pinned(chain: Chain) -> None:
    commit = chain.head()
    chain.patch("GitRepository", ref={"commit": commit})
    chain.await_applied(commit)
    chain.push()


@rows(
    Fault.SOURCE_OTHER_BRANCH,
    "the GitRepository follows a branch that is never pushed to",
    at=BOTH,
    cure=r"branch",
)
def source_other_branch(chain: Chain) -> None:
    chain.repository.commit({"README.md": "once"}, message="Begin", branch="release")
    chain.patch("GitRepository", ref={"branch": "release"})
    chain.await_applied(chain.head("release"))
    # The webhook is younger than the branch.
    chain.webhook.delete()
    chain.webhook.id = chain.webhook.create(chain.url, chain.token)
    for _ in range(4):
        chain.push()


@rows(
    Fault.SOURCE_IGNORES,
    "the GitRepository's ignore rules leave everything out",
    at=BOTH,
    cure=r"ignore",
)
def source_ignores_all(chain: Chain) -> None:
    chain.patch("GitRepository", ignore="/*")
    chain.push()
    chain.await_fetched()
    chain.await_condition("Kustomization")


@rows(
    Fault.SOURCE_NOT_RECONCILED,
    "source-controller is down",
    at=BOTH,
    cure=r"source-controller",
)
def source_controller_down(chain: Chain) -> None:
    chain.sandbox.cluster.stop("source-controller")
    chain.after(lambda: chain.sandbox.cluster.start("source-controller"))
    chain.push()


@rows(
    Fault.SOURCE_INTERVAL,
    "the GitRepository asks every ten seconds beside its webhook",
    at=BOTH,
    cure=r"interval",
)
def source_interval(chain: Chain) -> None:
    chain.patch("GitRepository", interval="10s")
    chain.push()
    chain.await_applied()


@pytest.mark.parametrize("row", rows.all)
def test_the_sources_fault_is_named(row: Row, judge: Judge) -> None:
    """What source-controller says is read, and said with its cure."""
    judge(row)
