#!/usr/bin/python3
"""power.py COMMAND FOLDER ...: the load under which vm-service.sh cuts a
machine's power, and what must hold after that.

    collect FOLDER                   a collector; prints its port
    load FOLDER SOCKET SEED CUT PID  jobs, until PID is killed at some instant
    look FOLDER DATABASE             what the power cut left on the disk
    judge FOLDER SOCKET              everything to its end, and compared

Runs outside the machine: what was acknowledged, by the agent and by the
collector, is in files of FOLDER, which no power cut reaches. `look` and
`judge` print a line "ok TITLE" or "no TITLE" for each thing that must hold,
"so TEXT" for what they counted, and "end".
"""

import collections
import itertools
import json
import os
import pathlib
import random
import signal
import sqlite3
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "t" / "agent"), str(ROOT / "t" / "forward")]

from collector import Collector  # noqa: E402
from conftest import Client, RpcError, wait_until  # noqa: E402
from crashes import STATES, Load, check_database  # noqa: E402

LONGEST = 12.0  # seconds from the first acknowledgement to the cut
MOST = 80  # jobs that wait, before more are asked for
PATIENCE = 180  # seconds without anything ending, when all is to end
# Requests to the collector of which the agent need not have it on disk that
# they were answered, when it dies: src/master/forward.h, FORWARD_BATCHES.
WINDOW = 4

# How a job of each kind may end.
ENDS = {"ok": {"succeeded"}, "warm": {"succeeded"}, "slow": {"succeeded"},
        "keyed": {"succeeded"}, "bad": {"failed"},
        "frail": {"succeeded", "lost"}}
SCHEDULES = ("tick", "turns")


class Notes:
    """Lines of words in a file, there once add() has returned."""

    def __init__(self, path):
        self.path = path
        self.fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def add(self, *lines):
        """All of these lines, each some words."""
        text = "".join(" ".join(map(str, words)) + "\n" for words in lines)
        os.write(self.fd, text.encode())

    def read(self):
        """Every line so far."""
        return [line.split() for line in self.path.read_text().splitlines()]


class Books:
    """What is known outside the machine."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.jobs = Notes(folder / "jobs")  # job, kind: acknowledged
        self.keys = Notes(folder / "keys")  # key, job or "-": asked for
        self.began = Notes(folder / "began")  # job, attempt: it runs
        # request, kind, record id, state, attempt, end: the collector has it
        self.taken = Notes(folder / "taken")
        self.cuts = Notes(folder / "cuts")  # requests until then

    def acknowledged(self):
        """The kind of each job that the agent said it has."""
        return {int(job): kind for job, kind in self.jobs.read()}

    def asked(self):
        """The job of each key; None where no answer came."""
        return {key: None if job == "-" else int(job)
                for key, job in self.keys.read()}

    def requests(self):
        """How many the collector has answered."""
        return max((int(row[0]) for row in self.taken.read()), default=0)


# --- The collector ----------------------------------------------------------

def collect(folder):
    """Keeps what it says yes to, before it does."""
    books = Books(folder)
    numbers = itertools.count(books.requests() + 1)

    def handle(request):
        if request.path.startswith("/began/"):
            books.began.add(request.path.split("/")[2:4])
        else:
            rows = [json.loads(line) for line in
                    request.body().decode().splitlines()]
            number = next(numbers)
            books.taken.add(*([number, row["kind"], row["record_id"],
                               row.get("state", "-"), row.get("attempt", "-"),
                               row.get("finished_at", "-")] for row in rows))
        request.answer(200)
    collector = Collector(handle)
    print(collector.port, flush=True)
    signal.pause()


# --- The load ---------------------------------------------------------------

class Driver:
    """Asks for jobs over the agent's socket, and notes what it says."""

    def __init__(self, books, client, chance):
        self.books = books
        self.client = client
        self.chance = chance
        self.answers = 0

    def request(self, name):
        """One more: its kind, its message, what it is asked with."""
        kind = self.chance.choice(sorted(ENDS))
        if kind == "frail":
            return kind, "schedule.trigger", {"name": "frail"}
        asked = {"plugin": "warm" if kind == "warm" else "mark", "params": {}}
        if kind == "slow":
            asked["params"] = {"seconds": self.chance.uniform(0.5, 3)}
        elif kind == "bad":
            asked["params"] = {"do": "bad"}
        elif kind == "keyed":
            asked["key"] = asked["name"] = name
        return kind, "job.submit", asked

    def ask(self, requests):
        """These together; what is acknowledged is noted as it comes."""
        waiting = []
        for kind, method, asked in requests:
            if "key" in asked:
                self.books.keys.add([asked["key"], "-"])
            waiting.append((kind, asked, self.client.send(method, **asked)))
        for kind, asked, number in waiting:
            try:
                job = self.client.answer(number)["id"]
            except RpcError:
                if kind != "frail":  # one of these at a time
                    raise
                continue
            self.books.jobs.add([job, kind])
            if "key" in asked:
                self.books.keys.add([asked["key"], job])
            self.answers += 1

    def again(self):
        """Keys of which no answer came are asked for again."""
        for key, job in self.books.asked().items():
            if job is None:
                self.ask([("keyed", "job.submit", {
                    "plugin": "mark", "params": {}, "key": key,
                    "name": key})])

    def calm(self):
        """Few wait: what the cut leaves can end after it."""
        return self.client.call("status")["jobs"]["queued"] < MOST


