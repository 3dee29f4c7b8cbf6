"""What a rotation costs, and what it loses: ours beside the ways in use."""
