#!/usr/bin/python3
"""fleet.py [HOSTS]: the Ansible collection on that many booted hosts (5).

Called by `make check-fleet`.  Each host is a Debian with systemd and sshd in a
network namespace; a collector is beside them.  From an empty state to results
of every host in the collector; a second play that changes nothing; a plugin
rolled out, a bad one stopped at the first batch and rolled back; removed.
Logs are kept in build/fleet/log.  Needs root, debootstrap, systemd-container,
iproute2, openssh-client and ansible-core.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading

from fleet_hosts import CONTROLLER, ROOT, Fleet, sh, wait_until

sys.path.insert(0, str(ROOT / "t" / "forward"))

from collector import Collector  # noqa: E402

BUILD = ROOT / "build" / "fleet"
LOGS = BUILD / "log"
BEARER = "fleet-test-s3cret"
PROGRAMS = ["debootstrap", "systemd-nspawn", "ip", "ssh", "ansible-playbook",
            "ansible-galaxy"]

# How the probe is: what it does beyond saying which one it is.
GOOD = "pass"
BAD = "raise job.Failed('this release is bad', code='bad')"
PROBE = """\
# /// devops_agent
# name: probe
# version: {version}.0.0
# description: Says which one it is.
# permissions: {{read: [{reads}]}}
# limits: {{timeout: 10s}}
# ///


def register():
    return probe


def probe(job):
    {does}
    with open("/etc/os-release") as f:
        return {{"version": {version}, "system": f.readline().strip()}}
"""


class Checks:
    """TAP, as it comes."""

    def __init__(self):
        self.done = self.failed = 0

    def ok(self, holds, title, shown=""):
        """One check; what is shown explains a failure."""
        self.done += 1
        self.failed += not holds
        print(f"{'ok' if holds else 'not ok'} {self.done} - {title}",
              flush=True)
        if not holds:
            for line in str(shown).splitlines()[-40:]:
                print(f"#   {line}", flush=True)
        return holds

    def equal(self, got, want, title):
        """Both are the same."""
        return self.ok(got == want, title, f"got  {got!r}\nwant {want!r}")


class Inbox:
    """What came to the collector: records of jobs, by host."""

    def __init__(self):
        self.lock = threading.Lock()
        self.jobs = []
        self.ids = set()
        self.collector = Collector(self.take, address=CONTROLLER)

    def take(self, request):
        """One request: right ones are taken, once."""
        if request.headers.get("authorization") != f"Bearer {BEARER}":
            request.answer(401)
            return
        with self.lock:
            for line in request.body().decode().splitlines():
                record = json.loads(line)
                if record["record_id"] not in self.ids:
                    self.ids.add(record["record_id"])
                    if record["kind"] == "job":
                        self.jobs.append(record)
        request.answer(200)

    def hosts(self, version):
        """Those whose probe of that version is here."""
        with self.lock:
            return {job["agent"]["host"] for job in self.jobs
                    if job["state"] == "succeeded"
                    and job["name"] == "probe"
                    and job["result"]["version"] == version}


class Play:
    """What a play came to."""

    def __init__(self, status, text):
        self.status = status
        self.text = text
        self.recap = {}
        for line in text.splitlines():
            m = re.match(r"(host\d+) +: (ok=.*)", line)
            if m:
                self.recap[m[1]] = {k: int(v) for k, v in re.findall(
                    r"(\w+)=(\d+)", m[2])}

    def count(self, what):
        """That of every host of the recap."""
        return {host: n[what] for host, n in self.recap.items()}


def environment(folder):
    """Nothing of the caller's own Ansible."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith("ANSIBLE_")}
    return dict(kept, ANSIBLE_CONFIG=str(folder / "ansible.cfg"),
                ANSIBLE_NOCOLOR="1", LC_ALL="C.UTF-8")


def make_controller(folder):
    """What a controller has: the collection, as it is published; a tarball."""
    for name in ["tokens", "plugins/python", "results"]:
        (folder / name).mkdir(parents=True)
    (folder / "ansible.cfg").write_text(
        f"[defaults]\ncollections_path = {folder}/collections\n"
        "host_key_checking = False\nforks = 5\n"
        f"local_tmp = {folder}/tmp\n"
        "[ssh_connection]\npipelining = True\n"
        f"control_path_dir = {folder}/cp\n", encoding="utf-8")
    sh("ansible-galaxy", "collection", "build", "--output-path", str(folder),
       str(ROOT / "packaging" / "ansible"), env=environment(folder))
    sh("ansible-galaxy", "collection", "install", "--no-deps", "-p",
       str(folder / "collections"),
       *map(str, folder.glob("devops_agent-agent-*.tar.gz")),
       env=environment(folder))
    sh("make", "-s", "install", f"DESTDIR={folder}/stage", "PREFIX=/usr",
       cwd=ROOT)
    sh("tar", "-C", f"{folder}/stage/usr", "-czf",
       f"{folder}/devops_agent.tar.gz", "bin", "share")


