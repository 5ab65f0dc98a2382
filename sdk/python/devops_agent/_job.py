"""The job that a method is given, what it raises, and how that is told.

Loaded at every start, like _loader, so it imports no more than that does.
"""

import posix
import sys
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from threading import Lock as allocate_lock, RLock, get_ident
    from typing import (Any, Callable, Dict, List, Mapping, NoReturn,
                        Optional, Sequence, Union)
else:
    from _thread import RLock, allocate_lock, get_ident

MAX_DEPTH = 64              # of a line's JSON, its envelope included
MAX_NAME = 128              # bytes of a metric's, label's, method's name
MAX_LABELS = 16             # of a metric
MAX_LABEL = 256             # bytes of a label's value


# --- What plugins raise, and are interrupted by ------------------------------


class Retry(Exception):
    """Fails the job, and asks for it to be tried again.

    `after` is in seconds, or a timedelta: no sooner than that.
    """

    def __init__(self, message: str, after: "Any" = 0) -> None:
        seconds = getattr(after, "total_seconds", None)
        after = seconds() if seconds else after
        if isinstance(after, bool) or not isinstance(after, (int, float)):
            raise TypeError("after must be a number of seconds, not %s"
                            % type(after).__name__)
        if not 0 <= after < 1e12:
            raise ValueError("after must be 0 or more seconds, not %r"
                             % after)
        super().__init__(message)
        self.after: float = after


class Failed(Exception):
    """Fails the job without a traceback.

    `code` is a word for programs ("not_found"), `data` whatever else they
    may want to know, as JSON.
    """

    def __init__(self, message: str, code: "Optional[Any]" = None,
                 **data: "Any") -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class Cancelled(BaseException):
    """Raised where a method is when SIGTERM comes, so that `finally` and
    `with` clean up. No Exception, so that `except Exception` lets it pass."""


# --- JSON --------------------------------------------------------------------


def _refuse(value: "Any") -> "NoReturn":
    raise TypeError("%s is not JSON" % type(value).__name__)


def _refuse_constant(name: str) -> "NoReturn":
    raise ValueError("%s is not JSON" % name)


class _Reading:
    """What the scanner asks its decoder for."""
    strict = True
    object_hook = object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = _refuse_constant


def _codec() -> "Any":
    """(encode(value) -> str, scan(text, at) -> (value, end))."""
    try:
        if TYPE_CHECKING:
            _json: Any = None
        else:
            import _json
        make, quote = _json.make_encoder, _json.encode_basestring
        scan = _json.make_scanner(_Reading)
    except (ImportError, AttributeError):       # no such module in there
        from json import JSONDecoder, JSONEncoder
        decoder: Any = JSONDecoder(parse_constant=_refuse_constant)
        return JSONEncoder(ensure_ascii=False, allow_nan=False,
                           separators=(",", ":")).encode, decoder.scan_once

    def encode_(value: "Any") -> str:
        return "".join(make({}, _refuse, quote, None, ":", ",", False, False,
                            False)(value, 0))
    return encode_, scan


encode_scalars, _scan = _codec()


def decode(text: str) -> "Any":
    """The value of a JSON text. Raises ValueError, RecursionError."""
    text = text.strip(" \t\r\n")
    try:
        value, end = _scan(text, 0)
    except StopIteration:
        raise ValueError("no JSON value") from None
    except SystemError:         # the scanner found no json to raise errors of
        from json import loads
        return loads(text)
    if end != len(text):
        raise ValueError("more than one JSON value")
    return value


def encode(value: "Any", room: int) -> str:
    """`value` as JSON text that may still hold lone surrogates, at most
    `room` deep. Raises TypeError, ValueError, RecursionError."""
    text: str = encode_scalars(value)
    # Most are too small to be too deep.
    if text.count("[") + text.count("{") > room and is_deeper(value, room):
        raise ValueError("nested too deep")
    return text


def is_deeper(value: "Any", room: int) -> bool:
    """Whether arrays and objects nest more than `room` deep."""
    level = [value]
    for _ in range(room):
        level = [item for within in level
                 for item in (within.values() if isinstance(within, dict)
                              else within)
                 if isinstance(item, (dict, list, tuple))]
        if not level:
            return False
    return True


