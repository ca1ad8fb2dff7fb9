"""What ends a deploy, a look at AWS, or a call: one sentence each, with the remedy.

ToolError
├── NoCredentials, NoRegion, InvalidRegion    AWS cannot be asked at all
├── ProfileNotFound, InvalidAwsConfig         nor with this configuration of the AWS SDK
├── CredentialsRefused                        expired or unknown to AWS
├── AwsUnreachable                            no network, no such endpoint
├── WrongAccount, LocalStageOnAws             this is not where the stage belongs
├── NotOurs                                   a name is taken by what this project did not make
├── LockHeld                                  another deploy of the stage is running
├── NotDeployed                               the stage has nothing on AWS to look at
├── NothingToRollBack                         no version to go back to
├── FunctionFailed                            the function that was called raised
└── DeployFailed                              a change could not be made
    ├── ArchiveTooLarge                       more than Lambda takes in one upload
    └── CheckFailed                           the new version does not start; the old one goes on serving
"""

from __future__ import annotations

from microlambda.project.errors import ToolError


class NoCredentials(ToolError):
    """The SDK found no credentials."""


class NoRegion(ToolError):
    """Neither the command, nor the settings, nor the profile say which region."""


class InvalidRegion(ToolError):
    """What is given as the region cannot be one."""


class InvalidAwsConfig(ToolError):
    """The AWS SDK's configuration cannot be read, or asks for what is not there."""


class ProfileNotFound(ToolError):
    """The AWS configuration has no profile of that name."""


class CredentialsRefused(ToolError):
    """AWS knows the credentials no longer, or never did."""


class AwsUnreachable(ToolError):
    """No answer from the endpoint."""


class WrongAccount(ToolError):
    """The stage belongs to another account than the credentials."""


class LocalStageOnAws(ToolError):
    """The stage `local` is for this machine."""


class NotOurs(ToolError):
    """Something of a planned name is there, and it is not this project's."""


class LockHeld(ToolError):
    """Another deploy of the same stage is running."""


class NotDeployed(ToolError):
    """The stage has nothing on AWS that the command could work on."""


def deploy_first(stage: str) -> str:
    """Say what to run where a stage is not deployed."""
    named = "" if stage == "dev" else f" --stage {stage}"
    return f"Deploy it first: microlambda deploy{named}"


class NothingToRollBack(ToolError):
    """There is no version to go back to."""


class FunctionFailed(ToolError):
    """The function that was called raised; the message is its error with the traceback."""


class DeployFailed(ToolError):
    """A call to AWS failed; the changes before it are in place."""


class ArchiveTooLarge(DeployFailed):
    """The archive is larger than Lambda accepts in one upload."""


class CheckFailed(DeployFailed):
    """The published version cannot import the app, or cannot run it."""
