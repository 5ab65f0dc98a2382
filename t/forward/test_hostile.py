"""Records through a collector that does everything wrong, and kill -9."""

import os
import random
import time

import pytest
from conftest import PROGRAM, SECONDS, SLOWNESS, Generated, destination
from hostile import Hostile, judge

RECORDS = int(os.environ.get("FORWARD_RECORDS", "12000"))
SEED = int(os.environ.get("FORWARD_SEED", "1"))
# The long form has larger batches, as each of them may meet a fault that takes
# a second, and more deaths.
BATCH, KILLS = (500, 40) if RECORDS >= 100000 else (100, 8)


def kill_now_and_then(master, rng, kills, n):
    """kill -9 of the forwarder, or the end of the master, `kills` times."""
    points = sorted(rng.randrange(n) for _ in range(kills))
    for point in points:
        while master.cursors["central"] < point:
            time.sleep(0.002)
        if rng.random() < 0.5:
            master.kill()
        else:
            master.die()
        master.start()


# How the collector refuses poison; records, poison, faults a request.
CASES = {
    "400": (RECORDS, 12, 0.35),
    "items": (RECORDS // 2, 12, 0.35),
    "500": (RECORDS // 10, 3, 0.2),
    "close": (RECORDS // 10, 3, 0.2),
}


@pytest.mark.parametrize("refuse", CASES)
def test_faults(master, refuse):
    """Nothing is lost, doubled, out of order or aside but the poison"""
    n, count, faults = CASES[refuse]
    rng = random.Random(f"{SEED} {refuse}")
    poison = set(rng.sample(range(n - 1), count))
    poison |= {p + 1 for p in list(poison)[:count // 3]}
    hostile = Hostile(f"{SEED} {refuse}", poison, refuse=refuse,
                      faults=faults, hang=1.6 * SLOWNESS)
    m = master(Generated(n), destination(
        hostile.url, timeout_ms=int(1000 * SLOWNESS),
        batch={"records": BATCH, "wait_ms": 0},
        compression=rng.choice(["zstd", "gzip", "none"])))
    kill_now_and_then(m, rng, KILLS, n)
    m.wait_done(seconds=max(10 * SECONDS, n / 100))
    wrong = judge(hostile, m, n)
    assert not wrong, "\n".join(wrong[:10])
    assert m.rss_kib() <= 24 * 1024 or "asan" in PROGRAM
    counts = dict(sorted(hostile.counts.items()))
    print(f"# {len(hostile.received)} requests kept; {counts}")