def to_bytes(text: str) -> bytes:
    """UTF-8, lone surrogates (as in undecodable file names) as U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode(
            "utf-16-le", "replace").encode()


# --- The job -----------------------------------------------------------------


def is_name(name: "Any", more: str = "_") -> bool:
    """Whether it is [a-zA-Z_][a-zA-Z0-9_]*, `more` counting as "_" too."""
    return (isinstance(name, str) and len(name) <= MAX_NAME and
            name.isascii() and name.replace(more, "_").isidentifier())


def _number(what: str, value: "Any") -> "Union[int, float]":
    """A finite int or float of whatever stands for a number."""
    if isinstance(value, bool) or hasattr(value, "__index__"):
        value = int(value)
    elif not isinstance(value, float):
        if not hasattr(value, "__float__"):
            raise TypeError("%s must be a number, not %s"
                            % (what, type(value).__name__))
        value = float(value)
    if not -1.7976931348623157e308 <= value <= 1.7976931348623157e308:
        raise ValueError("%s must be finite, not %s" % (
            what, value if isinstance(value, float) else "so large"))
    number: "Union[int, float]" = value
    return number


class Log:
    """job.log as long as nothing has imported `logging`, which takes longer
    than all else here. The methods are those of a logging.Logger; any other
    attribute imports `logging`, and is that of the Logger itself."""

    name = "job"

    def __init__(self, channel: "Channel") -> None:
        self.channel = channel

    def log(self, level: int, msg: object, *args: "Any", exc_info: "Any" =
            None, extra: "Optional[Mapping[str, Any]]" = None,
            stack_info: bool = False, stacklevel: int = 1) -> None:
        if stack_info or self.channel.log is not self:
            self.logger().log(level, msg, *args, exc_info=exc_info,
                              extra=extra, stack_info=stack_info)
            return
        text = formatted(msg, args)
        if exc_info:
            from devops_agent import _errors
            text += _errors.exc_text(exc_info)
        self.channel.say(level, text, extra)

    def debug(self, msg: object, *args: "Any", **more: "Any") -> None:
        self.log(10, msg, *args, **more)

    def info(self, msg: object, *args: "Any", **more: "Any") -> None:
        self.log(20, msg, *args, **more)

    def warning(self, msg: object, *args: "Any", **more: "Any") -> None:
        self.log(30, msg, *args, **more)

    def error(self, msg: object, *args: "Any", **more: "Any") -> None:
        self.log(40, msg, *args, **more)

    def critical(self, msg: object, *args: "Any", **more: "Any") -> None:
        self.log(50, msg, *args, **more)

    def exception(self, msg: object, *args: "Any", exc_info: "Any" = True,
                  **more: "Any") -> None:
        self.log(40, msg, *args, exc_info=exc_info, **more)

    warn = warning
    fatal = critical

    def isEnabledFor(self, level: int) -> bool:
        if self.channel.log is not self:
            return self.logger().isEnabledFor(level)
        return level >= 10

    def logger(self) -> "logging.Logger":
        """The real one."""
        __import__("logging")           # which may install the bridge
        if self.channel.log is self:
            from devops_agent import _logging
            _logging.install(self.channel)
        logger: "logging.Logger" = self.channel.log
        return logger

    def __getattr__(self, name: str) -> "Any":
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.logger(), name)


def formatted(msg: object, args: "Sequence[Any]") -> str:
    """A log message, as `logging` puts it together; never fails."""
    try:
        text = str(msg)
        if len(args) == 1 and isinstance(args[0], dict) and args[0]:
            return text % args[0]
        return text % tuple(args) if args else text
    except Exception as error:
        from devops_agent import _errors
        return _errors.unformatted(msg, args, error)


class Job:
    """What a method is given: one job of the agent's."""

    Retry = Retry
    Failed = Failed
    Cancelled = Cancelled

    id: int                     # grows, and is never used twice on an agent
    name: str                   # of the job, such as "collect-disk"
    attempt: int                # 1 at first
    params: "Dict[str, Any]"    # checked by the agent, defaults filled in
    secrets: "Dict[str, str]"   # those that the header asks for

    def __init__(self, channel: "Channel", id: "Any" = 1, name: str = "job",
                 attempt: int = 1, timeout: "Optional[float]" = None,
                 params: "Optional[Dict[str, Any]]" = None,
                 secrets: "Optional[Dict[str, str]]" = None,
                 request: "Any" = None) -> None:
        self.id = id
        self.name = name
        self.attempt = attempt
        self.params = {} if params is None else params
        self.secrets = {} if secrets is None else secrets
        self._channel = channel
        self._request = request
        self._deadline = (float("inf") if timeout is None
                          else monotonic() + timeout)
        self._cancelled = False
        self._on_cancel: "Optional[Callable[[], object]]" = None
        self._over = False

    def __repr__(self) -> str:
        return "<job %s %s>" % (self.id, self.name)

    @property
    def log(self) -> "logging.Logger":
        """The job's logger. It is a logging.Logger once `logging` has been
        imported, and until then an object with the same methods."""
        logger: "logging.Logger" = self._channel.log
        return logger

    @property
    def cancelled(self) -> bool:
        """Whether the job is to stop: asked to, or by SIGTERM."""
        if not self._cancelled:
            self._channel.look_for_cancel(self)
        return self._cancelled

    def remaining(self) -> float:
        """Seconds until the job times out: 0.0 and more, maybe infinite."""
        if not self._cancelled:
            self._channel.look_for_cancel(self)
        return max(0.0, self._deadline - monotonic())

    def metric(self, name: str, value: "Any", unit: "Optional[str]" = None,
               kind: str = "gauge", **labels: object) -> None:
        """Report a number: anything finite that int() or float() takes.

        `name` and the labels' names are [a-zA-Z_][a-zA-Z0-9_]*, at most 128
        characters, ":" being fine in `name`; `unit` is such as "bytes",
        `kind` "gauge" or "counter". Labels, 16 at most, become text; what is
        over 256 bytes of one is cut off. Raises TypeError, ValueError.
        """
        if not is_name(name, ":"):
            raise _bad_name("a metric's name", "a-zA-Z_:", name)
        number = _number("metric %s" % name, value)
        if kind != "gauge" and kind != "counter":
            raise ValueError("metric %s: kind must be \"gauge\" or "
                             "\"counter\", not %r" % (name, kind))
        if unit is not None:
            _check_unit(name, unit)
        if len(labels) > MAX_LABELS:
            raise ValueError("metric %s has %d labels; %d is the most"
                             % (name, len(labels), MAX_LABELS))
        for key, label in labels.items():
            if not is_name(key):
                raise _bad_name("a label's name", "a-zA-Z_", key)
            text = label if type(label) is str else str(label)
            if len(text) > MAX_LABEL // 4:
                text = self._short_label(name, key, text)
            labels[key] = text
        self._notify("metric", {"name": name, "value": number, "unit": unit,
                                "kind": kind, "labels": labels})

    def progress(self, fraction: float,
                 message: "Optional[str]" = None) -> None:
        """Say how much is done: 0 to 1, and maybe what is being done."""
        number = _number("fraction", fraction)
        params: "Dict[str, Any]" = {"fraction": min(1.0, max(0.0, number))}
        if message is not None:
            params["message"] = str(message)[:1024]
        self._notify("progress", params)

    def _notify(self, method: str, params: "Dict[str, Any]") -> None:
        if self._over:
            raise RuntimeError("job %s is over; its %s can't be reported"
                               % (self.id, method))
        self._channel.notify(method, params)

    def _short_label(self, name: str, key: str, text: str) -> str:
        short = to_bytes(text)
        if len(short) <= MAX_LABEL:
            return text
        self.log.warning("metric %s: label %s was cut to %d bytes: %s",
                         name, key, MAX_LABEL, text)
        return short[:MAX_LABEL - 3].decode("utf-8", "ignore") + "..."

    def _cancel(self) -> None:
        self._cancelled = True
        if self._on_cancel:
            self._on_cancel()


