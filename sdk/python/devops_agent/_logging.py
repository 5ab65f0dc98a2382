"""Joins Python's `logging` to a job's log.

Whatever is logged through `logging`, by the plugin or a library, becomes a
line of the job's log. Loaded once something has imported `logging`, which
takes longer than all else that a plugin's start does.
"""

import logging
from contextlib import contextmanager
from typing import Any, Dict, Iterator

from devops_agent._job import Channel

JOB = "job"                     # the name of the logger that job.log is

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message", "asctime", "taskName"}


class Bridge(logging.Handler):
    """Sends records to a channel. `extra` becomes the line's fields, and so
    does the name of a logger other than job.log, as "logger"."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self.channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.channel.say(record.levelno, self.text(record),
                             fields_of(record))
        except Exception:
            self.handleError(record)

    def text(self, record: logging.LogRecord) -> str:
        """The message, with the traceback that it may come with."""
        from devops_agent import _errors
        if self.formatter:
            return self.format(record)
        try:
            text = record.getMessage()
        except Exception as error:
            text = _errors.unformatted(record.msg, record.args, error)
        if record.exc_info:
            text += _errors.exc_text(record.exc_info)
        elif record.exc_text:
            text += "\n" + record.exc_text
        if record.stack_info:
            text += "\n" + record.stack_info
        return text


def fields_of(record: logging.LogRecord) -> Dict[str, Any]:
    """What a record holds beside what every record does."""
    fields = {key: value for key, value in vars(record).items()
              if key not in _STANDARD}
    if record.name not in (JOB, "root"):
        fields.setdefault("logger", record.name)
    return fields


def install(channel: Channel) -> None:
    """Send all records to the channel, from level INFO on, of job.log from
    DEBUG on; from then on channel.log is a logging.Logger."""
    if isinstance(channel.log, logging.Logger):
        return
    root = logging.getLogger()
    bridge = Bridge(channel)
    root.addHandler(bridge)
    root.setLevel(logging.INFO)
    channel.log = job_logger()
    keep_when_configured(bridge)


def job_logger() -> logging.Logger:
    """The logger that job.log is."""
    logger = logging.getLogger(JOB)
    logger.setLevel(logging.DEBUG)
    return logger


def keep_when_configured(bridge: Bridge) -> None:
    """Let logging.basicConfig() set the level, as a plugin that can run by
    itself expects: without force it would do nothing as there is a handler,
    and with force it would take the bridge away."""
    configure = logging.basicConfig

    def basicConfig(**settings: Any) -> None:
        root = logging.getLogger()
        if bridge not in root.handlers:
            configure(**settings)
            return
        if "filename" in settings or "handlers" in settings:
            root.removeHandler(bridge)
            configure(**settings)
            root.addHandler(bridge)
            return
        if settings.get("force"):
            for handler in root.handlers[:]:
                if handler is not bridge:
                    root.removeHandler(handler)
        if settings.get("level") is not None:
            root.setLevel(settings["level"])

    setattr(logging, "basicConfig", basicConfig)


@contextmanager
def joined(channel: Channel) -> Iterator[None]:
    """The same for a while, as a test needs it, and undone then."""
    root = logging.getLogger()
    bridge, before, level = Bridge(channel), channel.log, root.level
    root.addHandler(bridge)
    root.setLevel(min(level, logging.INFO))
    channel.log = job_logger()
    try:
        yield
    finally:
        root.removeHandler(bridge)
        root.setLevel(level)
        channel.log = before