class Lab:
    """The controller: an inventory, plugins, and what came of them."""

    def __init__(self, folder, fleet):
        self.folder = folder
        self.fleet = fleet
        self.names = [host.name for host in fleet.hosts]
        self.inbox = Inbox()
        self.plays = 0
        self.variables = {
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(fleet.key),
            "ansible_ssh_common_args":
                "-F none -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
            "ansible_python_interpreter": "/usr/bin/python3",
            "devops_agent_source": "tarball",
            "devops_agent_tarball": str(folder / "devops_agent.tar.gz"),
            "devops_agent_plugins": str(folder / "plugins"),
            "devops_agent_grants": {"probe": {"read": ["/etc/os-release"]}},
            "devops_agent_labels": {"fleet": "lab"},
            "devops_agent_secrets": {"collector": BEARER},
            "devops_agent_jobs": {"probe": {"plugin": "probe", "every": "2s"}},
            "devops_agent_forward": [{
                "name": "central", "url": self.inbox.collector.url + "/v1",
                "auth": {"bearer":
                         "${file:/etc/devops_agent/secrets/collector}"},
                "batch": {"wait": "500ms"}}],
            "devops_agent_tokens": [
                {"name": "deploy", "role": "operator", "store":
                 str(folder / "tokens" / "{{ inventory_hostname }}")}],
            "devops_agent_gate": [{"plugin": "probe", "timeout": "20s"}],
            "devops_agent_gate_forward": True,
        }

    def write_probe(self, version, does=GOOD, reads="/etc/os-release"):
        """The plugin that is rolled out."""
        (self.folder / "plugins" / "python" / "probe.py").write_text(
            PROBE.format(version=version, does=does, reads=reads),
            encoding="utf-8")

    def play(self, name, *words, **variables):
        """One of the collection's playbooks on all hosts."""
        inventory = self.folder / "inventory.json"
        inventory.write_text(json.dumps({"all": {
            "hosts": {host.name: {"ansible_host": host.address}
                      for host in self.fleet.hosts},
            "vars": dict(self.variables)}}), encoding="utf-8")
        if name == "deploy":
            variables["devops_agent_serial"] = [1, "100%"]
        self.plays += 1
        done = subprocess.run(
            ["ansible-playbook", "-i", str(inventory),
             f"devops_agent.agent.{name}", "-e", json.dumps(variables),
             *words], env=environment(self.folder), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=1200, check=False)
        log = LOGS / f"{self.plays:02}-{name}.log"
        log.write_text(done.stdout, encoding="utf-8")
        return Play(done.returncode, done.stdout)

    def each(self, command):
        """A command's output, of every host."""
        return [host.shell(command).strip() for host in self.fleet.hosts]


RELEASE = "readlink /etc/devops_agent/current"
PID = "systemctl show -p MainPID --value devops_agent"
VERSION = "/usr/local/bin/devops_agent run probe | tr -dc 0-9:, | cut -c2"
LEFT = ("ls -d /etc/devops_agent /var/lib/devops_agent /opt/devops_agent "
        "/run/devops_agent /usr/local/bin/devops_agent* "
        "/etc/systemd/system/devops_agent* 2>/dev/null; "
        "getent passwd devops_agent; pgrep -a devops_agent; true")


def test_deploy(lab, t):
    """From nothing to results in the collector."""
    lab.write_probe(1)
    dry = lab.play("deploy", "--check", "--diff", "--limit", "host1")
    t.equal(dry.status, 0, "a dry run on an empty host works")
    t.equal(set(lab.each(LEFT)), {""}, "... and leaves nothing on any")
    play = lab.play("deploy")
    if not t.equal(play.status, 0, "hosts are deployed from an empty state"):
        print(play.text[-4000:])
        return False
    wait_until(lambda: lab.inbox.hosts(1) == set(lab.names),
               "every host's results in the collector")
    t.equal(lab.inbox.hosts(1), set(lab.names),
            "results of every host are in the collector")
    t.ok(BEARER not in play.text and "dagt_" not in play.text,
         "no secret and no token is in what the play prints")
    tokens = [lab.folder / "tokens" / name for name in lab.names]
    t.equal({stat.S_IMODE(path.stat().st_mode) for path in tokens}, {0o600},
            "each host's token is here, for its owner alone")
    texts = {path.read_text(encoding="utf-8").strip() for path in tokens}
    t.ok(len(texts) == len(tokens)
         and all(text.startswith("dagt_") for text in texts),
         "... and is its own", texts)
    return True


def test_again(lab, t):
    """The same once more."""
    pids = lab.each(PID)
    play = lab.play("deploy", "--diff")
    t.equal(play.status, 0, "the second play succeeds")
    t.equal(play.count("changed"), dict.fromkeys(lab.names, 0),
            "... and changes nothing")
    t.equal(lab.each(PID), pids, "... and restarts nothing")


