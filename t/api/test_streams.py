"""Server-sent events: of the agent, and of a job's log."""

import json
import socket
import time

import pytest

from double import LATER, SECONDS, Refusal, job, line, wait_until

STREAMS = [("/v1/events", "events"), ("/v1/jobs/1/logs?follow=1",
                                      "job.logs")]


class Stream:
    """A client that follows."""

    def __init__(self, api, path, accept=True, **headers):
        self.socket = api.connect()
        self.file = self.socket.makefile("rb")
        text = "".join(f"{k.replace('_', '-')}: {v}\r\n"
                       for k, v in headers.items())
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
                            f"{text}\r\n".encode())
        self.request = api.master.next()
        if accept:
            self.request.notify("stream")
            self.head()

    def head(self):
        """The header of the answer."""
        status = self.file.readline()
        self.headers = {}
        while (text := self.file.readline().strip()):
            name, value = text.decode().split(": ", 1)
            self.headers[name] = value
        self.status = int(status.split()[1])
        self.left = b""

    def chunk(self):
        """One piece of the answer; b"" at its end."""
        size = int(self.file.readline(), 16)
        data = self.file.read(size)
        self.file.readline()
        return data

    def block(self):
        """The next event or comment, as its lines; None at the end."""
        while b"\n\n" not in self.left:
            piece = self.chunk()
            if not piece:
                return None
            self.left += piece
        one, self.left = self.left.split(b"\n\n", 1)
        return one.decode().split("\n")

    def event(self):
        """The next event: its type, id, data."""
        while True:
            lines = self.block()
            if lines is None:
                return None
            told = dict(text.split(": ", 1) for text in lines
                        if not text.startswith(":"))
            if "data" in told:
                return (told.get("event"), told.get("id"),
                        json.loads(told["data"]))

    def close(self):
        """Its end, by the client."""
        self.file.close()
        self.socket.close()


@pytest.mark.parametrize("path,method", STREAMS)
def test_refused(api, path, method):
    """What may not be followed is refused before anything is sent"""
    def refuse(_):
        raise Refusal("unauthorized")
    api.master.answers[method] = refuse
    answer = api.get(path)
    assert (answer.status, answer.problem()) == (401, "unauthorized")


def test_events(api):
    """Events come as they happen, with their ids"""
    s = Stream(api, "/v1/events")
    assert s.request.method == "events" and s.request.params == {}
    assert s.status == 200
    assert s.headers["Content-Type"] == "text/event-stream"
    assert s.block() == ["retry: 2000"]
    for i in range(3):
        s.request.notify("event", id=f"e-{i}", type="job.ended",
                         data={"job": i, "text": "a\nb"})
        assert s.event() == ("job.ended", f"e-{i}",
                             {"job": i, "text": "a\nb"})
    assert api.get("/v1/status").status == 200
    s.close()
    wait_until(lambda: s.request.id in api.master.cancelled)


def test_silence_is_consent(api):
    """A stream with nothing to tell yet is begun all the same"""
    s = Stream(api, "/v1/events", accept=False)
    s.head()
    assert s.status == 200
    s.close()


def test_resumption(api):
    """A stream goes on where the client says"""
    s = Stream(api, "/v1/events", Last_Event_ID="e-7")
    assert s.request.params == {"after": "e-7"}
    s.close()
    api.master.answers["job.logs"] = LATER
    s = Stream(api, "/v1/jobs/5/logs?follow=1", Last_Event_ID="41")
    assert s.request.params == {"id": 5, "after": 41, "follow": True}
    s.close()
    answer = api.get("/v1/jobs/5/logs?follow=1", Last_Event_ID="x")
    assert answer.problem() == "invalid-request"


