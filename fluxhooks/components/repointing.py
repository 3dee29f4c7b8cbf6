"""What surrounds the repointing of a webhook: proof before it, catch-up and drain after it.

Whether a webhook is being repointed is told by the component's own state: its output
``hook_url`` is written last, after the drain, so it holds the URL of the last rotation that was
finished. A run that was killed in between finds the same difference again and repeats the rest.
The waiting happens here, in the program, and holds no step of the engine: any number of
webhooks in one update share one window.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from fluxhooks.components.aside import aside
from fluxhooks.components.checks import Checked
from fluxhooks.components.finished import finished
from fluxhooks.components.generation import Generation
from fluxhooks.errors import (
    ArgumentError,
    CatchUpError,
    IncompleteUpdateError,
    ReceiverNotProvedError,
)
from fluxhooks.flux.receiver_types import RECEIVER_TYPES
from fluxhooks.observe import probe


@dataclass(frozen=True, kw_only=True)
class _Known:
    """The values of one run, once they are known."""

    adopts: bool
    host: str
    events: list[str]
    path: str
    previous: Mapping[str, Any]
    token: str

    @property
    def event(self) -> str:
        """One that the Receiver accepts; "" where it looks at none."""
        return self.events[0] if self.events else ""

    @property
    def repoints(self) -> bool:
        """Whether another URL was live before, so that there is something to lose."""
        before = self.previous.get("hook_url")
        return before != self.url if before else self.adopts

    @property
    def url(self) -> str:
        return f"https://{self.host}{self.path}"


class Repointing:
    """The move of one component's webhook to its live generation."""

    def __init__(
        self, component: pulumi.ComponentResource, name: str, args: Checked, live: Generation
    ) -> None:
        previous: pulumi.Output[dict[str, Any]] = pulumi.Output.from_input(
            finished(component, "generation", "hook_url")
        )
        previous = previous.apply(self._keep_what_is_called)
        self._name = name
        self._args = args
        self._facts = RECEIVER_TYPES[args.type]
        self._component = component
        self._inputs = {
            "adopts": args.adopts,
            "events": args.accepted,
            "host": args.host,
            "path": live.path,
            "previous": previous,
            "token": live.token,
        }

    def proved_url(self) -> pulumi.Output[str]:
        """Return the live generation's URL, known only when it answered the signed probe.

        Raises (in the Output):
            ReceiverNotProvedError: it did not, within the time for it.
            ArgumentError: the generation before would be cut off, and nothing here tells its
                sender of the next one.
        """
        return pulumi.Output.secret(pulumi.Output.all(**self._inputs).apply(self._prove))

    def finished_url(self, webhook_id: pulumi.Output[str]) -> pulumi.Output[str]:
        """Return the live URL, known only when the webhook points at it and the drain is over.

        Empty where nothing was ever live and the first creation failed.

        Raises (in the Output):
            CatchUpError: the catch-up delivery was not answered 200.
            IncompleteUpdateError: the webhook is unknown at the end of a real update.
        """
        preview = pulumi.runtime.is_dry_run()
        return pulumi.Output.secret(
            pulumi.Output.all(webhook_id=webhook_id, **self._inputs).apply(
                _live_url if preview else self._finish, run_with_unknowns=not preview
            )
        )

    async def _prove(self, inputs: dict[str, Any]) -> str:
        known = _Known(**inputs)
        if known.repoints and self._args.verify and not pulumi.runtime.is_dry_run():
            expected = 200 if self._args.takes_probe else self._facts.get_status
            answer = await self._ask(known, expected)
            if answer.status != expected:
                raise ReceiverNotProvedError(
                    _not_proved(self._name, self._args, known, answer, expected)
                )
        return known.url

    async def _ask(self, known: _Known, expected: int) -> probe.Answer:
        if self._args.takes_probe:
            return await self._deliver(known, probe.probe_body(self._args.type), retry=True)
        # That the path is served by a Receiver that is Ready is all that can be shown: a signed
        # request would reconcile, or has to be an identity provider's.
        return await aside(
            probe.status(known.url, expected=expected, settle_for=self._args.verify_timeout)
        )

    async def _finish(self, inputs: Any) -> str:
        if pulumi.contains_unknowns(inputs):
            if not inputs["previous"].get("hook_url") and not self._args.adopts:
                # Nothing was ever live: a first creation that failed, or was not targeted.
                return ""
            raise IncompleteUpdateError(
                f"{self._name}: Receiver or webhook could not be updated, so generation "
                f"{self._args.live} is not proved live and nothing of it or of older ones may be "
                "deleted; mend what failed above and run pulumi up again"
            )
        known = _known(inputs)
        if known.repoints and self._args.managed:
            await self._catch_up_and_drain(known)
        elif known.repoints:
            pulumi.log.info(
                f"{self._name}: generation {self._args.live} is proved; give its URL and token to "
                "the sender, and retire older generations when they are no longer called",
                self._component,
            )
        return known.url

    def _keep_what_is_called(self, previous: dict[str, Any]) -> dict[str, Any]:
        called = previous.get("generation") if previous.get("hook_url") else None
        told_by_hand = not self._args.managed and not self._args.revokes
        if told_by_hand and called is not None and int(called) not in self._args.generations:
            raise ArgumentError(
                "retained",
                f"{self._name}: the sender calls generation {called:g}, and nothing here tells it "
                f"of {self._args.live}; retain {called:g} too, give URL and token of "
                f"{self._args.live} to the sender, and remove {called:g} in a later update. "
                "FLUXHOOKS_REVOKE=on cuts it off in this run",
            )
        return previous

    async def _catch_up_and_drain(self, known: _Known) -> None:
        clock = asyncio.get_running_loop().time
        drained_at = clock() + self._args.drain
        await self._catch_up(known)
        older = "older ones answer"
        if not known.previous.get("hook_url"):
            older = "what was made by hand is left to answer"
        pulumi.log.info(
            f"{self._name}: the webhook points at generation {self._args.live}; {older} for "
            f"{self._args.drain:g} s more",
            self._component,
        )
        await asyncio.sleep(max(0.0, drained_at - clock()))

    async def _catch_up(self, known: _Known) -> None:
        # Whatever is still queued for the old URL asks for no more than this one reconcile.
        body = probe.catch_up_body(self._args.type)
        answer = await self._deliver(known, body, retry=self._args.verify)
        if answer.status == 200:
            return
        message = (
            f"{self._name}: the webhook points at generation {self._args.live}, but the delivery "
            f"that catches up for queued ones got {answer} instead of 200"
        )
        if self._args.verify:
            raise CatchUpError(f"{message}; nothing was deleted, run pulumi up again")
        pulumi.log.warn(f"{message}; it is not repeated, as verify is off", self._component)

    async def _deliver(self, known: _Known, body: bytes, *, retry: bool) -> probe.Answer:
        return await aside(
            probe.deliver(
                known.url,
                receiver_type=self._args.type,
                token=known.token,
                event=known.event,
                body=body,
                settle_for=self._args.verify_timeout if retry else 0,
            )
        )


