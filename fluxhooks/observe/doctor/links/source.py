"""The sources a Receiver reaches: whether each fetches what is pushed.

Sources, all of source-controller v1.9.1: conditions and reasons are in
``api/v1/condition_types.go`` and ``api/v1/*_types.go``, their texts in
``internal/controller/*_controller.go``. What Git says is in fluxcd/pkg ``git/gogit/clone.go`` and
go-git ``plumbing/transport``; what registries say in go-containerregistry's
``pkg/v1/remote/transport/error.go``.
"""

import datetime
import re
from collections.abc import Iterator
from typing import Final

from fluxhooks.flux import durations
from fluxhooks.flux.intervals import ENOUGH, IntervalPolicy, Pace
from fluxhooks.observe.doctor import followed
from fluxhooks.observe.doctor.conditions import (
    Standing,
    is_true,
    lasting,
    message,
    quoted,
    reason,
    standing,
    timeout_of,
    unheard,
)
from fluxhooks.observe.doctor.diagnosis import Examined, Finding, State, Sure
from fluxhooks.observe.doctor.evidence import Evidence, FluxObject
from fluxhooks.observe.doctor.faults import Fault, Link
from fluxhooks.observe.doctor.reached import sources

# Only what is absurd is told here; `coverage` asks for more.
_INTERVALS: Final = IntervalPolicy(shortest_beside=30.0)


def examine(evidence: Evidence) -> Examined:
    """Judge it by what was seen."""
    if evidence.cluster is None or evidence.receiver_object is None:
        return _told(State.UNSEEN, "the cluster was not asked")
    found = sources(evidence)
    if not found:
        return _told(State.ABSENT, "the Receiver reaches no source that can be looked at")
    findings = tuple(finding for source in found for finding in _findings(source, evidence))
    if any(finding.fault.breaks for finding in findings):
        return _told(State.BROKEN, findings=findings)
    seen = "; ".join(_seen(source, evidence) for source in found[:3])
    if len(found) > 3:
        seen += f"; and {len(found) - 3} more"
    return _told(State.WARNING if findings else State.OK, seen, findings)


def _told(state: State, seen: str = "", findings: tuple[Finding, ...] = ()) -> Examined:
    return Examined(link=Link.SOURCE, state=state, seen=seen, findings=findings)


def _seen(source: FluxObject, evidence: Evidence) -> str:
    if _standing(source, evidence) is not Standing.READY:
        return f"{source} is being reconciled"
    return f"{source} has {_short(source.revision)}" if source.revision else f"{source} is Ready"


def _short(revision: str) -> str:
    """Return a revision with as much of its hash as people read."""
    return re.sub(r"((?:sha1|sha256):[0-9a-f]{8})[0-9a-f]+", r"\1", revision)


def _standing(source: FluxObject, evidence: Evidence) -> Standing:
    return standing(source, now=evidence.now, grace=evidence.grace, timeout=timeout_of(source, 60))


def _findings(source: FluxObject, evidence: Evidence) -> Iterator[Finding]:
    broken = next(
        (
            finding
            for rule in (_suspended, _unheard, _failed, _left_alone, _pinned, _ignores)
            for finding in rule(source, evidence)
        ),
        None,
    )
    if broken is not None:
        yield broken
        return
    yield from _interval(source)
    yield from _other_branch(source, evidence)


def _suspended(source: FluxObject, evidence: Evidence) -> Iterator[Finding]:
    if source.suspended:
        yield Finding(
            fault=Fault.SOURCE_SUSPENDED,
            where=str(source),
            wrong="the source is suspended: nothing is fetched until it is resumed",
            evidence=("spec.suspend is true", *_artifact(source)),
            cure=f"`flux resume {command(source)}`",
        )


def _pinned(source: FluxObject, evidence: Evidence) -> Iterator[Finding]:
    ref = source.spec.get("ref") or {}
    pin = next((pin for pin in ("commit", "digest") if ref.get(pin)), "")
    if pin:
        yield Finding(
            fault=Fault.SOURCE_PINNED,
            where=str(source),
            wrong=f"the source is pinned to a {pin}, so no push changes what it fetches",
            evidence=(f"spec.ref.{pin} is {ref[pin]}", *_artifact(source)),
            cure=_edit(source, f"follow a branch, a tag or a range of versions instead of {pin}"),
        )


