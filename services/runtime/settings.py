"""The settings of one process, read once from its environment.

Stores are addressed by URL; passwords come from files named by CHATSYSTEM_*_PASSWORD_FILE, never from a URL or an
argument. Service settings are those of the catalogue. A value that cannot be used is a SettingsError that names the
variable and the remedy; all errors are reported at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from services.catalogue import BY_NAME, ConfigKey

_DURATION = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"": 1, "k": 1000, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


class SettingsError(Exception):
    """One or more variables are wrong; `problems` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def parse_value(key: ConfigKey, text: str) -> int | float | bool | str:
    """The typed value of a setting; durations in seconds, sizes in bytes. Raises ValueError with what would be right."""
    value: int | float | bool | str
    match key.type:
        case "str":
            return text
        case "bool":
            if text.lower() not in {"true", "false"}:
                raise ValueError("expected true or false")
            return text.lower() == "true"
        case "int":
            if not re.fullmatch(r"-?\d{1,18}", text):
                raise ValueError("expected a whole number")
            value = int(text)
        case "float":
            if not re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", text):
                raise ValueError("expected a number")
            value = float(text)
        case "duration":
            match_ = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)", text)
            if not match_:
                raise ValueError("expected a duration such as 30s, 5m or 1h")
            value = float(match_[1]) * _DURATION[match_[2]]
        case "bytes":
            match_ = re.fullmatch(r"(\d{1,15})(|k|m|g|ki|mi|gi)", text.lower())
            if not match_:
                raise ValueError("expected a size such as 65535, 512Ki or 50Mi")
            value = int(match_[1]) * _BYTES[match_[2]]
    if key.minimum is not None and value < key.minimum:
        raise ValueError(f"must be at least {key.minimum:g}")
    if key.maximum is not None and value > key.maximum:
        raise ValueError(f"must be at most {key.maximum:g}")
    return value


@dataclass(frozen=True)
class Settings:
    """Typed access to the settings of the hosted services."""

    services: tuple[str, ...]
    values: Mapping[tuple[str, str], int | float | bool | str]

    def integer(self, service: str, name: str) -> int:
        """An int or a size in bytes."""
        value = self.values[service, name]
        assert isinstance(value, int)  # noqa: S101 - the catalogue's type
        return value

    def number(self, service: str, name: str) -> float:
        """A float or a duration in seconds."""
        return float(self.values[service, name])

    def flag(self, service: str, name: str) -> bool:
        return bool(self.values[service, name])

    def text(self, service: str, name: str) -> str:
        return str(self.values[service, name])


def read_settings(services: tuple[str, ...], environment: Mapping[str, str]) -> Settings:
    """Reads and checks the settings of `services`. Raises SettingsError with every problem."""
    values: dict[tuple[str, str], int | float | bool | str] = {}
    problems: list[str] = []
    for name in services:
        for key in BY_NAME[name].config:
            variable = key.variable(name)
            text = environment.get(variable, key.default)
            try:
                values[name, key.name] = parse_value(key, text)
            except ValueError as error:
                problems.append(f"{variable}={text!r}: {error}")
    if problems:
        raise SettingsError(problems)
    return Settings(services, values)
