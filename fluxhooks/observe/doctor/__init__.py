"""Which link between a push and the cluster is broken, with evidence and cure; changes nothing."""
