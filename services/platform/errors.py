"""The root of every anticipated refusal."""

import dataclasses
import re
from typing import Any, ClassVar

_WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class DomainError(Exception):
    """An anticipated refusal: a code and its facts, without a sentence.

    Subclasses are dataclasses (``@dataclass(eq=False)``) whose fields are the facts. The code is the class name in
    upper snake case; the edge turns code and facts into a sentence in the reader's language.
    """

    code: ClassVar[str] = "DOMAIN_ERROR"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.code = _WORD_BOUNDARY.sub("_", cls.__name__).upper()

    def facts(self) -> dict[str, Any]:
        """The facts of the refusal by field name."""
        if not dataclasses.is_dataclass(self):
            return {}
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def __str__(self) -> str:
        return f"{self.code} {self.facts()}"


@dataclasses.dataclass(eq=False)
class InvalidInput(DomainError):
    """A value that no rule of the business could accept: ``field`` is the input's path, ``reason`` a code."""

    field: str
    reason: str
    limit: str | None = None