def load(folder, socket, seed, cut, pid):
    """-> once it is dead; the same instant again for the same SEED, CUT."""
    chance = random.Random("%s/%s" % (seed, cut))
    instant = chance.uniform(0.2, LONGEST)
    driver = Driver(Books(folder), Client(socket), chance)
    dead = threading.Event()

    def kill():
        dead.set()
        os.kill(int(pid), signal.SIGKILL)
    clock = threading.Timer(instant, kill)
    clock.daemon = True
    try:
        driver.again()
        for number in itertools.count(1):
            wait_until(driver.calm, PATIENCE)
            driver.ask([driver.request("key-%s-%d-%d" % (cut, number, i))
                        for i in range(chance.randrange(1, 7))])
            if number == 1:
                clock.start()
    except (OSError, AssertionError, ValueError):  # half a line, too
        if not dead.wait(1):
            raise
    clock.join()
    print("so cut %s: after %.1f s and %d acknowledgements" % (
        cut, instant, driver.answers))
    print("end")


# --- The judge --------------------------------------------------------------

def say(holds, title, found=()):
    """One thing that must hold, with some of what speaks against it."""
    found = sorted(map(str, found))
    print("ok %s" % title if holds else "no %s: %d: %s" % (
        title, len(found), "; ".join(found[:5])))


def none(found, title):
    """... that there are none of these."""
    say(not found, title, found)


def look(folder, database):
    """The database as the cut left it, with its journal."""
    books = Books(folder)
    books.cuts.add([books.requests()])
    acknowledged = books.acknowledged()
    try:
        states = check_database(database, acknowledged)
    except (AssertionError, sqlite3.Error, OSError) as error:
        say(False, "the database is whole, and has each acknowledged job",
            [error])
        states = {}
    else:
        say(True, "the database is whole, and has each acknowledged job")
    count = collections.Counter(states.values())
    print("so on disk: %s; acknowledged %d" % (", ".join(
        "%d %s" % (count[s], s) for s in STATES if count[s]),
        len(acknowledged)))
    print("end")


def settle(client):
    """No more runs are due, what waits runs, all of it is sent."""
    for name in SCHEDULES:
        client.call("schedule.pause", name=name)

    def left():
        jobs = client.call("status")["jobs"]
        one = client.call("forward.status")["items"][0]
        return jobs["queued"] + jobs["running"] + one["lag"]["records"]
    n = left()
    while n:
        before = n
        wait_until(lambda: left() < before, PATIENCE)
        n = left()


def succeeded(jobs):
    """The jobs of the load's plugins that did what they were to do."""
    return [i for i, job in jobs.items() if job["state"] == "succeeded"
            and job["plugin"] in ("mark", "warm")]


