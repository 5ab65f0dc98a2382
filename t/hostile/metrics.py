# /// devops_agent
# name: metrics
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 20s}
# ///
"""Metrics without end: names, labels, units and values that are too long, too
many, of no type, not a number."""


def run(job):
    odd = 0
    for name, value, labels in (
            ("x" * 100000, 1, {}), ("n", float("nan"), {}),
            ("n", float("inf"), {}), ("n", "1", {}), ("", 1, {}),
            ("n", 1, {"l" * 1000: "v"}), ("n", 1, {"l": "v" * 100000}),
            ("n", 1, {"l%d" % i: "v" for i in range(500)}),
            ("n n", 1, {}), ("n", 1 << 80, {}), ("n\n", 1, {"l\n": "v"})):
        try:
            job.metric(name, value, **labels)
        except Exception:
            odd += 1
    for i in range(50000):
        job.metric("m", i, label=str(i))
    return "done"


def register():
    return run