def _bad_name(what: str, first: str, name: object) -> Exception:
    if not isinstance(name, str):
        return TypeError("%s must be a string, not %s"
                         % (what, type(name).__name__))
    return ValueError("%s must be [%s][%s0-9]* and at most %d characters, "
                      "not %r" % (what, first, first, MAX_NAME, name))


def _check_unit(name: str, unit: "Any") -> None:
    if not isinstance(unit, str):
        raise TypeError("metric %s: unit must be a string, not %s"
                        % (name, type(unit).__name__))
    if len(to_bytes(unit)) > MAX_NAME or "\0" in unit:
        raise ValueError("metric %s: unit must be at most %d bytes, not %r"
                         % (name, MAX_NAME, unit))


# --- The pipes ---------------------------------------------------------------


class Channel:
    """Where a job's messages go. The base of those that have no agent."""

    log: "Any"                  # the light logger, later the real one

    def __init__(self) -> None:
        self.log = Log(self)

    def notify(self, method: str, params: "Dict[str, Any]") -> None:
        raise NotImplementedError

    def look_for_cancel(self, job: "Job") -> None:
        """Whether there is a request to cancel: sets job._cancelled."""

    def say(self, level: int, text: str,
            extra: "Optional[Mapping[str, Any]]" = None) -> None:
        """A line of the log; `level` as in `logging`."""
        fields: "Mapping[str, Any]" = {}
        if extra or len(text) > 16000:
            from devops_agent import _errors
            fields, text = _errors.bounded(extra, text)
        self.notify("log", {
            "level": ("error" if level >= 40 else "warning" if level >= 30
                      else "info" if level >= 20 else "debug"),
            "message": text, "fields": fields})


