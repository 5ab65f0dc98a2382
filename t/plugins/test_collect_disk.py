import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

HERE = pathlib.Path(__file__).parent
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="mounts need root")
HUNG = b"36 1 0:40 / /hung rw - nfs4 server:/export rw"
TABLE = [
    b"1 0 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw",
    b"2 1 0:21 / /proc rw - proc proc rw",
    b"3 1 0:22 / /tmp rw - tmpfs tmpfs rw",
]


def in_namespace(script):
    """Run what follows in a mount namespace where the script was run."""
    return ["unshare", "-m", "--propagation", "private", "/bin/sh", "-ec",
            script + '\nexec "$@"', "sh"]


def by_mount(outcome):
    assert outcome.error is None, outcome.error
    systems = outcome.result["filesystems"]
    found = {system["mount"]: system for system in systems}
    assert len(found) == len(systems)
    return found


def table(module, lines):
    plugin = module("collect_disk")
    mounts = plugin.parse(b"\n".join(lines) + b"\n")
    plugin.resolve(mounts)
    return plugin, mounts


def run_with(module, job, tmp_path, lines, params=None):
    """The plugin with a mount table of the test's."""
    plugin = module("collect_disk")
    path = tmp_path / "mountinfo"
    path.write_bytes(b"\n".join(lines) + b"\n")
    plugin.MOUNTINFO = str(path)
    return plugin, job(params)


def test_it_agrees_with_df(python):
    fields = ("source,fstype,size,used,avail,pcent,itotal,iused,iavail,"
              "target")
    lines = subprocess.run(
        ["df", "-B1", "--output=" + fields], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, encoding="utf-8").stdout.splitlines()[1:]
    found = by_mount(python("collect_disk"))
    # df leaves out only what has no size, and so does the plugin.
    assert sorted(found) == sorted(line.split()[-1] for line in lines)
    for line in lines:
        source, kind, size, used, free, percent, inodes, iused, ifree, \
            target = line.split()
        system = found[target]
        assert (system["device"], system["type"]) == (source, kind)
        assert system["size_bytes"] == int(size)
        assert abs(system["used_bytes"] - int(used)) < 1 << 28
        assert abs(system["available_bytes"] - int(free)) < 1 << 28
        assert abs(system["percent"] - int(percent[:-1])) <= 1
        assert system["inodes"]["total"] == int(inodes)
        assert abs(system["inodes"]["used"] - int(iused)) < 5000
        assert abs(system["inodes"]["free"] - int(ifree)) < 5000


def test_its_metrics_are_the_results_figures(python):
    outcome = python("collect_disk")
    root = by_mount(outcome)["/"]
    for name in ("size", "used", "free", "available"):
        assert outcome.metric("disk_%s_bytes" % name, mount="/") == \
            root[name + "_bytes"]
    assert outcome.metric("disk_inodes", mount="/") == \
        root["inodes"]["total"]
    assert outcome.metric("disk_error", mount="/") == 0
    assert {metric["unit"] for metric in outcome.metrics
            if metric["name"].endswith("_bytes")} == {"bytes"}


def test_min_percent_leaves_out_what_is_emptier(python):
    everything = by_mount(python("collect_disk"))
    least = max(system["percent"] or 0 for system in everything.values())
    full = by_mount(python("collect_disk", {"min_percent": least}))
    assert set(full) < set(everything)
    assert all(system["percent"] >= least for system in full.values())
    assert by_mount(python("collect_disk", {"min_percent": 101})) == {}


@pytest.mark.parametrize("field, want", [
    (b"/mnt", b"/mnt"),
    (rb"/a\040b", b"/a b"),
    (rb"/a\011b\012c", b"/a\tb\nc"),
    (rb"/back\134slash", b"/back\\slash"),
    (rb"/back\134040", b"/back\\040"),
    (rb"\043comment", b"#comment"),
    (b"/\xff\xfe", b"/\xff\xfe"),
    (rb"/odd\9", rb"/odd\9"),
    (rb"/end\04", rb"/end\04"),
    (b"/end\\", b"/end\\"),
])
def test_octal_escapes_are_undone(module, field, want):
    assert module("collect_disk").unescape(field) == want


