"""What the agent says about zones and times, and what others say."""

import os
import subprocess
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from croniter import croniter

UTC = timezone.utc
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
DRIVER = os.path.join(os.environ["BUILD"], "t", "drivers", "times")


def ask(questions, **env):
    """The answers of t/drivers/times.c, a line each."""
    questions = list(questions)
    said = subprocess.run(
        [DRIVER], input="".join(q + "\n" for q in questions),
        stdout=subprocess.PIPE, check=True, encoding="utf-8",
        env={**os.environ, **env},
    ).stdout.splitlines()
    assert len(said) == len(questions)
    return said


def seconds(text, hour=0):
    """A day in UTC, as seconds since 1970."""
    return int(datetime.fromisoformat(text).replace(
        hour=hour, tzinfo=UTC).timestamp())


def due(cases):
    """For each (zone, after, until, expression) its times."""
    said = ask("times %s %d %d %s" % case for case in cases)
    for line in said:
        assert not line.startswith("error"), line
    return [[int(word) for word in line.split()] for line in said]


def local(zone, second):
    """The local time of an instant, naive."""
    return datetime.fromtimestamp(second, zone).replace(tzinfo=None)


def instant(zone, wall, fold):
    """The instant of a local time, None where there is no such time."""
    second = int(wall.replace(tzinfo=zone, fold=fold).timestamp())
    return second if local(zone, second) == wall else None


def walls(expression, begin, end, **how):
    """All matches of a calendar without any zone, as croniter finds them."""
    found = croniter(expression, begin - MINUTE, **how)
    wall = found.get_next(datetime)
    while wall < end:
        yield wall
        wall = found.get_next(datetime)


def expected(name, after, until, expression, matches=None):
    """The documented rule, by croniter for the calendar and zoneinfo for the
    clock: see docs/scheduling.md."""
    zone = ZoneInfo(name)
    times = set()
    every_hour = expression.split()[1] == "*"
    if matches is None:
        # what the longest gap, a day, may have put off to `after`
        margin = 2 * HOUR if every_hour else DAY + 2 * HOUR
        matches = walls(expression, local(zone, after) - margin,
                        local(zone, until) + 2 * HOUR)
    for wall in matches:
        if every_hour:
            times |= {instant(zone, wall, fold) for fold in (0, 1)}
            continue
        while instant(zone, wall, 0) is None:
            wall += MINUTE
        times.add(instant(zone, wall, 0))
    return sorted(t for t in times if t is not None and after < t <= until)


def transitions(name, begin, end):
    """The instants at which the zone's clock jumps, from zoneinfo."""
    zone = ZoneInfo(name)

    def offset(second):
        return datetime.fromtimestamp(second, zone).utcoffset()

    step = 6 * 3600
    for low in range(begin, end, step):
        high = low + step
        if offset(low) == offset(high):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            if offset(middle) == offset(low):
                low = middle
            else:
                high = middle
        yield high
