"""The plugin's program: the engine starts it with its own address and reads the port it prints."""

import asyncio
import sys

from sandbox.plugins import lean

if __name__ == "__main__":
    lean.leave_out_the_rest()
    from sandbox.plugins.gitlab.provider import Provider
    from sandbox.plugins.server import serve

    asyncio.run(serve(sys.argv[1] if len(sys.argv) > 1 else "", lambda _: Provider()))
