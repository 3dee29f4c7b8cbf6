"""The Receiver: its Secret, what the controller says of it, and what its targets reach.

Sources, all of notification-controller v1.9.3: for conditions
``internal/controller/receiver_controller.go`` (``reconcile``, ``token``, ``markTerminal``); for
answers ``internal/server/receiver_handlers.go`` (``handlePayload``, ``validate``,
``requestReconciliation``); for filters ``internal/server/receiver_resource_filter.go``.
"""

import datetime
from collections.abc import Callable, Iterator
from typing import Final

from fluxhooks.flux.hook_path import hook_path
from fluxhooks.flux.needed_events import needed_events
from fluxhooks.flux.receiver_types import RECEIVER_TYPES, Proof, ReceiverType, TypeFacts
from fluxhooks.flux.resource_filter import absent_fields, refusal, users_filter
from fluxhooks.flux.targets import APPLIERS, KINDS, OTHERS, SOURCES
from fluxhooks.observe import reach
from fluxhooks.observe.doctor import followed
from fluxhooks.observe.doctor.conditions import (
    Standing,
    lasting,
    one_line,
    quoted,
    reason,
    requested_at,
    standing,
)
from fluxhooks.observe.doctor.diagnosis import Examined, Finding, State, Sure
from fluxhooks.observe.doctor.evidence import (
    ClusterEvidence,
    Evidence,
    FluxObject,
    SecretEvidence,
)
from fluxhooks.observe.doctor.faults import Fault, Link
from fluxhooks.observe.doctor.gather_cluster import secret_name
from fluxhooks.observe.doctor.reached import fetches, like, reached, sources, targets
from fluxhooks.observe.forges import Delivery
from fluxhooks.observe.listing import Target
from fluxhooks.observe.state import SENDS_TO

_Rule = Callable[[Evidence, FluxObject, ClusterEvidence], Iterator[Finding]]


def examine(evidence: Evidence) -> Examined:
    """Judge it by what was seen."""
    cluster, namespace = evidence.cluster, evidence.receiver[0]
    if cluster is None:
        return _told(State.UNSEEN, "the cluster was not asked")
    if not cluster.sees("Receiver", namespace):
        return _told(
            State.UNSEEN,
            cluster.unseen.get("Receiver", f"the Receivers of {namespace} may not be listed"),
        )
    receiver = evidence.receiver_object
    if receiver is None:
        return _told(State.BROKEN, findings=(_missing(evidence, cluster),))
    for rule in _RULES:
        if findings := tuple(rule(evidence, receiver, cluster)):
            return _told(State.BROKEN, findings=findings)
    return _told(State.OK, _seen(evidence, receiver, cluster))


def _told(state: State, seen: str = "", findings: tuple[Finding, ...] = ()) -> Examined:
    return Examined(link=Link.RECEIVER, state=state, seen=seen, findings=findings)


def _seen(evidence: Evidence, receiver: FluxObject, cluster: ClusterEvidence) -> str:
    if _standing(evidence, receiver) is not Standing.READY:
        return f"{receiver} is being reconciled"
    found = sources(evidence)
    told = f"Ready, reaches {found[0]}" if len(found) == 1 else f"Ready, reaches {len(found)}"
    if len(found) != 1:
        told += " sources"
    if useless := _useless(receiver):
        told += f"; {', '.join(useless)} besides, which connects to nothing outside"
    secret = cluster.secrets.get((receiver.namespace, secret_name(receiver)))
    return f"{told}; {secret.unseen}" if secret and secret.unseen else told


def _standing(evidence: Evidence, receiver: FluxObject) -> Standing:
    return standing(receiver, now=evidence.now, grace=evidence.grace)


# The Receiver itself


