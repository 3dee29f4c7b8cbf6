"""Every bad argument is told of early, by name, with its value and the cure."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhooks import ArgumentError, ReceiverType, WebhookReceiver
from fluxhooks.components.checks import applier_warnings, check_args
from fluxhooks.components.token_source import TokenSource
from fluxhooks.flux import targets
from fluxhooks.flux.receiver_types import RECEIVER_TYPES
from tests.unit.program import Later, args, program
from tests.unit.recording_engine import RecordingEngine

_KNOWN = (
    "drain, events, gcr, generation, gitea, github, gitlab, host, interval, namespace, "
    "oidc_providers, resource_filter, resources, retained, schedule, token, token_from, "
    "token_secret, token_to, type, verify, verify_timeout"
)
_SOURCES = "Bucket, GitRepository, HelmChart, HelmRepository, ImageRepository, OCIRepository"
_TYPES = (
    "acr, bitbucket, cdevents, dockerhub, gcr, generic, generic-hmac, generic-oidc, github, "
    "gitlab, harbor, nexus, quay"
)
_HOST = "is not a host such as 'flux.example.com' or 'flux.example.com:8443'"
_NAME = (
    "cannot name Kubernetes objects; use at most 50 lower-case letters, digits and '-', with a "
    "letter or digit at both ends"
)
_OUTPUT = "is an Output; it must be known when the program runs"


_GITEA = {"url": "https://gitea.example.com", "owner": "acme", "repository": "app"}
_AT_GITEA: dict[str, Any] = {"github": None, "gitea": _GITEA}
_AT_GITLAB: dict[str, Any] = {"github": None, "gitlab": {"project": "acme/app"}}


def _ref(**changes: Any) -> list[dict[str, Any]]:
    return [{"kind": "GitRepository", "name": "app", **changes}]


# What may also be hidden in an Output.
_BAD_VALUES = [
    # host
    pytest.param(
        {"host": "https://flux.example.com"},
        "host: 'https://flux.example.com' has a scheme; give the bare host, as in "
        "'flux.example.com' (https is always used)",
        id="host with a scheme",
    ),
    pytest.param(
        {"host": "flux.example.com/hook"},
        "host: 'flux.example.com/hook' has a path; give the bare host: Flux serves exactly "
        "/hook/<digest>, no prefix",
        id="host with a path",
    ),
    pytest.param({"host": ""}, f"host: '' {_HOST}", id="empty host"),
    pytest.param({"host": "a b"}, f"host: 'a b' {_HOST}", id="host with a space"),
    pytest.param({"host": "flux_1.io"}, f"host: 'flux_1.io' {_HOST}", id="host with a _"),
    pytest.param({"host": "-a.io"}, f"host: '-a.io' {_HOST}", id="host that begins with a -"),
    pytest.param({"host": "a..io"}, f"host: 'a..io' {_HOST}", id="host with an empty label"),
    pytest.param({"host": "a.io:"}, f"host: 'a.io:' {_HOST}", id="host with half a port"),
    pytest.param({"host": "a.io\n"}, f"host: 'a.io\\n' {_HOST}", id="host with a line break"),
    pytest.param({"host": "ſ.io"}, f"host: 'ſ.io' {_HOST}", id="host with a letter like s"),
    pytest.param({"host": "a" * 260}, f"host: {'a' * 260!r} {_HOST}", id="host too long"),
    pytest.param({"host": 5}, f"host: 5 {_HOST}", id="host that is a number"),
    # github
    pytest.param(
        {"github": {"repository": "acme/app"}},
        "github.repository: 'acme/app' names an owner; give the bare name 'app' and set the owner "
        "on the provider: pulumi config set github:owner acme",
        id="repository with its owner",
    ),
    pytest.param(
        {"github": {"repository": "https://github.com/acme/app/"}},
        "github.repository: 'https://github.com/acme/app/' names an owner; give the bare name "
        "'app' and set the owner on the provider: pulumi config set github:owner acme",
        id="repository's URL",
    ),
    pytest.param(
        {"github": {"repository": "my app"}},
        "github.repository: 'my app' is not a repository's name",
        id="repository with a space",
    ),
    pytest.param(
        {"github": {"repository": 7}},
        "github.repository: 7 is not a repository's name",
        id="repository that is a number",
    ),
    # namespace
    pytest.param(
        {"namespace": "Flux"},
        "namespace: 'Flux' is not a Kubernetes name; use lower-case letters, digits and '-'",
        id="namespace in capitals",
    ),
    pytest.param(
        {"namespace": "a" * 64},
        f"namespace: {'a' * 64!r} is not a Kubernetes name; use lower-case letters, digits and '-'",
        id="namespace too long",
    ),
    # resources
    pytest.param(
        {"resources": []},
        'resources: [] names no target; give [{"kind": "GitRepository", "name": "app"}]',
        id="no resources",
    ),
    pytest.param(
        {"resources": {"kind": "GitRepository", "name": "app"}},
        "resources: {'kind': 'GitRepository', 'name': 'app'} names no target; give "
        '[{"kind": "GitRepository", "name": "app"}]',
        id="one resource instead of a list",
    ),
    pytest.param(
        {"resources": ["app"]},
        'resources[0]: \'app\' is not a mapping such as {"kind": …, "name": …}',
        id="resource that is a text",
    ),
    pytest.param(
        {"resources": [*_ref(), *_ref(kind="GitRepo")]},
        "resources[1].kind: 'GitRepo' is not a kind a Receiver can name, did you mean "
        f"'GitRepository'?; sources are {_SOURCES}",
        id="kind misspelled, in the second",
    ),
    pytest.param(
        {"resources": [{"name": "app"}]},
        f"resources[0].kind: None is not a kind a Receiver can name; sources are {_SOURCES}",
        id="no kind",
    ),
    pytest.param(
        {"resources": _ref(kind=["GitRepository"])},
        "resources[0].kind: ['GitRepository'] is not a kind a Receiver can name, did you mean "
        f"'GitRepository'?; sources are {_SOURCES}",
        id="kind that is a list",
    ),
    pytest.param(
        {"resources": [{"kind": "GitRepository"}]},
        "resources[0].name: None is not a Kubernetes name",
        id="no name",
    ),
    pytest.param(
        {"resources": _ref(name="My App")},
        "resources[0].name: 'My App' is not a Kubernetes name",
        id="name that is none",
    ),
    pytest.param(
        {"resources": _ref(name="*")},
        "resources[0].name: '*' needs match_labels: Flux answers 500 without them; name labels or "
        "one object",
        id="star without labels",
    ),
    pytest.param(
        {"resources": _ref(match_labels={"a": "b"})},
        "resources[0].match_labels: is ignored with the name 'app'; use the name '*'",
        id="labels with a name",
    ),
    pytest.param(
        {"resources": _ref(name="*", match_labels=["a"])},
        'resources[0].match_labels: [\'a\'] is not a mapping of texts such as {"team": "a"}',
        id="labels that are a list",
    ),
    pytest.param(
        {"resources": _ref(name="*", match_labels={"a": 1})},
        'resources[0].match_labels: {\'a\': 1} is not a mapping of texts such as {"team": "a"}',
        id="label that is a number",
    ),
    pytest.param(
        {"resources": _ref(namespace="Apps")},
        "resources[0].namespace: 'Apps' is not a Kubernetes name; use lower-case letters, digits "
        "and '-'",
        id="target's namespace in capitals",
    ),
    pytest.param(
        {"resources": _ref(api_version="GitRepository")},
        "resources[0].api_version: 'GitRepository' is not an apiVersion such as 'g/v1'",
        id="apiVersion that is none",
    ),
    pytest.param(
        {"resources": _ref(lables={})},
        "resources[0].lables: is not an argument; known are api_version, filter, kind, "
        "match_labels, name, namespace",
        id="unknown key of a resource",
    ),
    pytest.param(
        {"resources": _ref(filter=" ")},
        "resources[0].filter: ' ' is not a CEL expression",
        id="empty filter of a resource",
    ),
    pytest.param(
        {"resources": _ref(filter="req.ref ==")},
        "resources[0].filter: 'req.ref ==' is no valid CEL at column 11: mismatched input the end",
        id="filter of a resource that is no CEL",
    ),
    # events
    pytest.param(
        {"events": []}, "events: [] is not a list of events such as ['push']", id="no events"
    ),
    pytest.param(
        {"events": "push"},
        "events: 'push' is not a list of events such as ['push']",
        id="events that are a text",
    ),
    pytest.param(
        {"events": ["push", "pushes"]},
        "events[1]: 'pushes' is not an event of GitHub, did you mean 'push'?",
        id="event misspelled",
    ),
    pytest.param(
        {"events": ["release.published"]},
        "events[0]: 'release.published' is not an event of GitHub; events have no action here, "
        "give 'release' and filter on req.action",
        id="event with its action",
    ),
    pytest.param(
        {"events": ["*"]}, "events[0]: '*' is not an event of GitHub", id="all events at once"
    ),
    pytest.param(
        {"events": [["push"]]},
        "events[0]: ['push'] is not an event of GitHub, did you mean 'push'?",
        id="event that is a list",
    ),
    pytest.param(
        {"events": ["ping"]},
        "events: ['ping'] tells of no change; name one such as 'push'",
        id="the ping alone",
    ),
    pytest.param(
        {"resources": [{"kind": "Bucket", "name": "b"}, {"kind": "Kustomization", "name": "k"}]},
        "events: is missing, and no event of github tells of a change in Bucket, Kustomization; "
        "name the events that should reconcile them",
        id="no event tells of the targets",
    ),
    # others
    pytest.param(
        {"interval": "10"},
        "interval: '10' is not a duration such as '30s', '1m30s' or '2h'",
        id="interval without a unit",
    ),
    pytest.param({"interval": 10}, "interval: 10 is not a text", id="interval that is a number"),
    pytest.param(
        {"resource_filter": "  "},
        "resource_filter: '  ' is not a CEL expression",
        id="empty filter",
    ),
    pytest.param(
        {"resource_filter": True},
        "resource_filter: True is not a CEL expression",
        id="filter that is no text",
    ),
    pytest.param(
        {"resource_filter": "claims.sub == 'ci'"},
        "resource_filter: \"claims.sub == 'ci'\" has nothing to read named 'claims'; it may read "
        "req, res",
        id="filter of an identity that there is not",
    ),
]

_ISSUER: dict[str, Any] = {
    "issuer_url": "https://token.example.com",
    "validations": [{"expression": "claims.sub == 'ci'", "message": "not the CI"}],
}


def _oidc(**changes: Any) -> dict[str, Any]:
    issuer = {key: item for key, item in {**_ISSUER, **changes}.items() if item is not None}
    return {"github": None, "type": "generic-oidc", "oidc_providers": [issuer]}


# What must be plain.
_BAD_PLAIN_VALUES = [
    pytest.param(
        {"hosts": "flux.example.com"},
        f"hosts: is not an argument, did you mean 'host'?; known are {_KNOWN}",
        id="misspelled argument",
    ),
    pytest.param(
        {"verifyTimeout": "5s"},
        f"verifyTimeout: is not an argument, did you mean 'verify_timeout'?; known are {_KNOWN}",
        id="another language's spelling",
    ),
    pytest.param(
        {"host": None},
        'host: is missing; give the public host of webhook-receiver, such as "flux.example.com"',
        id="no host",
    ),
    pytest.param(
        {"github": None},
        'github: is missing; give {"repository": "app"}, or gitlab {"project": "acme/app"}, or '
        'gitea {"url": "https://gitea.example.com", "owner": "acme", "repository": "app"}, or the '
        "type of a sender that is given the URL by hand",
        id="no sender",
    ),
    pytest.param(
        {"gitlab": {"project": "acme/app"}},
        "gitlab: is given beside github; give one, and declare a second WebhookReceiver",
        id="two senders",
    ),
    pytest.param(
        {"gitea": {"url": "https://a.test", "organization": "acme"}},
        "gitea: is given beside github; give one, and declare a second WebhookReceiver",
        id="GitHub and Gitea",
    ),
    pytest.param(
        {"resources": None},
        'resources: is missing; give [{"kind": "GitRepository", "name": "app"}]',
        id="resources missing",
    ),
    pytest.param(
        {"github": "app"},
        'github: \'app\' is not a mapping; give {"repository": "app"}',
        id="github that is a text",
    ),
    pytest.param(
        {"github": {}},
        "github: names neither repository nor organization; give one of them, as in "
        '{"repository": "app"}',
        id="neither repository nor organisation",
    ),
    pytest.param(
        {"github": {"repository": "app", "organization": "acme"}},
        'github: names organization and repository; give one of them, as in {"repository": "app"}',
        id="repository and organisation",
    ),
    pytest.param(
        {"github": {"organization": "acme/app"}},
        "github.organization: 'acme/app' is not an organisation's name, such as 'acme'",
        id="organisation with a repository",
    ),
    pytest.param(
        {"github": {"repository": "app", "owner": "acme"}},
        "github.owner: is not an argument; known are organization, repository",
        id="owner as an argument",
    ),
    pytest.param(
        {"type": "githb"},
        f"type: 'githb' is not a receiver type, did you mean 'github'?; Flux has {_TYPES}",
        id="type misspelled",
    ),
    pytest.param(
        {"type": ReceiverType.CDEVENTS, "github": None},
        "events: is missing, and no event of cdevents tells of a change in GitRepository; name "
        "the events that should reconcile them",
        id="a type without an event by default",
    ),
    # gcr and generic-oidc
    pytest.param(
        {"type": "gcr", "github": None},
        "gcr: is missing, and the type gcr needs it; give "
        '{"email": "push@project.iam.gserviceaccount.com", "audience": "flux"}',
        id="gcr without whom it believes",
    ),
    pytest.param(
        {"gcr": {"email": "a@b", "audience": "flux"}},
        "gcr: is for the type gcr only, and this is github; remove it",
        id="gcr of another type",
    ),
    pytest.param(
        {"type": "gcr", "github": None, "gcr": {"email": "a@b"}},
        "gcr.audience: is missing; give "
        '{"email": "push@project.iam.gserviceaccount.com", "audience": "flux"}',
        id="gcr without an audience",
    ),
    pytest.param(
        {"type": "gcr", "github": None, "gcr": {"email": "push", "audience": "flux"}},
        "gcr.email: 'push' is no service account's e-mail, as in "
        "'push@project.iam.gserviceaccount.com'",
        id="gcr with a name for an e-mail",
    ),
    pytest.param(
        {"type": "generic-oidc", "github": None},
        "oidc_providers: is missing, and the type generic-oidc needs it; give "
        '[{"issuer_url": "https://token.actions.githubusercontent.com", "validations": '
        '[{"expression": "claims.repository_owner == \'acme\'", "message": "not ours"}]}]',
        id="generic-oidc without an issuer",
    ),
    pytest.param(
        _oidc(validations=None),
        "oidc_providers[0].validations: is missing, and Flux needs it",
        id="an issuer whose tokens everybody has",
    ),
    pytest.param(
        _oidc(validations=[]),
        "oidc_providers[0].validations: [] is no list with something in it",
        id="no validation",
    ),
    pytest.param(
        _oidc(validations=[{"expression": " ", "message": "m"}]),
        "oidc_providers[0].validations[0].expression: ' ' is empty, and Flux refuses that",
        id="an empty validation",
    ),
    pytest.param(
        _oidc(validations=[{"expression": "claims.admin", "message": "m"}]),
        "oidc_providers[0].validations[0].expression: 'claims.admin' may give anything, and must "
        "give true or false, as … == true does",
        id="a validation that may be neither true nor false",
    ),
    pytest.param(
        _oidc(variables=[{"name": "a", "expression": "req.ref"}]),
        "oidc_providers[0].variables[0].expression: 'req.ref' has nothing to read named 'req'; it "
        "may read claims, vars",
        id="a variable of the delivery",
    ),
    pytest.param(
        _oidc(issuer_url="token.example.com"),
        "oidc_providers[0].issuer_url: 'token.example.com' is not an issuer's URL, as in "
        "'https://token.actions.githubusercontent.com'",
        id="an issuer without a scheme",
    ),
    pytest.param(
        {**_oidc(), "oidc_providers": [_ISSUER, _ISSUER]},
        "oidc_providers[1].issuer_url: 'https://token.example.com' is there twice; put all its "
        "validations into one",
        id="an issuer twice",
    ),
    pytest.param(
        {"type": ReceiverType.GITLAB},
        "type: 'gitlab' is not what github sends to; remove it, or remove github and give the URL "
        "to the sender by hand",
        id="another forge's type",
    ),
    pytest.param(
        {**_AT_GITLAB, "type": "github"},
        "type: 'github' is not what gitlab sends to; remove it, or remove gitlab and give the URL "
        "to the sender by hand",
        id="type of another forge than GitLab",
    ),
    pytest.param(
        {**_AT_GITEA, "type": "gitlab"},
        "type: 'gitlab' is not what gitea sends to; remove it, or remove gitea and give the URL "
        "to the sender by hand",
        id="type of another forge than Gitea",
    ),
    # gitea
    pytest.param(
        {"github": None, "gitea": "acme/app"}, "gitea: 'acme/app' is not a mapping", id="gitea"
    ),
    *(
        pytest.param(
            {"github": None, "gitea": {"url": "https://a.test", **at}},
            f"gitea: names {names}; give owner and repository, or organization alone, as in "
            '{"url": "https://gitea.example.com", "owner": "acme", "repository": "app"}',
            id=names,
        )
        for at, names in (
            ({}, "no repository"),
            ({"repository": "app"}, "repository"),
            ({"owner": "acme"}, "owner"),
            ({"organization": "acme", "repository": "app"}, "organization and repository"),
        )
    ),
    pytest.param(
        {"github": None, "gitea": {"organization": "acme"}},
        'gitea.url: is missing, as in {"url": "https://gitea.example.com", "owner": "acme", '
        '"repository": "app"}',
        id="no server",
    ),
    pytest.param(
        {"github": None, "gitea": {**_GITEA, "branch": "main"}},
        "gitea.branch: is not an argument, did you mean 'branch_filter'?; known are "
        "branch_filter, organization, owner, repository, url",
        id="unknown key of gitea",
    ),
    pytest.param(
        {"github": None, "gitea": {**_GITEA, "url": "gitea.example.com"}},
        "gitea.url: 'gitea.example.com' is not a server's address, such as "
        "'https://gitea.example.com'",
        id="server without a scheme",
    ),
    pytest.param(
        {"github": None, "gitea": {**_GITEA, "url": "https://user:password@a.test"}},
        "gitea.url: 'https://user:password@a.test' is not a server's address, such as "
        "'https://gitea.example.com'",
        id="server with a password",
    ),
    pytest.param(
        {"github": None, "gitea": {**_GITEA, "url": "https://a.test/api/v1"}},
        "gitea.url: 'https://a.test/api/v1' is that of its API; give the server's address as "
        "people open it",
        id="server's API",
    ),
    pytest.param(
        {"github": None, "gitea": {**_GITEA, "repository": "acme/app"}},
        "gitea.repository: 'acme/app' names an owner; give the bare name 'app', and owner 'acme' "
        "beside it",
        id="repository with its owner",
    ),
    pytest.param(
        {"github": None, "gitea": {**_GITEA, "owner": "acme team"}},
        "gitea.owner: 'acme team' is not an owner's name, such as 'acme'",
        id="odd owner",
    ),
    pytest.param(
        {"github": None, "gitea": {**_GITEA, "branch_filter": ""}},
        "gitea.branch_filter: '' names no branch; remove it, and all branches are sent",
        id="empty branch filter at Gitea",
    ),
    pytest.param(
        {**_AT_GITEA, "events": ["pull_requests"]},
        "events[0]: 'pull_requests' is not an event of Gitea, did you mean 'pull_request'?",
        id="misspelled event of Gitea",
    ),
    # gitlab
    pytest.param(
        {"github": None, "gitlab": "acme/app"}, "gitlab: 'acme/app' is not a mapping", id="gitlab"
    ),
    pytest.param(
        {"github": None, "gitlab": {}},
        'gitlab: names neither project nor group; give one of them, as in {"project": "acme/app"}',
        id="neither project nor group",
    ),
    pytest.param(
        {"github": None, "gitlab": {"project": "acme/app", "group": "acme"}},
        'gitlab: names project and group; give one of them, as in {"project": "acme/app"}',
        id="project and group",
    ),
    pytest.param(
        {"github": None, "gitlab": {"project": "acme/app", "branch": "main"}},
        "gitlab.branch: is not an argument; known are group, project, push_events_branch_filter, "
        "system_hook",
        id="unknown key of gitlab",
    ),
    pytest.param(
        {"github": None, "gitlab": {"system_hook": False}},
        'gitlab.system_hook: is False; remove it, and give {"project": "acme/app"}',
        id="no system hook",
    ),
    pytest.param(
        {"github": None, "gitlab": {"system_hook": True, "project": "acme/app"}},
        'gitlab: names project and system_hook; give one of them, as in {"project": "acme/app"}',
        id="a system hook of a project",
    ),
    pytest.param(
        {"github": None, "gitlab": {"system_hook": True, "push_events_branch_filter": "main"}},
        "gitlab.push_events_branch_filter: is not for an instance's webhook; remove it, and "
        "filter each target, as in req.ref == 'refs/heads/main'",
        id="branches of a system hook",
    ),
    pytest.param(
        {"github": None, "gitlab": {"system_hook": True}, "events": ["Pipeline Hook"]},
        "events[0]: 'Pipeline Hook' is not an event of a GitLab instance's system hook; it has "
        "Merge Request Hook, Push Hook, Repository Update Hook, Tag Push Hook",
        id="an event that no system hook has",
    ),
    pytest.param(
        {
            "github": None,
            "gitlab": {"system_hook": True},
            "resources": [{"kind": "OCIRepository", "name": "app"}],
        },
        "events: is missing, and no event of gitlab tells of a change in OCIRepository; name the "
        "events that should reconcile them",
        id="a source of which no system hook tells",
    ),
    pytest.param(
        {"github": None, "gitlab": {"project": "app"}},
        "gitlab.project: 'app' is not a project's ID or full path, such as 'acme/app'",
        id="project without its group",
    ),
    pytest.param(
        {"github": None, "gitlab": {"project": "https://gitlab.com/acme/app"}},
        "gitlab.project: 'https://gitlab.com/acme/app' is not a project's ID or full path, such "
        "as 'acme/app'",
        id="project's URL",
    ),
    pytest.param(
        {"github": None, "gitlab": {"group": "/acme"}},
        "gitlab.group: '/acme' is not a group's ID or full path",
        id="group with a slash before it",
    ),
    pytest.param(
        {"github": None, "gitlab": {"group": "acme", "push_events_branch_filter": ""}},
        "gitlab.push_events_branch_filter: '' names no branch; remove it, and all branches are "
        "sent",
        id="empty branch filter",
    ),
    pytest.param(
        {**_AT_GITLAB, "events": ["push"]},
        "events[0]: 'push' is not an event of a GitLab project, did you mean 'Push Hook'?",
        id="GitHub's name of a GitLab event",
    ),
    pytest.param(
        {**_AT_GITLAB, "events": ["Push Hook", "tag_push_events"]},
        "events[1]: 'tag_push_events' is not an event of a GitLab project, did you mean "
        "'Tag Push Hook'?",
        id="the API's name of a GitLab event",
    ),
    pytest.param(
        {**_AT_GITLAB, "events": ["Pusch Hook"]},
        "events[0]: 'Pusch Hook' is not an event of a GitLab project, did you mean 'Push Hook'?",
        id="GitLab event misspelled",
    ),
    pytest.param(
        {**_AT_GITLAB, "events": ["Subgroup Hook"]},
        "events[0]: 'Subgroup Hook' is not an event of a GitLab project",
        id="event of groups",
    ),
    pytest.param(
        {**_AT_GITLAB, "events": []},
        "events: [] is not a list of events such as ['Push Hook']",
        id="no event of GitLab",
    ),
    # neither
    pytest.param(
        {"github": None, "type": "generic-hmac", "events": ["push"]},
        "events: is not looked at by Receivers of the type generic-hmac; remove it, and choose "
        "with resource_filter",
        id="events where nothing looks at them",
    ),
    pytest.param(
        {"github": None, "type": "nexus", "schedule": {"every": "90d", "since": "2026-01-31"}},
        "schedule: is for a webhook that is made here: a sender that is told by hand does not "
        "hear that the day has come; remove it, and use fluxhooks rotate",
        id="schedule of a sender that is told by hand",
    ),
    pytest.param(
        {"github": None, "type": "bitbucket", "events": ["repo:push", " "]},
        "events[1]: ' ' is not the name of an event",
        id="event without a name",
    ),
    pytest.param({"type": ["github"]}, "type: ['github'] is not a text", id="type in a list"),
    pytest.param({"type": Later("github")}, f"type: {_OUTPUT}", id="type in an Output"),
    pytest.param(
        {"generation": 0},
        "generation: 0 is not a generation: they count from 1",
        id="generation zero",
    ),
    pytest.param(
        {"generation": 1.5}, "generation: 1.5 is not a whole number", id="half a generation"
    ),
    pytest.param(
        {"generation": True}, "generation: True is not a whole number", id="generation true"
    ),
    pytest.param(
        {"generation": "2"}, "generation: '2' is not a whole number", id="generation as a text"
    ),
    pytest.param({"generation": Later(2)}, f"generation: {_OUTPUT}", id="generation in an Output"),
    pytest.param(
        {"generation": 2, "retained": [2]},
        "retained: 2 is the live generation; name only older ones to retain",
        id="live generation retained",
    ),
    pytest.param(
        {"generation": 3, "retained": [1, 1]},
        "retained: [1, 1] names a generation twice",
        id="retained twice",
    ),
    pytest.param(
        {"generation": 3, "retained": [1, "2"]},
        "retained[1]: '2' is not a whole number",
        id="retained as a text",
    ),
    pytest.param(
        {"generation": 3, "retained": 2},
        "retained: 2 is not a list of generations such as [1]",
        id="retained without a list",
    ),
    pytest.param({"retained": Later([1])}, f"retained: {_OUTPUT}", id="retained in an Output"),
    pytest.param(
        {"retained": [0]},
        "retained: 0 is not a generation: they count from 1",
        id="retained alone",
    ),
    pytest.param(
        {"drain": "long"},
        "drain: 'long' is not a duration such as '30s', '1m30s' or '2h'",
        id="drain that is no duration",
    ),
    pytest.param({"drain": 30}, "drain: 30 is not a text", id="drain as a number"),
    pytest.param({"drain": Later("30s")}, f"drain: {_OUTPUT}", id="drain in an Output"),
    pytest.param(
        {"verify_timeout": "1d"},
        "verify_timeout: '1d' is not a duration such as '30s', '1m30s' or '2h'",
        id="time-out in days",
    ),
    pytest.param(
        {"schedule": {"every": "90d", "since": "2026-01-31"}, "generation": 2},
        "schedule: is given beside generation; one of them decides: remove the other",
        id="schedule and generation",
    ),
    pytest.param({"schedule": "90d"}, "schedule: '90d' is not a mapping", id="schedule as a text"),
    pytest.param(
        {"schedule": {"every": "90d"}},
        'schedule.since: is missing; give {"every": "90d", "since": "2026-01-31"}',
        id="schedule without a beginning",
    ),
    pytest.param(
        {"schedule": {"evry": "90d", "since": "2026-01-31"}},
        "schedule.evry: is not an argument, did you mean 'every'?; known are every, extra, since",
        id="schedule misspelled",
    ),
    pytest.param(
        {"schedule": {"every": "3m", "since": "2026-01-31"}},
        "schedule.every: '3m' is not a period; use days or weeks, as in '90d' or '12w'",
        id="schedule in months",
    ),
    pytest.param(
        {"schedule": {"every": "90d", "since": "31.1.2026"}},
        "schedule.since: '31.1.2026' is not a day such as '2026-01-31'",
        id="schedule from no day",
    ),
    pytest.param(
        {"schedule": {"every": "90d", "since": "2026-01-31", "extra": 0.5}},
        "schedule.extra: 0.5 is not a number of rotations; use 0 or more",
        id="half a rotation",
    ),
    pytest.param({"verify": "no"}, "verify: 'no' is not true or false", id="verify as a text"),
    pytest.param({"verify": 1}, "verify: 1 is not true or false", id="verify as a number"),
    pytest.param({"verify": Later(True)}, f"verify: {_OUTPUT}", id="verify in an Output"),
]


@pytest.mark.parametrize(("changes", "message"), _BAD_VALUES)
def test_a_bad_value_is_told_of_before_anything_is_registered(
    changes: dict[str, Any], message: str
) -> None:
    """There is no engine here: a resource that is registered would raise another error."""
    with pytest.raises(ArgumentError) as caught:
        program(**changes)()

    assert message == str(caught.value)


@pytest.mark.parametrize(("changes", "message"), _BAD_PLAIN_VALUES)
def test_a_value_that_must_be_plain_is_told_of_before_anything_is_registered(
    changes: dict[str, Any], message: str
) -> None:
    """The engine saw nothing but the stack."""
    engine = RecordingEngine()

    with pytest.raises(ArgumentError) as caught:
        engine.run(program(**changes))

    assert message == str(caught.value)
    assert [] == [r.name for r in engine.requests if r.type != "pulumi:pulumi:Stack"]


def test_without_an_engine_registering_fails_otherwise() -> None:
    """What the tests above rely on: good arguments get further, to an error of Pulumi's."""
    with pytest.raises(Exception, match=r"engine|event loop") as caught:
        program()()

    assert not isinstance(caught.value, ArgumentError)


