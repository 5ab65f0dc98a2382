import io
import os
import subprocess
import time

import pytest

STAT = b"""cpu  100 10 50 800 20 5 5 10 7 3
cpu0 50 5 25 400 10 3 2 5 7 0
cpu10 50 5 25 400 10 2 3 5 0 3
intr 1 2 3
ctxt 12345
btime 1700000000
processes 99
procs_running 3
procs_blocked 1
softirq 1 2
"""


def with_stat(module, monkeypatch, *contents):
    plugin = module("collect_cpu")
    left = list(contents)

    def read(path, mode):
        if path == "/proc/loadavg":
            return io.BytesIO(b"0.50 1.25 2.00 1/99 4242\n")
        assert path == "/proc/stat"
        return io.BytesIO(left.pop(0))

    monkeypatch.setattr(plugin, "open", read, raising=False)
    monkeypatch.setattr(plugin, "wait", lambda job, seconds: None)
    return plugin


def test_it_agrees_with_the_system(python):
    outcome = python("collect_cpu", {"interval_ms": 200, "per_cpu": True})
    assert outcome.error is None
    result = outcome.result
    assert result["cpus"] == os.cpu_count() == len(result["per_cpu"])
    assert 150 <= result["interval_ms"] <= 2000
    for one, key in zip(os.getloadavg(), ("1m", "5m", "15m")):
        assert abs(result["load"][key] - one) < 0.5
    with open("/proc/stat", encoding="ascii") as file:
        user = int(file.readline().split()[1]) / os.sysconf("SC_CLK_TCK")
    assert abs(outcome.metric("cpu_seconds_total", mode="user") - user) < 30


def test_a_busy_loop_is_seen(python):
    busy = subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"])
    try:
        result = python("collect_cpu", {"interval_ms": 600}).result
    finally:
        busy.kill()
        busy.wait()
    # One whole core of them all, less what the machine was late.
    assert result["usage_percent"] > 50 / os.cpu_count()
    assert result["modes_percent"]["user"] > 0


def test_shares_add_up(module, job, monkeypatch):
    after = STAT.replace(b"cpu  100 10 50 800 20 5 5 10",
                         b"cpu  150 10 60 830 30 5 5 10")
    plugin = with_stat(module, monkeypatch, STAT, after)
    result = plugin.collect(job())
    assert result["modes_percent"] == {
        "user": 50.0, "nice": 0.0, "system": 10.0, "idle": 30.0,
        "iowait": 10.0, "irq": 0.0, "softirq": 0.0, "steal": 0.0}
    assert result["usage_percent"] == 60.0
    assert (result["running"], result["blocked"]) == (3, 1)
    assert result["load"] == {"1m": 0.5, "5m": 1.25, "15m": 2.0}
    assert "per_cpu" not in result


def test_cores_come_in_the_order_of_their_numbers(module, job, monkeypatch):
    more = STAT.replace(b"intr", b"cpu2 1 1 1 1 1 1 1 1 1 1\nintr")
    plugin = with_stat(module, monkeypatch, STAT, more)
    result = plugin.collect(job({"per_cpu": True}))
    # The one that came up meanwhile counts but has no share yet.
    assert result["cpus"] == 3
    assert [core["cpu"] for core in result["per_cpu"]] == [0, 10]


def test_no_tick_at_all_gives_no_share(module, job, monkeypatch):
    plugin = with_stat(module, monkeypatch, STAT, STAT)
    fake = job()
    result = plugin.collect(fake)
    assert result["usage_percent"] is None
    assert set(result["modes_percent"].values()) == {None}
    assert "cpu_usage_ratio" not in [metric[0] for metric in fake.metrics]


def test_counters_that_go_backwards_count_as_nothing(module):
    shares = module("collect_cpu").shares(
        [100, 0, 0, 500, 50, 0, 0, 0], [110, 0, 0, 590, 40, 0, 0, 0])
    assert shares["modes_percent"]["iowait"] == 0
    assert shares["usage_percent"] == 10


def test_old_kernels_with_fewer_columns(module, job, monkeypatch):
    plugin = with_stat(module, monkeypatch, b"cpu 1 2 3 4\ncpu0 1 2 3 4\n",
                       b"cpu 2 2 3 5\ncpu0 2 2 3 5\n")
    assert plugin.collect(job())["usage_percent"] == 50


def test_a_cancelled_job_stops(module, job):
    fake = job()
    fake.cancelled = True
    start = time.monotonic()
    with pytest.raises(fake.Failed):
        module("collect_cpu").wait(fake, 30)
    assert time.monotonic() - start < 1
