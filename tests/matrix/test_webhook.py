"""The webhook's settings at the forge, wrong one by one."""

import pytest

from fluxhooks.flux.hook_path import hook_path
from fluxhooks.observe.doctor.faults import Fault
from tests.matrix.chain import APP, GITHUB, GITLAB, Chain
from tests.matrix.conftest import Judge
from tests.matrix.rows import BOTH, Row, Rows

rows = Rows()

# What makes GitHub's filter look into the body.
ONLY_MAIN = {"resourceFilter": "!has(req.fluxhooksProbe) && req.ref == 'refs/heads/main'"}


@rows(
    Fault.WEBHOOK_MISSING,
    "the webhook is deleted at the forge",
    at=BOTH,
    cure=r"NS",
    sample=GITHUB,
)
def webhook_deleted(chain: Chain) -> None:
    chain.settings["host"] = chain.ingress.host
    chain.webhook.delete()
    chain.push()


@rows(
    Fault.WEBHOOK_INACTIVE,
    "the webhook is made inactive",
    at=GITHUB,
    cure=r"HOOK.*active|active.*HOOK",
)
def webhook_inactive(chain: Chain) -> None:
    chain.webhook.edit(active=False)
    chain.push()


@rows(
    Fault.WEBHOOK_DISABLED,
    "deliveries failed until GitLab disabled the webhook; then the ingress worked again",
    at=GITLAB,
    cure=r"HOOK",
    own_ingress=True,
)
def webhook_disabled(chain: Chain) -> None:
    chain.ingress.refuse()
    for _ in range(4):
        chain.push()
    chain.ingress.resume()
    (hook,) = chain.forge.hooks(chain.path)
    assert hook.disabled_until is not None


@rows(
    Fault.WEBHOOK_OTHER_HOST,
    "the webhook is pointed at a host that was used before",
    at=BOTH,
    cure=r"HOOK",
)
def webhook_other_host(chain: Chain) -> None:
    other = chain.open_ingress()
    other.refuse()
    chain.webhook.edit(url=f"https://{other.host}{chain.await_path()}", secret=chain.token)
    chain.settings["host"] = chain.ingress.host
    chain.push()


@rows(
    Fault.WEBHOOK_STALE_PATH,
    "the webhook is pointed at the path of a Receiver that is gone",
    at=BOTH,
    cure=r"HOOK",
)
def webhook_stale_path(chain: Chain) -> None:
    chain.settings["host"] = chain.ingress.host
    gone = hook_path("another", APP, chain.name)
    chain.known_paths.append(gone)
    chain.webhook.edit(url=f"https://{chain.ingress.host}{gone}", secret=chain.token)
    chain.push()


@rows(
    Fault.WEBHOOK_STALE_PATH,
    "the token is changed, and with it the path; the webhook is left as it was",
    at=BOTH,
    cure=r"HOOK",
)
def webhook_left_at_a_token_change(chain: Chain) -> None:
    chain.settings["host"] = chain.ingress.host
    before = chain.await_path()
    token = chain.token[::-1]
    chain.known_tokens.append(token)
    chain.merge("Secret", "token", {"stringData": {"token": token}})
    chain.reconcile("Receiver")
    chain.until(lambda: chain.await_path() != before, "the path is another")
    chain.push()


@rows(
    Fault.WEBHOOK_URL_INEXACT,
    "the webhook's URL ends with a slash",
    at=BOTH,
    cure=r"HOOK",
    sample=GITLAB,
)
def webhook_with_a_slash(chain: Chain) -> None:
    chain.webhook.edit(url=f"{chain.url}/", secret=chain.token)
    chain.push()


@rows(
    Fault.WEBHOOK_URL_INEXACT,
    "the webhook's URL has a prefix before the path",
    cure=r"HOOK",
)
def webhook_with_a_prefix(chain: Chain) -> None:
    url = f"https://{chain.ingress.host}/flux{chain.await_path()}"
    chain.webhook.edit(url=url, secret=chain.token)
    chain.push()


