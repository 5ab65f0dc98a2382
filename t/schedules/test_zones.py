"""Offsets of every zone of this host, beside Python's zoneinfo."""

import random
import zoneinfo
from datetime import datetime

import pytest
from times import ask, seconds, transitions

BEGIN, END = seconds("1900-01-02"), seconds("2199-12-31")
NAMES = sorted(zoneinfo.available_timezones() - {"localtime"})


def offsets(cases):
    """For each (zone, instants) what the agent says."""
    said = ask("offsets %s %s" % (name, " ".join(map(str, instants)))
               for name, instants in cases)
    return [[int(word) for word in line.split()] for line in said]


def by_python(name, instants):
    """The same from zoneinfo."""
    zone = zoneinfo.ZoneInfo(name)
    return [int(datetime.fromtimestamp(t, zone).utcoffset().total_seconds())
            for t in instants]


def test_random():
    """every zone's offset at 300 random instants is zoneinfo's"""
    chance = random.Random(1)
    cases = [(name, [chance.randrange(BEGIN, END) for _ in range(300)])
             for name in NAMES]
    assert len(cases) > 300
    for case, said in zip(cases, offsets(cases)):
        assert said == by_python(*case), case[0]


@pytest.mark.parametrize("name", [
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
    "Africa/Casablanca", "Asia/Tehran", "America/Sao_Paulo", "Pacific/Apia",
    "America/St_Johns", "Europe/Dublin", "America/Nuuk", "Antarctica/Troll",
])
def test_edges(name):
    """offsets just before and after each change are zoneinfo's"""
    edges = list(transitions(name, seconds("1970-01-01"),
                             seconds("2050-01-01")))
    instants = [t + d for t in edges for d in (-1, 0, 1)]
    assert edges
    assert offsets([(name, instants)])[0] == by_python(name, instants)


@pytest.mark.parametrize("written, meant", [
    ("Europe/berlin", "Europe/Berlin"),
    ("europe/BERLIN", "Europe/Berlin"),
    ("Berlin", "Europe/Berlin"),
    ("Europe/Brelin", "Europe/Berlin"),
    ("New_York", "America/New_York"),
    ("America/NewYork", "America/New_York"),
    ("Asia/Calcuta", "Asia/Calcutta"),
    ("utc", "UTC"),
])
def test_nearest(written, meant):
    """the error names the zone that was meant"""
    said = ask(["offsets %s 0" % written])[0]
    assert said == "error unknown time zone '%s'; did you mean %s?" % (
        written, meant)


@pytest.mark.parametrize("name", [
    "../../etc/passwd", "/etc/passwd", "Europe/../Europe/Berlin", ".",
    "Europe/", "Europe//Berlin", "Europe", "posix/../../../../etc/passwd",
    "tzdata.zi", pytest.param("x" * 5000, id="5000 letters"),
])
def test_no_name(name):
    """what is no zone's name is refused as that"""
    said = ask(["offsets %s 0" % name])[0]
    assert said.startswith("error unknown time zone"), said


def test_no_zone_file():
    """a file of the database that is no zone, and leap seconds, are refused"""
    assert "no time zone file" in ask(["offsets leapseconds 0"])[0]
    assert "leap seconds" in ask(["offsets right/Europe/Berlin 0"])[0]
