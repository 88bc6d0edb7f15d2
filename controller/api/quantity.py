"""Quantities as a person writes them (`512Mi`, `500m`, `30s`, `14d`) and what they mean in bytes, cores and seconds.

The syntax of memory and CPU is that of Kubernetes (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/),
without exponents. A whole number may also be written without quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

SIZE_PATTERN = r"^[0-9]{1,15}(\.[0-9]{1,3})?(k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"
SHORT_SIZE_PATTERN = r"^[0-9]{1,15}(k|m|g|Ki|Mi|Gi)?$"
CPU_PATTERN = r"^([0-9]{1,6}m|[0-9]{1,4}(\.[0-9]{1,3})?)$"
DURATION_PATTERN = r"^([0-9]{1,9}(ms|s|m|h|d|w)){1,5}$"

_SIZE_FACTORS = {
    "": 1,
    **{unit: 1000**power for power, unit in enumerate("kMGTP", start=1)},
    **{f"{unit}i": 1024**power for power, unit in enumerate("KMGTP", start=1)},
}
_SHORT_FACTORS = {**_SIZE_FACTORS, "k": 1024, "m": 1024**2, "g": 1024**3}
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

SIZE_REMEDY = "write a number with a unit, for example 512Mi or 20Gi"
SHORT_SIZE_REMEDY = "write a number with a unit of k, m or g, for example 10m or 1g"
CPU_REMEDY = 'write cores or thousandths of a core, for example "2", "0.5" or 500m'
DURATION_REMEDY = "write a number with a unit of ms, s, m, h, d or w, for example 30s, 1h30m or 14d"


def bytes_of(text: str) -> int:
    """Bytes that a size means: `512Mi`, `20Gi`, `1G`. Raises ValueError."""
    return _bytes(text, SIZE_PATTERN, _SIZE_FACTORS)


def short_bytes_of(text: str) -> int:
    """Bytes as Docker and the JVM write them: `10m` is 10 MiB, `1g` is 1 GiB; `512Mi` is understood too.

    Raises ValueError."""
    return _bytes(text, SHORT_SIZE_PATTERN, _SHORT_FACTORS)


def _bytes(text: str, pattern: str, factors: Mapping[str, int]) -> int:
    if not re.fullmatch(pattern, text):
        raise ValueError(f"{text[:40]!r} is not a size")
    number = text.rstrip("kKmMgGTPi")
    return int(Decimal(number) * factors[text[len(number) :]])


def cores_of(text: str) -> float:
    """CPU cores that a quantity means: `500m` is 0.5. Raises ValueError."""
    if not re.fullmatch(CPU_PATTERN, text):
        raise ValueError(f"{text[:40]!r} is not a number of CPU cores")
    return int(text[:-1]) / 1000 if text.endswith("m") else float(text)


def seconds_of(text: str) -> float:
    """Seconds that a duration means: `1h30m` is 5400. Raises ValueError."""
    if not re.fullmatch(DURATION_PATTERN, text):
        raise ValueError(f"{text[:40]!r} is not a duration")
    return float(sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"([0-9]+)(ms|s|m|h|d|w)", text)))


def _digits(value: Any) -> Any:
    """A whole number as the text that a person could have written in quotes."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _checked(
    measure: Callable[[str], float],
    remedy: str,
    minimum: float | None,
    maximum: float | None,
    show: Callable[[float], str],
) -> Callable[[str], str]:
    def check(text: str) -> str:
        try:
            amount = measure(text)
        except ValueError as error:
            raise PydanticCustomError("quantity", "{problem}", {"problem": str(error), "remedy": remedy}) from None
        if minimum is not None and amount < minimum:
            limit = f"use at least {show(minimum)}"
            raise PydanticCustomError("quantity", "{problem}", {"problem": f"{text} is too little", "remedy": limit})
        if maximum is not None and amount > maximum:
            limit = f"use at most {show(maximum)}"
            raise PydanticCustomError("quantity", "{problem}", {"problem": f"{text} is too much", "remedy": limit})
        return text

    return check


def _schema(pattern: str, *validations: dict[str, str]) -> WithJsonSchema:
    schema: dict[str, Any] = {
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "pattern": pattern,
        "maxLength": 24,
        "x-kubernetes-int-or-string": True,
    }
    return WithJsonSchema(schema | ({"x-kubernetes-validations": list(validations)} if validations else {}))


