"""Every route, and what holds for all of them."""

import json
import os
import shutil
import subprocess
import time

import pytest

from double import (LATER, NEEDS, PROGRAM, Refusal, SECONDS, SLOWNESS, job,
                    wait_until)

# Method, path, body, the master's method and params.
ROUTES = [
    ("GET", "/v1/status", None, "status", {}),
    ("GET", "/v1/plugins", None, "plugin.list", {}),
    ("GET", "/v1/plugins/a", None, "plugin.get", {"name": "a"}),
    ("POST", "/v1/jobs", {"plugin": "a", "params": {"x": 1}}, "job.submit",
     {"plugin": "a", "params": {"x": 1}}),
    ("GET", "/v1/jobs", None, "job.list", {}),
    ("GET", "/v1/jobs/3", None, "job.get", {"id": 3}),
    ("GET", "/v1/jobs/3/logs", None, "job.logs", {"id": 3}),
    ("POST", "/v1/jobs/3/cancel", None, "job.cancel", {"id": 3}),
    ("POST", "/v1/jobs/3/retry", {}, "job.retry", {"id": 3}),
    ("GET", "/v1/schedules", None, "schedule.list", {}),
    ("POST", "/v1/schedules/s1/trigger", {"wait_ms": 5}, "schedule.trigger",
     {"name": "s1", "wait_ms": 5}),
    ("POST", "/v1/schedules/s1/pause", {}, "schedule.pause", {"name": "s1"}),
    ("POST", "/v1/schedules/s1/resume", {}, "schedule.resume",
     {"name": "s1"}),
    ("GET", "/v1/forward", None, "forward.status", {}),
    ("GET", "/v1/events", None, "events", {}),
    ("GET", "/metrics", None, "metrics", {}),
    ("GET", "/healthz", None, "health", {}),
    ("GET", "/readyz", None, "health", {}),
    ("GET", "/openapi.json", None, None, None),
]
IDS = [f"{r[0]} {r[1]}" for r in ROUTES]


@pytest.mark.parametrize("method,path,body,asks,params", ROUTES, ids=IDS)
def test_route(api, method, path, body, asks, params):
    """A route asks the master for what it says"""
    api.master.answers["events"] = {}
    answer = api.ask(method, path, body)
    want = 201 if asks in ("job.submit", "job.retry",
                           "schedule.trigger") else 200
    assert answer.status == want
    if asks:
        request = api.master.next()
        assert (request.method, request.params) == (asks, params)
        assert request.auth == {"address": "127.0.0.1"}
    for name, value in (("X-Content-Type-Options", "nosniff"),
                        ("Referrer-Policy", "no-referrer"),
                        ("Cross-Origin-Resource-Policy", "same-origin")):
        assert answer.headers[name] == value
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("role", [None, "wrong", "reader", "operator",
                                  "admin"])
def test_roles(api, role):
    """Each route is answered by the master's word on who asks"""
    api.master.tokens = {"t-reader": "reader", "t-operator": "operator",
                         "t-admin": "admin"}
    api.master.answers["events"] = {}
    token = role and f"t-{role}"
    levels = [None, "reader", "operator", "admin"]
    c = api.client()
    for method, path, body, asks, _ in ROUTES:
        need = NEEDS.get(asks)
        answer = api.ask(method, path, body, token=token, client=c)
        if path == "/v1/events":
            c = api.client()
        if need is None:
            assert answer.status == 200
        elif role in (None, "wrong"):
            assert answer.status == 401
            assert answer.problem() == "unauthorized"
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        elif levels.index(role) < levels.index(need):
            assert answer.status == 403
            assert answer.problem() == "forbidden"
        else:
            assert answer.status in (200, 201)


def test_token_is_passed_on(api):
    """A token goes to the master as it came, and is not looked at"""
    api.get("/v1/status", token="abc.DEF-_~+/=")
    assert api.master.next().auth["token"] == "abc.DEF-_~+/="


@pytest.mark.parametrize("method,path,body,asks,params",
                         [r for r in ROUTES if r[0] == "GET"],
                         ids=[i for i in IDS if i.startswith("GET")])
def test_head(api, method, path, body, asks, params):
    """HEAD is as GET, without the body"""
    api.master.answers["events"] = {}
    get, head = api.get(path), api.ask("HEAD", path)
    assert head.status == get.status and head.body == b""
    for name in ("Content-Type", "ETag"):
        assert head.headers[name] == get.headers[name]
    if path not in ("/v1/events", "/metrics"):
        assert head.headers["Content-Length"] == str(len(get.body))


