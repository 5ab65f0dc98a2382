"""What the tests of the HTTP API share."""

import os
import signal

import pytest

import double


@pytest.fixture
def start():
    """Starts the program, as often as a test likes."""
    started = []

    def begin(*args, **kwargs):
        api = double.Api(*args, **kwargs)
        started.append(api)
        return api

    yield begin
    for api in started:
        if api.status is None:
            os.kill(api.pid, signal.SIGCONT)
        assert api.stop() == 0, "the program ends well"


@pytest.fixture
def api(start):
    """The program, with the usual settings."""
    return start()
