"""What a method is given, and what it may report."""

import pytest


def test_a_job_says_what_it_is(method):
    assert method("""
        return [job.id, job.name, job.attempt, job.params, job.secrets,
                repr(job)]
    """, {"a": 1}).result == [7, "some-job", 2, {"a": 1}, {},
                              "<job 7 some-job>"]


def test_a_job_has_its_secrets(start):
    session = start("def register(): return lambda job: job.secrets['k']")
    assert session.ask(secrets={"k": "v"})["result"] == "v"


def test_remaining_counts_down_to_zero(method):
    outcome = method("""
        import time
        before = job.remaining()
        time.sleep(0.02)
        after = job.remaining()
        job._deadline = 0
        return [before, after, job.remaining()]
    """)
    before, after, none = outcome.result
    assert 29 < after < before - 0.02 < 30
    assert none == 0


def test_a_job_without_a_timeout_has_time_for_ever(start):
    session = start("def register(): return lambda job: "
                    "repr(job.remaining())")
    session.send({"jsonrpc": "2.0", "id": 1, "method": "run"})
    assert session.answer()["result"] == "inf"


# Metrics


def test_a_metric(method):
    outcome = method("""
        job.metric("a:b_1", 3)
        job.metric("x", 1.5, unit="bytes", kind="counter", mount="/", n=2)
        job.metric("up", True)
    """)
    assert outcome.metrics == [
        {"name": "a:b_1", "value": 3, "unit": None, "kind": "gauge",
         "labels": {}},
        {"name": "x", "value": 1.5, "unit": "bytes", "kind": "counter",
         "labels": {"mount": "/", "n": "2"}},
        {"name": "up", "value": 1, "unit": None, "kind": "gauge",
         "labels": {}}]
    assert outcome.metrics[2]["value"] is not True


def test_a_metric_may_be_any_kind_of_number(method):
    outcome = method("""
        import decimal
        import fractions
        job.metric("x", decimal.Decimal("1.5"))
        job.metric("x", fractions.Fraction(1, 4))
        job.metric("x", 2 ** 70)
    """)
    assert [metric["value"] for metric in outcome.metrics] == [
        1.5, 0.25, 2 ** 70]


@pytest.mark.parametrize("call, error", [
    ("job.metric('x', float('nan'))",
     "ValueError: metric x must be finite, not nan"),
    ("job.metric('x', float('-inf'))",
     "ValueError: metric x must be finite, not -inf"),
    ("job.metric('x', 10 ** 400)",
     "ValueError: metric x must be finite, not so large"),
    ("job.metric('x', '3')",
     "TypeError: metric x must be a number, not str"),
    ("job.metric('x', None)",
     "TypeError: metric x must be a number, not NoneType"),
    ("job.metric('1x', 1)", "ValueError: a metric's name must be "
     "[a-zA-Z_:][a-zA-Z_:0-9]* and at most 128 characters, not '1x'"),
    ("job.metric('', 1)", "ValueError: a metric's name must be "
     "[a-zA-Z_:][a-zA-Z_:0-9]* and at most 128 characters, not ''"),
    ("job.metric('\\xe9', 1)", "ValueError: a metric's name must be "
     "[a-zA-Z_:][a-zA-Z_:0-9]* and at most 128 characters, not '\xe9'"),
    ("job.metric('x' * 129, 1)", "ValueError: a metric's name must be "
     "[a-zA-Z_:][a-zA-Z_:0-9]* and at most 128 characters, not '%s'"
     % ("x" * 129)),
    ("job.metric(3, 1)", "TypeError: a metric's name must be a string, "
     "not int"),
    ("job.metric('x', 1, **{'a:b': 1})", "ValueError: a label's name must "
     "be [a-zA-Z_][a-zA-Z_0-9]* and at most 128 characters, not 'a:b'"),
    ("job.metric('x', 1, kind='timer')", "ValueError: metric x: kind must "
     "be \"gauge\" or \"counter\", not 'timer'"),
    ("job.metric('x', 1, unit=3)", "TypeError: metric x: unit must be a "
     "string, not int"),
    ("job.metric('x', 1, unit='b' * 129)", "ValueError: metric x: unit must "
     "be at most 128 bytes, not '%s'" % ("b" * 129)),
    ("job.metric('x', 1, unit='\\0')", "ValueError: metric x: unit must be "
     "at most 128 bytes, not '\\x00'"),
    ("job.metric('x', 1, **{'l%d' % i: i for i in range(17)})",
     "ValueError: metric x has 17 labels; 16 is the most"),
    ("job.progress(float('nan'))",
     "ValueError: fraction must be finite, not nan"),
    ("job.progress('x')", "TypeError: fraction must be a number, not str"),
])
def test_a_wrong_report_is_refused_where_it_is_made(method, call, error):
    outcome = method(call)
    assert outcome.error["message"] == error
    assert outcome.error["data"]["traceback"].splitlines()[-2].strip() == call
    assert outcome.metrics == outcome.progress == []


