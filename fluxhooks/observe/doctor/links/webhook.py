"""The webhook's settings at the forge: whether it calls the Receiver and sends what is needed.

What the Receiver serves counts, not what is declared. A setting that deliveries are seen to pass is
no fault, however odd it looks.
Sources: the REST descriptions of GitHub's, GitLab's and Gitea's webhooks; GitLab's
``app/models/concerns/web_hooks/auto_disabling.rb`` and ``lib/gitlab/ref_matcher`` for branches,
Gitea's ``services/webhook/webhook.go`` for the same; its ``deliver.go`` for what it signs.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from fluxhooks.flux.labels import COMPONENT, GENERATION, STACK
from fluxhooks.flux.needed_events import needed_events
from fluxhooks.flux.receiver_types import RECEIVER_TYPES, Proof, ReceiverType
from fluxhooks.observe.doctor import calling, commands, deliveries, followed, glob, reached
from fluxhooks.observe.doctor.conditions import lasting
from fluxhooks.observe.doctor.diagnosis import Examined, Finding, State, Sure
from fluxhooks.observe.doctor.evidence import Evidence, FluxObject, ForgeEvidence
from fluxhooks.observe.doctor.faults import Fault, Link
from fluxhooks.observe.doctor.links import delivery
from fluxhooks.observe.forges import SeenWebhook
from fluxhooks.observe.state import SENDS_TO

# What GitLab has in the plural where it asks for an event: ``TriggerableHooks``.
_MANY: Final = frozenset({"confidential_issue", "issue", "merge_request", "release"})

# Registries whose packages GitHub tells of.
_GITHUB_REGISTRIES: Final = ("ghcr.io", "docker.pkg.github.com")


def examine(evidence: Evidence) -> Examined:
    """Judge it by what was seen."""
    forge = evidence.forge
    if forge is None:
        return _without_forge(evidence)
    if forge.unseen:
        return _told(State.UNSEEN, forge.unseen)
    if forge.webhook is None:
        return _without_webhook(evidence, forge)
    return _Webhook(evidence, forge, forge.webhook).examined()


def _told(state: State, seen: str, findings: Iterable[Finding] = ()) -> Examined:
    return Examined(link=Link.WEBHOOK, state=state, seen=seen, findings=tuple(findings))


def _without_forge(evidence: Evidence) -> Examined:
    if not evidence.managed:
        return _told(State.ABSENT, "its sender is told by hand, or is no forge that can be asked")
    declared = evidence.declared
    if declared is not None and declared.webhook is None:
        finding = Finding(
            fault=Fault.WEBHOOK_MISSING,
            where=f"WebhookReceiver {declared.name}",
            wrong="the stack has made no webhook for it",
            evidence=("its state has none, and its Receiver is to have one",),
            cure=f"{commands.REFRESH} makes it",
        )
        return _told(State.BROKEN, "", [finding])
    return _told(State.UNSEEN, "it is not known which forge calls it")


def _without_webhook(evidence: Evidence, forge: ForgeEvidence) -> Examined:
    receiver, scope = evidence.receiver_object, forge.scope
    if not evidence.managed:
        return _told(State.ABSENT, f"{scope.name} has no webhook that calls it")
    live = calling.live_paths(evidence.receiver, evidence.declared, evidence.cluster)
    if evidence.declared is None and receiver is not None and not live:
        told = "the Receiver has no path, so that no webhook can be told to be its"
        return _told(State.UNSEEN, told)
    hidden = [webhook for webhook in forge.webhooks if calling.masked(webhook)]
    if hidden:
        return _told(State.UNSEEN, f"GitLab shows parts of the URL of {hidden[0]} only")
    flux = [webhook for webhook in forge.webhooks if calling.like_flux(webhook)]
    count = len(forge.webhooks)
    several = {0: "no webhooks", 1: "one webhook"}.get(count, f"{count} webhooks")
    seen = [f"{scope.kind} {scope.name} has {several}"]
    seen += [
        f"{webhook} calls a Receiver's path at {webhook.host or 'no host'}, "
        f"{_whose(webhook, evidence)}"
        for webhook in flux[:3]
    ]
    seen += [f"the webhooks of {name} may not be seen" for name in forge.hidden]
    stack = evidence.declared is not None
    finding = Finding(
        fault=Fault.WEBHOOK_MISSING,
        where=f"{scope.kind} {scope.name}",
        wrong="no webhook there calls "
        + (str(receiver) if receiver else f"Receiver {'/'.join(evidence.receiver)}"),
        evidence=tuple(seen),
        cure=f"{commands.REFRESH} makes it anew"
        if stack
        else f"make it: {commands.make(evidence, evidence.host, _first_event(evidence))}",
        sure=Sure.PROVED if stack or not forge.hidden else Sure.LIKELY,
    )
    return _told(State.BROKEN, "", [finding])


def _whose(webhook: SeenWebhook, evidence: Evidence) -> str:
    served = calling.served(evidence.cluster)
    if served is None:
        return "and whose that is cannot be seen"
    owner = served.get(webhook.path)
    return f"that of {'/'.join(owner)}" if owner else "which no Receiver here serves"


def _first_event(evidence: Evidence) -> str:
    for source in reached.sources(evidence):
        needed = needed_events(_type(evidence), source.kind, tags=followed.by_tag(source))
        if needed:
            return "push" if "push" in needed else min(needed)
    return "push"


def _type(evidence: Evidence) -> str:
    receiver = evidence.receiver_object
    if receiver is not None:
        return str(receiver.spec.get("type") or "")
    return evidence.declared.type if evidence.declared else ""


class _Webhook:
    """One that was found, held against its Receiver and what that reaches."""

    def __init__(self, evidence: Evidence, forge: ForgeEvidence, webhook: SeenWebhook) -> None:
        self._evidence = evidence
        self._forge = forge
        self._webhook = webhook
        self._live = calling.live_paths(evidence.receiver, evidence.declared, evidence.cluster)
        self._calls_it = calling.exactly(webhook, self._live)
        self._ours = calling.same_host(evidence.host)
        self._receiver = f"Receiver {'/'.join(evidence.receiver)}"
        self._told = ""
        self._symptom = ""

    def examined(self) -> Examined:
        """Return what is to be said of it."""
        wrong = list(self._url())
        if not wrong or wrong[0].fault is not Fault.WEBHOOK_OTHER_HOST:
            wrong += [*self._settings(), *self._events()]
        if not self._webhook.active:
            # A forge disables what fails: that is no fault of its own beside the cause.
            breaking = any(finding.fault.breaks for finding in wrong)
            wrong = self._inactive(wrong, breaking)
        wrong += self._twins()
        breaks = any(finding.fault.breaks for finding in wrong)
        wrong.sort(key=lambda finding: not finding.fault.breaks)
        state = State.BROKEN if breaks else State.WARNING if wrong else State.OK
        if self._symptom and not breaks:
            return _told(State.SYMPTOM, f"{self._webhook} is disabled: {self._symptom}", wrong)
        sends = ", ".join(sorted(self._sent)) or "nothing"
        calls = self._told or (f"calls {self._receiver}" if self._calls_it else "")
        seen = ", ".join(filter(None, (f"{self._webhook} sends {sends}", calls)))
        return _told(state, seen, wrong)

    # What it calls

    def _url(self) -> Iterator[Finding]:
        webhook, host = self._webhook, calling.host(self._webhook)
        if calling.masked(webhook):
            self._told = "GitLab shows parts of its URL only"
            return
        if not self._live:
            # Where the Receiver has no path, that is what has to be told.
            self._told = f"calls {webhook.host}"
            return
        fine = deliveries.goes_through(self._evidence)
        elsewhere = self._ours and host != self._ours
        if elsewhere and not (self._calls_it and deliveries.arrives(self._evidence)):
            yield self._other_host()
        elif not self._calls_it:
            if calling.nearly(webhook, self._live):
                if not fine:
                    yield self._inexact()
            else:
                yield from self._other_path()
        if webhook.url.startswith("http://") and not self._redirected():
            yield Finding(
                fault=Fault.WEBHOOK_NOT_HTTPS,
                where=str(webhook),
                wrong="it calls http: whoever is on the way can read path and deliveries",
                evidence=(f"its URL begins with http://{webhook.host}/",),
                cure=f"have it call https: {self._point()}",
            )

    def _other_host(self) -> Finding:
        webhook, evidence = self._webhook, self._evidence
        path = "the Receiver's path" if self._calls_it else "another path"
        return Finding(
            fault=Fault.WEBHOOK_OTHER_HOST,
            where=str(webhook),
            wrong=f"it calls {webhook.host or 'no host'} instead of {evidence.host}",
            evidence=(f"its URL has {path} at {webhook.host or 'no host'}", *self._age()),
            cure=f"have it call {evidence.host}: {self._point()}",
            sure=Sure.PROVED if evidence.declared else Sure.LIKELY,
        )

    def _inexact(self) -> Finding:
        called = calling.request(self._webhook.url)
        path = next(path for path in self._live if calling.nearly(self._webhook, {path}))
        before, _, after = called.partition(path)
        if path not in called:
            odd = "it is not written as the Receiver's status has it"
        elif before:
            odd = "something stands before the path"
        elif after.startswith("?"):
            odd = "it has a query"
        elif after == "/":
            odd = "it ends with a slash"
        else:
            odd = "something stands behind the path"
        return Finding(
            fault=Fault.WEBHOOK_URL_INEXACT,
            where=str(self._webhook),
            wrong=f"its URL is not exactly what {self._receiver} serves: {odd}",
            evidence=(
                "the controller compares path and query as a whole with status.webhookPath",
                *self._age(),
            ),
            cure=f"have it call exactly that path: {self._point()}",
            # An ingress may take a prefix away.
            sure=Sure.LIKELY if before and path in called else Sure.PROVED,
        )

    def _other_path(self) -> Iterator[Finding]:
        evidence, webhook = self._evidence, self._webhook
        generations = _generations(evidence)
        others = calling.other_paths(
            evidence.receiver, generations, evidence.declared, evidence.cluster
        )
        path = calling.request(webhook.url)
        served = calling.served(evidence.cluster)
        if path in others:
            called, live = generations.get(others[path]), generations.get(evidence.receiver)
            if called is not None and live is not None and called > live:
                self._told = f"calls generation {called}: a rotation is not finished"
                return
            fault = Fault.WEBHOOK_OLD_GENERATION
            which = f"generation {called}" if called is not None else "another generation"
            wrong = f"it calls {which}, Receiver {'/'.join(others[path])}, and not {self._receiver}"
            sure = Sure.PROVED
        elif served is not None and path in served:
            fault = Fault.WEBHOOK_OTHER_RECEIVER
            wrong = f"it calls Receiver {'/'.join(served[path])} instead of {self._receiver}"
            sure = Sure.PROVED
        else:
            fault = Fault.WEBHOOK_STALE_PATH
            wrong = f"it calls a path that is not that of {self._receiver}"
            if served is not None:
                wrong = f"it calls a path that no Receiver serves, and not {self._receiver}"
            sure = Sure.PROVED if served is not None and evidence.declared else Sure.LIKELY
            if served is not None and self._ours:
                sure = Sure.PROVED
        yield Finding(
            fault=fault,
            where=str(webhook),
            wrong=wrong,
            evidence=(
                f"its path at {webhook.host} is not the one in the Receiver's status"
                if evidence.receiver_object
                else f"its path at {webhook.host} is not the one the stack declares",
                *self._age(),
            ),
            cure=self._if_ours()
            + f"have it call the live path, with the live token: {self._point()}",
            sure=sure,
        )

    def _if_ours(self) -> str:
        if self._ours or self._evidence.declared:
            return ""
        return f"if {self._webhook.host} leads to this cluster, and not to another one, "

    def _redirected(self) -> bool:
        public, newest = self._evidence.public, deliveries.newest(self._evidence)
        replies = (public.control, public.unsigned, public.signed) if public else ()
        seen = [reply.status for reply in replies if reply is not None]
        seen += [newest.status] if newest else []
        return any(300 <= (status or 0) <= 399 for status in seen)

    def _point(self) -> str:
        host = self._evidence.host or self._webhook.host.rpartition("@")[2]
        return commands.point(self._evidence, self._webhook, host)

    # How it calls

    def _settings(self) -> Iterator[Finding]:
        evidence, webhook = self._evidence, self._webhook
        # GitHub signs forms as well, and a Receiver without filters takes them.
        if not webhook.json and not deliveries.arrives(evidence):
            refused = webhook.scope.forge == "gitea"
            yield Finding(
                fault=Fault.WEBHOOK_FORM,
                where=str(webhook),
                wrong="its content type is form: Gitea signs the JSON in it and not the form, so "
                "that each delivery is refused"
                if refused
                else "its content type is form: filters of the Receiver have nothing to look at, "
                "or fail",
                evidence=(
                    "config.content_type is form"
                    if refused
                    else "config.content_type is form, which is GitHub's default",
                ),
                cure="set it to json: "
                + commands.config(evidence, webhook, "-f content_type=json"),
            )
        if webhook.has_secret is False and self._signed():
            yield Finding(
                fault=Fault.WEBHOOK_NO_SECRET,
                where=str(webhook),
                wrong=f"it has no secret, and {self._receiver} refuses what shows none",
                evidence=(
                    "config.secret is absent"
                    if webhook.scope.forge == "github"
                    else "token_present is false",
                ),
                cure=f"give it the Receiver's token: {self._token()}",
            )
        if not webhook.verifies_tls and webhook.url.startswith("https://"):
            yield Finding(
                fault=Fault.WEBHOOK_TLS_UNCHECKED,
                where=str(webhook),
                wrong="it does not verify certificates: whoever takes the host's place is believed",
                evidence=(
                    "config.insecure_ssl is 1"
                    if webhook.scope.forge == "github"
                    else "enable_ssl_verification is false",
                ),
                cure="have it verify them: "
                + (
                    commands.config(evidence, webhook, "-f insecure_ssl=0")
                    if webhook.scope.forge == "github"
                    else commands.edit(
                        evidence, webhook, github="", gitlab="-F enable_ssl_verification=true"
                    )
                ),
            )

    def _signed(self) -> bool:
        """Return whether the Receiver looks at what only a secret can give."""
        known = _type(self._evidence)
        if known not in list(ReceiverType):
            return False
        proof = RECEIVER_TYPES[ReceiverType(known)].proof
        receiver, cluster = self._evidence.receiver_object, self._evidence.cluster
        reference = (receiver.spec.get("secretRef") or {}) if receiver else {}
        place = (self._evidence.receiver[0], str(reference.get("name", "")))
        secret = cluster.secrets.get(place) if cluster else None
        # With an empty token the controller compares nothing.
        empty = secret is not None and secret.token == b""
        return proof in (Proof.SIGNATURE, Proof.TOKEN) and not empty

    def _token(self) -> str:
        if self._evidence.declared is not None:
            # No forge returns it, so that an update sees no difference.
            return f"`fluxhooks rotate STACK {self._evidence.declared.name}` makes both anew"
        return commands.set_token(self._evidence, self._webhook)

    def _inactive(self, wrong: list[Finding], breaking: bool) -> list[Finding]:
        webhook, evidence = self._webhook, self._evidence
        why = webhook.inactive_because.removeprefix(": ")
        if not webhook.disabled:
            told = Finding(
                fault=Fault.WEBHOOK_INACTIVE,
                where=str(webhook),
                wrong="it is switched off: the forge sends nothing",
                evidence=("active is false", *self._age()),
                cure="switch it on: "
                + commands.edit(evidence, webhook, github="-F active=true", gitlab=""),
            )
            return [told, *wrong]
        if breaking:
            return wrong
        refused = delivery.examine(evidence, ()).findings
        if any(finding.fault is Fault.DELIVERY_SECRET_DIFFERS for finding in refused):
            # That lasts, and is told there.
            self._symptom = why
            return wrong
        newest = next(iter(self._forge.deliveries), None)
        last = f"its newest delivery, {newest.event} {newest.id}, " if newest else ""
        answered = f"was answered {newest.status}" if newest and newest.status else "got no answer"
        told = Finding(
            fault=Fault.WEBHOOK_DISABLED,
            where=str(webhook),
            wrong=f"it is disabled: {why}",
            evidence=(f"{last}{answered}",) if newest else ("it is disabled at the forge",),
            cure="mend what its newest deliveries failed of, then have it tested, which enables "
            f"it: {commands.test(evidence, webhook)}",
        )
        return [told, *wrong]

    # What it sends

    @property
    def _callers(self) -> list[SeenWebhook]:
        """All that call the same Receiver: each may send a part of what is needed."""
        found = [
            webhook
            for webhook in self._forge.webhooks
            if webhook.active and calling.exactly(webhook, self._live)
        ]
        return found if self._webhook in found else [self._webhook, *found]

    @property
    def _sent(self) -> frozenset[str]:
        return frozenset().union(*(webhook.events for webhook in self._callers))

    def _events(self) -> Iterator[Finding]:
        # Events go by other names at other forges: then the Receiver's type is what is wrong.
        others = set(SENDS_TO.values()) - {SENDS_TO[self._webhook.scope.forge]}
        if _type(self._evidence) in others:
            return
        taken = deliveries.events_of(self._evidence)
        lacking = {
            str(source): needed
            for source in self._sources()
            if (needed := self._needed(source)) and not self._sends(needed)
        }
        if lacking and not self._meant(lacking, taken):
            yield self._missing(lacking)
            return
        yield from self._branches()
        needed = frozenset().union(*(self._needed(source) for source in self._sources()))
        refused = sorted(
            event
            for event in self._sent
            if event != deliveries.PING
            and event not in needed
            and not deliveries.accepts(event, taken)
        )
        if refused and deliveries.all_refused(self._evidence) is None:
            yield self._refused(refused, taken)

    def _sources(self) -> list[FluxObject]:
        """Return the sources that the webhook's repository, project or group may tell of."""
        evidence, scope = self._evidence, self._webhook.scope
        if evidence.cluster is None or evidence.receiver_object is None:
            return []
        found = [each for each in reached.sources(evidence) if each.kind != "GitRepository"]
        repositories = followed.repositories(evidence.receiver_object, evidence.cluster)
        return [*followed.in_scope(repositories, scope), *found]

    def _needed(self, source: FluxObject) -> frozenset[str]:
        if source.kind != "GitRepository":
            if self._webhook.scope.forge == "gitea":
                # Of GitHub's registry it hears nothing.
                return frozenset()
            address = str(source.spec.get("url") or source.spec.get("image") or "")
            if not any(registry in address for registry in _GITHUB_REGISTRIES):
                return frozenset()
        pinned = source.kind == "GitRepository" and not (
            followed.branch(source) or followed.by_tag(source)
        )
        if pinned:
            return frozenset()
        return needed_events(_type(self._evidence), source.kind, tags=followed.by_tag(source))

    def _sends(self, needed: frozenset[str]) -> bool:
        return deliveries.ALL in self._sent or not needed.isdisjoint(self._sent)

    def _meant(self, lacking: Mapping[str, frozenset[str]], taken: tuple[str, ...]) -> bool:
        """Return whether neither side has what is lacking, and both agree on something else."""
        wanted = frozenset().union(*lacking.values())
        agreed = any(deliveries.accepts(event, taken) for event in self._sent)
        return (
            bool(taken) and agreed and not any(deliveries.accepts(event, taken) for event in wanted)
        )

    def _missing(self, lacking: Mapping[str, frozenset[str]]) -> Finding:
        webhook = self._webhook
        wanted = sorted(
            {min(needed) if "push" not in needed else "push" for needed in lacking.values()}
        )
        flags = " ".join(f"-F {_flag(event)}=true" for event in wanted)
        added = " ".join(f"-f 'add_events[]={event}'" for event in wanted)
        sends = ", ".join(sorted(self._sent)) or "nothing"
        return Finding(
            fault=Fault.WEBHOOK_EVENTS_MISSING,
            where=str(webhook),
            wrong=f"it sends {sends}, and not {_listed(wanted)}, which {_listed(lacking)} "
            f"need{'s' if len(lacking) == 1 else ''}",
            evidence=(f"its events are {sends}", *self._age()),
            cure="have it send that too: "
            + commands.edit(self._evidence, webhook, github=added, gitlab=flags),
        )

    def _refused(self, refused: list[str], taken: tuple[str, ...]) -> Finding:
        webhook = self._webhook
        what = "all events" if deliveries.ALL in refused else _listed(refused)
        costs = (
            ", and GitLab disables a webhook whose deliveries fail"
            if webhook.scope.forge == "gitlab"
            else ""
        )
        fewer = sorted(event for event in self._sent if deliveries.accepts(event, taken))
        kept = " ".join(f"-f 'events[]={event}'" for event in fewer or taken)
        flags = " ".join(f"-F {_flag(event)}=false" for event in refused)
        return Finding(
            fault=Fault.WEBHOOK_EVENTS_REFUSED,
            where=str(webhook),
            wrong=f"it sends {what}; {self._receiver} takes {_listed(taken)} and answers the rest "
            f"400{costs}",
            evidence=(f"its events are {', '.join(sorted(self._sent))}",),
            cure="have it send only what is taken: "
            + commands.edit(self._evidence, webhook, github=kept, gitlab=flags),
        )

    def _branches(self) -> Iterator[Finding]:
        senders = [
            webhook
            for webhook in self._callers
            if not webhook.events.isdisjoint({"Push Hook", "push"})
        ]
        left_out = [
            (source, branch)
            for source in self._sources()
            if source.kind == "GitRepository"
            and (branch := followed.branch(source))
            and senders
            and not any(_passes(webhook, branch) for webhook in senders)
        ]
        if left_out:
            webhook = self._webhook
            key = "branch_filter" if webhook.scope.forge == "gitea" else "push_events_branch_filter"
            names = _listed(f"{source} ({branch})" for source, branch in left_out)
            yield Finding(
                fault=Fault.WEBHOOK_BRANCH_FILTER,
                where=str(webhook),
                wrong=f"its branch filter {webhook.branch_filter!r} leaves out what is followed "
                f"by {names}",
                evidence=(
                    f"{key} is {webhook.branch_filter!r}, read as {webhook.branch_filter_strategy}",
                ),
                cure="take the filter away, or let the branch pass: "
                + commands.edit(
                    self._evidence,
                    webhook,
                    github="",
                    gitlab="-f branch_filter_strategy=all_branches",
                ),
            )

    # Beside it

    def _twins(self) -> Iterator[Finding]:
        for stray in self._forge.strays:
            if stray.key == self._webhook.key:
                continue
            yield Finding(
                fault=Fault.WEBHOOK_TWIN,
                where=str(stray),
                wrong=f"it calls {stray.host} too, on a path that no Receiver serves: each of its "
                "deliveries is answered 404",
                evidence=(f"{self._webhook} is the one that calls {self._receiver}",),
                cure="`fluxhooks prune STACK` deletes what is left over, or "
                + commands.delete(self._evidence, stray)
                if self._evidence.declared
                else f"delete it: {commands.delete(self._evidence, stray)}",
            )

    def _age(self) -> tuple[str, ...]:
        changed = self._webhook.changed_at
        if changed is None:
            return ()
        ago = lasting(self._evidence.now - changed)
        verb = "was last changed" if self._webhook.scope.forge == "github" else "was made"
        return (f"it {verb} {ago} ago",)


