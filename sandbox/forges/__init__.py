"""Stand-ins for the forges that send webhooks."""
