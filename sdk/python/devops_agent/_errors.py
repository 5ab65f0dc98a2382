"""What is said of an exception, and of values that are no JSON.

None of it is needed for a job that succeeds, so it is loaded late.
"""

import sys
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple

from devops_agent import _job
from devops_agent._job import (MAX_DEPTH, Cancelled, Failed, Job, Retry,
                               encode, to_bytes)

PLUGIN_FAILED = -32000          # code of a JSON-RPC error
MAX_MESSAGE = 32 << 10          # bytes of an error's message
MAX_TRACEBACK = 32 << 10
MAX_LOG = 64 << 10              # of a log message, and of its fields

_SDK = _job.encode.__code__.co_filename.rpartition("/")[0] + "/"


# --- Exceptions --------------------------------------------------------------


def encode_error(error: BaseException, job: Optional[Job]) -> str:
    """The error of an answer, as JSON text. Never fails."""
    try:
        return encode_any(describe(error, job), MAX_DEPTH - 1)
    except BaseException:       # no memory to say more, say
        return ('{"code":%d,"message":"%s"}'
                % (PLUGIN_FAILED, type(error).__name__))


def describe(error: BaseException, job: Optional[Job]) -> Dict[str, Any]:
    """The error of an answer."""
    data: Dict[str, Any] = {"type": type_of(error)}
    message = text_of(error)
    if isinstance(error, Retry):
        data["type"] = "Retry"
        data["retry_after_ms"] = int(error.after * 1000)
    elif isinstance(error, Failed):
        data["type"] = "Failed"
        if error.code is not None:
            data["code"] = error.code
        data.update(error.data)
    elif is_cancelled(error, job):
        message = "cancelled"
        data.update(type="Cancelled", code="cancelled")
    else:
        if isinstance(error, SystemExit):
            message = "plugin called sys.exit(%s)" % (
                "" if error.code is None else safe(repr, error.code))
        else:
            name = type(error).__qualname__
            message = "%s: %s" % (name, message) if message else name
        if isinstance(error, OSError):
            data.update(of_system(error))
        data["traceback"] = cut(traceback_of(error), MAX_TRACEBACK, 1 / 4)
    return {"code": PLUGIN_FAILED, "data": data,
            "message": cut(message, MAX_MESSAGE, 3 / 4)}


def is_cancelled(error: BaseException, job: Optional[Job]) -> bool:
    """Whether it came of being told to stop."""
    if isinstance(error, Cancelled):
        return True
    return (job is not None and job._cancelled and
            type(error).__name__ == "CancelledError")


def safe(function: Any, value: object) -> str:
    """str(value), repr(value): whatever happens in it."""
    try:
        return str(function(value))
    except Exception as error:
        return "<%s that can't be shown: %s>" % (type(value).__name__,
                                                 type(error).__name__)


def text_of(error: BaseException) -> str:
    """Its message."""
    return safe(str, error)


def type_of(error: BaseException) -> str:
    """Its class, with the module unless it is a builtin one."""
    cls = type(error)
    if cls.__module__ in ("builtins", "__main__"):
        return cls.__qualname__
    return "%s.%s" % (cls.__module__, cls.__qualname__)


def of_system(error: OSError) -> Iterator[Tuple[str, Any]]:
    """What the system said, so that the agent can tell what was denied."""
    if error.errno is not None:
        yield "errno", error.errno
    for name in ("filename", "filename2"):
        value = getattr(error, name, None)
        if isinstance(value, bytes):
            value = value.decode("utf-8", "surrogateescape")
        if value is not None:
            yield name, safe(str, value)


def traceback_of(error: BaseException) -> str:
    """As Python prints it, but for the frames that are ours. Of what is
    below no more than "" can be had where memory is short."""
    try:
        from traceback import TracebackException
        # The name without the module is asked for by some versions only.
        shown = TracebackException(type(error), error, error.__traceback__)
        without_ours(shown)
        text = "".join(shown.format())
        if not shown.stack and not shown.__context__ and not shown.__cause__:
            text = text.replace("Traceback (most recent call last):\n", "", 1)
        return text
    except Exception:
        return ""


def without_ours(shown: Any) -> None:
    """Take the SDK's frames, and asyncio's before the plugin's first, off a
    TracebackException and all that it is chained to."""
    waiting = [shown]
    seen = set()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        frames = [frame for frame in one.stack
                  if not frame.filename.startswith(_SDK)]
        while frames and "/asyncio/" in frames[0].filename:
            del frames[0]
        one.stack[:] = frames
        waiting += (one.__cause__, one.__context__,
                    *(getattr(one, "exceptions", None) or ()))


def exc_text(exc_info: Any) -> str:
    """The traceback that a log call asks for, below its message."""
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    elif not isinstance(exc_info, BaseException):
        exc_info = sys.exc_info()[1]
    return "" if exc_info is None else "\n" + traceback_of(
        exc_info).rstrip("\n")