def _missing(evidence: Evidence, cluster: ClusterEvidence) -> Finding:
    namespace, name = evidence.receiver
    shown = [f"the cluster has no Receiver {namespace}/{name}"]
    cure = "apply the Receiver again"
    if "Receiver" in cluster.not_served:
        shown = ["the cluster does not have the kind Receiver"]
        cure = "install Flux with notification-controller: `flux install`"
    elif evidence.declared:
        cure = "`pulumi up --refresh` makes it anew, and gives the webhook its URL"
    return Finding(
        fault=Fault.RECEIVER_MISSING,
        where=f"Receiver {namespace}/{name}",
        wrong="there is no such Receiver, so its path is answered 404",
        evidence=tuple(shown),
        cure=cure,
    )


def _suspended(
    evidence: Evidence, receiver: FluxObject, cluster: ClusterEvidence
) -> Iterator[Finding]:
    if receiver.suspended:
        yield Finding(
            fault=Fault.RECEIVER_SUSPENDED,
            where=str(receiver),
            wrong="the Receiver is suspended, so deliveries are answered 503",
            evidence=("spec.suspend is true", *_last(evidence, receiver)),
            cure=f"`flux resume receiver {receiver.name} -n {receiver.namespace}`",
        )


def _secret(
    evidence: Evidence, receiver: FluxObject, cluster: ClusterEvidence
) -> Iterator[Finding]:
    name = secret_name(receiver)
    secret = cluster.secrets.get((receiver.namespace, name))
    if secret is None or secret.unseen:
        return
    facts = _facts(receiver)
    key = f"Secret {receiver.namespace}/{name}"
    where = f"{key} of {receiver}"
    shown = _last(evidence, receiver)
    if reason(receiver) == "TokenNotFound":
        shown = (quoted(receiver), *shown)
    if not secret.found:
        yield Finding(
            fault=Fault.SECRET_MISSING,
            where=where,
            wrong="the Secret with the Receiver's token is missing, so no delivery is taken",
            evidence=(f"the cluster has no {key}", *shown),
            cure="`pulumi up --refresh` makes it anew"
            if evidence.declared
            else f"`kubectl -n {receiver.namespace} create secret generic {name} "
            "--from-file=token=FILE`, with the webhook's secret in FILE and no line break at its "
            "end",
        )
    elif lacking := _lacking(secret, facts):
        has = ", ".join(secret.keys) or "nothing"
        yield Finding(
            fault=Fault.SECRET_WITHOUT_TOKEN,
            where=where,
            wrong=f"the Secret has no key {lacking[0]}, so no delivery is taken",
            evidence=(f"{key} has {has}", *shown),
            cure=_give(receiver, name, lacking[0]),
        )
    elif secret.token == b"":
        yield Finding(
            fault=Fault.TOKEN_EMPTY,
            where=where,
            wrong="the token is empty: no secret of the webhook's can fit it, and anybody can "
            "compute the path",
            evidence=(f"the key token of {key} has no bytes", *shown),
            cure=_give(receiver, name, "token"),
        )
    else:
        yield from _line_break(evidence, receiver, secret, where, shown)


def _lacking(secret: SecretEvidence, facts: TypeFacts) -> list[str]:
    has = {*secret.keys, *(() if secret.token is None else ("token",))}
    return [key for key in facts.secret_keys if key not in has]


def _line_break(
    evidence: Evidence,
    receiver: FluxObject,
    secret: SecretEvidence,
    where: str,
    shown: tuple[str, ...],
) -> Iterator[Finding]:
    token = secret.token or b""
    if not token or token.strip(b"\r\n") == token or not _compares(receiver):
        return
    last = _newest(evidence, receiver)
    if last is not None and last.ok:
        # Its sender has the line break as well.
        return
    refused = last is not None and last.status == 400
    yield Finding(
        fault=Fault.TOKEN_LINE_BREAK,
        where=where,
        wrong="the token ends or begins with a line break, which the forge's secret has not: no "
        "signature fits",
        evidence=(
            f"the token has {len(token)} bytes, {len(token.strip(bytes((13, 10))))} without line "
            "breaks at its ends",
            *shown,
        ),
        cure=_give(receiver, secret_name(receiver), "token")
        + " (`printf %s` writes none, `echo` does)",
        sure=Sure.PROVED if refused else Sure.LIKELY,
    )


