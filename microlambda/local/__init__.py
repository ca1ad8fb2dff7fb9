"""`microlambda local`: the app in a process of its own behind a gateway, with reload."""
