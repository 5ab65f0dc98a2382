"""The commands against what is no agent, and on terminals."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import threading

import pytest

from conftest import PROGRAM, SECONDS

WAIT = object()


class FakeAgent:
    """Answers each line by what it was told, then closes or hangs."""

    def __init__(self, path, *answers):
        path.parent.mkdir(exist_ok=True)
        self.answers = answers
        self.requests = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(5)
        self.held = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.held.append(client)
            file = client.makefile("rb")
            for answer in self.answers:
                line = file.readline()
                if not line:
                    break
                self.requests.append(json.loads(line))
                if answer is WAIT:
                    file.readline()
                    continue
                try:
                    client.sendall(answer)
                except OSError:
                    break
            file.close()
            client.close()

    def close(self):
        self.listener.close()


def answer(value, id=1):
    """A right answer's line."""
    return json.dumps({"jsonrpc": "2.0", "id": id,
                       "result": value}).encode() + b"\n"


@pytest.fixture
def fake(agent):
    """Makes fake agents where the real one would be."""
    made = []

    def make(*answers):
        agent.noop()
        agent.write_config()
        made.append(FakeAgent(agent.socket, *answers))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("said", [
    b"", b"\n", b"junk\n", b"\xff\xfe\n", b"{}\n", b"[]\n", b"5\n", b"null\n",
    b'{"jsonrpc":"2.0","id":1,"resu',
    b'{"jsonrpc":"2.0","id":"x","result":{}}\n',
    b'{"jsonrpc":"2.0","id":1,"error":7}\n',
    b'{"jsonrpc":"2.0","id":1,"error":{"code":"x","message":5}}\n',
    b'{"jsonrpc":"2.0","id":null,"error":{"message":"\\u001b[2J"}}\n',
    b'{"jsonrpc":"2.0","method":"log","params":5}\n',
    b'{"jsonrpc":"2.0","id":2,"result":{}}\n',
    b"[" * 100000 + b"\n",
    b"\0" * 1000 + b"\n",
], ids=range(17))
@pytest.mark.parametrize("args", [["status"], ["job", "wait", "1"],
                                  ["run", "noop"]], ids=lambda a: a[0])
def test_what_is_no_answer_is_told(agent, fake, said, args):
    fake(said)
    result = agent.cli(*args)
    assert result.returncode == 125, result.stderr
    assert result.stderr.startswith("devops_agent: ")
    assert "\x1b" not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("value", [
    None, [], 5, "x", {}, {"items": 5}, {"items": [5, None, {}]},
    {"items": [{"id": "x", "name": 5, "state": [], "error": 7}]},
    {"times": 5, "items": [{"times": [5]}], "attempts": [1], "denials": [1],
     "error": {"code": 5}, "result": {}, "next": 1, "pools": [1]},
    {"id": -1}, {"id": 1 << 62}, {"next": 5, "items": []},
    {"next": -(1 << 63), "items": [1]},
    {"jobs": 5, "agent": [], "store": "x", "duration_ms": -(1 << 63),
     "uptime_ms": (1 << 63) - 1},
], ids=range(14))
@pytest.mark.parametrize("command", [
    "job list", "job show 1", "job logs 1", "job logs 1 -f", "job wait 1",
    "job cancel 1", "job retry 1", "schedule list", "schedule next",
    "schedule trigger x", "schedule pause x", "schedule resume x", "status",
    "run noop", "job run --plugin noop --every 1h"])
def test_answers_of_every_shape_do_no_harm(agent, fake, command, value):
    fake(answer(value), answer(value, 2), answer(value, 3))
    result = agent.cli(*command.split())
    assert result.returncode in (0, 125), (result.returncode, result.stderr)


def test_hostile_texts_are_made_harmless(agent, fake):
    text = "\x1b]0;x\x07\u202e\nrow\ttab"
    fake(answer({"items": [{
        "id": 1, "name": text, "plugin": text, "state": text,
        "trigger": text, "error": {"message": text}}]}))
    out = agent.cli("job", "list").stdout
    assert len(out.splitlines()) == 2
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", out)