def _give(receiver: FluxObject, secret: str, key: str) -> str:
    namespace = receiver.namespace
    return (
        f"write the webhook's secret to FILE, with no line break at its end, then `kubectl -n "
        f"{namespace} create secret generic {secret} --from-file={key}=FILE --dry-run=client "
        f"-o yaml | kubectl apply -f -` and `flux reconcile receiver {receiver.name} -n "
        f"{namespace}`; the path changes with the token, so give the webhook its new URL too"
        if key == "token"
        else f"`kubectl -n {namespace} edit secret {secret}`: add the key {key}"
    )


def _reconciled(
    evidence: Evidence, receiver: FluxObject, cluster: ClusterEvidence
) -> Iterator[Finding]:
    stands = _standing(evidence, receiver)
    reconcile = f"`flux reconcile receiver {receiver.name} -n {receiver.namespace}`"
    if stands is Standing.LEFT_ALONE:
        yield Finding(
            fault=Fault.RECEIVER_NOT_RECONCILED,
            where=str(receiver),
            wrong="notification-controller has not looked at the Receiver as it is now",
            evidence=(
                f"metadata.generation is {receiver.generation}, status.observedGeneration "
                f"{receiver.status.get('observedGeneration', 'absent')}",
                *_changed(evidence, receiver),
            ),
            cure="see whether the controller runs: `kubectl -n flux-system get deployment "
            "notification-controller` and `flux logs --kind=Receiver`",
            sure=Sure.PROVED,
        )
    elif stands is Standing.FAILED and _is_about_filter(receiver):
        yield Finding(
            fault=Fault.FILTER_INVALID,
            where=str(receiver),
            wrong="the controller refuses the filter as no valid CEL, so deliveries are answered "
            "503",
            evidence=(quoted(receiver), *_last(evidence, receiver)),
            cure=_edit(evidence, receiver, _corrected_filter(receiver)),
        )
    elif stands is Standing.FAILED:
        stale = reason(receiver) == "TokenNotFound"
        yield Finding(
            fault=Fault.RECEIVER_NOT_READY,
            where=str(receiver),
            wrong="the controller found no token, and has not looked since there is one"
            if stale and cluster.secrets.get((receiver.namespace, secret_name(receiver)))
            else "the controller does not serve the Receiver",
            evidence=(quoted(receiver), *_last(evidence, receiver)),
            cure=reconcile if stale else _edit(evidence, receiver, _correction(receiver)),
        )
    elif stands is Standing.READY:
        yield from _stale(evidence, receiver, cluster, reconcile)


def _corrected_filter(receiver: FluxObject) -> str:
    spec = receiver.spec
    filters = {"resourceFilter": spec.get("resourceFilter")} | {
        f"resources[{index}].filter": target.get("filter")
        for index, target in enumerate(spec.get("resources") or ())
    }
    for name, expression in filters.items():
        if wrong := refusal(expression or "", identified=spec.get("type") == "generic-oidc"):
            return f"correct {name}, which {wrong}"
    # What is wrong with it shows only when it is made to run, as a regular expression.
    return "correct the filter"


def _correction(receiver: FluxObject) -> str:
    if receiver.spec.get("oidcProviders"):
        return "correct oidcProviders and their validations"
    return "correct what its condition Ready says"


def _is_about_filter(receiver: FluxObject) -> bool:
    # Rules of identity providers are CEL as well.
    said = str(receiver.condition("Ready").get("message", ""))
    return reason(receiver) == "InvalidCELExpression" and "ilter expression" in said


