"""JSON lines: what is sent, and what its answers mean."""

import json

from collector import Collector
from conftest import (AGENT_ID, Generated, Listed, destination, job_record,
                      log_record)


def test_body(master):
    """A record is a line, as the agent has it, with its id and its kind"""
    got = []

    def handle(request):
        got.append((request.headers, request.body()))
        request.answer(200)

    c = Collector(handle)
    m = master(Listed([("job", job_record(7)), ("log", log_record(7, 1))]),
               destination(c.url, auth={
                   "bearer": "s3cret", "headers": {"X-Tenant": "a"}},
                            compression="zstd"))
    m.wait_done()
    headers, body = got[0]
    job, log = [json.loads(line) for line in body.decode().splitlines()]
    assert job == {"record_id": f"{AGENT_ID}-7", "kind": "job",
                   **job_record(7)}
    assert log == {"record_id": f"{AGENT_ID}-7-1", "kind": "log",
                   **log_record(7, 1), "agent": m.agent}
    assert headers["authorization"] == "Bearer s3cret"
    assert headers["x-tenant"] == "a"
    assert headers["content-encoding"] == "zstd"
    assert headers["content-type"] == "application/x-ndjson"
    assert headers["idempotency-key"].startswith(f"{AGENT_ID}-7.0.2.")
    assert "expect" not in headers


def test_many(master):
    """What is stored arrives in order, on one connection"""
    got = []

    def handle(request):
        got.extend(json.loads(x)["id"] for x in request.body().splitlines())
        request.answer(200)

    c = Collector(handle)
    m = master(Generated(5000), destination(c.url))
    m.wait_done()
    assert got == list(range(5000))
    assert c.accepted == 1
    assert m.shown["central"]["state"] == "ok"
    assert m.accepted == 5000
