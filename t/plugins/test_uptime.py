import os
import pathlib
import time

import pytest


def parts(text):
    return [float(field) for field in pathlib.Path(text).read_text().split()]


@pytest.fixture
def places(shell_copy, tmp_path):
    """Runs a copy of the plugin that reads files of the test's."""
    def run(uptime, loadavg):
        for name, text in (("uptime", uptime), ("loadavg", loadavg)):
            if text is not None:
                (tmp_path / name).write_text(text)
        return shell_copy("uptime", {
            "/proc/uptime": tmp_path / "uptime",
            "/proc/loadavg": tmp_path / "loadavg"})

    return run


def test_it_agrees_with_the_kernel(shell):
    before = parts("/proc/uptime")[0]
    outcome = shell("uptime")
    after = parts("/proc/uptime")[0]
    assert outcome.error is None, outcome.stderr
    result = outcome.result
    assert before * 1000 <= result["uptime_ms"] <= after * 1000
    assert after - 61 < (result["days"] * 24 + result["hours"]) * 3600 + \
        result["minutes"] * 60 <= after
    for one, key in zip(os.getloadavg(), ("1m", "5m", "15m")):
        assert abs(result["load"][key] - one) < 0.5
    assert result["threads"] >= 1 and result["running"] >= 1


def test_metrics_and_their_units(shell):
    outcome = shell("uptime")
    assert {metric["name"]: metric["unit"] for metric in outcome.metrics} == \
        {"uptime_seconds": "seconds", "load1": None, "load5": None,
         "load15": None}
    assert outcome.metric("uptime_seconds") > 0
    assert {metric["kind"] for metric in outcome.metrics} == {"gauge"}


def test_it_starts_no_program(shell):
    outcome = shell("uptime", env={"PATH": "/nonexistent"})
    assert outcome.error is None, outcome.stderr


@pytest.mark.parametrize("text, ms, days, hours, minutes", [
    ("0.00 0.00\n", 0, 0, 0, 0),
    ("59.99 1.0\n", 59990, 0, 0, 0),
    ("100.08 1.0\n", 100080, 0, 0, 1),
    ("100.09 1.0\n", 100090, 0, 0, 1),
    ("90061.5 1.0\n", 90061500, 1, 1, 1),
    ("90061.123456 1.0\n", 90061120, 1, 1, 1),
    ("3153600000.25 1.0\n", 3153600000250, 36500, 0, 0),
])
def test_uptimes(places, text, ms, days, hours, minutes):
    outcome = places(text, "0.08 0.09 10.00 1/99 4242\n")
    assert outcome.error is None, outcome.stderr
    result = outcome.result
    assert (result["uptime_ms"], result["days"], result["hours"],
            result["minutes"]) == (ms, days, hours, minutes)
    assert result["load"] == {"1m": 0.08, "5m": 0.09, "15m": 10.0}
    assert (result["running"], result["threads"]) == (1, 99)


@pytest.mark.parametrize("uptime, loadavg", [
    ("", "0 0 0 1/2 3\n"), ("1.0 2.0\n", ""), ("x 1.0\n", "0 0 0 1/2 3\n"),
    ("1.2.3 1.0\n", "0 0 0 1/2 3\n"), ("-1.0 1.0\n", "0 0 0 1/2 3\n"),
    ("1.0 1.0\n", "0 0 1/2 3\n"), ("1.0 1.0\n", "0 0 0 12 x\n"),
    ("1.0 1.0\n", "0 \"0 0 1/2 3\n"), ("1.0 1.0\n", "nan 0 0 1/2 3\n"),
])
def test_what_is_no_number_is_not_passed_on(places, uptime, loadavg):
    outcome = places(uptime, loadavg)
    assert outcome.code == 1
    assert outcome.result is None
    assert outcome.stderr.startswith("uptime: ")


def test_a_file_out_of_reach_is_named(places, tmp_path):
    outcome = places(None, "0 0 0 1/2 3\n")
    assert outcome.code != 0 and outcome.result is None
    assert str(tmp_path / "uptime") in outcome.stderr


def test_two_runs_one_after_the_other(shell):
    first = shell("uptime").result["uptime_ms"]
    start = time.monotonic()
    second = shell("uptime").result["uptime_ms"]
    assert 0 <= second - first < 10000 + (time.monotonic() - start) * 1000
