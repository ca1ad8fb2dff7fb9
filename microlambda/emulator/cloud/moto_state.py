"""moto's state between two runs: what services hold, in one file.

What the deployer makes anew at each start is left out: functions with their mappings, and APIs. The objects
are moto's own, so the file is for the same versions of moto and Python; that of others is refused, and stays.
"""

from __future__ import annotations

import copyreg
import io
import json
import os
import pickle
import sys
import threading
from collections import defaultdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import cloudpickle
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from microlambda.emulator.errors import StateUnreadable

if TYPE_CHECKING:
    from pathlib import Path

FILE = "aws.state"

#: Services that are made anew at each start, and moto's own.
_LEFT_OUT = frozenset(("lambda", "apigateway", "apigatewayv2", "moto_api", "sts"))

_TRIES = 5

_LOCKS = {type(threading.Lock()): threading.Lock, type(threading.RLock()): threading.RLock}


def written_by() -> dict[str, str]:
    """Say what the file is for: the versions whose objects it holds."""
    return {"moto": version("moto"), "python": f"{sys.version_info.major}.{sys.version_info.minor}"}


def save(folder: Path, places: Any) -> list[str]:
    """Write the state, and `places` beside it, in one step; names the services that cannot be kept.

    Nobody may change moto's state meanwhile.
    """
    kept, left = _services()
    file = folder / FILE
    half = folder / f"{FILE}.{os.getpid()}"
    try:
        with half.open("wb") as out:
            out.write(json.dumps(written_by()).encode() + b"\n")
            pickle.dump({"services": kept, "places": places}, out)
            out.flush()
            os.fsync(out.fileno())
        half.replace(file)
    finally:
        half.unlink(missing_ok=True)
    return left


def load(folder: Path) -> Any:
    """Put the state of the last run back, and give its places; None where there was none."""
    file = folder / FILE
    try:
        head, _, body = file.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    _check(file, head)
    try:
        kept = pickle.loads(body)  # noqa: S301 - of our own earlier run, in a folder of the user's
        services = {name: pickle.loads(content) for name, content in kept["services"].items()}  # noqa: S301
    except Exception as exc:
        raise StateUnreadable(f"{file} cannot be read: {exc}. {_remedy(file)}") from exc
    for name, accounts in services.items():
        _put_back(name, accounts)
    return kept["places"]


def _check(file: Path, head: bytes) -> None:
    try:
        told = json.loads(head)
    except ValueError as exc:
        raise StateUnreadable(f"{file} is no state of microlambda's. {_remedy(file)}") from exc
    if told != written_by():
        words = ", ".join(f"{name} {number}" for name, number in told.items())
        ours = ", ".join(f"{name} {number}" for name, number in written_by().items())
        raise StateUnreadable(f"{file} was kept with {words}; here are {ours}. {_remedy(file)}")


def _remedy(file: Path) -> str:
    return f"Give another --data, or remove {file.name}."


def _services() -> tuple[dict[str, bytes], list[str]]:
    from moto.core.base_backend import BackendDict

    kept: dict[str, bytes] = {}
    left: list[str] = []
    every: Any = BackendDict
    for service in list(every._instances):
        name = service.service_name
        if name in _LEFT_OUT:
            continue
        content = _whole(service)
        if content is None:
            left.append(name)
        else:
            kept[name] = content
    return kept, sorted(left)


def _whole(service: Any) -> bytes | None:
    """Pickle a service, again where it has changed meanwhile; None where it holds what cannot be pickled."""
    for _ in range(_TRIES):
        try:
            return _pickled({account: dict(service[account]) for account in list(service)})
        except RuntimeError:  # a dictionary has changed its size
            continue
        except Exception:  # noqa: BLE001 - whatever a service of moto's holds
            return None
    return None


def _put_back(name: str, accounts: dict[str, dict[str, Any]]) -> None:
    from moto import backends

    find: Any = backends.get_backend
    service = find(name)
    for account, regions in accounts.items():
        for region, backend in regions.items():
            service[account][region] = backend


class _Pickler(cloudpickle.CloudPickler):  # type: ignore[misc]  # it has no types
    """Pickles what moto's objects hold beside data: locks, functions made in place, keys."""

    def reducer_override(self, value: Any) -> Any:
        if type(value) in _LOCKS:
            return _LOCKS[type(value)], ()
        if isinstance(value, RSAPrivateKey):
            return _private_key, (_pem(value),)
        if isinstance(value, defaultdict) and type(value) is not defaultdict:
            state = (value.default_factory, vars(value))
            items = iter(dict.items(value))
            return copyreg.__newobj__, (type(value),), state, None, items, _set_state  # type: ignore[attr-defined]
        return super().reducer_override(value)


def _pickled(value: Any) -> bytes:
    out = io.BytesIO()
    _Pickler(out).dump(value)
    return out.getvalue()


def _set_state(value: Any, state: tuple[Any, dict[str, Any]]) -> None:
    """Give a dictionary of moto's own kind what its __init__ would have."""
    value.default_factory, own = state
    vars(value).update(own)


def _pem(key: RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _private_key(pem: bytes) -> Any:
    return serialization.load_pem_private_key(pem, password=None)
