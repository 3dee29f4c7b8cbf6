"""What looking costs, beside the requests that it cannot do without."""
