"""`spec.services.*.config`: the settings of a service, whose keys, types and bounds the catalogue knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, with_config
from pydantic_core import CoreSchema
from typing_extensions import TypedDict

from controller.api.quantity import duration, size
from services.catalogue import BY_NAME, ConfigKey

Setting = int | float | bool | str
"""Value of one key. A key that is left out keeps the default of the version that runs."""


@dataclass(frozen=True)
class Configuration:
    """Marks a mapping as that of one service, so that only its keys with their types are accepted."""

    service: str

    @property
    def shape(self) -> Any:
        """The type that knows the keys: none of them required, no others allowed."""
        keys = {key.name: _type_of(key) for key in BY_NAME[self.service].config}
        shape = TypedDict(f"{self.service.title()}Config", keys, total=False)  # type: ignore[misc]
        return with_config(ConfigDict(extra="forbid", strict=True))(shape)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(self.shape)


def _type_of(key: ConfigKey) -> Any:
    """The type of one key, with the catalogue's bounds and words."""
    low = None if key.minimum is None else int(key.minimum)
    high = None if key.maximum is None else int(key.maximum)
    doc = Field(description=f"{key.doc} Left out: `{key.default}`." if key.default else key.doc)
    match key.type:
        case "int":
            return Annotated[int, Field(ge=low, le=high if high is not None else 2**31 - 1), doc]
        case "float":
            return Annotated[float, Field(ge=key.minimum, le=key.maximum), doc]
        case "bool":
            return Annotated[bool, doc]
        case "bytes":
            return Annotated[size(low, high), doc]
        case "duration":
            return Annotated[duration(low, high), doc]
        case "str":
            return Annotated[str, Field(max_length=1000), doc]
