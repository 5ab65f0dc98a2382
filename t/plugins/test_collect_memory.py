import io
import subprocess

import pytest

OLD = b"""MemTotal:        1000 kB
MemFree:          100 kB
Buffers:           50 kB
Cached:           300 kB
Shmem:             20 kB
HugePages_Total:    5
SwapTotal:        200 kB
SwapFree:         150 kB
"""


def with_files(module, monkeypatch, files):
    plugin = module("collect_memory")

    def read(path, mode):
        if isinstance(files.get(path), bytes):
            return io.BytesIO(files[path])
        raise files.get(path, FileNotFoundError(2, "No such file", path))

    monkeypatch.setattr(plugin, "open", read, raising=False)
    return plugin


def test_it_agrees_with_free(python):
    outcome = python("collect_memory")
    assert outcome.error is None
    lines = subprocess.run(["free", "-b"], stdout=subprocess.PIPE,
                           encoding="utf-8").stdout.splitlines()
    total, _, free, shared, _, available = map(int, lines[1].split()[1:])
    result = outcome.result
    assert result["total_bytes"] == total
    assert abs(result["free_bytes"] - free) < 1 << 28
    assert abs(result["shared_bytes"] - shared) < 1 << 26
    assert abs(result["available_bytes"] - available) < 1 << 28
    assert result["swap"]["total_bytes"] == int(lines[2].split()[1])
    assert outcome.metric("memory_total_bytes") == total


def test_units_and_kinds(python):
    outcome = python("collect_memory")
    for metric in outcome.metrics:
        assert metric["name"].endswith("_total") == \
            (metric["kind"] == "counter")
        assert metric["name"].endswith("_bytes") == \
            (metric["unit"] == "bytes")


def test_kernels_that_say_less(module, job, monkeypatch):
    plugin = with_files(module, monkeypatch, {"/proc/meminfo": OLD})
    result = plugin.collect(job())
    assert result["available_bytes"] == (100 + 50 + 300 - 20) * 1024
    assert result["used_percent"] == 57.0
    assert result["swap"]["used_bytes"] == 50 * 1024
    assert result["swap"]["used_percent"] == 25.0
    assert result["pressure"] is None and result["events"] is None


def test_pressure_that_is_switched_off(module, job, monkeypatch):
    plugin = with_files(module, monkeypatch, {
        "/proc/meminfo": OLD,
        "/proc/pressure/memory": OSError(95, "Operation not supported")})
    assert plugin.collect(job())["pressure"] is None


def test_pressure_and_events(module, job, monkeypatch):
    plugin = with_files(module, monkeypatch, {
        "/proc/meminfo": OLD,
        "/proc/vmstat": b"nr_free_pages 1\noom_kill 3\npswpin 7\nodd\n",
        "/proc/pressure/memory":
            b"some avg10=1.50 avg60=0.25 avg300=0.00 total=2500000\n"})
    fake = job()
    result = plugin.collect(fake)
    assert result["pressure"] == {"some": {
        "10s_percent": 1.5, "60s_percent": 0.25, "300s_percent": 0.0,
        "total_ms": 2500}}
    assert result["events"] == {"oom_kills": 3, "swapped_in_pages": 7}
    assert ("memory_pressure_seconds_total", 2.5, "seconds", "counter",
            {"tasks": "some"}) in fake.metrics


def test_a_file_out_of_reach_is_an_error_that_names_it(module, job,
                                                       monkeypatch):
    plugin = with_files(module, monkeypatch, {})
    with pytest.raises(FileNotFoundError) as error:
        plugin.collect(job())
    assert error.value.filename == "/proc/meminfo"
