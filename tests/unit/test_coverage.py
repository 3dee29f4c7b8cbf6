"""A source is covered, or it is told why not; what reaches nothing is found."""

import dataclasses
import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluxhooks.flux.hook_path import UNKNOWN_PATH
from fluxhooks.flux.targets import KINDS, SOURCES
from fluxhooks.observe import listing
from fluxhooks.observe.coverage import Coverage, Policy, StackWebhooks, coverage
from fluxhooks.observe.forges import SeenWebhook
from fluxhooks.observe.listing import Listing, Receiver, Source, Target
from fluxhooks.observe.state import (
    DeclaredGeneration,
    DeclaredReceiver,
    DeclaredWebhook,
    Scope,
    StackState,
)

NOW = datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC)
PATH = "/hook/" + "a" * 64
OTHER_PATH = "/hook/" + "b" * 64


def source(name: str = "app", kind: str = "GitRepository", **changes: Any) -> Source:
    """Return a source in flux-system that asks every 30 minutes."""
    given = {"namespace": "flux-system", "interval": "30m", **changes}
    return Source(kind=kind, name=name, **given)


def receiver(*targets: Target, **changes: Any) -> Receiver:
    """Return a Receiver flux-system/app that takes deliveries, of app when no target is."""
    given = {"namespace": "flux-system", "name": "app", "path": PATH, **changes}
    return Receiver(targets=targets or (Target(kind="GitRepository", name="app"),), **given)


def of(
    *found: Source | Receiver,
    policy: Policy | None = None,
    stack: StackWebhooks | None = None,
    **missing: Any,
) -> Coverage:
    """Return the coverage of a cluster that has what is given."""
    return coverage(
        Listing(
            sources=tuple(one for one in found if isinstance(one, Source)),
            receivers=tuple(one for one in found if isinstance(one, Receiver)),
            **missing,
        ),
        policy or Policy(),
        now=NOW,
        stack=stack,
    )


def told(seen: Coverage) -> list[tuple[str, str, str]]:
    """Return kind, object and text of the findings."""
    return [(finding.kind, finding.where, finding.text) for finding in seen.findings]


# Sources


def test_a_source_with_a_receiver_is_no_finding() -> None:
    """By name, and by labels."""
    by_name = of(source(), receiver())
    labels = Target(kind="GitRepository", name="*", labels={"team": "a"})
    by_labels = of(source(labels={"team": "a", "tier": "b"}), receiver(labels))

    assert [] == told(by_name) + told(by_labels)
    assert [("flux-system/app",)] * 2 == [row.receivers for row in (*by_name.rows, *by_labels.rows)]


def test_an_uncovered_source_is_told_with_what_its_polling_costs() -> None:
    """Its requests a day, from its interval."""
    seen = of(source(interval="1m0s"))

    assert [
        (
            "uncovered",
            "GitRepository flux-system/app",
            "no Receiver reaches it; it asks 1,440 times a day",
        )
    ] == told(seen)
    assert 1440.0 == seen.as_json()["summary"]["uncovered_requests_a_day"]


@pytest.mark.parametrize(
    ("idle", "why"),
    [
        pytest.param({"suspended": True}, "is suspended: it takes no delivery", id="suspended"),
        pytest.param(
            {"not_ready": "TokenNotFound: x"},
            "takes no delivery: TokenNotFound: x",
            id="not Ready",
        ),
    ],
)
def test_a_receiver_that_takes_no_delivery_covers_nothing(idle: Any, why: str) -> None:
    """It is found, and so is the source that counts on it."""
    seen = of(source(), receiver(**idle))

    assert why == next(text for kind, _, text in told(seen) if kind in ("suspended", "not-ready"))
    assert (
        "uncovered",
        "GitRepository flux-system/app",
        "only flux-system/app reaches it, which takes no delivery; it asks 48 times a day",
    ) in told(seen)


_OCI = source("charts", "HelmRepository", type="oci", url="oci://ghcr.io/acme/charts")


