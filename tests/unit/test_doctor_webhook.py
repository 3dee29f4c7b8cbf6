"""What a webhook's settings at the forge are judged to be."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from fluxhooks.components.forges import gitlab_events
from fluxhooks.observe.doctor import calling
from fluxhooks.observe.doctor.conditions import REQUESTED_AT
from fluxhooks.observe.doctor.diagnosis import Examined, State, Sure
from fluxhooks.observe.doctor.evidence import Evidence
from fluxhooks.observe.doctor.faults import Fault
from fluxhooks.observe.doctor.links.delivery import examine as examine_deliveries
from fluxhooks.observe.doctor.links.webhook import _flag, examine
from fluxhooks.observe.forges.gitlab import _event
from fluxhooks.observe.probing.replies import Reply
from tests.leaks import Leaks
from tests.unit import forge_evidence as given
from tests.unit.forge_evidence import (
    HOST,
    OLD_PATH,
    PATH,
    TOKEN,
    UNSERVED,
    cluster,
    delivery,
    evidence,
    of_stack,
    receiver,
    source,
    url,
    webhook,
)


def faults(examined: Examined) -> list[Fault]:
    return [finding.fault for finding in examined.findings]


@pytest.mark.parametrize("forge", ["gitea", "github", "gitlab"])
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="as it is made"),
        pytest.param({"has_secret": None}, id="a forge that does not tell of secrets"),
        pytest.param({"url": url(host=f"{HOST}:443")}, id="the usual port, said"),
        pytest.param({"url": url(host="FLUX.example.com")}, id="capital letters"),
        pytest.param({"branch_filter": "ma*"}, id="a filter that lets the branch pass"),
    ],
)
def test_nothing_is_wrong_with_what_works(forge: str, changes: dict[str, Any]) -> None:
    """Neither of a cluster's chain nor of a stack's."""
    seen = evidence(forge, webhook(forge, **changes))
    for each in (seen, of_stack(seen, forge)):
        examined = examine(each)

        assert [] == faults(examined)
        assert State.OK is examined.state
        assert "calls Receiver flux-system/app-g2" in examined.seen


@pytest.mark.parametrize(
    ("changes", "fault", "cure"),
    [
        pytest.param(
            {"active": False},
            Fault.WEBHOOK_INACTIVE,
            "switch it on: `gh api -X PATCH repos/acme/app/hooks/42 -F active=true`",
            id="inactive",
        ),
        pytest.param(
            {"json": False},
            Fault.WEBHOOK_FORM,
            "set it to json: `gh api -X PATCH repos/acme/app/hooks/42/config -f content_type=json`",
            id="form",
        ),
        pytest.param(
            {"has_secret": False},
            Fault.WEBHOOK_NO_SECRET,
            "give it the Receiver's token: `gh api -X PATCH repos/acme/app/hooks/42/config -f "
            '"secret=$(kubectl -n flux-system get secret app-g2 -o '
            "jsonpath='{.data.token}' | base64 -d)\"`",
            id="no secret",
        ),
        pytest.param(
            {"events": frozenset({"release"})},
            Fault.WEBHOOK_EVENTS_MISSING,
            "have it send that too: `gh api -X PATCH repos/acme/app/hooks/42 -f "
            "'add_events[]=push'`",
            id="another event",
        ),
        pytest.param(
            {"url": url(UNSERVED)},
            Fault.WEBHOOK_STALE_PATH,
            "have it call the live path, with the live token: `gh api -X PATCH "
            'repos/acme/app/hooks/42/config -f "url=https://flux.example.com$(kubectl -n '
            "flux-system get receiver app-g2 -o jsonpath='{.status.webhookPath}')\" -f "
            '"secret=$(kubectl -n flux-system get secret app-g2 -o '
            "jsonpath='{.data.token}' | base64 -d)\"`",
            id="a path that nobody serves",
        ),
        pytest.param(
            {"url": url() + "/"},
            Fault.WEBHOOK_URL_INEXACT,
            "have it call exactly that path: `gh api",
            id="a slash too much",
        ),
        pytest.param(
            {"url": url() + "?a=b"},
            Fault.WEBHOOK_URL_INEXACT,
            "have it call exactly that path: `gh api",
            id="a query",
        ),
        pytest.param(
            {"url": url("/flux" + PATH)},
            Fault.WEBHOOK_URL_INEXACT,
            "have it call exactly that path: `gh api",
            id="a prefix",
        ),
        pytest.param(
            {"url": url(host="old.example.com")},
            Fault.WEBHOOK_OTHER_HOST,
            "have it call flux.example.com: `gh api",
            id="another host",
        ),
        pytest.param(
            {"url": url("/elsewhere", host="old.example.com"), "has_secret": False},
            Fault.WEBHOOK_OTHER_HOST,
            "have it call flux.example.com: `gh api",
            id="something else altogether",
        ),
    ],
)
def test_one_thing_wrong_is_one_finding(changes: dict[str, Any], fault: Fault, cure: str) -> None:
    """With the command that mends it, or the update of the stack that does."""
    seen = evidence("github", webhook(**changes))
    examined = examine(seen)
    stacks = examine(of_stack(seen))

    assert ([fault], State.BROKEN) == (faults(examined), examined.state)
    assert examined.findings[0].cure.startswith(cure)
    assert "webhook acme/app 42" == examined.findings[0].where
    assert ([fault], State.BROKEN) == (faults(stacks), stacks.state)
    assert (
        "`pulumi up --refresh`" in stacks.findings[0].cure
        or "`fluxhooks rotate STACK app`" in stacks.findings[0].cure
    )


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        pytest.param({"url": url().replace("https", "http")}, Fault.WEBHOOK_NOT_HTTPS, id="no TLS"),
        pytest.param({"verifies_tls": False}, Fault.WEBHOOK_TLS_UNCHECKED, id="unchecked"),
        pytest.param(
            {"events": frozenset({"push", "issues"})}, Fault.WEBHOOK_EVENTS_REFUSED, id="too many"
        ),
        pytest.param({"events": frozenset({"*"})}, Fault.WEBHOOK_EVENTS_REFUSED, id="all"),
    ],
)
def test_what_stops_nothing_is_a_warning(changes: dict[str, Any], fault: Fault) -> None:
    """The walk goes on."""
    examined = examine(evidence("github", webhook(**changes)))

    assert ([fault], State.WARNING) == (faults(examined), examined.state)


def test_a_redirect_is_what_is_told_of_http() -> None:
    """The ingress says so; it is one cause."""
    redirected = given.public()
    replies = {"control": Reply(status=308), "unsigned": Reply(status=308)}
    seen = evidence(
        "github",
        webhook(url=url().replace("https", "http")),
        public=type(redirected)(url=redirected.url, **replies),
    )

    assert [] == faults(examine(seen))


@pytest.mark.parametrize(
    ("filter_", "strategy", "left_out"),
    [
        ("release-*", "wildcard", True),
        ("main", "wildcard", False),
        ("m?in", "wildcard", True),
        ("*ain", "wildcard", False),
        ("^rel", "regex", True),
        ("ai", "regex", False),
        ("(", "regex", False),
        ("", "wildcard", False),
    ],
)
def test_a_branch_filter_is_read_as_gitlab_reads_it(
    filter_: str, strategy: str, left_out: bool
) -> None:
    """An asterisk is all a wildcard knows; an expression may match anywhere."""
    seen = webhook("gitlab", branch_filter=filter_, branch_filter_strategy=strategy)

    found = faults(examine(evidence("gitlab", seen)))

    assert ([Fault.WEBHOOK_BRANCH_FILTER] if left_out else []) == found


def test_a_branch_filter_is_no_matter_of_tags() -> None:
    """GitLab filters pushes only."""
    seen = evidence(
        "gitlab",
        webhook("gitlab", branch_filter="release-*"),
        cluster=cluster(receiver("gitlab"), source(ref={"semver": ">=1"})),
    )

    assert [] == faults(examine(seen))


@pytest.mark.parametrize(
    ("sent", "taken", "reference", "missing"),
    [
        pytest.param({"Push Hook"}, None, {"semver": ">=1"}, True, id="tags are no pushes"),
        pytest.param({"Tag Push Hook"}, None, {"tag": "v1"}, False, id="a tag"),
        pytest.param({"Tag Push Hook"}, None, {"branch": "main"}, True, id="a branch"),
        pytest.param({"Tag Push Hook"}, None, {"commit": "1" * 40}, False, id="one commit"),
        pytest.param(
            {"Pipeline Hook"}, ["Pipeline Hook"], {"branch": "main"}, False, id="meant by both"
        ),
        pytest.param(
            {"Pipeline Hook"}, ["Pipeline Hook", "push hook"], {"branch": "main"}, True, id="not"
        ),
        pytest.param(set(), ["Pipeline Hook"], {"branch": "main"}, True, id="nothing at all"),
    ],
)
def test_what_the_sources_need_has_to_be_sent(
    sent: set[str], taken: list[str] | None, reference: dict[str, str], missing: bool
) -> None:
    """Unless both sides have agreed on something else."""
    seen = evidence(
        "gitlab",
        webhook("gitlab", events=frozenset(sent)),
        cluster=cluster(receiver("gitlab", events=taken), source(ref=reference)),
    )

    assert ([Fault.WEBHOOK_EVENTS_MISSING] if missing else []) == faults(examine(seen))


def test_two_webhooks_may_share_the_work() -> None:
    """What one does not send the other does."""
    tags = webhook("gitlab", id="43", events=frozenset({"Tag Push Hook"}))
    both = evidence(
        "gitlab",
        webhook("gitlab", events=frozenset({"Push Hook"})),
        tags,
        cluster=cluster(receiver("gitlab"), source(ref={"semver": "*"})),
    )

    assert [] == faults(examine(both))


def test_packages_are_needed_of_githubs_own_registry_only() -> None:
    """GitHub tells of no other."""
    for address, missing in (("ghcr.io/acme/app", True), ("registry.example.com/app", False)):
        image = source("ImageRepository", url="", image=address)
        target = {"kind": "ImageRepository", "name": "app"}
        seen = evidence("github", cluster=cluster(receiver(events=None, resources=[target]), image))

        assert ([Fault.WEBHOOK_EVENTS_MISSING] if missing else []) == faults(examine(seen))


def test_an_event_that_the_receiver_has_to_take_is_told_there() -> None:
    """One cause, one finding: the Receiver's."""
    seen = evidence("github", cluster=cluster(receiver(events=["release"]), source()))

    assert [] == faults(examine(seen))