@rows(
    Fault.WEBHOOK_NOT_HTTPS,
    "the webhook calls http, and the ingress takes it",
    at=BOTH,
    cure=r"https",
    own_ingress=True,
)
def webhook_over_http(chain: Chain) -> None:
    chain.ingress.tls = False
    chain.webhook.edit(url=chain.url, secret=chain.token)
    chain.push()
    chain.await_applied()


@rows(
    Fault.WEBHOOK_TWIN,
    "a second webhook is left that calls a path nobody serves",
    at=BOTH,
    cure=r"",
)
def webhook_twin(chain: Chain) -> None:
    gone = hook_path("another", APP, chain.name)
    chain.known_paths.append(gone)
    chain.webhook.create(f"https://{chain.ingress.host}{gone}", "another")
    chain.push()
    chain.await_applied()


@rows(
    Fault.WEBHOOK_FORM,
    "the webhook sends forms, GitHub's default, and the filter looks into the body",
    cure=r"HOOK",
    receiver=ONLY_MAIN,
)
def webhook_form(chain: Chain) -> None:
    chain.webhook.edit(json=False)
    chain.push()


@rows(Fault.WEBHOOK_NO_SECRET, "the webhook has no secret", at=BOTH, cure=r"HOOK")
def webhook_without_secret(chain: Chain) -> None:
    url = chain.url
    chain.webhook.delete()
    chain.webhook.id = chain.webhook.create(url, None)
    chain.push()


@rows(
    Fault.WEBHOOK_TLS_UNCHECKED,
    "the webhook does not verify certificates",
    at=BOTH,
    cure=r"HOOK",
)
def webhook_not_verifying(chain: Chain) -> None:
    chain.webhook.edit(verify=False)
    chain.push()
    chain.await_applied()


@rows(
    Fault.WEBHOOK_EVENTS_MISSING,
    "the webhook sends issues instead of pushes",
    cure=r"push",
)
def webhook_without_push(chain: Chain) -> None:
    chain.webhook.edit(events=["issues"])
    chain.patch("Receiver", events=["issues", "ping", "push"])
    chain.await_path()
    chain.push()


@rows(
    Fault.WEBHOOK_EVENTS_MISSING,
    "the webhook sends issues instead of pushes",
    at=GITLAB,
    cure=r"[Pp]ush",
)
def webhook_without_push_events(chain: Chain) -> None:
    chain.patch("Receiver", events=["Issue Hook", "Push Hook", "Tag Push Hook"])
    chain.webhook.edit(push_events=False, issues_events=True)
    chain.await_path()
    chain.push()


@rows(
    Fault.WEBHOOK_EVENTS_MISSING,
    "the source follows tags, and the webhook tells only of branches",
    at=GITLAB,
    cure=r"[Tt]ag",
)
def webhook_without_tag_push(chain: Chain) -> None:
    chain.repository.tag("v1.0.0")
    chain.patch("GitRepository", ref={"semver": ">=1.0.0"})
    chain.await_applied(chain.head())
    chain.push()
    chain.repository.tag("v1.1.0")
    chain.forge.wait_idle()


@rows(
    Fault.WEBHOOK_EVENTS_REFUSED,
    "the webhook sends issues, which the Receiver does not take",
    cure=r"issues",
)
def webhook_with_issues(chain: Chain) -> None:
    chain.webhook.edit(events=["issues", "push"])
    chain.push()
    chain.await_applied()


@rows(
    Fault.WEBHOOK_EVENTS_REFUSED,
    "the webhook sends issues, which the Receiver does not take",
    at=GITLAB,
    cure=r"[Ii]ssue",
)
def webhook_with_issue_events(chain: Chain) -> None:
    chain.webhook.edit(issues_events=True)
    chain.push()
    chain.await_applied()


@rows(
    Fault.WEBHOOK_BRANCH_FILTER,
    "the webhook's filter leaves main out",
    at=GITLAB,
    cure=r"main|filter",
)
def webhook_branch_filter(chain: Chain) -> None:
    chain.webhook.edit(push_events_branch_filter="release/*")
    chain.push()


@pytest.mark.parametrize("row", rows.all)
def test_the_webhooks_fault_is_named(row: Row, judge: Judge) -> None:
    """Whoever edited the webhook reads what to put right, and nothing beside it."""
    judge(row)
