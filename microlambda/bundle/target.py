"""What a bundle is made for: a Python version, a processor and a C library."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

from packaging.markers import default_environment

#: The newest manylinux tag that each Lambda runtime can load: a wheel tagged for a newer glibc fails at
#: import, on Lambda only. python3.11 is on Amazon Linux 2 (glibc 2.26; uv knows no tag between 2_17 and 2_28,
#: so 2_17 it is for both resolvers), later ones on Amazon Linux 2023 (glibc 2.34).
#: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
_NEWEST_MINOR = {"3.11": 17}
_NEWEST_MINOR_SINCE_3_12 = 34

#: How wheels and markers spell what Lambda calls arm64.
_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}

#: The oldest manylinux tag named after its glibc; resolvers know the older ones (manylinux2014 and before)
#: from it.
_OLDEST_MINOR = 17


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where the archive will run; `platforms` are tags of wheels, newest first, and empty for the host."""

    python: str  # "3.13"
    architecture: str  # "x86_64" or "arm64"
    platforms: tuple[str, ...] = ()
    host: bool = False

    @classmethod
    def for_lambda(cls, python: str, architecture: str) -> Target:
        """Describe the Lambda runtime of this Python version ("3.13") on this architecture."""
        newest = _NEWEST_MINOR.get(python, _NEWEST_MINOR_SINCE_3_12)
        machine = _MACHINES[architecture]
        platforms = tuple(f"manylinux_2_{minor}_{machine}" for minor in range(newest, _OLDEST_MINOR - 1, -1))
        return cls(python=python, architecture=architecture, platforms=platforms)

    @classmethod
    def for_host(cls) -> Target:
        """Describe the interpreter and the machine that runs us: what `deploy --local` bundles for."""
        machine = platform.machine().lower()
        architecture = "arm64" if machine in {"arm64", "aarch64"} else machine.replace("amd64", "x86_64")
        return cls(
            python=f"{sys.version_info[0]}.{sys.version_info[1]}", architecture=architecture, host=True
        )

    @property
    def machine(self) -> str:
        """Name the processor as wheels, markers and uv do."""
        return _MACHINES.get(self.architecture, self.architecture)

    @property
    def cache_tag(self) -> str:
        """Name the bytecode of this Python version as its files do: cpython-313."""
        return f"cpython-{self.python.replace('.', '')}"

    @property
    def markers(self) -> dict[str, str]:
        """Give the environment in which markers are judged: the target's, not that of this machine."""
        if self.host:
            return {key: str(value) for key, value in default_environment().items()}
        full = f"{self.python}.0"  # the oldest patch release; what Lambda runs is newer
        return {
            "implementation_name": "cpython",
            "implementation_version": full,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": full,
            "python_version": self.python,
            "sys_platform": "linux",
        }

    @property
    def glibc(self) -> str:
        """Name the newest C library that wheels may ask for; empty on the host, which installers know."""
        return ".".join(self.platforms[0].split("_")[1:3]) if self.platforms else ""

    def __str__(self) -> str:
        if self.host:
            return f"this machine (python{self.python}, {self.architecture})"
        return f"python{self.python} on {self.architecture} (glibc up to {self.glibc})"
