# /// devops_agent
# name: collect-cpu
# version: 1.0.0
# description: >-
#   Processor use over a short interval, by mode and by core, and load
#   averages.
# params:
#   type: object
#   properties:
#     interval_ms:
#       type: integer
#       minimum: 100
#       maximum: 30000
#       default: 1000
#       description: Time between the two samples.
#     per_cpu:
#       type: boolean
#       default: false
#       description: Report each core too.
#   additionalProperties: false
# permissions:
#   read: [/proc/stat, /proc/loadavg]
# limits: {timeout: 40s, memory: 64MiB}
# ///
"""Processor use: two samples of /proc/stat and what lies between them."""

import os
import time

# In the kernel's order. "guest" is part of "user", so it is left out.
MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq",
         "steal")


def register():
    return collect


def collect(job):
    before, _ = sample()
    start = time.monotonic()
    wait(job, job.params.get("interval_ms", 1000) / 1000)
    after, counters = sample()
    elapsed = time.monotonic() - start
    cores = sorted((name for name in after if name != "cpu"),
                   key=lambda name: int(name[3:]))
    result = {
        "interval_ms": round(elapsed * 1000),
        "cpus": len(cores),
        "load": load(),
        "running": counters.get("procs_running"),
        "blocked": counters.get("procs_blocked"),
    }
    result.update(shares(before["cpu"], after["cpu"]))
    if job.params.get("per_cpu", False):
        # One that came up between the samples has no share yet.
        result["per_cpu"] = [
            dict(shares(before[name], after[name]), cpu=int(name[3:]))
            for name in cores if name in before]
    report(job, result, after["cpu"], counters)
    return result


def wait(job, seconds):
    end = time.monotonic() + seconds
    while True:
        if job.cancelled:
            raise job.Failed("cancelled", code="cancelled")
        left = end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, 0.25))


def sample():
    """Ticks by mode for "cpu" (all) and each "cpuN"; the other counters."""
    ticks = {}
    counters = {}
    with open("/proc/stat", "rb") as file:
        for line in file:
            name, _, rest = line.decode("ascii", "replace").partition(" ")
            if name.startswith("cpu"):
                ticks[name] = [int(field) for field in
                               rest.split()[:len(MODES)]]
            elif name in ("ctxt", "btime", "processes", "procs_running",
                          "procs_blocked"):
                counters[name] = int(rest)
    return ticks, counters


def shares(before, after):
    """Percent by mode; None where the kernel counted no tick at all."""
    # iowait and idle may go backwards by a little.
    spent = [max(0, new - old) for old, new in zip(before, after)]
    total = sum(spent)
    percent = {mode: round(ticks * 100 / total, 2) if total else None
               for mode, ticks in zip(MODES, spent)}
    idle = sum(spent[3:5])              # idle, iowait
    return {
        "usage_percent":
            round((total - idle) * 100 / total, 2) if total else None,
        "modes_percent": percent,
    }


def load():
    with open("/proc/loadavg", "rb") as file:
        fields = file.read().split()
    return {"1m": float(fields[0]), "5m": float(fields[1]),
            "15m": float(fields[2])}


def report(job, result, ticks, counters):
    def ratio(name, percent, **labels):
        if percent is not None:
            job.metric(name, round(percent / 100, 4), unit="ratio", **labels)

    hertz = os.sysconf("SC_CLK_TCK")
    for mode, count in zip(MODES, ticks):
        job.metric("cpu_seconds_total", count / hertz, unit="seconds",
                   kind="counter", mode=mode)
        ratio("cpu_mode_ratio", result["modes_percent"][mode], mode=mode)
    ratio("cpu_usage_ratio", result["usage_percent"])
    for core in result.get("per_cpu", ()):
        ratio("cpu_core_usage_ratio", core["usage_percent"],
              cpu=str(core["cpu"]))
    job.metric("cpu_count", result["cpus"])
    job.metric("load1", result["load"]["1m"])
    job.metric("load5", result["load"]["5m"])
    job.metric("load15", result["load"]["15m"])
    for name, metric, kind in (
            ("procs_running", "processes_running", "gauge"),
            ("procs_blocked", "processes_blocked", "gauge"),
            ("ctxt", "context_switches_total", "counter"),
            ("processes", "forks_total", "counter")):
        if name in counters:
            job.metric(metric, counters[name], kind=kind)
    if "btime" in counters:
        job.metric("boot_time_seconds", counters["btime"], unit="seconds")