@pytest.mark.parametrize(("changes", "message"), _BAD_VALUES)
def test_a_bad_value_inside_an_output_is_the_same_error(
    changes: dict[str, Any], message: str
) -> None:
    """It is told of as soon as it is known, and no webhook is made with it."""
    engine = RecordingEngine()
    later: dict[str, Any] = {key: Later(value) for key, value in changes.items()}

    with pytest.raises(ArgumentError) as caught:
        engine.run(program(**later))

    assert message == str(caught.value)
    assert [] == engine.of("RepositoryWebhook")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"resources": _ref(kind=Later("GitRepo"))},
            "resources[0].kind: 'GitRepo' is not a kind a Receiver can name, did you mean "
            f"'GitRepository'?; sources are {_SOURCES}",
            id="a resource's kind",
        ),
        pytest.param(
            {"resources": [Later({"kind": "GitRepository", "name": "*"})]},
            "resources[0].name: '*' needs match_labels: Flux answers 500 without them; name "
            "labels or one object",
            id="one resource",
        ),
        pytest.param(
            {"github": {"repository": Later("acme/app")}},
            "github.repository: 'acme/app' names an owner; give the bare name 'app' and set the "
            "owner on the provider: pulumi config set github:owner acme",
            id="the repository",
        ),
        pytest.param(
            {"github": {"organization": Later("-acme")}},
            "github.organization: '-acme' is not an organisation's name, such as 'acme'",
            id="the organisation",
        ),
        pytest.param(
            {"github": Later({"organization": "acme"})},
            "github: names an organization, and is an Output; give it as a plain mapping",
            id="an organisation in an Output",
        ),
        pytest.param(
            {"events": [Later("pushes")]},
            "events[0]: 'pushes' is not an event of GitHub, did you mean 'push'?",
            id="one event",
        ),
    ],
)
def test_outputs_are_found_wherever_they_hide(changes: dict[str, Any], message: str) -> None:
    """An Output may stand for a part of an argument."""
    with pytest.raises(ArgumentError) as caught:
        RecordingEngine().run(program(**changes))

    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("App", f"name: 'App' {_NAME}", id="capitals"),
        pytest.param("", f"name: '' {_NAME}", id="empty"),
        pytest.param("a" * 51, f"name: {'a' * 51!r} {_NAME}", id="too long"),
        pytest.param("a-", f"name: 'a-' {_NAME}", id="a - at the end"),
        pytest.param("-a", f"name: '-a' {_NAME}", id="a - at the beginning"),
        pytest.param("a.b", f"name: 'a.b' {_NAME}", id="a dot"),
        pytest.param(5, f"name: 5 {_NAME}", id="a number"),
    ],
)
def test_a_component_is_named_as_its_objects_can_be(name: Any, message: str) -> None:
    """Kubernetes would refuse the objects' names and labels."""
    with pytest.raises(ArgumentError) as caught:
        program(name)()

    assert message == str(caught.value)


