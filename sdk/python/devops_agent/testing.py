'''Tests of plugins, with pytest, unittest or nothing.

    from devops_agent.testing import make_job, run

    def test_it_reports_the_root_file_system():
        outcome = run("plugins/python/collect_disk.py", {"min_percent": 0})
        assert outcome.error is None
        assert outcome.metric("disk_size_bytes", mount="/") > 0
        assert not outcome.messages("error")

    def test_it_refuses_an_unknown_interface():
        outcome = run("collect_network.py", {"interface": "nope"})
        assert outcome.error["data"]["code"] == "not_found"

    def test_one_function_alone():
        job = make_job({"name": "x"})
        assert greet(job) == {"greeting": "hello, x"}
        assert job.metrics == []

The plugin runs in the process of the test, without the agent and without its
sandbox. Its header is not read: parameters are not checked, defaults are not
filled in.
'''

import json
import logging
import os
import signal
import sys
import threading
from contextlib import contextmanager
from types import ModuleType
from typing import (Any, Callable, Dict, Iterator, List, Mapping, NamedTuple,
                    NoReturn, Optional, Set, Tuple, Union)

from devops_agent import _errors, _loader, _logging
from devops_agent._job import (MAX_DEPTH, Channel, Failed, Job, encode,
                               to_bytes)

__all__ = ["FakeJob", "Log", "Metric", "Outcome", "Progress", "TimedOut",
           "make_job", "run"]

Plugin = Union[str, "os.PathLike[str]", ModuleType, Callable[[Job], Any],
               Mapping[str, Callable[[Job], Any]]]
Methods = Mapping[str, Callable[[Job], Any]]


_loaded: Set[str] = set()       # names of the modules of the last run


class Log(NamedTuple):
    """A line of the log."""

    level: str                  # "debug", "info", "warning", "error"
    message: str
    fields: Dict[str, Any]


class Metric(NamedTuple):
    """A number that was reported."""

    name: str
    value: Union[int, float]
    unit: Optional[str]
    kind: str                   # "gauge", "counter"
    labels: Dict[str, str]


class Progress(NamedTuple):
    """How far the job said it was."""

    fraction: float             # 0 to 1
    message: str = ""


class TimedOut(BaseException):
    """Raised in the plugin when the time of run() is up."""


class Recorder(Channel):
    """Keeps what a job reports."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: List[Log] = []
        self.metrics: List[Metric] = []
        self.progress: List[Progress] = []

    def notify(self, method: str, params: Dict[str, Any]) -> None:
        # As the agent would get it: lists for tuples, U+FFFD for surrogates.
        params = json.loads(to_bytes(_errors.encode_any(params,
                                                        MAX_DEPTH - 1)))
        if method == "log":
            self.logs.append(Log(**params))
        elif method == "metric":
            self.metrics.append(Metric(**params))
        else:
            self.progress.append(Progress(**params))


def pick_metric(metrics: List[Metric], name: str,
                labels: Mapping[str, str]) -> Union[int, float]:
    """The value of the one metric that matches."""
    values = [metric.value for metric in metrics if metric.name == name and
              labels.items() <= metric.labels.items()]
    if len(values) != 1:
        raise AssertionError("%d metrics %s with %r; all: %r" % (
            len(values), name, dict(labels), metrics))
    return values[0]


class Outcome:
    """What a run gave.

    `result` is what the method returned, read back from JSON, and None where
    it failed; `error` is then what the agent would be told, {"code": -32000,
    "message": ..., "data": {"type": ..., ...}}, else None; `exception` is
    what was raised. `logs`, `metrics` and `progress` are in their order.
    """

    def __init__(self, recorder: Recorder, result: Any,
                 error: Optional[Dict[str, Any]],
                 exception: Optional[BaseException]) -> None:
        self.result = result
        self.error = error
        self.exception = exception
        self.logs = recorder.logs
        self.metrics = recorder.metrics
        self.progress = recorder.progress

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.error is None

    @property
    def code(self) -> Optional[Any]:
        """The code of a Failed that was raised, "cancelled", "timed_out"."""
        return self.error and self.error["data"].get("code")

    @property
    def retry_after(self) -> Optional[float]:
        """Seconds, where a Retry was raised."""
        after = (self.error or {}).get("data", {}).get("retry_after_ms")
        return None if after is None else after / 1000

    def metric(self, name: str, **labels: str) -> Union[int, float]:
        """The value of the one metric of this name and at least these
        labels. Raises AssertionError where there is none, or several."""
        return pick_metric(self.metrics, name, labels)

    def messages(self, level: Optional[str] = None) -> List[str]:
        """What was logged, at this level or at all."""
        return [log.message for log in self.logs
                if level in (None, log.level)]

    def __repr__(self) -> str:
        return "<Outcome %s>" % (
            "result=%r" % (self.result,) if self.error is None
            else "error=%r" % (self.error["message"],))


class FakeJob(Job):
    """A job to call one function of a plugin with. What it reports is in
    `logs`, `metrics` and `progresses`; cancel() makes it cancelled."""

    _channel: Recorder

    def __init__(self, **given: Any) -> None:
        recorder = Recorder()
        recorder.log = logger = logging.Logger(
            _logging.JOB, logging.DEBUG)
        logger.parent = logging.getLogger()
        logger.addHandler(_logging.Bridge(recorder))
        super().__init__(recorder, **given)
        self.logs = recorder.logs
        self.metrics = recorder.metrics
        self.progresses = recorder.progress

    def cancel(self) -> None:
        """What the agent's request to cancel, and SIGTERM, set."""
        self._cancel()

    def metric_value(self, name: str,
                     **labels: str) -> Union[int, float]:
        """As Outcome.metric()."""
        return pick_metric(self.metrics, name, labels)


