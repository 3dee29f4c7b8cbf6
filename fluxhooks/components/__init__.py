"""What Pulumi declares: components, and the thin resources they are made of."""