@pytest.mark.parametrize("name", ["a", "app", "a" * 50, "0-1"])
def test_names_that_objects_can_have(name: str) -> None:
    """Up to the longest one."""
    assert 1 == check_args(name, args()).live


def test_arguments_that_are_no_mapping() -> None:
    """Not a fault somewhere inside."""
    with pytest.raises(ArgumentError) as caught:
        WebhookReceiver("app", None)  # type: ignore[arg-type]

    assert "args: None is not a mapping" == str(caught.value)


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        pytest.param(
            ["app"],
            {},
            "fluxhooks:generations: ['app'] is not a mapping of components' names; "
            "pulumi config set --path 'fluxhooks:generations.app.live' 1",
            id="a list",
        ),
        pytest.param(
            {"app": 2},
            {},
            "fluxhooks:generations.app: 2 is not a mapping such as "
            '{"live": 2, "retained": [1]}; '
            "pulumi config set --path 'fluxhooks:generations.app.live' 1",
            id="a bare number",
        ),
        pytest.param(
            {"app": {"live": "2"}},
            {},
            "fluxhooks:generations.app.live: '2' is not a whole number",
            id="a number in quotes",
        ),
        pytest.param(
            {"app": {"live": 0}},
            {},
            "fluxhooks:generations.app.live: 0 is not a generation: they count from 1",
            id="zero",
        ),
        pytest.param(
            {"app": {"live": 2, "retained": [2]}},
            {},
            "fluxhooks:generations.app.retained: 2 is the live generation; name only older ones "
            "to retain",
            id="live generation retained",
        ),
        pytest.param(
            {"app": {"live": 4}},
            {"generation": 2},
            "generation: 2 stands in the program and 4 in the configuration "
            "fluxhooks:generations.app.live; one place decides: remove the argument, or pulumi "
            "config rm --path 'fluxhooks:generations.app'",
            id="two authorities",
        ),
        pytest.param(
            {"app": {"live": 2}},
            {"retained": [2]},
            "retained: 2 is the live generation; name only older ones to retain",
            id="retained by the argument",
        ),
    ],
)
def test_a_bad_generation_in_the_configuration(
    config: Any, changes: dict[str, Any], message: str
) -> None:
    """The key is named as `pulumi config` takes it."""
    engine = RecordingEngine(config={"fluxhooks:generations": json.dumps(config)})

    with pytest.raises(ArgumentError) as caught:
        engine.run(program(**changes))

    assert message == str(caught.value)
    assert [] == engine.of("WebhookReceiver")


