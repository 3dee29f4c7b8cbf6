"""Loads pulumi's protobufs and httpx without the parts that a plugin never uses.

An engine starts the plugin in every `pulumi up`, and waits for it: `import pulumi` runs the whole
SDK and `import httpx` much that is optional, which takes longer than everything else here.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def leave_out_the_rest() -> None:
    """Make later imports of `pulumi.runtime.proto` and `httpx` skip what surrounds them.

    Only for a process that is nothing but the plugin: `import pulumi` is of no use afterwards.
    """
    origin = importlib.util.find_spec("pulumi")
    if origin is None or origin.origin is None:
        raise ModuleNotFoundError("stand-in: the package 'pulumi' is missing: pip install pulumi")
    root = Path(origin.origin).parent
    for name in ("pulumi", "pulumi.runtime", "pulumi.runtime.proto"):
        module = ModuleType(name)
        module.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = module
    # Both are optional parts of httpx: its command line, and HTTP/2.
    for name in ("httpx._main", "h2"):
        sys.modules[name] = None  # type: ignore[assignment]