def test_options(api):
    """OPTIONS says what a path takes, and asks nobody"""
    for path, allow in (("/v1/jobs", "GET, HEAD, POST, OPTIONS"),
                        ("/v1/jobs/1/cancel", "POST, OPTIONS"),
                        ("/metrics", "GET, HEAD, OPTIONS"),
                        ("*", "GET, HEAD, POST, OPTIONS")):
        answer = api.ask("OPTIONS", path)
        assert (answer.status, answer.headers["Allow"]) == (204, allow)
        assert "Content-Type" not in answer.headers
    assert api.ask("OPTIONS", "/nothing").problem() == "no-route"
    answer = api.ask("OPTIONS", "/v1/jobs", Origin="http://evil.example",
                     Access_Control_Request_Method="POST")
    assert answer.problem() == "cross-origin"
    assert api.master.asked.empty()


def test_methods(api):
    """A method that a path does not take is told which it does"""
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "POST"):
        answer = api.ask(method, "/v1/status")
        assert answer.problem() == "method-not-allowed"
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert api.ask("BREW", "/v1/status").status == 405


KINDS = [
    ("usage", 400, "invalid-request"), ("unauthorized", 401, "unauthorized"),
    ("denied", 403, "permission-denied"), ("forbidden", 403, "forbidden"),
    ("not_found", 404, "not-found"), ("conflict", 409, "conflict"),
    ("too_many", 429, "too-many"), ("agent", 500, "agent"),
    ("unavailable", 503, "unavailable"), ("what is new", 500, "agent"),
]


@pytest.mark.parametrize("kind,status,code", KINDS)
def test_problems(api, kind, status, code):
    """An error of the master's is a problem of its kind"""
    def refuse(_):
        raise Refusal(kind, "it is \"so\"", hint="do this",
                      difference=["read: /x"], retry_after_ms=1500,
                      type="mine", status=1)
    api.master.answers["job.submit"] = refuse
    answer = api.post("/v1/jobs", {"name": "a"})
    assert (answer.status, answer.problem()) == (status, code)
    told = answer.json()
    assert told["detail"] == 'it is "so"' and told["hint"] == "do this"
    assert told["difference"] == ["read: /x"]
    assert "kind" not in told and told["retry_after_ms"] == 1500
    assert answer.headers["Retry-After"] == "2"


def test_unknown_method(api):
    """What this agent does not know is 501"""
    api.master.answers["forward.status"] = None
    assert api.get("/v1/forward").problem() == "not-implemented"


def test_submit(api):
    """A job is 201 with its place; one that was there already is 200"""
    answer = api.post("/v1/jobs", {"name": "x"}, Idempotency_Key="k1")
    assert answer.status == 201
    assert answer.headers["Location"] == "/v1/jobs/7"
    assert api.master.next().params == {"key": "k1", "name": "x"}
    api.master.answers["job.submit"] = job(7, existed=True)
    answer = api.post("/v1/jobs", {"name": "x"}, Idempotency_Key="k1")
    assert answer.status == 200
    assert answer.headers["Location"] == "/v1/jobs/7"


def test_lists(api):
    """A list is read page by page"""
    seen, cursor = [], ""
    for _ in range(3):
        answer = api.get(f"/v1/plugins?limit=1{cursor}").json()
        seen += [p["name"] for p in answer["items"]]
        cursor = f"&cursor={answer['next']}"
    assert seen == ["a", "b", "c"] and answer["next"] is None
    assert api.get("/v1/plugins?cursor=c").json() == {"items": [],
                                                      "next": None}
    answer = api.get("/v1/jobs?limit=2&name=collect-disk").json()
    assert answer["next"] == "2" and len(answer["items"]) == 2
    api.master.answers["job.list"] = {"items": [], "next": None}
    assert api.get("/v1/jobs?cursor=2").json()["next"] is None
    asked = [api.master.next("job.list").params for _ in range(2)]
    assert asked == [{"limit": 2, "name": "collect-disk"}, {"before": 2}]
    answer = api.get("/v1/jobs/1/logs?limit=2").json()
    assert answer["next"] == "2" and len(answer["items"]) == 2
    assert api.get("/v1/jobs/1/logs?limit=3").json()["next"] is None