def test_other_languages_spelling_and_numbers_are_taken() -> None:
    """A component host hands nested keys over in camel case where it cannot see them."""
    checked = check_args(
        "app",
        args(
            generation=6.0,
            retained=[5.0],
            resources=[
                {
                    "apiVersion": "source.toolkit.fluxcd.io/v1beta2",
                    "kind": "GitRepository",
                    "matchLabels": {"a": "b"},
                    "name": "*",
                }
            ],
        ),
    )

    assert (6, [5, 6]) == (checked.live, checked.generations)
    assert [int, int, int] == [type(n) for n in (checked.live, *checked.generations)]
    assert [
        {
            "apiVersion": "source.toolkit.fluxcd.io/v1beta2",
            "kind": "GitRepository",
            "matchLabels": {"a": "b"},
            "name": "*",
        }
    ] == checked.resources


def test_defaults() -> None:
    """What a WebhookReceiver is when nothing else is said."""
    checked = check_args("app", args())

    assert {
        "accepted": ["push"],
        "adopts": False,
        "authority": "configuration",
        "drain": 30.0,
        "events": ["push"],
        "filter": "!has(req.fluxhooksProbe) && !has(req.zen)",
        "generations": [1],
        "gitea": None,
        "github": {"repository": "app"},
        "gitlab": None,
        "host": "flux.example.com",
        "interval": None,
        "identity": {},
        "live": 1,
        "namespace": "flux-system",
        "next_by_schedule": "",
        "oidc_providers": None,
        "resources": [
            {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "name": "app"}
        ],
        "revokes": False,
        "rotate_every": None,
        "token": TokenSource(),
        "type": ReceiverType.GITHUB,
        "verify": True,
        "verify_timeout": 60.0,
    } == vars(checked)