def test_where_nothing_that_is_sent_is_taken_the_log_tells() -> None:
    """And not the settings too."""
    pages = source("HelmRepository")
    target = {"kind": "HelmRepository", "name": "app"}
    seen = evidence(
        "github",
        webhook(events=frozenset({"page_build"})),
        cluster=cluster(receiver(resources=[target]), pages),
        of_forge={"deliveries": (delivery(400, event="page_build"),)},
    )

    assert [] == faults(examine(seen))


# Which Receiver


@pytest.mark.parametrize("listed", [True, False])
def test_an_older_generation_is_told_by_its_number(listed: bool) -> None:
    """Whether its Receiver is still there or not."""
    others = [receiver(number=1, path=OLD_PATH)] if listed else []
    seen = evidence(
        "github",
        webhook(url=url(OLD_PATH)),
        cluster=cluster(receiver(), source(), *others),
    )

    (finding,) = examine(of_stack(seen)).findings

    assert Fault.WEBHOOK_OLD_GENERATION is finding.fault
    assert (
        "it calls generation 1, Receiver flux-system/app-g1, and not Receiver flux-system/app-g2"
        == finding.wrong
    )
    assert Sure.PROVED is finding.sure


def test_a_newer_generation_is_a_rotation_under_way() -> None:
    """It was pointed there, and the run was not finished."""
    seen = evidence(
        "github",
        webhook(url=url(OLD_PATH)),
        cluster=cluster(receiver(), receiver(number=3, path=OLD_PATH), source()),
    )
    examined = examine(of_stack(seen))

    assert (State.OK, []) == (examined.state, faults(examined))
    assert "calls generation 3: a rotation is not finished" in examined.seen


