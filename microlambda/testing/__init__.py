"""What tests of an app use: the client, and the pytest plugin that gives them the stage's environment."""

from microlambda.emulator.events.sqs import Message

__all__ = ["Message"]