def judge_jobs(books, jobs, cuts):
    """What was acknowledged, and how often each began."""
    acknowledged = books.acknowledged()
    none([job for job in acknowledged if job not in jobs],
         "each job that was acknowledged is there")
    none(["%s job %d %s" % (kind, job, jobs[job]["state"])
          for job, kind in acknowledged.items()
          if job in jobs and jobs[job]["state"] not in ENDS[kind]],
         "... and ended as one of its kind may")
    keys = books.asked()
    names = collections.Counter(job["name"] for job in jobs.values())
    none([key for key, job in keys.items()
          if names[key] != 1 or job not in jobs
          or jobs[job]["name"] != key],
         "a key that was asked for again gave one job")
    began = collections.Counter(
        (int(job), int(attempt)) for job, attempt in books.began.read())
    none([pair for pair, n in began.items() if n > 1],
         "no attempt began twice")
    runs = collections.Counter(job for job, _ in began)
    none([job for job in runs if job not in jobs],
         "what ran outside of every record: none")
    none([job for job, n in runs.items() if job in jobs and n > 1
          and jobs[job]["name"] == "frail"],
         "with on_crash: fail none began twice")
    none([job for job, n in runs.items() if n > 1 + cuts],
         "none began more often than there were cuts, and once")
    none([i for i in succeeded(jobs)
          if (i, jobs[i]["attempt"]) not in began],
         "none succeeded without having run")
    print("so jobs: %d acknowledged, %d in all; %d began again, %d lost" % (
        len(acknowledged), len(jobs), sum(n > 1 for n in runs.values()),
        sum(job["state"] == "lost" for job in jobs.values())))


def doubled(books, cuts):
    """What came again: (record, once, then) of requests, and how many of
    them came otherwise than over a cut."""
    first, again, wrong = {}, [], []
    for number, _, record, *_ in books.taken.read():
        number = int(number)
        before = first.setdefault(record, number)
        if before == number:
            continue
        again.append(record)
        if not any(cut - WINDOW < before <= cut < number for cut in cuts):
            wrong.append("%s: %d, %d" % (record, before, number))
        first[record] = number
    return again, wrong


def judge_records(books, jobs, agent, cuts):
    """What the collector has, beside what the agent has."""
    taken = collections.defaultdict(set)
    for _, kind, record, *rest in books.taken.read():
        taken[kind, record].add(tuple(rest))
    want = {("job", "%s-%d" % (agent, i)):
            (job["state"], str(job["attempt"]), job["finished_at"])
            for i, job in jobs.items()}
    none([key for key in want if key not in taken],
         "each record has arrived")
    none([key for key, found in taken.items() if key[0] == "job"
          and found != {want.get(key)}],
         "what the collector has is what the agent has")
    none([i for i in succeeded(jobs)
          if ("log", "%s-%d-1" % (agent, i)) not in taken],
         "... and each line of their logs")
    again, wrong = doubled(books, cuts)
    none(wrong, "what came twice was under way at a power cut")
    print("so records: %d, %d lines, in %d requests; %d came again" % (
        len(want), sum(kind == "log" for kind, _ in taken),
        books.requests(), len(again)))


def judge(folder, socket):
    """The agent runs, and will not be cut off again."""
    books = Books(folder)
    client = Client(socket)
    Driver(books, client, None).again()
    began = time.monotonic()
    try:
        settle(client)
    except AssertionError:
        say(False, "everything comes to its end", [client.call("status")])
    else:
        say(True, "everything comes to its end")
    status = client.call("status")
    say(not status["store"]["set_aside"], "the database is the first one")
    cuts = [int(row[0]) for row in books.cuts.read()]
    jobs = Load.all_jobs(client)
    judge_jobs(books, jobs, len(cuts))
    try:
        Load.check_times(jobs)
    except AssertionError as error:
        say(False, "no due time is there twice", [error])
    else:
        say(True, "no due time is there twice")
    one = client.call("forward.status")["items"][0]
    say(not one["aside"] and not any(one["dropped"].values()),
        "nothing was put aside or dropped", [one])
    judge_records(books, jobs, status["agent"]["id"], cuts)
    print("so settled in %.0f s" % (time.monotonic() - began))
    print("end")


COMMANDS = {"collect": collect, "load": load, "look": look, "judge": judge}


if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