def test_the_receiver_of_something_else_is_named() -> None:
    """It is served, by another one."""
    other = receiver(number=7, path=UNSERVED)
    other = type(other)(kind="Receiver", namespace="web", name="shop", status=other.status)
    seen = evidence(
        "github", webhook(url=url(UNSERVED)), cluster=cluster(receiver(), source(), other)
    )

    (finding,) = examine(of_stack(seen)).findings

    assert Fault.WEBHOOK_OTHER_RECEIVER is finding.fault
    assert "it calls Receiver web/shop instead of Receiver flux-system/app-g2" == finding.wrong


@pytest.mark.parametrize("at", ["project", "group"])
def test_an_event_is_asked_for_by_the_name_gitlab_has_for_it(at: str) -> None:
    """In the plural where GitLab has it so: the table of the components is the judge."""
    assert dict(gitlab_events.EVENTS[at]) == {
        event: _flag(event) for event in gitlab_events.EVENTS[at]
    }
    assert dict(gitlab_events.EVENTS[at]) == {
        _event(flag): flag for flag in gitlab_events.EVENTS[at].values()
    }


def test_a_receiver_that_lags_behind_its_secret_is_not_the_webhooks_fault() -> None:
    """The path of the new token is right, though it is not served yet."""
    seen = evidence("github", cluster=cluster(receiver(path=UNSERVED), source()))

    assert [] == faults(examine(seen))


