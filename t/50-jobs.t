#!/bin/bash
# The agent as a service: jobs, from the socket to the record.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT/t/agent/test_jobs.py"
