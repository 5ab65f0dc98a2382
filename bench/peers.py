"""What the agent is measured beside: queues of jobs, and agents that wait.

Each runs from the distribution's packages, in a folder of its own.

    peers.py celery|rq durable|volatile lone|rate COUNT

measures a queue in a process of its own, as what its client leaves behind
slows down the next one; prints JSON.
"""
import importlib.util
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TASKS = """\
import os
import celery

app = celery.Celery("tasks", broker="{url}/0", backend="{url}/1")
app.conf.worker_prefetch_multiplier = 4
app.conf.task_acks_late = True


@app.task
def noop():
    return {{}}
"""
RQ_TASKS = """\
def noop():
    return {}
"""


def start(command, folder):
    return subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def end(process):
    if process and process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def missing(*commands, module=None):
    """Why it can't be measured here; None."""
    if (not all(shutil.which(command) for command in commands)
            or (module and importlib.util.find_spec(module) is None)):
        return "not installed"
    return None


class Redis:
    """One of its own, with or without a log that is written before answers."""

    def __init__(self, folder, durable):
        self.folder = pathlib.Path(folder)
        self.durable = durable
        self.process = None
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = "redis://127.0.0.1:%d" % self.port

    def __enter__(self):
        persist = (["--appendonly", "yes", "--appendfsync", "always"]
                   if self.durable else ["--appendonly", "no"])
        self.process = start(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
             "--save", "", "--dir", str(self.folder), *persist], self.folder)
        for _ in range(1000):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                time.sleep(0.01)
        sys.exit("peers.py: redis does not start")

    def __exit__(self, *_):
        end(self.process)


class Celery:
    """Prefork, as many processes as cores, results kept in redis."""

    def __init__(self, folder, durable):
        self.folder = pathlib.Path(folder)
        self.redis = Redis(self.folder, durable)
        self.worker = self.task = None

    def __enter__(self):
        self.redis.__enter__()
        name = "tasks_%d" % self.redis.port
        (self.folder / (name + ".py")).write_text(
            TASKS.format(url=self.redis.url))
        sys.path.insert(0, str(self.folder))
        self.task = importlib.import_module(name).noop
        self.worker = start(
            [sys.executable, "-m", "celery", "-A", name, "worker",
             "--pool", "prefork", "--concurrency", str(os.cpu_count()),
             "--loglevel", "ERROR",
             "--without-gossip", "--without-mingle", "--without-heartbeat"],
            self.folder)
        self.task.delay().get(timeout=60)
        return self

    def __exit__(self, *_):
        end(self.worker)
        self.redis.__exit__()

    def lone(self, count):
        times = []
        for _ in range(count):
            began = time.perf_counter()
            self.task.delay().get(timeout=60, interval=0.0005)
            times.append((time.perf_counter() - began) * 1000)
        times.sort()
        return {"p50_ms": statistics.median(times),
                "p99_ms": times[int(count * 0.99)]}

    def rate(self, count):
        began = time.perf_counter()
        results = [self.task.delay() for _ in range(count)]
        for result in results:
            result.get(timeout=120, interval=0.001)
        return count / (time.perf_counter() - began)


class Rq:
    """One process a job, as its workers are by default; one worker a core."""

    def __init__(self, folder, durable):
        self.folder = pathlib.Path(folder)
        self.redis = Redis(self.folder, durable)
        self.workers, self.queue = [], None

    def __enter__(self):
        import redis
        import rq
        self.redis.__enter__()
        (self.folder / "rq_tasks.py").write_text(RQ_TASKS)
        self.queue = rq.Queue(connection=redis.Redis(port=self.redis.port))
        command = [sys.executable, "-m", "rq.cli", "worker",
                   "--url", self.redis.url, "--path", str(self.folder)]
        self.workers = [start(command, self.folder)
                        for _ in range(os.cpu_count())]
        self.run(1)
        return self

    def __exit__(self, *_):
        for worker in self.workers:
            end(worker)
        self.redis.__exit__()

    def run(self, count):
        jobs = [self.queue.enqueue("rq_tasks.noop") for _ in range(count)]
        for job in jobs:
            while not job.is_finished:
                time.sleep(0.001)

    def rate(self, count):
        began = time.perf_counter()
        self.run(count)
        return count / (time.perf_counter() - began)


QUEUES = {"celery": Celery, "rq": Rq}


def measured(queue, durable, what, count):
    """What `lone` or `rate` of a queue says."""
    return json.loads(subprocess.run(
        [sys.executable, __file__, queue,
         "durable" if durable else "volatile", what, str(count)],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


# --- Agents that wait -------------------------------------------------------

COLLECTD = """\
Hostname "bench"
FQDNLookup false
BaseDir "{folder}"
PIDFile "{folder}/collectd.pid"
Interval 10
LoadPlugin cpu
LoadPlugin df
LoadPlugin load
LoadPlugin memory
"""
MONIT = """\
set daemon 30
set pidfile {folder}/monit.pid
set statefile {folder}/monit.state
set idfile {folder}/monit.id
check filesystem root with path /
    if space usage > 99% then alert
"""


def idle_peers(folder):
    """(name, its processes, why it is missing) of each."""
    folder = pathlib.Path(folder)
    configs = {"collectd": COLLECTD, "monit": MONIT}
    for name, text in configs.items():
        path = folder / (name + ".conf")
        path.write_text(text.format(folder=folder))
        path.chmod(0o600)
    commands = {
        "collectd": ["collectd", "-f", "-C", folder / "collectd.conf"],
        "monit": ["monit", "-I", "-c", folder / "monit.conf"],
        "prometheus-node-exporter": ["prometheus-node-exporter",
                                     "--web.listen-address=127.0.0.1:0"]}
    for name, command in commands.items():
        if missing(command[0]):
            yield name, [], "not installed"
            continue
        process = start([str(word) for word in command], folder)
        time.sleep(12)
        if process.poll() is None:
            yield name, [process.pid], None
        else:
            yield name, [], "does not run here: status %d" % process.returncode
        end(process)


def main():
    queue, durable, what, count = sys.argv[1:]
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        with QUEUES[queue](folder, durable == "durable") as peer:
            print(json.dumps(getattr(peer, what)(int(count))), flush=True)
            # its client may still talk to what has ended
            peer.__exit__()
            shutil.rmtree(folder)
            os._exit(0)


if __name__ == "__main__":
    main()
