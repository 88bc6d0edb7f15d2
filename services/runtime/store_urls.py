"""Where the stores are and how they are reached, read from the environment and checked.

CHATSYSTEM_<STORE>_URL is the address. Beside it, where a store wants it: _USERNAME_FILE and _PASSWORD_FILE; _TLS=true with
_CA_FILE, _CERTIFICATE_FILE, _KEY_FILE and _TLS_VERIFY=false. Names and passwords come from files, never from a URL. Where the address is
https, _TLS need not be set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from services.catalogue import STORES, Service
from services.runtime.settings import SettingsError
from services.stores.access import DATABASE_NAME, Access, Tls, addresses

_KNOWN = {
    "DATABASE": ("sqlite:///absolute/path/chat.db", "mysql://host:port,host:port/chen_im"),
    "CACHE": ("redis://host:port,host:port/0",),
    "QUEUE": ("redis://host:port,host:port/0", "amqp://host:port,host:port/virtual-host"),
    "SEARCH": ("database:", "https://host:port,https://host:port", "http://host:port"),
    "FILES": ("file:///absolute/folder", "s3://bucket/prefix"),
    "REGISTRY": ("none:", "redis://host:port,host:port/0", "etcd://host:port,host:port/prefix"),
}
WORDS = {
    "mysql": "DATABASE",
    "redis": "CACHE",
    "rabbitmq": "QUEUE",
    "elasticsearch": "SEARCH",
    "etcd": "REGISTRY",
    "files": "FILES",
}
"""The catalogue's name of a store -> its word in the variables."""
_DEFAULT = {"SEARCH": "database:", "REGISTRY": "none:"}
_OPTIONS = {
    "SEARCH_INDEX_PREFIX": ("chatsystem", re.compile(r"[a-z][a-z0-9_-]{0,59}"), "a lower-case name such as chatsystem"),
    "FILES_ENDPOINT": ("", re.compile(r"|https?://[^\s/@]+/?"), "an address such as https://host:port"),
    "FILES_REGION": ("us-east-1", re.compile(r"[a-z0-9-]{1,40}"), "a region such as us-east-1"),
}
"""Further variables CHATSYSTEM_<key>: default, form, and what is expected in words."""


@dataclass(frozen=True)
class StoreUrls:
    """Where the stores are and who this process is to them; keys are the words CACHE, QUEUE and so on."""

    urls: Mapping[str, str]
    access: Mapping[str, Access]
    options: Mapping[str, str] = field(default_factory=dict)
    """What some stores need besides; keys as in _OPTIONS."""


def read_stores_of(services: Iterable[Service], environment: Mapping[str, str]) -> StoreUrls:
    """The registry, and what the catalogue gives to these services. Raises SettingsError."""
    names = {store for service in services for store in service.stores} | {"etcd"}
    return read_some_stores(tuple(WORDS[name] for name in STORES if name in names), environment)


def read_one_store(store: str, environment: Mapping[str, str]) -> StoreUrls:
    """One store alone, for a process that needs no other. Raises SettingsError."""
    return read_some_stores((store,), environment)


def read_some_stores(stores: Sequence[str], environment: Mapping[str, str]) -> StoreUrls:
    """These alone. Raises SettingsError."""
    problems: list[str] = []
    urls = {store: _read_url(store, environment, problems) for store in stores}
    access = {store: _read_access(store, environment, problems) for store in stores}
    options = {name: _read_option(name, environment, problems) for name in _OPTIONS if name.split("_", 1)[0] in stores}
    for store in stores:
        plain = urls[store] if store != "FILES" else options["FILES_ENDPOINT"]
        if access[store].tls is not None and plain.startswith("http:"):
            problems.append(
                f"CHATSYSTEM_{store}_TLS is true, but the address is http: write https, or drop the variable"
            )
    if problems:
        raise SettingsError(problems)
    return StoreUrls(urls, access, options)


def path_of(url: str) -> Path:
    """The file or folder of a URL without a host."""
    return Path(unquote(urlsplit(url).path))


def _read_url(store: str, environment: Mapping[str, str], problems: list[str]) -> str:
    variable, known = f"CHATSYSTEM_{store}_URL", _KNOWN[store]
    url = environment.get(variable, _DEFAULT.get(store, ""))
    if problem := _problem(url, known):
        problems.append(f"{variable}: {problem}; expected {' or '.join(known)}")
    return url


