"""The connection to an Elasticsearch cluster, and its failures in words.

An answer of the server may quote a document. Only the kind of an error is told, never its text.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Any, TypeVar

from elastic_transport import ConnectionTimeout, TlsError, TransportError
from elasticsearch import ApiError, AsyncElasticsearch

from services.stores.access import Access, Tls
from services.stores.ports import StoreError

T = TypeVar("T")

_ABSENT, _BUSY, _FAILED = 404, 429, 500


def connect(urls: list[str], access: Access, *, timeout: float) -> AsyncElasticsearch:
    """`urls` are addresses of nodes of one cluster, http or https; a node that fails is left out for a while. `timeout` in
    seconds for one request. Raises StoreError for certificates that cannot be used."""
    # A retry on another node comes with a traceback; that a node failed is said in one line by the pool of nodes.
    logging.getLogger("elastic_transport.transport").setLevel(logging.ERROR)
    options: dict[str, Any] = {}
    if access.username or access.password:
        options["basic_auth"] = (access.username or "elastic", access.password)
    if all(url.startswith("https:") for url in urls):
        options["ssl_context"] = (access.tls or Tls()).context()
        options["ssl_show_warn"] = False
    return AsyncElasticsearch(
        urls,
        request_timeout=timeout,
        max_retries=len(urls) - 1,
        retry_on_timeout=False,
        dead_node_backoff_factor=0.5,
        max_dead_node_backoff=5.0,
        **options,
    )


async def answered(call: Awaitable[T]) -> T:
    """The answer. Raises StoreError for what went wrong, except that a name is not there (NotFoundError)."""
    try:
        return await call
    except ApiError as error:
        if error.meta.status == _ABSENT:
            raise
        retryable = error.meta.status == _BUSY or error.meta.status >= _FAILED
        raise StoreError(_refusal(error), retryable=retryable) from None
    except ConnectionTimeout as error:
        raise StoreError("Elasticsearch did not answer in time") from error
    except TlsError as error:
        raise StoreError(
            "the connection to Elasticsearch cannot be encrypted; check CHATSYSTEM_SEARCH_CA_FILE and that the address is "
            "the one of its certificate"
        ) from error
    except TransportError as error:
        raise StoreError(f"Elasticsearch cannot be reached ({type(error).__name__})") from error


def _refusal(error: ApiError) -> str:
    kind = kind_of(error)
    match error.meta.status:
        case 401:
            return (
                "Elasticsearch refuses the name or password; check the files of CHATSYSTEM_SEARCH_USERNAME_FILE and "
                "_PASSWORD_FILE"
            )
        case 403:
            return (
                f"Elasticsearch does not permit this ({kind}); the user needs the privileges monitor, manage, read and write "
                "for the indexes of this system, and room on the disk"
            )
        case 429:
            return f"Elasticsearch is overloaded ({kind})"
    return f"Elasticsearch answered {error.meta.status} ({kind})"


def kind_of(error: ApiError) -> str:
    """The type that the server gives an error, such as index_not_found_exception."""
    body: Any = error.body
    cause = body.get("error") if isinstance(body, dict) else None
    return str(cause.get("type")) if isinstance(cause, dict) else "unknown"
