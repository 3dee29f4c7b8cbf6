"""What Flux itself defines, as pure functions and tables: no Pulumi resource, no I/O."""