def test_a_targets_filter_lets_proof_and_catch_up_through() -> None:
    """A body of ours has nothing that a user's expression could look at."""
    (ref,) = check_args("app", args(resources=_ref(filter="req.a == 1"))).resources

    assert (
        "!has(req.fluxhooksProbe) && !has(req.zen) && (has(req.fluxhooksCatchUp) || (req.a == 1))"
    ) == ref["filter"]


def test_none_is_as_good_as_absent() -> None:
    """Other languages send null for what is not given."""
    given: Any = {
        **args(resources=_ref(namespace=None, match_labels=None)),
        **dict.fromkeys(("events", "generation", "interval", "drain")),
    }

    assert check_args("app", args()) == check_args("app", given)


@pytest.mark.parametrize(
    ("changes", "type_", "events"),
    [
        pytest.param(
            {"gitlab": {"project": "acme/app"}},
            "gitlab",
            ["Push Hook", "Tag Push Hook"],
            id="a GitLab project",
        ),
        pytest.param(
            {"gitlab": {"group": "17"}, "events": ["Subgroup Hook", "Push Hook"]},
            "gitlab",
            ["Push Hook", "Subgroup Hook"],
            id="a GitLab group",
        ),
        pytest.param({"gitea": _GITEA}, "github", ["push"], id="a repository at Gitea"),
        pytest.param({"type": "github"}, "github", ["push"], id="Gitea, by hand"),
        pytest.param(
            {"type": "github", "events": ["pull_request_approved"]},
            "github",
            ["pull_request_approved"],
            id="an event that only Gitea has",
        ),
        pytest.param(
            {"type": "bitbucket"},
            "bitbucket",
            ["repo:push", "repo:refs_changed"],
            id="Bitbucket, by hand",
        ),
        pytest.param({"type": "generic-hmac"}, "generic-hmac", [], id="a CI job, by hand"),
        pytest.param({"type": "nexus"}, "nexus", [], id="Nexus, by hand"),
    ],
)
def test_senders_other_than_github(changes: dict[str, Any], type_: str, events: list[str]) -> None:
    """The type follows from the forge, and the events from type and targets."""
    checked = check_args("app", args(github=None, **changes))

    assert (type_, events) == (checked.type, checked.events)
    assert (not changes.keys().isdisjoint({"gitea", "gitlab"})) == checked.managed


