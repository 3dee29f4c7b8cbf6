"""A cluster with appliers, and the doctor who may only read."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.sandbox import Sandbox
from tests.matrix import table
from tests.matrix.chain import Chain
from tests.matrix.looking import Doctor, Looked, told
from tests.matrix.rows import Row


@pytest.fixture(scope="session")
def doctor(sandbox: Sandbox) -> Doctor:
    """The doctor, on the worker's sandbox with all four controllers."""
    for controller in ("kustomize-controller", "helm-controller"):
        sandbox.cluster.add_controller(controller)
    return Doctor(sandbox)


Judge = Callable[[Row], None]


@pytest.fixture
def judge(
    sandbox: Sandbox, doctor: Doctor, record_property: Callable[[str, object], None]
) -> Judge:
    """Make a chain, break it, and hold what the doctor says to the row."""

    def judge(row: Row) -> None:
        with Chain(sandbox, row.id, **row.chain) as chain:
            chain.start()
            row.inject(chain)
            looked = doctor.look(chain, **row.look)
            wanted = _filled_in(row.cure, chain)
            record_property(table.FAULT, _recorded(row, looked, chain, wanted))

            said = f"\n{looked}"
            assert [row.fault] == [finding.fault for finding in looked.findings], said
            (found,) = looked.findings
            assert (found if row.fault.breaks else None) == looked.diagnosis.chains[0].first, said
            assert wanted.search(found.cure), f"{wanted.pattern!r} is not in {found.cure!r}"
            assert row.sure in (None, found.sure), said
            assert () == looked.diagnosis.unseen, said
            assert [] == looked.wrong, said

    return judge


def _recorded(row: Row, looked: Looked, chain: Chain, wanted: re.Pattern[str]) -> dict[str, Any]:
    first = looked.first
    right = first is not None and first.fault is row.fault and bool(wanted.search(first.cure))
    recorded = told(first, chain) if first is not None else {"wrong": "", "sure": "", "cure": ""}
    return {
        **recorded,
        "link": str(row.fault.link),
        "fault": row.fault.label,
        "injected": row.injected,
        "forge": row.forge,
        "right": right,
        "false": len(looked.findings) - right,
    }


def _filled_in(pattern: str, chain: Chain) -> re.Pattern[str]:
    filled = pattern.replace("NS", chain.name).replace("REPO", chain.path)
    return re.compile(filled.replace("HOOK", chain.webhook.id), re.DOTALL)