def test_etag(api):
    """What has not changed is not sent again"""
    first = api.get("/v1/jobs")
    etag = first.headers["ETag"]
    assert etag.startswith('W/"')
    for value in (etag, etag[2:], f'"x", {etag}', "*"):
        again = api.get("/v1/jobs", If_None_Match=value)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["ETag"] == etag
    assert api.get("/v1/jobs", If_None_Match='"x"').status == 200
    assert api.get("/v1/jobs", If_None_Match=etag[3:-1]).status == 200
    api.master.answers["job.list"] = {"items": [job(4)], "next": None}
    assert api.get("/v1/jobs", If_None_Match=etag).status == 200
    assert "ETag" not in api.get("/v1/status").headers


@pytest.mark.parametrize("accept,coding", [
    ("gzip", "gzip"), ("zstd", "zstd"), ("gzip, zstd", "zstd"),
    ("gzip;q=1, zstd;q=0.1", "gzip"), ("br", None), (None, None),
    ("identity", None), ("gzip;q=0", None)])
def test_codings(api, accept, coding):
    """An answer is compressed as the client takes it"""
    api.master.answers["job.list"] = {"items": [job(i) for i in range(50)],
                                      "next": None}
    headers = {"Accept-Encoding": accept} if accept else {}
    answer = api.get("/v1/jobs", **headers)
    assert answer.headers["Content-Encoding"] == coding
    assert len(answer.plain()["items"]) == 50
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert "Content-Encoding" not in api.get("/healthz", **headers).headers


def test_large(api):
    """An answer of megabytes comes whole"""
    api.master.answers["job.get"] = job(1, result="x" * 20_000_000)
    assert len(api.get("/v1/jobs/1").json()["result"]) == 20_000_000
    wait_until(lambda: api.resident() < 30_000)


def test_keep_alive(api):
    """A connection serves many requests, refused ones among them"""
    c = api.client()
    for _ in range(3):
        assert api.get("/v1/status", client=c).status == 200
        assert api.get("/nothing", client=c).status == 404
        assert api.post("/v1/jobs", "{", client=c).status == 400
        assert api.post("/v1/jobs", {}, client=c,
                        Content_Type="text/plain").status == 415
    assert c.sock is not None


def test_pipelining(api):
    """Requests that come together are answered in order"""
    get = "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
    got = api.raw((get % ("/v1/plugins/b", "") + get % ("/healthz", "")
                   + get % ("/v1/plugins/c", "Connection: close\r\n"))
                  .encode())
    assert got.count(b"HTTP/1.1 200 OK") == 3
    assert got.index(b'"b"') < got.index(b"alive") < got.index(b'"c"')


