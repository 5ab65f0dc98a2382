#!/usr/bin/python
"""Runs one plugin on a host and returns its record."""

DOCUMENTATION = r"""
---
module: devops_agent_job
short_description: Run a plugin of devops_agent and return its record
version_added: 1.0.0
description:
  - Runs one plugin in its sandbox on the managed host, waits for its end, and
    returns the job record.
  - The module fails where the job does not succeed, with the record and, for a
    plugin that was refused, the command that would allow it.
options:
  plugin:
    description:
      - The name in the plugin's header, or the path of a file on the host.
    type: str
    required: true
  params:
    description:
      - The plugin's parameters. They are part of the record.
    type: dict
    default: {}
  secrets:
    description:
      - The secrets that the plugin's header asks for. They are handed over by
        standard input or a file that only root can read, never by a command
        line, and are in no record.
    type: dict
    default: {}
  method:
    description:
      - Another method than C(run), of a plugin that has several.
    type: str
  via:
    description:
      - Who runs it. C(agent) is the running agent, by its socket, and it is an
        error where none answers. C(local) is the module itself, without an
        agent. C(auto) is the agent if one answers, and otherwise C(local).
    type: str
    choices: [auto, agent, local]
    default: auto
  name:
    description:
      - The job's name in the agent's history; with I(via=agent) only.
    type: str
  key:
    description:
      - A text that makes the task safe to repeat. The same key gives the first
        one's job for a day, and runs nothing again; with I(via=agent) only.
    type: str
  timeout:
    description:
      - How long an attempt may take, such as C(30s), instead of the plugin's
        own limit; with I(via=agent) only.
    type: str
  changes:
    description:
      - Whether a run counts as a change of the host. A plugin that only looks
        is run with C(false).
    type: bool
    default: true
  program:
    description:
      - The program, by name or path.
    type: str
    default: devops_agent
  config:
    description:
      - The agent's configuration file, where it is not the usual one.
    type: path
attributes:
  check_mode:
    support: full
    description: >-
      Nothing runs; that the plugin is there and may run is checked.
  diff_mode:
    support: none
    description: A run has no state before and after.
author:
  - The devops_agent maintainers (@devops-agent)
"""

EXAMPLES = r"""
- name: Look at the disks of every host
  devops_agent.agent.devops_agent_job:
    plugin: collect-disk
    params:
      min_percent: 80
    changes: false
  register: disks

- name: Show what was found
  ansible.builtin.debug:
    msg: "{{ disks.result.filesystems }}"

- name: Rotate a key, once for each release
  devops_agent.agent.devops_agent_job:
    plugin: rotate-key
    via: agent
    key: "rotate-{{ release_number }}"
    secrets:
      token: "{{ vault_rotate_token }}"
    timeout: 2m
  no_log: true
"""

RETURN = r"""
job:
  description: The job record, as C(devops_agent run --json) prints it.
  returned: where the plugin ran, or was refused with a record
  type: dict
  sample:
    id: 42
    name: collect-disk
    state: succeeded
    duration_ms: 12
result:
  description: What the plugin returned.
  returned: where it succeeded
  type: raw
  sample: {"filesystems": []}
state:
  description: How the job ended.
  returned: where there is a record
  type: str
  sample: succeeded
rc:
  description: The exit status of the program.
  returned: where it ran
  type: int
  sample: 0
"""

import json  # noqa: E402
import os  # noqa: E402
import tempfile  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402
from ansible_collections.devops_agent.agent.plugins.module_utils.agent import (  # noqa: E402,E501
    Agent, AgentError, find_program, read_error)

AGENT_ONLY = ("name", "key", "timeout")