def _unheard(source: FluxObject, evidence: Evidence) -> Iterator[Finding]:
    # It may be at a fetch that takes as long as it may.
    patience = max(timeout_of(source, 60) - datetime.timedelta(seconds=60), datetime.timedelta(0))
    late = unheard(source, now=evidence.now, grace=evidence.grace + patience)
    if late is not None:
        yield _not_reconciled(
            source, f"it was asked to reconcile {lasting(late)} ago, and nothing came of it"
        )


def _left_alone(source: FluxObject, evidence: Evidence) -> Iterator[Finding]:
    if _standing(source, evidence) is Standing.LEFT_ALONE:
        yield _not_reconciled(source, quoted(source))


def _not_reconciled(source: FluxObject, shown: str) -> Finding:
    controller = (
        "image-reflector-controller" if source.kind == "ImageRepository" else "source-controller"
    )
    return Finding(
        fault=Fault.SOURCE_NOT_RECONCILED,
        where=str(source),
        wrong=f"{controller} does not act on the source",
        evidence=(shown, *_artifact(source)),
        cure="see whether the controller runs: `kubectl -n flux-system get deployment "
        f"{controller}` and `flux logs --kind={source.kind} --name={source.name} -n "
        f"{source.namespace}`",
    )


def _failed(source: FluxObject, evidence: Evidence) -> Iterator[Finding]:
    if _standing(source, evidence) is not Standing.FAILED:
        return
    fault = named(source)
    wrong, edit = _TOLD[fault]
    yield Finding(
        fault=fault,
        where=str(source),
        wrong=wrong.format(ref=_reference(source), url=_address(source)),
        evidence=(quoted(source), *_artifact(source)),
        cure=_cure(source, fault, edit),
    )


def named(source: FluxObject) -> Fault:
    """Return which fault it is that the conditions of a source speak of."""
    text, why = message(source), reason(source)
    for fault, pattern in _TEXTS:
        if pattern.search(text):
            return fault
    if why == "AuthenticationFailed":
        return Fault.SOURCE_AUTHENTICATION
    if is_true(source, "Stalled") or why in _INVALID:
        return Fault.SOURCE_INVALID
    return Fault.SOURCE_FETCH_FAILED


_INVALID: Final = {
    "FeatureGateDisabled",
    "IllegalPath",
    "InvalidChartReference",
    "InvalidPath",
    "InvalidProviderConfiguration",
    "InvalidSTSConfiguration",
    "InvalidVerificationMode",
    "URLInvalid",
    "UnsupportedSourceKind",
}

# The first that fits: what names a cause goes before what wraps it.
_TEXTS: Final = tuple(
    (fault, re.compile(pattern, re.IGNORECASE))
    for fault, pattern in (
        (Fault.SOURCE_INVALID, r"semver '?.*'? ?parse error|improper constraint"),
        (Fault.SOURCE_SEMVER, r"no match found for semver|version matching '.*' found"),
        (
            Fault.SOURCE_SECRET_MISSING,
            r"secrets? ['\"]\S+['\"] not found|serviceaccount '\S+' not found",
        ),
        (
            Fault.SOURCE_CERTIFICATE,
            r"x509:|failed to verify certificate|knownhosts:|unknown certificate authority"
            r"|known_hosts|host key",
        ),
        (
            Fault.SOURCE_AUTHENTICATION,
            r"authentication required|authorization failed|unauthorized|access ?denied|\bdenied\b"
            r"|unable to authenticate|invalid username or password|invalid credentials"
            r"|status code:? 40[13]\b|\b40[13] (?:unauthorized|forbidden)|bad credentials",
        ),
        (
            Fault.SOURCE_REFERENCE,
            r"couldn't find remote ref|reference not found|git repository is empty"
            r"|unable to resolve ref '|unable to resolve commit object for|object not found"
            r"|manifest[_ ]unknown|tag_invalid|unable to find reference for tag"
            r"|unable to locate any tags",
        ),
        (
            Fault.SOURCE_NOT_FOUND,
            r"repository not found|name[_ ]unknown|bucket '?\S*'? (?:not found|does not exist)"
            r"|nosuchbucket|repository does not exist|\b404 not found|status code:? 404\b",
        ),
        (
            Fault.SOURCE_UNREACHABLE,
            r"dial tcp|no such host|connection refused|connection reset|i/o timeout"
            r"|deadline exceeded|client\.timeout|tls handshake timeout|no route to host"
            r"|network is unreachable|does not look like a tls handshake|http response to https"
            r"|status code:? 50[234]\b|\b50[234] (?:bad gateway|service unavailable"
            r"|gateway time-?out)|unexpected eof|: eof$",
        ),
    )
)

