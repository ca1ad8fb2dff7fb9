"""Why no bundle was made.

ToolError
└── BundleError
    ├── RequirementsUnreadable   a lock, requirements.txt, pyproject.toml or the settings: what is not read
    │   └── LockOutdated         a lock that is older than what the project asks for
    ├── SourcesUnusable          the project's own files cannot ship as they are
    ├── ModulesMissing           the app imports what the archive would not have
    ├── BundleTooLarge           more than Lambda unpacks
    ├── SdkUnusable              the settings ask for a service that the SDK does not have
    ├── NativeMismatch           a native library that does not load on the target
    ├── CacheUnusable            the cache folder takes nothing, or loses what it takes
    └── ResolutionFailed         the resolver's last words, where they are not understood
        ├── ResolverMissing      neither uv nor pip is there
        ├── NoFittingWheel       a dependency that cannot be had for the target
        ├── PackageNotFound      no such package, or no such version
        ├── DependencyConflict   two requirements that exclude each other
        ├── IndexUnreachable     the network, not the requirements
        ├── WheelUnreachable     the network, or the URL that a requirement names
        ├── DownloadDamaged      a file of the index that is not what the index, the lock or itself says
        ├── SourceUnreachable    a repository, or a revision of it, that cannot be had
        └── SourceUnbuildable    a folder, a repository or a source archive that no wheel comes of
"""

from __future__ import annotations

from microlambda.project.errors import ToolError


class BundleError(ToolError):
    """No bundle could be made."""


class RequirementsUnreadable(BundleError):
    """The requirements are not written in a way that this version reads."""


class LockOutdated(RequirementsUnreadable):
    """A lock does not hold what the project's manifest asks for; the message says which command mends it."""


class SourcesUnusable(BundleError):
    """The project's own files cannot be shipped as they are."""


class ModulesMissing(BundleError):
    """The app imports modules that would not be on Lambda."""


class BundleTooLarge(BundleError):
    """The bundle is over one of Lambda's limits."""


class CacheUnusable(BundleError):
    """The cache folder cannot be written to, or does not keep what is written."""


class SdkUnusable(BundleError):
    """The SDK cannot ship in the way that the settings ask for."""


class NativeMismatch(BundleError):
    """A native library does not load on the target."""


class ResolutionFailed(BundleError):
    """The dependencies could not be resolved for the target."""


class ResolverMissing(ResolutionFailed):
    """Neither uv nor pip is installed, or not the one that was asked for."""


class NoFittingWheel(ResolutionFailed):
    """A dependency has nothing that runs on the target."""


class PackageNotFound(ResolutionFailed):
    """The index has no such package, or no such version of it."""


class DependencyConflict(ResolutionFailed):
    """Two requirements exclude each other."""


class IndexUnreachable(ResolutionFailed):
    """The package index did not answer."""


class WheelUnreachable(ResolutionFailed):
    """The URL that a requirement names did not answer, or not with a wheel."""


class DownloadDamaged(ResolutionFailed):
    """A file is not what the index, the lock or its own list of contents says of it."""


class SourceUnreachable(ResolutionFailed):
    """A repository did not answer, or has no such revision."""


class SourceUnbuildable(ResolutionFailed):
    """No wheel comes of a folder, a repository or a source archive."""
