"""python3 -m devops_agent: see _cli."""

import sys

from devops_agent._cli import main

sys.exit(main(sys.argv[1:]))