# --- Text --------------------------------------------------------------------


def cut(text: str, most: int, first: float) -> str:
    """At most `most` bytes of a text, and a few: of what is too long its
    end and, as that share of it, its beginning."""
    if len(text) <= most // 4:
        return text
    raw = to_bytes(text)
    if len(raw) <= most:
        return text
    head = int(most * first)
    tail = most - head
    return "%s\n... (%d bytes left out) ...\n%s" % (
        raw[:head].decode("utf-8", "ignore"), len(raw) - most,
        raw[len(raw) - tail:].decode("utf-8", "ignore") if tail else "")


def bounded(extra: Optional[Mapping[str, Any]],
            text: str) -> Tuple[Dict[str, Any], str]:
    """The fields and the text of a log line, as long as they may be."""
    fields = plain(dict(extra or {}), MAX_DEPTH - 2)
    size = len(to_bytes(_job.encode_scalars(fields)))
    if size > MAX_LOG:
        fields = {}
        text += " (%d bytes of fields left out)" % size
    return fields, cut(text, MAX_LOG - 64, 3 / 4)


def unformatted(msg: object, args: Any, error: Exception) -> str:
    """A log message whose arguments do not fit it."""
    return "%s %s (not formatted: %s: %s)" % (
        safe(str, msg), safe(repr, args), type(error).__name__, error)


# --- What is no JSON ---------------------------------------------------------


def encode_any(value: Any, room: int) -> str:
    """JSON text in any case: what is no JSON becomes text."""
    try:
        return encode(value, room)
    except (TypeError, ValueError, RecursionError):
        return encode(plain(value, room), room)


def plain(value: Any, room: int, above: Tuple[int, ...] = ()) -> Any:
    """A copy of it that JSON can hold, no deeper than `room`."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return safe(str, value) if value.bit_length() > 10000 else value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if not isinstance(value, (dict, list, tuple, set, frozenset)):
        return safe(str, value)
    if room < 1 or id(value) in above:
        return "..."
    above += (id(value),)
    if isinstance(value, dict):
        return {key if isinstance(key, str) else safe(str, key):
                plain(item, room - 1, above) for key, item in value.items()}
    return [plain(item, room - 1, above) for item in value]


def bad_result(result: Any, room: int,
               error: BaseException) -> BaseException:
    """What to raise because a result could not be encoded: it names where
    in the result the first wrong thing is."""
    if not isinstance(error, (TypeError, ValueError, RecursionError)):
        return error
    why = find(result, "result", room, room, ())
    return Failed(why or "result: %s" % error, code="bad_result")


def find(value: Any, path: str, room: int, most: int,
         above: Tuple[int, ...]) -> Optional[str]:
    """What is no JSON in a value, and where."""
    if value is None or isinstance(value, (str, bool)):
        return None
    if isinstance(value, (int, float)):
        why = number_problem(value)
        return why and "%s: %s" % (short(path), why)
    if not isinstance(value, (dict, list, tuple)):
        return "%s: %s is not JSON" % (short(path), type(value).__name__)
    if id(value) in above:
        return "%s: holds itself" % short(path)
    if room < 1:
        return "%s: nested deeper than %d" % (short(path), most)
    above += (id(value),)
    for where, item in members(value):
        if where is None:
            return "%s: a key that is %s is not JSON" % (
                short(path), type(item).__name__
                if not isinstance(item, float) else number_name(item))
        why = find(item, path + where, room - 1, most, above)
        if why:
            return why
    return None


def members(value: Any) -> Iterator[Tuple[Optional[str], Any]]:
    """Each item with how it is reached; None and the key for a bad key."""
    if not isinstance(value, dict):
        for index, item in enumerate(value):
            yield "[%d]" % index, item
        return
    for key, item in value.items():
        if key is not None and not isinstance(key, (str, int, float, bool)) \
                or isinstance(key, float) and number_problem(key):
            yield None, key
        elif isinstance(key, str) and key.isidentifier():
            yield "." + key, item
        else:
            yield "[%s]" % ('"%s"' % key if isinstance(key, str) else
                            safe(repr, key)), item


def number_problem(value: Any) -> Optional[str]:
    """Why a number is none in JSON."""
    if isinstance(value, float):
        return None if value - value == 0 else \
            "%s is not JSON" % number_name(value)
    try:
        int.__repr__(value)
    except ValueError as error:         # of thousands of digits
        return str(error)
    return None


def number_name(value: float) -> str:
    """As JavaScript calls it."""
    return "NaN" if value != value else \
        "Infinity" if value > 0 else "-Infinity"


def short(path: str) -> str:
    """A path of which the middle may be missing."""
    return path if len(path) <= 200 else \
        path[:120] + " ... " + path[-60:]
