"""What the modules share: asking the program, and files that swap whole.

Needs the standard library alone, of Python 3.8 or newer.
"""

import json
import os
import tempfile

# The exit statuses of the program that the modules look at.
NOT_FOUND = 4
UNREACHABLE = 125


class AgentError(Exception):
    """The program said no: its message, and what to do about it."""

    def __init__(self, message, hint=None, status=None):
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status

    @property
    def text(self):
        """Both in one line."""
        return self.message + (" (%s)" % self.hint if self.hint else "")


def read_error(stderr):
    """The message and the hint among the lines of standard error."""
    message = hint = None
    for line in stderr.splitlines():
        if line.startswith("devops_agent: "):
            message, hint = line[len("devops_agent: "):], None
        elif line.startswith("hint: "):
            hint = line[len("hint: "):]
    return message, hint


def read_objects(text):
    """The JSON objects of a list command, one a line."""
    return [json.loads(line) for line in text.splitlines() if line.strip()]


class Agent:
    """The program `devops_agent` of this host.

    `run` is AnsibleModule.run_command, or what stands in for it in a test.
    """

    def __init__(self, run, program="devops_agent", config=None):
        self.run = run
        self.program = program
        self.config = config

    def call(self, *words, **options):
        """(status, standard output, standard error) of a command."""
        line = [self.program]
        if self.config:
            line += ["--config", self.config]
        try:
            return self.run(line + list(words), **options)
        except (OSError, ValueError) as e:
            raise AgentError("%s can't be run: %s" % (self.program, e))

    def ask(self, *words, **options):
        """Standard output of a command that must succeed."""
        status, out, err = self.call(*words, **options)
        if status != 0:
            message, hint = read_error(err)
            raise AgentError(
                message or "%s: exit status %d" % (" ".join(words[:2]),
                                                   status), hint, status)
        return out

    def objects(self, *words, **options):
        """What a list command has."""
        return read_objects(self.ask(*(words + ("--json",)), **options))

    def object(self, *words, **options):
        """What a command prints as one object."""
        return json.loads(self.ask(*(words + ("--json",)), **options))

    def version(self):
        """The program's version, or None where there is no program."""
        try:
            return self.ask("--version").split()[-1]
        except (AgentError, IndexError):
            return None


def find_program(module):
    """The path of `program`, or None."""
    return module.get_bin_path(module.params["program"], False,
                               ["/usr/local/bin", "/usr/bin"])


def write_new(path, data, mode):
    """A file that is whole, on the disk and of that mode, or not there."""
    folder = os.path.dirname(path)
    fd, name = tempfile.mkstemp(prefix=".new-", dir=folder)
    try:
        with os.fdopen(fd, "wb") as f:
            os.fchmod(f.fileno(), mode)
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        os.rename(name, path)
    except BaseException:
        os.unlink(name)
        raise
    sync_folder(folder)


def sync_folder(path):
    """What was renamed in it stays so after a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def swap_link(path, target):
    """A symlink that names `target` from one instant to the next."""
    folder = os.path.dirname(path)
    name = os.path.join(folder, ".new-%s-%d" % (os.path.basename(path),
                                                os.getpid()))
    if os.path.lexists(name):
        os.unlink(name)
    os.symlink(target, name)
    try:
        os.rename(name, path)
    except BaseException:
        os.unlink(name)
        raise
    sync_folder(folder)