def _live_url(inputs: dict[str, Any]) -> str:
    return _known(inputs).url


def _known(inputs: dict[str, Any]) -> _Known:
    return _Known(**{key: value for key, value in inputs.items() if key != "webhook_id"})


def _not_proved(
    name: str, args: Checked, known: _Known, answer: probe.Answer, expected: int
) -> str:
    asked = "the signed probe" if args.takes_probe else "an unsigned GET"
    cure = _CURES.get(answer.status, _OTHER_CURE)
    called = "The webhook still points at" if args.managed else "The sender still calls"
    before = "the generation before" if known.previous.get("hook_url") else "what was made by hand"
    return (
        f"{name}: generation {args.live} did not prove itself. https://{known.host}/hook/*** "
        f"answered {asked} with {answer} instead of {expected}, within "
        f"{args.verify_timeout:g} s. {called} {before} and "
        f"nothing was lost. {cure} Then run pulumi up again; FLUXHOOKS_VERIFY=off skips the "
        "probe for one run, where this machine cannot reach the host."
    )


_CURES = {
    None: "Check DNS, certificate and firewall between this machine and the host.",
    400: "The Receiver refused signature or event: does the host lead to this cluster?",
    404: "No Receiver has this path there: does the host lead to this cluster's Service "
    "webhook-receiver, without a prefix or rewriting?",
    500: "A target could not be reconciled: do all objects in resources exist, and may Flux "
    "reach them?",
    503: "The Receiver is suspended or not Ready, or the route has no backend.",
}
_OTHER_CURE = "Look at what answers on the host: it must be the Service webhook-receiver."