@pytest.mark.parametrize(
    ("found", "why"),
    [
        pytest.param([_OCI], "is of the type oci: it holds an address, and", id="static"),
        pytest.param(
            [
                source("web", "HelmChart", chart_of=("HelmRepository", "plain")),
                source("plain", "HelmRepository"),
            ],
            "follows HelmRepository flux-system/plain inside the cluster",
            id="chart of a repository",
        ),
        pytest.param(
            [source("web", "HelmChart", chart_of=("GitRepository", "app")), source()],
            "follows GitRepository flux-system/app inside the cluster",
            id="chart of a Git repository",
        ),
        pytest.param([source(suspended=True)], "is suspended: nothing is", id="suspended"),
        pytest.param(
            [source(pinned="commit")], "is pinned to a commit: nothing outside", id="pinned"
        ),
        pytest.param(
            [source("b", "Bucket", provider="generic")], "is known by the S3 API", id="bucket"
        ),
    ],
)
def test_what_needs_no_webhook_stands_apart(found: list[Source], why: str) -> None:
    """With the reason, and with the place where Flux says so; it is no finding."""
    row = of(*found).rows[0]

    assert "apart" == row.state
    assert row.why.startswith(why)
    assert "" != row.rule
    assert str(found[0]) not in {where for _, where, _ in told(of(*found))}


def test_a_chart_of_a_static_repository_asks_the_registry_itself() -> None:
    """Nothing in the cluster tells it of a new version."""
    chart = source("web", "HelmChart", chart_of=("HelmRepository", "charts"))
    seen = of(_OCI, chart)

    assert ["uncovered"] == [row.state for row in seen.rows if row.source == chart]


def test_a_provider_with_events_can_send_for_its_buckets() -> None:
    """So one without a Receiver is a gap."""
    assert ["uncovered"] == [row.state for row in of(source("b", "Bucket", provider="aws")).rows]


def test_a_receiver_may_reach_a_bucket_all_the_same() -> None:
    """MinIO sends events; whoever set that up is covered."""
    bucket = source("b", "Bucket", provider="generic")

    seen = of(bucket, receiver(Target(kind="Bucket", name="b")))

    assert ["covered"] == [row.state for row in seen.rows]


def test_what_is_ignored_is_no_gap() -> None:
    """By a pattern over kind, namespace and name."""
    policy = Policy(ignored=("HelmRepository/*/prometheus*",))
    community = source("prometheus-community", "HelmRepository")

    assert ["is ignored as asked"] == [row.why for row in of(community, policy=policy).rows]


@pytest.mark.parametrize(
    ("interval", "covered", "text"),
    [
        pytest.param("30m", True, None, id="as it may be"),
        pytest.param("5m", True, None, id="just enough"),
        pytest.param(
            "1m",
            True,
            "asks every 1m beside flux-system/app, which buys nothing; 30m is enough",
            id="for nothing",
        ),
        pytest.param("3000m", True, None, id="just often enough"),
        pytest.param(
            "3001m",
            True,
            "asks every 3001m only: a webhook that fails is not made up for before",
            id="no net",
        ),
        pytest.param("24h", False, None, id="slow, as allowed"),
        pytest.param(
            "25h",
            False,
            "without a webhook, its interval 25h is how late it is",
            id="late",
        ),
    ],
)
def test_intervals_out_of_policy_are_warnings(
    interval: str, covered: bool, text: str | None
) -> None:
    """Polling beside a webhook is a net: neither too fine nor too wide."""
    receivers = [receiver()] if covered else []
    seen = of(source(interval=interval), *receivers)

    assert [text] * (text is not None) == [f.text for f in seen.findings if f.kind == "interval"]
    assert {"warning"} >= {f.severity for f in seen.findings if f.kind == "interval"}


# Receivers