def make_job(params: Optional[Dict[str, Any]] = None, *, id: int = 1,
             name: str = "test", attempt: int = 1,
             secrets: Optional[Dict[str, str]] = None,
             timeout: Optional[float] = None) -> FakeJob:
    """A FakeJob; `timeout` in seconds is what job.remaining() counts down,
    from infinity where None."""
    return FakeJob(params=params, id=id, name=name, attempt=attempt,
                   secrets=secrets, timeout=timeout)


def run(plugin: Plugin, params: Optional[Dict[str, Any]] = None,
        method: str = "run", secrets: Optional[Dict[str, str]] = None,
        timeout: Optional[float] = None, *, name: str = "test",
        attempt: int = 1, check: bool = False) -> Outcome:
    """Run a plugin's method as the agent would.

    `plugin` is its path, its module, what its register() returns, or one
    function. After `timeout` seconds it is interrupted, if this is the main
    thread. An exception becomes outcome.error, and is raised again with
    `check`; one that is of no plugin's doing (KeyboardInterrupt) always is.
    """
    recorder = Recorder()
    job = Job(recorder, name=name, attempt=attempt, params=params,
              secrets=secrets, timeout=timeout)
    with _logging.joined(recorder), time_limit(timeout):
        text, error, raised = call(job, lambda: methods_from(plugin), method)
    if raised is not None and (check or
                               isinstance(raised, KeyboardInterrupt)):
        raise raised
    return Outcome(recorder, json.loads(to_bytes(text)) if error is None
                   else None, error, raised)


def methods_from(plugin: Plugin) -> Methods:
    """The methods of whatever stands for a plugin."""
    if isinstance(plugin, ModuleType):
        return _loader.methods_of(plugin)
    if isinstance(plugin, Mapping):
        return plugin
    if callable(plugin):
        return {"run": plugin}
    # Each run is of a new module, so that tests share no state.
    for name in [name for name in sys.modules
                 if name.partition(".")[0] in _loaded]:
        del sys.modules[name]
    _loaded.clear()
    module = _loader.load(os.fspath(plugin))
    _loaded.add(module.__name__)
    return _loader.methods_of(module)


def call(job: Job, methods: Callable[[], Methods], method: str
         ) -> Tuple[str, Optional[Dict[str, Any]], Optional[BaseException]]:
    """Call a method: the result as JSON text, the error, what was raised."""
    try:
        known = methods()
        if method not in known:
            raise Failed("no method \"%s\"; there is %s"
                         % (method, ", ".join(known)), code="no_method")
        result = known[method](job)
        if hasattr(type(result), "__await__"):
            from devops_agent import _async
            result = _async.run(result, job, job._channel)
        return encoded(result), None, None
    except BaseException as error:
        told = _errors.describe(error, job)
        if isinstance(error, TimedOut):
            told["data"]["code"] = "timed_out"
        told = json.loads(to_bytes(_errors.encode_any(told, MAX_DEPTH - 1)))
        return "", told, error
    finally:
        job._over = True


def encoded(result: Any) -> str:
    """A result as JSON text. Raises Failed."""
    try:
        text = encode(result, MAX_DEPTH - 1)
    except (TypeError, ValueError, RecursionError) as error:
        raise _errors.bad_result(result, MAX_DEPTH - 1, error) from None
    return to_bytes(text).decode()


@contextmanager
def time_limit(seconds: Optional[float]) -> Iterator[None]:
    """Raises TimedOut within, by SIGALRM, in the main thread only."""
    if seconds is None or \
            threading.current_thread() is not threading.main_thread():
        yield
        return

    why = "timed out after %g s" % seconds

    def stop(number: int, frame: Any) -> NoReturn:
        raise TimedOut(why)

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