@pytest.mark.parametrize("path", ["", None])
def test_without_a_path_nothing_is_said_of_webhooks(path: str | None) -> None:
    """What made the Receiver lose it is what has to be told."""
    lost = receiver(path=path or "", secretRef={"name": "gone"})
    objects = [] if path is None else [lost]
    for found in (webhook(), None):
        seen = evidence(
            "github",
            cluster=cluster(source(), *objects),
            of_forge={"webhook": found},
            **({} if objects or found else {"managed": False}),
        )

        assert [] == faults(examine(seen))


@pytest.mark.parametrize("odd", ["/flux" + PATH, PATH + "?x=1", PATH + "/"])
def test_what_deliveries_pass_is_no_fault(odd: str) -> None:
    """An ingress takes prefixes away; several names may lead to one host."""
    went = {"deliveries": (delivery(200),)}
    failed = {"deliveries": (delivery(404),)}
    before = {"deliveries": (delivery(200, ago=15 * 24 * 60),)}

    odd_url = webhook(url=url(odd))
    assert [] == faults(examine(evidence("github", odd_url, of_forge=went)))
    for log in (failed, before):
        found = faults(examine(evidence("github", odd_url, of_forge=log)))
        assert [Fault.WEBHOOK_URL_INEXACT] == found


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"url": url(host="other.example.com")}, id="another name of the host"),
        pytest.param({"json": False}, id="forms, and nothing that looks into them"),
    ],
)
def test_what_arrives_is_no_fault(odd: dict[str, Any]) -> None:
    """The source was asked to reconcile when it was delivered; an answer alone proves nothing."""
    log = {"deliveries": (delivery(200),)}
    asked = (given.NOW - given.minutes(10)).isoformat()
    annotated = dataclasses.replace(source(), annotations={REQUESTED_AT: asked})
    arrived = cluster(receiver(), annotated)
    seen = evidence("github", webhook(**odd), of_forge=log)

    assert [] == faults(examine(dataclasses.replace(seen, cluster=arrived)))
    assert 1 == len(faults(examine(seen)))