def test_a_gitlab_hook_in_full() -> None:
    """Also in another language's spelling; what is not given is left to GitLab."""
    given = {"group": "acme/team", "pushEventsBranchFilter": "release-*"}

    assert {"group": "acme/team", "push_events_branch_filter": "release-*"} == check_args(
        "app", args(github=None, gitlab={**given, "project": None})
    ).gitlab


def test_a_webhook_of_giteas_in_full() -> None:
    """Also in another language's spelling, and with the slash of an address bar."""
    given = {"url": "http://git.test:3000/gitea/", "organization": "acme", "branchFilter": "main"}

    checked = check_args("app", args(github=None, gitea={**given, "owner": None}))

    assert {
        "branch_filter": "main",
        "organization": "acme",
        "url": "http://git.test:3000/gitea",
    } == checked.gitea


def test_a_receiver_accepts_what_giteas_deliveries_are_called() -> None:
    """Which is not what a webhook asks for, and what it asks for stays as it was given."""
    checked = check_args("app", args(**_AT_GITEA, events=["pull_request_sync", "push"]))

    assert ["pull_request_sync", "push"] == checked.events
    assert ["pull_request", "push"] == checked.accepted


def test_gitea_is_asked_for_no_event_that_only_github_has() -> None:
    """It has packages, and calls them once."""
    resources = [{"kind": "OCIRepository", "name": "app"}]

    assert ["package"] == check_args("app", args(**_AT_GITEA, resources=resources)).events