def test_a_mountinfo_line_is_understood(module):
    plugin, mounts = table(module, [
        rb"36 35 98:0 /mnt1 /mnt\0402 rw,noatime master:1 shared:2 "
        rb"- fuse.sshfs u@h:/a\040b ro,errors=continue"])
    mount, = mounts
    assert (mount.id, mount.parent, mount.device) == (b"36", b"35", b"98:0")
    assert (mount.root, mount.point) == (b"/mnt1", b"/mnt 2")
    assert (mount.type, mount.source) == (b"fuse.sshfs", b"u@h:/a b")
    assert plugin.describe(mount, False)["read_only"] is True


def test_lines_of_another_form_are_skipped(module):
    _, mounts = table(module, [b"", b"garbage", b"1 2 3 - x", b" - ",
                               b"1 2 3 4 5 6 -", TABLE[0]])
    assert [mount.point for mount in mounts] == [b"/"]


@pytest.mark.parametrize("lines, hidden", [
    # Nothing is in the way.
    (TABLE, {}),
    # The same folder twice: the second covers the first.
    (TABLE + [b"4 3 0:23 / /tmp rw - tmpfs two rw"], {b"3": b"4"}),
    # A folder above, later: everything below goes.
    (TABLE + [b"4 1 0:24 / /a/b rw - tmpfs x rw",
              b"5 4 0:25 / /a/b/c rw - tmpfs x rw",
              b"6 1 0:26 / /a rw - tmpfs x rw"], {b"4": b"6", b"5": b"6"}),
    # A name that only begins alike covers nothing.
    (TABLE + [b"4 1 0:24 / /ab rw - tmpfs x rw",
              b"6 1 0:26 / /a rw - tmpfs x rw"], {}),
    # A new root over everything.
    ([b"1 0 0:9 / / rw - tmpfs devops_agent rw",
      b"2 1 0:8 / /old rw - tmpfs x rw",
      b"3 1 254:0 / / rw - ext4 /dev/vda rw",
      b"4 3 0:7 / /old rw - tmpfs y rw"], {b"1": b"3", b"2": b"3"}),
    # A loop, which no kernel makes.
    ([b"1 2 0:1 / /a rw - tmpfs x rw", b"2 1 0:2 / /b rw - tmpfs x rw"], {}),
])
def test_hidden_mounts_are_recognised(module, lines, hidden):
    _, mounts = table(module, lines)
    assert {mount.id: mount.hidden_by.id for mount in mounts
            if mount.hidden_by is not None} == hidden


def test_what_the_sandbox_hides_is_said_and_not_mistaken(module, job,
                                                         tmp_path):
    plugin, fake = run_with(module, job, tmp_path, TABLE + [
        b"4 3 0:99 / /tmp rw - tmpfs devops_agent rw"])
    result = plugin.collect(fake)["filesystems"]
    assert [system["mount"] for system in result] == ["/", "/tmp"]
    assert result[1] == {
        "device": "tmpfs", "type": "tmpfs", "mount": "/tmp",
        "read_only": False,
        "error": "hidden by the sandbox's own mount at /tmp"}


def test_a_hidden_file_system_is_asked_by_another_path(module, job,
                                                       tmp_path):
    plugin, fake = run_with(module, job, tmp_path, [
        TABLE[0],
        b"2 1 0:6 / /dev rw - devtmpfs udev rw",
        b"3 2 0:50 / /dev rw - tmpfs devops_agent rw",
        b"4 3 0:6 /null /dev/null ro - devtmpfs udev rw"])
    result = plugin.collect(fake)["filesystems"]
    assert [system["mount"] for system in result] == ["/", "/dev"]
    assert result[1]["size_bytes"] > 0


def test_bind_mounts_count_once(module, job, tmp_path):
    plugin, fake = run_with(module, job, tmp_path, [
        b"9 1 254:0 /var/lib /etc rw - ext4 /dev/vda rw", *TABLE,
        b"7 1 254:0 / /usr rw - ext4 /dev/vda rw"])
    result = plugin.collect(fake)["filesystems"]
    assert [system["mount"] for system in result] == ["/", "/tmp"]


