"""The thirty-two values of a Provider's ``spec.type``, and what is true of each.

The one list of types: arguments, checks, defaults, documentation and tests derive from it.
Source: the Provider's definition (``config/crd/bases``), notification-controller
``internal/notifier/factory.go`` and the notifiers beside it, ``internal/server/
event_handlers.go`` and ``provider_*.go`` at v1.9. Where ``docs/spec/v1beta3/providers.md`` says
otherwise, the code is what runs: a certificate for Discord, for one, is read by nobody.
"""

import re
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final


class AlertProviderType(StrEnum):
    """``spec.type`` of a Flux Provider."""

    ALERTMANAGER = "alertmanager"
    AZUREDEVOPS = "azuredevops"
    AZUREEVENTHUB = "azureeventhub"
    BITBUCKET = "bitbucket"
    BITBUCKETSERVER = "bitbucketserver"
    DATADOG = "datadog"
    DISCORD = "discord"
    GENERIC = "generic"
    GENERIC_HMAC = "generic-hmac"
    GITEA = "gitea"
    GITEA_PULL_REQUEST_COMMENT = "giteapullrequestcomment"
    GITHUB = "github"
    GITHUB_DISPATCH = "githubdispatch"
    GITHUB_PULL_REQUEST_COMMENT = "githubpullrequestcomment"
    GITLAB = "gitlab"
    GITLAB_MERGE_REQUEST_COMMENT = "gitlabmergerequestcomment"
    GOOGLECHAT = "googlechat"
    GOOGLEPUBSUB = "googlepubsub"
    GRAFANA = "grafana"
    LARK = "lark"
    MATRIX = "matrix"
    MSTEAMS = "msteams"
    NATS = "nats"
    OPSGENIE = "opsgenie"
    OTEL = "otel"
    PAGERDUTY = "pagerduty"
    ROCKET = "rocket"
    SENTRY = "sentry"
    SLACK = "slack"
    TELEGRAM = "telegram"
    WEBEX = "webex"
    ZULIP = "zulip"


class AlertSeverity(StrEnum):
    """``spec.eventSeverity`` of a Flux Alert."""

    ERROR = "error"
    """Failures only."""

    INFO = "info"
    """Everything, failures too."""


class Purpose(Enum):
    """What becomes of an event there, which says how much of them is wanted."""

    PEOPLE = "somebody reads it"
    RECORD = "it is kept, drawn or acted on by a program"
    COMMIT_STATUS = "it marks the commit that was applied"
    CHANGE_REQUEST = "it is a comment on the pull or merge request that was applied"


class Address(Enum):
    """What a Provider's address is.

    A member's second value says whether whoever knows the address may send: such addresses are
    secret and are kept in the Secret, where the controller looks first.
    """

    URL = ("a URL", True)
    REPOSITORY = ("the repository's web address", False)
    NAME = ("a name", True)
    NONE = ("nothing; the controller knows it", False)

    @property
    def secret(self) -> bool:
        return self.value[1]


class Credential(Enum):
    """How the controller shows who it is: the keys of the Secret."""

    TOKEN = ("token",)
    BASIC = ("username", "password")
    GITHUB_APP = ("github_app",)
    NATS_CREDENTIALS = ("creds",)
    NATS_KEY = ("nkey",)


class Channel(Enum):
    """Whether a Provider has a channel."""

    NONE = "no channel"
    OPTIONAL = "a channel"
    NEEDED = "needs a channel"