def test_roll_out(lab, t):
    """A new plugin, and settings that only take a reload."""
    pids, before = lab.each(PID), lab.each(RELEASE)
    lab.write_probe(2)
    lab.variables["devops_agent_log_level"] = "warn"
    dry = lab.play("deploy", "--check", "--diff", "--limit", "host1")
    t.equal(dry.status, 0, "a dry run of a new plugin works")
    t.ok(re.search(r'^\+.*"version": 2', dry.text, re.M)
         and re.search(r"^\+ +log_level: warn", dry.text, re.M),
         "... and shows what would differ", dry.text)
    t.equal(lab.each(RELEASE), before, "... and changes nothing")
    play = lab.play("deploy")
    t.equal(play.status, 0, "the new plugin is rolled out")
    t.equal(lab.each(VERSION), ["2"] * len(lab.names), "... to every host")
    t.equal(lab.each(PID), pids, "... by a reload, without a restart")
    wait_until(lambda: lab.inbox.hosts(2) == set(lab.names),
               "every host's new results in the collector")
    t.equal(lab.inbox.hosts(2), set(lab.names),
            "... and its schedule's results are in the collector")


def test_bad(lab, t):
    """A plugin that fails is stopped at the first batch."""
    before, pids = lab.each(RELEASE), lab.each(PID)
    lab.write_probe(3, BAD)
    lab.variables["devops_agent_log_level"] = "debug"
    play = lab.play("deploy")
    t.ok(play.status != 0, "a bad plugin fails the play")
    t.equal(play.count("failed"), {"host1": 1},
            "... at the first batch: no other host was begun")
    t.ok("this release is bad" in play.text
         and "Rolled back to release" in play.text,
         "... which says why, and that it went back", play.text)
    t.equal(lab.each(RELEASE), before, "every host has the release before")
    t.equal(lab.each(VERSION), ["2"] * len(lab.names),
            "... and runs its plugin")
    t.equal(lab.each("grep -c 'level: warn' /etc/devops_agent/config.yaml"),
            ["1"] * len(lab.names), "... and its configuration")
    t.equal(lab.each(PID), pids, "no agent was restarted for that")
    lab.variables["devops_agent_log_level"] = "warn"


def test_refused(lab, t):
    """What is wrong before it runs is refused before anything is changed."""
    before = lab.each(RELEASE)
    cases = [
        ("a plugin that asks for more than it is granted",
         {"version": 4, "reads": "/etc/shadow"}, {}, r"/etc/shadow"),
        ("a plugin that asks for no one knows what",
         {"version": 4, "reads": "/etc/os-release], root: [x"}, {},
         r"python/probe.py:5:\d+: unknown key of permissions 'root'"),
        ("a configuration with an unknown key", {"version": 2},
         {"devops_agent_config": {"agent": {"log_levle": "info"}}},
         r"unknown key 'log_levle' in agent; did you mean 'log_level'"),
    ]
    for title, probe, variables, want in cases:
        lab.write_probe(**probe)
        play = lab.play("deploy", **variables)
        t.ok(play.status != 0 and re.search(want, play.text),
             f"{title} is refused by name", play.text)
        t.ok("Nothing of the agent was changed" in play.text,
             "... before anything is changed", play.text)
    t.equal(lab.each(RELEASE), before, "every host has what it had")
    lab.write_probe(2)


def test_run(lab, t):
    """One plugin on every host."""
    play = lab.play("run", plugin="probe", changes=False,
                    output=str(lab.folder / "results"))
    t.equal(play.status, 0, "a plugin is run on all hosts")
    records = [json.loads(path.read_text(encoding="utf-8"))
               for path in sorted((lab.folder / "results").iterdir())]
    t.equal([record["agent"]["host"] for record in records],
            sorted(lab.names), "... and each one's record is kept here")
    t.equal(play.count("changed"),
            dict.fromkeys(lab.names, 1), "... a file of each is new")
    play = lab.play("run", plugin="nope")
    t.ok(play.status != 0 and "no plugin nope" in play.text,
         "one that is not there is an error by name", play.text)


def test_remove(lab, t):
    """Nothing is left."""
    play = lab.play("remove")
    t.equal(play.status, 0, "it is removed")
    t.equal(set(lab.each(LEFT)), {""}, "... and leaves nothing on any host")
    play = lab.play("remove")
    t.equal(play.count("changed"), dict.fromkeys(lab.names, 0),
            "removing it again changes nothing")


def run(folder, count):
    """All of it; whether it passed."""
    t = Checks()
    make_controller(folder)
    with Fleet(folder, count) as fleet:
        lab = Lab(folder, fleet)
        if test_deploy(lab, t):
            for test in [test_again, test_roll_out, test_bad, test_refused,
                         test_run, test_remove]:
                test(lab, t)
        for host in fleet.hosts:
            (LOGS / f"{host.name}.journal").write_text(
                host.ssh("journalctl -o short-precise -u devops_agent")[1],
                encoding="utf-8")
    print(f"1..{t.done}")
    print(f"{t.done - t.failed} passed, {t.failed} failed, 0 skipped")
    return t.failed == 0


def main():
    """The program."""
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing or os.geteuid() != 0:
        sys.exit(f"fleet: needs root and {', '.join(missing or PROGRAMS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    folder = pathlib.Path(BUILD / f"run.{os.getpid()}")
    folder.mkdir(mode=0o700)
    try:
        passed = run(folder, int(sys.argv[1]) if len(sys.argv) > 1 else 5)
    finally:
        for log in folder.glob("*.log"):
            shutil.copy(log, LOGS)
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