def _stale(
    evidence: Evidence, receiver: FluxObject, cluster: ClusterEvidence, reconcile: str
) -> Iterator[Finding]:
    served = str(receiver.status.get("webhookPath") or "")
    secret = cluster.secrets.get((receiver.namespace, secret_name(receiver)))
    if not served or (secret_name(receiver) and (secret is None or secret.token is None)):
        return
    try:
        token = (secret.token or b"").decode() if secret else ""
    except UnicodeDecodeError:
        return
    if hook_path(token, receiver.name, receiver.namespace) == served:
        return
    yield Finding(
        fault=Fault.PATH_STALE,
        where=str(receiver),
        wrong="the token in its Secret was changed, and the Receiver still serves the path of the "
        "earlier one: no URL is right for the new token",
        evidence=(
            "token, name and namespace hash to another path than status.webhookPath",
            *_last(evidence, receiver),
        ),
        cure=f"{reconcile}, then give the webhook the new path and the new secret together; the "
        "label `reconcile.fluxcd.io/watch: Enabled` on the Secret spares the first half",
    )


# What is sent to it


def _sender(
    evidence: Evidence, receiver: FluxObject, cluster: ClusterEvidence
) -> Iterator[Finding]:
    forge = evidence.forge
    if forge is None or not _is_called(evidence, receiver):
        return
    last, of_type = _newest(evidence, receiver), str(receiver.spec.get("type", ""))
    if of_type not in _STRANGE.get(forge.scope.forge, ()) or (last is not None and last.ok):
        return
    yield Finding(
        fault=Fault.RECEIVER_OTHER_TYPE,
        where=str(receiver),
        wrong=f"the Receiver is of the type {of_type}, and its webhook is one of "
        f"{_NAMES[forge.scope.forge]}: no delivery has what it looks for",
        evidence=(
            f"spec.type is {of_type}; {forge.webhook} calls it",
            *_last(evidence, receiver),
        ),
        cure=_edit(evidence, receiver, f"set type to {SENDS_TO[forge.scope.forge]}"),
    )


_NAMES: Final = {"gitea": "Gitea", "github": "GitHub", "gitlab": "GitLab"}

# Types that look for what the forge never sends. Others take any JSON, or a header that may be
# set by hand.
_STRANGE: Final = {
    "github": {"gcr", "generic-hmac", "generic-oidc", "gitlab", "harbor", "nexus", "cdevents"},
    "gitlab": {"bitbucket", "gcr", "generic-hmac", "generic-oidc", "github", "nexus", "cdevents"},
}
_STRANGE["gitea"] = _STRANGE["github"]


def _events(
    evidence: Evidence, receiver: FluxObject, cluster: ClusterEvidence
) -> Iterator[Finding]:
    facts = _facts(receiver)
    accepted = {str(event).lower() for event in receiver.spec.get("events") or ()}
    if not accepted or facts.event_header is None:
        return
    webhook = evidence.forge.webhook if evidence.forge else None
    called = webhook is not None and _is_called(evidence, receiver)
    sent = {event.lower() for event in webhook.events} if webhook and called else set()
    refused: dict[frozenset[str], list[FluxObject]] = {}
    for source in sources(evidence):
        needed = needed_events(
            str(receiver.spec.get("type")), source.kind, tags=followed.by_tag(source)
        )
        if not needed or accepted & {event.lower() for event in needed}:
            continue
        # Without a webhook that sends one of them, other events may be what is wanted.
        is_sent = sent & {"*", *(event.lower() for event in needed)}
        if is_sent or (not called and accepted <= {facts.ping}):
            refused.setdefault(needed, []).append(source)
    for needed, found in refused.items():
        wanted = " or ".join(sorted(needed))
        yield Finding(
            fault=Fault.RECEIVER_EVENTS,
            where=str(receiver),
            wrong=f"the Receiver refuses {wanted}, which is what tells of a change in "
            f"{', '.join(map(str, found))}",
            evidence=(
                f"spec.events is {', '.join(receiver.spec['events'])}",
                *((f"{webhook} sends {', '.join(sorted(sent))}",) if called else ()),
                *_last(evidence, receiver),
            ),
            cure=_edit(evidence, receiver, f"add {min(needed)} to events"),
            sure=Sure.PROVED if called else Sure.LIKELY,
        )


# What it reaches


