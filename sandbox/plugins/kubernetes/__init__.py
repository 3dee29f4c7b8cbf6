"""A stand-in for the pulumi-kubernetes plugin, for machines that cannot download the official one.

It speaks Pulumi's provider protocol to the engine and plain REST to the real API server. What it
answers is held against a recording of the official plugin, `tests/golden/kubernetes-plugin`; what
that plugin can do and this one cannot is refused with an error that starts with `stand-in:`, so
that a program never passes here for a reason that would fail it elsewhere.
"""
