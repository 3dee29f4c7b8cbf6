"""The rules of the policy pack, and what Pulumi's policies make of them, without an engine."""

from collections.abc import Callable
from typing import Any

import pytest
from pulumi_policy import (
    EnforcementLevel,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_OBJECT_VALUE, UNKNOWN_STRING_VALUE, unknown_checking_proxy

from fluxhooks.flux.intervals import IntervalPolicy
from fluxhooks.policy import rules
from fluxhooks.policy.pack import policies
from fluxhooks.policy.rules import UNKNOWN, Declared

RECEIVER = "kubernetes:notification.toolkit.fluxcd.io/v1:Receiver"
GIT = "kubernetes:source.toolkit.fluxcd.io/v1:GitRepository"
GITHUB = "github:index/repositoryWebhook:RepositoryWebhook"
ORGANIZATION = "github:index/organizationWebhook:OrganizationWebhook"
PROJECT = "gitlab:index/projectHook:ProjectHook"
INSTANCE = "gitlab:index/systemHook:SystemHook"
GITEA = "pulumi-python:dynamic/gitea:Webhook"
URL = "https://flux.example.com/hook/" + "0" * 64


def receiver(*resources: Any, type: str = "github") -> dict[str, Any]:  # noqa: A002
    """A Receiver's properties."""
    return {
        "apiVersion": "notification.toolkit.fluxcd.io/v1",
        "kind": "Receiver",
        "metadata": {"name": "app", "namespace": "flux-system"},
        "spec": {"type": type, "resources": list(resources)},
    }


def source(name: str, interval: str, **spec: Any) -> Declared:
    """A GitRepository."""
    metadata = {"name": name, "namespace": "flux-system", "labels": {"team": "a"}}
    properties = {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": metadata,
        "spec": {"interval": interval, **spec},
    }
    return Declared(type=GIT, name=name, properties=properties)


def github(url: Any = URL, **configuration: Any) -> dict[str, Any]:
    """The properties of a webhook at GitHub, with a secret."""
    return {"configuration": {"url": url, "secret": "s", **configuration}}


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        pytest.param("GitRepository", [], id="a source"),
        pytest.param("ImagePolicy", [], id="what has no source"),
        pytest.param(
            "Kustomization",
            [
                "it names Kustomization app, which follows its source and is reconciled before the "
                "new revision is there; name the source"
            ],
            id="an applier",
        ),
    ],
)
def test_receivers_target_sources(kind: str, found: list[str]) -> None:
    """An applier is reconciled when its source has something new, and not before."""
    properties = receiver({"kind": kind, "name": "app"})

    assert found == rules.receivers_target_sources(RECEIVER, properties)
    # As a program in YAML has it.
    assert found == rules.receivers_target_sources(
        "kubernetes:apiextensions.k8s.io:CustomResource", properties
    )
    assert [] == rules.receivers_target_sources(RECEIVER, {**properties, "kind": "Alert"})


@pytest.mark.parametrize(
    ("type_", "private", "violated"),
    [
        pytest.param("generic", False, True, id="generic"),
        pytest.param("generic", True, False, id="on a private host"),
        pytest.param("generic-hmac", False, False, id="signed"),
        pytest.param("dockerhub", False, False, id="a sender that cannot sign"),
    ],
)
def test_no_generic_on_a_public_host(type_: str, private: bool, violated: bool) -> None:
    """What anybody may send is for hosts that not everybody can reach."""
    found = rules.no_generic_on_a_public_host(RECEIVER, receiver(type=type_), private_host=private)

    assert violated == (
        found
        == [
            "its type is generic: it takes whatever anybody sends who learned its URL; take "
            "generic-hmac, whose deliveries are signed, or generic-oidc"
        ]
    )


HTTP = (
    "its URL begins with http://, so its secret's signatures and what was pushed can be read on "
    "the way; call https://"
)
UNVERIFIED = "it does not verify the certificate of the host it calls; have it verify it"
PLAIN_URL = URL.replace("https", "http")


@pytest.mark.parametrize(
    ("type_", "properties", "found"),
    [
        pytest.param(GITHUB, github(), [], id="GitHub"),
        pytest.param(GITHUB, github(PLAIN_URL), [HTTP], id="GitHub, http"),
        pytest.param(ORGANIZATION, github(insecureSsl=True), [UNVERIFIED], id="GitHub, unverified"),
        pytest.param(GITHUB, github(UNKNOWN), [], id="unknown"),
        pytest.param(GITHUB, {"configuration": UNKNOWN}, [], id="all unknown"),
        pytest.param(GITHUB, github("http://ci.example.com/build"), [], id="not to Flux"),
        pytest.param(PROJECT, {"url": URL, "token": "s"}, [], id="GitLab"),
        pytest.param(
            PROJECT,
            {"url": PLAIN_URL, "token": "s", "enableSslVerification": False},
            [HTTP, UNVERIFIED],
            id="GitLab, both",
        ),
        pytest.param(GITEA, {"url": PLAIN_URL, "secret": "s"}, [HTTP], id="Gitea, http"),
    ],
)
def test_webhook_urls_are_https(type_: str, properties: Any, found: list[str]) -> None:
    """At each forge; other webhooks than Flux's are somebody else's business."""
    assert found == rules.webhook_urls_are_https(type_, properties)