def test_what_is_not_local_is_asked_by_a_child(module):
    _, mounts = table(module, TABLE + [
        HUNG,
        b"50 36 8:1 / /hung/below rw - ext4 /dev/sdb rw",
        b"51 1 0:41 / /auto rw - autofs systemd-1 rw",
        b"52 51 8:2 / /auto/disk rw - ext4 /dev/sdc rw",
        b"53 1 0:43 / /new rw - somefs x rw"])
    assert [mount.point for mount in mounts if mount.risky] == [
        b"/hung", b"/hung/below", b"/auto", b"/auto/disk", b"/new"]


def hang(plugin, monkeypatch, seconds=60):
    real = os.statvfs

    def statvfs(path):
        if path.startswith(b"/hung"):
            time.sleep(seconds)
        return real("/")

    monkeypatch.setattr(plugin.os, "statvfs", statvfs)


def test_a_hung_mount_costs_only_its_own_entry(module, job, tmp_path,
                                               monkeypatch):
    plugin, fake = run_with(module, job, tmp_path, TABLE + [
        HUNG, b"37 1 0:41 / /well rw - nfs4 other:/export rw"],
        {"min_percent": 0})
    plugin.MOUNT_SECONDS = 0.3
    hang(plugin, monkeypatch)
    start = time.monotonic()
    result = plugin.collect(fake)["filesystems"]
    assert time.monotonic() - start < 2
    found = {system["mount"]: system for system in result}
    assert found["/hung"]["error"] == "no answer in time"
    assert "size_bytes" not in found["/hung"]
    assert found["/well"]["size_bytes"] > 0
    assert found["/"]["size_bytes"] > 0
    assert ("disk_error", 1) in [metric[:2] for metric in fake.metrics]
    with pytest.raises(ChildProcessError):      # nothing is left behind
        os.waitpid(-1, os.WNOHANG)


def test_many_hung_mounts_take_no_longer_than_the_whole_may(
        module, job, tmp_path, monkeypatch):
    lines = [b"%d 1 0:%d / /hung%d rw - nfs4 s:/%d rw" % (n, n, n, n)
             for n in range(100, 150)]
    plugin, fake = run_with(module, job, tmp_path, TABLE + lines)
    plugin.MOUNT_SECONDS, plugin.TOTAL_SECONDS = 0.4, 1.0
    hang(plugin, monkeypatch)
    most = []
    start_child = plugin.start_child

    def count(point):
        children = pathlib.Path(
            "/proc/self/task/%d/children" % os.getpid())
        if children.exists():
            most.append(len(children.read_text().split()))
        return start_child(point)

    monkeypatch.setattr(plugin, "start_child", count)
    start = time.monotonic()
    result = plugin.collect(fake)["filesystems"]
    assert time.monotonic() - start < 3
    errors = [system["error"] for system in result if "error" in system]
    assert len(result) == 52 and len(errors) == 50
    assert set(errors) == {"no answer in time", plugin.OUT_OF_TIME}
    assert max(most or [0]) < plugin.MAX_CHILDREN


def test_many_healthy_network_mounts_are_all_asked(module, job, tmp_path,
                                                   monkeypatch):
    lines = [b"%d 1 0:%d / /hung%d rw - nfs4 s:/%d rw" % (n, n, n, n)
             for n in range(100, 150)]
    plugin, fake = run_with(module, job, tmp_path, TABLE + lines)
    hang(plugin, monkeypatch, 0)
    result = plugin.collect(fake)["filesystems"]
    assert len(result) == 52
    assert not [system for system in result if "error" in system]


def test_more_file_systems_than_are_told(module, job, tmp_path):
    plugin, fake = run_with(module, job, tmp_path, TABLE + [
        b"%d 1 0:%d / /x%d rw - tmpfs x rw" % (n, n, n)
        for n in range(100, 105)])
    plugin.MAX_SYSTEMS = 3
    result = plugin.collect(fake)
    assert len(result["filesystems"]) == 3 and result["left_out"] == 4
    assert "4 file systems" in fake.log.lines[0]


def test_no_process_to_spare_is_said(module, job, tmp_path, monkeypatch):
    plugin, fake = run_with(module, job, tmp_path, TABLE + [HUNG])

    def fork():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(plugin.os, "fork", fork)
    result = plugin.collect(fake)["filesystems"]
    assert result[-1]["error"] == \
        "not asked: Resource temporarily unavailable"


