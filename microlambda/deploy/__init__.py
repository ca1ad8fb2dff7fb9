"""Plan x what AWS has now -> Changes -> applied. AWS is the state: nothing is remembered on this machine."""
