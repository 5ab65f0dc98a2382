import os
import pathlib

import pytest

SHOWN = """LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
Result=success
MainPID=4242
NRestarts=3
MemoryCurrent=10485760
TasksCurrent=7
"""

FAKE = """#!/bin/sh
printf '%%s\\n' "$@" >'%(folder)s/asked'
cat '%(folder)s/answer'
exit %(status)d
"""


class Host:
    """A host of the test's, with a systemctl or an OpenRC of its own."""

    def __init__(self, shell_copy, folder):
        self.shell_copy = shell_copy
        self.folder = folder
        self.env = {}
        (folder / "bin").mkdir()

    def systemd(self, shown=SHOWN, status=0):
        (self.folder / "system").mkdir(exist_ok=True)
        (self.folder / "answer").write_bytes(
            shown if isinstance(shown, bytes) else shown.encode("utf-8"))
        self.program(FAKE % {"folder": self.folder, "status": status})
        return self

    def program(self, text):
        program = self.folder / "bin" / "systemctl"
        program.write_text(text)
        program.chmod(0o755)
        self.env = {"PATH": "%s:/usr/bin:/bin" % program.parent}

    def openrc(self, **services):
        """State by name; None for a script that was never started."""
        (self.folder / "openrc").mkdir(exist_ok=True)
        (self.folder / "init.d").mkdir(exist_ok=True)
        for name, state in services.items():
            script = self.folder / "init.d" / name
            script.write_text("#!/sbin/openrc-run\n")
            if state is not None:
                (self.folder / "openrc" / state).mkdir(exist_ok=True)
                (self.folder / "openrc" / state / name).symlink_to(script)
        return self

    def ask(self, name="web", **params):
        return self.shell_copy("service_status", {
            "/run/systemd/system": self.folder / "system",
            "/run/openrc\n": "%s\n" % (self.folder / "openrc"),
            "=/etc/init.d": "=%s" % (self.folder / "init.d"),
        }, dict(params, name=name), env=self.env)

    @property
    def asked(self):
        return (self.folder / "asked").read_text().splitlines()


@pytest.fixture
def host(shell_copy, tmp_path):
    return Host(shell_copy, tmp_path)


def refused(outcome, word):
    assert outcome.code == 1, (outcome.result, outcome.stderr)
    assert outcome.result is None
    assert "service-status: " in outcome.stderr
    assert word in outcome.stderr


# systemd


def test_a_service_that_runs(host):
    outcome = host.systemd().ask()
    assert outcome.error is None, outcome.stderr
    result = dict(outcome.result)
    del result["metrics"]
    assert result == {
        "name": "web", "manager": "systemd", "active": True,
        "state": "active", "sub_state": "running", "enabled": "enabled",
        "result": "success", "main_pid": 4242, "restarts": 3,
        "memory_bytes": 10485760, "tasks": 7}


def test_metrics_and_their_units(host):
    outcome = host.systemd().ask()
    assert [(metric["name"], metric["value"], metric["unit"], metric["kind"])
            for metric in outcome.metrics] == [
        ("service_active", 1, None, "gauge"),
        ("service_memory_bytes", 10485760, "bytes", "gauge"),
        ("service_tasks", 7, None, "gauge"),
        ("service_restarts_total", 3, None, "counter")]
    assert {metric["labels"]["service"] for metric in outcome.metrics} == \
        {"web"}


@pytest.mark.parametrize("name, unit", [
    ("web", "web.service"), ("web.socket", "web.socket"),
    ("getty@tty1", "getty@tty1.service"), ("a_b-c:1", "a_b-c:1.service"),
])
def test_the_unit_that_is_asked_for(host, name, unit):
    outcome = host.systemd().ask(name)
    assert outcome.error is None, outcome.stderr
    assert host.asked[-3:] == ["show", "--", unit]
    assert "--no-pager" in host.asked and "--no-ask-password" in host.asked


@pytest.mark.parametrize("state, active", [
    ("active", True), ("reloading", True), ("refreshing", True),
    ("inactive", False), ("failed", False), ("activating", False),
    ("deactivating", False), ("maintenance", False),
])
def test_states(host, state, active):
    outcome = host.systemd(SHOWN.replace("=active", "=" + state)).ask()
    assert outcome.error is None, outcome.stderr
    assert outcome.result["active"] is active
    assert outcome.result["state"] == state
    assert outcome.metric("service_active") == int(active)


@pytest.mark.parametrize("state, expect, code", [
    ("active", "any", None), ("active", "active", None),
    ("active", "inactive", 1), ("failed", "any", None),
    ("failed", "active", 1), ("failed", "inactive", None),
])
def test_what_is_expected_decides(host, state, expect, code):
    outcome = host.systemd(SHOWN.replace("=active", "=" + state)).ask(
        expect=expect)
    assert outcome.code == code, outcome.stderr
    assert outcome.result["state"] == state     # told in any case
    if code is not None:
        assert outcome.stderr == \
            "service-status: web is %s, not %s\n" % (state, expect)


def test_what_systemd_does_not_count_is_null(host):
    shown = SHOWN.replace("10485760", "[not set]") \
        .replace("TasksCurrent=7", "TasksCurrent=18446744073709551615") \
        .replace("4242", "0").replace("NRestarts=3\n", "") \
        .replace("UnitFileState=enabled", "UnitFileState=")
    outcome = host.systemd(shown).ask()
    assert outcome.error is None, outcome.stderr
    result = outcome.result
    assert [result[key] for key in ("memory_bytes", "tasks", "main_pid",
                                    "restarts", "enabled")] == [None] * 5
    assert [metric["name"] for metric in outcome.metrics] == \
        ["service_active"]


