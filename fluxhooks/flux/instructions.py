"""What has to be pasted where, for each sender that is told its URL and token by hand.

One entry for each sender of each Receiver type: the steps in its user interface, or the commands
and jobs that do it, what a rotation changes there, and what goes wrong silently. Each names the
page of its maker that it follows.
"""

import json
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from fluxhooks.flux.receiver_types import RECEIVER_TYPES, ReceiverType


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the sender of one Receiver has to be told.

    Attributes:
        name: the component's.
        url: what it calls; secret.
        token: what it signs with or shows; secret, and "" for the type generic-oidc.
        events: those the Receiver accepts; empty where it looks at none.
        email, audience: whom a Receiver of the type gcr believes; "" for others.
        audiences: by issuer, what a Receiver of the type generic-oidc asks of tokens.
    """

    name: str
    url: str = field(repr=False)
    token: str = field(default="", repr=False)
    events: tuple[str, ...] = ()
    email: str = ""
    audience: str = ""
    audiences: Mapping[str, str] = field(default_factory=dict)

    def sent(self, receiver_type: ReceiverType) -> list[str]:
        """Return the events to choose: without the ping, which is sent by itself."""
        return [event for event in self.events if event != RECEIVER_TYPES[receiver_type].ping]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to do.

    Attributes:
        text: what, and where in the sender's user interface.
        fields: what belongs into each field of a form.
        code: commands to run, or a file's contents; "" where there are none.
        language: of `code`: "sh" or "yaml".
    """

    text: str
    fields: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    language: str = "sh"

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "text": self.text,
            "fields": dict(self.fields),
            "code": self.code,
            "language": self.language if self.code else "",
        }


