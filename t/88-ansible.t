#!/bin/bash
# The Ansible collection: its modules by themselves; `make check-fleet` has them
# on hosts.
. "$(dirname "$0")/lib/tap.sh"

/usr/bin/python3 -c 'import ansible.module_utils.basic' 2>/dev/null ||
	skip_all "no ansible-core for /usr/bin/python3"
pytest "$ROOT"/t/ansible
