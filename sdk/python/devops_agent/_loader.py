"""Loads one plugin and serves the agent's requests to it.

The agent starts it without `site`, which is slow:

    python3 -I -S -B -c BOOT SDK_FOLDER PLUGIN [SITE_FOLDER ...]

BOOT being "import sys;sys.path.insert(0,sys.argv[1]);from devops_agent import
_loader;_loader.main()". docs/protocol.md is what is said on the pipes.

Every import here delays the start of every plugin, so this imports only what
the interpreter has loaded already, _job, and by it the C half of json. What
most runs never reach is elsewhere: _errors, _logging, _async. A test holds it
to that.
"""

import posix
import sys

from devops_agent import __version__
from devops_agent._job import (MAX_DEPTH, MAX_NAME, Cancelled, Channel,
                               Failed, Job, Pipes, decode, encode,
                               encode_scalars, to_bytes)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from importlib.machinery import ModuleSpec, SourceFileLoader
    from importlib.util import module_from_spec
    from types import ModuleType
    from typing import Any, Callable, Dict, List, Optional
    Method = Callable[[Job], Any]
    _imp: Any
else:
    import _imp
    import _signal
    from _frozen_importlib import ModuleSpec, module_from_spec
    from _frozen_importlib_external import SourceFileLoader

PROTOCOL = 1
MAX_METHODS = 64
TERMINATED = 128 + 15       # exit status after SIGTERM

# Codes of JSON-RPC's errors.
PARSE_ERROR = -32700
INVALID_REQUEST = -32600
NO_METHOD = -32601
INVALID_PARAMS = -32602

# Where the private descriptors go: out of the way, below the limit of 64.
REQUESTS_FD = 62
MESSAGES_FD = 63


# --- Loading -----------------------------------------------------------------


def package_folders() -> "List[str]":
    """Where this Python's packages are, as `site` would find them; its .pth
    files are not looked at."""
    version = "python%d.%d" % sys.version_info[:2]
    libs = {getattr(sys, "platlibdir", "lib"): 0, "lib": 0}
    folders = []
    for base in (sys.prefix + "/local", sys.prefix):
        for lib in libs:
            folders.append("%s/%s/%s/site-packages" % (base, lib, version))
        if base == sys.prefix:
            folders.append(base + "/lib/python3/dist-packages")
        folders.append("%s/lib/%s/dist-packages" % (base, version))
    return [folder for folder in folders if _exists(folder)]


def venv_folders(sites: "List[str]") -> "List[str]":
    """The package folders of a virtual environment, and those that its .pth
    files name; a line that is code is passed over."""
    folders = list(sites)
    for site in sites:
        try:
            names = sorted(posix.listdir(site))
        except OSError:
            continue
        for name in names:
            if not name.endswith(".pth"):
                continue
            with open(site + "/" + name, encoding="utf-8",
                      errors="surrogateescape") as file:
                lines = [line.strip() for line in file]
            for line in lines:
                if not line or line.startswith(("#", "import ", "import\t")):
                    continue
                folder = line if line[0] == "/" else site + "/" + line
                if folder not in folders and _exists(folder):
                    folders.append(folder)
    return folders


def _exists(path: str) -> bool:
    try:
        posix.stat(path)
    except OSError:
        return False
    return True


