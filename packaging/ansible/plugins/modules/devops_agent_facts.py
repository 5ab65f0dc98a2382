#!/usr/bin/python
"""What the agent of a host is, has and does, as facts."""

DOCUMENTATION = r"""
---
module: devops_agent_facts
short_description: Gather facts about devops_agent on a host
version_added: 1.0.0
description:
  - Returns what C(devops_agent status), C(plugin list), C(schedule list) and
    C(forward status) say, as the fact C(devops_agent).
  - A host without the program, or with an agent that does not run, is not an
    error, but a fact.
options:
  gather:
    description:
      - What is asked for beside the version and whether the agent runs.
        C(doctor) tries every layer of the sandbox, which takes a second.
    type: list
    elements: str
    choices: [status, plugins, schedules, destinations, doctor]
    default: [status, plugins, schedules, destinations]
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
    description: Nothing is changed in any mode.
  diff_mode:
    support: none
    description: Nothing is changed in any mode.
  facts:
    support: full
    description: The fact C(devops_agent) is set.
author:
  - The devops_agent maintainers (@devops-agent)
"""

EXAMPLES = r"""
- name: Look at the agents
  devops_agent.agent.devops_agent_facts:

- name: Every destination takes what it is owed
  ansible.builtin.assert:
    that: >-
      ansible_facts.devops_agent.destinations
      | rejectattr('state', 'equalto', 'ok') | length == 0
"""

RETURN = r"""
ansible_facts:
  description: The facts.
  returned: always
  type: dict
  contains:
    devops_agent:
      description: About the agent.
      returned: always
      type: dict
      contains:
        installed:
          description: Whether there is a program.
          type: bool
          returned: always
        version:
          description: Its version.
          type: str
          returned: where it is installed
        running:
          description: Whether an agent answers at its socket.
          type: bool
          returned: always
        status:
          description: What C(devops_agent status --json) prints, without the
            metrics.
          type: dict
          returned: where it runs
        plugins:
          description: The plugins, by name.
          type: dict
          returned: where it is installed
        schedules:
          description: What runs when, a list.
          type: list
          elements: dict
          returned: where it runs
        destinations:
          description: Where records are pushed to, a list.
          type: list
          elements: dict
          returned: where it runs
        doctor:
          description: What this host can enforce, a list.
          type: list
          elements: dict
          returned: where it was asked for
        errors:
          description: What could not be asked, by name, and why.
          type: dict
          returned: always
  sample:
    devops_agent:
      installed: true
      version: 0.1.0
      running: true
      errors: {}
"""

from ansible.module_utils.basic import AnsibleModule  # noqa: E402
from ansible_collections.devops_agent.agent.plugins.module_utils.agent import (  # noqa: E402,E501
    Agent, AgentError, find_program, read_objects)

# What: the command, and whether an agent must run for it.
LISTS = {
    "plugins": (("plugin", "list"), False),
    "schedules": (("schedule", "list"), True),
    "destinations": (("forward", "status"), True),
}


def ask_status(agent, facts):
    """Whether it runs; and how it is."""
    try:
        status = agent.object("status")
    except AgentError as e:
        facts["errors"]["status"] = e.text
        return None
    facts["running"] = True
    status.pop("metrics", None)
    return status


def ask_doctor(agent):
    """Its lines; that the minimum is not met is a line, not an error."""
    status, out, err = agent.call("doctor", "--json")
    if status not in (0, 1):
        raise AgentError("doctor: exit status %d" % status)
    return read_objects(out)


def ask_list(agent, name, facts):
    """A list command; None where it can't be asked."""
    words, needs_agent = LISTS[name]
    if needs_agent and not facts["running"]:
        return None
    items = agent.objects(*words)
    if name == "plugins":
        return dict((item["name"], item) for item in items)
    return items


def gather(agent, wanted):
    """The fact."""
    facts = {"installed": False, "running": False, "errors": {}}
    version = agent.version() if agent else None
    if version is None:
        return facts
    facts.update(installed=True, version=version)
    status = ask_status(agent, facts)
    if status is not None and "status" in wanted:
        facts["status"] = status
    for name in wanted:
        try:
            if name == "doctor":
                facts[name] = ask_doctor(agent)
            elif name in LISTS:
                items = ask_list(agent, name, facts)
                if items is not None:
                    facts[name] = items
        except (AgentError, ValueError) as e:
            facts["errors"][name] = getattr(e, "text", str(e))
    return facts


def main():
    """The module."""
    choices = ["status", "plugins", "schedules", "destinations", "doctor"]
    module = AnsibleModule(
        argument_spec={
            "gather": {"type": "list", "elements": "str", "choices": choices,
                       "default": choices[:-1]},
            "program": {"type": "str", "default": "devops_agent"},
            "config": {"type": "path"},
        },
        supports_check_mode=True)
    program = find_program(module)
    agent = program and Agent(module.run_command, program,
                              module.params["config"])
    module.exit_json(changed=False, ansible_facts={
        "devops_agent": gather(agent, module.params["gather"])})


if __name__ == "__main__":
    main()
