"""job.log and Python's logging."""

import pytest

LIGHT = "assert 'logging' not in sys.modules"
REAL = "import logging; assert isinstance(job.log, logging.Logger)"


def both(test):
    return pytest.mark.parametrize("setting", [LIGHT, REAL],
                                   ids=["light", "real"])(test)


def logged(method, setting, body):
    outcome = method("import sys\n%s\n%s" % (setting, body))
    assert outcome.error is None, outcome.error
    return outcome.logs


def line(level, message, **fields):
    return {"level": level, "message": message, "fields": fields}


@both
def test_levels(method, setting):
    assert logged(method, setting, """
log = job.log
log.debug("a")
log.info("b")
log.warning("c")
log.warn("d")
log.error("e")
log.critical("f")
log.fatal("g")
log.log(25, "h")
log.log(5, "never")
""".replace('log.log(5, "never")', "")) == [
        line("debug", "a"), line("info", "b"), line("warning", "c"),
        line("warning", "d"), line("error", "e"), line("error", "f"),
        line("error", "g"), line("info", "h")]


@both
def test_arguments(method, setting):
    assert [entry["message"] for entry in logged(method, setting, """
job.log.info("%s and %d", "a", 3)
job.log.info("100%")
job.log.info("%(x)s", {"x": 1})
job.log.info("%s", (1, 2))
job.log.info("%s", {})
job.log.info(ValueError("x"))
job.log.info(3)
""")] == ["a and 3", "100%", "1", "(1, 2)", "{}", "x", "3"]


@both
def test_arguments_that_do_not_fit(method, setting):
    logs = logged(method, setting, "job.log.info('%d files', 'x')")
    assert logs[0]["message"].startswith(
        "%d files ('x',) (not formatted: TypeError: ")


@both
def test_exceptions(method, setting, tmp_path):
    logs = logged(method, setting, """
try:
    1 / 0
except ZeroDivisionError as error:
    job.log.exception("oh %s", "no")
    job.log.info("i", exc_info=True)
    kept = error
job.log.info("j", exc_info=kept)
job.log.info("k", exc_info=(type(kept), kept, kept.__traceback__))
""")
    assert [entry["level"] for entry in logs] == ["error"] + ["info"] * 3
    for entry, first in zip(logs, ("oh no", "i", "j", "k")):
        lines = entry["message"].split("\n")
        assert lines[:2] == [first, "Traceback (most recent call last):"]
        assert lines[2].startswith('  File "%s", line ' % (
            tmp_path / "sample.py"))
        assert lines[-1] == "ZeroDivisionError: division by zero"


@both
def test_extra_becomes_fields(method, setting):
    assert logged(method, setting, """
job.log.info("x", extra={"a": 1, "b": {2}, "c": float("nan")})
""") == [line("info", "x", a=1, b=[2], c="nan")]


@both
def test_what_is_too_long_is_cut(method, setting):
    logs = logged(method, setting, """
job.log.info("a" + "\u20ac" * 100000)
job.log.info("b", extra={"c": "d" * 70000})
""")
    assert len(logs[0]["message"].encode()) <= 64 << 10
    assert logs[0]["message"].startswith("a\u20ac")
    assert "bytes left out" in logs[0]["message"]
    assert logs[1] == line("info", "b (70008 bytes of fields left out)")


@both
def test_deep_extra_is_flattened(method, setting):
    logs = logged(method, setting, """
deep = []
for _ in range(500):
    deep = [deep]
job.log.info("x", extra={"deep": deep})
""")
    assert "'...'" in repr(logs[0]["fields"])


@both
def test_what_else_a_logger_has(method, setting):
    logged(method, setting, """
assert job.log.isEnabledFor(10) and not job.log.isEnabledFor(9)
import logging
assert job.log.name == "job"
assert job.log.getEffectiveLevel() == logging.DEBUG
assert job.log.getChild("x").name == "job.x"
""")


def test_a_light_logger_that_was_kept_follows_the_real_one(method):
    logs = method("""
        kept = job.log
        kept.info("a")
        import logging
        assert kept is not job.log
        kept.info("b")
        job.log.setLevel(logging.ERROR)
        kept.info("c")
        kept.error("d")
        assert not kept.isEnabledFor(logging.INFO)
    """).logs
    assert [entry["message"] for entry in logs] == ["a", "b", "d"]


def test_an_unknown_attribute_makes_it_the_real_one(method):
    outcome = method("""
        import sys
        kept = job.log
        kept.setLevel(20)
        kept.debug("never")
        kept.info("a")
        return isinstance(job.log, sys.modules["logging"].Logger)
    """)
    assert outcome.result is True
    assert outcome.logs == [line("info", "a")]


def test_what_libraries_log_is_a_line_too(method):
    logs = method("""
        import logging
        log = logging.getLogger("lib.part")
        log.debug("never")
        log.info("a %d", 1)
        log.critical("b", extra={"k": 2})
        logging.warning("c")
    """).logs
    assert logs == [line("info", "a 1", logger="lib.part"),
                    line("error", "b", logger="lib.part", k=2),
                    line("warning", "c")]


def test_what_is_logged_at_the_import_is_a_line_too(run):
    outcome = run("""
        import logging
        logging.getLogger(__name__).info("at import")

        def register():
            logging.info("in register")
            return lambda job: 1
    """)
    assert [entry["message"] for entry in outcome.logs] == [
        "at import", "in register"]
    assert outcome.stderr == ""


def test_the_logging_module_is_as_ever(method):
    assert method("""
        import importlib
        import logging
        import logging.handlers
        import sys
        return [type(logging.__loader__).__name__,
                logging.__loader__ is logging.__spec__.loader,
                [str(x) for x in sys.meta_path if "devops" in repr(x)]]
    """).result == ["SourceFileLoader", True, []]


@pytest.mark.parametrize("settings", [
    "level=logging.DEBUG", "level='DEBUG', force=True",
    "level=10, format='%(message)s', stream=sys.stderr",
    "level=10, filename='/dev/null'",
    "level=10, handlers=[logging.NullHandler()], force=True"])
def test_basic_config_sets_the_level_and_nothing_is_said_twice(
        method, settings):
    outcome = method("""
        import logging
        import sys
        logging.basicConfig(%s)
        logging.debug("x")
    """ % settings)
    assert outcome.logs == [line("debug", "x")]
    assert outcome.stderr == ""


def test_standard_output_and_error_are_no_protocol(method):
    outcome = method(r"""
        import os
        import subprocess
        import sys
        print("one")
        print("two \udc80")
        sys.stdout.write("three\n")
        sys.stdout.buffer.write(b"four\n")
        sys.stdout.flush()
        os.write(1, b"five\n")
        os.system("echo six; echo seven >&2")
        subprocess.run(["echo", "eight"])
        print("nine", end="")
        return 1
    """)
    assert outcome.result == 1
    assert outcome.stderr == ("one\ntwo \\udc80\nthree\nfour\nfive\nsix\n"
                              "seven\neight\nnine")


def test_a_closed_standard_output_harms_nothing(method):
    assert method("""
        import sys
        sys.stdout.close()
        sys.stderr = None
        return 1
    """).result == 1
