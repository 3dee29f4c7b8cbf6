"""Free TCP ports on loopback for programs that must be told theirs."""

import random
import socket
from contextlib import ExitStack

# Below 32768, where Linux (and above which every other system) takes the ports of outgoing
# connections from: a program that is stopped for a while finds its port still free.
LOWEST, HIGHEST = 20000, 32767


def free_ports(count: int) -> list[int]:
    """`count` different ports nobody listens on; somebody else may still bind one first."""
    with ExitStack() as bound:
        ports: list[int] = []
        for port in random.sample(range(LOWEST, HIGHEST + 1), HIGHEST + 1 - LOWEST):
            if len(ports) == count:
                return ports
            candidate = bound.enter_context(socket.socket())
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            ports.append(port)
    raise OSError(f"fewer than {count} free ports between {LOWEST} and {HIGHEST} on 127.0.0.1")