def _generations(evidence: Evidence) -> dict[tuple[str, str], int]:
    """Return the Receivers of a chain's component, and their generations' numbers."""
    found: dict[tuple[str, str], int] = {}
    receiver, cluster = evidence.receiver_object, evidence.cluster
    if receiver is not None and cluster is not None and COMPONENT in receiver.labels:
        ours = [receiver.labels.get(label) for label in (COMPONENT, STACK)]
        for each in cluster.of("Receiver", receiver.namespace):
            number = each.labels.get(GENERATION, "")
            if ours == [each.labels.get(label) for label in (COMPONENT, STACK)]:
                found[each.namespace, each.name] = int(number) if number.isdecimal() else 0
    for count, declared in evidence.declared.generations.items() if evidence.declared else ():
        found.setdefault((declared.namespace, declared.receiver), count)
    return found


def _passes(webhook: SeenWebhook, branch: str) -> bool:
    """Return whether pushes to a branch are sent; a pattern that cannot be read passes all."""
    pattern = webhook.branch_filter
    if not pattern:
        return True
    if webhook.branch_filter_strategy == "glob":
        return glob.matches(pattern, branch) or glob.matches(pattern, f"refs/heads/{branch}")
    if webhook.branch_filter_strategy == "regex":
        try:
            return re.search(pattern, branch) is not None
        except re.error:
            return True
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), branch) is not None


def _flag(event: str) -> str:
    """Return the attribute by which a webhook at GitLab asks for an event."""
    name = event.removesuffix(" Hook").replace(" ", "_").lower()
    return f"{name}s_events" if name in _MANY else f"{name}_events"


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    return " and ".join(filter(None, (", ".join(found[:-1]), *found[-1:])))
