"""The etcd3 library made to work with today's protobuf, and one client that goes from member to member of the cluster.

The library's generated modules were made for protobuf 3 and are refused by later ones. What they describe is fine: the
descriptors are read out of their source, not executed, and built into modules of the same names before the library asks
for them. They live in a pool of their own, so that they cannot clash with other packages' `kv.proto`.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import ssl
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.internal import builder

from services.stores.access import Access, Address, addresses
from services.stores.ports import StoreError

T = TypeVar("T")

_MODULES = ("kv_pb2", "auth_pb2", "rpc_pb2")
"""In the order in which they import each other."""


def load() -> ModuleType:
    """The package `etcd3`. Raises ImportError where it is not installed or has another form."""
    if "etcd3" not in sys.modules:
        spec = importlib.util.find_spec("etcd3")
        if spec is None or spec.origin is None:
            raise ImportError("the package etcd3 is not installed")
        pool = DescriptorPool()
        for name in _MODULES:
            descriptor = pool.AddSerializedFile(_serialized(Path(spec.origin).parent / "etcdrpc" / f"{name}.py"))
            module = ModuleType(f"etcd3.etcdrpc.{name}")
            builder.BuildMessageAndEnumDescriptors(descriptor, vars(module))
            builder.BuildTopDescriptorsAndMessages(descriptor, module.__name__, vars(module))
            sys.modules[module.__name__] = module
    return importlib.import_module("etcd3")


def _serialized(path: Path) -> bytes:
    """The literal `serialized_pb` of a generated module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.keyword) and node.arg == "serialized_pb":
            value = node.value.args[0] if isinstance(node.value, ast.Call) else node.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                return value.value.encode("latin1")
            if isinstance(value, ast.Constant) and isinstance(value.value, bytes):
                return value.value
    raise ImportError(f"{path.name} of etcd3 holds no descriptor")


_OPTIONS = (
    # A member that is gone without a word is noticed within seconds; etcd allows a ping every 5.
    ("grpc.keepalive_time_ms", 6000),
    ("grpc.keepalive_timeout_ms", 3000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # A new client starts afresh instead of inheriting the pause of one that failed.
    ("grpc.use_local_subchannel_pool", 1),
)


class EtcdClient:
    """Calls one member and, when that fails, the next. For any thread. `timeout` (seconds) bounds each attempt."""

    def __init__(self, url: str, access: Access, *, timeout: float) -> None:
        self._library: Any = load()
        self._members = addresses(url)
        self._access = access
        self._timeout = timeout
        self._lock = threading.Lock()
        self._client: Any = None
        self._closed = False

    @property
    def messages(self) -> Any:
        """The library's messages and stubs."""
        return self._library.etcdrpc

    def call(self, work: Callable[[Any], T]) -> T:
        """Runs `work` with an `etcd3.Etcd3Client`, again on another member if it fails; it has to be idempotent. Raises
        StoreError."""
        error = StoreError("the etcd client is closed", retryable=False)
        for _ in range(len(self._members) + 1):
            if self._closed:
                break
            client = None
            try:
                client = self._connected()
                return work(client)
            except (self._library.exceptions.Etcd3Exception, grpc.RpcError, ValueError) as failure:
                error = store_error(failure)
                error.__cause__ = failure
                if not error.retryable:
                    break
                self.drop(client)
        raise error

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._connect(self._members[0])
            return self._client

    def _connect(self, member: Address) -> Any:
        tls = self._access.tls
        if tls is not None and not tls.verify:
            raise StoreError("etcd is not used without verifying its certificate; name the authority", retryable=False)
        if bool(self._access.username) != bool(self._access.password):
            raise StoreError("etcd wants a user name and a password, or neither", retryable=False)
        if tls is not None:
            tls.contents()  # says in words which file cannot be read
        host, port = member
        try:
            client = self._library.Etcd3Client(
                host=f"[{host}]" if ":" in host else host,
                port=port,
                ca_cert=(tls.ca_file or ssl.get_default_verify_paths().cafile) if tls else None,
                cert_cert=tls.certificate_file or None if tls else None,
                cert_key=tls.key_file or None if tls else None,
                timeout=self._timeout,
                user=self._access.username or None,
                password=self._access.password or None,
                grpc_options=_OPTIONS,
            )
            if tls is None:
                # The token goes along as metadata; gRPC refuses it as credentials on a connection that is not encrypted.
                client.call_credentials = None
            return client
        except grpc.RpcError as error:
            if store_error(error).retryable:
                self._next_member()
            raise

    def drop(self, client: Any) -> None:
        """Gives up a client that failed; the next call goes to another member. Calls of other threads on it fail and are
        made again."""
        with self._lock:
            if client is not None and client is self._client:
                self._client = None
                self._next_member()
                client.close()

    def _next_member(self) -> None:
        self._members.append(self._members.pop(0))

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._client is not None:
                self._client.close()
                self._client = None


_CODES = {
    grpc.StatusCode.INVALID_ARGUMENT: "etcd refused the user name or the password",
    grpc.StatusCode.PERMISSION_DENIED: "the etcd user has no permission; it needs to read and write the keys of the registry",
    grpc.StatusCode.UNIMPLEMENTED: "this is not an etcd 3 server",
}


def store_error(error: Exception) -> StoreError:
    """The port's error; its text has neither the password nor a value."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, grpc.RpcError):
        cause = cause.__context__
    code = cause.code() if isinstance(cause, grpc.Call) else None
    if code is not None and code in _CODES:
        return StoreError(_CODES[code], retryable=False)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return StoreError("etcd did not answer in time")
    if code is grpc.StatusCode.UNAVAILABLE:
        return StoreError("etcd cannot be reached")
    if isinstance(error, ValueError):
        return StoreError("the etcd client was closed by another thread")
    return StoreError(f"etcd failed: {code.name if code else type(error).__name__}")
