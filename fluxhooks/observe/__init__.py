"""What can be seen of a chain without changing it."""
