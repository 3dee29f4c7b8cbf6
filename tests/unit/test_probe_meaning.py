"""What an answer means, where more is known of the Receiver than that it answered."""

import pytest

from fluxhooks.flux.receiver_types import ReceiverType
from fluxhooks.observe.probing import meaning
from fluxhooks.observe.probing.replies import Reply
from fluxhooks.observe.probing.targets import Target


@pytest.mark.parametrize(
    ("known", "cure"),
    [
        ({}, "The Receiver is suspended or not Ready."),
        (
            {"resource_filter": "1 + 1"},
            "The Receiver is suspended or not Ready. Its resourceFilter gives a number, and must "
            "give true or false.",
        ),
        (
            {"resource_filter": "1 + 1", "trouble": "it is suspended"},
            "The Receiver is suspended or not Ready. The cluster says of it: it is suspended.",
        ),
    ],
)
def test_a_receiver_that_is_not_served(known: dict[str, str], cure: str) -> None:
    """The cluster knows why; where it is not asked, the filter may say so."""
    target = Target(name="app", type=ReceiverType.GITHUB, **known)
    assert cure == meaning.unsigned(Reply(status=503), target).cure
