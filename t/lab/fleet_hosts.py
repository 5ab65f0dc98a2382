"""Booted hosts with systemd and sshd on a network of their own.

    with Fleet(folder, 5) as fleet:
        fleet.hosts[0].address, fleet.hosts[0].shell("command")

One tree of Debian is shared by all: what a host writes is in memory, and gone
with it.  The process that makes a fleet moves to the network namespace of its
bridge, and so do the programs that it starts.  Needs root, debootstrap,
systemd-container, iproute2, openssh-client.
"""

import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = [
    "systemd", "systemd-sysv", "dbus", "openssh-server", "iproute2", "procps",
    "python3", "python3-apt", "ca-certificates", "libjansson4",
    "libsqlite3-0", "libyaml-0-2", "libcap2", "libmd0", "libpcre2-8-0",
    "libmicrohttpd12", "libgnutls30", "libcurl4", "libzstd1", "zlib1g",
    "tzdata"]
NETWORK = "10.83.0"
CONTROLLER = NETWORK + ".1"
CLONE_NEWNET = 0x40000000
SECONDS = 60.0 * float(os.environ.get("TEST_SLOWNESS", "1"))


def sh(*words, **options):
    """Runs a command that must succeed; its standard output."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, **options)
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise RuntimeError(f"{' '.join(words)}: {done.returncode}\n{last}")
    return done.stdout


def wait_until(what, title, seconds=SECONDS):
    """What `what` returns once that is true."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > end:
            raise RuntimeError(f"timed out: {title}")
        time.sleep(0.1)


def make_tree(tree):
    """A minimal Debian of this machine's own release, once."""
    stamp = tree.parent / "stamp"
    wanted = " ".join(PACKAGES)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print("# making a Debian tree; that takes a minute or two", flush=True)
    shutil.rmtree(tree, ignore_errors=True)
    tree.parent.mkdir(parents=True, exist_ok=True)
    sh("bash", "-euc", f"""
        . packaging/debian.sh
        own=$(. /etc/os-release && echo "$VERSION_CODENAME")
        mirror=$(debian_mirror "$own")
        test -n "$mirror" || {{ echo "no package source of $own"; exit 1; }}
        unshare --mount --propagation private debootstrap --variant=minbase \
            --include={','.join(PACKAGES)} "$own" {tree} "$mirror"
        """, cwd=ROOT)
    stamp.write_text(wanted, encoding="utf-8")


def set_up_tree(tree):
    """What every host has, whichever fleet it is of."""
    for path in ["etc/fstab", "etc/machine-id", "etc/hostname",
                 "var/lib/dbus/machine-id"]:
        (tree / path).unlink(missing_ok=True)
    shutil.rmtree(tree / "var/cache/apt/archives", ignore_errors=True)
    (tree / "root" / ".ssh").mkdir(mode=0o700, exist_ok=True)
    (tree / "root" / ".ssh" / "authorized_keys").touch()
    units = tree / "etc" / "systemd" / "system"
    for name in ["apt-daily.timer", "apt-daily-upgrade.timer",
                 "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer",
                 "systemd-networkd.service", "systemd-resolved.service"]:
        (units / name).unlink(missing_ok=True)
        (units / name).symlink_to("/dev/null")


def enter_network(name):
    """This process, and what it starts, is in that network namespace."""
    fd = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, CLONE_NEWNET) < 0:
        raise OSError(ctypes.get_errno(), "setns")
    os.close(fd)


