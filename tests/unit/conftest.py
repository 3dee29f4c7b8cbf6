"""Settings of the unit tests, and what several of them share."""

import functools
from collections.abc import Callable

import httpx
import pytest
from hypothesis import settings

from fluxhooks.observe import probe
from tests.unit.host import Host

# How long an example takes says nothing on a machine that does other things too.
settings.register_profile("fluxhooks", deadline=None)
settings.load_profile("fluxhooks")


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[[Host], Host]:
    """Makes deliveries end at a Host instead of on the network; nothing overrides this run."""
    for variable in ("FLUXHOOKS_DRAIN", "FLUXHOOKS_REVOKE", "FLUXHOOKS_VERIFY"):
        monkeypatch.delenv(variable, raising=False)
    deliver, status = probe.deliver, probe.status

    def put(host: Host) -> Host:
        transport = httpx.MockTransport(host)
        monkeypatch.setattr(probe, "deliver", functools.partial(deliver, transport=transport))
        monkeypatch.setattr(probe, "status", functools.partial(status, transport=transport))
        return host

    return put