def _targets(
    evidence: Evidence, receiver: FluxObject, cluster: ClusterEvidence
) -> Iterator[Finding]:
    unmatched: list[Target] = []
    settled = False
    for target in targets(receiver):
        refusal = reach.refusal(target, receiver.namespace)
        namespace = target.namespace or receiver.namespace
        if refusal is not None:
            settled = True
            yield _refused(evidence, receiver, target, refusal)
        elif not cluster.sees(target.kind, namespace):
            # Whether it is there cannot be told; what never fetches is no source all the same.
            settled = settled or target.kind in SOURCES
        elif found := reached(target, receiver.namespace, cluster):
            settled = settled or any(each.kind in SOURCES and fetches(each) for each in found)
        elif target.name == "*":
            unmatched.append(target)
        else:
            settled = True
            yield _not_there(evidence, receiver, target, cluster)
    # A Receiver that reaches a source does what it is for.
    if not settled and unmatched:
        yield from (_unmatched(evidence, receiver, each, cluster) for each in unmatched)
    elif not settled:
        yield from _pointless(evidence, receiver, cluster)


def _refused(
    evidence: Evidence, receiver: FluxObject, target: Target, refusal: reach.Refusal
) -> Finding:
    if refusal.why is reach.Why.NO_LABELS:
        fault, edit = Fault.TARGET_WITHOUT_LABELS, "give the target matchLabels, or a name"
    else:
        wanted = KINDS.get(target.kind, "")
        fault, edit = Fault.TARGET_API_VERSION, f"set the target's apiVersion to {wanted}"
    return Finding(
        fault=fault,
        where=str(receiver),
        wrong=f"the target {refusal.text}, so deliveries are answered 500",
        evidence=(f"spec.resources has {_shown(target)}", *_last(evidence, receiver)),
        cure=_edit(evidence, receiver, edit),
    )


def _not_there(
    evidence: Evidence, receiver: FluxObject, target: Target, cluster: ClusterEvidence
) -> Finding:
    named = f"{target.kind} {target.namespace or receiver.namespace}/{target.name}"
    maybe = list(like(target, cluster))
    other = reach.of_other_kind(target, receiver.namespace, maybe)
    elsewhere = reach.other_namespaces(target, receiver.namespace, maybe)
    fault, wrong = Fault.TARGET_MISSING, f"the target {named} does not exist"
    shown = [f"the cluster has no {named}"]
    edit = f"make {named}, or correct the target"
    if target.kind in cluster.not_served:
        shown = [f"the cluster does not have the kind {target.kind}"]
    if other is not None:
        fault, wrong = Fault.TARGET_OTHER_KIND, f"{wrong}; {other} does"
        shown.append(f"{other} is there")
        edit = f"set the target's kind to {other.kind}"
        if target.api_version:
            edit += f" and its apiVersion to {KINDS[other.kind]}"
    elif elsewhere:
        shown.append(f"{target.kind} {elsewhere[0]}/{target.name} is there")
        edit = f"set the target's namespace to {elsewhere[0]}"
    return Finding(
        fault=fault,
        where=str(receiver),
        wrong=f"{wrong}, so deliveries are answered 500",
        evidence=(*shown, *_last(evidence, receiver)),
        cure=_edit(evidence, receiver, edit),
    )


def _unmatched(
    evidence: Evidence, receiver: FluxObject, target: Target, cluster: ClusterEvidence
) -> Finding:
    labels = ",".join(f"{key}={value}" for key, value in (target.labels or {}).items())
    namespace = target.namespace or receiver.namespace
    elsewhere = reach.other_namespaces(target, receiver.namespace, like(target, cluster))
    cure = (
        f"give the sources the labels: `kubectl -n {namespace} label {target.kind.lower()} NAME "
        f"{labels.replace(',', ' ')}`, or " + _edit(evidence, receiver, "correct matchLabels")
    )
    if elsewhere:
        edit = f"set the target's namespace to {elsewhere[0]}, where some match"
        cure = _edit(evidence, receiver, edit)
    return Finding(
        fault=Fault.TARGET_LABELS_MATCH_NONE,
        where=str(receiver),
        wrong=f"no {target.kind} in {namespace} has the labels {labels}: deliveries are answered "
        "200 and reach nothing",
        evidence=(
            f"{len(cluster.by_place.get((target.kind, namespace), ()))} {target.kind} objects are "
            f"in {namespace}, none with these labels",
            *_last(evidence, receiver),
        ),
        cure=cure,
    )