def test_logs(api):
    """A job's log is followed to the job's end"""
    api.master.answers["job.logs"] = LATER
    s = Stream(api, "/v1/jobs/1/logs?follow=1", accept=False)
    s.request.notify("log", **line(1))
    s.head()
    s.request.notify("progress", job=1, fraction=0.5, message="half")
    s.request.notify("log", **line(2))
    assert s.event() == ("log", "1", line(1))
    assert s.event() == ("progress", None,
                         {"job": 1, "fraction": 0.5, "message": "half"})
    assert s.event() == ("log", "2", line(2))
    s.request.answer(job(1))
    assert s.event() == ("end", None, job(1))
    assert s.event() is None
    # the connection goes on
    s.socket.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    s.head()
    assert s.status == 200
    s.close()


def test_end_without_events(api):
    """A log that has ended and has no line is a stream with its end"""
    api.master.answers["job.logs"] = job(1)
    s = Stream(api, "/v1/jobs/1/logs?follow=1", accept=False)
    s.head()
    assert s.event() == ("end", None, job(1)) and s.event() is None
    s.close()


def test_revoked(api):
    """An error in its midst is told, and ends it"""
    s = Stream(api, "/v1/events")
    s.request.refuse("unauthorized", "the token was revoked")
    kind, _, told = s.event()
    assert (kind, told["code"]) == ("error", "unauthorized")
    assert told["detail"] == "the token was revoked"
    assert s.event() is None
    s.close()


def test_names_are_harmless(api):
    """No id and no type can end a line"""
    s = Stream(api, "/v1/events")
    s.request.notify("event", id="a\ndata: 1", type="x\nid: 3", data={})
    s.request.notify("event", id=12, type="y", data=[1])
    assert s.block() == ["retry: 2000"]
    assert s.block() == ["event: xid", "data: {}"]
    assert s.block() == ["id: 12", "event: y", "data: [1]"]
    s.close()


def test_head_of_streams(api):
    """HEAD of a stream ends where the body would begin"""
    api.master.answers["events"] = LATER
    c = api.client()
    c.request("HEAD", "/v1/events")
    request = api.master.next("events")
    request.notify("stream")
    answer = c.getresponse()
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/event-stream"
    wait_until(lambda: request.id in api.master.cancelled)
    c.close()


def slow_reader(api):
    """A client that follows events and reads nothing."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    s.connect((api.host, api.port))
    s.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return s, api.master.next("events")


def test_reader_far_behind(api):
    """One that is too far behind gets what there is, and the end"""
    s, request = slow_reader(api)
    fast = Stream(api, "/v1/events")
    data = {"x": "y" * 100_000}
    for i in range(140):
        request.notify("event", id=str(i), type="big", data=data)
        fast.request.notify("event", id=str(i), type="big", data=data)
        assert fast.event()[1] == str(i)
    wait_until(lambda: request.id in api.master.cancelled)
    assert api.resident() < 60_000
    got = b""
    s.settimeout(SECONDS)
    while not got.endswith(b"0\r\n\r\n"):
        piece = s.recv(1 << 20)
        assert piece
        got += piece
    last = max(int(t.split(b"\n")[0]) for t in got.split(b"id: ")[1:])
    assert 80 <= last < 139, "and so it can say where to go on"
    s.close()
    fast.close()
    wait_until(lambda: api.resident() < 30_000)


def test_bound_of_streams(start):
    """There are so many streams and no more"""
    api = start(limits={"streams": 2})
    held = [Stream(api, "/v1/events") for _ in range(2)]
    answer = api.get("/v1/events")
    assert (answer.status, answer.problem()) == (429, "too-many")
    held[0].close()
    wait_until(lambda: api.master.cancelled)
    held[0] = Stream(api, "/v1/events")
    for s in held:
        s.close()


def test_many_streams(api):
    """Hundreds of streams cost little, and each has each event"""
    before = api.resident()
    held = [Stream(api, "/v1/events") for _ in range(300)]
    each = (api.resident() - before) / len(held)
    assert each <= 32, f"{each} KiB each"
    for s in held:
        s.request.notify("event", id="1", type="a", data={"n": 1})
    began = time.monotonic()
    assert api.get("/healthz").status == 200
    assert time.monotonic() - began < SECONDS
    for s in held:
        assert s.event() == ("a", "1", {"n": 1})
        s.close()
    wait_until(lambda: len(api.master.cancelled) == len(held))
