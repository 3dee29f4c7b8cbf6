"""Which settings of `pulumi:autonaming` are refused."""

from typing import Any

import pytest

from fluxhooks.components.autonaming import check_autonaming
from fluxhooks.errors import SettingError

DISABLED = {"mode": "disabled"}
RECEIVER = "kubernetes:notification.toolkit.fluxcd.io/v1:Receiver"


def kubernetes(**settings: Any) -> dict[str, Any]:
    return {"providers": {"kubernetes": settings}}


@pytest.mark.parametrize(
    "configured",
    [
        DISABLED,
        kubernetes(**DISABLED),
        kubernetes(mode="default", resources={RECEIVER: DISABLED}),
        {**DISABLED, "providers": {"aws": {"mode": "default"}}},
    ],
)
def test_what_leaves_an_object_without_a_name_is_refused_with_its_cure(
    configured: dict[str, Any],
) -> None:
    """Before anything is registered; the provider would refuse it in the middle."""
    with pytest.raises(SettingError, match=r"providers\.kubernetes\.mode' default"):
        check_autonaming(configured)


@pytest.mark.parametrize(
    "configured",
    [
        None,
        {},
        {"mode": "verbatim"},
        {"pattern": "${name}"},
        {**DISABLED, **kubernetes(mode="default")},
        {**DISABLED, **kubernetes(pattern="${name}-${hex(4)}")},
        {"providers": {"aws": DISABLED}},
    ],
)
def test_what_names_both_objects_is_taken(configured: dict[str, Any] | None) -> None:
    """The narrowest setting counts, and other providers do not."""
    assert check_autonaming(configured) is None  # type: ignore[func-returns-value]
