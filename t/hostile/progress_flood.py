# /// devops_agent
# name: progress-flood
# version: 1.0.0
# description: Tries to get out.
# limits: {timeout: 1s}
# ///
"""Progress without end."""


def run(job):
    while True:
        job.progress(2.0, "x" * 5000)


def register():
    return run