@pytest.mark.parametrize(
    ("target", "text"),
    [
        pytest.param(
            Target(kind="GitRepository", name="ap"),
            "there is no GitRepository flux-system/ap (answered 500)",
            id="missing",
        ),
        pytest.param(
            Target(kind="OCIRepository", name="app"),
            "there is no OCIRepository flux-system/app; GitRepository flux-system/app is there "
            "(answered 500)",
            id="wrong kind",
        ),
        pytest.param(
            Target(kind="GitRepository", name="app", namespace="apps"),
            "there is no GitRepository apps/app; there is one in the namespace flux-system "
            "(answered 500)",
            id="wrong namespace",
        ),
        pytest.param(
            Target(kind="ImageRepository", name="img"),
            "there is no ImageRepository flux-system/img, nor does the cluster have that kind "
            "(answered 500)",
            id="no such kind",
        ),
        pytest.param(
            Target(kind="GitRepository", name="*", labels={"team": "b"}),
            "no GitRepository in flux-system has the labels team=b (deliveries are answered 200 "
            "all the same)",
            id="labels",
        ),
        pytest.param(
            Target(kind="GitRepository", name="*", labels={"team": "a"}, namespace="apps"),
            "no GitRepository in apps has the labels team=a; the namespace flux-system has some "
            "(deliveries are answered 200 all the same)",
            id="labels elsewhere",
        ),
        pytest.param(
            Target(kind="GitRepository", name="*"),
            "GitRepository * has no matchLabels (deliveries are answered 500)",
            id="no labels",
        ),
        pytest.param(
            Target(kind="Kustomization", name="app"),
            "Kustomization app has no apiVersion, for which there is no default (deliveries are "
            "answered 500)",
            id="no apiVersion",
        ),
        pytest.param(
            Target(kind="GitRepository", name="app", api_version="helm.toolkit.fluxcd.io/v2"),
            "GitRepository app has the apiVersion helm.toolkit.fluxcd.io/v2; the kind's is "
            "source.toolkit.fluxcd.io/v1 (deliveries are answered 500)",
            id="another group",
        ),
    ],
)
def test_a_receiver_that_reaches_nothing_is_found(target: Target, text: str) -> None:
    """With what is there instead, and what a sender is answered."""
    seen = of(
        source(labels={"team": "a"}),
        receiver(target),
        not_served=frozenset({"ImageRepository"}),
    )

    assert ("misses-target", "Receiver flux-system/app", f"reaches nothing: {text}") in told(seen)
    assert ["uncovered"] == [row.state for row in seen.rows]


def test_another_namespace_is_reached_where_the_controller_allows_it() -> None:
    """By default it does; its flag is ours."""
    target = Target(kind="GitRepository", name="app", namespace="apps")
    found = (source(namespace="apps"), receiver(target))

    assert [] == told(of(*found))
    assert (
        "misses-target",
        "Receiver flux-system/app",
        "reaches nothing: GitRepository app is in the namespace apps, and the controller lets no "
        "Receiver reach another one (deliveries are answered 500)",
    ) in told(of(*found, policy=Policy(cross_namespace=False)))


def test_a_receiver_of_appliers_only_is_a_gap_and_one_besides_a_warning() -> None:
    """An applier follows its source inside the cluster."""
    applier = Target(kind="HelmRelease", name="web", api_version="helm.toolkit.fluxcd.io/v2")
    only = of(receiver(applier))
    besides = of(source(), receiver(Target(kind="GitRepository", name="app"), applier))

    follows = ", which connects to nothing outside the cluster: name the source instead"
    assert [f"reaches no source, only HelmRelease flux-system/web{follows}"] == [
        finding.text for finding in only.gaps
    ]
    assert ([], [f"reaches HelmRelease flux-system/web besides{follows}"]) == (
        besides.gaps,
        [finding.text for finding in besides.findings],
    )


def test_a_secret_past_its_age_is_found_where_asked() -> None:
    """To the day; the age of a Secret that was not asked for is no finding."""
    old = receiver(secret_created_at=NOW - datetime.timedelta(days=90))
    policy = Policy(older_than=datetime.timedelta(days=90))
    younger = dataclasses.replace(old, secret_created_at=NOW - datetime.timedelta(days=89))

    assert [("old-secret", "Receiver flux-system/app", "its Secret is 90 days old")] == told(
        of(source(), old, policy=policy)
    )
    assert [] == told(of(source(), old)) + told(of(source(), younger, policy=policy))


# What could not be seen


def test_nothing_is_claimed_of_kinds_that_may_not_be_read() -> None:
    """Neither that a target is missing nor, without Receivers, that a source is uncovered."""
    refused = "the cluster refused the OCIRepository objects: 403 Forbidden"
    hidden = of(
        receiver(Target(kind="OCIRepository", name="app")), unseen={"OCIRepository": refused}
    )
    blind = of(source(), unseen={"Receiver": "no"})

    assert ([], (refused,)) == (told(hidden), hidden.unseen)
    assert ([], ["unknown"]) == (told(blind), [row.state for row in blind.rows])


# Webhooks

SCOPE = Scope("github", "repository", "app")
STATE = StackState(
    project="fluxhooks",
    stack="dev",
    receivers={
        "app": DeclaredReceiver(
            name="app",
            urn="",
            live=1,
            generations={
                1: DeclaredGeneration(number=1, namespace="flux-system", receiver="app", path=PATH)
            },
            webhook=DeclaredWebhook(scope=SCOPE, id="1", url="https://flux.example.com" + PATH),
        )
    },
    hook_keys=frozenset({("github", "1")}),
)