def test_a_long_label_is_cut_and_told_of(method):
    outcome = method("job.metric('x', 1, a='\u20ac' * 100, b='b' * 256)")
    labels = outcome.metrics[0]["labels"]
    assert labels == {"a": "\u20ac" * 84 + "...", "b": "b" * 256}
    assert len(labels["a"].encode()) <= 256
    assert [log["level"] for log in outcome.logs] == ["warning"]


def test_progress(method):
    assert method("""
        job.progress(0)
        job.progress(0.5, "half")
        job.progress(3, 7)
    """).progress == [{"fraction": 0}, {"fraction": 0.5, "message": "half"},
                      {"fraction": 1, "message": "7"}]


def test_nothing_is_reported_for_a_job_that_is_over(start):
    session = start("""
        jobs = []

        def register():
            return {"run": jobs.append, "late": late}

        def late(job):
            jobs[0].metric("x", 1)
    """)
    session.ask()
    assert session.ask("late", id=8)["error"]["message"] == \
        "RuntimeError: job 7 is over; its metric can't be reported"
    assert session.of("metric") == []


# Results


@pytest.mark.parametrize("value", [
    "None", "True", "0", "-1.5", "'x'", "[]", "{}", "[1, [2, {'a': None}]]",
    "2 ** 64", "'\\u20ac \\U0001f600 \\0 \\n \\x7f \\u2028'",
])
def test_a_result_comes_as_it_is(method, value):
    assert method("return " + value).result == eval(value)


def test_tuples_and_odd_keys_are_as_the_json_module_has_them(method):
    assert method("""
        import collections
        import enum

        class Level(enum.IntEnum):
            HIGH = 3

        return [(1, 2), {1: 1, 1.5: 2, True: 3, None: 4},
                collections.OrderedDict(a=1), Level.HIGH]
    """).result == [[1, 2], {"1": 3, "1.5": 2, "null": 4}, {"a": 1}, 3]


@pytest.mark.parametrize("result, message", [
    ("{'a': [1, 2, 3, {1}]}", "result.a[3]: set is not JSON"),
    ("b'x'", "result: bytes is not JSON"),
    ("[object()]", "result[0]: object is not JSON"),
    ("{'a b': {1: float('nan')}}", 'result["a b"][1]: NaN is not JSON'),
    ("[float('inf')]", "result[0]: Infinity is not JSON"),
    ("-float('inf')", "result: -Infinity is not JSON"),
    ("{'a': {(1, 2): 3}}", "result.a: a key that is tuple is not JSON"),
    ("{float('nan'): 3}", "result: a key that is NaN is not JSON"),
    ("[10 ** 5000]", "result[0]: Exceeds the limit (4300 digits) for integer "
     "string conversion"),
])
def test_a_result_that_is_no_json_is_named(method, result, message):
    outcome = method("return " + result)
    assert outcome.error["message"].startswith(message)
    assert outcome.error["data"] == {"type": "Failed", "code": "bad_result"}
    assert outcome.status == 0


def test_a_result_that_holds_itself(method):
    assert method("""
        a = []
        a += [{"a": a}] * 3
        return a
    """).error["message"] == "result[0].a: holds itself"


@pytest.mark.parametrize("depth, good", [(63, True), (64, False),
                                         (5000, False)])
def test_a_result_is_at_most_as_deep_as_the_agent_reads(method, depth, good):
    outcome = method("""
        value = ["[]"] * 70
        for _ in range(%d):
            value = [value]
        return value
    """ % (depth - 1))
    if good:
        assert outcome.error is None
    else:
        assert outcome.error["message"] == \
            "result%s: nested deeper than 63" % ("[0]" * 63)


def test_a_huge_result_is_whole(method):
    outcome = method("return ['x' * 1000] * 20000")
    assert outcome.result == ["x" * 1000] * 20000


def test_undecodable_bytes_become_replacement_characters(method):
    outcome = method("""
        name = b"a\\xff\\U0001f600".decode("utf-8", "surrogateescape")
        job.log.info(name)
        job.metric("x", 1, path=name)
        job.progress(1, name)
        return {name: [name, "\\ud83d\\ude00 \\ud83d", "\\\\ud800"]}
    """.replace("\\U0001f600", "\\xf0\\x9f\\x98\\x80"))
    name = "a\ufffd\U0001f600"
    assert outcome.result == {name: [name, "\U0001f600 \ufffd", "\\ud800"]}
    assert outcome.logs[0]["message"] == name
    assert outcome.metrics[0]["labels"] == {"path": name}
    assert outcome.progress[0]["message"] == name
