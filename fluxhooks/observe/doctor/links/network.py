"""From the host's name to a connection with TLS, as far as it comes about from here."""

import datetime
from typing import Final

from fluxhooks.flux.hook_path import host_of
from fluxhooks.observe.doctor.diagnosis import Examined, Finding, State, Sure
from fluxhooks.observe.doctor.evidence import Evidence, PublicEvidence
from fluxhooks.observe.doctor.faults import Fault, Link
from fluxhooks.observe.forges import Delivery
from fluxhooks.observe.probing import causes
from fluxhooks.observe.probing.causes import Cause
from fluxhooks.observe.probing.meaning import EXPIRES_SOON
from fluxhooks.observe.probing.replies import Failure, Reply


def examine(evidence: Evidence) -> Examined:
    """Judge whether the public host is connected to, and what of its certificate."""
    public = evidence.public
    if public is None or public.control is None:
        return Examined(link=Link.NETWORK, state=State.UNSEEN, seen="no public URL was asked")
    for what, reply in public.replies:
        if reply.failure is not None and not reply.failure.connected:
            if passed := _passes(evidence, causes.of_failure(reply.failure, reply)):
                seen = f"{reply}, here: {passed}"
                return Examined(link=Link.NETWORK, state=State.UNSEEN, seen=seen)
            finding = _broken(evidence, public, what, reply, reply.failure)
            return Examined(link=Link.NETWORK, state=State.BROKEN, findings=(finding,))
    if not public.url.startswith("https://"):
        return Examined(link=Link.NETWORK, state=State.OK, seen="connected, without TLS")
    expires = public.control.expires
    if expires is None:
        return Examined(link=Link.NETWORK, state=State.OK, seen="connected, the certificate valid")
    seen = f"connected, the certificate valid for {_days((expires - evidence.now).days)}"
    if expires - evidence.now >= EXPIRES_SOON:
        return Examined(link=Link.NETWORK, state=State.OK, seen=seen)
    host = host_at(public)
    finding = Finding(
        fault=Fault.CERTIFICATE_EXPIRES,
        where=f"https://{host}",
        wrong=f"the certificate of {host} expires in {_days((expires - evidence.now).days)}",
        evidence=(f"valid until {expires:%Y-%m-%d %H:%M} UTC",),
        cure="Renew it, and see why it was not renewed: `kubectl get certificate -A` where "
        "cert-manager issues it.",
    )
    return Examined(link=Link.NETWORK, state=State.WARNING, seen=seen, findings=(finding,))


def host_at(public: PublicEvidence) -> str:
    """Return the host that was asked, with a port where one is given, without a login."""
    return host_of(public.url).rpartition("@")[2]


def gets_through(evidence: Evidence) -> str:
    """Return how the forge was seen to get through of late; "" where it was not.

    Some let nobody pass but the forge.
    """
    newest = _newest(evidence)
    if newest is None or not newest.ok or evidence.now - newest.at > _OF_LATE:
        return ""
    return f"the forge gets through: its newest delivery, {newest.id}, was answered {newest.status}"


def _passes(evidence: Evidence, cause: Cause) -> str:
    """Return why a failure here is none for the forge; "" where it is one."""
    if cause in _FOR_OTHERS or cause in _OF_TRUST:
        return gets_through(evidence)
    webhook = evidence.forge.webhook if evidence.forge else None
    if cause in _OF_CERTIFICATES and webhook is not None and not webhook.verifies_tls:
        return gets_through(evidence)
    return ""


def _doubt(evidence: Evidence, cause: Cause) -> str:
    """Return what else may explain a failure from here; "" if nothing does."""
    if cause in _CERTAIN:
        return ""
    newest = _newest(evidence)
    if newest is not None and newest.ok:
        return (
            f"the newest delivery, {newest.id}, was answered {newest.status}: it was before that "
            "began, or the forge gets through where this machine does not"
        )
    if newest is None and cause in _OF_TRUST:
        return "no delivery shows whether the forge trusts it"
    return ""


def _newest(evidence: Evidence) -> Delivery | None:
    return evidence.forge.deliveries[0] if evidence.forge and evidence.forge.deliveries else None


