"""The program that is suggested runs, reaches what was not reached, and is somebody's to read."""

import json
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from fluxhooks.flux.targets import SOURCES
from fluxhooks.observe.listing import Listing, Source
from fluxhooks.observe.suggestion import Sender, program, sender
from tests.unit.recording_engine import RecordingEngine, plain


def source(url: str = "", kind: str = "GitRepository", name: str = "app", **more: Any) -> Source:
    """Return a source in flux-system."""
    return Source(kind=kind, name=name, url=url, **{"namespace": "flux-system", **more})


def run(text: str) -> RecordingEngine:
    """Run a program as Pulumi would."""
    preview = RecordingEngine(preview=True)
    return preview.run(lambda: exec(compile(text, "suggested.py", "exec"), {}))


def reached(engine: RecordingEngine) -> list[tuple[str, str, str]]:
    """Return kind, namespace and name of what the Receivers of a run target."""
    found = []
    for request in engine.of(":Receiver"):
        inputs = plain(json_format.MessageToDict(request.object))
        for target in inputs["spec"]["resources"]:
            namespace = target.get("namespace", inputs["metadata"]["namespace"])
            found.append((target["kind"], namespace, target["name"]))
    return sorted(found)


def github(owner: str, name: str, server: str = "github.com") -> Sender:
    """Return a repository."""
    return Sender(forge="github", server=server, owner=owner, name=name)


def gitea(owner: str, name: str, server: str) -> Sender:
    """Return a repository at a Gitea."""
    return Sender(forge="gitea", server=server, owner=owner, name=name)


def gitlab(name: str, server: str = "gitlab.com") -> Sender:
    """Return a project."""
    return Sender(forge="gitlab", server=server, name=name)


_GIT = "GitRepository"


@pytest.mark.parametrize(
    ("kind", "url", "who"),
    [
        (_GIT, "https://github.com/acme/app", github("acme", "app")),
        (_GIT, "https://github.com/acme/app.git", github("acme", "app")),
        (_GIT, "https://github.com/acme/app/", github("acme", "app")),
        (_GIT, "ssh://git@github.com/acme/app.git", github("acme", "app")),
        (_GIT, "ssh://git@ssh.github.com:443/acme/app.git", github("acme", "app")),
        (_GIT, "ssh://github.com/acme/app.js", github("acme", "app.js")),
        (_GIT, "https://github.acme.test/a/b", github("a", "b", "github.acme.test")),
        (_GIT, "https://gitlab.com/acme/sub/app.git", gitlab("acme/sub/app")),
        (_GIT, "ssh://git@altssh.gitlab.com:443/acme/app.git", gitlab("acme/app")),
        (_GIT, "ssh://git@gitlab.acme.test/a/b", gitlab("a/b", "gitlab.acme.test")),
        (_GIT, "https://codeberg.org/acme/app", gitea("acme", "app", "https://codeberg.org")),
        (
            _GIT,
            "http://gitea.acme.test:3000/git/acme/app.git",
            gitea("acme", "app", "http://gitea.acme.test:3000/git"),
        ),
        (
            _GIT,
            "ssh://git@forgejo.acme.test:2222/acme/app.git",
            gitea("acme", "app", "https://forgejo.acme.test"),
        ),
        ("HelmRepository", "https://acme.github.io/charts", github("acme", "charts")),
        ("HelmRepository", "https://acme.github.io", github("acme", "acme.github.io")),
        (
            "HelmRepository",
            "https://raw.githubusercontent.com/acme/charts/main",
            github("acme", "charts"),
        ),
        (
            "HelmRepository",
            "https://gitlab.acme.test/api/v4/projects/17/packages/helm/stable",
            gitlab("17", "gitlab.acme.test"),
        ),
        ("HelmRepository", "https://acme.gitlab.io/charts", gitlab("acme/charts")),
        ("OCIRepository", "oci://ghcr.io/acme/app/web", github("acme", "app")),
        ("ImageRepository", "oci://ghcr.io/acme/app:v1", github("acme", "app")),
        ("OCIRepository", "oci://registry.gitlab.com/acme/app", gitlab("acme/app")),
        ("OCIRepository", "oci://registry.gitlab.com/acme/app/web", gitlab("acme/app")),
    ],
)
def test_who_sends_is_guessed_from_the_address(kind: str, url: str, who: Sender) -> None:
    """As far as it names a repository or a project; notes aside."""
    found = sender(source(kind=kind), url)

    assert (who.forge, who.server, who.owner, who.name) == (
        found.forge,
        found.server,
        found.owner,
        found.name,
    )