@dataclass(frozen=True, kw_only=True)
class Instructions:
    """How one sender is told.

    Attributes:
        steps: from nothing to deliveries.
        rotated: what is to be done with the next generation's URL and token.
        mind: what fails silently, or surprises.
        documentation: the page of its maker.
    """

    steps: tuple[Step, ...]
    rotated: Step
    mind: tuple[str, ...]
    documentation: str


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Somebody who sends to Receivers of one type.

    Attributes:
        name: for the command line; one among those of its type.
        title: its maker's name for it.
        told: how it is told.
    """

    name: str
    title: str
    told: Callable[[Told], Instructions]


def senders(receiver_type: ReceiverType) -> tuple[Sender, ...]:
    """Return the known senders to Receivers of a type, those first that most people have."""
    return _SENDERS[receiver_type]


_NOBODY_SIGNS: Final = (
    "Nothing is signed: whoever knows the URL may send, so it is as secret as a password."
)


# Registries


def _azure_container_registry(told: Told) -> Instructions:
    name = "flux" + "".join(filter(str.isalnum, told.name))
    return Instructions(
        steps=(
            Step(
                text="With the Azure CLI; --scope 'app:*' limits it to a repository",
                code=f"az acr webhook create --registry REGISTRY --name {name} --actions push "
                f"--uri {shlex.quote(told.url)}",
            ),
        ),
        rotated=Step(
            text="Change its address",
            code=f"az acr webhook update --registry REGISTRY --name {name} "
            f"--uri {shlex.quote(told.url)}",
        ),
        mind=(
            _NOBODY_SIGNS + " A Receiver of the type harbor with --headers "
            '"Authorization=<token>" here is one that asks for more.',
            "az acr webhook ping is a delivery: it reconciles the targets.",
            f"az acr webhook list-events --registry REGISTRY --name {name} shows the answers.",
        ),
        documentation="https://learn.microsoft.com/azure/container-registry/container-registry-webhook",
    )


def _docker_hub(told: Told) -> Instructions:
    fields = {"Webhook name": f"flux-{told.name}", "Webhook URL": told.url}
    return Instructions(
        steps=(Step(text="Docker Hub › the repository › Webhooks › Create", fields=fields),),
        rotated=Step(
            text="Create another webhook with the new URL, then delete the old one",
            fields=fields,
        ),
        mind=(
            _NOBODY_SIGNS,
            "It belongs to one repository, has no test, and no API: each repository needs its own.",
            "What was answered is in the webhook's menu › View History.",
        ),
        documentation="https://docs.docker.com/docker-hub/repos/manage/webhooks/",
    )


def _google_artifact_registry(told: Told) -> Instructions:
    subscription = f"flux-{told.name}"
    push = (
        f"--push-endpoint {shlex.quote(told.url)} \\\n"
        f"  --push-auth-service-account {shlex.quote(told.email)} \\\n"
        f"  --push-auth-token-audience {shlex.quote(told.audience)}"
    )
    return Instructions(
        steps=(
            Step(
                text="Once for a project: the topic to which Artifact Registry publishes",
                code="gcloud pubsub topics create gcr",
            ),
            Step(
                text="A subscription that pushes as the service account the Receiver believes",
                code=f"gcloud pubsub subscriptions create {subscription} --topic gcr \\\n  {push}",
            ),
        ),
        rotated=Step(
            text="All three flags: what is left out is taken away",
            code=f"gcloud pubsub subscriptions modify-push-config {subscription} \\\n  {push}",
        ),
        mind=(
            "Without the audience Google takes the URL for it, and each delivery is answered 400; "
            "what is not answered 2xx is sent again until the subscription's retention is over.",
            "Pub/Sub's service agent needs the role Service Account Token Creator on the service "
            "account.",
            "The topic hears of all repositories of the project.",
        ),
        documentation="https://cloud.google.com/artifact-registry/docs/configure-notifications",
    )


def _harbor(told: Told) -> Instructions:
    fields = {
        "Name": f"flux-{told.name}",
        "Notify Type": "http",
        "Payload Format": "Default",
        "Event Type": "Artifact pushed",
        "Endpoint URL": told.url,
        "Auth Header": told.token,
        "Verify Remote Certificate": "on",
    }
    changed = {key: fields[key] for key in ("Endpoint URL", "Auth Header")}
    return Instructions(
        steps=(
            Step(text="Harbor › Projects › the project › Webhooks › New Webhook", fields=fields),
        ),
        rotated=Step(text="… › Webhooks › Action › Edit", fields=changed),
        mind=(
            "The header is the token alone, without Bearer.",
            "A delivery that is not answered 2xx is tried again a few times; the executions of "
            "the webhook have the log.",
        ),
        documentation="https://goharbor.io/docs/latest/working-with-projects/project-configuration/configure-webhooks/",
    )


def _azure_devops(told: Told) -> Instructions:
    fields = {
        "Trigger on this type of event": "Code pushed",
        "URL": told.url,
        "Accept untrusted SSL certificates": "off",
        "HTTP headers": f"Authorization:{told.token}",
        "Resource details to send": "All",
    }
    changed = {key: fields[key] for key in ("URL", "HTTP headers")}
    return Instructions(
        steps=(
            Step(
                text="Azure DevOps › Project settings › Service hooks › Create subscription › Web "
                "Hooks",
                fields=fields,
            ),
        ),
        rotated=Step(text="… › Service hooks › the subscription › Edit", fields=changed),
        mind=(
            "Flux has no type for it; the type harbor asks for nothing but this header.",
            "Its button Test is a delivery: it reconciles the targets.",
            "A subscription whose deliveries fail for long is disabled; … › Service hooks › "
            "History tells.",
        ),
        documentation="https://learn.microsoft.com/azure/devops/service-hooks/services/webhooks",
    )


def _nexus(told: Told) -> Instructions:
    fields = {
        "Repository": "the one whose components are pushed",
        "Event Types": "component",
        "URL": told.url,
        "Secret Key": told.token,
    }
    return Instructions(
        steps=(
            Step(
                text="Nexus › Administration › Capabilities › Create capability › Webhook: "
                "Repository",
                fields=fields,
            ),
        ),
        rotated=Step(
            text="… › Capabilities › the capability › Settings",
            fields={key: fields[key] for key in ("URL", "Secret Key")},
        ),
        mind=(
            "Without a Secret Key nothing is signed, and each delivery is answered 400.",
            "It has no test and no log of deliveries: push something, and look with fluxhooks "
            "doctor or at the source.",
            "One capability is one repository's.",
        ),
        documentation="https://help.sonatype.com/en/enabling-a-repository-webhook-capability.html",
    )


def _quay(told: Told) -> Instructions:
    fields = {
        "When this event occurs": "Push to Repository",
        "Then issue a notification": "Webhook POST",
        "Webhook URL": told.url,
        "POST JSON body template": "leave it empty",
        "Title": f"flux-{told.name}",
    }
    asked = {
        "event": "repo_push",
        "method": "webhook",
        "config": {"url": told.url},
        "eventConfig": {},
        "title": f"flux-{told.name}",
    }
    return Instructions(
        steps=(
            Step(
                text="Quay › the repository › Settings › Events and Notifications › Create "
                "Notification",
                fields=fields,
            ),
            Step(
                text="Or by its API, with an OAuth token of the scope repo:admin",
                code="curl --fail --silent --show-error \\\n"
                '  --header "Authorization: Bearer $QUAY_TOKEN" '
                "--header 'Content-Type: application/json' \\\n"
                f"  --data {shlex.quote(json.dumps(asked))} \\\n"
                "  https://quay.io/api/v1/repository/NAMESPACE/REPOSITORY/notification/",
            ),
        ),
        rotated=Step(
            text="Create another notification with the new URL, then delete the old one",
            fields={"Webhook URL": told.url},
        ),
        mind=(
            _NOBODY_SIGNS,
            "Quay disables a notification after three failures and tells nobody; its menu has "
            "Enable Notification.",
            "Its menu's Test Notification is a delivery: it reconciles the targets.",
        ),
        documentation="https://docs.redhat.com/en/documentation/red_hat_quay/",
    )


# Forges


def _github(told: Told) -> Instructions:
    fields = {
        "Payload URL": told.url,
        "Content type": "application/json",
        "Secret": told.token,
        "SSL verification": "Enable",
        "Let me select individual events": ", ".join(told.sent(ReceiverType.GITHUB)),
        "Active": "on",
    }
    return Instructions(
        steps=(
            Step(
                text="GitHub › the repository or organisation › Settings › Webhooks › Add webhook",
                fields=fields,
            ),
        ),
        rotated=Step(
            text="… › Webhooks › Edit; both at once, in one Update webhook",
            fields={key: fields[key] for key in ("Payload URL", "Secret")},
        ),
        mind=(
            "The content type is a form at first; a form is signed as well, and a filter sees "
            "nothing of it.",
            "An event that is not in the list is answered 400.",
            "A GitHub token that may administer webhooks lets fluxhooks do all of this: name the "
            "repository in github in place of the type.",
        ),
        documentation="https://docs.github.com/en/webhooks/using-webhooks/creating-webhooks",
    )


def _gitea(told: Told) -> Instructions:
    events = told.sent(ReceiverType.GITHUB)
    fields = {
        "Target URL": told.url,
        "HTTP Method": "POST",
        "POST Content Type": "application/json",
        "Secret": told.token,
        "Trigger On": "Custom Events: " + ", ".join(events),
        "Active": "on",
    }
    asked = {
        "type": "gitea",
        "active": True,
        "events": events,
        "config": {"content_type": "json", "secret": told.token, "url": told.url},
    }
    return Instructions(
        steps=(
            Step(
                text="The repository or organisation › Settings › Webhooks › Add Webhook › Gitea "
                "(or Forgejo)",
                fields=fields,
            ),
            Step(
                text="Or by its API, with a token that may write repositories",
                code="curl --fail --silent --show-error \\\n"
                '  --header "Authorization: token $GITEA_TOKEN" '
                "--header 'Content-Type: application/json' \\\n"
                f"  --data {shlex.quote(json.dumps(asked))} \\\n"
                "  https://GITEA/api/v1/repos/OWNER/REPOSITORY/hooks",
            ),
        ),
        rotated=Step(
            text="… › Webhooks › Edit; both at once, in one Update Webhook",
            fields={key: fields[key] for key in ("Target URL", "Secret")},
        ),
        mind=(
            "A form is always answered 400: the body is signed as JSON whatever it is sent as.",
            "Private addresses are refused unless the server's [webhook] ALLOWED_HOST_LIST has "
            "them.",
            "Test Delivery sends nothing while the repository has no commit; what was answered is "
            "below the webhook's form.",
            "A token that may write repositories lets fluxhooks do all of this: name server, owner "
            "and repository in gitea in place of the type.",
        ),
        documentation="https://docs.gitea.com/usage/webhooks",
    )


def _gitlab(told: Told) -> Instructions:
    triggers = [event.removesuffix(" Hook").capitalize() + " events" for event in told.events]
    fields = {
        "URL": told.url,
        "Secret token": told.token,
        "Trigger": ", ".join(triggers) + "; and nothing else",
        "SSL verification": "Enable SSL verification",
    }
    return Instructions(
        steps=(
            Step(
                text="GitLab › the project or group › Settings › Webhooks › Add new webhook",
                fields=fields,
            ),
        ),
        rotated=Step(
            text="… › Webhooks › Edit; both in one Save changes: another URL makes GitLab forget "
            "the token",
            fields={key: fields[key] for key in ("URL", "Secret token")},
        ),
        mind=(
            "A trigger that the Receiver does not accept is answered 400, and GitLab disables a "
            "webhook after four of those.",
            "A signing token is not looked at by Flux: it is the secret token that counts.",
            "Test › Push events is a delivery: it reconciles the targets.",
        ),
        documentation="https://docs.gitlab.com/user/project/integrations/webhooks/",
    )


def _bitbucket_data_center(told: Told) -> Instructions:
    fields = {
        "Name": f"flux-{told.name}",
        "URL": told.url,
        "Status": "Active",
        "Secret": told.token,
        "SSL/TLS": "do not skip certificate verification",
        "Events": _bitbucket_events(told.events, without="repo:push"),
    }
    return Instructions(
        steps=(
            Step(
                text="Bitbucket › the repository › Repository settings › Webhooks › Create webhook",
                fields=fields,
            ),
        ),
        rotated=Step(
            text="… › Webhooks › Edit", fields={key: fields[key] for key in ("URL", "Secret")}
        ),
        mind=(
            "Test connection is not signed: it is answered 400, and all is well.",
            "An event that the Receiver does not accept is answered 400.",
        ),
        documentation="https://confluence.atlassian.com/bitbucketserver/manage-webhooks-938025878.html",
    )


def _bitbucket_cloud(told: Told) -> Instructions:
    fields = {
        "Title": f"flux-{told.name}",
        "URL": told.url,
        "Secret": told.token,
        "Status": "Active",
        "SSL/TLS": "do not skip certificate verification",
        "Triggers": _bitbucket_events(told.events, without="repo:refs_changed"),
    }
    return Instructions(
        steps=(
            Step(
                text="Bitbucket › the repository › Repository settings › Webhooks › Add webhook",
                fields=fields,
            ),
        ),
        rotated=Step(
            text="… › Webhooks › Edit; both at once",
            fields={key: fields[key] for key in ("URL", "Secret")},
        ),
        mind=(
            "What was answered is not kept until … › Webhooks › View requests › Enable History "
            "is pressed.",
            "Payloads of more than 256 KB may not be sent.",
            "An event that the Receiver does not accept is answered 400.",
        ),
        documentation="https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/",
    )


_BITBUCKETS: Final = {
    "repo:push": "Repository: Push",
    "repo:refs_changed": "Repository: Push",
}


def _bitbucket_events(events: Iterable[str], *, without: str) -> str:
    """Return the events of one of the two, which name a push differently."""
    return ", ".join(
        f"{_BITBUCKETS[event]} ({event})" if event in _BITBUCKETS else event
        for event in events
        if event != without
    )


# Anything that can send a request

_CURL: Final = "curl --fail --silent --show-error --max-time 30 --retry 5"

_TO_FLUX: Final = f'{_CURL} --request POST "$FLUX_HOOK_URL"'

# The body is a matter of taste; a filter can look at it.
_SIGNED: Final = (
    'body=\'{"image":"app:1.2.3"}\'\n'
    'signature=$(printf %s "$body" | openssl dgst -sha256 -hmac "$FLUX_HOOK_TOKEN" -r '
    "| cut -d ' ' -f 1)\n"
    f"{_CURL} \\\n"
    "  --header 'Content-Type: application/json' "
    '--header "X-Signature: sha256=$signature" \\\n'
    '  --data "$body" "$FLUX_HOOK_URL"'
)

_GITHUBS_ISSUER: Final = "https://token.actions.githubusercontent.com"

_IN_VARIABLES: Final = "In the sender's own store of secrets, as variables of these names"

_ANY_ANSWER: Final = (
    "It fails where Flux does not answer 200: 400 is a wrong signature, token or event, 404 a "
    "path that no Receiver has."
)


def _curl(told: Told) -> Instructions:
    variables = {"FLUX_HOOK_URL": told.url}
    return Instructions(
        steps=(
            Step(text=_IN_VARIABLES, fields=variables),
            Step(text="Any request is a delivery, as this one", code=_TO_FLUX),
            Step(text="A service that has a field for a webhook's URL: paste it there"),
        ),
        rotated=Step(text="Change the variable, or the field", fields=variables),
        mind=(
            _NOBODY_SIGNS + " generic-hmac has the same sender sign, and harbor takes a token in "
            "the header Authorization.",
            "With a resource_filter, a body of JSON must be an object, as '{}': others are "
            "answered 500.",
            _ANY_ANSWER,
        ),
        documentation="https://fluxcd.io/flux/components/notification/receivers/#generic-receiver",
    )


def _signing_shell(told: Told) -> Instructions:
    variables = {"FLUX_HOOK_URL": told.url, "FLUX_HOOK_TOKEN": told.token}
    return Instructions(
        steps=(
            Step(text=_IN_VARIABLES, fields=variables),
            Step(text="Sign the body, byte for byte as it is sent", code=_SIGNED),
        ),
        rotated=Step(text="Change both variables at once", fields=variables),
        mind=(
            "A line break that is signed and not sent, or the other way round, is a wrong "
            "signature: printf %s, not echo.",
            _ANY_ANSWER,
        ),
        documentation="https://fluxcd.io/flux/components/notification/receivers/#generic-hmac-receiver",
    )


def _signing_github_actions(told: Told) -> Instructions:
    variables = {"FLUX_HOOK_URL": told.url, "FLUX_HOOK_TOKEN": told.token}
    return Instructions(
        steps=(
            _github_secrets(variables),
            Step(
                text="A job of the workflow that has something to tell, after those that make it",
                code=_github_job(_SIGNED, variables),
                language="yaml",
            ),
        ),
        rotated=_github_secrets(variables),
        mind=(
            "Between the two new secrets a run signs with one and calls the other: the old "
            "generation is kept for that time, and such a run fails and can be run again.",
            _ANY_ANSWER,
        ),
        documentation="https://docs.github.com/en/actions/security-for-github-actions/security-guides/using-secrets-in-github-actions",
    )


def _signing_gitlab_ci(told: Told) -> Instructions:
    variables = {"FLUX_HOOK_URL": told.url, "FLUX_HOOK_TOKEN": told.token}
    return Instructions(
        steps=(
            _gitlab_variables(variables),
            Step(
                text="A job in .gitlab-ci.yml, after those that have something to tell",
                code=_gitlab_job(_SIGNED, needs="curl openssl"),
                language="yaml",
            ),
        ),
        rotated=_gitlab_variables(variables),
        mind=(
            "Between the two new variables a job signs with one and calls the other: the old "
            "generation is kept for that time, and such a job fails and can be run again.",
            _ANY_ANSWER,
        ),
        documentation="https://docs.gitlab.com/ci/variables/",
    )


def _identified_github_actions(told: Told) -> Instructions:
    variables = {"FLUX_HOOK_URL": told.url}
    audience = told.audiences.get(_GITHUBS_ISSUER) or next(iter(told.audiences.values()), "")
    script = (
        f'token=$({_CURL} --header "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \\\n'
        f'  "$ACTIONS_ID_TOKEN_REQUEST_URL&audience={quote(audience, safe="")}" '
        "| jq --raw-output .value)\n"
        f"{_CURL} --request POST \\\n"
        '  --header "Authorization: Bearer $token" "$FLUX_HOOK_URL"'
    )
    return Instructions(
        steps=(
            _github_secrets(variables),
            Step(
                text="A job of the workflow that has something to tell, after those that make it",
                code=_github_job(script, variables, permissions={"id-token": "write"}),
                language="yaml",
            ),
        ),
        rotated=_github_secrets(variables),
        mind=(
            *_unless_believed(told, _GITHUBS_ISSUER),
            "Runs for pull requests from forks get no token.",
            _ANY_ANSWER + " Which validation was not true, only the controller's log says.",
        ),
        documentation="https://docs.github.com/en/actions/security-for-github-actions/security-hardening-your-deployments/about-security-hardening-with-openid-connect",
    )


def _identified_gitlab_ci(told: Told) -> Instructions:
    variables = {"FLUX_HOOK_URL": told.url}
    issuers = [issuer for issuer in told.audiences if issuer != _GITHUBS_ISSUER]
    audience = told.audiences[issuers[0]] if issuers else next(iter(told.audiences.values()), "")
    script = (
        f"{_CURL} --request POST \\\n"
        '  --header "Authorization: Bearer $FLUX_ID_TOKEN" "$FLUX_HOOK_URL"'
    )
    return Instructions(
        steps=(
            _gitlab_variables(variables),
            Step(
                text="A job in .gitlab-ci.yml, after those that have something to tell",
                code=_gitlab_job(script, needs="curl", audience=audience),
                language="yaml",
            ),
        ),
        rotated=_gitlab_variables(variables),
        mind=(
            *(() if issuers else _unless_believed(told, "https://gitlab.com")),
            "The issuer is GitLab's own address, without a slash at the end.",
            _ANY_ANSWER + " Which validation was not true, only the controller's log says.",
        ),
        documentation="https://docs.gitlab.com/ci/secrets/id_token_authentication/",
    )


def _cdevents(told: Told) -> Instructions:
    variables = {"FLUX_HOOK_URL": told.url}
    event = next(iter(told.events), "dev.cdevents.change.merged.0.2.0")
    return Instructions(
        steps=(
            Step(text=_IN_VARIABLES, fields=variables),
            Step(
                text="Post the event as JSON, with its type in a header besides; a CloudEvents "
                "client in binary mode sends the same",
                code=f"{_CURL} \\\n"
                "  --header 'Content-Type: application/json' --header 'Ce-Specversion: 1.0' \\\n"
                f"  --header 'Ce-Type: {event}' --header 'Ce-Source: /ci' "
                '--header "Ce-Id: $(date +%s)" \\\n'
                '  --data @event.json "$FLUX_HOOK_URL"',
            ),
        ),
        rotated=Step(text="Change the variable", fields=variables),
        mind=(
            _NOBODY_SIGNS,
            "Accepted are " + (", ".join(told.events) or "all types") + "; the version is part "
            "of the name.",
            "The body must be a whole event that is valid by the schema of its type and has "
            "context and subject; else it is answered 400. In structured mode, with the event in "
            "data, it is none.",
        ),
        documentation="https://fluxcd.io/flux/components/notification/receivers/#cdevents-receiver",
    )


def _unless_believed(told: Told, issuer: str) -> tuple[str, ...]:
    if issuer in told.audiences:
        return ()
    believed = ", ".join(told.audiences) or "none"
    return (
        f"The Receiver does not believe {issuer}, but {believed}: it needs an entry in "
        "oidc_providers first.",
    )


def _github_secrets(variables: Mapping[str, str]) -> Step:
    return Step(
        text="GitHub › the repository › Settings › Secrets and variables › Actions › New "
        "repository secret",
        fields=variables,
    )


def _gitlab_variables(variables: Mapping[str, str]) -> Step:
    return Step(
        text="GitLab › the project › Settings › CI/CD › Variables › Add variable, masked and "
        "protected",
        fields=variables,
    )


def _github_job(
    script: str, variables: Mapping[str, str], *, permissions: Mapping[str, str] | None = None
) -> str:
    granted = [f"      {name}: {right}" for name, right in (permissions or {}).items()]
    return "\n".join(
        [
            "jobs:",
            "  flux:",
            "    runs-on: ubuntu-latest",
            *(["    permissions:", *granted] if granted else ["    permissions: {}"]),
            "    steps:",
            "      - name: Tell Flux",
            "        env:",
            *(f"          {name}: ${{{{ secrets.{name} }}}}" for name in variables),
            "        run: |",
            *(f"          {line}" for line in script.splitlines()),
        ]
    )


def _gitlab_job(script: str, *, needs: str, audience: str = "") -> str:
    identity = (
        ["  id_tokens:", "    FLUX_ID_TOKEN:", f"      aud: {json.dumps(audience)}"]
        if audience
        else []
    )
    return "\n".join(
        [
            "flux:",
            "  stage: deploy",
            "  image: alpine",
            "  rules:",
            "    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH",
            *identity,
            "  before_script:",
            f"    - apk add --no-cache {needs}",
            "  script:",
            "    - |",
            *(f"      {line}" for line in script.splitlines()),
        ]
    )


_SENDERS: Final[Mapping[ReceiverType, tuple[Sender, ...]]] = {
    ReceiverType.ACR: (
        Sender(name="acr", title="Azure Container Registry", told=_azure_container_registry),
    ),
    ReceiverType.BITBUCKET: (
        Sender(name="cloud", title="Bitbucket Cloud", told=_bitbucket_cloud),
        Sender(name="data-center", title="Bitbucket Data Center", told=_bitbucket_data_center),
    ),
    ReceiverType.CDEVENTS: (Sender(name="curl", title="Whoever sends CDEvents", told=_cdevents),),
    ReceiverType.DOCKERHUB: (Sender(name="docker-hub", title="Docker Hub", told=_docker_hub),),
    ReceiverType.GCR: (
        Sender(
            name="artifact-registry",
            title="Google Artifact Registry",
            told=_google_artifact_registry,
        ),
    ),
    ReceiverType.GENERIC: (
        Sender(name="curl", title="Anything that can send a request", told=_curl),
    ),
    ReceiverType.GENERIC_HMAC: (
        Sender(name="shell", title="Anything that can sign a body", told=_signing_shell),
        Sender(name="github-actions", title="GitHub Actions", told=_signing_github_actions),
        Sender(name="gitlab-ci", title="GitLab CI", told=_signing_gitlab_ci),
    ),
    ReceiverType.GENERIC_OIDC: (
        Sender(name="github-actions", title="GitHub Actions", told=_identified_github_actions),
        Sender(name="gitlab-ci", title="GitLab CI", told=_identified_gitlab_ci),
    ),
    ReceiverType.GITHUB: (
        Sender(name="gitea", title="Gitea and Forgejo", told=_gitea),
        Sender(name="github", title="GitHub", told=_github),
    ),
    ReceiverType.GITLAB: (Sender(name="gitlab", title="GitLab", told=_gitlab),),
    ReceiverType.HARBOR: (
        Sender(name="harbor", title="Harbor", told=_harbor),
        Sender(name="azure-devops", title="Azure DevOps", told=_azure_devops),
    ),
    ReceiverType.NEXUS: (Sender(name="nexus", title="Sonatype Nexus", told=_nexus),),
    ReceiverType.QUAY: (Sender(name="quay", title="Quay", told=_quay),),
}