@dataclass(frozen=True, kw_only=True)
class ProviderFacts:
    """What is true of every Provider of one type.

    Attributes:
        to: where it sends, for documentation.
        purpose: what becomes of an event there.
        address: what its address is.
        repository: of an address that is a repository's: the path that the controller can take
            apart.
        credentials: what the controller can show there; one of them at most is of use.
        needs_credential: whether it sends nothing without one.
        channel: whether ``spec.channel`` is read.
        channel_is_secret: whether whoever knows the channel may send.
        username: whether ``spec.username``, under which it posts, is read.
        headers: whether the Secret's ``headers`` are sent.
        certificate: whether ``spec.certSecretRef`` is read.
        proxy: whether ``spec.proxySecretRef`` is read.
        service_account: whether ``spec.serviceAccountName`` is read.
        severity: the least severity that is sent when none is given.
        example: a good address.
        channel_example: a good channel, where it has one.
    """

    to: str
    purpose: Purpose = Purpose.PEOPLE
    address: Address = Address.URL
    repository: re.Pattern[str] | None = None
    credentials: tuple[Credential, ...] = ()
    needs_credential: bool = False
    channel: Channel = Channel.NONE
    channel_is_secret: bool = False
    username: bool = False
    headers: bool = False
    certificate: bool = False
    proxy: bool = False
    service_account: bool = False
    severity: AlertSeverity = AlertSeverity.ERROR
    example: str = ""
    channel_example: str = ""


_OWNER_AND_NAME: Final = re.compile(r"/[^/]+/[^/]+?(\.git)?")
_GITLAB_PROJECT: Final = re.compile(r"/([0-9]+|[^/]+(/[^/]+)+?)(\.git)?")


def _repository(
    to: str,
    purpose: Purpose,
    *,
    path: re.Pattern[str] = _OWNER_AND_NAME,
    credentials: tuple[Credential, ...] = (Credential.TOKEN,),
    needs_credential: bool = True,
    proxy: bool = False,
    service_account: bool = False,
    example: str,
) -> ProviderFacts:
    return ProviderFacts(
        to=to,
        purpose=purpose,
        address=Address.REPOSITORY,
        repository=path,
        credentials=credentials,
        needs_credential=needs_credential,
        certificate=True,
        proxy=proxy,
        service_account=service_account,
        # A commit or request that was applied well is to be told of too.
        severity=AlertSeverity.INFO,
        example=example,
    )


_ON_GITHUB: Final = "https://github.com/acme/app"
_ON_GITEA: Final = "https://gitea.example.com/acme/app"
_ON_GITLAB: Final = "https://gitlab.com/acme/app"
_APP_OR_TOKEN: Final = (Credential.TOKEN, Credential.GITHUB_APP)
_TOKEN_OR_BASIC: Final = (Credential.TOKEN, Credential.BASIC)