def _useless(receiver: FluxObject) -> list[str]:
    return [
        f"{target.kind} {target.namespace or receiver.namespace}/{target.name}"
        for target in targets(receiver)
        if target.kind in APPLIERS or target.kind in OTHERS
    ]


def _pointless(
    evidence: Evidence, receiver: FluxObject, cluster: ClusterEvidence
) -> Iterator[Finding]:
    """Return what is wrong with a Receiver that reaches something, and no source."""
    for target in targets(receiver)[:1]:
        found = next(iter(reached(target, receiver.namespace, cluster)), None)
        place = target.namespace or receiver.namespace
        named = str(found or f"{target.kind} {place}/{target.name}")
        if target.kind not in APPLIERS:
            yield _never_fetches(evidence, receiver, target, named)
            continue
        origin = _origin(found) if found else ""
        yield Finding(
            fault=Fault.TARGET_IS_APPLIER,
            where=str(receiver),
            wrong=f"the target {named} applies what a source has fetched, and fetches nothing "
            "itself: a delivery brings nothing new",
            evidence=(
                f"spec.resources has {_shown(target)}, and no source",
                *((f"its source is {origin}",) if origin else ()),
            ),
            cure=_edit(evidence, receiver, f"name {origin or 'its source'} instead"),
        )


def _never_fetches(evidence: Evidence, receiver: FluxObject, target: Target, named: str) -> Finding:
    oci = target.kind == "HelmRepository"
    return Finding(
        fault=Fault.TARGET_NEVER_FETCHES,
        where=str(receiver),
        wrong=f"the target {named} fetches nothing"
        + (", as HelmRepositories of the type oci only hold an address" if oci else ""),
        evidence=(
            "its spec.type is oci" if oci else f"spec.resources has {_shown(target)}, no source",
        ),
        cure=_edit(
            evidence,
            receiver,
            "name the HelmChart that uses it, or an OCIRepository, instead"
            if oci
            else "name the source behind it instead",
        ),
    )


def _origin(applier: FluxObject) -> str:
    chart = (applier.spec.get("chart") or {}).get("spec") or {}
    ref = applier.spec.get("sourceRef") or applier.spec.get("chartRef") or chart.get("sourceRef")
    if not ref:
        return ""
    return f"{ref.get('kind')} {ref.get('namespace') or applier.namespace}/{ref.get('name')}"


def _shown(target: Target) -> str:
    named = f"{target.kind} {target.name}"
    if target.namespace:
        named += f" in {target.namespace}"
    return f"{named} of {target.api_version}" if target.api_version else named


# What became of deliveries, where all that can be seen is right


def _failing(
    evidence: Evidence, receiver: FluxObject, cluster: ClusterEvidence
) -> Iterator[Finding]:
    probed = evidence.public.signed if evidence.public else None
    probe_fails = probed is not None and probed.status == 500 and not probed.page
    last = _newest(evidence, receiver)
    failed = last if last and last.status == 500 and _is_about(last, evidence, receiver) else None
    if not probe_fails and failed is None:
        return
    if any(
        not cluster.sees(target.kind, target.namespace or receiver.namespace)
        for target in targets(receiver)
    ):
        return
    shown = (
        *(("a signed probe is answered 500",) if probe_fails else ()),
        *_last(evidence, receiver),
        "its targets exist",
    )
    elsewhere = [
        target for target in targets(receiver) if target.namespace not in ("", receiver.namespace)
    ]
    # A probe that passes has read all targets; only a filter and the annotation come after.
    reads = probed is not None and probed.status == 200
    other_version = [each for each in targets(receiver) if _has_other_version(each)]
    if other_version and not reads:
        yield _other_api_version(evidence, receiver, other_version[0], shown)
    elif elsewhere and not reads:
        yield _other_namespace(evidence, receiver, elsewhere[0], shown)
    elif not probe_fails and _filters(receiver):
        yield Finding(
            fault=Fault.FILTER_FAILS,
            where=str(receiver),
            wrong="the filter fails on what is delivered, so deliveries are answered 500",
            evidence=(
                *shown,
                f"its filter: {one_line(_filters(receiver)[0])}",
                *_absent(receiver, failed),
            ),
            cure=_edit(
                evidence,
                receiver,
                "have the filter ask for a field before it uses it, as in `has(req.ref) && …`",
            ),
            sure=Sure.LIKELY,
        )
    elif probe_fails or not _is_made_up_for(evidence, failed):
        yield _not_permitted(receiver, reads, shown)


