"""The story the demo tells, step by step."""

import asyncio
import ssl
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
from lightkube.generic_resource import create_namespaced_resource

from fluxhooks.flux.receiver_types import ReceiverType
from fluxhooks.observe import probe
from sandbox.demo.screen import Screen
from sandbox.in_place import PROGRAM as IN_PLACE
from sandbox.load import Load, Tally
from sandbox.sandbox import Sandbox
from sandbox.stack import Stack

RATE = 10.0
"""Deliveries a second while a secret is rotated."""

QUEUED = 3.0
"""Seconds for which the forge holds every second delivery back."""

DRAIN = "5s"
AFTER = 2.0
"""Seconds for which deliveries go on after a rotation has ended."""

GitRepository = create_namespaced_resource(
    "source.toolkit.fluxcd.io", "v1", "GitRepository", "gitrepositories"
)


class Story:
    """Everything that happens, on a sandbox that is up."""

    def __init__(self, sandbox: Sandbox, screen: Screen) -> None:
        self._sandbox = sandbox
        self._screen = screen
        self._client = sandbox.cluster.client()
        self._repository = sandbox.github.create_repository("app")
        sandbox.github.create_repository("legacy")
        self._client.create(
            GitRepository(
                metadata={"name": "app", "namespace": "flux-system"},
                spec={
                    "interval": "30m",
                    "ref": {"branch": "main"},
                    "url": self._repository.clone_url,
                },
            )
        )

    def tell(self, started: float) -> None:
        """Tell it, from step 1 on.

        Args:
            started: when the demo began, on the monotonic clock.
        """
        self._cluster_is_up(time.monotonic() - started)
        stack = self._provision()
        self._push()
        with ThreadPoolExecutor() as aside:
            # Nobody has to watch while the other way is set up.
            in_place = aside.submit(self._provision_in_place)
            lost_by_us = self._rotate(stack)
            self._urls()
            self._unchanged(stack)
            lost_in_place = self._rotate_in_place(in_place.result())
        self._side_by_side(lost_by_us, lost_in_place)
        self._go_on()

    def _cluster_is_up(self, seconds: float) -> None:
        screen, sandbox = self._screen, self._sandbox
        screen.step(1, "A Kubernetes API server and Flux's controllers, on loopback")
        for name, program in sandbox.programs.items():
            screen.fact(f"{name:<26} {program.version:<9} real, {program.origin}")
        for sentence in sandbox.stand_ins:
            screen.fact(f"stand-in: {sentence}")
        screen.figures["stand_ins"] = sandbox.stand_ins
        screen.fact(f"up after {seconds:.1f} s")

    def _provision(self) -> Stack:
        self._screen.step(2, "pulumi up: token, Secret, Receiver and webhook")
        stack = self._sandbox.stack("demo")
        stack.set_all(
            {
                "drain": DRAIN,
                "host": self._sandbox.ingress.host,
                "receivers.app.repository": "app",
                "receivers.app.sources[0].name": "app",
            }
        )
        self._screen.update(stack.up(on_step=self._screen.change))
        ping = self._wait_for_delivery("app", "ping")
        self._screen.check(ping == 200, f"GitHub's ping was answered {ping}")
        return stack

    def _push(self) -> None:
        screen = self._screen
        screen.step(3, "git push, with a GitRepository that polls every 30 minutes")
        self._wait_for_revision("")
        sha = self._repository.commit({"app.yaml": "replicas: 2\n"}, message="Scale up")
        seen_at = self._wait_for_revision(sha)
        pushed_at = next(
            delivery.queued_at
            for delivery in self._sandbox.github.deliveries("app")
            if delivery.event == "push"
        )
        if seen_at == float("inf"):
            screen.failure(f"revision {sha[:8]} was not in the cluster 30 s after the push")
            return
        milliseconds = round((seen_at - pushed_at) * 1000)
        screen.figures["push_to_revision_ms"] = milliseconds
        screen.fact(f"revision {sha[:8]} was in the cluster {milliseconds} ms after the push")

    def _rotate(self, stack: Stack) -> Tally:
        self._screen.step(
            4,
            f"Rotate the secret while {RATE:.0f} deliveries a second arrive, "
            f"every second one {QUEUED:.0f} s late",
        )
        with Load(self._sandbox.github, "app", rate=RATE, queued=QUEUED) as load:
            time.sleep(AFTER)
            stack.set_all({"generations.app.live": "2"})
            self._screen.update(stack.up(on_step=self._screen.change))
            time.sleep(AFTER)
        return load.tally

    def _urls(self) -> None:
        screen = self._screen
        screen.step(5, "The old URL, the new one, and pulumi up once more")
        old, new = (
            delivery.hook
            for delivery in (
                self._sandbox.github.deliveries("app")[0],
                self._sandbox.github.deliveries("app")[-1],
            )
        )
        answer = httpx.post(old.url, content=b"{}", verify=self._certificates())
        screen.check(answer.status_code == 404, f"the old path answers {answer.status_code}")
        answered = asyncio.run(
            probe.deliver(
                new.url,
                receiver_type=ReceiverType.GITHUB,
                token=new.secret or "",
                event="push",
                body=probe.probe_body(ReceiverType.GITHUB),
                settle_for=0,
                certificates=self._certificates(),
            )
        )
        screen.check(answered.status == 200, f"the new one answers the signed probe {answered}")

    def _provision_in_place(self) -> Stack:
        stack = self._sandbox.stack("legacy", program=IN_PLACE, project="legacy")
        stack.set_all(
            {
                "host": self._sandbox.ingress.host,
                "name": "legacy",
                "repository": "legacy",
                "source": "app",
            }
        )
        stack.up()
        return stack

    def _rotate_in_place(self, stack: Stack) -> Tally:
        self._screen.step(6, "The same rotation in place, as it is done today")
        with Load(self._sandbox.github, "legacy", rate=RATE, queued=QUEUED) as load:
            time.sleep(AFTER)
            stack.set_all({"rotation": "2"})
            self._screen.update(stack.up(on_step=self._screen.change))
            time.sleep(AFTER)
        return load.tally

    def _side_by_side(self, ours: Tally, in_place: Tally) -> None:
        screen = self._screen
        screen.step(7, "Counted")
        for name, key, tally in (
            ("fluxhooks", "rotation", ours),
            ("in place", "in_place", in_place),
        ):
            screen.fact(f"{name:<10} sent {tally.sent:>4}   lost {tally.lost:>4}   ({tally})")
            screen.figures[key] = {"sent": tally.sent, "lost": tally.lost}
        screen.check(ours.sent > 0 and ours.lost == 0, "the rotation lost nothing")
        screen.check(in_place.lost > 0, "in place, deliveries were lost, and still are")

    def _unchanged(self, stack: Stack) -> None:
        run = stack.up()
        self._screen.check(
            not run.changes, "pulumi up changes nothing", otherwise=", ".join(run.changes)
        )

    def _go_on(self) -> None:
        screen = self._screen
        screen.step(8, "On a cluster of your own")
        for line in (
            "pulumi stack init dev",
            "pulumi config set host flux.example.com        # leads to Service webhook-receiver",
            "pulumi config set github:owner <owner>         # and GITHUB_TOKEN in the environment",
            "pulumi config set --path 'receivers.app.repository' <repository>",
            "pulumi config set --path 'receivers.app.sources[0].name' <GitRepository>",
            "pulumi up",
            "pulumi config set --path 'generations.app.live' 2 && pulumi up     # rotates",
        ):
            screen.fact(line)

    def _wait_for_delivery(self, repository: str, event: str) -> int | None:
        self._sandbox.github.wait_idle()
        return next(
            (
                delivery.status_code
                for delivery in self._sandbox.github.deliveries(repository)
                if delivery.event == event
            ),
            None,
        )

    def _wait_for_revision(self, sha: str) -> float:
        """Return when the GitRepository's artifact was first seen to be of a revision."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            status = self._client.get(GitRepository, "app").status or {}
            revision = (status.get("artifact") or {}).get("revision")
            if revision is not None and revision.endswith(sha):
                return time.time()
            time.sleep(0.005)
        return float("inf")

    def _certificates(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._sandbox.ingress.ca_file)
