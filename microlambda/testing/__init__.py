"""What tests of an app use: the client, and the pytest plugin that gives them the stage's environment."""