def _absent(receiver: FluxObject, failed: Delivery | None) -> Iterator[str]:
    body = failed.payload if failed else None
    for each in _filters(receiver) if body is not None else ():
        if absent := absent_fields(each, body or {}):
            yield f"the delivery has no {' and no '.join(absent)}"


def _is_made_up_for(evidence: Evidence, failed: Delivery | None) -> bool:
    """Return whether the sources were asked since, or have what a failed delivery told of."""
    if failed is None:
        return False
    for source in sources(evidence):
        asked, has = requested_at(source), failed.commit and failed.commit in source.revision
        if not has and (asked is None or asked <= failed.at):
            return False
    return True


def _has_other_version(target: Target) -> bool:
    return target.api_version not in ("", KINDS.get(target.kind, target.api_version))


def _other_api_version(
    evidence: Evidence, receiver: FluxObject, target: Target, shown: tuple[str, ...]
) -> Finding:
    return Finding(
        fault=Fault.TARGET_API_VERSION,
        where=str(receiver),
        wrong=f"the target {target.kind} {target.name} has the apiVersion {target.api_version}, "
        "which the cluster does not serve",
        evidence=shown,
        cure=_edit(evidence, receiver, f"set the target's apiVersion to {KINDS[target.kind]}"),
        sure=Sure.LIKELY,
    )


def _other_namespace(
    evidence: Evidence, receiver: FluxObject, target: Target, shown: tuple[str, ...]
) -> Finding:
    return Finding(
        fault=Fault.TARGET_OTHER_NAMESPACE,
        where=str(receiver),
        wrong=f"the target {target.kind} {target.namespace}/{target.name} is in another "
        "namespace, which a controller with --no-cross-namespace-refs refuses",
        evidence=shown,
        cure=f"have a Receiver in {target.namespace} for it, or take the flag "
        "--no-cross-namespace-refs from notification-controller",
        sure=Sure.LIKELY,
    )


def _not_permitted(receiver: FluxObject, reads: bool, shown: tuple[str, ...]) -> Finding:
    found = next(iter(targets(receiver)))
    group = KINDS.get(found.kind, "").partition("/")[0]
    may = "annotate" if reads else "read and annotate"
    return Finding(
        fault=Fault.TARGET_NOT_PERMITTED,
        where=str(receiver),
        wrong=f"notification-controller may not {may} a target, so deliveries are answered 500",
        evidence=shown,
        cure=f"give it get, list, watch and patch on the kinds of {group}: `kubectl auth can-i "
        f"patch {found.kind.lower()}.{group} -n {found.namespace or receiver.namespace} "
        "--as=system:serviceaccount:flux-system:notification-controller` must say yes",
        sure=Sure.LIKELY,
    )


def _rejecting(
    evidence: Evidence, receiver: FluxObject, cluster: ClusterEvidence
) -> Iterator[Finding]:
    last = _newest(evidence, receiver)
    if last is None or not last.ok or not _is_about(last, evidence, receiver):
        return
    pushed = [
        source
        for source in sources(evidence)
        if source.kind == "GitRepository" and last.ref == f"refs/heads/{followed.branch(source)}"
    ]
    if not pushed or not _filters(receiver):
        return
    if not all(_is_unasked(source, last, evidence.grace) for source in pushed):
        return
    yield Finding(
        fault=Fault.FILTER_REJECTS,
        where=str(receiver),
        wrong=f"the filter lets no push to {last.ref.removeprefix('refs/heads/')} through: they "
        "are answered 200 and reconcile nothing",
        evidence=(
            *_last(evidence, receiver),
            *(f"{source} was not asked to reconcile since" for source in pushed),
            f"its filter: {one_line(_filters(receiver)[0])}",
        ),
        cure=_edit(evidence, receiver, "correct resourceFilter, or leave it out"),
        sure=Sure.LIKELY,
    )


