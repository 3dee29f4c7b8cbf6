"""A delivery's headers prove to the controller that the sender knows the token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhooks.flux.receiver_types import RECEIVER_TYPES, Proof, ReceiverType
from fluxhooks.flux.signature import sign

# RFC 2202 and RFC 4231, test case 2 of each: the same key and data for every digest.
_KEY, _DATA = "Jefe", b"what do ya want for nothing?"
_SHA1 = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
_SHA256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

_HEADERS = {
    ReceiverType.ACR: {},
    ReceiverType.BITBUCKET: {"X-Hub-Signature": f"sha256={_SHA256}"},
    ReceiverType.CDEVENTS: {},
    ReceiverType.DOCKERHUB: {},
    ReceiverType.GCR: {},
    ReceiverType.GENERIC: {},
    ReceiverType.GENERIC_HMAC: {"X-Signature": f"sha256={_SHA256}"},
    ReceiverType.GENERIC_OIDC: {},
    ReceiverType.GITHUB: {"X-Hub-Signature-256": f"sha256={_SHA256}"},
    ReceiverType.GITLAB: {"X-Gitlab-Token": _KEY},
    ReceiverType.HARBOR: {"Authorization": _KEY},
    ReceiverType.NEXUS: {"X-Nexus-Webhook-Signature": _SHA1},
    ReceiverType.QUAY: {},
}


def test_githubs_published_example() -> None:
    """The signature is the one in GitHub's documentation, "Validating webhook deliveries"."""
    headers = sign(ReceiverType.GITHUB, "It's a Secret to Everybody", b"Hello, World!")

    assert {
        "X-Hub-Signature-256": "sha256="
        "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    } == headers


@pytest.mark.parametrize("receiver_type", list(ReceiverType))
def test_every_type_is_signed_as_its_sender_does(receiver_type: ReceiverType) -> None:
    """Header and digest are those of the sender; digests are the ones of the RFCs."""
    assert _HEADERS[receiver_type] == sign(receiver_type, _KEY, _DATA)


@pytest.mark.parametrize("receiver_type", list(ReceiverType))
def test_headers_are_made_exactly_where_the_token_proves_something(
    receiver_type: ReceiverType,
) -> None:
    """No type that proves by signature or token goes without, no other sends its token."""
    proves = RECEIVER_TYPES[receiver_type].proof in (Proof.SIGNATURE, Proof.TOKEN)

    assert proves == bool(sign(receiver_type, _KEY, _DATA))


@given(st.text(min_size=1), st.binary())
def test_a_signature_never_holds_the_token(token: str, body: bytes) -> None:
    """Where a delivery is signed, the header is hex and reveals nothing."""
    for receiver_type, facts in RECEIVER_TYPES.items():
        if facts.proof is Proof.SIGNATURE:
            (value,) = sign(receiver_type, token, body).values()
            _, _, digest = value.rpartition("=")

            assert len(digest) in (40, 64)
            assert set(digest) <= set("0123456789abcdef")