def test_a_mount_that_refuses_is_reported(module, job, tmp_path):
    plugin, fake = run_with(module, job, tmp_path, TABLE + [
        b"9 1 8:1 / /no/such/folder rw - ext4 /dev/sdb rw",
        b"10 1 0:44 / /no/other rw - cifs //server/share rw"])
    result = plugin.collect(fake)["filesystems"]
    assert [system.get("error") for system in result[2:]] == \
        ["No such file or directory"] * 2


@pytest.mark.parametrize("answer, percent, inodes", [
    # bsize frsize blocks bfree bavail files ffree
    ((4096, 1024, 1000, 900, 850, 10, 5), 11, 50),
    ((4096, 4096, 1000, 0, 0, 0, 0), 100, None),    # full; no inodes
    ((4096, 4096, 1000, 1000, 0, 5, 5), None, 0),   # all of it reserved
    ((4096, 0, 10, 20, 20, 1, 2), 0, 0),            # more free than there is
    ((4096, 4096, 1000, 999, 999, 9, 9), 1, 0),     # df rounds up
])
def test_figures_are_worked_out_as_df_does(module, answer, percent, inodes):
    usage = module("collect_disk").usage(answer + (0, 0, 255))
    assert usage["percent"] == percent
    assert usage["inodes"]["percent"] == inodes
    assert usage["used_bytes"] >= 0
    assert usage["size_bytes"] == answer[2] * (answer[1] or answer[0])


@needs_root
def test_odd_names_of_real_mounts(python, tmp_path):
    # The kernel escapes blanks, newlines and backslashes.
    script = ("cd %s; for n in 'a b' 'back\\slash' \"$(printf 'x\\377y')\" "
              "\"$(printf 'new\\nline')\"; do mkdir \"$n\"; "
              "mount -t tmpfs -o size=64k 'odd dev' \"$n\"; done" % tmp_path)
    found = by_mount(python("collect_disk", prefix=in_namespace(script)))
    for name in ("a b", "back\\slash", "x\\xffy", "new\nline"):
        system = found["%s/%s" % (tmp_path, name)]
        assert system["device"] == "odd dev"
        assert system["size_bytes"] == 65536


@needs_root
def test_a_read_only_file_system_is_told_from_a_read_only_view(python,
                                                               tmp_path):
    script = ("cd %s; mkdir -p ro rw own; mount -t tmpfs -o ro,size=64k a ro; "
              "mount -t tmpfs -o size=64k b rw; "
              "mount -o remount,bind,ro rw; " % tmp_path)
    outside = by_mount(python("collect_disk", prefix=in_namespace(script)))
    assert outside["%s/ro" % tmp_path]["read_only"] is True
    assert outside["%s/rw" % tmp_path]["read_only"] is True
    script += "mount -t tmpfs devops_agent own"
    inside = by_mount(python("collect_disk", prefix=in_namespace(script)))
    assert inside["%s/ro" % tmp_path]["read_only"] is True
    assert inside["%s/rw" % tmp_path]["read_only"] is False
    assert "%s/own" % tmp_path not in inside


@needs_root
def test_it_works_for_an_unprivileged_user(python, tmp_path):
    script = ("cd %s; chmod 755 .; mkdir -m 700 closed; mkdir closed/m; "
              "mount -t tmpfs -o size=64k x closed/m" % tmp_path)
    outcome = python("collect_disk", prefix=in_namespace(script) + [
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
    found = by_mount(outcome)
    assert found["/"]["size_bytes"] > 0
    assert found["%s/closed/m" % tmp_path]["error"] == "Permission denied"


@needs_root
@pytest.mark.skipif(not os.path.exists("/dev/fuse"), reason="no FUSE")
def test_a_real_mount_that_never_answers(python, tmp_path):
    outcome = python("collect_disk", prefix=[
        sys.executable, str(HERE / "hung_fuse.py"), str(tmp_path)])
    found = by_mount(outcome)
    system = found[str(tmp_path)]
    assert system["device"] == "silent:/export"
    assert system["type"] == "fuse.silent"
    assert system["error"] == "no answer in time"
    assert outcome.seconds < 10
    assert found["/"]["size_bytes"] > 0
    assert json.dumps(outcome.logs).count("no answer in time") == 1