def _is_unasked(source: FluxObject, last: Delivery, grace: datetime.timedelta) -> bool:
    asked = requested_at(source)
    if asked is None:
        return True
    # Two clocks: a source that has the commit may have been asked at once.
    has = bool(last.commit) and last.commit in source.revision
    return asked < last.at - (grace if has else datetime.timedelta(0))


_CLOCKS: Final = datetime.timedelta(seconds=1)


def _filters(receiver: FluxObject) -> list[str]:
    """Return the filters that are not ours."""
    whole = users_filter(str(receiver.spec.get("resourceFilter") or ""))
    single = (str(each.get("filter") or "") for each in receiver.spec.get("resources") or ())
    return [each for each in (whole, *single) if each]


# What was delivered


def _is_called(evidence: Evidence, receiver: FluxObject) -> bool:
    webhook = evidence.forge.webhook if evidence.forge else None
    served = receiver.status.get("webhookPath")
    return webhook is not None and bool(served) and webhook.path == served


def _newest(evidence: Evidence, receiver: FluxObject) -> Delivery | None:
    """Return the newest delivery to the Receiver that is no ping."""
    if evidence.forge is None or not _is_called(evidence, receiver):
        return None
    return next((each for each in evidence.forge.deliveries if each.event != "ping"), None)


def _is_about(last: Delivery, evidence: Evidence, receiver: FluxObject) -> bool:
    """Return whether Receiver and targets were as they are now when a delivery came."""
    cluster = evidence.cluster or ClusterEvidence()
    made = [
        found.created_at
        for target in targets(receiver)
        for found in reached(target, receiver.namespace, cluster)
        if found.created_at
    ]
    changed = receiver.changed_at or receiver.created_at
    # Written whole seconds only.
    return all(at <= last.at + _CLOCKS for at in (*made, *((changed,) if changed else ())))


def _last(evidence: Evidence, receiver: FluxObject) -> tuple[str, ...]:
    last = _newest(evidence, receiver)
    if last is None:
        return ()
    answered = f"was answered {last.status}" if last.status else "got no answer"
    age = lasting(evidence.now - last.at)
    return (f"delivery {last.id} ({last.event}) of {age} ago {answered}",)


def _changed(evidence: Evidence, receiver: FluxObject) -> tuple[str, ...]:
    changed = receiver.changed_at or receiver.created_at
    return (f"it was changed {lasting(evidence.now - changed)} ago",) if changed else ()


def _edit(evidence: Evidence, receiver: FluxObject, what: str) -> str:
    if evidence.declared:
        return (
            f"in the arguments of WebhookReceiver {evidence.declared.name}: {what}; then "
            "`pulumi up`, with --refresh where the cluster was changed by hand"
        )
    return f"{what}: `kubectl -n {receiver.namespace} edit receiver {receiver.name}`"


def _facts(receiver: FluxObject) -> TypeFacts:
    try:
        return RECEIVER_TYPES[ReceiverType(str(receiver.spec.get("type")))]
    except ValueError:
        # One that a later controller knows.
        return TypeFacts(senders=(), proof=Proof.PATH)


def _compares(receiver: FluxObject) -> bool:
    """Return whether a delivery must show that its sender knows the token."""
    return _facts(receiver).proof in (Proof.SIGNATURE, Proof.TOKEN)


_RULES: Final[tuple[_Rule, ...]] = (
    _suspended,
    _secret,
    _reconciled,
    _sender,
    _events,
    _targets,
    _failing,
    _rejecting,
)