def load(path: str, quick: bool = False) -> "ModuleType":
    """The module of a plugin: a file, or a folder with __init__.py; `quick`
    where no debugger and the like is about. Raises what its code raises."""
    if not path.startswith("/"):
        path = posix.getcwd() + "/" + path
    path = path.rstrip("/")
    if path.endswith("/__init__.py"):
        path = path[:-len("/__init__.py")]
    folder = posix.stat(path).st_mode & 0o170000 == 0o040000
    file = path + "/__init__.py" if folder else path
    with open(file, "rb") as source:
        text = source.read()
    name = _module_name(path)
    spec = ModuleSpec(name, SourceFileLoader(name, file), origin=file,
                      is_package=folder)
    spec.has_location = True
    if spec.submodule_search_locations is not None:
        spec.submodule_search_locations.append(path)
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        if not quick or not _execute(text, file, module.__dict__):
            exec(compile(text, file, "exec", dont_inherit=True),
                 module.__dict__)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _execute(text: bytes, file: str, names: "Dict[str, Any]") -> bool:
    """exec(compile(text, file, "exec"), names), without the first compile()
    of a process, which makes the classes of `ast`: that takes as long as all
    of a simple plugin's loading. exec() of a text does not, but calls every
    text "<string>", so its code is renamed when it begins to run. False
    where the text is no Python, or nothing can be renamed; then it has not
    begun, and compile() says what is wrong."""
    rename: "Any" = getattr(_imp, "_fix_co_filename", None)
    begun = False

    def begin(frame: "Any", event: str, arg: "Any") -> None:
        nonlocal begun
        if event == "call" and frame.f_globals is names:
            sys.setprofile(None)
            rename(frame.f_code, file)
            begun = True

    if rename is None or sys.getprofile() is not None:
        return False
    sys.setprofile(begin)
    try:
        exec(text, names)
    except (SyntaxError, ValueError):
        if begun:
            raise
    finally:
        sys.setprofile(None)
    return begun


def _module_name(path: str) -> str:
    name = path[path.rindex("/") + 1:]
    if name.endswith(".py"):
        name = name[:-3]
    name = name.replace(".", "_")
    # A plugin json.py may well import the json that everybody means.
    if name in sys.modules or name in getattr(
            sys, "stdlib_module_names", sys.builtin_module_names):
        name = "plugin_" + name
    return name


def methods_of(module: "ModuleType") -> "Dict[str, Method]":
    """What register() returns, checked. Raises Failed, and whatever
    register() raises."""
    register = getattr(module, "register", None)
    if not callable(register):
        raise Failed("%s has no function register()" % module.__file__,
                     code="bad_plugin")
    methods = register()
    if callable(methods):
        return {"run": methods}
    if isinstance(methods, dict) and 0 < len(methods) <= MAX_METHODS and all(
            isinstance(name, str) and 0 < len(to_bytes(name)) <= MAX_NAME and
            "\0" not in name and callable(method)
            for name, method in methods.items()):
        return methods
    raise Failed("register() must return a function, or a dict of 1 to %d "
                 "names to functions, not %s"
                 % (MAX_METHODS, type(methods).__name__), code="bad_plugin")


class LoggingHook:
    """On sys.meta_path: joins `logging` to the channel once it is imported,
    whoever does that."""

    def __init__(self, channel: "Channel") -> None:
        self.channel = channel
        self.loader: "Any" = None

    def find_spec(self, name: str, path: "Any" = None,
                  target: "Any" = None) -> "Any":
        if name != "logging":
            return None
        finders: "List[Any]" = sys.meta_path
        finders.remove(self)
        for finder in finders:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                self.loader, spec.loader = spec.loader, self
                return spec
        return None

    def create_module(self, spec: "Any") -> "Any":
        return self.loader.create_module(spec)

    def exec_module(self, module: "Any") -> None:
        module.__loader__ = module.__spec__.loader = self.loader
        self.loader.exec_module(module)
        from devops_agent import _logging
        _logging.install(self.channel)


# --- Serving -----------------------------------------------------------------

LOADING, IDLE, RUNNING, ANSWERING = range(4)