@pytest.mark.parametrize(
    ("kind", "url", "type_"),
    [
        (_GIT, "https://codeberg.org/acme", "github"),
        (_GIT, "https://bitbucket.org/acme/app", "bitbucket"),
        (_GIT, "https://git.acme.test/app", "generic-hmac"),
        (_GIT, "https://github.com/app", "generic-hmac"),
        (_GIT, "https://[broken", "generic-hmac"),
        (_GIT, "", "generic-hmac"),
        ("OCIRepository", "oci://registry.acme.test/app", "generic-hmac"),
        ("HelmRepository", "https://charts.acme.test", "generic-hmac"),
        ("Bucket", "https://s3.amazonaws.com/b", "generic-hmac"),
    ],
)
def test_who_is_not_known_to_send_is_told_by_hand(kind: str, url: str, type_: str) -> None:
    """With the Receiver's type that fits."""
    found = sender(source(kind=kind), url)

    assert ("", type_) == (found.forge, found.type)


def test_the_program_in_full() -> None:
    """One WebhookReceiver for each repository, whatever of it is a source."""
    sources = [
        source("https://github.com/acme/app"),
        source("oci://ghcr.io/acme/app", "OCIRepository", "manifests"),
        source("https://git.acme.test/x", name="x", namespace="apps"),
    ]

    assert '''\
"""WebhookReceivers for what no Receiver reaches, guessed from the sources: read it
first, and take out what is not yours: nobody makes webhooks at others'
repositories."""

import pulumi
import pulumi_github

from fluxhooks import WebhookReceiver, WebhookReceiverArgs

HOST = "flux.acme.test"  # the public host of Flux's Service webhook-receiver

github_acme = pulumi_github.Provider("github-acme", owner="acme")

# GitRepository flux-system/app
# OCIRepository flux-system/manifests
# guessed: the repository that the package is linked to
WebhookReceiver(
    "app",
    WebhookReceiverArgs(
        host=HOST,
        github={"repository": "app"},
        resources=[
            {"kind": "GitRepository", "name": "app"},
            {"kind": "OCIRepository", "name": "manifests"},
        ],
    ),
    pulumi.ResourceOptions(providers=[github_acme]),
)

# GitRepository apps/x
# by what tells of pushes at git.acme.test
hook_x = WebhookReceiver(
    "x",
    WebhookReceiverArgs(
        host=HOST,
        type="generic-hmac",
        namespace="apps",
        resources=[
            {"kind": "GitRepository", "name": "x"},
        ],
    ),
)
pulumi.export("x-url", hook_x.hook_url)
pulumi.export("x-token", hook_x.token)
''' == program(sources, Listing(), host="flux.acme.test")


def test_it_runs_and_reaches_all_of_it() -> None:
    """Each forge, each kind, several owners and servers."""
    sources = [
        source("https://github.com/acme/app"),
        source("https://github.com/other/app", name="other"),
        source("https://github.acme.test/acme/app", name="enterprise"),
        source("https://gitlab.com/acme/app", name="public"),
        source("https://gitlab.acme.test/acme/app", name="private"),
        source("https://codeberg.org/acme/app", name="forgejo"),
        source("https://bitbucket.org/acme/app", name="bitbucket"),
        source("oci://ghcr.io/acme/app", "ImageRepository", "app"),
        source("oci://registry.gitlab.com/acme/app", "OCIRepository", "app"),
        source("https://acme.github.io/charts", "HelmRepository", "charts"),
        source("https://s3.amazonaws.com/b", "Bucket", "b"),
        source("", "HelmChart", "web", chart_of=("HelmRepository", "oci")),
    ]
    static = source("oci://ghcr.io/acme/web", "HelmRepository", "oci", type="oci")
    engine = run(program(sources, Listing(sources=(static,))))

    assert sorted(one.key for one in sources) == reached(engine)
    assert 5 == len(engine.named("RepositoryWebhook"))
    assert 2 == len(engine.named("ProjectHook"))
    assert ["app-6-g1-webhook"] == engine.named("dynamic/gitea:Webhook")
    assert [
        ("github-acme", {"owner": "acme", "baseUrl": "https://api.github.com/"}),
        ("github-github-acme-test-acme", {"owner": "acme", "baseUrl": "https://github.acme.test/"}),
        ("github-other", {"owner": "other", "baseUrl": "https://api.github.com/"}),
        ("gitlab-gitlab-acme-test", {"baseUrl": "https://gitlab.acme.test/api/v4/"}),
    ] == sorted(
        (request.name, _inputs(request))
        for package in ("github", "gitlab")
        for request in engine.of(f"pulumi:providers:{package}")
        if _inputs(request)
    )


