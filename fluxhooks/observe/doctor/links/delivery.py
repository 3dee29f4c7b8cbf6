"""What the forge's log of deliveries says, where nothing behind the webhook explains it.

A failure counts until something makes up for it: a later delivery that was taken; for one that
failed of nothing that lasts, also a fetch of what it told of.
Sources: GitHub's and GitLab's documentation of their logs (three and seven days, no answer after
ten seconds) and of what they do not send; notification-controller
``internal/server/receiver_handlers.go`` for what 400 and 413 mean.
"""

import datetime
import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from typing import Final

from fluxhooks.observe.doctor import calling, commands, conditions, deliveries, followed, reached
from fluxhooks.observe.doctor.conditions import lasting
from fluxhooks.observe.doctor.diagnosis import Examined, Finding, State, Sure
from fluxhooks.observe.doctor.evidence import Evidence, FluxObject, ForgeEvidence
from fluxhooks.observe.doctor.faults import Fault, Link
from fluxhooks.observe.forges import Delivery, Head, SeenWebhook

# What the controller takes at most: ``maxRequestSizeBytes`` there, since 1.9.3.
LARGEST: Final = 3 * 1024 * 1024

_LOG: Final = {"github": datetime.timedelta(days=3), "gitlab": datetime.timedelta(days=7)}
_FULL_PAGE: Final = {"github": 100, "gitlab": 20}
_PATIENCE_SECONDS: Final = 9.0
_SLACK: Final = datetime.timedelta(seconds=5)


def examine(evidence: Evidence, behind: Sequence[Examined]) -> Examined:
    """Judge it by what was seen, and by what network, ingress and Receiver were found to be."""
    forge = evidence.forge
    if forge is None:
        state = State.UNSEEN if evidence.managed else State.ABSENT
        return _told(state, "no forge's log is known")
    if forge.unseen or forge.unseen_log:
        return _told(State.UNSEEN, forge.unseen or forge.unseen_log)
    if forge.webhook is None:
        return _told(State.ABSENT, "no webhook, no deliveries")
    if forge.webhook.scope.forge == "gitea":
        page = commands.page(forge.webhook.scope, forge.webhook.id)
        return _told(State.ABSENT, f"Gitea tells of deliveries at {page} alone")
    if forge.webhook.scope.kind == "instance":
        page = "Admin, System hooks"
        return _told(State.ABSENT, f"GitLab tells of an instance's deliveries at {page} alone")
    return _Log(evidence, forge, forge.webhook, behind).examined()


def _told(state: State, seen: str, findings: Iterable[Finding] = ()) -> Examined:
    return Examined(link=Link.DELIVERY, state=state, seen=seen, findings=tuple(findings))


