"""The plugin's program: the engine starts it with its own address and reads the port it prints."""

import asyncio
import sys

from sandbox.plugins.kubernetes import lean

if __name__ == "__main__":
    lean.leave_out_the_rest()
    from sandbox.plugins.kubernetes.server import serve

    asyncio.run(serve(engine_address=sys.argv[1] if len(sys.argv) > 1 else ""))