# What is wrong, and the edit or further words of the cure.
_TOLD: Final = {
    Fault.SOURCE_AUTHENTICATION: (
        "{url} refuses the source's credentials, or wants some and gets none",
        "give spec.secretRef credentials that may read the repository",
    ),
    Fault.SOURCE_CERTIFICATE: (
        "the certificate or host key of {url} is not trusted",
        "give the authority as ca.crt in the Secret of spec.secretRef or spec.certSecretRef (host "
        "keys as known_hosts), or mend the certificate",
    ),
    Fault.SOURCE_FETCH_FAILED: ("the source cannot be fetched", ""),
    Fault.SOURCE_INVALID: (
        "the source is not valid as it is written, so it is not fetched",
        "",
    ),
    Fault.SOURCE_NOT_FOUND: (
        "{url} does not exist, or is hidden from the source's credentials",
        "correct its address, or give it credentials that may read it",
    ),
    Fault.SOURCE_REFERENCE: (
        "{ref} is not in {url}",
        "",
    ),
    Fault.SOURCE_SECRET_MISSING: (
        "the Secret with the source's credentials is missing",
        "",
    ),
    Fault.SOURCE_SEMVER: (
        "no tag of {url} is in the range {ref}",
        "widen the range, or push a tag that is in it",
    ),
    Fault.SOURCE_UNREACHABLE: (
        "{url} cannot be reached from the cluster",
        "",
    ),
}


def _cure(source: FluxObject, fault: Fault, edit: str) -> str:
    again = f"`flux reconcile {command(source)}`"
    if fault is Fault.SOURCE_SECRET_MISSING:
        named_in = next(
            (
                f"{source.spec[key]['name']} (spec.{key})"
                for key in ("secretRef", "certSecretRef", "proxySecretRef")
                if (source.spec.get(key) or {}).get("name")
            ),
            "that it names",
        )
        return f"make the Secret {named_in} in {source.namespace}, then {again}"
    if fault is Fault.SOURCE_UNREACHABLE:
        return (
            "see whether its host is right, answers, and may be reached from source-controller "
            f"(DNS, NetworkPolicies, proxies), then {again}"
        )
    if fault is Fault.SOURCE_FETCH_FAILED:
        return f"mend what its condition Ready says, then {again}"
    if fault is Fault.SOURCE_REFERENCE:
        key, value = _followed(source)
        field = f"spec.ref.{key}" if key else "spec.ref"
        return _edit(source, f"set {field} to what is there, or push {value}")
    if fault is Fault.SOURCE_INVALID:
        return _edit(source, _CORRECTIONS.get(reason(source), "correct what Ready says of it"))
    return _edit(source, edit)


_CORRECTIONS: Final = {
    "GitOperationFailed": "correct spec.ref.semver",
    "InvalidChartReference": "correct spec.chart and spec.version",
    "InvalidProviderConfiguration": "correct spec.provider, or what spec.secretRef names",
    "ReadOperationFailed": "correct spec.ref.semver",
    "URLInvalid": "correct spec.url",
    "UnsupportedSourceKind": "correct spec.sourceRef",
}


def _followed(source: FluxObject) -> tuple[str, str]:
    """Return which key of ``spec.ref`` decides, and its value; "" where it has none."""
    ref = source.spec.get("ref") or {}
    # As source-controller chooses among several.
    for key in ("digest", "commit", "name", "semver", "tag", "branch"):
        if ref.get(key):
            return key, str(ref[key])
    return "", "branch master" if source.kind == "GitRepository" else "tag latest"


