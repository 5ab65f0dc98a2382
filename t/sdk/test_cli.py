"""python3 -m devops_agent run, which tries a plugin without the agent."""

import json
import os
import signal
import subprocess

import pytest

from conftest import ENVIRONMENT, PYTHON, SDK


@pytest.fixture
def cli(tmp_path):
    def call(*args, stdin="", **env):
        return subprocess.run(
            [PYTHON, "-B", "-m", "devops_agent", *map(str, args)],
            input=stdin, capture_output=True, text=True, timeout=60,
            cwd=tmp_path, env=dict(ENVIRONMENT, PYTHONPATH=SDK, **env))
    return call


@pytest.fixture
def echo(plugin):
    return plugin("""
        def register():
            return {"run": lambda job: job.params, "secret": secret}

        def secret(job):
            return job.secrets
    """)


def test_the_result_alone_is_on_standard_output(cli, plugin):
    done = cli("run", plugin("""
        import logging
        import os

        def register():
            return run

        def run(job):
            print("printed")
            os.system("echo child")
            job.log.info("hi %d", 3)
            logging.warning("careful", extra={"k": 1})
            job.metric("x", 1.5, unit="bytes", a="b")
            job.metric("y", 1, kind="counter")
            job.progress(0.5, "half")
            return {"a": "\\u20ac"}
    """))
    assert done.returncode == 0
    assert done.stdout == '{"a":"\u20ac"}\n'
    first, *rest = done.stderr.splitlines()
    assert first.startswith("unsandboxed: ")
    assert sorted(rest) == sorted([
        "printed", "child", "info: hi 3", "warning: careful k=1",
        'metric: x{a="b"} 1.5 bytes', "metric: y 1 (counter)",
        "progress:  50 %  half"])


@pytest.mark.parametrize("text, value", [
    ("x", "x"), ("3", 3), ("1e2", 100.0), ("true", True), ("null", None),
    ("[1]", [1]), ('{"a":1}', {"a": 1}), ('"x"', '"x"'), ("NaN", "NaN"),
    ("-Infinity", "-Infinity"), ("", ""), ("a=b", "a=b"), ("01", "01"),
    ("[" * 5000, "[" * 5000)])
def test_key_and_value(cli, echo, text, value):
    done = cli("run", echo, "k=" + text)
    assert json.loads(done.stdout) == {"k": value}


def test_params(cli, echo, tmp_path):
    (tmp_path / "p.json").write_text('{"a": 1, "b": 2}')
    for given, stdin in (('{"a": 1, "b": 2}', ""), ("@p.json", ""),
                         ("-", '{"a": 1, "b": 2}')):
        done = cli("run", "--params", given, echo, "b=3", stdin=stdin)
        assert json.loads(done.stdout) == {"a": 1, "b": 3}


def test_secrets_come_from_the_environment(cli, echo):
    done = cli("run", echo, "--method", "secret", "--secret", "KEY", KEY="v")
    assert json.loads(done.stdout) == {"KEY": "v"}


@pytest.mark.parametrize("args, message", [
    ((), "the following arguments are required"),
    (("walk",), "invalid choice"),
    (("run",), "the following arguments are required: FILE"),
    (("run", "nowhere.py"), "No such file or directory: 'nowhere.py'"),
    (("run", "FILE", "x"), "'x' is not KEY=VALUE"),
    (("run", "FILE", "=x"), "'=x' is not KEY=VALUE"),
    (("run", "FILE", "--wat"), "unrecognized arguments: --wat"),
    (("run", "FILE", "--params", "[]"), "the parameters must be a JSON "
     "object"),
    (("run", "FILE", "--params", "{"), "Expecting property name"),
    (("run", "FILE", "--params", '{"a":NaN}'), "NaN is not JSON"),
    (("run", "FILE", "--params", "@nowhere"), "No such file"),
    (("run", "FILE", "--timeout", "5"), "'5' is no duration"),
    (("run", "FILE", "--secret", "NONE"), "secret NONE is not in the "
     "environment"),
    (("run", "FILE", "--method", "x"), 'no method "x"; there is run, secret'),
])
def test_wrong_usage(cli, echo, args, message):
    done = cli(*[echo if arg == "FILE" else arg for arg in args])
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("text, said", [
    ("def register(): return lambda job: 1 / 0",
     "failed: ZeroDivisionError: division by zero"),
    ("x = = 1", "failed: SyntaxError: "),
    ("def register(): return lambda job: {1}",
     "failed: result: set is not JSON"),
    ("def register(): return run\n"
     "def run(job): raise job.Failed('no', code='gone', n=3)",
     'failed: no\n  code: "gone"\n  n: 3\n'),
    ("def register(): return run\n"
     "def run(job): raise job.Retry('busy', after=5)",
     "failed: busy\n  retry_after_ms: 5000\n"),
    ("x = 1", "has no function register()"),
])
def test_a_plugin_that_fails(cli, plugin, text, said):
    done = cli("run", plugin(text))
    assert done.returncode == 1
    assert said in done.stderr
    assert SDK not in done.stderr
    assert done.stdout == ""


def test_a_plugin_that_takes_too_long(cli, plugin):
    done = cli("run", "--timeout", "50ms", plugin("""
        import time

        def register():
            return lambda job: time.sleep(60)
    """))
    assert done.returncode == 124
    assert "timed out after 0.05 s" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted(plugin, number):
    path = plugin("""
        import time

        def register():
            return run

        def run(job):
            try:
                job.log.info("begun")
                time.sleep(60)
            finally:
                job.log.info("cleaned up")
    """)
    with subprocess.Popen(
            [PYTHON, "-B", "-m", "devops_agent", "run", str(path)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=dict(ENVIRONMENT, PYTHONPATH=SDK),
            # a job in the background has SIGINT ignored
            preexec_fn=lambda: signal.signal(number, signal.SIG_DFL)
            ) as process:
        for line in process.stderr:
            if line == "info: begun\n":
                break
        process.send_signal(number)
        _, rest = process.communicate(timeout=30)
    assert process.returncode == 130
    assert rest == "info: cleaned up\ncancelled\n"


def test_an_async_method(cli, plugin):
    assert cli("run", plugin("""
        async def run(job):
            return 3

        def register():
            return run
    """)).stdout == "3\n"


def test_help_and_version(cli):
    import devops_agent
    assert cli("--version").stdout == devops_agent.__version__ + "\n"
    assert "run" in cli("--help").stdout
    text = cli("run", "--help").stdout
    assert "header is not read" in text and "exit status" in text


def test_on_a_terminal_the_result_is_indented(echo):
    main, other = os.openpty()
    with subprocess.Popen(
            [PYTHON, "-B", "-m", "devops_agent", "run", str(echo), "a=1"],
            stdin=subprocess.DEVNULL, stdout=other, stderr=subprocess.PIPE,
            env=dict(ENVIRONMENT, PYTHONPATH=SDK)) as process:
        process.communicate(timeout=30)
    os.close(other)
    assert os.read(main, 1000) == b'{\r\n  "a": 1\r\n}\r\n'
    os.close(main)
