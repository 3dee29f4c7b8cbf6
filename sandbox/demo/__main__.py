"""`make demo`: tells the story, checks every sentence of it, and fails when one is not true."""

import os
import sys
import time

from sandbox.cluster import ClusterError
from sandbox.demo.screen import Screen
from sandbox.demo.story import Story
from sandbox.sandbox import Sandbox
from sandbox.stack import PulumiFailedError
from sandbox.toolchain import ToolchainError
from sandbox.toolchain.show import Show


def main() -> int:
    """Run the demo; return 0 when everything was as it should be."""
    screen = Screen(as_json=os.environ.get("JSON") == "1")
    started = time.monotonic()
    screen.title("fluxhooks: push, and Flux is there")
    try:
        with Show() as show, Sandbox(report=show) as sandbox:
            story = Story(sandbox, screen)
            story.tell(started)
    except (ToolchainError, ClusterError) as error:
        screen.failure(str(error))
    except PulumiFailedError as error:
        screen.failure(str(error))
    except KeyboardInterrupt:
        screen.failure("interrupted; everything that was started has been stopped")
        return 130
    screen.end(time.monotonic() - started)
    return 1 if screen.failed else 0


if __name__ == "__main__":
    sys.exit(main())