class Worker:
    """Runs the methods of one plugin, one request after the other."""

    def __init__(self, pipes: "Pipes") -> None:
        self.pipes = pipes
        self.methods: "Dict[str, Method]" = {}
        self.job: "Optional[Job]" = None
        self.phase = LOADING
        self.terminated = False

    def on_term(self, number: int, frame: "Any") -> None:
        """SIGTERM: the plugin's code is interrupted, once; the loader's own
        is not, but where it waits."""
        again, self.terminated = self.terminated, True
        if self.pipes.forked or self.phase == IDLE:
            raise SystemExit(TERMINATED)
        if self.phase == ANSWERING or again:
            return
        if self.job:
            self.job._cancelled = True
            if self.job._on_cancel:
                self.job._on_cancel()
                return
        self.pipes.interrupt()

    def let_children_die(self) -> None:
        """A child ends at SIGTERM as any process: an exception that comes out
        of anywhere would be a surprise to multiprocessing and others."""
        if _signal.getsignal(_signal.SIGTERM) == self.on_term:
            _signal.signal(_signal.SIGTERM, _signal.SIG_DFL)

    def start(self, path: str) -> bool:
        """Load the plugin and say so, or why not."""
        try:
            self.methods = methods_of(load(path, True))
            self.phase = ANSWERING
        except BaseException as error:
            self.phase = ANSWERING
            self._leave_if_child(error)
            self.fail(None, error)
            return False
        self._leave_if_child(None)
        self.pipes.send(
            '{"jsonrpc":"2.0","method":"ready","params":{"protocol":%d,'
            '"sdk":"python/%s","methods":%s}}'
            % (PROTOCOL, __version__, encode_scalars(list(self.methods))))
        return True

    def serve(self) -> None:
        """Until there are no more requests."""
        lines = self.pipes.lines
        while True:
            while not lines:
                self.phase = IDLE
                if self.terminated:
                    raise SystemExit(TERMINATED)
                if self.pipes.ended:
                    return
                self.pipes.fill()
            self.phase = ANSWERING
            self.take(lines.pop(0))

    def take(self, line: bytes) -> None:
        """One message of the agent's."""
        try:
            message = decode(line.decode()) if line.strip() else {}
        except (ValueError, RecursionError) as error:
            self.refuse(None, PARSE_ERROR, "no JSON: %s" % error)
            return
        if not isinstance(message, dict):
            self.refuse(None, INVALID_REQUEST, "a request is an object")
            return
        if "id" not in message or "method" not in message:
            return                  # a notification, an answer
        id, method = message["id"], message["method"]
        if isinstance(id, bool) or not isinstance(id, (int, str)):
            self.refuse(None, INVALID_REQUEST,
                        "\"id\" must be a number or a string")
        elif message.get("jsonrpc") != "2.0" or not isinstance(method, str):
            self.refuse(id, INVALID_REQUEST,
                        "\"jsonrpc\" must be \"2.0\", \"method\" a string")
        elif method not in self.methods:
            self.refuse(id, NO_METHOD, "no method \"%s\"; there is %s"
                        % (method, ", ".join(self.methods)))
        else:
            self.run(id, self.methods[method], message.get("params", {}))

    def run(self, id: "Any", method: "Method", params: "Any") -> None:
        """Call a method, and answer."""
        try:
            self.job = job_of(self.pipes, id, params)
        except TypeError as error:
            self.refuse(id, INVALID_PARAMS, str(error))
            return
        try:
            self.call(id, method, self.job)
        except Cancelled as error:      # between the plugin and us
            self.phase = ANSWERING
            self.fail(id, error)
        self.job = None

    def call(self, id: "Any", method: "Method", job: "Job") -> None:
        try:
            self.phase = RUNNING
            result = method(job)
            if hasattr(type(result), "__await__"):
                from devops_agent import _async
                result = _async.run(result, job, self.pipes)
            self.phase = ANSWERING
        except BaseException as error:
            self.phase = ANSWERING
            self._leave_if_child(error)
            self.fail(id, error)
            return
        self._leave_if_child(None)
        try:
            text = encode(result, MAX_DEPTH - 1)
        except BaseException as error:
            from devops_agent import _errors
            self.fail(id, _errors.bad_result(result, MAX_DEPTH - 1, error))
            return
        self.answer('{"jsonrpc":"2.0","id":%s,"result":%s}'
                    % (encode_scalars(id), text))

    def fail(self, id: "Any", error: BaseException) -> None:
        """Answer with what was raised."""
        try:
            if isinstance(error, MemoryError):
                release(error)
            from devops_agent import _errors
            text = _errors.encode_error(error, self.job)
        except MemoryError:
            text = '{"code":-32000,"message":"MemoryError"}'
        self.answer('{"jsonrpc":"2.0","id":%s,"error":%s}'
                    % (encode_scalars(id), text))

    def refuse(self, id: "Any", code: int, message: str) -> None:
        """Answer that a request is wrong."""
        text = encode_scalars(message)
        self.answer('{"jsonrpc":"2.0","id":%s,"error":{"code":%d,'
                    '"message":%s}}' % (encode_scalars(id), code, text))

    def answer(self, text: str) -> None:
        """The last word on a job, after all that it printed."""
        if self.job:
            self.job._over = True
        flush()
        self.pipes.send(text)

    def _leave_if_child(self, error: "Optional[BaseException]") -> None:
        """A child that the plugin forked, and let return to us, is done."""
        if not self.pipes.forked:
            return
        if error is not None:
            raise error
        flush()
        posix._exit(0)


