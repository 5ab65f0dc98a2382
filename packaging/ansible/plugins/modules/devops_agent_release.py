#!/usr/bin/python
"""Plugins and grants as one release, named by its content, swapped whole."""

DOCUMENTATION = r"""
---
module: devops_agent_release
short_description: Stage and activate plugins and grants of devops_agent
version_added: 1.0.0
description:
  - A release is a folder I(path)C(/releases/ID) with C(plugins) and
    C(grants.d), ID being a hash of all that is in it. I(path)C(/current) is a
    symlink to the one in force, and is swapped in one step.
  - With I(state=staged) the files go to a release that is not in force, and
    every plugin is checked as the agent will, so that a broken header or a
    plugin that asks for more than it is granted is found before anything runs.
  - With I(state=active) that release, or an earlier one, is put in force. The
    agent takes it up when it is reloaded.
options:
  src:
    description:
      - A folder of the controller, with C(python), C(shell) or executables, as
        I(plugins.path) of the configuration has it. Relative to the role's or
        the playbook's C(files) folder. Caches and hidden files are left out.
      - Without it the release has the program's own plugins alone.
    type: str
  bundled:
    description:
      - Whether the program's own plugins are part of the release. A file of
        I(src) replaces the one of the same name.
    type: bool
    default: true
  grants:
    description:
      - What each plugin is granted, by the name in its header. C(asked) is all
        that its header asks for; C(denied) is that it never runs; a map is the
        permissions as in a header, and a plugin that asks for more is refused.
    type: dict
    default: {}
  state:
    description:
      - How far the release is taken.
    type: str
    choices: [staged, active]
    default: staged
  release:
    description:
      - The release that becomes active; required by I(state=active).
    type: str
  keep:
    description:
      - With I(state=active), how many releases are kept beside it. The newest
        ones and the one before are.
    type: int
    default: 3
  path:
    description:
      - Where releases are.
    type: path
    default: /etc/devops_agent
  program:
    description:
      - The program, by name or path.
    type: str
    default: devops_agent
attributes:
  check_mode:
    support: full
    description: Nothing is written.
  diff_mode:
    support: full
    description: The files that differ from the release in force are shown.
  action:
    support: full
    description: Files are read on the controller.
author:
  - The devops_agent maintainers (@devops-agent)
"""

EXAMPLES = r"""
- name: Stage the plugins
  devops_agent.agent.devops_agent_release:
    src: plugins
    grants:
      check-backup: {read: [/var/backups]}
  register: staged

- name: Put them in force
  devops_agent.agent.devops_agent_release:
    state: active
    release: "{{ staged.release }}"
"""

RETURN = r"""
release:
  description: The release's ID.
  returned: always
  type: str
  sample: 3f1c0a9b2d4e5f60
release_path:
  description: Its folder.
  returned: always
  type: str
  sample: /etc/devops_agent/releases/3f1c0a9b2d4e5f60
previous:
  description: The release that was in force when the module began, or "".
  returned: always
  type: str
  sample: ""
pruned:
  description: Releases that were removed.
  returned: with I(state=active)
  type: list
  elements: str
  sample: []
"""

import base64  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402
from ansible_collections.devops_agent.agent.plugins.module_utils.agent import (  # noqa: E402,E501
    Agent, AgentError, find_program)
from ansible_collections.devops_agent.agent.plugins.module_utils.release import (  # noqa: E402,E501
    Releases, bundled_files, differences, release_id)


def take_files(params, program):
    """{relative path: (bytes, whether it is executable)}."""
    files = {}
    if params["bundled"] and program:
        files.update(bundled_files(program))
    for entry in params["files"]:
        files[entry["path"]] = (base64.b64decode(entry["content"]),
                                entry["executable"])
    return files


def stage(module, releases, program):
    """With state=staged."""
    params = module.params
    files = take_files(params, program)
    name = release_id(files, params["grants"])
    current = releases.current()
    result = {"changed": not releases.has(name), "release": name,
              "release_path": releases.folder(name), "previous": current}
    if name != current and module._diff:
        result["diff"] = differences(
            releases.files(current) if current else {}, files)
    if result["changed"] and not module.check_mode:
        releases.stage(name, files, params["grants"],
                       Agent(module.run_command, program))
    return result


def activate(module, releases):
    """With state=active."""
    params = module.params
    name, current = params["release"], releases.current()
    result = {"changed": name != current, "release": name,
              "release_path": releases.folder(name), "previous": current,
              "diff": {"before": current + "\n", "after": name + "\n",
                       "before_header": releases.link,
                       "after_header": releases.link}}
    if not module.check_mode and name != current:
        releases.activate(name)
    pruned = releases.to_prune([name, current], params["keep"])
    if not module.check_mode:
        releases.prune(pruned)
    return dict(result, pruned=pruned)


def main():
    """The module."""
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "str"},
            "files": {"type": "list", "elements": "dict", "default": []},
            "bundled": {"type": "bool", "default": True},
            "grants": {"type": "dict", "default": {}},
            "state": {"type": "str", "default": "staged",
                      "choices": ["staged", "active"]},
            "release": {"type": "str"},
            "keep": {"type": "int", "default": 3},
            "path": {"type": "path", "default": "/etc/devops_agent"},
            "program": {"type": "str", "default": "devops_agent"},
        },
        required_if=[("state", "active", ["release"])],
        supports_check_mode=True)
    releases = Releases(module.params["path"])
    program = find_program(module)
    try:
        if module.params["state"] == "active":
            module.exit_json(**activate(module, releases))
        if program is None and not module.check_mode:
            raise AgentError("%s is not installed on this host"
                             % module.params["program"])
        module.exit_json(**stage(module, releases, program))
    except AgentError as e:
        module.fail_json(msg=e.text)
    except OSError as e:
        module.fail_json(msg="%s: %s" % (e.filename, e.strerror))


if __name__ == "__main__":
    main()
