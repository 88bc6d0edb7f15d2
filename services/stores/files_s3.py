"""The Files port on S3-compatible storage: one object per id, under the prefix of this system.

The storage answers a write when it is durable, and never shows a part of an object.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from services.stores.access import Access
from services.stores.ports import StoreError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

T = TypeVar("T")

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class S3Files:
    """See services.stores.ports.Files."""

    def __init__(self, store: S3Store, name: str) -> None:
        self._store = store
        self._name = name

    @classmethod
    def of_url(
        cls, url: str, access: Access, *, endpoint: str = "", region: str = "us-east-1", timeout: float = 60.0
    ) -> S3Files:
        """Arguments as of `bucket`."""
        store = bucket(url, access, endpoint=endpoint, region=region, timeout=timeout)
        return cls(store, urlsplit(url).netloc)

    async def put(self, file_id: str, content: bytes) -> None:
        await self._answered(obstore.put_async(self._store, _key(file_id), content, use_multipart=False))

    async def get(self, file_id: str) -> bytes | None:
        try:
            found = await self._answered(obstore.get_async(self._store, _key(file_id)))
            return bytes(await self._answered(found.bytes_async()))
        except FileNotFoundError:
            return None

    async def delete(self, file_id: str) -> None:
        try:
            await self._answered(obstore.delete_async(self._store, _key(file_id)))
        except FileNotFoundError:
            return

    async def ping(self) -> None:
        """Looks for an object, which needs the address, the keys and the bucket to be right."""
        await self.get("ping")

    async def close(self) -> None:
        return None

    async def _answered(self, call: Awaitable[T]) -> T:
        """Raises StoreError for whatever went wrong, except that an object is not there (FileNotFoundError)."""
        try:
            return await call
        except FileNotFoundError as error:
            # Every 404 ends here. That the object is missing is only what this one says.
            if "<Code>NoSuchKey</Code>" in str(error):
                raise
            if "<Code>NoSuchBucket</Code>" in str(error):
                raise StoreError(
                    f"there is no bucket {self._name}; create it, or correct CHATSYSTEM_FILES_URL"
                ) from None
            raise self._refused() from None
        except (PermissionDeniedError, UnauthenticatedError):
            raise self._refused() from None
        except (BaseError, OSError) as error:
            raise StoreError(f"the bucket {self._name} does not answer ({type(error).__name__})") from error

    def _refused(self) -> StoreError:
        return StoreError(
            f"the keys do not open the bucket {self._name}; check CHATSYSTEM_FILES_ACCESS_KEY_FILE and _SECRET_KEY_FILE"
        )


def bucket(
    url: str, access: Access, *, endpoint: str = "", region: str = "us-east-1", timeout: float = 60.0
) -> S3Store:
    """`url` is s3://bucket/prefix, `access` the access key and the secret key. `endpoint` empty: that of AWS for the
    region. `timeout` in seconds for one object. Connects to nothing yet. Raises StoreError for unusable certificates."""
    parts = urlsplit(url)
    # Path style works everywhere, host names of buckets only where DNS and certificates have them.
    client: ClientConfig = {
        "timeout": timedelta(seconds=timeout),
        "connect_timeout": timedelta(seconds=min(timeout, 5.0)),
        "allow_http": endpoint.startswith("http:"),
    }
    if access.tls is not None:
        access.tls.context()  # says what is wrong with the files
        authorities, _, _ = access.tls.contents()
        if authorities is not None:
            client["root_certificate"] = authorities
        if not access.tls.verify:
            client["allow_invalid_certificates"] = True
    retries: RetryConfig = {
        "max_retries": 2,
        "retry_timeout": timedelta(seconds=timeout),
        "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=1), "base": 2},
    }
    options: dict[str, Any] = {"endpoint": endpoint.rstrip("/")} if endpoint else {}
    if access.username:
        options |= {"access_key_id": access.username, "secret_access_key": access.password}
    return S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        region=region,
        virtual_hosted_style_request=False,
        client_options=client,
        retry_config=retries,
        **options,
    )


def _key(file_id: str) -> str:
    if not _ID.fullmatch(file_id):
        raise StoreError("not a file id", retryable=False)
    return file_id
