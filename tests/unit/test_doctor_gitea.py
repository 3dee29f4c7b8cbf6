"""What is told of a chain whose webhook is at a Gitea, where it differs from the other forges'."""

from typing import Any

import pytest

from fluxhooks.observe.doctor import glob
from fluxhooks.observe.doctor.diagnosis import Sure
from fluxhooks.observe.doctor.faults import Fault
from fluxhooks.observe.doctor.links import delivery, receiver, webhook
from tests.unit import forge_evidence as given
from tests.unit.forge_evidence import UNSERVED, cluster, evidence, of_stack, source, url

PAGE = "https://git.example.com/acme/app/settings/hooks/42"
TOKEN = (
    "`echo \"$(kubectl -n flux-system get secret app-g2 -o jsonpath='{.data.token}' | base64 -d)\"`"
)
URL = (
    '`echo "https://flux.example.com$(kubectl -n flux-system get receiver app-g2 -o '
    "jsonpath='{.status.webhookPath}')\"`"
)


def seen(**changes: Any) -> Any:
    """A chain of a cluster whose webhook is as it is made, but for `changes`."""
    return evidence("gitea", given.webhook("gitea", has_secret=None, **changes))


@pytest.mark.parametrize(
    ("changes", "fault", "wrong", "cure"),
    [
        pytest.param(
            {"json": False},
            Fault.WEBHOOK_FORM,
            "its content type is form: Gitea signs the JSON in it and not the form, so that each "
            "delivery is refused",
            f"set it to json: at {PAGE}",
            id="form",
        ),
        pytest.param(
            {"active": False},
            Fault.WEBHOOK_INACTIVE,
            "it is switched off: the forge sends nothing",
            f"switch it on: at {PAGE}",
            id="inactive",
        ),
        pytest.param(
            {"branch_filter": "release/*", "branch_filter_strategy": "glob"},
            Fault.WEBHOOK_BRANCH_FILTER,
            "its branch filter 'release/*' leaves out what is followed by GitRepository "
            "flux-system/app (main)",
            f"take the filter away, or let the branch pass: at {PAGE}",
            id="branch filter",
        ),
        pytest.param(
            {"events": frozenset({"release"})},
            Fault.WEBHOOK_EVENTS_MISSING,
            "it sends release, and not push, which GitRepository flux-system/app needs",
            f"have it send that too: at {PAGE}",
            id="events missing",
        ),
        pytest.param(
            {"url": url(UNSERVED)},
            Fault.WEBHOOK_STALE_PATH,
            "it calls a path that no Receiver serves, and not Receiver flux-system/app-g2",
            f"have it call the live path, with the live token: at {PAGE}, with what these print: "
            f"{URL}, {TOKEN}",
            id="another path",
        ),
    ],
)
def test_what_is_wrong_is_told_with_gitea_s_own_page(
    changes: dict[str, Any], fault: Fault, wrong: str, cure: str
) -> None:
    """It has no command line that could, and its API gives no webhook another secret."""
    (finding,) = webhook.examine(seen(**changes)).findings

    assert (fault, wrong, cure, Sure.PROVED) == (
        finding.fault,
        finding.wrong,
        finding.cure,
        finding.sure,
    )


def test_a_stacks_webhook_is_set_right_by_its_update() -> None:
    """As everywhere."""
    (finding,) = webhook.examine(of_stack(seen(json=False), "gitea")).findings

    assert "set it to json: `pulumi up --refresh`" == finding.cure


def test_a_missing_webhook_is_made_by_hand() -> None:
    """On the page of all, by what a command prints."""
    chain = evidence("gitea", of_forge={"webhook": None, "webhooks": ()})

    (finding,) = webhook.examine(chain).findings

    assert (
        "make it: at https://git.example.com/acme/app/settings/hooks, of the type Gitea, with what "
        f"these print: {URL}, {TOKEN}"
    ) == finding.cure


def test_deliveries_are_at_its_page_alone() -> None:
    """Nothing is broken there, and nothing was missed by whoever looked."""
    examined = delivery.examine(seen(), ())

    assert (f"Gitea tells of deliveries at {PAGE} alone", ()) == (examined.seen, examined.findings)


def test_a_receiver_of_another_type_is_told() -> None:
    """Gitea sends as GitHub does."""
    chain = evidence("gitea", cluster=cluster(given.receiver("gitea", type="gitlab"), source()))

    (finding,) = (
        found
        for found in receiver.examine(chain).findings
        if found.fault is Fault.RECEIVER_OTHER_TYPE
    )

    assert "one of Gitea" in finding.wrong
    assert "set type to github" in finding.cure
    assert [] == [
        found.fault
        for found in webhook.examine(chain).findings
        if found.fault is Fault.WEBHOOK_EVENTS_MISSING
    ]


def test_of_githubs_registry_gitea_hears_nothing() -> None:
    """An image beside the repository needs another sender, which is no fault of this webhook."""
    image = source("OCIRepository", "image", url="oci://ghcr.io/acme/app")
    resources = [
        {"kind": "GitRepository", "name": "app"},
        {"kind": "OCIRepository", "name": "image"},
    ]
    chain = evidence(
        "gitea",
        given.webhook("gitea"),
        cluster=cluster(given.receiver("gitea", resources=resources), source(), image),
    )

    assert () == webhook.examine(chain).findings


@pytest.mark.parametrize(
    ("pattern", "branch", "sent"),
    [
        pytest.param("*", "feature/a", True, id="all, slashes too"),
        pytest.param("main", "main", True, id="one"),
        pytest.param("main", "maint", False, id="no more than the name"),
        pytest.param("{main,dev}", "dev", True, id="one of several"),
        pytest.param("{main,dev}", "prod", False, id="none of several"),
        pytest.param("release/*", "release/1/2", True, id="below"),
        pytest.param("v?", "v1", True, id="one character"),
        pytest.param("v[0-9]", "vx", False, id="a class"),
        pytest.param("v[!0-9]", "vx", True, id="not of a class"),
        pytest.param("refs/heads/main", "main", True, id="the whole ref"),
        pytest.param("a,b", "a,b", True, id="a comma outside braces"),
        pytest.param(r"a\*", "a*", True, id="escaped"),
        pytest.param("[", "main", True, id="what cannot be read"),
    ],
)
def test_a_branch_filter_is_read_as_gitea_reads_it(
    pattern: str, branch: str, *, sent: bool
) -> None:
    """A pattern that cannot be read is no proof of anything."""
    found = glob.matches(pattern, branch) or glob.matches(pattern, f"refs/heads/{branch}")

    assert sent == found
