# /// devops_agent
# name: collect-network
# version: 1.0.0
# description: >-
#   State, traffic, errors and drops of every network interface, and the
#   rates over a short interval.
# params:
#   type: object
#   properties:
#     interface:
#       type: string
#       pattern: "^[^/ ]{1,15}$"
#       description: Report this one only.
#     interval_ms:
#       type: integer
#       minimum: 0
#       maximum: 30000
#       default: 1000
#       description: Time between the two samples; 0 for counters only.
#   additionalProperties: false
# # The host's sysfs shows the host's interfaces without any access to the
# # network; the entries of /sys/class/net are links into /sys/devices.
# permissions:
#   read: [/sys/class/net, /sys/devices]
# limits: {timeout: 40s, memory: 64MiB}
# ///
"""Network interfaces, read from sysfs."""

import os
import time

ROOT = b"/sys/class/net"
MAX_INTERFACES = 1000       # that are reported
COUNTERS = ("bytes", "packets", "errors", "dropped")


def register():
    return collect


def collect(job):
    wanted = job.params.get("interface")
    interval = job.params.get("interval_ms", 1000) / 1000
    before = sample(wanted)
    if wanted is not None and not before:
        raise job.Failed("no interface %s" % wanted, code="not_found")
    after = before
    start = time.monotonic()
    if interval > 0:
        wait(job, interval)
        after = sample(wanted)
    elapsed = time.monotonic() - start
    interfaces = []
    # One that appeared meanwhile has to wait for the next time.
    names = sorted(name for name in after if name in before)
    for name in names[:MAX_INTERFACES]:
        interface = describe(name)
        interface.update(after[name])
        if interval > 0:
            interface.update(rates(before[name], after[name], elapsed))
        report(job, interface)
        interfaces.append(interface)
    return {"interval_ms": round(elapsed * 1000) if interval > 0 else 0,
            "interfaces": interfaces,
            "left_out": max(0, len(names) - MAX_INTERFACES)}


def wait(job, seconds):
    end = time.monotonic() + seconds
    while True:
        if job.cancelled:
            raise job.Failed("cancelled", code="cancelled")
        left = end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, 0.25))


def text(raw):
    return raw.decode("utf-8", "backslashreplace")


def sample(wanted):
    """The counters of each interface by its (raw) name."""
    found = {}
    for name in os.listdir(ROOT):
        if wanted not in (None, text(name)):
            continue
        try:
            found[name] = counters(name)
        except PermissionError:
            raise
        except OSError:
            # Gone meanwhile, or a file such as bonding_masters.
            continue
    return found


def counters(name):
    values = {}
    for way in ("rx", "tx"):
        for counter in COUNTERS:
            key = "%s_%s" % (way, counter)
            with open(b"%s/%s/statistics/%s" % (
                    ROOT, name, key.encode()), "rb") as file:
                values[key] = int(file.read())
    return values


def attribute(name, key):
    """One file of the interface as text; None where it has no such thing
    (the speed of an interface that is down is an error to read)."""
    try:
        with open(b"%s/%s/%s" % (ROOT, name, key), "rb") as file:
            return text(file.read().strip())
    except OSError:
        return None


def number(value):
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def describe(name):
    speed = number(attribute(name, b"speed"))       # Mbit/s, -1: unknown
    return {
        "name": text(name),
        "state": attribute(name, b"operstate"),
        "carrier": {"0": False, "1": True}.get(attribute(name, b"carrier")),
        "mac": attribute(name, b"address"),
        "mtu_bytes": number(attribute(name, b"mtu")),
        "speed_bits_per_second":
            speed * 1000000 if speed is not None and speed > 0 else None,
    }


def rates(before, after, elapsed):
    """Per second; None for a counter that went backwards (a reset)."""
    result = {}
    for key in after:
        delta = after[key] - before[key]
        result[key + "_per_second"] = \
            round(delta / elapsed, 2) if delta >= 0 else None
    return result


def report(job, interface):
    labels = {"interface": interface["name"]}
    for way, word in (("rx", "receive"), ("tx", "transmit")):
        for counter in COUNTERS:
            unit = "bytes" if counter == "bytes" else None
            job.metric("network_%s_%s_total" % (word, counter),
                       interface["%s_%s" % (way, counter)],
                       unit=unit, kind="counter", **labels)
    job.metric("network_up", int(interface["state"] == "up" or
                                 interface["carrier"] is True), **labels)
    if interface["mtu_bytes"] is not None:
        job.metric("network_mtu_bytes", interface["mtu_bytes"],
                   unit="bytes", **labels)
    if interface["speed_bits_per_second"] is not None:
        # The base unit of Prometheus is the byte.
        job.metric("network_speed_bytes",
                   interface["speed_bits_per_second"] // 8,
                   unit="bytes", **labels)
