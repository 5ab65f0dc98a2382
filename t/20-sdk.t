#!/bin/bash
# The Python SDK: its loader as the agent starts it, and what authors use.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT"/t/sdk
