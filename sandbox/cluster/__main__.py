"""`python -m sandbox.cluster`: a cluster to play with, until Ctrl-C."""

import signal
import sys
import time
from contextlib import ExitStack

from sandbox.cluster import Cluster, ClusterError
from sandbox.toolchain import ToolchainError
from sandbox.toolchain.show import Show


def main() -> int:
    """Start a cluster, say how to reach it, and stop it on Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    try:
        with ExitStack() as stack:
            with Show() as show:
                cluster = stack.enter_context(Cluster(report=show))
            print(f"ready after {time.monotonic() - began:.1f} s; Ctrl-C stops it")
            print(f"export KUBECONFIG={cluster.kubeconfig}")
            print(f"receivers: http://127.0.0.1:{cluster.receiver_port}/hook/...")
            print(f"logs: {cluster.logs}", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        return 0
    except (ClusterError, ToolchainError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
