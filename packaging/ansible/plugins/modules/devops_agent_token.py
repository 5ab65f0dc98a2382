#!/usr/bin/python
"""Issues a token of the agent's HTTP API, once, or revokes it."""

DOCUMENTATION = r"""
---
module: devops_agent_token
short_description: Issue or revoke a token of devops_agent's HTTP API
version_added: 1.0.0
description:
  - Issues a token by the running agent's socket, unless there is one of that
    name. The agent keeps its hash alone and shows it this once, so the module
    returns it; register the result with C(no_log) and store it.
  - A token that is there already is left as it is. Its role can't be changed;
    one with another role is an error, to be revoked first.
options:
  name:
    description:
      - The token's name.
    type: str
    required: true
  role:
    description:
      - What it may.
    type: str
    choices: [reader, operator, admin]
    default: reader
  expires:
    description:
      - How long it holds, such as C(90d). Without it, until it is revoked.
    type: str
  dest:
    description:
      - A file of the managed host that the token is written to, which only
        root can read. Where it is given the token is not returned.
    type: path
  state:
    description:
      - Whether the token is to be there.
    type: str
    choices: [present, absent]
    default: present
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
    description: Nothing is issued or revoked.
  diff_mode:
    support: none
    description: A token has nothing that could be shown.
author:
  - The devops_agent maintainers (@devops-agent)
"""

EXAMPLES = r"""
- name: Issue a token for the deployment
  devops_agent.agent.devops_agent_token:
    name: deploy
    role: operator
    expires: 90d
  register: token
  no_log: true

- name: Revoke an old one
  devops_agent.agent.devops_agent_token:
    name: old
    state: absent
"""

RETURN = r"""
token:
  description: The token. It can't be asked for again.
  returned: where it was issued, and I(dest) is not given
  type: str
  sample: dagt_example
"""

import os  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402
from ansible_collections.devops_agent.agent.plugins.module_utils.agent import (  # noqa: E402,E501
    Agent, AgentError, find_program, write_new)


def find_token(agent, name):
    """The token of that name as it is listed, or None."""
    for token in agent.objects("token", "list"):
        if token.get("name") == name:
            return token
    return None


def issue(agent, params):
    """The new token's text."""
    words = ["token", "add", "--name", params["name"],
             "--role", params["role"]]
    if params["expires"] is not None:
        words += ["--expires", params["expires"]]
    return agent.ask(*words).strip()


def store(agent, params, token):
    """To the file; a token that can't be stored is revoked again."""
    try:
        write_new(params["dest"], (token + "\n").encode(), 0o600)
    except OSError as e:
        agent.ask("token", "revoke", params["name"])
        raise AgentError("%s: %s" % (params["dest"], e.strerror),
                         "the token was revoked again")


def settle(module, agent):
    """What the module returns."""
    params = module.params
    there = find_token(agent, params["name"])
    if params["state"] == "absent":
        if there and not module.check_mode:
            agent.ask("token", "revoke", params["name"])
        return {"changed": bool(there)}
    if there:
        if there.get("role") != params["role"]:
            raise AgentError(
                "the token %s has the role %s, not %s"
                % (params["name"], there.get("role"), params["role"]),
                "revoke it by state=absent first")
        return {"changed": False}
    if module.check_mode:
        return {"changed": True}
    if params["dest"] and not os.path.isdir(os.path.dirname(params["dest"])):
        raise AgentError("%s: there is no such folder"
                         % os.path.dirname(params["dest"]))
    token = issue(agent, params)
    if not params["dest"]:
        return {"changed": True, "token": token}
    store(agent, params, token)
    return {"changed": True}


def main():
    """The module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "role": {"type": "str", "default": "reader",
                     "choices": ["reader", "operator", "admin"]},
            "expires": {"type": "str"},
            "dest": {"type": "path"},
            "state": {"type": "str", "default": "present",
                      "choices": ["present", "absent"]},
            "program": {"type": "str", "default": "devops_agent"},
            "config": {"type": "path"},
        },
        supports_check_mode=True)
    program = find_program(module)
    if program is None and module.check_mode:
        module.exit_json(changed=module.params["state"] == "present")
    if program is None:
        module.fail_json(msg="%s is not installed on this host"
                         % module.params["program"])
    agent = Agent(module.run_command, program, module.params["config"])
    try:
        result = settle(module, agent)
    except AgentError as e:
        # In check mode, what would start the agent has not been done.
        if module.check_mode and e.status == 125:
            module.exit_json(changed=module.params["state"] == "present")
        module.fail_json(msg=e.text)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
