"""devops_agent.testing, which authors test their plugins with."""

import logging
import sys
import types

import pytest

import devops_agent
from devops_agent.testing import (Log, Metric, Progress, TimedOut, make_job,
                                  run)


@pytest.fixture
def sample(plugin):
    return plugin("""
        import logging
        count = 0

        def register():
            return {"run": run, "fail": fail, "bug": bug, "wait": wait,
                    "tell": tell, "secret": secret, "retry": retry, "me": me}

        def me(job):
            return __name__

        def run(job):
            global count
            count += 1
            job.log.info("a %d", 1)
            logging.getLogger("lib").warning("b")
            job.metric("x", 1, mount="/")
            job.metric("x", 2, mount="/home")
            job.progress(0.5, "half")
            return {"count": count, "t": (1, 2), **job.params}

        def fail(job):
            raise job.Failed("no", code="gone")

        def retry(job):
            raise job.Retry("busy", after=2)

        def bug(job):
            return [1 / 0]

        def wait(job):
            import time
            time.sleep(60)

        async def tell(job):
            return [job.name, job.attempt, job.cancelled]

        def secret(job):
            return job.secrets["k"]
    """)


def test_an_outcome(sample):
    outcome = run(sample, {"p": 1})
    assert outcome.ok and outcome.error is None and outcome.exception is None
    assert outcome.result == {"count": 1, "t": [1, 2], "p": 1}
    assert outcome.logs == [Log("info", "a 1", {}),
                            Log("warning", "b", {"logger": "lib"})]
    assert outcome.messages() == ["a 1", "b"]
    assert outcome.messages("warning") == ["b"]
    assert outcome.metrics[0] == Metric("x", 1, None, "gauge",
                                        {"mount": "/"})
    assert outcome.progress == [Progress(0.5, "half")]
    assert outcome.metric("x", mount="/home") == 2


def test_one_metric_must_match(sample):
    outcome = run(str(sample))
    with pytest.raises(AssertionError, match="2 metrics x"):
        outcome.metric("x")
    with pytest.raises(AssertionError, match="0 metrics y"):
        outcome.metric("y")


def test_runs_share_no_state(sample):
    assert [run(sample).result["count"] for _ in range(2)] == [1, 1]
    assert [run(sample, method="me").result for _ in range(2)] == \
        ["sample", "sample"]


def test_what_a_plugin_is(sample):
    module = types.ModuleType("m")
    module.__file__ = "m.py"
    module.register = lambda: (lambda job: "module")
    assert run(module).result == "module"
    assert run(lambda job: "function").result == "function"
    assert run({"x": lambda job: "dict"}, method="x").result == "dict"


def test_failures(sample):
    outcome = run(sample, method="fail")
    assert not outcome.ok and outcome.code == "gone"
    assert outcome.error["message"] == "no"
    assert isinstance(outcome.exception, devops_agent.Failed)
    assert run(sample, method="retry").retry_after == 2
    assert run(sample, method="retry").code is None
    outcome = run(sample, method="bug")
    assert outcome.error["message"] == "ZeroDivisionError: division by zero"
    assert "testing.py" not in outcome.error["data"]["traceback"]
    assert "no method" in run(sample, method="x").error["message"]
    assert run(lambda job: {1}).error["message"] == \
        "result: set is not JSON"
    assert run("nowhere.py").error["data"]["errno"] == 2


def test_failures_are_raised_again(sample):
    with pytest.raises(ZeroDivisionError):
        run(sample, method="bug", check=True)
    with pytest.raises(devops_agent.Failed):
        run(lambda job: {1}, check=True)
    with pytest.raises(KeyboardInterrupt):
        run(interrupted)


def interrupted(job):
    raise KeyboardInterrupt


def test_a_run_that_takes_too_long(sample):
    outcome = run(sample, method="wait", timeout=0.05)
    assert outcome.code == "timed_out"
    assert isinstance(outcome.exception, TimedOut)
    assert run(lambda job: job.remaining() > 9, timeout=10).result is True


def test_async_and_the_rest_of_a_job(sample):
    assert run(sample, method="tell", name="n", attempt=3).result == [
        "n", 3, False]
    assert run(sample, method="secret", secrets={"k": "v"}).result == "v"


def test_logging_is_left_as_it_was(sample):
    root = logging.getLogger()
    before = root.level, root.handlers[:], sys.stdout
    run(sample)
    assert (root.level, root.handlers, sys.stdout) == before


def test_a_job_for_one_function():
    job = make_job({"a": 1}, secrets={"k": "v"}, timeout=10)
    assert isinstance(job, devops_agent.Job)
    assert isinstance(job.log, logging.Logger)
    job.log.debug("x %d", 1, extra={"k": 2})
    job.metric("m", 3)
    job.progress(1)
    assert (job.params, job.secrets) == ({"a": 1}, {"k": "v"})
    assert job.logs == [Log("debug", "x 1", {"k": 2})]
    assert job.metric_value("m") == 3
    assert job.progresses == [Progress(1)]
    assert 9 < job.remaining() <= 10
    assert not job.cancelled
    job.cancel()
    assert job.cancelled


def test_what_the_package_offers():
    assert issubclass(devops_agent.Retry, Exception)
    assert devops_agent.Job.Failed is devops_agent.Failed
    assert not issubclass(devops_agent.Cancelled, Exception)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        devops_agent.nothing
