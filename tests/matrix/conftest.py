"""A cluster with appliers, and the doctor who may only read."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fluxhooks.observe.doctor.faults import Fault
from sandbox.sandbox import Sandbox
from tests.matrix import table
from tests.matrix.chain import Chain, await_handled
from tests.matrix.looking import Doctor, Looked, Seen, told
from tests.matrix.rows import Row


@pytest.fixture(scope="session")
def doctor(sandbox: Sandbox) -> Iterator[Doctor]:
    """The doctor, on the worker's sandbox with all four controllers."""
    for controller in ("kustomize-controller", "helm-controller"):
        sandbox.cluster.add_controller(controller)
    with Doctor(sandbox) as doctor:
        yield doctor


Judge = Callable[[Row], None]


@pytest.fixture
def judge(
    request: pytest.FixtureRequest,
    sandbox: Sandbox,
    doctor: Doctor,
    record_property: Callable[[str, object], None],
) -> Judge:
    """Make a chain, break it, and hold what the doctor says to the row."""

    def judge(row: Row) -> None:
        with Chain(sandbox, row.id, **row.chain) as chain:
            chain.start()
            row.inject(chain)
            await_handled(sandbox, chain.namespace)
            looked = doctor.look(chain, **row.look)
            found = recorded(
                looked,
                chain,
                fault=row.fault,
                injected=row.injected,
                forge=row.forge,
                cure=row.cure,
            )
            record_property(table.FAULT, found)

            said = f"\n{looked}"
            assert [row.fault] == [finding.fault for finding in looked.findings], said
            first = looked.findings[0] if row.fault.breaks else None
            assert first == looked.diagnosis.chains[0].first, said
            assert found["right"], f"{row.cure!r} is not in {found['cure']!r}"
            assert row.sure in (None, looked.findings[0].sure), said
            assert () == looked.diagnosis.unseen, said
            assert [] == looked.wrong, said
            if not request.config.getoption("--whole-matrix"):
                on_the_page = table.committed(request.node.nodeid)
                assert on_the_page == found, "make matrix-faults writes the table"

    return judge


def recorded(
    looked: Looked, chain: Seen, *, fault: Fault, injected: str, forge: str, cure: str
) -> dict[str, Any]:
    """The row of the table, with what the doctor said, and whether that was right."""
    first = looked.first
    wanted = cure.replace("NS", chain.namespace).replace("HOOK", chain.webhook.id)
    right = (
        first is not None
        and first.fault is fault
        and re.search(wanted, first.cure, re.DOTALL) is not None
    )
    said = told(first, chain) if first is not None else {"wrong": "", "sure": "", "cure": ""}
    return {
        **said,
        "link": str(fault.link),
        "fault": fault.label,
        "injected": injected,
        "forge": forge,
        "right": right,
        "false": len(looked.findings) - right,
    }