def test_without_a_cluster_the_stack_is_what_counts() -> None:
    """What it says of the live generation; more is only likely."""
    for path, fault, sure in (
        (PATH, None, None),
        (OLD_PATH, Fault.WEBHOOK_OLD_GENERATION, Sure.PROVED),
        (UNSERVED, Fault.WEBHOOK_STALE_PATH, Sure.LIKELY),
    ):
        seen = of_stack(evidence("github", webhook(url=url(path)), cluster=None))
        found = examine(seen).findings
        assert ([(fault, sure)] if fault else []) == [(each.fault, each.sure) for each in found]


# None


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_a_webhook_that_is_missing_is_made(forge: str) -> None:
    """By the stack, or by a command without a secret in it."""
    seen = evidence(forge, of_forge={"webhook": None, "webhooks": ()})
    (finding,), (stacks,) = examine(seen).findings, examine(of_stack(seen, forge)).findings

    assert [Fault.WEBHOOK_MISSING] * 2 == [finding.fault, stacks.fault]
    assert "no webhook there calls Receiver flux-system/app-g2" == finding.wrong
    client = "gh api repos/acme/app/hooks" if forge == "github" else "glab api -X POST projects/"
    assert f"make it: `{client}" in finding.cure
    assert "`pulumi up --refresh` makes it anew" == stacks.cure
    assert Sure.PROVED is finding.sure


def test_what_may_be_hidden_is_only_likely_to_be_missing() -> None:
    """An organisation's webhook may be the one, and the token may not list those."""
    hidden = {"webhook": None, "webhooks": (), "hidden": ("acme",)}
    (finding,) = examine(evidence("github", of_forge=hidden)).findings

    assert Sure.LIKELY is finding.sure
    assert "the webhooks of acme may not be seen" in finding.evidence


def test_others_that_call_receivers_are_evidence() -> None:
    """They may be those of another cluster, or what is left of one's own."""
    other = webhook(id="7", url=url(UNSERVED, host="staging.example.com"))
    (finding,) = examine(evidence("github", other, of_forge={"webhook": None})).findings

    assert (
        "webhook acme/app 7 calls a Receiver's path at staging.example.com, which no Receiver "
        "here serves" in finding.evidence
    )


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        pytest.param({"forge": None, "managed": False}, State.ABSENT, id="told by hand"),
        pytest.param({"forge": None}, State.UNSEEN, id="nobody knows which forge"),
        pytest.param(
            {"of_forge": {"unseen": "GitHub is out"}, "cluster": None}, State.UNSEEN, id="outage"
        ),
        pytest.param(
            {"of_forge": {"webhook": None}, "managed": False}, State.ABSENT, id="may be elsewhere"
        ),
    ],
)
def test_what_cannot_be_known_is_no_finding(changes: dict[str, Any], state: State) -> None:
    """It is said why."""
    examined = examine(evidence("github", **changes))

    assert (state, []) == (examined.state, faults(examined))
    assert examined.seen


def test_a_stack_that_made_none_is_told_so() -> None:
    """Its first update was not finished."""
    seen = of_stack(evidence("github", forge=None), webhook=None)
    (finding,) = examine(seen).findings

    assert (Fault.WEBHOOK_MISSING, "`pulumi up --refresh` makes it") == (
        finding.fault,
        finding.cure,
    )


def test_an_url_that_gitlab_hides_is_not_compared() -> None:
    """Its parts in braces may be anything."""
    hidden = webhook("gitlab", url="https://{host}/hook/{path}")
    for chosen in (hidden, None):
        examined = examine(evidence("gitlab", hidden, of_forge={"webhook": chosen}))

        assert [] == faults(examined)
        assert "GitLab shows parts of" in examined.seen


# What a forge disabled


