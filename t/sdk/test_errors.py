"""What is said of a method that fails, and of requests that are wrong."""

import pytest

from conftest import SDK, request


def test_an_exception(method, tmp_path):
    outcome = method("def inner():\n    raise ValueError('bad thing')\n"
                     "inner()")
    path = tmp_path / "sample.py"
    assert outcome.error == {
        "code": -32000, "message": "ValueError: bad thing", "data": {
            "type": "ValueError", "traceback":
                "Traceback (most recent call last):\n"
                '  File "%s", line 5, in run\n'
                "    inner()\n"
                '  File "%s", line 4, in inner\n'
                "    raise ValueError('bad thing')\n"
                "ValueError: bad thing\n" % (path, path)}}
    assert outcome.status == 0


def test_an_exception_of_the_plugin_s_own(method):
    outcome = method("raise Broken()",
                     top="class Broken(Exception): pass")
    assert outcome.error["message"] == "Broken"
    assert outcome.error["data"]["type"] == "sample.Broken"


def test_an_exception_that_can_not_be_shown(method):
    outcome = method("raise Broken()", top="""
        class Broken(Exception):
            def __str__(self):
                raise ValueError
    """)
    assert outcome.error["message"] == \
        "Broken: <Broken that can't be shown: ValueError>"


def test_chained_exceptions_show_no_frame_of_the_sdk(method):
    outcome = method("""
        try:
            job.metric("x", "y")
        except TypeError as error:
            raise RuntimeError("second") from error
    """)
    text = outcome.error["data"]["traceback"]
    assert SDK not in text
    assert "TypeError: metric x must be a number" in text
    assert "direct cause" in text and "RuntimeError: second" in text


def test_an_error_of_the_system(method):
    outcome = method("open('/nowhere')")
    data = outcome.error["data"]
    assert outcome.error["message"] == "FileNotFoundError: [Errno 2] No " \
        "such file or directory: '/nowhere'"
    assert (data["type"], data["errno"], data["filename"]) == \
        ("FileNotFoundError", 2, "/nowhere")
    assert "filename2" not in data


def test_an_error_of_the_system_about_two_files(method):
    data = method("""
        import os
        os.rename(b"/nowhere\\xff", b"/there")
    """).error["data"]
    assert (data["errno"], data["filename"], data["filename2"]) == \
        (2, "/nowhere\ufffd", "/there")


def test_failed(method):
    assert method("""
        raise job.Failed("no such thing", code="not_found", path="/x",
                         tried=[1, {"a": 2}])
    """).error == {"code": -32000, "message": "no such thing", "data": {
        "type": "Failed", "code": "not_found", "path": "/x",
        "tried": [1, {"a": 2}]}}


def test_failed_with_data_that_is_no_json(method):
    assert method("""
        raise job.Failed("bad", data={"s": {1}, "b": b"x\\xff", (1, 2): 3,
                                      "f": float("nan"), "o": Ellipsis})
    """).error["data"]["data"] == {
        "s": [1], "b": "x\\xff", "(1, 2)": 3, "f": "nan", "o": "Ellipsis"}


def test_failed_with_deep_data(method):
    outcome = method("""
        deep = []
        for _ in range(100):
            deep = [deep]
        raise job.Failed("bad", deep=deep)
    """)
    depth, value = 0, outcome.error["data"]["deep"]
    while isinstance(value, list):
        depth, value = depth + 1, value[0]
    assert (depth, value) == (61, "...")    # and the message, error and data


@pytest.mark.parametrize("after, wanted", [
    ("", 0), (", after=5", 5000), (", after=0.25", 250),
    (", after=__import__('datetime').timedelta(minutes=1)", 60000)])
def test_retry(method, after, wanted):
    assert method("raise job.Retry('busy'%s)" % after).error == {
        "code": -32000, "message": "busy",
        "data": {"type": "Retry", "retry_after_ms": wanted}}


@pytest.mark.parametrize("after, error", [
    ("-1", "ValueError: after must be 0 or more seconds, not -1"),
    ("float('nan')", "ValueError: after must be 0 or more seconds, not nan"),
    ("'5'", "TypeError: after must be a number of seconds, not str")])
def test_retry_after_nonsense(method, after, error):
    assert method("raise job.Retry('busy', after=%s)" % after).error[
        "message"] == error


@pytest.mark.parametrize("call, message", [
    ("sys.exit(3)", "plugin called sys.exit(3)"),
    ("sys.exit()", "plugin called sys.exit()"),
    ("sys.exit('why')", "plugin called sys.exit('why')"),
    ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ("raise GeneratorExit('x')", "GeneratorExit: x"),
])
def test_what_is_no_exception_is_an_error_too(start, call, message):
    session = start("import sys\ndef register(): return run\n"
                    "def run(job):\n    %s\n" % call)
    assert session.ask()["error"]["message"] == message
    assert session.ask(id=8)["error"]["message"] == message
    assert session.close().status == 0


