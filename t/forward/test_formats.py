"""Each format: what is sent, by its rules, and what its answers mean."""

import json

import pytest
from collector import Collector
from conftest import (AGENT_ID, Generated, Listed, destination, job_record,
                      log_record)

METRICS = [
    {"name": "disk_used_bytes", "value": 123, "unit": "bytes",
     "kind": "gauge", "labels": {"mount": "/", "odd": "a b,c=d\\"}},
    {"name": "requests", "value": 1.5, "unit": None, "kind": "counter",
     "labels": {}},
]
NASTY = 'say "hi", \\o/ = 1\n\u00e9\u2028'
RECORDS = [
    ("log", log_record(1, 1, message=NASTY, fields={"n": 1, "x": [1]})),
    ("log", log_record(1, 2, level="error")),
    ("job", job_record(1, metrics=METRICS, name="n-1", state="failed",
                       error={"code": "plugin_error", "message": NASTY,
                              "hint": None},
                       exit={"code": 3, "signal": None},
                       usage={"cpu_ms": 11, "max_rss_bytes": 9437184})),
    ("job", job_record(2, started_at=None, name="n-2", metrics=[])),
    ("job", job_record(3, name="n-3", metrics=METRICS[:1])),
]
WHEN_NS = 1769903999142 * 1000000