class Pipes(Channel):
    """The agent's: whole lines, whatever threads, signals and forks do."""

    def __init__(self, requests: int, messages: int) -> None:
        super().__init__()
        self.requests = requests
        self.messages = messages
        self.ended = False              # no more requests
        self.forked = False             # this is a child: speaks no protocol
        self.lines: "List[bytes]" = []  # of requests, not looked at
        self._partial: "List[bytes]" = []
        self._reading = allocate_lock()
        self._writing = RLock()
        self._queue: "List[bytes]" = []
        self._writer = 0                # the thread that is writing it
        self.interrupted = False        # Cancelled is due once it has
        posix.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        # A child that outlives the job must not hold its pipes; in a child's
        # child the numbers may be those of other files.
        if not self.forked:
            posix.close(self.requests)
            posix.close(self.messages)
        self.forked = self.ended = True
        self.lines = []
        self._queue = []
        self._writer = 0
        self._reading = allocate_lock()
        self._writing = RLock()

    def notify(self, method: str, params: "Dict[str, Any]") -> None:
        if self.forked:
            self._notify_as_child(method, params)
            return
        try:
            text = encode(params, MAX_DEPTH - 1)
        except (TypeError, ValueError, RecursionError):
            from devops_agent import _errors
            text = _errors.encode_any(params, MAX_DEPTH - 1)
        self.send('{"jsonrpc":"2.0","method":"%s","params":%s}'
                  % (method, text))

    def _notify_as_child(self, method: str, params: "Dict[str, Any]") -> None:
        # Two processes on one pipe could tear each other's lines.
        if method != "log":
            raise RuntimeError("job.%s() in a child process: report it by "
                               "the process that runs the job" % method)
        sys.stderr.write("%(level)s: %(message)s\n" % params)
        sys.stderr.flush()

    def send(self, text: str) -> None:
        """Write a line. It waits where another is under way: in another
        thread, or below a signal handler that speaks too."""
        with self._writing:
            self._queue.append(to_bytes(text) + b"\n")
            if self._writer:
                return
            self._writer = get_ident()
            try:
                while self._queue:
                    self._write(self._queue[0])
                    del self._queue[0]
            finally:
                self._writer = 0
        if self.interrupted:
            self.interrupted = False
            raise Cancelled("cancelled")

    def interrupt(self) -> None:
        """Raise Cancelled here, in a signal handler: but not amid a line."""
        if self._writer == get_ident():
            self.interrupted = True
        else:
            raise Cancelled("cancelled")

    def _write(self, line: bytes) -> None:
        while line:
            try:
                line = line[posix.write(self.messages, line):]
            except BlockingIOError:
                from select import select
                select([], [self.messages], [])
            except OSError:
                return              # the agent is gone; so is its pipe soon

    def fill(self) -> None:
        """Wait for what comes next: adds to `lines`, or sets `ended`."""
        data = posix.read(self.requests, 65536)
        if not data:
            self.ended = True
            return
        first, *rest = data.split(b"\n")
        self._partial.append(first)
        if rest:
            self.lines.append(b"".join(self._partial))
            self.lines += rest[:-1]
            self._partial = rest[-1:]

    def look_for_cancel(self, job: "Job") -> None:
        if not self._reading.acquire(False):
            return                  # another thread does
        try:
            self._fill_ready()
            for line in self.lines[:]:
                if is_cancel(line, job._request):
                    self.lines.remove(line)
                    job._cancel()
        finally:
            self._reading.release()

    def _fill_ready(self) -> None:
        if self.ended:
            return
        from select import POLLIN, poll
        ready = poll()
        ready.register(self.requests, POLLIN)
        while not self.ended and ready.poll(0):
            self.fill()


def is_cancel(line: bytes, request: "Any") -> bool:
    """Whether it says that the request of this id is to be cancelled."""
    if b"cancel" not in line:
        return False
    try:
        message = decode(line.decode())
        return bool(message["method"] == "cancel" and
                    "id" not in message and
                    message["params"]["id"] == request)
    except (ValueError, LookupError, TypeError, RecursionError):
        return False
