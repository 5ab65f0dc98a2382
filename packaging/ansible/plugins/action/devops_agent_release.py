"""Reads the plugins of a release on the controller, and sends them along."""

import base64
import os

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.devops_agent.agent.plugins.module_utils.release import (  # noqa: E501
    read_files)

# They travel as one argument of the module, through memory.
MOST_BYTES = 16 << 20


class ActionModule(ActionBase):
    """The controller's half of devops_agent_release."""

    _supports_check_mode = True
    TRANSFERS_FILES = False

    def read_source(self, src):
        """The files as the module takes them."""
        try:
            folder = self._find_needle("files", src)
        except AnsibleError as e:
            raise AnsibleActionFail("src: %s" % e)
        if not os.path.isdir(folder):
            raise AnsibleActionFail("src: %s is no folder" % folder)
        files = read_files(folder)
        size = sum(len(data) for data, _executable in files.values())
        if not files:
            raise AnsibleActionFail("src: %s has no file" % folder)
        if size > MOST_BYTES:
            raise AnsibleActionFail(
                "src: %s has %d bytes, more than %d; large data belongs in a "
                "package" % (folder, size, MOST_BYTES))
        return [{"path": path, "executable": executable,
                 "content": base64.b64encode(data).decode()}
                for path, (data, executable) in sorted(files.items())]

    def run(self, tmp=None, task_vars=None):
        """One module call."""
        super().run(tmp, task_vars)
        args = dict(self._task.args)
        if "files" in args:
            raise AnsibleActionFail("files: name a folder by src instead")
        if args.get("src"):
            args["files"] = self.read_source(args["src"])
        return self._execute_module(
            module_name="devops_agent.agent.devops_agent_release",
            module_args=args, task_vars=task_vars)