@pytest.mark.parametrize("project", ["acme/app", "acme/team/my.app_2", "4711"])
def test_projects_that_gitlab_can_have(project: str) -> None:
    """A path of any depth, or the ID."""
    checked = check_args("app", args(github=None, gitlab={"project": project}))

    assert {"project": project} == checked.gitlab


def test_without_gitlabs_provider_its_installation_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is an extra: the engine fetches the plugin of every SDK that is installed."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(ArgumentError) as caught:
        program(github=None, gitlab={"project": "acme/app"})()

    assert "gitlab: needs Pulumi's GitLab provider: pip install 'fluxhooks[gitlab]'" == str(
        caught.value
    )


@pytest.mark.parametrize("host", ["flux.example.com", "Flux.Example.com", "10.0.0.1", "a:8443"])
def test_hosts_that_can_be_called(host: str) -> None:
    """Names, addresses, and ports other than 443."""
    assert host == check_args("app", args(host=host)).host


def test_events_are_sent_sorted_once_and_without_the_ping() -> None:
    """The same events in another order are no change; the ping comes by itself."""
    checked = check_args("app", args(events=["release", "ping", "push", "push"]))

    assert ["push", "release"] == checked.events


@given(st.lists(st.sampled_from(sorted(set(targets.SOURCES) - {"Bucket"})), min_size=1))
def test_events_that_are_sent_are_accepted(kinds: list[str]) -> None:
    """Whatever the targets, defaults are events the webhook may send, and never the ping."""
    resources = [{"kind": kind, "name": "app"} for kind in kinds]

    checked = check_args("app", args(resources=resources))

    again = check_args("app", args(resources=resources, events=checked.events))
    assert checked.events == again.events
    assert RECEIVER_TYPES[ReceiverType.GITHUB].ping not in again.events  # type: ignore[operator]


