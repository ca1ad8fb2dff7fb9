"""A small AWS on this machine: gateway, Lambda Runtime API, execution environments, the embedded cloud.

It builds events from HTTP by itself and never imports the runtime's ingress adapters, so that a mistake in
one of the two cannot hide in the other.
"""
