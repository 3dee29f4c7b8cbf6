"""Pulumi's plugins for the sandbox, gathered in a PULUMI_HOME of its own."""
