"""Flux on loopback: real controllers, API server and Pulumi engine, and stand-ins for the rest."""
