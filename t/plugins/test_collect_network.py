import json
import os
import socket

import pytest


def proc_net_dev():
    """Received bytes and packets, sent bytes and packets by interface."""
    found = {}
    with open("/proc/net/dev", encoding="utf-8") as file:
        for line in list(file)[2:]:
            name, _, rest = line.partition(":")
            fields = [int(field) for field in rest.split()]
            found[name.strip()] = fields[0], fields[1], fields[8], fields[9]
    return found


def by_name(result):
    return {one["name"]: one for one in result["interfaces"]}


def make(root, name, **files):
    folder = root / name
    (folder / "statistics").mkdir(parents=True)
    for way in ("rx", "tx"):
        for counter in ("bytes", "packets", "errors", "dropped"):
            key = "%s_%s" % (way, counter)
            (folder / "statistics" / key).write_text(
                "%s\n" % files.pop(key, 0))
    for key, value in files.items():
        (folder / key).write_bytes(value)


@pytest.fixture
def fake(module, tmp_path):
    plugin = module("collect_network")
    plugin.ROOT = os.fsencode(str(tmp_path))
    return plugin


def test_it_agrees_with_the_kernels_table(python):
    before = proc_net_dev()
    outcome = python("collect_network", {"interval_ms": 0})
    after = proc_net_dev()
    assert outcome.error is None
    found = by_name(outcome.result)
    assert set(found) == set(before)
    for name, one in found.items():
        seen = (one["rx_bytes"], one["rx_packets"], one["tx_bytes"],
                one["tx_packets"])
        assert all(low <= value <= high for low, value, high in
                   zip(before[name], seen, after[name])), name
        assert "rx_bytes_per_second" not in one
    assert found["lo"]["mtu_bytes"] > 0
    assert outcome.metric("network_receive_bytes_total", interface="lo") == \
        found["lo"]["rx_bytes"]


def test_rates_show_what_is_sent_meanwhile(python, module, job):
    plugin = module("collect_network")

    def wait(fake, seconds):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.bind(("127.0.0.1", 0))
            for _ in range(20):
                one.sendto(bytes(1000), one.getsockname())

    plugin.wait = wait
    result = plugin.collect(job({"interface": "lo", "interval_ms": 100}))
    assert by_name(result)["lo"]["tx_bytes_per_second"] > 0


def test_one_interface_only(python):
    result = python("collect_network",
                    {"interface": "lo", "interval_ms": 0}).result
    assert list(by_name(result)) == ["lo"]


def test_an_interface_that_is_not_there(python):
    outcome = python("collect_network", {"interface": "nope0"})
    assert outcome.code == "not_found"
    assert "nope0" in outcome.error["message"]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_an_empty_network_namespace_still_shows_the_hosts(python):
    # As in the sandbox: what counts is who mounted /sys, not who reads it.
    outcome = python("collect_network", {"interval_ms": 0},
                     prefix=["unshare", "-n"])
    assert set(by_name(outcome.result)) == set(proc_net_dev())


@pytest.mark.parametrize("name", ["..", ".", "", "lo/", "lo\0", "\ud800",
                                  "*", "lo\n"])
def test_odd_names_are_no_interface(python, name):
    outcome = python("collect_network", {"interface": name})
    assert outcome.code == "not_found"
    assert "Traceback" not in outcome.stderr


def test_more_interfaces_than_are_told(fake, job, tmp_path):
    for name in ("a0", "b0", "c0"):
        make(tmp_path, name)
    fake.MAX_INTERFACES = 2
    result = fake.collect(job({"interval_ms": 0}))
    assert [one["name"] for one in result["interfaces"]] == ["a0", "b0"]
    assert result["left_out"] == 1


def test_what_is_no_interface_is_left_out(fake, job, tmp_path):
    make(tmp_path, "eth0", operstate=b"up\n", carrier=b"1\n", mtu=b"9000\n",
         speed=b"1000\n", address=b"02:00:00:00:00:01\n", rx_bytes=7)
    (tmp_path / "bonding_masters").write_text("bond0\n")
    (tmp_path / "gone0").mkdir()
    interface, = fake.collect(job({"interval_ms": 0}))["interfaces"]
    assert interface["name"] == "eth0"
    assert interface["rx_bytes"] == 7
    assert interface["speed_bits_per_second"] == 1000000000
    assert (interface["carrier"], interface["mtu_bytes"]) == (True, 9000)


def test_unknown_speed_and_missing_attributes(fake, job, tmp_path):
    make(tmp_path, "tun0", speed=b"-1\n")
    job_ = job({"interval_ms": 0})
    interface, = fake.collect(job_)["interfaces"]
    assert interface["speed_bits_per_second"] is None
    assert interface["state"] is None and interface["carrier"] is None
    assert "network_speed_bytes" not in [one[0] for one in job_.metrics]


def test_names_that_are_no_utf_8(fake, job, tmp_path):
    os.mkdir(os.fsencode(str(tmp_path)) + b"/w\xff")
    make(tmp_path, "x")
    os.rmdir(os.fsencode(str(tmp_path)) + b"/w\xff")
    os.rename(os.fsencode(str(tmp_path)) + b"/x",
              os.fsencode(str(tmp_path)) + b"/w\xff")
    interface, = fake.collect(job({"interval_ms": 0}))["interfaces"]
    assert interface["name"] == "w\\xff"
    json.dumps(interface).encode("utf-8")


def test_interfaces_that_come_and_go(fake, job, tmp_path):
    make(tmp_path, "eth0")
    make(tmp_path, "eth1", rx_bytes=500)

    def wait(_, seconds):
        os.rename(tmp_path / "eth0", tmp_path / "eth2")
        (tmp_path / "eth1" / "statistics" / "rx_bytes").write_text("100")

    fake.wait = wait
    interface, = fake.collect(job({"interval_ms": 100}))["interfaces"]
    assert interface["name"] == "eth1"
    assert interface["rx_bytes_per_second"] is None     # a reset
    assert interface["tx_bytes_per_second"] == 0


def test_no_access_is_an_error_that_names_the_folder(fake, job, tmp_path):
    fake.ROOT = os.fsencode(str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError) as error:
        fake.collect(job())
    assert b"none" in error.value.filename
