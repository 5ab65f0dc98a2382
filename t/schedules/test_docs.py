"""The tables of docs/scheduling.md hold."""

import os
import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from times import UTC, due

DOC = os.path.join(os.environ["ROOT"], "docs", "scheduling.md")
ROW = re.compile(r"\| (\w+/\w+) \| ([\d-]+) \| `([^`]+)` \| ([\d: ]+) \|")

with open(DOC, encoding="utf-8") as text:
    ROWS = ROW.findall(text.read())


def test_rows():
    """there are rows to look at"""
    assert len(ROWS) >= 13


@pytest.mark.parametrize("name, day, expression, runs", ROWS)
def test_row(name, day, expression, runs):
    """a row says when a schedule runs"""
    zone = ZoneInfo(name)
    begin = datetime.fromisoformat(day).replace(tzinfo=zone)
    end = (begin.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    said = due([(name, int(begin.timestamp()) - 1, int(end.timestamp()) - 1,
                 expression)])[0]
    assert [datetime.fromtimestamp(t, UTC).strftime("%H:%M")
            for t in said] == runs.split()