class Host:
    """One booted host."""

    def __init__(self, fleet, number):
        self.fleet = fleet
        self.name = f"host{number}"
        self.namespace = f"{fleet.prefix}h{number}"
        self.machine = f"{fleet.prefix}-{self.name}"
        self.address = f"{NETWORK}.{number + 10}"
        self.link = f"{fleet.prefix}v{number}"
        self.process = None

    def connect(self):
        """Its network, with a leg on the bridge."""
        sh("ip", "netns", "add", self.namespace)
        sh("ip", "-n", self.fleet.namespace, "link", "add", self.link, "type",
           "veth", "peer", "name", "host0", "netns", self.namespace)
        sh("ip", "-n", self.fleet.namespace, "link", "set", self.link,
           "master", "br0", "up")
        sh("ip", "-n", self.namespace, "addr", "add", f"{self.address}/24",
           "dev", "host0")
        for link in ["lo", "host0"]:
            sh("ip", "-n", self.namespace, "link", "set", link, "up")

    def boot(self):
        """Starts it; ready() says when it is up."""
        with open(self.fleet.folder / f"{self.name}.log", "wb") as log:
            self.process = subprocess.Popen(
                ["nice", "-n", "19", "systemd-nspawn", "--quiet",
                 "--register=no", "--keep-unit", f"--machine={self.machine}",
                 f"--hostname={self.name}",
                 f"--directory={self.fleet.tree}", "--volatile=overlay",
                 f"--network-namespace-path=/run/netns/{self.namespace}",
                 f"--bind-ro={self.fleet.key}.pub:/root/.ssh/authorized_keys",
                 "--resolv-conf=off", "--console=pipe", "--boot"],
                env=dict(os.environ, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1",
                         SYSTEMD_NSPAWN_LOCK="0"),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)

    def ssh(self, command):
        """(status, output) of a shell command on it."""
        done = subprocess.run(
            ["ssh", *self.fleet.ssh_options, f"root@{self.address}", command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout

    def shell(self, command):
        """Output of a command that must succeed."""
        status, out = self.ssh(command)
        if status:
            raise RuntimeError(f"{self.name}: {command}: {status}\n{out}")
        return out

    def is_up(self):
        """Whether it may be used."""
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended; see {self.name}.log in "
                               f"{self.fleet.folder}")
        return self.ssh("systemctl is-active --quiet multi-user.target")[0] \
            == 0

    def stop(self):
        """The host and its network are gone."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        subprocess.run(["ip", "netns", "delete", self.namespace],
                       stderr=subprocess.DEVNULL, check=False)


class Fleet:
    """Some hosts, and the network that they share with this process."""

    def __init__(self, folder, count):
        self.folder = pathlib.Path(folder)
        self.tree = ROOT / "build" / "fleet" / "tree"
        self.prefix = f"fl{os.getpid() % 100000}"
        self.namespace = f"{self.prefix}c"
        self.key = self.folder / "key"
        self.ssh_options = [
            "-F", "none", "-i", str(self.key), "-o", "BatchMode=yes",
            "-o", "StrictHostKeyChecking=no", "-o", "ConnectTimeout=5",
            "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        self.hosts = [Host(self, i + 1) for i in range(count)]

    def __enter__(self):
        sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key))
        make_tree(self.tree)
        set_up_tree(self.tree)
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """The network, then the hosts."""
        sh("ip", "netns", "add", self.namespace)
        sh("ip", "-n", self.namespace, "link", "add", "br0", "type", "bridge")
        sh("ip", "-n", self.namespace, "addr", "add", f"{CONTROLLER}/24",
           "dev", "br0")
        for link in ["lo", "br0"]:
            sh("ip", "-n", self.namespace, "link", "set", link, "up")
        enter_network(self.namespace)
        for host in self.hosts:
            host.connect()
            host.boot()
        for host in self.hosts:
            wait_until(host.is_up, f"{host.name} is up")

    def stop(self):
        """Nothing is left but the tree and the logs."""
        for host in self.hosts:
            host.stop()
        subprocess.run(["ip", "netns", "delete", self.namespace],
                       stderr=subprocess.DEVNULL, check=False)
        for group in pathlib.Path("/sys/fs/cgroup").rglob(f"*{self.prefix}*"):
            try:
                group.rmdir()
            except OSError:
                pass