def with_webhooks(*urls: str, **changes: Any) -> list[tuple[str, str, str]]:
    """Return what is found where the repository's webhooks call these; the first is declared."""
    webhooks = tuple(
        SeenWebhook(scope=SCOPE, id=str(number), url=url, **changes)
        for number, url in enumerate(urls, 1)
    )
    stack = StackWebhooks(state=STATE, webhooks=webhooks)
    return told(of(source(), receiver(), stack=stack))


_URL = "https://flux.example.com" + PATH
_UNRECEIVED = ("unreceived", "calls a path that no Receiver serves: it is answered 404")


def test_a_webhook_that_a_receiver_takes_is_no_finding() -> None:
    """Whatever else the repository has: other webhooks are other people's."""
    assert [] == with_webhooks(_URL, "https://ci.example.com/hook/x", "https://other.test" + PATH)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://flux.example.com" + OTHER_PATH, id="another path"),
        pytest.param(f"https://FLUX.example.com:443{OTHER_PATH}", id="the same host"),
        pytest.param(_URL + "/", id="slash"),
        pytest.param(_URL + "?a=b", id="query"),
    ],
)
def test_a_webhook_that_nobody_receives_is_found(url: str) -> None:
    """The controller compares the whole of what is asked for."""
    kind, text = _UNRECEIVED

    assert [(kind, "webhook app/2", text)] == with_webhooks(_URL, url)


def test_a_receiver_that_nothing_calls_is_found() -> None:
    """Because its webhook is gone, or because it does not send."""
    uncalled = ("uncalled", "Receiver flux-system/app", "no active webhook of the stack calls it")

    assert [uncalled] == with_webhooks()
    assert [
        ("inactive", "webhook app/1", "is not active, says GitHub"),
        uncalled,
    ] == with_webhooks(_URL, active=False, inactive_because=", says GitHub")


def test_no_path_is_in_what_is_told() -> None:
    """A hook path is a credential."""
    seen = of(
        source(),
        receiver(path=UNKNOWN_PATH),
        stack=StackWebhooks(
            state=STATE, webhooks=(SeenWebhook(scope=SCOPE, id="1", url=_URL + "/"),)
        ),
    )

    assert ["unreceived", "uncalled"] == [finding.kind for finding in seen.findings]
    assert [] == [path for path in (PATH, UNKNOWN_PATH) if path[6:] in f"{seen}{seen.as_json()}"]


# What the API server has


def test_a_source_is_read_without_its_credentials() -> None:
    """An address may hold a user, a token in the query, or both."""
    item = {
        "metadata": {"namespace": "apps", "name": "app", "labels": {"team": "a"}},
        "spec": {
            "interval": "1m0s",
            "url": "https://me:secret@github.com/acme/app.git?token=secret",
            "ref": {"branch": "main"},
            "suspend": True,
        },
    }

    assert Source(
        kind="GitRepository",
        namespace="apps",
        name="app",
        interval="1m0s",
        url="https://github.com/acme/app.git",
        labels={"team": "a"},
        suspended=True,
    ) == listing.source("GitRepository", item)


@pytest.mark.parametrize(
    ("kind", "spec", "url"),
    [
        pytest.param("ImageRepository", {"image": "ghcr.io/a/b"}, "oci://ghcr.io/a/b", id="image"),
        pytest.param(
            "Bucket",
            {"endpoint": "s3.example.com", "bucketName": "b"},
            "https://s3.example.com/b",
            id="bucket",
        ),
        pytest.param(
            "GitRepository", {"url": "git@github.com:a/b"}, "ssh://github.com/a/b", id="scp"
        ),
        pytest.param(
            "GitRepository",
            {"url": "ssh://git@github.com:22/a/b"},
            "ssh://github.com:22/a/b",
            id="ssh",
        ),
        pytest.param("HelmChart", {"chart": "web"}, "", id="chart"),
    ],
)
def test_where_a_source_is_fetched_from(kind: str, spec: dict[str, str], url: str) -> None:
    """In one form for all kinds."""
    assert url == listing.source(kind, {"spec": spec}).url


