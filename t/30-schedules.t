#!/bin/bash
# When schedules are due: cron and time zones, beside what croniter and Python's
# zoneinfo say.
. "$(dirname "$0")/lib/tap.sh"

pytest "$ROOT"/t/schedules
