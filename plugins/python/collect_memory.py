# /// devops_agent
# name: collect-memory
# version: 1.0.0
# description: Memory and swap in use, memory pressure, kills for memory.
# params:
#   type: object
#   properties: {}
#   additionalProperties: false
# permissions:
#   read: [/proc/meminfo, /proc/vmstat, /proc/pressure/memory]
# limits: {timeout: 5s, memory: 64MiB}
# ///
"""Memory and swap, as free shows them, with pressure and paging."""

# Counted since boot: name in /proc/vmstat, in the result, as a metric.
EVENTS = (
    ("pswpin", "swapped_in_pages", "memory_swapped_in_pages_total"),
    ("pswpout", "swapped_out_pages", "memory_swapped_out_pages_total"),
    ("pgmajfault", "major_faults", "memory_major_faults_total"),
    ("oom_kill", "oom_kills", "memory_oom_kills_total"))


def register():
    return collect


def collect(job):
    info = meminfo()
    total = info["MemTotal"]
    available = available_bytes(info)
    result = {
        "total_bytes": total,
        "used_bytes": max(0, total - available),
        "available_bytes": available,
        "free_bytes": info["MemFree"],
        "buffers_bytes": info.get("Buffers", 0),
        "cached_bytes": info.get("Cached", 0) + info.get("SReclaimable", 0),
        "shared_bytes": info.get("Shmem", 0),
        "used_percent": percent(total - available, total),
        "swap": swap(info),
        "pressure": pressure(job),
        "events": events(job),
    }
    report(job, result)
    return result


def meminfo():
    """The file's kB lines, in bytes."""
    info = {}
    with open("/proc/meminfo", "rb") as file:
        for line in file:
            name, _, rest = line.decode("ascii", "replace").partition(":")
            fields = rest.split()
            if len(fields) == 2 and fields[1] == "kB":
                info[name] = int(fields[0]) * 1024
    return info


def available_bytes(info):
    """What programs can still have without swapping. Kernels before 3.14
    do not say; the estimate is the one that free made for them."""
    if "MemAvailable" in info:
        return info["MemAvailable"]
    reclaimable = sum(info.get(name, 0) for name in (
        "Buffers", "Cached", "SReclaimable")) - info.get("Shmem", 0)
    return info["MemFree"] + max(0, reclaimable)


def percent(part, whole):
    return round(max(0, part) * 100 / whole, 2) if whole else None


def swap(info):
    total = info.get("SwapTotal", 0)
    used = max(0, total - info.get("SwapFree", 0))
    return {
        "total_bytes": total,
        "used_bytes": used,
        "free_bytes": total - used,
        "used_percent": percent(used, total),
    }


def pressure(job):
    """Share of time that some and all tasks waited for memory, or None on a
    kernel that does not measure it."""
    result = {}
    try:
        with open("/proc/pressure/memory", "rb") as file:
            for line in file:
                kind, *pairs = line.decode("ascii", "replace").split()
                values = dict(pair.split("=") for pair in pairs)
                result[kind] = {
                    "10s_percent": float(values["avg10"]),
                    "60s_percent": float(values["avg60"]),
                    "300s_percent": float(values["avg300"]),
                    "total_ms": int(values["total"]) // 1000,
                }
    except OSError as error:        # absent, or there but switched off
        job.log.debug("no memory pressure: %s", error)
        return None
    return result


def events(job):
    counts = {}
    try:
        with open("/proc/vmstat", "rb") as file:
            for line in file:
                name, _, value = line.decode("ascii", "replace").partition(" ")
                counts[name] = value
    except OSError as error:
        job.log.debug("no paging counters: %s", error)
        return None
    return {key: int(counts[name]) for name, key, _ in EVENTS
            if name in counts}


def report(job, result):
    for key in ("total", "used", "available", "free", "buffers", "cached",
                "shared"):
        job.metric("memory_%s_bytes" % key, result[key + "_bytes"],
                   unit="bytes")
    for key in ("total", "used", "free"):
        job.metric("swap_%s_bytes" % key, result["swap"][key + "_bytes"],
                   unit="bytes")
    for kind, values in (result["pressure"] or {}).items():
        job.metric("memory_pressure_seconds_total",
                   values["total_ms"] / 1000, unit="seconds",
                   kind="counter", tasks=kind)
    for _, key, metric in EVENTS:
        if key in (result["events"] or {}):
            job.metric(metric, result["events"][key], kind="counter")