class Answers:
    """Answers as told, one after the other, the last for ever."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.bodies = []
        self.collector = Collector(self.handle)
        self.url = self.collector.url

    def handle(self, request):
        """The next answer."""
        self.bodies.append(request.body().decode())
        self.requests.append(request)
        answer = self.answers[0]
        if len(self.answers) > 1:
            self.answers.pop(0)
        if callable(answer):
            answer = answer(self.bodies[-1])
        status, body = answer
        request.answer(status, body)
        return True


def ids(body):
    """The numbers of the records in a body of _bulk."""
    return [int(json.loads(line)["create"]["_id"].rsplit("-", 1)[1])
            for line in body.splitlines()[::2]]


# --- Elasticsearch -----------------------------------------------------------


def bulk(statuses):
    """An answer of _bulk, by what becomes of each record."""
    def answer(body):
        items = []
        for i in ids(body):
            status = statuses(i)
            item = {"_id": str(i), "status": status}
            if status >= 300:
                item["error"] = {"type": "some_exception",
                                 "reason": f"because of {i}"}
            items.append({"create": item})
        return 200, json.dumps({"took": 1, "errors": True, "items": items})
    return answer


def test_elasticsearch(master):
    """Elasticsearch: created under an id; each item is judged"""
    busy = set(range(10, 20))

    def statuses(i):
        if i in busy:
            busy.discard(i)
            return 429
        return {5: 409, 6: 400}.get(i, 201)

    a = Answers(bulk(statuses))
    m = master(Generated(50), destination(a.url, format="elasticsearch",
                                          compression="zstd"))
    m.wait_done()
    assert [x["code"] for x in m.aside.values()] == ["400 some_exception"]
    assert list(m.aside) == [f"{AGENT_ID}-6"]
    assert m.aside[f"{AGENT_ID}-6"]["reason"] == "because of 6"
    assert m.accepted == 49
    assert ids(a.bodies[0]) == list(range(50))
    assert ids(a.bodies[1]) == list(range(10, 20))
    assert a.requests[0].path == "/devops_agent/_bulk"
    # it does not take zstd
    assert a.requests[0].headers["content-encoding"] == "gzip"
    action, doc = [json.loads(x) for x in a.bodies[0].splitlines()[:2]]
    assert action == {"create": {"_id": f"{AGENT_ID}-0"}}
    assert doc == {"record_id": f"{AGENT_ID}-0", "kind": "job",
                   "@timestamp": job_record(0)["finished_at"],
                   **job_record(0)}


@pytest.mark.parametrize("answer", [
    (200, "{}"), (200, '{"items":[]}'), (200, "<html>"),
    (200, '{"errors":false,"items":[{"create":{}}]}')])
def test_elasticsearch_lies(master, answer):
    """Elasticsearch: a 200 that does not say what became of them is none"""
    a = Answers(answer, answer, bulk(lambda i: 201))
    m = master(Generated(1), destination(a.url + "/x/_bulk",
                                         format="elasticsearch"))
    m.wait_done()
    assert len(a.requests) == 3 and a.requests[0].path == "/x/_bulk"
    assert not m.aside


# --- Loki --------------------------------------------------------------------


def test_loki(master):
    """Loki: streams by labels, the record as the line"""
    a = Answers((204, ""))
    m = master(Listed(RECORDS + [("job", job_record(i, name="n-3"))
                                 for i in (4, 5)]),
               destination(a.url, format="loki"))
    m.wait_done()
    assert a.requests[0].path == "/loki/api/v1/push"
    streams = json.loads(a.bodies[0])["streams"]
    assert [len(s["values"]) for s in streams] == [1, 1, 1, 1, 3]
    first = streams[0]
    assert first["stream"] == {
        "service_name": "devops_agent", "kind": "log", "job": "collect-1",
        "plugin": "collect-disk", "level": "info", "host": "web-1",
        "label_role": "web"}
    ns, line = first["values"][0]
    assert ns == str(1769903999135 * 1000000)
    assert json.loads(line) == {"record_id": f"{AGENT_ID}-1-1",
                                **RECORDS[0][1]}
    assert streams[2]["values"][0][0] == str(WHEN_NS)


def test_loki_blocked(master):
    """Loki: 260 is a yes that keeps nothing; the records are held"""
    a = Answers((260, "blocked"), (204, ""))
    m = master(Generated(3), destination(a.url, format="loki"))
    m.wait_done()
    assert len(a.requests) == 2 and not m.aside


# --- Splunk ------------------------------------------------------------------


def test_splunk(master):
    """Splunk: events with time, host and indexed fields; code 0 is yes"""
    a = Answers((200, "<html>"), (200, '{"text":"Success","code":0}'))
    m = master(Listed(RECORDS), destination(
        a.url, format="splunk-hec", auth={"bearer": "t0ken"}))
    m.wait_done()
    assert len(a.requests) == 2
    assert a.requests[0].path == "/services/collector/event"
    assert a.requests[0].headers["authorization"] == "Splunk t0ken"
    events = [json.loads(x) for x in a.bodies[1].split("\n")[:-1]]
    assert events[2] == {
        "time": 1769903999.142, "host": "web-1", "source": "devops_agent",
        "sourcetype": "devops_agent:job", "event": RECORDS[2][1],
        "fields": {"record_id": f"{AGENT_ID}-1", "job_name": "n-1",
                   "plugin": "collect-disk", "state": "failed",
                   "role": "web"}}
    assert events[0]["event"]["message"] == NASTY
    assert not m.aside


# --- InfluxDB ----------------------------------------------------------------


def test_influx(master):
    """InfluxDB: points of jobs, metrics and lines, escaped"""
    a = Answers((204, ""))
    m = master(Listed(RECORDS), destination(
        a.url + "/?bucket=b&org=o", format="influx",
        auth={"bearer": "t0ken"}))
    m.wait_done()
    assert a.requests[0].path == "/api/v2/write?bucket=b&org=o"
    assert a.requests[0].headers["authorization"] == "Token t0ken"
    body = a.bodies[0]
    assert body.startswith(
        "devops_agent_log,job=collect-1,plugin=collect-disk,level=info,"
        "stream=log,host=web-1,role=web job_id=1i,message="
        '"say \\"hi\\", \\\\o/ = 1\n\u00e9\u2028" 1769903999135001')
    assert (f"\ndevops_agent_job,job=n-1,plugin=collect-disk,state=failed,"
            f"trigger=schedule,host=web-1,role=web job_id=1i,duration_ms=12,"
            f"attempt=1,cpu_ms=11,max_rss_bytes=9437184,exit_code=3 "
            f"{WHEN_NS + 1}\n") in body
    assert (f"\ndisk_used_bytes,job=n-1,unit=bytes,mount=/,"
            f"odd=a\\ b\\,c\\=d,host=web-1,role=web value=123 "
            f"{WHEN_NS + 1}\n") in body
    assert "\nrequests,job=n-1,host=web-1,role=web value=1.5 " in body


# --- OTLP --------------------------------------------------------------------


def test_otlp(master):
    """OTLP: lines are logs, jobs are spans, metrics are metrics"""
    a = Answers((200, "{}"))
    m = master(Listed(RECORDS), destination(a.url + "/", format="otlp"))
    m.wait_done()
    got = {r.path: json.loads(b) for r, b in zip(a.requests, a.bodies)}
    assert list(got) == ["/v1/logs", "/v1/metrics", "/v1/traces"]

    resource = got["/v1/logs"]["resourceLogs"][0]["resource"]
    names = {x["key"]: x["value"] for x in resource["attributes"]}
    assert names["service.name"] == {"stringValue": "devops_agent"}
    assert names["service.instance.id"] == {"stringValue": AGENT_ID}
    assert names["devops_agent.label.role"] == {"stringValue": "web"}

    logs = got["/v1/logs"]["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    assert [x["severityNumber"] for x in logs] == [9, 17]
    assert logs[0]["body"] == {"stringValue": NASTY}
    fields = {x["key"]: x["value"] for x in logs[0]["attributes"]}
    assert fields["n"] == {"intValue": "1"}
    assert fields["x"] == {"stringValue": "[1]"}

    spans = got["/v1/traces"]["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert [x["name"] for x in spans] == ["n-1", "n-2", "n-3"]
    assert len({x["traceId"] for x in spans}) == 3
    assert logs[0]["traceId"] == spans[0]["traceId"]
    assert spans[0]["status"] == {"code": 2, "message": NASTY}
    assert spans[1]["status"]["code"] == 1
    assert spans[1]["startTimeUnixNano"] == str(WHEN_NS)
    assert all(len(x["traceId"]) == 32 and len(x["spanId"]) == 16
               for x in spans)

    metrics = got["/v1/metrics"]["resourceMetrics"][0]["scopeMetrics"][0]
    names = [x["name"] for x in metrics["metrics"]]
    assert names == ["disk_used_bytes", "requests", "disk_used_bytes"]
    assert metrics["metrics"][0]["gauge"]["dataPoints"][0]["asInt"] == "123"
    total = metrics["metrics"][1]["sum"]
    assert total["isMonotonic"] and total["aggregationTemporality"] == 2
    assert total["dataPoints"][0]["asDouble"] == 1.5


def test_otlp_partial(master):
    """OTLP: what is rejected is found by sending less at once"""
    def answer(body):
        bad = '"name":"n-13"' in body
        return 200, '{"partialSuccess":{"rejectedSpans":"1"}}' if bad else "{}"

    a = Answers(answer)
    m = master(Generated(32, lambda i: job_record(i, name=f"n-{i}")),
               destination(a.url, format="otlp"))
    m.wait_done()
    assert list(m.aside) == [f"{AGENT_ID}-13"]


def test_otlp_parts(master):
    """OTLP: one part that is refused does not repeat the others"""
    a = Answers((200, "{}"), (200, "{}"), (503, ""), (503, ""), (200, "{}"))
    m = master(Listed(RECORDS), destination(a.url, format="otlp"))
    m.wait_done()
    assert [r.path for r in a.requests] == [
        "/v1/logs", "/v1/metrics"] + 3 * ["/v1/traces"]