def test_a_helm_repository_without_an_interval_asks_every_minute() -> None:
    """As source-controller has it."""
    assert 60.0 == listing.source("HelmRepository", {"spec": {}}).seconds


def test_a_receiver_is_read_with_all_its_targets() -> None:
    """What is absent stays told from what is empty."""
    item = {
        "metadata": {"namespace": "apps", "name": "app"},
        "spec": {
            "type": "github",
            "secretRef": {"name": "token"},
            "resources": [
                {"kind": "GitRepository", "name": "app"},
                {"kind": "Bucket", "name": "*", "matchLabels": {}, "namespace": "b"},
            ],
        },
        "status": {"webhookPath": PATH},
    }

    assert Receiver(
        namespace="apps",
        name="app",
        type="github",
        targets=(
            Target(kind="GitRepository", name="app"),
            Target(kind="Bucket", name="*", namespace="b", labels={}),
        ),
        path=PATH,
        secret="token",
    ) == listing.receiver(item, "")


# Laws

_names = st.sampled_from(["a", "b"])
_labels = st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from(["1", "2"]), max_size=2)
_sources = st.builds(
    Source,
    kind=st.sampled_from(sorted(SOURCES)),
    namespace=_names,
    name=_names,
    interval=st.sampled_from(["", "1m", "30m", "48h", "5000m"]),
    labels=_labels,
    suspended=st.booleans(),
    pinned=st.sampled_from(["", "digest"]),
    type=st.sampled_from(["", "oci"]),
    provider=st.sampled_from(["generic", "aws"]),
    chart_of=st.tuples(st.sampled_from(["GitRepository", "HelmRepository"]), _names),
)
_targets = st.builds(
    Target,
    kind=st.sampled_from(sorted(KINDS)),
    name=st.sampled_from(["a", "b", "*"]),
    namespace=st.sampled_from(["", "a", "b"]),
    api_version=st.sampled_from(["", "source.toolkit.fluxcd.io/v1"]),
    labels=st.none() | _labels,
)
_receivers = st.builds(
    Receiver,
    namespace=_names,
    name=_names,
    targets=st.lists(_targets, max_size=3).map(tuple),
    suspended=st.booleans(),
    not_ready=st.sampled_from(["", "TokenNotFound"]),
)


def annotated(receiver: Receiver, found: list[Source]) -> set[tuple[str, str, str]]:
    """Return what a delivery annotates, as the controller's own code reads, line by line."""
    reached = set()
    if receiver.suspended or receiver.not_ready:
        return reached
    for target in receiver.targets:
        defaulted = {**SOURCES, "ArtifactGenerator": "source.extensions.fluxcd.io/v1beta1"}
        api_version = target.api_version or defaulted.get(target.kind, "")
        namespace = target.namespace or receiver.namespace
        # The controller asks for objects by group and kind; where they differ it finds none.
        if SOURCES.get(target.kind) != api_version:
            continue
        objects = [s for s in found if (s.kind, s.namespace) == (target.kind, namespace)]
        if target.name != "*":
            reached |= {s.key for s in objects if s.name == target.name}
        elif target.labels is not None:
            wanted = target.labels.items()
            reached |= {s.key for s in objects if all(s.labels.get(k) == v for k, v in wanted)}
    return reached


@settings(deadline=None, max_examples=300)
@given(
    found=st.lists(_sources, max_size=6, unique_by=lambda s: s.key),
    receivers=st.lists(_receivers, max_size=4, unique_by=lambda r: r.key),
)
def test_a_source_is_covered_by_a_receiver_or_it_is_told(
    found: list[Source], receivers: list[Receiver]
) -> None:
    """Each one, exactly once: covered where a delivery reaches it, a gap, or apart with a reason.

    What a delivery reaches is decided anew, after the controller's source.
    """
    seen = of(*found, *receivers)
    covered = set().union(*(annotated(one, found) for one in receivers))
    gaps = [f.where for f in seen.findings if f.kind == "uncovered"]

    assert [s.key for s in found] == [row.source.key for row in seen.rows]
    for row in seen.rows:
        key, static = row.source.key, row.source.type == "oci"
        static = static and row.source.kind == "HelmRepository"
        assert (key in covered and not static) == (row.state == "covered")
        assert (row.state == "uncovered") == (str(row.source) in gaps)
        assert (row.state == "apart") == bool(row.why)
        assert (row.state == "covered") == bool(row.receivers) or static
    assert len(gaps) == len(set(gaps))