def test_a_masked_service(host):
    outcome = host.systemd(SHOWN.replace("=loaded", "=masked").replace(
        "=active", "=inactive")).ask()
    assert outcome.error is None, outcome.stderr
    assert outcome.result["enabled"] == "masked"


def test_a_service_that_is_not_there(host):
    refused(host.systemd(SHOWN.replace("=loaded", "=not-found")).ask(),
            "no such service: web.service")


@pytest.mark.parametrize("shown", [
    "", "\n", "ActiveState=active\n", "LoadState=\n", "LoadState\n",
    "Failed to connect to bus: No such file or directory\n",
])
def test_an_answer_that_is_none(host, shown):
    refused(host.systemd(shown).ask(), "systemd does not answer")


def test_a_bus_that_refuses(host):
    refused(host.systemd("Failed to connect to bus: Permission denied\n",
                         1).ask(), "Permission denied")


@pytest.mark.parametrize("value", [
    '"quoted"', "a b", "back\\slash", "$(touch /tmp/x)", "`id`", "ü", "a\tb",
    "\x01\x02", "=", "'", "%s%n", "*",
])
def test_odd_values_stay_valid_json(host, value):
    shown = SHOWN.replace("=running", "=" + value) \
        .replace("=3", "=" + value).replace("=success", "=" + value)
    outcome = host.systemd(shown).ask()
    assert outcome.error is None, outcome.stderr
    assert outcome.result["sub_state"] is None
    assert outcome.result["restarts"] is None
    assert outcome.result["state"] == "active"


def test_bytes_that_are_no_text(host):
    outcome = host.systemd(b"\xff\xfe=\xff\nno line\n" + SHOWN.encode() +
                           b"SubState=\xff\xfe\n").ask()
    assert outcome.error is None, outcome.stderr
    assert outcome.result["sub_state"] is None


def test_numbers_that_json_does_not_have(host):
    outcome = host.systemd(SHOWN.replace("=3", "=007").replace(
        "=7", "=-7")).ask()
    assert outcome.result["restarts"] is None
    assert outcome.result["tasks"] is None


def test_a_systemctl_that_may_not_be_started(host):
    host.systemd()
    (host.folder / "bin" / "systemctl").unlink()
    host.env = {"PATH": str(host.folder / "bin")}
    refused(host.ask(), "systemctl")


def test_a_systemctl_that_dies(host):
    host.systemd()
    host.program("#!/bin/sh\necho 'LoadState=loaded'\nkill -9 $$\n")
    refused(host.ask(), "systemd does not answer")


def test_systemctl_gets_no_parameters_on_its_standard_input(host):
    host.systemd()
    host.program("#!/bin/sh\ncat >'%s/input'\ncat '%s/answer'\n" % (
        host.folder, host.folder))
    assert host.ask().error is None
    assert (host.folder / "input").read_text() == ""


# OpenRC


@pytest.mark.parametrize("state, told, active", [
    ("started", "active", True), ("failed", "failed", False),
    ("starting", "starting", False), ("stopping", "stopping", False),
    ("inactive", "inactive", False), (None, "stopped", False),
])
def test_states_of_openrc(host, state, told, active):
    outcome = host.openrc(web=state).ask()
    assert outcome.error is None, outcome.stderr
    result = outcome.result
    assert (result["manager"], result["state"], result["active"]) == \
        ("openrc", told, active)
    assert result["memory_bytes"] is None and result["main_pid"] is None


def test_a_service_that_openrc_does_not_have(host):
    refused(host.openrc(other="started").ask(), "no such service: web")


def test_what_is_expected_of_openrc(host):
    assert host.openrc(web="started").ask(expect="active").error is None
    assert host.ask(expect="inactive").code == 1


def test_a_link_whose_script_is_gone(host):
    host.openrc(web="started")
    (host.folder / "init.d" / "web").unlink()
    assert host.ask().result["active"] is True


# Neither, and bad parameters


def test_a_host_with_neither_says_so(host):
    refused(host.ask(), "neither systemd nor OpenRC runs this host")


@pytest.mark.skipif(os.path.isdir("/run/systemd/system") or
                    os.path.isdir("/run/openrc"),
                    reason="this host has a service manager")
def test_this_host_says_so(shell):
    refused(shell("service_status", {"name": "web"}), "neither systemd nor")


@pytest.mark.parametrize("name", [
    "", "-x", "--help", "a b", "a;b", "a/b", "../x", "$(id)", "a\nb", "a*",
    "ü", "a\\x2db", ".", "@", "web\n", "a'b", 'a"b', b"\xff",
])
def test_bad_names(host, name):
    refused(host.systemd().ask(name), "bad parameter name")
    assert not (host.folder / "asked").exists()


@pytest.mark.parametrize("expect", ["up", "Active", "any ", "active\n"])
def test_bad_expectations(host, expect):
    refused(host.systemd().ask(expect=expect), "bad parameter expect")


def test_no_name_at_all(shell):
    refused(shell("service_status"), "bad parameter name")


def test_nothing_of_the_environment_is_taken_for_an_answer(host):
    shown = SHOWN.replace("SubState=running\n", "").replace(
        "NRestarts=3\n", "")
    host.systemd(shown)
    host.env = dict(host.env, sub="evil", restarts="9", state="active")
    outcome = host.ask()
    assert outcome.result["sub_state"] is None
    assert outcome.result["restarts"] is None


def test_the_places_are_the_usual_ones(shell_text):
    text = shell_text("service_status")
    for place in ("/run/systemd/system", "/run/openrc", "/etc/init.d"):
        assert text.count("=" + place) == 1
        assert place in text.split("# ///")[1]
        assert pathlib.Path(place).is_absolute()