def _inputs(request: Any) -> dict[str, str]:
    given = plain(json_format.MessageToDict(request.object))
    return {key: given[key] for key in ("owner", "baseUrl") if key in given}


def test_one_repository_has_one_webhook_in_several_namespaces() -> None:
    """Where a Receiver may reach them; else it has one for each."""
    url = "https://github.com/acme/app"
    sources = [source(url), source(url, namespace="apps")]
    keys = sorted(one.key for one in sources)
    across = run(program(sources, Listing()))
    apart = run(program(sources, Listing(), cross_namespace=False))

    assert (keys, ["app-webhook"]) == (reached(across), across.named("RepositoryWebhook"))
    assert (keys, ["app-2-webhook", "app-webhook"]) == (
        reached(apart),
        sorted(apart.named("RepositoryWebhook")),
    )
    assert {"apps", "flux-system"} == {
        plain(json_format.MessageToDict(request.object))["metadata"]["namespace"]
        for request in apart.of(":Receiver")
    }


def test_names_that_the_stack_has_are_not_taken_twice() -> None:
    """It is added to a program."""
    text = program([source("https://github.com/acme/app")], Listing(), taken=["app", "app-2"])

    assert ["app-3-webhook"] == run(text).named("RepositoryWebhook")


def test_nothing_uncovered_is_a_program_too() -> None:
    """One that declares nothing."""
    assert [] == reached(run(program([], Listing())))


_words = st.text("abc./:@\"'\\#\n\u00e9 \u2028{}-_0", max_size=12)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.builds(
            Source,
            kind=st.sampled_from(sorted(SOURCES)),
            namespace=st.sampled_from(["flux-system", "apps"]),
            name=st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,60}[a-z0-9])?", fullmatch=True),
            url=st.builds(
                "{}://{}/{}".format,
                st.sampled_from(["https", "ssh", "oci"]),
                st.sampled_from(["github.com", "gitlab.com", "ghcr.io", "acme.github.io"]) | _words,
                _words,
            ),
            chart_of=st.tuples(st.just("HelmRepository"), st.sampled_from(["a", "b"])),
        ),
        max_size=5,
        unique_by=lambda one: one.key,
    )
)
def test_whatever_stands_in_an_address_the_program_is_one(sources: list[Source]) -> None:
    """Every source is in it, no address can add to it, and no two names are the same."""
    text = program(sources, Listing(sources=tuple(sources)))
    names: list[str] = []
    targets: list[tuple[str, str, str]] = []

    def record(name: str, args: Any, opts: object = None) -> Any:
        names.append(name)
        namespace = args.get("namespace", "flux-system")
        targets.extend(
            (ref["kind"], ref.get("namespace", namespace), ref["name"]) for ref in args["resources"]
        )
        return _Hook

    body = text.replace("from fluxhooks import WebhookReceiver, WebhookReceiverArgs", "")
    body = body.replace("pulumi.export", "export").replace("pulumi.ResourceOptions", "dict")
    for package in ("pulumi_github", "pulumi_gitlab", "pulumi"):
        body = body.replace(f"import {package}\n", "")
    body = body.replace("pulumi_github.Provider", "dict_of").replace(
        "pulumi_gitlab.Provider", "dict_of"
    )
    exec(
        compile(body, "suggested.py", "exec"),
        {
            "WebhookReceiver": record,
            "WebhookReceiverArgs": dict,
            "dict_of": lambda name, **given: given,
            "export": lambda name, value: None,
        },
    )

    assert sorted(one.key for one in sources) == sorted(targets)
    assert len(names) == len(set(names))


class _Hook:
    hook_url = token = json.dumps("")
