"""The shapes of names and addresses in a declaration, each with the words that say what is wrong with another one."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

SYSTEM_PATTERN = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
HOST_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
ENDPOINT_PATTERN = r"^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?):[0-9]{1,5}$"
URL_PATTERN = r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"
TAG_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
REPOSITORY_PATTERN = r"^[a-zA-Z0-9]([a-zA-Z0-9._-]*)(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$"
DIGEST_PATTERN = r"^sha256:[0-9a-f]{64}$"
IMAGE_PATTERN = r"^[^\s@]+(@sha256:[0-9a-f]{64})?$"
VARIABLE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"


def refuse(problem: str, remedy: str) -> PydanticCustomError:
    """An error of a field's validator, in two parts: what is wrong, and what would be right."""
    return PydanticCustomError("value", "{problem}", {"problem": problem, "remedy": remedy})


def _matching(pattern: str, longest: int, what: str, remedy: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not text:
            raise refuse(f"an empty text is not {what}", remedy)
        if len(text) > longest:
            raise refuse(f"it has {len(text)} characters, at most {longest} are allowed", remedy)
        if not re.fullmatch(pattern, text):
            raise refuse(f"{text[:60]!r} is not {what}", remedy)
        return text

    return check


def _schema(pattern: str, longest: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "minLength": 1, "maxLength": longest})


SystemName = Annotated[
    str,
    AfterValidator(
        _matching(
            SYSTEM_PATTERN,
            40,
            "a name of a system",
            "use up to 40 of a-z, 0-9 and '-', beginning with a letter and ending with a letter or digit (a DNS label)",
        )
    ),
    _schema(SYSTEM_PATTERN, 40),
]
"""A DNS label as RFC 1035 has it, which names of Services have to be, of at most 40 characters: names of children get suffixes and must
stay below 63."""

ObjectName = Annotated[
    str,
    AfterValidator(
        _matching(
            HOST_PATTERN,
            253,
            "a name of an object",
            "use a-z, 0-9, '-' and '.', beginning and ending with a letter or digit",
        )
    ),
    _schema(HOST_PATTERN, 253),
]
"""The name of a secret, node, volume or class (a DNS subdomain, RFC 1123)."""

Hostname = Annotated[
    str,
    AfterValidator(_matching(HOST_PATTERN, 253, "a host name", "write it in lower case, for example chat.example.com")),
    _schema(HOST_PATTERN, 253),
]

Endpoint = Annotated[
    str,
    AfterValidator(
        _matching(
            ENDPOINT_PATTERN, 300, "an address of the form host:port", "write host:port, for example 10.0.0.5:2379"
        )
    ),
    _schema(ENDPOINT_PATTERN, 300),
]

Url = Annotated[
    str,
    AfterValidator(
        _matching(
            URL_PATTERN,
            500,
            "an http or https address without a password",
            "write http://host:port or https://host:port; credentials belong in the secret",
        )
    ),
    _schema(URL_PATTERN, 500),
]

Tag = Annotated[
    str,
    AfterValidator(_matching(TAG_PATTERN, 128, "a tag of an image", 'write a version in quotes, for example "1.2.0"')),
    _schema(TAG_PATTERN, 128),
]

Repository = Annotated[
    str,
    AfterValidator(
        _matching(
            REPOSITORY_PATTERN,
            255,
            "a repository of images",
            "write it without tag, for example registry.example.com/chatsystem",
        )
    ),
    _schema(REPOSITORY_PATTERN, 255),
]

Digest = Annotated[
    str,
    AfterValidator(_matching(DIGEST_PATTERN, 71, "a digest of an image", "write sha256: and 64 hexadecimal digits")),
    _schema(DIGEST_PATTERN, 71),
]

Image = Annotated[
    str,
    AfterValidator(_matching(IMAGE_PATTERN, 400, "an image", "write repository:tag, for example mysql:8.4")),
    _schema(IMAGE_PATTERN, 400),
]


def _network(text: str) -> str:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        raise refuse(
            f"{text[:60]!r} is not a network", "write an address and a prefix, for example 10.77.0.0/16"
        ) from None
    if "/" not in text or network.num_addresses < 16:
        raise refuse(
            f"{text[:60]!r} has too few addresses", "use a prefix of at most 28 bits, for example 10.77.0.0/16"
        )
    return text


Subnet = Annotated[
    str,
    AfterValidator(_network),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9a-fA-F:.]+/[0-9]{1,3}$", "maxLength": 64}),
]


def _address(text: str) -> str:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise refuse(
            f"{text[:60]!r} is not an IP address", "write 127.0.0.1 for this machine only, 0.0.0.0 for every interface"
        ) from None
    return text


Address = Annotated[
    str, AfterValidator(_address), WithJsonSchema({"type": "string", "pattern": r"^[0-9a-fA-F:.]+$", "maxLength": 45})
]