def test_a_webhook_that_gitlab_disabled_tells_of_what() -> None:
    """And how it is enabled again; where a setting is the cause, that is what is told."""
    off = {"active": False, "disabled": True, "inactive_because": ": GitLab disabled it"}
    log = {"deliveries": (delivery(503, forge="gitlab"),)}
    (finding,) = examine(evidence("gitlab", webhook("gitlab", **off), of_forge=log)).findings
    stale = examine(evidence("gitlab", webhook("gitlab", url=url(UNSERVED), **off), of_forge=log))

    assert Fault.WEBHOOK_DISABLED is finding.fault
    assert "its newest delivery, Push Hook 503-10, was answered 503" in finding.evidence
    assert "`glab api -X POST projects/acme%2Fapp/hooks/42/test/push_events`" in finding.cure
    assert [Fault.WEBHOOK_STALE_PATH] == faults(stale)


def test_a_webhook_that_gitlab_disabled_for_its_token_is_a_symptom() -> None:
    """What lasts is told where it is, with what enables the webhook again."""
    off = {"active": False, "disabled": True, "inactive_because": ": GitLab disabled it"}
    log = {"deliveries": (delivery(400, forge="gitlab"),)}
    seen = evidence("gitlab", webhook("gitlab", **off), of_forge=log)
    examined, cause = examine(seen), examine_deliveries(seen, ())

    assert (State.SYMPTOM, []) == (examined.state, faults(examined))
    assert "webhook acme/app 42 is disabled: GitLab disabled it" == examined.seen
    assert [Fault.DELIVERY_SECRET_DIFFERS] == faults(cause)
    assert cause.findings[0].cure.endswith(
        "then have it tested, which enables it: `glab api -X POST "
        "projects/acme%2Fapp/hooks/42/test/push_events`"
    )


# Twins


def test_a_second_webhook_on_a_dead_path_is_a_warning() -> None:
    """With the command that deletes it."""
    twin = webhook(id="7", url=url(UNSERVED))
    seen = evidence("github", webhook(), twin, of_forge={"strays": (twin,)})
    (finding,), examined = examine(seen).findings, examine(seen)

    assert (Fault.WEBHOOK_TWIN, State.WARNING) == (finding.fault, examined.state)
    assert "delete it: `gh api -X DELETE repos/acme/app/hooks/7`" == finding.cure
    (stacks,) = examine(of_stack(seen)).findings
    assert stacks.cure.startswith("`fluxhooks prune STACK`")


def _all_of_them() -> list[Callable[[], Evidence]]:
    urls = [url(), url(UNSERVED), url(OLD_PATH), url() + "?a", url(host="other.example.com")]
    return [
        lambda each=each, forge=forge, active=active: of_stack(
            evidence(
                forge,
                webhook(forge, url=each, has_secret=False, active=active, disabled=not active),
                of_forge={"strays": (webhook(forge, id="7", url=url(UNSERVED)),)},
            ),
            forge,
        )
        for each in urls
        for forge in ("github", "gitlab")
        for active in (True, False)
    ]


@pytest.mark.parametrize("seen", _all_of_them())
def test_nothing_secret_is_told(seen: Callable[[], Evidence]) -> None:
    """Neither token nor path, and no URL."""
    leaks = Leaks()
    leaks.know_token(TOKEN)
    for path in (PATH, OLD_PATH, UNSERVED):
        leaks.know_path(path)
    examined = examine(seen())
    leaks.read("what is told", str(examined.as_json()))
    leaks.read("its repr", repr(examined))

    assert {"a token", "a token in base64", "a hook path"} == leaks.kinds
    assert [] == leaks.found()


def test_hosts_are_compared_without_what_makes_no_difference() -> None:
    """Credentials in front of it, capital letters, and the usual port."""
    assert "flux.example.com" == calling.same_host("user:secret@Flux.example.com:443")
    assert "flux.example.com:8443" == calling.same_host("flux.example.com:8443")


@pytest.mark.parametrize(("forge", "other"), [("github", "gitlab"), ("gitlab", "github")])
def test_a_receiver_of_the_other_forges_type_is_not_the_webhooks_fault(
    forge: str, other: str
) -> None:
    """Events go by other names there: what it sends is right, and is the Receiver's to take."""
    seen = evidence(forge, cluster=cluster(receiver(other), source()))

    assert [] == faults(examine(seen))
