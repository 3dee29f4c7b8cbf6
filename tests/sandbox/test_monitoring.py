"""What a monitor asks of forges that are in an outage, limit it, or are silent: counted there."""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from fluxhooks.errors import ObservationError
from fluxhooks.flux.hook_path import UNKNOWN_PATH
from fluxhooks.observe.doctor.settings import Settings
from fluxhooks.observe.doctor.subjects import OfStack
from fluxhooks.observe.monitoring.monitor import DOCTOR, Monitor, Wanted
from fluxhooks.observe.monitoring.patience import PatientForges
from fluxhooks.observe.state import (
    DeclaredGeneration,
    DeclaredReceiver,
    DeclaredWebhook,
    ProviderSettings,
    Scope,
    StackState,
)
from sandbox.forges.faults import Fault
from sandbox.forges.github import GitHub
from sandbox.forges.gitlab import GitLab
from tests.sandbox.receiver import Receiver

EVERY = 300
LOOKS = 12
"""An hour of looks."""

REPOSITORIES = 5
_NUMBERS = itertools.count()


class Clock:
    """The time, as far as it is waited for."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Site:
    """A forge's stand-in, with webhooks that a stack declares, and a monitor of them."""

    def __init__(self, forge: GitHub | GitLab, clock: Clock, receiver: Receiver) -> None:
        self.forge = forge
        self.name = "github" if isinstance(forge, GitHub) else "gitlab"
        self.clock = clock
        webhooks = [self._webhook(receiver.url()) for _ in range(REPOSITORIES)]
        forge.wait_idle()
        wanted = Wanted(chains=OfStack(state=_state(webhooks, self.name)))
        self.forges = PatientForges(
            ProviderSettings(), first=EVERY, clock=clock, random=lambda: 0.0
        )
        self.monitor = Monitor(
            wanted,
            read=lambda: wanted,
            connect=_no_cluster,
            forges=self.forges,
            settings=Settings(settle_for=0),
            transport=httpx.MockTransport(_flux),
        )

    def look(self) -> None:
        """Look once, when it is time."""
        self.monitor.diagnose()
        self.clock.now += EVERY

    def value(self) -> tuple[bool, float | None]:
        """Whether the forge is up, and when it answered last."""
        source = self.monitor.known().sources[self.name]
        return source.up, source.seen_at

    def deliveries(self) -> list[int | None]:
        """The status of each chain's last delivery."""
        return [facts.delivery_status for facts in self.monitor.known().chains.values()]

    def _webhook(self, url: str) -> DeclaredWebhook:
        name = f"monitored-{next(_NUMBERS)}"
        if isinstance(self.forge, GitHub):
            self.forge.create_repository(name)
            answer = httpx.post(
                f"{self.forge.base_url}api/v3/repos/{self.forge.owner}/{name}/hooks",
                headers={"Authorization": f"token {self.forge.token}"},
                json={
                    "config": {"url": url, "content_type": "json", "secret": "x"},
                    "events": ["push"],
                },
                trust_env=False,
            ).json()
            scope = Scope("github", "repository", name)
            return DeclaredWebhook(
                scope=scope, id=str(answer["id"]), api_url=answer["url"], url=url
            )
        path = f"{self.forge.group}/{name}"
        self.forge.create_project(path)
        answer = httpx.post(
            f"{self.forge.base_url}api/v4/projects/{path.replace('/', '%2F')}/hooks",
            headers={"PRIVATE-TOKEN": self.forge.token},
            json={"url": url, "token": "x", "push_events": True},
            trust_env=False,
        ).json()
        return DeclaredWebhook(
            scope=Scope("gitlab", "project", path), id=str(answer["id"]), url=url
        )


def _no_cluster() -> Any:
    raise ObservationError("the cluster could not be asked")


def _flux(request: httpx.Request) -> httpx.Response:
    return httpx.Response(404 if request.url.path == UNKNOWN_PATH else 400)


