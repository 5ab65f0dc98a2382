# /// devops_agent
# name: greet
# version: 1.0.0
# description: Greets by name; the smallest plugin, to start one's own from.
# params:
#   type: object
#   properties:
#     name: {type: string, default: world, description: Whom to greet.}
#   additionalProperties: false
# limits: {timeout: 5s, memory: 64MiB}
# ///


def register():
    return greet


def greet(job):
    return {"greeting": "hello, " + job.params.get("name", "world")}