def job_of(channel: "Channel", id: "Any", params: "Any") -> "Job":
    """The job that a request describes. Raises TypeError."""
    def part(name: str) -> "Dict[str, Any]":
        value = params.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise TypeError("\"%s\" must be an object" % name)
        return value

    if not isinstance(params, dict):
        raise TypeError("\"params\" must be an object")
    job = part("job")
    timeout = job.get("timeout_ms")
    if timeout is not None and not isinstance(timeout, (int, float)):
        raise TypeError("\"timeout_ms\" must be a number")
    return Job(channel, id=job.get("id", id), name=job.get("name", ""),
               attempt=job.get("attempt", 1),
               timeout=None if timeout is None else timeout / 1000,
               params=part("input"), secrets=part("secrets"), request=id)


def release(error: BaseException) -> None:
    """Forget the variables of the frames that an exception came through,
    which are what took the memory."""
    trace = error.__traceback__
    while trace:
        try:
            trace.tb_frame.clear()
        except RuntimeError:
            pass                    # ours: it goes on
        trace = trace.tb_next


def flush() -> None:
    """What was printed, as far as it can be."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass                    # None, closed or replaced


# --- The start ---------------------------------------------------------------


def keep(fd: int, place: int) -> int:
    """A private copy of a descriptor that no program inherits."""
    try:
        posix.fstat(place)
    except OSError:
        try:
            return posix.dup2(fd, place, False)
        except OSError:
            pass                    # the limit is lower
    return posix.dup(fd)


def take_pipes() -> "Pipes":
    """Standard input and output for ourselves. Of the plugin and whatever it
    starts, the input is empty then, and the output goes with its errors."""
    stdout: "Any" = sys.stdout
    stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    pipes = Pipes(keep(0, REQUESTS_FD), keep(1, MESSAGES_FD))
    null = posix.open("/dev/null", posix.O_RDONLY)
    posix.dup2(null, 0)
    posix.close(null)
    posix.dup2(2, 1)
    return pipes


def main() -> None:
    """What BOOT calls."""
    sdk, plugin = sys.argv[1:3]
    sites = sys.argv[3:]
    if sys.path[0] == sdk:
        del sys.path[0]
    sys.path_importer_cache.pop(sdk, None)
    sys.argv[:] = [plugin]
    sys.path += venv_folders(sites) + package_folders()

    pipes = take_pipes()
    worker = Worker(pipes)
    _signal.signal(_signal.SIGTERM, worker.on_term)
    posix.register_at_fork(after_in_child=worker.let_children_die)
    if "logging" in sys.modules:
        from devops_agent import _logging
        _logging.install(pipes)
    else:
        hook: "Any" = LoggingHook(pipes)
        sys.meta_path.insert(0, hook)
    if not worker.start(plugin):
        flush()
        raise SystemExit(1)
    worker.serve()
    flush()
