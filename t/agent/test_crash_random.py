"""The master dies at random instants under load, alone or with its spawner."""

import os
import random
import threading

from crashes import Load

DEATHS = int(os.environ.get("CRASH_DEATHS", "8"))
SEED = int(os.environ.get("CRASH_SEED", "0")) or random.randrange(1 << 32)


def test_at_random_instants_under_load(agent):
    print("CRASH_SEED=%d" % SEED)
    chance = random.Random(SEED)
    load = Load(agent)
    load.most = 1000  # deaths come faster than what waits can end
    for _ in range(DEATHS):
        spawner = chance.random() < 0.3
        early = chance.random() < 0.2  # perhaps before it is up
        instant = chance.uniform(0, 0.15 if early else 1.2)
        load.start(wait=not early)
        clock = threading.Timer(instant, load.kill, [spawner])
        clock.start()
        load.drive(instant + 20)
        clock.join()
        assert agent.process.returncode == -9
        load.after_death()
    jobs = load.finish()
    print("%d deaths, %d acknowledged, %d jobs" % (
        load.deaths, len(load.acknowledged), len(jobs)))
    assert len(load.acknowledged) > DEATHS
