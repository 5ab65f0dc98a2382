# /// devops_agent
# name: log-flood
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 1s}
# ///
"""A log without end, as fast as it can."""


def run(job):
    while True:
        job.log.info("x" * 1000)


def register():
    return run
