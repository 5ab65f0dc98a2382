"""Receivers that nobody here wrote, where they are installed."""

import json
import os
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request

import pytest
from conftest import SECONDS, Listed, destination, wait_until
from test_formats import RECORDS, WHEN_NS


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(url, **query):
    """What a GET answers, as text; "" while nobody is there."""
    try:
        with urllib.request.urlopen(
                url + "?" + urllib.parse.urlencode(query), timeout=5) as f:
            return f.read().decode()
    except OSError:
        return ""


@pytest.fixture(name="daemon")
def daemon_fixture(tmp_path):
    """Starts daemons, and ends them."""
    started = []

    def start(*command, **environment):
        if not shutil.which(command[0]):
            pytest.skip(f"{command[0]} is not installed")
        started.append(subprocess.Popen(
            command, cwd=tmp_path, env={**os.environ, **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL))

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_influxdb(master, daemon, tmp_path, compression):
    """InfluxDB 1.x takes the line protocol"""
    port, other = free_port(), free_port()
    (tmp_path / "influx.conf").write_text(f"""
reporting-disabled = true
bind-address = "127.0.0.1:{other}"
[meta]
dir = "{tmp_path}/meta"
[data]
dir = "{tmp_path}/data"
wal-dir = "{tmp_path}/wal"
[http]
bind-address = "127.0.0.1:{port}"
""")
    daemon("influxd", "-config", str(tmp_path / "influx.conf"))
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: get(url + "/query", q="SHOW DATABASES"))
    urllib.request.urlopen(url + "/query", urllib.parse.urlencode(
        {"q": "CREATE DATABASE x"}).encode()).read()
    m = master(Listed(RECORDS), destination(
        url + "/write?db=x&precision=ns", format="influx",
        compression=compression))
    m.wait_done()
    assert not m.aside

    def rows(query):
        result = json.loads(get(url + "/query", db="x", q=query, epoch="ns"))
        series = result["results"][0]["series"][0]
        return [dict(zip(series["columns"], v)) for v in series["values"]]

    jobs = rows("SELECT * FROM devops_agent_job")
    assert [j["job"] for j in jobs] == ["n-1", "n-2", "n-3"]
    assert jobs[0]["time"] == WHEN_NS + 1 and jobs[0]["exit_code"] == 3
    logs = rows("SELECT * FROM devops_agent_log")
    assert logs[0]["message"] == RECORDS[0][1]["message"]
    disks = rows("SELECT * FROM disk_used_bytes")
    assert [d["value"] for d in disks] == [123, 123]
    assert disks[0]["odd"] == "a b,c=d"


def test_victoria_metrics(master, daemon, tmp_path):
    """VictoriaMetrics takes the line protocol"""
    port = free_port()
    daemon("victoria-metrics", f"-httpListenAddr=127.0.0.1:{port}",
           f"-storageDataPath={tmp_path}", "-retentionPeriod=100y",
           "-search.latencyOffset=0s")
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: get(url + "/health"))
    m = master(Listed(RECORDS), destination(url, format="influx",
                                            compression="gzip"))
    m.wait_done()
    assert not m.aside

    def exported():
        get(url + "/internal/force_flush")
        lines = get(url + "/api/v1/export", **{
            "match[]": '{__name__=~"disk_used_bytes.*|devops_agent_job.*"}'})
        found = [json.loads(line) for line in lines.splitlines()]
        return {(f["metric"]["__name__"], f["metric"]["job"]): f["values"]
                for f in found}

    found = wait_until(exported, SECONDS)
    assert found["disk_used_bytes_value", "n-1"] == [123]
    assert found["devops_agent_job_duration_ms", "n-1"] == [12]


MOCK = os.environ.get("MOCKOTLPSERVER", "mockotlpserver")
MOCK_PORT = 4318  # it has no other


def test_opentelemetry(master, tmp_path):
    """OpenTelemetry's definitions, as a server of others has them, fit"""
    if not shutil.which(MOCK):
        pytest.skip("mockotlpserver is not installed")
    out = tmp_path / "out"
    with open(out, "w", encoding="utf-8") as f, subprocess.Popen(
            [MOCK, "-o", "json", "--hostname=127.0.0.1"],
            stdin=subprocess.PIPE,
            stdout=f, stderr=subprocess.STDOUT, cwd=tmp_path) as process:
        try:
            wait_until(lambda: "OTLP/HTTP listening" in out.read_text())
            m = master(Listed(RECORDS), destination(
                f"http://127.0.0.1:{MOCK_PORT}", format="otlp",
                compression="none"))  # it knows no other
            m.wait_done()
            said = wait_until(lambda: out.read_text() if "n-3" in
                              out.read_text() else "")
            # it answers before it parses, and dies of what it can't
            assert process.poll() is None, said
            assert not m.aside
        finally:
            process.kill()
    # the trace's resource, and the names of enumerations, are of its making
    for what in ("logRecords", "dataPoints", "scopeSpans", "disk_used_bytes",
                 "SPAN_KIND_INTERNAL", "STATUS_CODE_ERROR"):
        assert what in said, said
