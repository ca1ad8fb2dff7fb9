"""Who may call what `microlambda local` serves: authorizers run, tokens and signatures are checked.

Keys that sign tokens come from the file that the settings name, or from the issuer, who is asked for them
when the first token comes. Signatures are good with the keys that functions on this machine have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from microlambda.emulator.gateway.access import Access
from microlambda.emulator.gateway.access.issuer_keys import IssuerKeys
from microlambda.emulator.gateway.access.jwks import keys_of_file
from microlambda.emulator.gateway.access.principals import local_principal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from microlambda.emulator.gateway.access.functions import Ask
    from microlambda.emulator.gateway.guards import Authorizer
    from microlambda.project.settings import Settings


def access_of(settings: Settings, authorizers: Mapping[str, Authorizer], ask: Ask) -> Access:
    """Give who decides for an API with these authorizers; `ask` runs a function of the app's."""
    found = keys_of_file(settings.root / settings.jwks) if settings.jwks else IssuerKeys()
    return Access(authorizers=authorizers, ask=ask, find_keys=found, find_principal=local_principal)
