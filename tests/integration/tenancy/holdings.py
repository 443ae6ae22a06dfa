"""What a tenant has, as its own owner sees it: every object and every cursor that queries give."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.integration.tenancy.supplies import Supplies

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
TELLING_LENGTH_MIN = 8
"""Shorter texts (codes of currencies, kinds) are nobody's own."""


@dataclass(slots=True)
class Holdings:
    """One tenant's. ``canary`` stands in every text that the tenant's people wrote."""

    canary: str
    slug: str
    email: str
    password: str
    token: str
    look: Callable[[str], Any]
    """Asks a query as the owner: for what changes while the tenant is attacked."""
    supplies: Supplies
    """Makes, as the owner, what requests use up."""
    identities: Mapping[str, str]
    """The member's, by kind."""
    friend: Mapping[str, str]
    """The identities of the member to whom points are given, by kind; under ``id`` who that is."""
    objects: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    """Scalars of each object that was seen, by type."""
    cursors: dict[tuple[str, str], str] = field(default_factory=dict)
    """A cursor of each connection, by owner type and field."""
    texts: set[str] = field(default_factory=set)
    spare_emails: list[str] = field(default_factory=list)
    """Of members; an address that the attacker enrolled once is the attacker's own from then on."""

    def remember(self, value: Any, owner: str = "", name: str = "") -> None:
        """Keep what an answer tells."""
        if isinstance(value, list):
            for item in value:
                self.remember(item, owner, name)
        elif isinstance(value, Mapping):
            self._remember_object(value, owner, name)
        elif isinstance(value, str) and len(value) >= TELLING_LENGTH_MIN and not _INSTANT.fullmatch(value):
            self.texts.add(value)

    def one(self, type_name: str) -> dict[str, Any]:
        """The tenant's object of a type that its own people wrote, else its first.

        Raises:
            LookupError: it has none.
        """
        found = self.objects[type_name]
        if not found:
            raise LookupError(f"nothing makes a {type_name}: add it to the story that fills the tenants")
        return next((each for each in found if self.canary in json.dumps(each, ensure_ascii=False)), found[0])

    def identity(self, kind: str) -> str:
        """The member's identity of a kind."""
        return self.identities[kind]

    def _remember_object(self, value: Mapping[str, Any], owner: str, name: str) -> None:
        type_name = str(value.get("__typename", ""))
        if type_name.endswith("Connection") and value.get("edges"):
            self.cursors.setdefault((owner, name), value["edges"][0]["cursor"])
        for key, child in value.items():
            if key not in ("__typename", "cursor", "startCursor", "endCursor"):
                self.remember(child, type_name, key)
        scalars = {key: child for key, child in value.items() if not isinstance(child, Mapping | list)}
        if type_name and scalars not in self.objects[type_name]:
            self.objects[type_name].append(scalars)
