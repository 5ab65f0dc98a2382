"""What the bundled plugins say of themselves."""

import ast
import os
import re

import pytest

import conftest

PLUGINS = {
    path.stem.replace("_", "-"): path
    for folder, ending in (("python", "*.py"), ("shell", "*.sh"))
    for path in sorted((conftest.ROOT / "plugins" / folder).glob(ending))}
KEYWORDS = {"type", "properties", "required", "enum", "minimum", "maximum",
            "minLength", "maxLength", "pattern", "items",
            "additionalProperties", "default", "description"}
TYPES = {"string": str, "boolean": bool, "integer": int,
         "number": (int, float), "object": dict, "array": list}
each = pytest.mark.parametrize("name", sorted(PLUGINS))


def header(name):
    yaml = pytest.importorskip("yaml", reason="no yaml module for Python")
    lines = PLUGINS[name].read_text("utf-8").splitlines()[:100]
    begin = lines.index("# /// devops_agent")
    end = lines.index("# ///", begin)
    block = lines[begin + 1:end]
    assert all(line.startswith("# ") for line in block)
    return yaml.safe_load("\n".join(line[2:] for line in block))


def valid(schema, value):
    """Whether the value is as the schema says, in as much of JSON Schema as
    a header may use."""
    kinds = schema.get("type", list(TYPES))
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if not any(isinstance(value, TYPES[kind]) and
               (kind == "boolean" or not isinstance(value, bool))
               for kind in kinds):
        return False
    if value not in schema.get("enum", [value]):
        return False
    if isinstance(value, str):
        return schema.get("minLength", 0) <= len(value) <= \
            schema.get("maxLength", 1 << 30) and \
            re.search(schema.get("pattern", ""), value) is not None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return schema.get("minimum", value) <= value <= \
            schema.get("maximum", value)
    if isinstance(value, dict):
        return valid_object(schema, value)
    return True


def valid_object(schema, value):
    known = schema.get("properties", {})
    more = schema.get("additionalProperties", True)
    return set(schema.get("required", ())) <= set(value) and all(
        valid(known[key], one) if key in known else
        valid(more, one) if isinstance(more, dict) else more
        for key, one in value.items())


def schemas(schema):
    """The schema and all within it."""
    yield schema
    for one in schema.get("properties", {}).values():
        yield from schemas(one)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from schemas(schema[key])


def test_all_of_them_are_there():
    assert sorted(PLUGINS) == [
        "check-cert", "check-http", "check-tcp", "collect-cpu",
        "collect-disk", "collect-memory", "collect-network",
        "collect-processes", "greet", "log-grep", "service-status", "uptime"]


@each
def test_the_parts_of_a_header(name):
    found = header(name)
    assert set(found) - {"permissions"} == {
        "name", "version", "description", "params", "limits"}
    assert found["name"] == name
    assert re.match(r"[0-9]+\.[0-9]+\.[0-9]+\Z", found["version"])
    assert found["description"].endswith(".")
    assert "\n" not in found["description"].strip()


@each
def test_parameters_are_described_by_the_known_keywords(name):
    params = header(name)["params"]
    assert params["type"] == "object"
    assert params["additionalProperties"] is False
    for schema in schemas(params):
        assert set(schema) <= KEYWORDS
        assert set(schema.get("required", ())) <= set(schema.get(
            "properties", ()))
        kinds = schema["type"]
        assert set([kinds] if isinstance(kinds, str) else kinds) <= set(TYPES)
        if "default" in schema:
            assert valid(schema, schema["default"])


@each
def test_limits(name):
    limits = header(name)["limits"]
    assert {"timeout", "memory"} <= set(limits)
    for key, one in limits.items():
        form = {"timeout": r"[1-9][0-9]*s\Z", "memory": r"[1-9][0-9]*MiB\Z",
                "processes": r"[1-9][0-9]?\Z"}[key]
        assert re.match(form, str(one))


@each
def test_the_agents_limit_is_longer_than_the_plugins_own(name):
    found = header(name)
    longest = sum(schema["maximum"] for key, schema in
                  found["params"]["properties"].items()
                  if key in ("timeout_ms", "interval_ms"))
    assert int(found["limits"]["timeout"][:-1]) * 1000 >= longest + 5000


@each
def test_permissions_are_well_formed_and_narrow(name):
    asked = header(name).get("permissions", {})
    assert set(asked) <= {"read", "write", "exec", "network", "processes"}
    for path in asked.get("read", []) + asked.get("write", []):
        assert os.path.normpath(path) == path and path.startswith("/")
        assert path != "/" or name == "collect-disk"
    assert "*" not in asked.get("exec", [])
    ports = asked.get("network", [])
    assert len(set(ports)) == len(ports) <= 64
    for port in ports:
        assert port == "udp" or 0 < int(re.match(r"tcp:([0-9]+)\Z",
                                                 port)[1]) < 65536
    assert asked.get("write", []) == (
        ["/run/dbus/system_bus_socket"] if name == "service-status" else [])
    assert ("processes" in asked) == (name == "collect-processes")


@pytest.mark.parametrize("name", [name for name, path in PLUGINS.items()
                                  if path.suffix == ".py"])
