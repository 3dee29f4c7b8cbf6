"""What forges have: the webhooks of each scope, and what became of their deliveries."""

from collections.abc import Mapping, Sequence

from fluxhooks.observe.doctor.evidence import ClusterEvidence, ForgeEvidence
from fluxhooks.observe.doctor.settings import Settings
from fluxhooks.observe.doctor.subjects import Subject
from fluxhooks.observe.forges import Forges


def gather(
    subjects: Sequence[Subject],
    forges: Forges,
    *,
    cluster: ClusterEvidence | None,
    settings: Settings,
) -> Mapping[str, ForgeEvidence]:
    """Return what the forge has for each subject that has a scope, by the subject's name."""
    return {}