def test_hostile_notifications_are_made_harmless(agent, fake):
    notes = [("log", {"message": "\x1b[2J", "level": 5, "stream": [],
                      "fields": {"\x1b": 1}, "left_out": -5, "time": "x"}),
             ("log", {}), ("log", []), ("progress", {"fraction": 1e300}),
             ("progress", {"fraction": "x", "message": 5}),
             ("retry", {"error": 5, "attempt": "x", "at": 7}),
             ("nothing", {})]
    said = b"".join(
        json.dumps({"jsonrpc": "2.0", "method": m,
                    "params": p}).encode() + b"\n" for m, p in notes)
    fake(answer({"id": 1}), said + answer({"state": "succeeded"}, 2))
    result = agent.cli("run", "noop")
    assert result.returncode == 0, result.stderr
    assert "\\x1b[2J" in result.stderr
    assert "\x1b" not in result.stderr


def test_an_endless_line_is_not_kept(agent, fake):
    fake(b"x" * (140 << 20))
    result = agent.cli("status")
    assert result.returncode == 125
    assert "a line of more than" in result.stderr


def test_an_endless_list_ends(agent, fake):
    page = {"items": [{"id": 1}] * 10, "next": 5}
    one = fake(*[answer(page, i) for i in range(1, 50)])
    result = agent.cli("job", "list", "--limit", "100000")
    assert result.returncode == 0
    assert len(one.requests) == 2


def test_silence_has_an_end(agent, fake):
    fake(WAIT)
    result = agent.cli("status")
    assert result.returncode == 125
    assert "does not answer" in result.stderr


# --- Terminals --------------------------------------------------------------

def terminal(agent, command, columns=80, **env):
    """What a command writes to a terminal of that width."""
    if not shutil.which("script"):
        pytest.skip("no script(1)")
    words = " ".join(shlex.quote(w) for w in [
        PROGRAM, "--config", str(agent.config), *command])
    result = subprocess.run(
        ["script", "-qec", "stty cols %d; exec %s" % (columns, words),
         "/dev/null"], stdin=subprocess.DEVNULL, capture_output=True,
        timeout=SECONDS, cwd=agent.folder,
        env={**os.environ, "TERM": "xterm", "NO_COLOR": "", **env})
    return result.stdout.decode()


JOBS = {"items": [
    {"id": 7, "name": "disk", "plugin": "漢字", "state": "succeeded",
     "trigger": "job", "started_at": "2026-01-31T12:00:00.000Z",
     "finished_at": "2026-01-31T12:00:01.500Z", "duration_ms": 1500},
    {"id": 12345, "name": "a-long-name", "plugin": "p", "state": "failed",
     "trigger": "schedule", "started_at": "2026-01-31T12:00:00.000Z",
     "error": {"message": "x" * 200}}]}


def test_a_table_fits_a_terminal(agent, fake):
    fake(answer(JOBS))
    out = terminal(agent, ["job", "list"], TZ="Asia/Tokyo")
    assert "\x1b[32msucceeded\x1b[0m" in out
    assert "\x1b[31mfailed\x1b[0m" in out
    assert "2026-01-31 21:00:00" in out
    plain = re.sub(r"\x1b\[\d*m", "", out).splitlines()
    assert plain[2].endswith("xxx...")
    assert len(plain[2]) == 80
    # columns stand below each other, wide characters counted as two
    wide = plain[1].index("succeeded") + 2
    assert wide == plain[2].index("failed") == plain[0].index("STATE")


def test_a_narrow_terminal_cuts_whole_columns(agent, fake):
    fake(answer(JOBS))
    out = terminal(agent, ["job", "list"], columns=20)
    for line in re.sub(r"\x1b\[\d*m", "", out).splitlines():
        assert len(line) <= 20


def test_a_pipe_gets_all_of_it_and_no_colour(agent, fake):
    fake(answer(JOBS))
    out = agent.cli("job", "list").stdout
    assert "\x1b" not in out
    assert "x" * 200 in out


def test_no_color_is_obeyed(agent, fake):
    fake(answer(JOBS))
    out = terminal(agent, ["job", "list"], NO_COLOR="1")
    assert "\x1b" not in out
    assert "xxx..." in out


def test_a_run_by_the_agent_draws_the_bar(agent):
    agent.plugin("steps", """
        # /// devops_agent
        # name: steps
        # version: 1.0.0
        # description: A test.
        # ///
        import time


        def register():
            return steps


        def steps(job):
            for i in range(3):
                job.progress(i / 2, "step %d" % i)
                time.sleep(0.2)
            return {"done": True}
        """)
    agent.start()
    out = terminal(agent, ["run", "steps"])
    assert "[############............]  50% step 1" in out
    assert out.replace("\r\n", "\n").endswith(
        '\x1b[K{\n  "done": true\n}\n')
    out = terminal(agent, ["run", "steps"], TERM="dumb")
    assert "\x1b" not in out
