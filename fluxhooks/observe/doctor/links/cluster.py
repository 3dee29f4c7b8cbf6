"""What the API server says to what is applied."""

from fluxhooks.observe.doctor.diagnosis import Examined, State
from fluxhooks.observe.doctor.evidence import Evidence
from fluxhooks.observe.doctor.faults import Link


def examine(evidence: Evidence) -> Examined:
    """Judge it by what was seen."""
    return Examined(link=Link.CLUSTER, state=State.UNSEEN, seen="not looked at yet")