def _read_option(name: str, environment: Mapping[str, str], problems: list[str]) -> str:
    default, form, expected = _OPTIONS[name]
    text = environment.get(f"CHATSYSTEM_{name}", default)
    if not form.fullmatch(text):
        problems.append(f"CHATSYSTEM_{name}={text!r}: expected {expected}")
    return text


def _read_access(store: str, environment: Mapping[str, str], problems: list[str]) -> Access:
    prefix = f"CHATSYSTEM_{store}"
    name, password = ("ACCESS_KEY", "SECRET_KEY") if store == "FILES" else ("USERNAME", "PASSWORD")
    return Access(
        username=_content(f"{prefix}_{name}_FILE", environment, problems),
        password=_content(f"{prefix}_{password}_FILE", environment, problems),
        tls=_read_tls(prefix, environment, problems),
    )


def _read_tls(prefix: str, environment: Mapping[str, str], problems: list[str]) -> Tls | None:
    encrypted = _flag(f"{prefix}_TLS", environment, problems, default=False)
    verify = _flag(f"{prefix}_TLS_VERIFY", environment, problems, default=True)
    words = ("CA", "CERTIFICATE", "KEY")
    files = [environment.get(f"{prefix}_{word}_FILE", "") for word in words]
    for word, file in zip(words, files, strict=True):
        if file and not encrypted:
            problems.append(
                f"{prefix}_{word}_FILE is set, but {prefix}_TLS is not true: set it to true, or name no file"
            )
        elif file and not Path(file).is_file():
            problems.append(f"{prefix}_{word}_FILE: {file} is no file that can be read")
    if not encrypted:
        return None
    ca, certificate, key = files
    return Tls(ca, certificate, key, verify)


def _flag(variable: str, environment: Mapping[str, str], problems: list[str], *, default: bool) -> bool:
    text = environment.get(variable, str(default)).lower()
    if text not in {"true", "false"}:
        problems.append(f"{variable}={text!r}: expected true or false")
    return text == "true"


def _content(variable: str, environment: Mapping[str, str], problems: list[str]) -> str:
    path = environment.get(variable)
    if not path:
        return ""
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        problems.append(f"{variable}: {path} cannot be read: {reason}")
        return ""


def _problem(url: str, known: tuple[str, ...]) -> str:
    if not url:
        return "is not set"
    try:
        parts = urlsplit(url)
    except ValueError:
        return "is not a URL"
    if "@" in parts.netloc:
        return (
            "holds a name or password; put them into the files that the variables with _USERNAME_FILE and "
            "_PASSWORD_FILE name"
        )
    if parts.scheme not in {each.split(":", 1)[0] for each in known}:
        return f"unknown kind {parts.scheme!r}"
    return _wrong_part(url, parts)


def _wrong_part(url: str, parts: SplitResult) -> str:
    match parts.scheme:
        case "http" | "https":
            return _wrong_nodes(url, parts.scheme)
        case "s3" if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", parts.netloc):
            return "names no bucket"
        case "sqlite" | "file" if parts.netloc or not parts.path.strip("/"):
            return "names no absolute path"
        case "redis" | "amqp" | "etcd" | "mysql":
            try:
                addresses(url)
            except ValueError:
                return "names no host and port"
            if parts.scheme == "redis" and not (parts.path.strip("/") or "0").isdigit():
                return "names no database number"
            if parts.scheme == "amqp" and "/" in parts.path[1:]:
                return "names a virtual host with a slash, which is written %2F"
            if parts.scheme == "mysql" and not DATABASE_NAME.fullmatch(unquote(parts.path[1:])):
                return "names no database"
            if parts.scheme == "etcd" and not parts.path.strip("/"):
                return "names no prefix of keys"
    return ""


def _wrong_nodes(url: str, scheme: str) -> str:
    """Several addresses, each a URL of its own."""
    for each in url.split(","):
        try:
            parts = urlsplit(each)
            host, _ = parts.hostname, parts.port
        except ValueError:
            return f"{each!r} is not a URL"
        if parts.scheme != scheme:
            return "mixes http and https, or names an address without either"
        if "@" in parts.netloc:
            return "holds a name or password; put them into the files of the variables with _USERNAME_FILE and _PASSWORD_FILE"
        if not host or parts.query or parts.fragment:
            return f"{each!r} names no host and port"
    return ""