def _broken(
    evidence: Evidence, public: PublicEvidence, what: str, reply: Reply, failure: Failure
) -> Finding:
    host = host_at(public)
    cause = causes.of_failure(failure, reply)
    but = _doubt(evidence, cause)
    return Finding(
        fault=_FAULTS[cause],
        where=public.origin,
        wrong=f"{host}: {_WRONG.get(cause, failure.value)}",
        evidence=tuple(filter(None, (f"{what}: {reply}", but))),
        cure=f"{cause.cure} {_LOOK[cause].format(host=host, name=_name(host), port=_port(public))}",
        sure=Sure.LIKELY if but else Sure.PROVED,
    )


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


def _name(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def _port(public: PublicEvidence) -> str:
    port = host_at(public).rpartition(":")[2]
    if port.isdecimal():
        return port
    return "443" if public.url.startswith("https://") else "80"


_OF_LATE: Final = datetime.timedelta(days=1)

# What a firewall does to all but those it lets pass.
_FOR_OTHERS: Final = frozenset({Cause.NO_CONNECTION, Cause.UNREACHABLE})

# Whom the forge trusts is the forge's matter.
_OF_TRUST: Final = frozenset({Cause.NO_AUTHORITY, Cause.CERTIFICATE})
_OF_CERTIFICATES: Final = _OF_TRUST | {
    Cause.EXPIRED,
    Cause.NOT_YET_VALID,
    Cause.OTHER_ADDRESS,
    Cause.OTHER_NAME,
}

# Who sees that sees what everybody does: no network in between changes it.
_CERTAIN: Final = frozenset({Cause.EXPIRED, Cause.NOT_YET_VALID, Cause.OTHER_NAME})

_FAULTS: Final = {
    Cause.NAME: Fault.DNS,
    Cause.REFUSED: Fault.CONNECTION_REFUSED,
    Cause.NO_CONNECTION: Fault.CONNECTION_TIMED_OUT,
    Cause.UNREACHABLE: Fault.UNREACHABLE,
    Cause.NO_TLS: Fault.NOT_TLS,
    Cause.NOT_YET_VALID: Fault.CERTIFICATE_NOT_YET_VALID,
    Cause.EXPIRED: Fault.CERTIFICATE_EXPIRED,
    Cause.OTHER_NAME: Fault.CERTIFICATE_OTHER_NAME,
    Cause.OTHER_ADDRESS: Fault.CERTIFICATE_OTHER_NAME,
    Cause.NO_AUTHORITY: Fault.CERTIFICATE_UNTRUSTED,
    Cause.CERTIFICATE: Fault.CERTIFICATE_UNTRUSTED,
}

_WRONG: Final = {
    Cause.NOT_YET_VALID: "its certificate is not valid yet",
    Cause.EXPIRED: "its certificate has expired",
    Cause.OTHER_NAME: "its certificate is for other names",
    Cause.OTHER_ADDRESS: "its certificate is for other addresses",
    Cause.NO_AUTHORITY: "nobody who is trusted here signed its certificate",
}

_CERTIFICATE: Final = (
    "`openssl s_client -connect {name}:{port} -servername {name} </dev/null` shows it."
)
_RENEWAL: Final = f"{_CERTIFICATE} `kubectl get certificate -A` where cert-manager issues it."
_ADDRESSES: Final = "`kubectl get service,ingress -A` shows what is served where."

_LOOK: Final = {
    Cause.NAME: "`dig +short {name}` must show the ingress's address.",
    Cause.REFUSED: _ADDRESSES,
    Cause.NO_CONNECTION: _ADDRESSES,
    Cause.UNREACHABLE: "`curl -v {host}` shows how far it comes.",
    Cause.NO_TLS: _ADDRESSES,
    Cause.NOT_YET_VALID: _CERTIFICATE,
    Cause.EXPIRED: _RENEWAL,
    Cause.OTHER_NAME: _CERTIFICATE,
    Cause.OTHER_ADDRESS: _CERTIFICATE,
    Cause.NO_AUTHORITY: _CERTIFICATE,
    Cause.CERTIFICATE: _CERTIFICATE,
}
