"""python3 -m devops_agent run FILE [KEY=VALUE ...]

Tries a plugin without the agent, and so without a sandbox: its result is
printed on standard output, all else on standard error.
"""

import argparse
import json
import os
import signal
import sys
from typing import Any, Dict, Iterator, List, NoReturn, Optional, TextIO

from devops_agent import __version__
from devops_agent import _loader, _logging
from devops_agent._job import Cancelled, Channel, Job
from devops_agent.testing import TimedOut, call, time_limit

SUCCEEDED, FAILED, USAGE, TIMED_OUT, CANCELLED = 0, 1, 2, 124, 130

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}

NOTE = """\
The plugin's header is not read: parameters are not checked, defaults are not
filled in, nothing is granted or denied. `devops_agent run` does all that.

VALUE is a string unless it is a JSON number, boolean, null, array or object.

exit status: 0 succeeded, 1 failed, 2 wrong usage, 124 timed out,
130 cancelled (SIGINT, SIGTERM)"""


class Terminal(Channel):
    """Shows what a job reports on standard error."""

    def notify(self, method: str, params: Dict[str, Any]) -> None:
        print(getattr(self, "show_" + method)(**params), file=sys.stderr,
              flush=True)

    def show_log(self, level: str, message: str,
                 fields: Dict[str, Any]) -> str:
        more = "".join(" %s=%s" % item for item in fields.items())
        return "%s: %s%s" % (level, message, more)

    def show_metric(self, name: str, value: Any, unit: Optional[str],
                    kind: str, labels: Dict[str, str]) -> str:
        inner = ",".join("%s=%s" % (key, json.dumps(label))
                         for key, label in labels.items())
        return "metric: %s%s %s%s%s" % (
            name, "{%s}" % inner if inner else "", value,
            " " + unit if unit else "",
            "" if kind == "gauge" else " (%s)" % kind)

    def show_progress(self, fraction: float, message: str = "") -> str:
        return "progress: %3d %%  %s" % (fraction * 100, message)


# --- The command line --------------------------------------------------------


def refuse_constant(name: str) -> NoReturn:
    """NaN and Infinity, which Python's reader lets pass."""
    raise ValueError("%s is not JSON" % name)


