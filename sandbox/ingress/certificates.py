"""Certificates for localhost: a good one, and those that clients refuse."""

from datetime import UTC, datetime, timedelta

import trustme

_NAMES = ("localhost", "127.0.0.1")
_DAY = timedelta(days=1)


def good(ca: trustme.CA) -> trustme.LeafCert:
    """One that every client of the authority accepts."""
    return ca.issue_cert(*_NAMES)


def expired(ca: trustme.CA, *, days: float = 3) -> trustme.LeafCert:
    """One that was valid until some days ago."""
    return ca.issue_cert(*_NAMES, not_after=datetime.now(UTC) - days * _DAY)


def expires_in(ca: trustme.CA, *, days: float) -> trustme.LeafCert:
    """One that is valid for some more days."""
    return ca.issue_cert(*_NAMES, not_after=datetime.now(UTC) + days * _DAY)


def not_yet_valid(ca: trustme.CA, *, days: float = 3) -> trustme.LeafCert:
    """One that becomes valid in some days."""
    return ca.issue_cert(*_NAMES, not_before=datetime.now(UTC) + days * _DAY)


def for_other_names(ca: trustme.CA, *names: str) -> trustme.LeafCert:
    """One of the right authority for other hosts; by default as Traefik's own is."""
    return ca.issue_cert(*(names or ("traefik.default",)))


def of_unknown_authority() -> trustme.LeafCert:
    """One for the right names that nobody who is trusted has issued."""
    return trustme.CA(organization_name="Unknown").issue_cert(*_NAMES)


def without_intermediate(ca: trustme.CA) -> trustme.LeafCert:
    """One of an intermediate authority that is not sent along: browsers know it, servers do not."""
    leaf = ca.create_child_ca().issue_cert(*_NAMES)
    return trustme.LeafCert(
        leaf.private_key_pem.bytes(), leaf.cert_chain_pems[0].bytes(), chain_to_ca=[]
    )