def size(minimum: float | None = None, maximum: float | None = None) -> Any:
    """The type of a size with bounds in bytes."""
    check = _checked(bytes_of, SIZE_REMEDY, minimum, maximum, show_bytes)
    amount = "quantity(string(self)).compareTo(quantity('{}'))"
    validations = []
    if minimum is not None:
        rule = f"{amount.format(int(minimum))} >= 0"
        validations.append({"rule": rule, "message": f"use at least {show_bytes(minimum)}"})
    if maximum is not None:
        rule = f"{amount.format(int(maximum))} <= 0"
        validations.append({"rule": rule, "message": f"use at most {show_bytes(maximum)}"})
    return Annotated[str, BeforeValidator(_digits), AfterValidator(check), _schema(SIZE_PATTERN, *validations)]


def duration(minimum: float | None = None, maximum: float | None = None) -> Any:
    """The type of a duration with bounds in seconds."""
    return Annotated[str, *_bounds_of_duration(minimum, maximum)]


def _bounds_of_duration(minimum: float | None, maximum: float | None) -> tuple[AfterValidator, WithJsonSchema]:
    check = _checked(seconds_of, DURATION_REMEDY, minimum, maximum, show_seconds)
    schema: dict[str, Any] = {"type": "string", "pattern": DURATION_PATTERN, "maxLength": 50}
    validations = []
    # CEL knows no days and weeks. What is written with them is above every minimum, and above a maximum below a day.
    if minimum:
        rule = f"self.matches('[dw]') || duration(self) >= duration('{int(minimum)}s')"
        validations.append({"rule": rule, "message": f"use at least {show_seconds(minimum)}"})
    if maximum is not None and maximum < _SECONDS["d"]:
        rule = f"!self.matches('[dw]') && duration(self) <= duration('{int(maximum)}s')"
        validations.append({"rule": rule, "message": f"use at most {show_seconds(maximum)}"})
    if validations:
        schema["x-kubernetes-validations"] = validations
    return AfterValidator(check), WithJsonSchema(schema)


def show_bytes(amount: float) -> str:
    """The shortest exact way to write a number of bytes: 52428800 is 50Mi."""
    for unit in ("Pi", "Ti", "Gi", "Mi", "Ki"):
        if amount >= _SIZE_FACTORS[unit] and amount % _SIZE_FACTORS[unit] == 0:
            return f"{int(amount // _SIZE_FACTORS[unit])}{unit}"
    return str(int(amount))


def show_seconds(amount: float) -> str:
    """The shortest exact way to write seconds with one unit: 3600 is 1h."""
    for unit in ("d", "h", "m"):
        if amount >= _SECONDS[unit] and amount % _SECONDS[unit] == 0:
            return f"{int(amount // _SECONDS[unit])}{unit}"
    return f"{int(amount)}s" if amount == int(amount) else f"{int(amount * 1000)}ms"


Size = Annotated[
    str,
    BeforeValidator(_digits),
    AfterValidator(_checked(bytes_of, SIZE_REMEDY, None, None, show_bytes)),
    _schema(SIZE_PATTERN),
]
"""Bytes: `512Mi`, `20Gi`."""

_LEAST_SHORT_SIZE = 2**16

ShortSize = Annotated[
    str,
    BeforeValidator(_digits),
    AfterValidator(_checked(short_bytes_of, SHORT_SIZE_REMEDY, _LEAST_SHORT_SIZE, None, show_bytes)),
    _schema(
        SHORT_SIZE_PATTERN,
        {
            "rule": "quantity(string(self).replace('k', 'Ki').replace('m', 'Mi').replace('g', 'Gi'))"
            f".compareTo(quantity('{_LEAST_SHORT_SIZE}')) >= 0",
            "message": f"use at least {show_bytes(_LEAST_SHORT_SIZE)}",
        },
    ),
]
"""Bytes as Docker and the JVM write them: `10m`, `1g`."""

Cpu = Annotated[
    str,
    BeforeValidator(_digits),
    AfterValidator(_checked(cores_of, CPU_REMEDY, None, None, str)),
    _schema(CPU_PATTERN),
]
"""CPU cores: `500m`, `2`."""

Duration = Annotated[
    str,
    AfterValidator(_checked(seconds_of, DURATION_REMEDY, None, None, show_seconds)),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "maxLength": 50}),
]
"""Time: `30s`, `1h30m`, `14d`."""

Validity = Annotated[str, *_bounds_of_duration(3600.0, 3650 * 86400.0)]
"""How long a certificate is valid: from an hour to ten years."""

UpToAnHour = Annotated[str, *_bounds_of_duration(None, 3600)]
"""Time of at most an hour: `30s`, `1h`."""
