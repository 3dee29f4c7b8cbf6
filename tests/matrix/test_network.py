"""From a name to a connection with TLS, wrong one by one."""

from typing import Any

import pytest

from fluxhooks.observe.doctor.faults import Fault
from sandbox.ingress import certificates
from tests.matrix.chain import GITLAB, Chain
from tests.matrix.conftest import Judge
from tests.matrix.rows import BOTH, Row, Rows
from tests.matrix.test_delivery import impatient

rows = Rows()

OWN: Any = {"own_ingress": True}


def pointed_at(chain: Chain, host: str) -> None:
    """Point the webhook at a host, and push."""
    chain.webhook.edit(url=f"https://{host}{chain.await_path()}", secret=chain.token)
    chain.push()


@rows(
    Fault.DNS,
    "the name of the host is not known",
    at=BOTH,
    cure=r"flux\.invalid",
    sample=GITLAB,
)
def network_name_unknown(chain: Chain) -> None:
    pointed_at(chain, "flux.invalid")


@rows(
    Fault.CONNECTION_REFUSED,
    "nothing listens where the webhook calls",
    at=BOTH,
    cure=r"",
    **OWN,
)
def network_refused(chain: Chain) -> None:
    chain.ingress.refuse()
    chain.push()


@rows(
    Fault.CONNECTION_TIMED_OUT,
    "a firewall drops what comes to the port",
    at=BOTH,
    cure=r"firewall",
    **OWN,
)
def network_timed_out(chain: Chain) -> None:
    impatient(chain)
    chain.ingress.ignore()
    chain.push()


@rows(
    Fault.UNREACHABLE,
    "there is no route to the address",
    cure=r"",
)
def network_unreachable(chain: Chain) -> None:
    # A group's: no connection can lead there, whatever routes a machine has.
    pointed_at(chain, "224.0.0.1")


@rows(
    Fault.CERTIFICATE_EXPIRED,
    "the certificate expired three days ago",
    at=BOTH,
    cure=r"[Rr]enew",
    **OWN,
)
def certificate_expired(chain: Chain) -> None:
    chain.ingress.certificate = certificates.expired(chain.ingress.ca)
    chain.push()


@rows(
    Fault.CERTIFICATE_NOT_YET_VALID,
    "the certificate becomes valid in three days",
    at=BOTH,
    cure=r"clock|date",
    **OWN,
)
def certificate_not_yet_valid(chain: Chain) -> None:
    chain.ingress.certificate = certificates.not_yet_valid(chain.ingress.ca)
    chain.push()


@rows(
    Fault.CERTIFICATE_OTHER_NAME,
    "the ingress presents the certificate it came with, for another name",
    at=BOTH,
    cure=r"localhost",
    **OWN,
)
def certificate_for_another_name(chain: Chain) -> None:
    chain.ingress.certificate = certificates.for_other_names(chain.ingress.ca)
    chain.push()


@rows(
    Fault.CERTIFICATE_UNTRUSTED,
    "the certificate is of an authority that nobody trusts",
    at=BOTH,
    cure=r"",
    **OWN,
)
def certificate_untrusted(chain: Chain) -> None:
    chain.ingress.certificate = certificates.of_unknown_authority()
    chain.push()


@rows(
    Fault.CERTIFICATE_UNTRUSTED,
    "the certificate's intermediate authority is not sent along",
    at=BOTH,
    cure=r"intermediate|chain",
    **OWN,
)
def certificate_without_intermediate(chain: Chain) -> None:
    chain.ingress.certificate = certificates.without_intermediate(chain.ingress.ca)
    chain.push()


@rows(
    Fault.CERTIFICATE_EXPIRES,
    "the certificate expires in two days",
    at=BOTH,
    cure=r"[Rr]enew",
    **OWN,
)
def certificate_expires(chain: Chain) -> None:
    chain.ingress.certificate = certificates.expires_in(chain.ingress.ca, days=2)
    chain.push()
    chain.await_applied()


@rows(
    Fault.NOT_TLS,
    "the port speaks http",
    at=BOTH,
    cure=r"TLS|https",
    **OWN,
)
def network_without_tls(chain: Chain) -> None:
    chain.ingress.tls = False
    chain.push()


@pytest.mark.parametrize("row", rows.all)
def test_the_networks_fault_is_named(row: Row, judge: Judge) -> None:
    """The forge says "failed to connect"; the doctor says why."""
    judge(row)