def command_line(params, secrets_file=None):
    """The words of the command that runs the job."""
    if params["via"] == "agent":
        option = "--command" if "/" in params["plugin"] else "--plugin"
        words = ["job", "run", option, params["plugin"], "--wait"]
        for name in AGENT_ONLY:
            if params[name] is not None:
                words += ["--" + name, params[name]]
    else:
        words = ["run"]
        if params["via"] == "local":
            words.append("--local")
    if params["method"] is not None:
        words += ["--method", params["method"]]
    if secrets_file is not None:
        words += ["--secrets", "@" + secrets_file]
    words += ["--params", "-", "--json"]
    if params["via"] != "agent":
        words += ["--", params["plugin"]]
    return words


def write_secrets(folder, secrets):
    """A file that nobody else can read, or None."""
    if not secrets:
        return None
    fd, path = tempfile.mkstemp(prefix="secrets-", dir=folder)
    with os.fdopen(fd, "w") as f:
        json.dump(secrets, f)
    return path


def read_record(out):
    """The record among what was printed, or None."""
    lines = [line for line in out.splitlines() if line.strip()]
    try:
        record = json.loads(lines[-1]) if len(lines) == 1 else json.loads(out)
    except (ValueError, IndexError):
        return None
    return record if isinstance(record, dict) and "state" in record else None


def judge(status, out, err, changes):
    """(whether it succeeded, what the module returns)."""
    record = read_record(out)
    result = {"changed": changes, "rc": status}
    if record is not None:
        result.update(job=record, state=record["state"])
        if record["state"] == "succeeded":
            result["result"] = record.get("result")
    if status == 0 and record is not None:
        return True, result
    message, hint = read_error(err)
    if record is None:
        result["changed"] = False
        message = message or "no job record came back: exit status %d" % status
    else:
        error = record.get("error") or {}
        message = message or error.get("message") or record["state"]
        hint = hint or error.get("hint")
    result["msg"] = message + (" (%s)" % hint if hint else "")
    return False, result


def run_job(module, agent):
    """Runs it and returns what the module returns."""
    path = write_secrets(module.tmpdir, module.params["secrets"])
    try:
        status, out, err = agent.call(
            *command_line(module.params, path),
            data=json.dumps(module.params["params"]), binary_data=False)
    finally:
        if path is not None:
            os.unlink(path)
    return judge(status, out, err, module.params["changes"])


def check_job(agent, params):
    """In check mode: that it could run."""
    plugin = agent.object("plugin", "show", params["plugin"])
    missing = plugin.get("not_granted")
    if missing:
        raise AgentError(
            "%s is not granted what it asks for: %s"
            % (params["plugin"], "; ".join(missing)
               if isinstance(missing, list) else missing),
            "devops_agent plugin allow %s" % params["plugin"])


def main():
    """The module."""
    module = AnsibleModule(
        argument_spec={
            "plugin": {"type": "str", "required": True},
            "params": {"type": "dict", "default": {}},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
            "method": {"type": "str"},
            "via": {"type": "str", "default": "auto",
                    "choices": ["auto", "agent", "local"]},
            "name": {"type": "str"},
            "key": {"type": "str", "no_log": False},
            "timeout": {"type": "str"},
            "changes": {"type": "bool", "default": True},
            "program": {"type": "str", "default": "devops_agent"},
            "config": {"type": "path"},
        },
        supports_check_mode=True)
    params = module.params
    extra = [name for name in AGENT_ONLY if params[name] is not None]
    if extra and params["via"] != "agent":
        module.fail_json(msg="%s: goes with via=agent only" % ", ".join(extra))
    program = find_program(module)
    if program is None and module.check_mode:
        module.exit_json(changed=params["changes"],
                         msg="%s is not installed yet" % params["program"])
    if program is None:
        module.fail_json(msg="%s is not installed on this host"
                         % params["program"])
    agent = Agent(module.run_command, program, params["config"])
    try:
        if module.check_mode:
            check_job(agent, params)
            module.exit_json(changed=params["changes"])
        succeeded, result = run_job(module, agent)
    except AgentError as e:
        module.fail_json(msg=e.text)
    if succeeded:
        module.exit_json(**result)
    module.fail_json(**result)


if __name__ == "__main__":
    main()