def _reference(source: FluxObject) -> str:
    if source.kind in ("HelmChart", "HelmRepository"):
        return f"version {source.spec.get('version') or '*'}"
    return " ".join(_followed(source)).strip()


def _address(source: FluxObject) -> str:
    spec = source.spec
    url = str(spec.get("url") or spec.get("image") or spec.get("bucketName") or "")
    return re.sub(r"(?<=://)[^/@\s]+@", "", url) or "what it is fetched from"


def _ignores(source: FluxObject, evidence: Evidence) -> Iterator[Finding]:
    # Rules in the repository's own .sourceignore are not seen here.
    rules = [
        line.strip()
        for line in str(source.spec.get("ignore") or "").splitlines()
        if line.strip() and not line.strip().startswith("#")
    ]
    everything = [rule for rule in rules if rule in _EVERYTHING]
    if not everything or any(rule.startswith("!") for rule in rules):
        return
    yield Finding(
        fault=Fault.SOURCE_IGNORES,
        where=str(source),
        wrong="the source ignores everything, so its artifact is empty",
        evidence=(
            f"spec.ignore has {everything[0]} and takes nothing back with !",
            *_artifact(source),
        ),
        cure=_edit(source, "take what is wanted back in spec.ignore, as in !/deploy"),
    )


_EVERYTHING: Final = {"*", "**", "/*", "/**", "**/*", "/"}


def _interval(source: FluxObject) -> Iterator[Finding]:
    written = str(source.spec.get("interval") or "")
    try:
        pace = _INTERVALS.pace(durations.seconds(written), beside=True)
    except ValueError:
        return
    if pace is Pace.FITS:
        return
    yield Finding(
        fault=Fault.SOURCE_INTERVAL,
        where=str(source),
        wrong=f"the source asks every {written} although a webhook tells it of changes"
        if pace is Pace.TOO_OFTEN
        else f"the source asks every {written} only: so late is a failed delivery made up for",
        evidence=(f"spec.interval is {written}",),
        cure=_edit(source, f"set spec.interval to {ENOUGH}"),
    )


def _other_branch(source: FluxObject, evidence: Evidence) -> Iterator[Finding]:
    """Return that pushes go to the default branch, which no source of the cluster follows."""
    forge, cluster, branch = evidence.forge, evidence.cluster, followed.branch(source)
    if forge is None or cluster is None or not branch:
        return
    pushes = [each for each in forge.deliveries if each.ref.startswith("refs/heads/")]
    default = next((each.default_branch for each in pushes if each.default_branch), "")
    others = (each for each in cluster.of("GitRepository") if _address(each) == _address(source))
    if (
        not default
        or len(pushes) < _ENOUGH_PUSHES
        or {each.ref for each in pushes} != {f"refs/heads/{default}"}
        or any(followed.branch(each) == default for each in others)
    ):
        return
    yield Finding(
        fault=Fault.SOURCE_OTHER_BRANCH,
        where=str(source),
        wrong=f"the source follows {branch}, and what is pushed goes to {default}",
        evidence=(
            f"the newest {len(pushes)} pushes of {forge.scope.name} are all to {default}",
            f"no GitRepository of the cluster follows {default}",
            *_artifact(source),
        ),
        cure=_edit(source, f"set spec.ref.branch to {default}, if that is what is wanted"),
        sure=Sure.LIKELY,
    )


_ENOUGH_PUSHES: Final = 2


def _artifact(source: FluxObject) -> tuple[str, ...]:
    return (f"its artifact is {_short(source.revision)}",) if source.revision else ()


def command(source: FluxObject) -> str:
    """Return what the `flux` command calls an object, with its name and namespace."""
    return f"{_COMMANDS[source.kind]} {source.name} -n {source.namespace}"


_COMMANDS: Final = {
    "Bucket": "source bucket",
    "GitRepository": "source git",
    "HelmChart": "source chart",
    "HelmRelease": "helmrelease",
    "HelmRepository": "source helm",
    "ImageRepository": "image repository",
    "Kustomization": "kustomization",
    "OCIRepository": "source oci",
}


def _edit(source: FluxObject, what: str) -> str:
    return f"{what}: `kubectl -n {source.namespace} edit {source.kind.lower()} {source.name}`"
