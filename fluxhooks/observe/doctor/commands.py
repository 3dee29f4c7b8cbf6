"""The commands that set a webhook right, with real names in them and no secret.

A stack's own webhook is set right by its next update; others by the forges' own command lines, gh
and glab, which take path and token from the cluster as they run. Gitea has none that can, and its
API gives no webhook another secret: there it is its page of the webhook.
"""

import shlex
from urllib.parse import quote, urlsplit

from fluxhooks.observe.doctor.evidence import Evidence
from fluxhooks.observe.forges import Delivery, SeenWebhook
from fluxhooks.observe.state import Scope

REFRESH = "`pulumi up --refresh`"


def api(scope: Scope, api_url: str = "") -> str:
    """Return where the API of a forge has the webhooks of something."""
    if scope.kind == "organization":
        return f"orgs/{scope.name or '{owner}'}/hooks"
    if scope.forge == "github":
        parts = urlsplit(api_url).path.split("/")
        # gh puts in the owner of the repository at hand.
        owner = parts[parts.index("repos") + 1] if "repos" in parts else "{owner}"
        name = scope.name if "/" in scope.name else f"{owner}/{scope.name}"
        return f"repos/{name}/hooks"
    if scope.kind == "instance":
        return "hooks"
    return f"{scope.kind}s/{quote(scope.name, safe='')}/hooks"


def page(scope: Scope, webhook: str = "") -> str:
    """Return where Gitea shows a webhook, or all of a scope's."""
    below = f"org/{scope.name}" if scope.kind == "organization" else scope.name
    return f"{scope.server}/{below}/settings/hooks{f'/{webhook}' if webhook else ''}"


def of(evidence: Evidence, scope: Scope) -> str:
    """Return where the API has the webhooks of a chain's scope, or of what has it."""
    declared = evidence.declared.webhook if evidence.declared else None
    return api(scope, declared.api_url if declared else "")


def url(evidence: Evidence, host: str) -> str:
    """Return what puts together the URL that has to be called."""
    namespace, name = evidence.receiver
    path = f"$(kubectl -n {namespace} get receiver {name} -o jsonpath='{{.status.webhookPath}}')"
    return f"https://{host or 'HOST'}{path}"


def token(evidence: Evidence) -> str:
    """Return what reads the token in the Receiver's Secret."""
    receiver = evidence.receiver_object
    secret = str((receiver.spec.get("secretRef") or {}).get("name", "")) if receiver else ""
    read = f"kubectl -n {evidence.receiver[0]} get secret {secret or 'SECRET'}"
    return f"$({read} -o jsonpath='{{.data.token}}' | base64 -d)"


def make(evidence: Evidence, host: str, events: str) -> str:
    """Return the command that makes a webhook which calls a chain's Receiver.

    Args:
        events: what it sends at GitHub.
    """
    scope = evidence.forge.scope if evidence.forge else None
    if scope is None:
        return REFRESH
    where = of(evidence, scope)
    if scope.forge == "gitea":
        return (
            f"at {page(scope)}, of the type Gitea, with what these print: "
            f'`echo "{url(evidence, host)}"`, `echo "{token(evidence)}"`'
        )
    if scope.forge == "github":
        return (
            f"`gh api {where} -f 'events[]={events}' -f 'config[content_type]=json' "
            f'-f "config[url]={url(evidence, host)}" -f "config[secret]={token(evidence)}"`'
        )
    return (
        f'`glab api -X POST {where} -F push_events=true -F tag_push_events=true -f "url='
        f'{url(evidence, host)}" -f "token={token(evidence)}"`'
    )


def point(evidence: Evidence, webhook: SeenWebhook, host: str) -> str:
    """Return the command that has a webhook call a chain's Receiver, with its token."""
    if evidence.declared is not None:
        return REFRESH
    where = f"{of(evidence, webhook.scope)}/{webhook.id}"
    if webhook.scope.forge == "gitea":
        return (
            f"at {page(webhook.scope, webhook.id)}, with what these print: "
            f'`echo "{url(evidence, host)}"`, `echo "{token(evidence)}"`'
        )
    if webhook.scope.forge == "github":
        return (
            f'`gh api -X PATCH {where}/config -f "url={url(evidence, host)}" '
            f'-f "secret={token(evidence)}"`'
        )
    # GitLab forgets the token of another URL.
    return f'`glab api -X PUT {where} -f "url={url(evidence, host)}" -f "token={token(evidence)}"`'


def set_token(evidence: Evidence, webhook: SeenWebhook) -> str:
    """Return the command that gives a webhook the token in the Receiver's Secret."""
    where = f"{of(evidence, webhook.scope)}/{webhook.id}"
    if webhook.scope.forge == "gitea":
        printed = f'`echo "{token(evidence)}"`'
        return f"at {page(webhook.scope, webhook.id)}, with what this prints: {printed}"
    if webhook.scope.forge == "github":
        return f'`gh api -X PATCH {where}/config -f "secret={token(evidence)}"`'
    same = f"$(glab api {where} | jq -r .url)"
    return f'`glab api -X PUT {where} -f "url={same}" -f "token={token(evidence)}"`'


def edit(evidence: Evidence, webhook: SeenWebhook, *, github: str, gitlab: str) -> str:
    """Return the command that edits a webhook.

    Args:
        github, gitlab: the arguments that say what.
    """
    if evidence.declared is not None:
        return REFRESH
    where = f"{of(evidence, webhook.scope)}/{webhook.id}"
    if webhook.scope.forge == "gitea":
        return f"at {page(webhook.scope, webhook.id)}"
    if webhook.scope.forge == "github":
        return f"`gh api -X PATCH {where} {github}`"
    same = f"$(glab api {where} | jq -r .url)"
    return f'`glab api -X PUT {where} -f "url={same}" {gitlab}`'


def config(evidence: Evidence, webhook: SeenWebhook, argument: str) -> str:
    """Return what edits one property of a webhook's configuration at GitHub or Gitea."""
    if evidence.declared is not None:
        return REFRESH
    if webhook.scope.forge == "gitea":
        return f"at {page(webhook.scope, webhook.id)}"
    where = f"{of(evidence, webhook.scope)}/{webhook.id}"
    return f"`gh api -X PATCH {where}/config {argument}`"


def delete(evidence: Evidence, webhook: SeenWebhook) -> str:
    """Return what deletes a webhook."""
    if webhook.scope.forge == "gitea":
        return f"at {page(webhook.scope)}"
    client = "gh" if webhook.scope.forge == "github" else "glab"
    return f"`{client} api -X DELETE {of(evidence, webhook.scope)}/{webhook.id}`"


def test(evidence: Evidence, webhook: SeenWebhook) -> str:
    """Return the command that has GitLab send a test, which enables a webhook again."""
    where = f"{of(evidence, webhook.scope)}/{webhook.id}"
    return f"`glab api -X POST {where}/test/push_events`"


def redeliver(evidence: Evidence, webhook: SeenWebhook, delivery: Delivery) -> str:
    """Return the command that has a delivery sent again."""
    where = f"{of(evidence, webhook.scope)}/{webhook.id}"
    if webhook.scope.forge == "github":
        return f"`gh api -X POST {where}/deliveries/{delivery.id}/attempts`"
    return f"`glab api -X POST {where}/events/{delivery.id}/resend`"


def reconcile(kind: str, namespace: str, name: str) -> str:
    """Return the command that has a source fetched now."""
    sources = {"GitRepository": "git", "OCIRepository": "oci", "HelmRepository": "helm"}
    return f"`flux reconcile source {sources.get(kind, 'git')} {shlex.quote(name)} -n {namespace}`"