class _Log:
    """The log of a webhook, held against its Receiver and what that reaches."""

    def __init__(
        self,
        evidence: Evidence,
        forge: ForgeEvidence,
        webhook: SeenWebhook,
        behind: Sequence[Examined],
    ) -> None:
        self._evidence = evidence
        self._forge = forge
        self._webhook = webhook
        self._behind = behind
        self._events = deliveries.events_of(evidence)
        self._taken = deliveries.taken(forge.deliveries, self._events)

    def examined(self) -> Examined:
        """Return what is to be said of it."""
        newest = self._taken[0] if self._taken else None
        if any(found.state is State.BROKEN for found in self._behind):
            failed = deliveries.all_refused(self._evidence) if newest is None else newest
            if failed is not None and not failed.ok:
                return _told(State.SYMPTOM, self._said(failed))
        lost = self._failed(newest) if newest is not None and not newest.ok else None
        wrong = [found for found in (lost or self._all_refused() or self._not_sent(),) if found]
        seen = self._seen(newest)
        if wrong:
            return _told(State.BROKEN, seen, wrong)
        if newest is not None and newest.throttled_at is not None:
            return _told(State.WARNING, seen, [self._throttled(newest)])
        return _told(State.OK, seen)

    def _seen(self, newest: Delivery | None) -> str:
        if newest is None:
            return "nothing was delivered lately"
        return self._said(newest)

    def _said(self, delivery: Delivery) -> str:
        return f"{self._named(delivery)} {_answer(delivery)}"

    def _named(self, delivery: Delivery) -> str:
        of = f" of {delivery.ref.removeprefix('refs/heads/')}" if delivery.ref else ""
        ago = lasting(self._evidence.now - delivery.at)
        return f"{delivery.event}{of}, delivery {delivery.id}, {ago} ago,"

    # What failed

    def _failed(self, delivery: Delivery) -> Finding | None:
        """Return what a failure means that nothing behind the webhook explains."""
        if delivery.status in (0, 413) and (delivery.size or 0) >= LARGEST:
            # Whoever still sends when the controller has answered and gone hears no answer.
            return self._too_large(delivery)
        if delivery.status == 0:
            passing = self._made_up_for(delivery) and any(each.ok for each in self._taken[1:2])
            return None if passing else self._unanswered(delivery)
        if delivery.status == 400:
            return self._refused(delivery)
        if self._made_up_for(delivery):
            return None
        return self._unexplained(delivery)

    def _unanswered(self, delivery: Delivery) -> Finding:
        slow = "timed out" in delivery.reason.lower() or delivery.duration >= _PATIENCE_SECONDS
        here = self._reached_from_here()
        if slow:
            return self._finding(
                Fault.DELIVERY_TIMED_OUT,
                delivery,
                wrong=f"the forge waited for an answer in vain, for {delivery.duration:.0f} s",
                cure="a firewall that drops the forge's packets, or a slow ingress: let in the "
                f"forge's addresses{self._addresses()}, and see the ingress's log for that time; "
                f"then {self._again(delivery)}",
                more=here,
                sure=Sure.PROVED,
            )
        certificate = any(word in delivery.reason.lower() for word in ("certificate", "ssl", "tls"))
        if certificate:
            wrong = "the forge does not trust the host's certificate"
            cure = (
                "serve a certificate of a public authority, with all between it and the host's: "
                f"`openssl s_client -connect {self._host()} -showcerts`"
            )
        else:
            wrong = "the forge gets no connection"
            cure = f"let in the forge's addresses{self._addresses()}"
            if self._webhook.scope.forge == "gitlab" and not self._webhook.disabled:
                cure += (
                    "; GitLab says no more, and its test does: "
                    f"{commands.test(self._evidence, self._webhook)}"
                )
        if here:
            wrong += ", and this machine does" if not certificate else ", which this machine trusts"
        return self._finding(
            Fault.DELIVERY_NO_CONNECTION,
            delivery,
            wrong=wrong,
            cure=f"{cure}; then {self._again(delivery)}",
            more=here,
            sure=Sure.PROVED,
        )

    def _refused(self, delivery: Delivery) -> Finding | None:
        """Return what 400 means: the event is one that the Receiver takes, so it is the secret."""
        evidence = self._evidence
        live = calling.live_paths(evidence.receiver, evidence.declared, evidence.cluster)
        if delivery.url and live and calling.request(delivery.url) not in live:
            # It called what the webhook called then.
            return None if self._made_up_for(delivery) else self._unexplained(delivery)
        changed = self._webhook.changed_at
        edited = self._webhook.scope.forge == "github" and changed and changed > delivery.at
        if edited or self._signed_with_ours(delivery):
            return None if self._made_up_for(delivery) else self._unexplained(delivery)
        signed = evidence.public.signed if evidence.public else None
        more = []
        if signed is not None and signed.status == 200:
            more.append("a probe signed with the token in the Receiver's Secret is answered 200")
        if self._events:
            more.append(f"the Receiver takes {delivery.event}")
        # The token is shown as it is; of a signature the forge returns no exact body.
        token = self._webhook.scope.forge == "gitlab" and bool(more) and signed is not None
        secret = (
            f"`fluxhooks rotate STACK {evidence.declared.name}` makes both anew"
            if evidence.declared
            else commands.set_token(evidence, self._webhook)
        )
        return self._finding(
            Fault.DELIVERY_SECRET_DIFFERS,
            delivery,
            wrong="the forge's secret is not the token in the Receiver's Secret: its deliveries "
            "are refused",
            cure=f"give the webhook the Receiver's token: {secret}; then {self._again(delivery)}",
            more=more,
            sure=Sure.PROVED if token and signed and signed.status == 200 else Sure.LIKELY,
        )

    def _signed_with_ours(self, delivery: Delivery) -> bool:
        """Return whether a delivery certainly had the Receiver's token."""
        token = self._secret()
        signature = delivery.headers.get("x-hub-signature-256", "")
        if token is None or delivery.payload is None or not signature:
            return False
        # As GitHub writes it; an order or escape that differs proves nothing.
        body = json.dumps(delivery.payload, separators=(",", ":"), ensure_ascii=False).encode()
        ours = "sha256=" + hmac.new(token, body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(ours, signature)

    def _secret(self) -> bytes | None:
        receiver, cluster = self._evidence.receiver_object, self._evidence.cluster
        if receiver is None or cluster is None:
            return None
        name = str((receiver.spec.get("secretRef") or {}).get("name", ""))
        found = cluster.secrets.get((receiver.namespace, name))
        return found.token if found else None

    def _too_large(self, delivery: Delivery) -> Finding:
        size = (delivery.size or 0) / 1024 / 1024
        return self._finding(
            Fault.DELIVERY_TOO_LARGE,
            delivery,
            wrong=f"the delivery has {size:.1f} MiB, and notification-controller takes 3 MiB",
            cure=f"fetch what it told of: {self._fetch()}; push less at a time, or have the "
            "webhook send events with smaller payloads",
            sure=Sure.PROVED if delivery.status == 413 else Sure.LIKELY,
        )

    def _unexplained(self, delivery: Delivery) -> Finding:
        status = delivery.status
        cure = {
            401: "let the forge pass without a login, which the log of what is in front shows",
            403: f"let in the forge's addresses{self._addresses()}",
            429: "have what is in front take more requests",
        }.get(status, "what it failed of is over")
        if 300 <= status <= 399:
            cure = "have the webhook call the address that is redirected to: none is followed"
        in_front = f", by {delivery.server}" if delivery.server else ""
        return self._finding(
            Fault.DELIVERY_FAILED,
            delivery,
            wrong=f"the newest delivery was answered {status}{in_front}, and nothing has made up "
            "for it",
            cure=f"{cure}; then {self._again(delivery)}",
            more=self._reached_from_here(),
            sure=Sure.PROVED if self._sources() else Sure.LIKELY,
        )

    def _made_up_for(self, delivery: Delivery) -> bool:
        """Return whether what a delivery told of is fetched, or concerns no source."""
        sources = [each for each in self._sources() if not each.suspended]
        if delivery.ref:
            sources = [
                each
                for each in sources
                if each.kind == "GitRepository" and followed.follows(each, delivery.ref)
            ]
            # Somebody's branch that nobody follows.
            return all(self._fetched(each, delivery) for each in sources)
        return bool(sources) and all(self._fetched(each, delivery) for each in sources)

    def _fetched(self, source: FluxObject, delivery: Delivery) -> bool:
        if source.kind == "GitRepository":
            commit, branch = followed.commit(source), followed.branch(source)
            if commit and commit in (delivery.commit, self._forge.heads.get(branch)):
                return True
        asked = conditions.requested_at(source)
        if asked is not None and asked > delivery.at:
            return True
        updated = conditions.time((source.status.get("artifact") or {}).get("lastUpdateTime"))
        return updated is not None and updated > delivery.at

    # What is refused, whatever is sent

    def _all_refused(self) -> Finding | None:
        """Return that a Receiver takes none of the events its webhook sends."""
        delivery = deliveries.all_refused(self._evidence)
        if delivery is None:
            return None
        receiver = "/".join(self._evidence.receiver)
        namespace, name = self._evidence.receiver
        return self._finding(
            Fault.DELIVERY_EVENT_REFUSED,
            delivery,
            wrong=f"the forge sends {delivery.event}, and Receiver {receiver} takes only "
            f"{', '.join(self._events)}",
            cure=f"add {delivery.event} to its events: `kubectl -n {namespace} patch receiver "
            f"{name} --type=json -p '"
            f'[{{"op":"add","path":"/spec/events/-","value":"{delivery.event}"}}]'
            f"'`, or have the webhook send what it takes",
            sure=Sure.PROVED,
        )

    # What was not sent

    def _not_sent(self) -> Finding | None:
        for source in self._sources():
            branch = followed.branch(source) if source.kind == "GitRepository" else ""
            head = self._forge.pushed.get(branch)
            if head is not None and self._missed(source, head):
                return self._not_sent_for(source, branch, head)
        return None

    def _missed(self, source: FluxObject, head: Head) -> bool:
        """Return whether a branch has a commit that was fetched by nobody and told to nobody."""
        evidence, at = self._evidence, head.pushed_at
        if at is None or source.suspended or not followed.commit(source):
            return False
        if followed.commit(source) == head.commit:
            return False
        age = evidence.now - at
        if not evidence.grace < age < _LOG[self._webhook.scope.forge]:
            # It may be under way; or what was sent for it may be forgotten.
            return False
        if self._webhook.changed_at is not None and self._webhook.changed_at > at:
            return False
        log = self._forge.deliveries
        if len(log) >= _FULL_PAGE[self._webhook.scope.forge] and log[-1].at > at:
            return False
        told = [each for each in log if each.event in deliveries.PUSHES and each.at >= at - _SLACK]
        # Those of which it is not known what they told of may be it.
        return all(each.commit and each.commit != head.commit for each in told)

    def _not_sent_for(self, source: FluxObject, branch: str, head: Head) -> Finding:
        gitlab = self._webhook.scope.forge == "gitlab"
        assert head.pushed_at is not None  # noqa: S101
        ago = lasting(self._evidence.now - head.pushed_at)
        many = f" with {head.refs} branches at once" if head.refs else ""
        why = (
            "GitLab sends nothing for a push of more than three branches or tags "
            "(push_event_hooks_limit), in silent mode, over its rate limit, or over 25 MB"
            if gitlab
            else "GitHub sends nothing for a push of more than 5,000 branches or three tags, or "
            "over 25 MB; it may also be late"
        )
        return Finding(
            fault=Fault.DELIVERY_NOT_SENT,
            where=str(self._webhook),
            wrong=f"{branch} was pushed to{many} {ago} ago, and the forge has sent nothing for it",
            evidence=(
                f"{branch} is at {head.commit[:12]} there, {source} at "
                f"{followed.commit(source)[:12]}",
                "the log has no delivery of that commit",
                why,
            ),
            cure=f"fetch it now: {commands.reconcile(source.kind, source.namespace, source.name)}; "
            + (
                "push at most three branches or tags at a time" if gitlab else "push less at a time"
            ),
            sure=Sure.PROVED if head.refs > 3 else Sure.LIKELY,
        )

    def _throttled(self, delivery: Delivery) -> Finding:
        return Finding(
            fault=Fault.DELIVERY_THROTTLED,
            where=str(self._webhook),
            wrong="the forge holds deliveries back: there are too many",
            evidence=(f"{self._said(delivery)} was throttled",),
            cure="have the webhook send fewer events: "
            + commands.edit(self._evidence, self._webhook, github="-f 'events[]=push'", gitlab=""),
        )

    # Around it

    def _finding(
        self,
        fault: Fault,
        delivery: Delivery,
        *,
        wrong: str,
        cure: str,
        sure: Sure,
        more: Iterable[str] = (),
    ) -> Finding:
        return Finding(
            fault=fault,
            where=str(self._webhook),
            wrong=wrong,
            evidence=(self._said(delivery), *more),
            cure=cure,
            sure=sure,
        )

    def _sources(self) -> list[FluxObject]:
        """Return the sources that the webhook's repository, project or group may tell of."""
        evidence = self._evidence
        if evidence.cluster is None or evidence.receiver_object is None:
            return []
        found = [each for each in reached.sources(evidence) if each.kind != "GitRepository"]
        repositories = followed.repositories(evidence.receiver_object, evidence.cluster)
        return [*followed.in_scope(repositories, self._forge.scope), *found]

    def _fetch(self) -> str:
        return " and ".join(
            commands.reconcile(each.kind, each.namespace, each.name)
            for each in self._sources()
            if not each.suspended
        ) or commands.reconcile("GitRepository", self._evidence.receiver[0], "SOURCE")

    def _again(self, delivery: Delivery) -> str:
        if self._webhook.disabled:
            # Nothing is sent again by what is disabled.
            test = commands.test(self._evidence, self._webhook)
            return f"have it tested, which enables it: {test}"
        return f"send it again: {commands.redeliver(self._evidence, self._webhook, delivery)}"

    def _reached_from_here(self) -> list[str]:
        public = self._evidence.public
        replies = (public.signed, public.unsigned, public.control) if public else ()
        answered = next((str(reply) for reply in replies if reply and reply.status), "")
        return [f"asked from here, the host answers: {answered}"] if answered else []

    def _addresses(self) -> str:
        if self._webhook.scope.forge == "github":
            return " (`gh api meta --jq .hooks[]`)"
        return " (GitLab's \"IP range\" documentation; of one's own GitLab, its hosts)"

    def _host(self) -> str:
        host = self._webhook.host.rpartition("@")[2]
        return host if ":" in host else f"{host}:443"


def _answer(delivery: Delivery) -> str:
    if delivery.status:
        return f"was answered {delivery.status}"
    why = delivery.reason
    return f"got no answer ({conditions.one_line(why)})" if why else "got no answer"
