"""Write RESULTS.md from what run.sh measured.

    report.py FOLDER ROUNDS RUNS
"""
import glob
import json
import os
import platform
import statistics
import sys
import time

COLD, SHARE, MEMORY = 0.90, 1.13, 6.0       # what a release has to keep
COLD_GOAL, SHARE_GOAL = 0.70, 1.06          # where it is to come to


def lines(path):
    try:
        with open(path) as file:
            return file.read().splitlines()
    except OSError:
        return []


def pairs(path):
    return [line.split("\t", 1) for line in lines(path)]


class Group:
    """Commands that took turns: the times of each, in ms."""

    def __init__(self, folder, name):
        self.names = lines("%s/%s.names" % (folder, name))
        self.missing = pairs("%s/%s.missing" % (folder, name))
        self.times = {name: [] for name in self.names}
        for path in glob.glob("%s/%s.*.json" % (folder, name)):
            with open(path) as file:
                results = json.load(file)["results"]
            for name_, result in zip(self.names, results):
                self.times[name_] += [t * 1000 for t in result["times"]]

    def median(self, name):
        return statistics.median(self.times[name])

    def ratio(self, name):
        return self.median(name) / self.median("bare")


def share_of(folder):
    """Of share's last lines: medians of bare, sandboxed, added, ratio; and
    of the steps."""
    totals, steps = [], {}
    for line in lines(folder + "/share"):
        words = line.replace(",", "").split()
        if words[0] == "bare":
            totals.append([float(words[i]) for i in (1, 4, 7, 10)])
        else:
            steps.setdefault(words[0], []).append(float(words[1]))
    return ([statistics.median(column) for column in zip(*totals)],
            {name: statistics.median(steps[name]) for name in steps})


def machine():
    cpu = [line.split(":", 1)[1].strip()
           for line in lines("/proc/cpuinfo") if line.startswith("model name")]
    system = dict(line.split("=", 1)
                  for line in lines("/etc/os-release") if "=" in line)
    return "%s, %d cores, Linux %s, %s" % (
        cpu[0] if cpu else platform.machine(), os.cpu_count(),
        platform.release(), system.get("PRETTY_NAME", "?").strip('"'))


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|---" + "|---:" * (len(head) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def group_table(group):
    rows = []
    for name in sorted(group.names, key=group.median):
        times = sorted(group.times[name])
        rows.append([name, "%.1f" % group.median(name),
                     "%.1f" % times[len(times) // 4], "%.1f" % times[0],
                     "%+.1f" % (group.median(name) - group.median("bare")),
                     "%.2f" % group.ratio(name)])
    rows += [[name, "can't run here: " + why.strip(), "", "", "", ""]
             for name, why in group.missing]
    table(["", "median, ms", "lower quarter", "least", "added, ms",
           "ratio to bare"], rows)


def verdict(value, limit):
    return "kept" if value <= limit else "missed"


def report(folder, rounds, runs):
    cold, start = Group(folder, "cold"), Group(folder, "start")
    (bare, boxed, added, ratio), steps = share_of(folder)
    memory = lines(folder + "/memory")
    print("# Measured\n\nWritten by `make bench`. Ratios are within one run; "
          "bare times say little about\nanother machine.\n")
    print("- %s" % machine())
    print("- %s, as user id %d, load before it: %s" % (
        time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), os.geteuid(),
        lines(folder + "/load")[0]))
    print("- %d rounds; in each, every command %d times, one after the other"
          % (rounds, runs))
    for name, text in pairs(folder + "/versions"):
        print("- %s: %s" % (name, text))

    print("\n## A cold run\n\n`devops_agent run --local greet name=x` against "
          "bench/greet_by_hand.py, which does\nthe same by argparse and json, "
          "bare and in other sandboxes with all namespaces.\n")
    group_table(cold)
    print("## What the sandbox adds\n\n`python3 -I -S -c pass` bare and in "
          "the sandbox, started in turn by bench/share.c\n(%.1f ms, %.1f ms): "
          "**%.2f ms added, ratio %.3f**. When the steps were over:\n"
          % (bare, boxed, added, ratio))
    table(["step", "ms"], [[name, "%.2f" % steps[name]] for name in steps])
    print("The same program in other sandboxes, and what starting costs "
          "here:\n")
    group_table(start)
    rows = [
        ["cold, over bare", "%.2f" % cold.ratio("devops_agent"),
         "%.2f" % COLD, verdict(cold.ratio("devops_agent"), COLD),
         "%.2f" % COLD_GOAL],
        ["the sandbox's own share", "%.3f" % ratio, "%.2f" % SHARE,
         verdict(ratio, SHARE), "%.2f" % SHARE_GOAL],
    ]
    if memory:
        sizes = json.loads(memory[0])
        print("## Memory\n\nOf the agent's own processes while a plugin runs; "
              "MiB.\n")
        names = {"agent": "the agent", "init": "pid 1 of the sandbox"}
        table(["", "peak resident", "proportional"],
              [[names[name], "%.1f" % (sizes[name]["peak"] / 1024),
                "%.1f" % (sizes[name]["proportional"] / 1024)]
               for name in names])
        peak = sum(sizes[name]["peak"] for name in names) / 1024
        rows.append(["peak memory of both, MiB", "%.1f" % peak,
                     "%.1f" % MEMORY, verdict(peak, MEMORY), ""])
    else:
        print("Memory was not measured: %s\n" % " ".join(
            lines(folder + "/memory.error")[-1:]))
    print("## Against the goals\n")
    table(["", "here", "limit", "", "goal"], rows)
    own = cold.median("devops_agent") - start.median("bare") - added
    print("To the goal of %.2f a cold run lacks %.1f ms, and the sandbox to "
          "its %.2f %.1f ms. Of the\ncold run's %.1f ms, Python alone takes "
          "%.1f, the sandbox adds %.1f; the other %.1f\nare the agent's own "
          "start (`--version`: %.1f), reading the plugin and its grant, and\n"
          "the SDK's loader in Python."
          % (COLD_GOAL, max(0, cold.median("devops_agent") -
                            COLD_GOAL * cold.median("bare")),
             SHARE_GOAL, max(0, added - (SHARE_GOAL - 1) * bare),
             cold.median("devops_agent"), start.median("bare"), added, own,
             start.median("devops_agent --version")))


if __name__ == "__main__":
    report(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