def test_no_import_that_takes_long(name):
    tree = ast.parse(PLUGINS[name].read_text("utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        assert not isinstance(node, ast.ImportFrom)
    if name in ("check-cert", "check-http"):
        found.discard("ssl")
    assert found <= {"_socket", "_thread", "os", "select", "time"}


@pytest.mark.parametrize("name", [name for name, path in PLUGINS.items()
                                  if path.suffix == ".sh"])
def test_programs_that_are_started_are_asked_for(name):
    asked = set(header(name).get("permissions", {}).get("exec", []))
    text = PLUGINS[name].read_text("utf-8").split("# ///")[-1]
    code = "\n".join(line for line in text.splitlines()
                     if not line.lstrip().startswith("#"))
    for program in ("awk cat cut date grep head ls sed sort systemctl tail "
                    "tr wc").split():
        used = re.search(r"(?m)(^|[|(`]|\$\()\s*%s(\s|$)" % program, code)
        assert (used is not None) == (program in asked), program


@pytest.mark.parametrize("name, params, fits", [
    ("check-http", {"url": "http://h/"}, True),
    ("check-http", {"url": "HTTPS://h:8443/x?y", "status": 404,
                    "headers": {"A": "b"}}, True),
    ("check-http", {"url": "http://h/", "status": "200-299,401"}, True),
    ("check-http", {}, False),
    ("check-http", {"url": "ftp://h/"}, False),
    ("check-http", {"url": "http://h/ x"}, False),
    ("check-http", {"url": "http://h/" + "a" * 5000}, False),
    ("check-http", {"url": "http://h/", "status": 99}, False),
    ("check-http", {"url": "http://h/", "status": "2xx"}, False),
    ("check-http", {"url": "http://h/", "method": "POST"}, False),
    ("check-http", {"url": "http://h/", "headers": {"a": 1}}, False),
    ("check-http", {"url": "http://h/", "timeout_ms": 10 ** 6}, False),
    ("check-http", {"url": "http://h/", "max_body_bytes": -1}, False),
    ("check-http", {"url": "http://h/", "verify": "no"}, False),
    ("check-http", {"url": "http://h/", "other": 1}, False),
    ("check-tcp", {"host": "db.example", "port": 5432}, True),
    ("check-tcp", {"host": "::1", "port": 1}, True),
    ("check-tcp", {"host": "ü.example", "port": 1}, True),
    ("check-tcp", {"host": "h"}, False),
    ("check-tcp", {"host": "h", "port": 0}, False),
    ("check-tcp", {"host": "h", "port": "80"}, False),
    ("check-tcp", {"host": "a b", "port": 80}, False),
    ("check-tcp", {"host": "", "port": 80}, False),
    ("check-cert", {"host": "example.org"}, True),
    ("check-cert", {"host": "192.0.2.1", "server_name": "x", "port": 8443,
                    "warn_days": 30.5}, True),
    ("check-cert", {"host": "http://example.org"}, False),
    ("check-cert", {"host": "h", "warn_days": -1}, False),
    ("check-cert", {"host": "h", "port": 65536}, False),
    ("collect-cpu", {"interval_ms": 100, "per_cpu": True}, True),
    ("collect-cpu", {"interval_ms": 99}, False),
    ("collect-cpu", {"per_cpu": 1}, False),
    ("collect-disk", {"min_percent": 80.5}, True),
    ("collect-disk", {"min_percent": "80"}, False),
    ("collect-memory", {}, True), ("collect-memory", {"x": 1}, False),
    ("collect-network", {"interface": "eth0", "interval_ms": 0}, True),
    ("collect-network", {"interface": "a/b"}, False),
    ("collect-network", {"interface": "x" * 16}, False),
    ("collect-processes", {"count": 1000, "sort": "cpu"}, True),
    ("collect-processes", {"count": 0}, False),
    ("collect-processes", {"sort": "name"}, False),
    ("greet", {"name": "x"}, True), ("greet", {"name": 1}, False),
    ("log-grep", {"path": "/var/log/x", "pattern": "404"}, True),
    ("log-grep", {"path": "/var/log/x", "pattern": 404}, True),
    ("log-grep", {"path": "/var/log/x"}, False),
    ("log-grep", {"path": "x", "pattern": "a"}, False),
    ("log-grep", {"path": "/x", "pattern": ""}, False),
    ("log-grep", {"path": "/x", "pattern": "a\nb"}, False),
    ("log-grep", {"path": "/x", "pattern": "a", "max_bytes": 0}, False),
    ("service-status", {"name": "getty@tty1.service"}, True),
    ("service-status", {"name": "web", "expect": "active"}, True),
    ("service-status", {}, False),
    ("service-status", {"name": "-x"}, False),
    ("service-status", {"name": "a b"}, False),
    ("service-status", {"name": "web", "expect": "up"}, False),
    ("uptime", {}, True), ("uptime", {"x": 1}, False),
], ids=lambda value: ascii(value)[:60])
def test_parameters_that_fit_and_that_do_not(name, params, fits):
    assert valid(header(name)["params"], params) is fits