def test_running_out_of_stack(method):
    error = method("return run(job)").error
    assert error["message"].startswith("RecursionError: maximum recursion")
    assert "repeated" in error["data"]["traceback"]
    assert len(error["data"]["traceback"]) < 4000


def test_running_out_of_memory(method):
    outcome = method("""
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (200 << 20, 200 << 20))
        hoard, size = [], 1 << 20
        while True:
            try:
                hoard.append(bytearray(size))
            except MemoryError:
                size //= 4          # until there is really no more
                if size < 64:
                    raise
    """)
    assert outcome.error["message"] == "MemoryError"
    assert "hoard.append" in outcome.error["data"]["traceback"]
    assert outcome.status == 0


def test_a_result_that_does_not_fit_into_memory(method):
    outcome = method("""
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (200 << 20, 200 << 20))
        return ["x" * (1 << 20)] * 500
    """)
    assert outcome.error["message"] == "MemoryError"


def test_long_errors_keep_both_ends(method):
    error = method("raise ValueError('a' * 10 + 'b' * 1000000 + 'c')").error
    assert len(error["message"]) < 34000
    assert error["message"].startswith("ValueError: aaaaaaaaaab")
    assert "bytes left out" in error["message"]
    assert error["message"].endswith("bc")
    assert len(error["data"]["traceback"]) < 34000
    assert error["data"]["traceback"].endswith("bc\n")


# Requests that are wrong


@pytest.mark.parametrize("line, code, message, id", [
    (b"{\n", -32700, "no JSON: ", None),
    (b"\xff\n", -32700, "no JSON: ", None),
    (b"{} {}\n", -32700, "no JSON: more than one JSON value", None),
    (b"[" * 100000 + b"\n", -32700, "no JSON: ", None),
    (b'{"id":NaN}\n', -32700, "no JSON: NaN is not JSON", None),
    (b"[]\n", -32600, "a request is an object", None),
    ({"jsonrpc": "2.0", "id": [], "method": "run"}, -32600,
     '"id" must be a number or a string', None),
    ({"jsonrpc": "2.0", "id": True, "method": "run"}, -32600,
     '"id" must be a number or a string', None),
    ({"jsonrpc": "1.0", "id": 3, "method": "run"}, -32600,
     '"jsonrpc" must be "2.0", "method" a string', 3),
    ({"jsonrpc": "2.0", "id": "x", "method": 3}, -32600,
     '"jsonrpc" must be "2.0", "method" a string', "x"),
    (request("forecast"), -32601, 'no method "forecast"; there is run', 7),
    ({"jsonrpc": "2.0", "id": 3, "method": "run", "params": []}, -32602,
     '"params" must be an object', 3),
    ({"jsonrpc": "2.0", "id": 3, "method": "run", "params": {"input": 3}},
     -32602, '"input" must be an object', 3),
    ({"jsonrpc": "2.0", "id": 3, "method": "run", "params": {"secrets": ""}},
     -32602, '"secrets" must be an object', 3),
    ({"jsonrpc": "2.0", "id": 3, "method": "run", "params": {"job": []}},
     -32602, '"job" must be an object', 3),
    ({"jsonrpc": "2.0", "id": 3, "method": "run",
      "params": {"job": {"timeout_ms": "1"}}},
     -32602, '"timeout_ms" must be a number', 3),
])
def test_a_wrong_request_is_answered(start, line, code, message, id):
    session = start("def register(): return lambda job: 1")
    session.send(line)
    answer = session.answer()
    assert answer["id"] == id
    assert answer["error"]["code"] == code
    assert answer["error"]["message"].startswith(message)
    assert session.ask(id=9)["result"] == 1


@pytest.mark.parametrize("line", [
    b"\n", b"  \r\n", {"jsonrpc": "2.0", "method": "news"},
    {"jsonrpc": "2.0", "method": "cancel", "params": {"id": 7}},
    {"jsonrpc": "2.0", "id": 3, "result": 1},
    {"jsonrpc": "2.0", "id": 3, "error": {"code": 1, "message": ""}}])
def test_what_needs_no_answer_gets_none(start, line):
    session = start("def register(): return lambda job: job.cancelled")
    session.send(line)
    assert session.ask()["result"] is False
    assert session.close().of("log") == []


def test_unknown_members_are_ignored(start):
    session = start("def register(): return lambda job: job.params")
    asked = request(params={"a": 1})
    asked["more"] = asked["params"]["more"] = 3
    asked["params"]["job"]["more"] = 3
    session.send(asked)
    assert session.answer()["result"] == {"a": 1}
