"""Times of cron expressions, beside croniter and zoneinfo."""

import random
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from times import (DAY, UTC, due, expected, local, seconds, transitions,
                   walls)

# Ten years each, of those in which the zone's clock was or will be changed;
# the last two lie beyond what files of the database list change by change.
DECADES = [
    ("Europe/Berlin", "2020-01-01", "2030-01-01"),
    ("America/New_York", "2020-01-01", "2030-01-01"),
    ("Australia/Lord_Howe", "2020-01-01", "2030-01-01"),  # by half an hour
    ("Africa/Casablanca", "2020-01-01", "2030-01-01"),    # for Ramadan
    ("Asia/Tehran", "2013-01-01", "2023-01-01"),          # at midnight
    ("America/Sao_Paulo", "2010-01-01", "2020-01-01"),    # at midnight
    ("America/St_Johns", "2004-01-01", "2014-01-01"),     # at 00:01
    ("Pacific/Apia", "2007-01-01", "2017-01-01"),         # a day left out
    ("Antarctica/Troll", "2016-01-01", "2026-01-01"),     # by two hours
    ("Europe/Berlin", "2040-01-01", "2050-01-01"),
    ("Australia/Lord_Howe", "2040-01-01", "2050-01-01"),
]

# Looked at around each change, minute by minute.
DENSE = [
    "30 2 * * *", "0 2 * * *", "0 3 * * *", "59 1 * * *", "15,45 1-3 * * *",
    "*/7 0-4 * * *", "* 2 * * *", "* 0 * * *", "0 0 * * *", "30 23 * * *",
    "30 0 * * 7", "30 */2 * * *", "5 */3 * * sun,mon", "20 1,2 * 3,10 *",
    "0 9 30 12 *", "10 0,1,2,3 28-31 * *",
    "* * * * *", "*/5 * * * *", "30 * * * *", "0 * * * *", "15 * * * 0",
    "*/20 * 25-31 oct,mar *",
]

# Looked at over the whole ten years.
SPARSE = [
    "30 2 * * *", "0 0 * * *", "0 0 1 * *", "5 4 * * sun", "0 12 13 * fri",
    "59 23 29 2 *", "15 1 */2 * *", "0 2 25-31 3,10 *", "0 8-18/5 * * 1-5",
    "30 0 1,15 jan-jun wed", "0 0 31 * *",
]
BEGINS, ENDS = datetime(2004, 1, 1) - 3 * DAY, datetime(2050, 1, 1) + 3 * DAY
CALENDAR = {}


@pytest.mark.parametrize("name, begin, end", DECADES)
def test_changes(name, begin, end):
    """around each change of the clock the documented rule holds"""
    edges = list(transitions(name, seconds(begin), seconds(end)))
    cases = [(name, edge - 5 * 3600, edge + 7 * 3600, expression)
             for edge in edges for expression in DENSE]
    assert len(edges) >= 10
    for case, said in zip(cases, due(cases)):
        assert said == expected(*case), case


@pytest.mark.parametrize("name, begin, end", DECADES)
def test_decade(name, begin, end):
    """each day of ten years is as croniter and zoneinfo say"""
    cases = [(name, seconds(begin), seconds(end), expression)
             for expression in SPARSE]
    for case, said in zip(cases, due(cases)):
        expression = case[3]
        if expression not in CALENDAR:
            how = {"day_or": False} if "*/2 * *" in expression else {}
            CALENDAR[expression] = list(walls(expression, BEGINS, ENDS, **how))
        assert said == expected(*case, CALENDAR[expression]), case


def test_no_change():
    """on days without a change a schedule is croniter's, to the minute"""
    name, begin, end = DECADES[0]
    zone = ZoneInfo(name)
    changed = {local(zone, t).date()
               for t in transitions(name, seconds(begin), seconds(end))}
    expression = "*/15 * * * *"
    said = due([(name, seconds(begin), seconds("2022-01-01"), expression)])[0]
    got = [local(zone, t) for t in said]
    want = list(walls(expression, got[0], got[-1]))
    assert [t for t in got[:-1] if t.date() not in changed] == [
        t for t in want if t.date() not in changed]
    assert len(changed) == 20


def random_field(chance, low, high, names=()):
    """A field of an expression as people write them, and worse."""
    def value():
        n = chance.randint(low, high)
        if names and n - low < len(names) and chance.random() < 0.3:
            return names[n - low]
        return str(n)

    def item():
        kind = chance.random()
        if kind < 0.5:
            return value()
        first = chance.randint(low, high - 1)
        last = chance.randint(first + 1, high)
        step = chance.randint(1, last - first)
        return "%d-%d" % (first, last) + ("/%d" % step if kind > 0.8 else "")

    if chance.random() < 0.35:
        return "*"
    return ",".join(item() for _ in range(chance.choice([1, 1, 1, 2, 3])))


MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
WEEKDAYS = "SUN MON TUE WED THU FRI SAT".split()


def random_expression(chance):
    """Five random fields."""
    return " ".join([
        random_field(chance, 0, 59), random_field(chance, 0, 23),
        random_field(chance, 1, 31), random_field(chance, 1, 12, MONTHS),
        random_field(chance, 0, 6, WEEKDAYS),
    ])


def takes_for_star(expression):
    """croniter reads a field of days that lists all of them, such as 0-6, as
    "*"; here, as in Vixie's cron, only a "*" is one."""
    expanded = croniter.expand(expression)[0]
    return any(expanded[i] == ["*"] and expression.split()[i] != "*"
               for i in (2, 4))


def test_random_expressions():
    """500 random expressions, 20 times each, are croniter's in UTC"""
    chance = random.Random(2)
    cases, wants = [], []
    while len(cases) < 500:
        expression = random_expression(chance)
        if takes_for_star(expression):
            continue
        after = chance.randrange(seconds("1990-01-01"), seconds("2090-01-01"))
        begin = datetime.fromtimestamp(after, UTC).replace(tzinfo=None)
        found = []
        try:
            for wall in walls(expression, begin, datetime(2150, 1, 1)):
                second = int(wall.replace(tzinfo=UTC).timestamp())
                if second > after:
                    found.append(second)
                if len(found) == 20:
                    break
        except Exception:  # croniter gives up: impossible, or too far
            continue
        if len(found) < 20:
            continue
        cases.append(("UTC", after, found[-1], expression))
        wants.append(found)
    for case, said, want in zip(cases, due(cases), wants):
        assert said == want, case


def test_never():
    """a date that there is never has no time, in bounded time"""
    cases = [("Europe/Berlin", seconds("2026-01-01"), 1 << 62, expression)
             for expression in ("0 0 31 2 *", "0 0 30 feb *",
                                "0 0 31 4,6,9,11 *")]
    assert due(cases) == [[], [], []]


def test_rare():
    """a 29 February, and one of a weekend, is found years ahead"""
    said = due([
        ("UTC", seconds("1896-03-01"), seconds("1904-12-31"), "0 0 29 2 *"),
        ("UTC", seconds("1896-03-01"), seconds("1908-12-31"),
         "0 0 29 2 */6"),
    ])
    assert said == [[seconds("1904-02-29")], [seconds("1908-02-29")]]
