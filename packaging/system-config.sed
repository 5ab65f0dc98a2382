# From config.example.yaml, which anybody may try where it lies, to the
# configuration of a host: what it keeps is where it belongs, and the API is
# closed until somebody opens it.
1,/^$/c\
# The configuration of devops_agent. Every setting is at its default; what may\
# be written here is in devops_agent.yaml(5).\

s|^  data_dir: .*|  data_dir: /var/lib/devops_agent|
s|^  anonymous: .*|  anonymous: none|