ALERT_PROVIDERS: Final[dict[AlertProviderType, ProviderFacts]] = {
    AlertProviderType.ALERTMANAGER: ProviderFacts(
        to="Prometheus Alertmanager",
        credentials=_TOKEN_OR_BASIC,
        certificate=True,
        proxy=True,
        example="https://alertmanager.example.com/api/v2/alerts/",
    ),
    AlertProviderType.AZUREDEVOPS: _repository(
        "Azure DevOps, as a commit's status",
        Purpose.COMMIT_STATUS,
        path=re.compile(r"/[^/]+/[^/]+/_git/[^/]+"),
        needs_credential=False,
        proxy=True,
        service_account=True,
        example="https://dev.azure.com/acme/project/_git/app",
    ),
    AlertProviderType.AZUREEVENTHUB: ProviderFacts(
        to="Azure Event Hubs",
        purpose=Purpose.RECORD,
        # A connection string, or the event hub's name beside its namespace as the channel.
        address=Address.NAME,
        credentials=(Credential.TOKEN,),
        channel=Channel.OPTIONAL,
        proxy=True,
        service_account=True,
        severity=AlertSeverity.INFO,
        example="flux-events",
        channel_example="acme-events",
    ),
    AlertProviderType.BITBUCKET: _repository(
        "Bitbucket Cloud, as a commit's status",
        Purpose.COMMIT_STATUS,
        example="https://bitbucket.org/acme/app",
    ),
    AlertProviderType.BITBUCKETSERVER: _repository(
        "Bitbucket Server and Data Center, as a commit's status",
        Purpose.COMMIT_STATUS,
        path=re.compile(r"(/[^/]+)*/scm/[^/]+/[^/]+?(\.git)?"),
        credentials=_TOKEN_OR_BASIC,
        example="https://bitbucket.example.com/scm/acme/app.git",
    ),
    AlertProviderType.DATADOG: ProviderFacts(
        to="Datadog events",
        credentials=(Credential.TOKEN,),
        needs_credential=True,
        certificate=True,
        proxy=True,
        example="https://api.datadoghq.com",
    ),
    AlertProviderType.DISCORD: ProviderFacts(
        to="Discord",
        channel=Channel.OPTIONAL,
        username=True,
        proxy=True,
        example="https://discord.com/api/webhooks/...",
        channel_example="flux",
    ),
    AlertProviderType.GENERIC: ProviderFacts(
        to="any server, as JSON",
        headers=True,
        certificate=True,
        proxy=True,
        example="https://alerts.example.com/flux",
    ),
    AlertProviderType.GENERIC_HMAC: ProviderFacts(
        to="any server, as signed JSON",
        credentials=(Credential.TOKEN,),
        needs_credential=True,
        headers=True,
        certificate=True,
        proxy=True,
        example="https://alerts.example.com/flux",
    ),
    AlertProviderType.GITEA: _repository(
        "Gitea, as a commit's status", Purpose.COMMIT_STATUS, proxy=True, example=_ON_GITEA
    ),
    AlertProviderType.GITEA_PULL_REQUEST_COMMENT: _repository(
        "Gitea, as a pull request's comment",
        Purpose.CHANGE_REQUEST,
        proxy=True,
        example=_ON_GITEA,
    ),
    AlertProviderType.GITHUB: _repository(
        "GitHub, as a commit's status",
        Purpose.COMMIT_STATUS,
        credentials=_APP_OR_TOKEN,
        proxy=True,
        example=_ON_GITHUB,
    ),
    AlertProviderType.GITHUB_DISPATCH: _repository(
        "GitHub, to start workflows",
        Purpose.RECORD,
        credentials=_APP_OR_TOKEN,
        proxy=True,
        example=_ON_GITHUB,
    ),
    AlertProviderType.GITHUB_PULL_REQUEST_COMMENT: _repository(
        "GitHub, as a pull request's comment",
        Purpose.CHANGE_REQUEST,
        credentials=_APP_OR_TOKEN,
        proxy=True,
        example=_ON_GITHUB,
    ),
    AlertProviderType.GITLAB: _repository(
        "GitLab, as a commit's status",
        Purpose.COMMIT_STATUS,
        path=_GITLAB_PROJECT,
        example=_ON_GITLAB,
    ),
    AlertProviderType.GITLAB_MERGE_REQUEST_COMMENT: _repository(
        "GitLab, as a merge request's comment",
        Purpose.CHANGE_REQUEST,
        path=_GITLAB_PROJECT,
        example=_ON_GITLAB,
    ),
    AlertProviderType.GOOGLECHAT: ProviderFacts(
        to="Google Chat", proxy=True, example="https://chat.googleapis.com/v1/spaces/..."
    ),
    AlertProviderType.GOOGLEPUBSUB: ProviderFacts(
        to="Google Pub/Sub",
        purpose=Purpose.RECORD,
        address=Address.NAME,
        credentials=(Credential.TOKEN,),
        channel=Channel.NEEDED,
        # As a message's attributes.
        headers=True,
        proxy=True,
        service_account=True,
        severity=AlertSeverity.INFO,
        example="acme-project",
        channel_example="flux-events",
    ),
    AlertProviderType.GRAFANA: ProviderFacts(
        to="Grafana annotations",
        purpose=Purpose.RECORD,
        credentials=_TOKEN_OR_BASIC,
        certificate=True,
        proxy=True,
        severity=AlertSeverity.INFO,
        example="https://grafana.example.com/api/annotations",
    ),
    AlertProviderType.LARK: ProviderFacts(
        to="Lark", example="https://open.larksuite.com/open-apis/bot/v2/hook/..."
    ),
    AlertProviderType.MATRIX: ProviderFacts(
        to="Matrix",
        credentials=(Credential.TOKEN,),
        needs_credential=True,
        channel=Channel.NEEDED,
        certificate=True,
        example="https://matrix.org",
        channel_example="!jezptmDwEeLapMLjOc:matrix.org",
    ),
    AlertProviderType.MSTEAMS: ProviderFacts(
        to="Microsoft Teams",
        certificate=True,
        proxy=True,
        example="https://prod-01.westeurope.logic.azure.com:443/workflows/...",
    ),
    AlertProviderType.NATS: ProviderFacts(
        to="NATS",
        purpose=Purpose.RECORD,
        credentials=(Credential.BASIC, Credential.NATS_CREDENTIALS, Credential.NATS_KEY),
        channel=Channel.NEEDED,
        severity=AlertSeverity.INFO,
        example="nats://nats.example.com:4222",
        channel_example="flux.events",
    ),
    AlertProviderType.OPSGENIE: ProviderFacts(
        to="Opsgenie",
        credentials=(Credential.TOKEN,),
        needs_credential=True,
        certificate=True,
        proxy=True,
        example="https://api.opsgenie.com/v2/alerts",
    ),
    AlertProviderType.OTEL: ProviderFacts(
        to="an OpenTelemetry collector, as traces",
        purpose=Purpose.RECORD,
        # It reads a token only where there are headers, and then one of them says the same.
        headers=True,
        certificate=True,
        proxy=True,
        severity=AlertSeverity.INFO,
        example="https://otel.example.com/v1/traces",
    ),
    AlertProviderType.PAGERDUTY: ProviderFacts(
        to="PagerDuty",
        channel=Channel.NEEDED,
        # The integration's key.
        channel_is_secret=True,
        certificate=True,
        proxy=True,
        # What is well again resolves the incident; what is well only marks the timeline.
        severity=AlertSeverity.INFO,
        example="https://events.pagerduty.com",
        channel_example="the integration's key",
    ),
    AlertProviderType.ROCKET: ProviderFacts(
        to="Rocket.Chat",
        channel=Channel.OPTIONAL,
        username=True,
        certificate=True,
        proxy=True,
        example="https://rocket.example.com/hooks/...",
        channel_example="#flux",
    ),
    AlertProviderType.SENTRY: ProviderFacts(
        to="Sentry",
        # The environment.
        channel=Channel.OPTIONAL,
        certificate=True,
        example="https://key@sentry.io/12341234",
        channel_example="production",
    ),
    AlertProviderType.SLACK: ProviderFacts(
        to="Slack",
        credentials=(Credential.TOKEN,),
        channel=Channel.OPTIONAL,
        username=True,
        certificate=True,
        proxy=True,
        example="https://slack.com/api/chat.postMessage",
        channel_example="flux",
    ),
    AlertProviderType.TELEGRAM: ProviderFacts(
        to="Telegram",
        address=Address.NONE,
        credentials=(Credential.TOKEN,),
        needs_credential=True,
        channel=Channel.NEEDED,
        proxy=True,
        channel_example="@fluxcd",
    ),
    AlertProviderType.WEBEX: ProviderFacts(
        to="Webex",
        credentials=(Credential.TOKEN,),
        needs_credential=True,
        channel=Channel.NEEDED,
        certificate=True,
        proxy=True,
        example="https://webexapis.com/v1/messages",
        channel_example="the room's ID",
    ),
    AlertProviderType.ZULIP: ProviderFacts(
        to="Zulip",
        credentials=(Credential.BASIC,),
        needs_credential=True,
        channel=Channel.NEEDED,
        certificate=True,
        proxy=True,
        example="https://acme.zulipchat.com",
        channel_example="flux/alerts",
    ),
}