@pytest.mark.parametrize(
    ("type_", "properties", "named"),
    [
        pytest.param(GITHUB, github(), "", id="GitHub"),
        pytest.param(GITHUB, github(secret=""), "configuration.secret", id="GitHub, empty"),
        pytest.param(GITHUB, github(secret=UNKNOWN), "", id="unknown"),
        pytest.param(GITHUB, github("https://ci.example.com", secret=""), "", id="not to Flux"),
        pytest.param(PROJECT, {"url": URL}, "token", id="GitLab, none"),
        pytest.param(INSTANCE, {"url": URL}, "token", id="GitLab's system hook, none"),
        pytest.param(GITEA, {"url": URL, "secret": None}, "secret", id="Gitea, none"),
    ],
)
def test_webhooks_have_a_secret(type_: str, properties: Any, named: str) -> None:
    """The argument is named as the forge's package has it."""
    expected = [
        f"it has no {named}, so its deliveries are refused, or taken from anybody; give it the "
        "token of the Receiver's Secret"
    ]

    assert (expected if named else []) == rules.webhooks_have_a_secret(type_, properties)


@pytest.mark.parametrize(
    ("interval", "target", "text"),
    [
        pytest.param("30m", {"name": "app"}, "", id="beside"),
        pytest.param("10s", {"name": "other"}, "", id="alone"),
        pytest.param(
            "10s",
            {"name": "app"},
            "it asks every 10s beside a Receiver, which buys nothing; 30m is enough",
            id="too often",
        ),
        pytest.param(
            "10s",
            {"name": "*", "matchLabels": {"team": "a"}},
            "it asks every 10s beside a Receiver, which buys nothing; 30m is enough",
            id="too often, by its labels",
        ),
        pytest.param(
            "3001m",
            {"name": "app"},
            "it asks every 3001m only: a webhook that fails is not made up for before; 30m is "
            "advised",
            id="too seldom",
        ),
        pytest.param(
            "25h",
            {"name": "other"},
            "it asks every 25h only, and no Receiver of this stack tells it of changes",
            id="alone and too seldom",
        ),
        pytest.param("10s", {"name": UNKNOWN}, "", id="unknown"),
    ],
)
def test_intervals_fit(interval: str, target: dict[str, Any], text: str) -> None:
    """By the policy that coverage and doctor have, too."""
    app = source("app", interval)
    called = receiver({"kind": "GitRepository", **target})
    stack = [Declared(type=RECEIVER, name="app-g1", properties=called), app]

    assert ([(app, text)] if text else []) == rules.intervals_fit(stack)


def test_intervals_of_the_suspended_and_of_another_policy() -> None:
    """Who is suspended asks not at all."""
    assert [] == rules.intervals_fit([source("app", "30h", suspend=True)])
    assert [] == rules.intervals_fit([source("app", "30h")], IntervalPolicy(longest_alone=1e9))


def validate(name: str, type_: str, properties: Any, config: Any = None) -> list[str]:
    """Return what a policy reports of a resource that the engine hands over."""
    (policy,) = (found for found in policies() if found.name == name)
    assert isinstance(policy, ResourceValidationPolicy)
    reported: list[str] = []
    args: Any = ResourceValidationArgs(
        type_, unknown_checking_proxy(properties), "urn", "app", None, None, config
    )
    policy.validate(args, lambda message, urn=None: reported.append(message))
    return reported


def test_a_policy_reports_in_sentences_and_says_how_it_is_configured() -> None:
    """The pack's own setting is in the message of what it loosens."""
    properties = receiver(type="generic")

    (reported,) = validate("no-generic-on-a-public-host", RECEIVER, properties)
    assert reported.startswith("app: its type is generic: ")
    assert reported.endswith(
        ". Where nobody outside can reach the host, configure this policy with "
        '{"privateHost": true}.'
    )
    assert [] == validate(
        "no-generic-on-a-public-host", RECEIVER, properties, {"privateHost": True}
    )


@pytest.mark.parametrize(
    "properties",
    [
        pytest.param(github(UNKNOWN_STRING_VALUE), id="a text"),
        pytest.param({"configuration": UNKNOWN_OBJECT_VALUE}, id="an object"),
    ],
)
def test_what_a_preview_does_not_know_is_judged_in_the_update(properties: Any) -> None:
    """Pulumi's policies report every unknown value that they meet."""
    for name in ("webhook-urls-are-https", "webhooks-have-a-secret"):
        assert [] == validate(name, GITHUB, properties)


def test_no_message_holds_what_is_secret() -> None:
    """A pack's messages are printed, and kept by who runs it."""
    broken = github(PLAIN_URL, secret="", insecureSsl=True)
    checks: list[Callable[[str, Any], list[str]]] = [
        rules.webhook_urls_are_https,
        rules.webhooks_have_a_secret,
    ]

    assert [] == [text for check in checks for text in check(GITHUB, broken) if "/hook/" in text]


def test_intervals_are_advice_about_a_stack_and_the_rest_is_mandatory() -> None:
    """What only costs stops nobody."""
    advice = [found for found in policies() if found.enforcement_level]

    assert [("intervals-fit", EnforcementLevel.ADVISORY, True)] == [
        (found.name, found.enforcement_level, isinstance(found, StackValidationPolicy))
        for found in advice
    ]
