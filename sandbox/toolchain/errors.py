"""What the toolchain raises."""


class ToolchainError(RuntimeError):
    """A program cannot be had; the message says which, why, and what would do instead."""