def _state(webhooks: list[DeclaredWebhook], forge: str) -> StackState:
    receivers = {
        f"app-{number}": DeclaredReceiver(
            name=f"app-{number}",
            urn=f"urn-{number}",
            type=forge,
            live=1,
            finished_url=webhook.url,
            generations={
                1: DeclaredGeneration(
                    number=1, namespace="flux-system", receiver=f"app-{number}", path=webhook.path
                )
            },
            webhook=webhook,
        )
        for number, webhook in enumerate(webhooks)
    }
    return StackState(project="p", stack="s", receivers=receivers)


@pytest.fixture(params=["github", "gitlab"])
def site(request: pytest.FixtureRequest, receiver: Receiver) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as environment:
        forge: Any = request.getfixturevalue(request.param)
        base = forge.base_url if request.param == "github" else f"{forge.base_url}api/v4/"
        environment.setenv(f"{request.param.upper()}_BASE_URL", base)
        environment.setenv(f"{request.param.upper()}_TOKEN", forge.token)
        yield Site(forge, Clock(), receiver)


Misbehave = Callable[[Any], Fault]


def _limit(faults: Any) -> Fault:
    limited: Fault = faults.rate_limit(retry_after=1800, times=None)
    return limited


@pytest.mark.parametrize(
    ("site", "misbehave", "more"),
    [
        # After 5, 15 and 35 minutes.
        pytest.param("github", lambda faults: faults.respond(500, times=None), 3, id="outage"),
        pytest.param("github", lambda faults: faults.drop(times=None), 3, id="no answer"),
        pytest.param("gitlab", lambda faults: faults.hang(0.2, times=None), 3, id="silent"),
        # After the half hour it asks for.
        pytest.param("github", _limit, 1, id="GitHub's limit"),
        pytest.param("gitlab", _limit, 1, id="GitLab's limit"),
    ],
    indirect=["site"],
)
def test_a_forge_that_fails_is_asked_a_few_times_in_an_hour(
    site: Site, misbehave: Misbehave, more: int
) -> None:
    """By what may be under way when the first fails, and one at a time; then it is as before."""
    site.clock.now += 10 * EVERY
    site.look()
    before, deliveries = site.value(), site.deliveries()
    fault = misbehave(site.forge.faults)
    with contextlib.ExitStack() as exits:
        exits.callback(site.forge.faults.clear)
        for _ in range(LOOKS):
            site.look()
        during, kept, hits = site.value(), site.deliveries(), fault.hits
    site.clock.now += 2 * 3600
    site.look()
    after = site.value()

    assert 1 < hits <= REPOSITORIES + more
    assert (True, False, True) == (before[0], during[0], after[0])
    assert before[1] == during[1]
    assert (after[1] or 0) > (before[1] or 0)
    assert deliveries == kept == site.deliveries()
    # GitHub's pings; GitLab sends none.
    assert ([200] if site.name == "github" else [None]) * REPOSITORIES == deliveries
    assert 0 == site.monitor.known().forges[site.name].left_alone_until


def test_looking_at_a_forge_that_is_well_costs_three_requests_for_each_webhook(
    site: Site,
) -> None:
    """The list of its scope, its log, and a delivery that failed; never more."""
    asked = len(site.forge.requests)
    site.look()
    made = site.forge.requests[asked:]

    assert {"GET"} == {request.method for request in made}
    assert len(made) <= 3 * REPOSITORIES


def test_what_cannot_be_asked_is_said_once(site: Site) -> None:
    """However often it is looked meanwhile."""
    said: list[str] = []
    site.monitor._say = said.append
    fault = site.forge.faults.respond(500, times=None)
    site.look()
    first = len(said)
    site.clock.now -= EVERY
    for _ in range(3):
        site.monitor.diagnose()

    assert fault.hits <= REPOSITORIES
    assert first <= REPOSITORIES + 2
    # Those that were under way are left alone now, too.
    assert len(said) <= first + 1
    assert len(said) == len(set(said))
    assert all(text.startswith(f"{DOCTOR}: ") for text in said)