@given(
    st.dictionaries(
        st.sampled_from(_KNOWN.split(", ")),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner) | st.dictionaries(st.sampled_from(["kind", "name"]), inner)
            ),
            max_leaves=4,
        ),
    )
)
def test_no_argument_whatever_is_a_crash(changes: dict[str, Any]) -> None:
    """A value is taken or told of: no other error leaves the checks."""
    assert _refused(changes) in {"", *_KNOWN.split(", ")}


@pytest.mark.parametrize(
    ("kind", "warned"), [*((kind, kind in targets.APPLIERS) for kind in targets.KINDS)]
)
def test_which_targets_are_warned_of(kind: str, warned: bool) -> None:
    """Appliers only; what is neither is the user's business."""
    checked = check_args("app", args(resources=_ref(kind=kind), events=["push"]))
    assert isinstance(checked.resources, list)

    assert warned == bool(applier_warnings(checked.resources))


def _refused(changes: dict[str, Any]) -> str:
    given: Any = {**args(), **changes}
    try:
        check_args("app", given)
    except ArgumentError as error:
        return error.property_path.partition("[")[0].partition(".")[0]
    return ""


def test_an_instances_webhook_is_asked_for_what_was_named_and_nothing_else_reconciles() -> None:
    """All its deliveries name one event; what they tell of stands in their bodies."""
    given = {"github": None, "gitlab": {"system_hook": True}}
    checked = check_args("app", args(**given))

    assert (["Push Hook", "Tag Push Hook"], ["System Hook"]) == (checked.events, checked.accepted)
    probe = "!has(req.fluxhooksProbe) && !has(req.zen) && (has(req.fluxhooksCatchUp) || "
    pushes = "has(req.event_name) && req.event_name in ['push', 'tag_push']"
    assert f"{probe}({pushes}))" == checked.filter
    merges = check_args(
        "app",
        args(
            **given,
            events=["Merge Request Hook", "Repository Update Hook"],
            resource_filter="req.project.id == 7",
        ),
    )
    assert (
        f"{probe}((has(req.event_name) && req.event_name in ['repository_update'] || "
        "has(req.object_kind) && req.object_kind in ['merge_request']) && "
        "(req.project.id == 7)))"
    ) == merges.filter