def test_http_1_0(api):
    """HTTP/1.0 is answered, and closed"""
    got = api.raw(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert b" 200 OK\r\n" in got and got.endswith(b"[]}")


def test_wait(api):
    """A request that waits delays no other, and ends with its client"""
    api.master.answers["job.wait"] = LATER
    waiting = api.client()
    waiting.request("GET", "/v1/jobs/5?wait_ms=600000")
    request = api.master.next("job.wait")
    assert request.params == {"id": 5, "wait_ms": 600000}
    assert api.get("/v1/status").status == 200
    request.answer(job(5))
    assert waiting.getresponse().status == 200
    waiting.request("GET", "/v1/jobs/6?wait_ms=600000")
    request = api.master.next("job.wait")
    waiting.close()
    wait_until(lambda: request.id in api.master.cancelled)
    request.answer(job(6))  # late: nobody's
    assert api.get("/v1/status").status == 200


def test_master_is_slow(start):
    """A master that does not answer in time is told of"""
    api = start(limits={"request_ms": 200 * SLOWNESS})
    api.master.answers["status"] = LATER
    began = time.monotonic()
    assert api.get("/v1/status").problem() == "agent-timeout"
    assert time.monotonic() - began < SECONDS
    wait_until(lambda: api.master.cancelled)
    assert api.get("/healthz").status == 200


def test_health(api):
    """/healthz and /readyz say why not"""
    assert api.get("/readyz").json() == {"status": "ready", "reasons": []}
    why = [{"check": "store", "ok": False, "message": "disk full"}]
    api.master.answers["health"] = {"alive": True, "ready": False,
                                    "reasons": why}
    assert api.get("/healthz").status == 200
    answer = api.get("/readyz")
    assert (answer.status, answer.problem()) == (503, "not-ready")
    assert answer.json()["reasons"] == why
    api.master.answers["health"] = {"alive": False, "ready": False}
    assert api.get("/healthz").status == 503


def test_strange_answers(api):
    """What the master should not say breaks one request at most"""
    for answer in ([], 1, {"items": 1}, {"next": 1}, None,
                   {"items": [{"name": 1}], "next": None}):
        api.master.answers["plugin.list"] = lambda p, a=answer: a
        assert api.get("/v1/plugins").status == 500
        assert api.get("/metrics").status in (200, 500)
    api.master.send(id=999999, result={})
    api.master.send(method="unknown", params={"request": 12})
    api.master.send(method="stream", params={"request": 65536})
    assert api.get("/v1/status").status == 200


def test_end(start):
    """It ends with the master, and by SIGTERM once it has answered"""
    api = start()
    api.get("/healthz")
    assert api.stop() == 0
    api = start()
    api.master.answers["status"] = LATER
    c = api.client()
    c.request("GET", "/v1/status")
    request = api.master.next()
    os.kill(api.pid, 15)
    wait_until(lambda: not accepts(api))
    request.answer({"agent": {}, "phase": "x", "uptime_ms": 1, "jobs": {},
                    "store": {}})
    assert c.getresponse().status == 200
    c.close()
    assert api.wait() == 0


def accepts(api):
    """Whether a new connection is answered."""
    try:
        c = api.client(timeout=0.2)
        c.request("GET", "/openapi.json")
        return c.getresponse().status == 200
    except OSError:
        return False


def test_breaks_off(start):
    """A master that says what is no message ends it"""
    api = start()
    with api.master.lock:
        api.master.sock.sendall(b"nonsense\n")
    assert api.wait() == 0


def test_settings(start):
    """Settings that are wrong leave the old ones in force, and are told"""
    api = start(configure=False)
    api.configure(limits={"body_bytes": 1})
    wait_until(api.master.log)
    assert "limits.body_bytes" in api.master.log()[0]["message"]
    assert not api.master.ready.is_set()
    api.configure(limits={"body_bytes": 2000}, metrics=False,
                  hosts=["web-1"])
    assert api.master.ready.wait(SECONDS)
    assert api.get("/metrics").problem() == "no-route"
    assert api.get("/healthz", Host="web-1:1").status == 200
    assert api.get("/healthz", Host="web-2").problem() == "host-unknown"
    api.configure(limits={"connections": -1})
    wait_until(lambda: len(api.master.log()) == 2)
    assert api.get("/healthz").status == 200
    c = api.client()
    assert api.get("/healthz", client=c).status == 200
    api.configure(limits={"connections": 50}, hosts=["web-2"])
    wait_until(lambda: api.get("/healthz", Host="web-2").status == 200)
    assert api.get("/healthz", client=c).status == 200


def test_nobody_starts_it_by_hand():
    """Started by hand it says who starts it"""
    done = subprocess.run([PROGRAM], close_fds=True,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    assert done.returncode == 125
    assert b"devops_agent starts this program" in done.stderr


def test_several_sockets(start):
    """All sockets that it was given are listened on"""
    api = start(listeners=3)
    for s in api.listeners:
        api.port = s.getsockname()[1]
        assert api.get("/healthz").status == 200


def test_description(api):
    """The description is OpenAPI 3.1 and names every route"""
    document = api.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    told = {(method.upper(), path)
            for path, item in document["paths"].items() for method in item}
    wanted = {(r[0], r[1].replace("/a", "/{name}") if "plugins/" in r[1] else
               r[1].replace("/3", "/{id}").replace("/s1", "/{name}"))
              for r in ROUTES}
    assert {t for t in told if t[0] != "HEAD"} == wanted
    assert json.dumps(document).count("$ref") > 20


@pytest.mark.skipif(not shutil.which("validate-api"),
                    reason="validate-api of npm is not installed")
def test_validator(api, tmp_path):
    """A validator that nobody here wrote takes the description"""
    (tmp_path / "openapi.json").write_bytes(api.get("/openapi.json").body)
    done = subprocess.run(["validate-api", str(tmp_path / "openapi.json")],
                          stdout=subprocess.PIPE, check=False)
    assert json.loads(done.stdout)["valid"] is True
