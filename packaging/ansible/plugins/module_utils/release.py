"""Releases: plugins and grants in a folder that is named by its content.

    PATH/releases/ID/plugins     files as the controller sent them
    PATH/releases/ID/grants.d    what they are granted
    PATH/current -> releases/ID  the one in force

A release is made beside, checked, and renamed to its name; what has that name
is whole and never changes.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
import time

from ansible_collections.devops_agent.agent.plugins.module_utils.agent import (  # noqa: E501
    Agent, AgentError, swap_link, sync_folder)

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\Z")
DAY = 86400
ID = re.compile(r"[0-9a-f]{16}\Z")


def check_path(path):
    """That a file's name stays below the folder."""
    parts = path.split("/")
    if not path or path.startswith("/") or ".." in parts or "\0" in path:
        raise AgentError("%r: no name of a file of a release" % path)


def release_id(files, grants):
    """The name of what is in it."""
    digest = hashlib.sha256(b"devops_agent release 1\n")
    for path in sorted(files):
        check_path(path)
        data, executable = files[path]
        digest.update(("%s %d %s\0" % ("x" if executable else "f", len(data),
                                       path)).encode())
        digest.update(data)
    digest.update(json.dumps(grants, sort_keys=True).encode())
    return digest.hexdigest()[:16]


def wanted(name):
    """Whether a file or folder is part of a release."""
    return name != "__pycache__" and not name.startswith(".") \
        and not name.endswith((".pyc", ".pyo", "~"))


def read_files(folder):
    """{relative path: (bytes, whether it is executable)} of a folder."""
    files = {}
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if wanted(name))
        for name in sorted(names):
            path = os.path.join(at, name)
            if wanted(name) and os.path.isfile(path):
                with open(path, "rb") as f:
                    files[os.path.relpath(path, folder)] = (
                        f.read(), os.access(path, os.X_OK))
    return files


def bundled_files(program):
    """Those of the program's own plugins."""
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(program)))
    return read_files(os.path.join(prefix, "share", "devops_agent", "plugins"))


def text_of(entry):
    """A file as a difference shows it."""
    if entry is None:
        return ""
    try:
        return entry[0].decode("utf-8")
    except UnicodeDecodeError:
        return "(%d bytes, SHA-256 %s)\n" % (
            len(entry[0]), hashlib.sha256(entry[0]).hexdigest())


def differences(before, after):
    """For --diff: a part for each file that is not the same."""
    return [{"before_header": path, "after_header": path,
             "before": text_of(before.get(path)),
             "after": text_of(after.get(path))}
            for path in sorted(set(before) | set(after))
            if before.get(path) != after.get(path)]


def write_file(path, data, mode):
    """One file of a release, on the disk when this returns."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC,
                 0o600)
    with os.fdopen(fd, "wb") as f:
        f.write(data)
        f.flush()
        os.fchmod(f.fileno(), mode)
        os.fsync(f.fileno())


def write_grant(agent, name, grant, folder):
    """grants.d/NAME.yaml, pinned to the plugin's files."""
    if not NAME.match(name):
        raise AgentError("grants: %r is no name of a plugin" % name)
    if grant == "asked":
        agent.ask("plugin", "allow", name, "--output", folder)
    elif grant == "denied":
        agent.ask("plugin", "deny", name, "--output", folder)
    elif isinstance(grant, dict):
        plugin = agent.object("plugin", "show", name)
        text = json.dumps({"name": name, "sha256": plugin["sha256"],
                           "permissions": grant}, sort_keys=True)
        write_file(os.path.join(folder, name + ".yaml"),
                   (text + "\n").encode(), 0o644)
    else:
        raise AgentError("grants: %s: expected asked, denied or a map of "
                         "permissions" % name)


def check_plugins(agent, grants):
    """That every plugin would run that is not denied."""
    wrong = ["%s: %s" % (p["name"], p["reason"])
             for p in agent.objects("plugin", "list")
             if not p["runnable"] and grants.get(p["name"]) != "denied"]
    if wrong:
        raise AgentError("refused before anything was changed: "
                         + "; ".join(wrong))


class Releases:
    """Those of one host, below `path`."""

    def __init__(self, path):
        self.path = path
        self.root = os.path.join(path, "releases")
        self.link = os.path.join(path, "current")

    def folder(self, name):
        """Where a release is."""
        return os.path.join(self.root, name)

    def has(self, name):
        """Whether it is there, whole."""
        return os.path.isdir(self.folder(name))

    def current(self):
        """The one in force, or ""."""
        try:
            return os.path.basename(os.readlink(self.link))
        except OSError:
            return ""

    def files(self, name):
        """What is in one."""
        return read_files(os.path.join(self.folder(name), "plugins"))

    def stage(self, name, files, grants, agent):
        """Makes one, unless something in it is wrong."""
        os.umask(0o022)
        os.makedirs(self.root, exist_ok=True)
        new = tempfile.mkdtemp(prefix=".new-", dir=self.root)
        try:
            os.chmod(new, 0o755)
            self.fill(new, files, grants, agent)
            os.rename(new, self.folder(name))
        except AgentError as e:
            # as the operator knows the file
            raise AgentError(e.message.replace(new + "/plugins/", "")
                             .replace(new + "/", ""),
                             e.hint, e.status)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        sync_folder(self.root)

    @staticmethod
    def fill(new, files, grants, agent):
        """Files, grants, and what the program says of them."""
        plugins = os.path.join(new, "plugins")
        granted = os.path.join(new, "grants.d")
        config = os.path.join(new, ".check.yaml")
        os.mkdir(plugins, 0o755)
        os.mkdir(granted, 0o755)
        for path, (data, executable) in sorted(files.items()):
            write_file(os.path.join(plugins, path), data,
                       0o755 if executable else 0o644)
        write_file(config, json.dumps({
            "agent": {"data_dir": new, "listen_addr": ""},
            "plugins": {"path": plugins, "grants": granted}}).encode(), 0o600)
        checker = Agent(agent.run, agent.program, config)
        for plugin, grant in sorted(grants.items()):
            write_grant(checker, plugin, grant, granted)
        check_plugins(checker, grants)
        os.unlink(config)

    def activate(self, name):
        """Puts one in force."""
        if not ID.match(name) or not self.has(name):
            raise AgentError("there is no release %s in %s"
                             % (name, self.root))
        swap_link(self.link, os.path.join("releases", name))

    def to_prune(self, used, keep):
        """All but those in use and the newest."""
        try:
            names = [name for name in os.listdir(self.root) if ID.match(name)]
        except OSError:
            return []
        names.sort(key=lambda n: -os.stat(self.folder(n)).st_mtime)
        rest = [name for name in names if name not in used]
        return sorted(rest[max(0, keep - 1):])

    def prune(self, names):
        """Removes releases, and what a stage that was killed left."""
        for name in list(names) + self.left():
            shutil.rmtree(self.folder(name), ignore_errors=True)

    def left(self):
        """Stages of yesterday or before, which nobody is at any more."""
        try:
            return [name for name in os.listdir(self.root)
                    if name.startswith(".new-") and
                    os.stat(self.folder(name)).st_mtime < time.time() - DAY]
        except OSError:
            return []
