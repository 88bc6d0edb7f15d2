"""What all models of the declaration have in common: immutable, strict, camelCase outside, no unknown fields.

Rules that span fields are not pydantic validators but data (`rules.py`), so that the same rule is also written into the CRD;
`validate.parse` is the door through which documents come in.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from controller.api.rules import Rule, Transition


class Model(BaseModel):
    """A part of a declaration. Attributes are snake_case in Python and camelCase in documents."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )

    rules: ClassVar[tuple[Rule, ...]] = ()
    """What has to hold between the fields of this part."""

    transitions: ClassVar[tuple[Transition, ...]] = ()
    """What may not change."""