def value_of(text: str) -> Any:
    """VALUE of KEY=VALUE."""
    try:
        value = json.loads(text, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        return text
    return text if isinstance(value, str) else value


def seconds_of(text: str) -> float:
    """A duration such as 500ms, 10s, 5m, 2h, 7d."""
    for unit, factor in UNITS.items():
        number = text[:-len(unit)]
        if text.endswith(unit) and number.isascii() and number.isdigit():
            return int(number) * factor
    raise argparse.ArgumentTypeError(
        "%r is no duration such as 500ms, 10s, 5m, 2h" % text)


def parser() -> argparse.ArgumentParser:
    """All that may be said on the command line."""
    top = argparse.ArgumentParser(
        prog="python3 -m devops_agent", allow_abbrev=False,
        description="The Python SDK of devops_agent.")
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(metavar="run", dest="command",
                                  required=True)
    run = commands.add_parser(
        "run", help="try a plugin without the agent and its sandbox",
        description="Run a plugin without the agent and its sandbox.",
        epilog=NOTE, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    run.add_argument("file", metavar="FILE",
                     help="the plugin: a file, or a folder with __init__.py")
    run.add_argument("pairs", metavar="KEY=VALUE", nargs="*",
                     help="a parameter")
    run.add_argument("--params", metavar="JSON", help="all parameters at "
                     "once; @FILE reads a file, - standard input")
    run.add_argument("--method", default="run", metavar="NAME",
                     help="what to call (run)")
    run.add_argument("--secret", action="append", default=[], metavar="NAME",
                     help="a secret, which is taken from the environment")
    run.add_argument("--timeout", type=seconds_of, default=60.0,
                     metavar="TIME", help="how long it may take (60s)")
    return top


def read_params(text: str) -> Any:
    """--params."""
    if text == "-":
        text = sys.stdin.read()
    elif text.startswith("@"):
        with open(text[1:], encoding="utf-8") as file:
            text = file.read()
    return json.loads(text, parse_constant=refuse_constant)


def params_of(given: argparse.Namespace) -> Dict[str, Any]:
    """The job's parameters. Raises ValueError, OSError."""
    params = {} if given.params is None else read_params(given.params)
    if not isinstance(params, dict):
        raise ValueError("the parameters must be a JSON object")
    for pair in given.pairs:
        key, equals, text = pair.partition("=")
        if not key or not equals:
            raise ValueError("%r is not KEY=VALUE" % pair)
        params[key] = value_of(text)
    return params


def secrets_of(names: List[str]) -> Iterator[Any]:
    """The secrets that are named. Raises ValueError."""
    for name in names:
        if name not in os.environ:
            raise ValueError("secret %s is not in the environment" % name)
        yield name, os.environ[name]


# --- One run -----------------------------------------------------------------


def job_from(given: argparse.Namespace) -> Job:
    """The job that the command line describes. Raises ValueError, OSError."""
    os.stat(given.file)
    name = os.path.basename(os.path.abspath(given.file))
    return Job(Terminal(), name=os.path.splitext(name)[0],
               timeout=given.timeout, params=params_of(given),
               secrets=dict(secrets_of(given.secret)))


def take_output() -> TextIO:
    """Standard output for the result alone: what the plugin and what it
    starts print goes with its errors."""
    sys.stdout.flush()
    kept = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return kept


def run(given: argparse.Namespace) -> int:
    """The run command."""
    try:
        job = job_from(given)
    except (OSError, ValueError) as wrong:
        print("devops_agent: %s" % wrong, file=sys.stderr)
        return USAGE
    print("unsandboxed: %s runs with all that you may do; its parameters are "
          "not checked, defaults not filled in" % given.file,
          file=sys.stderr, flush=True)
    output = take_output()
    signal.signal(signal.SIGTERM, on_term)
    _logging.install(job._channel)
    with time_limit(given.timeout):
        text, error, raised = call(
            job, lambda: _loader.methods_of(_loader.load(given.file)),
            given.method)
    _loader.flush()
    if error is None:
        show_result(output, text)
        return SUCCEEDED
    if isinstance(raised, TimedOut):
        print(raised, file=sys.stderr)
        return TIMED_OUT
    return show_error(error)


def on_term(number: int, frame: Any) -> None:
    """SIGTERM does what Ctrl-C does."""
    raise Cancelled("cancelled")


def show_result(output: TextIO, text: str) -> None:
    """Indented on a terminal, one line otherwise."""
    if output.isatty():
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    with output:
        output.write(text + "\n")


def show_error(error: Dict[str, Any]) -> int:
    """On standard error; returns the exit status."""
    data = error["data"]
    if data.get("code") == "cancelled" or \
            data["type"] == "KeyboardInterrupt":
        print("cancelled", file=sys.stderr)
        return CANCELLED
    if "no_method" == data.get("code"):
        print("devops_agent: %s" % error["message"], file=sys.stderr)
        return USAGE
    sys.stderr.write(data.get("traceback", ""))
    print("failed: %s" % error["message"], file=sys.stderr)
    for key, value in data.items():
        if key not in ("type", "traceback"):
            print("  %s: %s" % (key, json.dumps(value, default=str)),
                  file=sys.stderr)
    return FAILED


def main(arguments: List[str]) -> int:
    """Returns the exit status."""
    return run(parse(arguments))


def parse(arguments: List[str]) -> argparse.Namespace:
    """Options may stand before, between and after the pairs."""
    given, rest = parser().parse_known_args(arguments)
    wrong = [word for word in rest if word.startswith("-") or "=" not in word]
    if wrong:
        parser().error("unrecognized arguments: %s" % " ".join(wrong))
    given.pairs += rest
    return given
