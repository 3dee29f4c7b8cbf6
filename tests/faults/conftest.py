"""One app for each class of faults."""

from collections.abc import Callable

import pytest

from tests.app import App
from tests.engine.test_incomplete import PROGRAM


@pytest.fixture(scope="class")
def app(request: pytest.FixtureRequest, make_app: Callable[..., App]) -> App:
    """The class's app, `NAME`, whose generations go up from test to test."""
    app = make_app(request.cls.NAME, program=PROGRAM)
    app.up(drain="1500ms")
    return app
