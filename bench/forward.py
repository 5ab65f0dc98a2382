"""Measure forwarding; writes FORWARD.md beside this file.

    forward.py [PART ...]

Parts: program, catchup, jobs; all without any. Needs about ten minutes of a
machine that does nothing else.
"""
import statistics
import subprocess
import tempfile
import time

from service import (Agent, BUILD, PROGRAM, STORE, children, report,
                     sizes_mib, table, verdict)

BENCH = str(BUILD / "bench" / "forward")
RECORDS = 1000000
CASES = [("jsonl", compression, batch) for compression in
         ("zstd", "gzip", "none") for batch in (100, 500)] + [
    (name, "gzip", 500) for name in
    ("elasticsearch", "loki", "splunk-hec", "influx", "otlp")]


class Collector:
    """Reads whole bodies and says yes."""

    def __enter__(self):
        self.process = subprocess.Popen([BENCH, "collect"],
                                        stdout=subprocess.PIPE, text=True)
        self.url = "http://127.0.0.1:%d/" % int(
            self.process.stdout.readline())
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def forwarding(folder, url, **batch):
    """An agent that sends to there what it has, at once."""
    return Agent(folder, storage={
        "type": "sqlite", "path": "./data/history.db",
        "retention": {"age": "3650d", "size": "8GiB"}}, forward=[{
            "name": "central", "url": url, "compression": "zstd",
            "buffer": {"age": "3650d", "size": "8GiB"}, "batch": batch}])


# --- Parts ------------------------------------------------------------------

def program(_folder):
    """devops_agent-forward alone, beside bare libcurl."""
    rows, ratios = [], []
    for name, compression, batch in CASES:
        records = RECORDS if name == "jsonl" else RECORDS // 5
        runs = [subprocess.run(
            [BENCH, PROGRAM + "-forward", name, compression, str(records),
             str(batch)], stdout=subprocess.PIPE, check=True,
            text=True).stdout.split() for _ in range(3)]
        runs.sort(key=lambda run: float(run[5]))
        run = runs[1]
        rows.append([*run[:6], run[6], "%.1f" % (int(run[7]) / 1024), run[8]])
        if (name, compression) == ("jsonl", "zstd"):
            ratios.append(float(run[5]))
    return ("## The program alone\n\nA master that has every batch ready, "
            "and a collector that reads whole bodies. Bare is\nlibcurl "
            "compressing and posting the same bytes; the run in the middle "
            "of three.\n\n" +
            table(["format", "compression", "batch", "records a second",
                   "bare", "ratio", "bytes each", "MiB at most", "CPU s"],
                  rows) +
            "\nThe limit for jsonl with zstd is 0.25: **%s**.\n" %
            verdict(min(ratios) >= 0.25))


def catchup(folder):
    """Stored records, from the agent's start to the last one's answer."""
    rows, lags = [], []
    for records in (100, 500):
        home = tempfile.mkdtemp(dir=folder)
        with Collector() as collector:
            agent = forwarding(home, collector.url, records=records)
            subprocess.run([STORE, home + "/data", "fill", str(RECORDS)],
                           stdout=subprocess.DEVNULL, check=True)
            with agent:
                began = time.monotonic()
                most = 0
                agent.metric("loop_lag_max_seconds")
                lag = 0
                while True:
                    time.sleep(0.2)
                    row = agent.ask("forward.status")["items"][0]
                    lag = max(lag, agent.metric("loop_lag_max_seconds"),
                              agent.metric("loop_busy_max_seconds"))
                    for pid in children(agent.process.pid):
                        with open("/proc/%d/cmdline" % pid) as file:
                            if "devops_agent-forward" in file.read():
                                most = max(most, sizes_mib([pid])[0])
                    if row["accepted"] >= RECORDS:
                        break
                seconds = time.monotonic() - began
        lags.append(lag * 1000)
        rows.append([records, "%.0f" % (RECORDS / seconds), "%.1f" % most,
                     "%.1f" % (lag * 1000)])
    return ("## Catching up\n\nThe whole agent with %d stored jobs, zstd.\n\n"
            % RECORDS + table(
                ["batch", "records a second", "forwarder, MiB at most",
                 "longest turn or lag of the master, ms"], rows))


def jobs(folder):
    """Jobs a second with forwarding, over those without."""
    rates = {"on": [], "off": []}
    with Collector() as collector:
        for _ in range(5):
            for name in rates:
                home = tempfile.mkdtemp(dir=folder)
                agent = forwarding(home, collector.url)
                if name == "off":
                    del agent.settings["forward"]
                with agent:
                    agent.jobs("reused", 1000, 100)
                    rates[name].append(
                        agent.jobs("reused", 10000, 1000)["rate"])
    middle = {name: statistics.median(found)
              for name, found in rates.items()}
    ratio = middle["on"] / middle["off"]
    return ("## Jobs a second\n\nForwarding on: %.0f, off: %.0f; on over off "
            "is %.2f, the limit 0.95: **%s**.\n" %
            (middle["on"], middle["off"], ratio, verdict(ratio >= 0.95)))


PARTS = {"program": program, "catchup": catchup, "jobs": jobs}


if __name__ == "__main__":
    report("# Forwarding, measured\n\nWritten by `make bench-forward`. Agent "
           "and collector share the machine.", PARTS, "FORWARD.md")
