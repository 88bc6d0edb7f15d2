"""The API server: requests with time-outs, and its refusals as TargetErrors. Decides nothing.

The transport, the kubeconfig and the credentials are those of `kubernetes.aio`; what goes over it is plain data, because
server-side apply sends only the fields that are ours to decide.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from controller.engine.ports import TargetError
from controller.engine.reasons import Reason
from controller.targets.kubernetes.errors import Refused, refused, unreachable, wait_asked
from controller.targets.kubernetes.kinds import Kind, Object, kind_of
from controller.targets.kubernetes.render.names import MANAGER

TIMEOUT = 15.0
"""Seconds in which a request is answered, or has failed."""
PAGE = 500
WATCH = 60.0
"""Seconds after which a watch is begun anew, so that a connection that died unnoticed costs no more than that."""
ATTEMPTS = 3
LONGEST_WAIT = 5.0
"""Seconds of Retry-After that a request waits out by itself; the work queue waits for longer ones."""
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Fence(Protocol):
    """Says whether this process may write."""

    def remaining(self) -> float:
        """Seconds for which nobody else may write; 0 or less: this process may not."""
        ...


class Free:
    """For the command line, which writes declarations: no lease is needed for these."""

    def remaining(self) -> float:
        return TIMEOUT


@dataclass(frozen=True)
class Connection:
    """Which cluster, as whom, and the namespace that is meant when none is named."""

    configuration: Any
    namespace: str


async def connect(context: str | None = None) -> Connection:
    """From the kubeconfig (KUBECONFIG, ~/.kube/config), or in a pod from its service account. Raises TargetError."""
    from kubernetes.aio import config
    from kubernetes.aio.client import Configuration

    configuration = Configuration()
    configuration.connection_pool_maxsize = 0  # Each watch keeps a connection; there is no useful limit.
    configuration.retries = 0
    in_pod = "KUBERNETES_SERVICE_HOST" in os.environ and (SERVICE_ACCOUNT / "token").exists()
    try:
        if in_pod and context is None and "KUBECONFIG" not in os.environ:
            config.load_incluster_config(client_configuration=configuration)
            _settle_proxy(configuration)
            return Connection(configuration, (SERVICE_ACCOUNT / "namespace").read_text().strip())
        path = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
        loader = await config.load_kube_config(path, context=context, client_configuration=configuration)
        _settle_proxy(configuration)
        return Connection(configuration, loader.current_context.get("context", {}).get("namespace") or "default")
    except (config.ConfigException, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        words = " ".join(str(error).split())
        raise TargetError(
            f"no cluster can be found: {words}; name a kubeconfig with KUBECONFIG, and a context with --context",
            reason=Reason.UNREACHABLE,
            retryable=False,
        ) from error


def _settle_proxy(configuration: Any) -> None:
    """Finds out once whether a proxy leads to the API server. aiohttp would look into the environment and into ~/.netrc for every
    request, in a thread: a fifth of what a busy controller does."""
    configuration.client_session_kwargs = {"trust_env": False}
    if not configuration.proxy:
        configuration.proxy = proxy_to(configuration.host)


def proxy_to(url: str) -> str | None:
    """The one that HTTPS_PROXY and its kin name for the URL, unless NO_PROXY excepts its host."""
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    return getproxies().get(parts.scheme)


class Client:
    """Reads and writes objects. Every write asks the fence first and may not take longer than it holds; `wrote` is told of each:
    its verb, the kind of its object, and its result (ok, refused, unanswered, fenced)."""

    def __init__(
        self,
        connection: Connection,
        fence: Fence | None = None,
        wrote: Callable[[str, str, str], None] = lambda verb, kind, result: None,
    ) -> None:
        from kubernetes.aio.client import ApiClient
        from kubernetes.aio.dynamic import DynamicClient

        self._api = ApiClient(connection.configuration)
        self._dynamic = DynamicClient(self._api)  # Not awaited: it would discover what the table of kinds says.
        self._fence = fence or Free()
        self._wrote = wrote

    async def close(self) -> None:
        await self._api.close()

    async def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """None if there is none."""
        try:
            return await self._send("GET", kind.path(namespace, name), f"get {kind.name} {name}")
        except Refused as error:
            if error.status == 404:
                return None
            raise

    async def list(
        self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> tuple[list[Object], str]:
        """All objects, and the resourceVersion at which they are so."""
        found: list[Object] = []
        more = ""
        while True:
            query = _given(labelSelector=labels, fieldSelector=fields, limit=str(PAGE), **{"continue": more})
            page = await self._send("GET", kind.path(namespace), f"list {kind.plural}", query=query)
            found += [{"apiVersion": kind.api_version, "kind": kind.name, **item} for item in page.get("items") or ()]
            more = page["metadata"].get("continue") or ""
            if not more:
                return found, page["metadata"]["resourceVersion"]

    async def watch(
        self, kind: Kind, namespace: str | None, version: str, *, labels: str = ""
    ) -> AsyncIterator[tuple[str, Object]]:
        """(ADDED | MODIFIED | DELETED | BOOKMARK, object) from a resourceVersion on, for at most `WATCH` seconds. Raises
        Refused with status 410 when that version is too old."""
        query = _given(watch="true", labelSelector=labels, resourceVersion=version, allowWatchBookmarks="true") | {
            "timeoutSeconds": str(int(WATCH))
        }
        what = f"watch {kind.plural}"
        try:
            response = await self._request("GET", kind.path(namespace), what, query=query, timeout=WATCH + TIMEOUT)
            async for line in response.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise refused(int(event["object"].get("code") or 500), json.dumps(event["object"]), what)
                yield event["type"], {"apiVersion": kind.api_version, "kind": kind.name, **event["object"]}
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise unreachable(what, error) from error

    async def apply(
        self, manifest: Object, *, force: bool = True, subresource: str = "", manager: str = MANAGER
    ) -> Object:
        """Server-side apply, as one field manager (https://kubernetes.io/docs/reference/using-api/server-side-apply/). Without `force` a field that someone else has set to another value is a 409."""
        kind, metadata = kind_of(manifest), manifest["metadata"]
        return await self._write(
            "PATCH",
            kind.path(metadata["namespace"], metadata["name"], subresource),
            f"apply {kind.name} {metadata['name']}",
            query={"fieldManager": manager, "force": "true" if force else "false"},
            content="application/apply-patch+yaml",
            body=manifest,
        )

    async def create(self, manifest: Object) -> Object:
        kind, metadata = kind_of(manifest), manifest["metadata"]
        what = f"create {kind.name} {metadata.get('name', '')}"
        query = {"fieldManager": MANAGER}
        return await self._write("POST", kind.path(metadata["namespace"]), what, query=query, body=manifest)

    async def replace(self, item: Object) -> Object:
        """PUT; a 409 when the object is not any more as its resourceVersion says."""
        kind, metadata = kind_of(item), item["metadata"]
        path = kind.path(metadata["namespace"], metadata["name"])
        what = f"replace {kind.name} {metadata['name']}"
        return await self._write("PUT", path, what, query={"fieldManager": MANAGER}, body=item)

    async def merge(self, kind: Kind, namespace: str, name: str, patch: Mapping[str, Any]) -> Object:
        """JSON merge patch (RFC 7396)."""
        return await self._write(
            "PATCH",
            kind.path(namespace, name),
            f"change {kind.name} {name}",
            query={"fieldManager": MANAGER},
            content="application/merge-patch+json",
            body=patch,
        )

    async def delete(self, item: Object, *, propagation: str = "Background") -> bool:
        """Only this very object, by its uid. False if it was not there any more."""
        kind, metadata = kind_of(item), item["metadata"]
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid := metadata.get("uid"):
            body["preconditions"] = {"uid": uid}
        path = kind.path(metadata["namespace"], metadata["name"])
        try:
            await self._write("DELETE", path, f"delete {kind.name} {metadata['name']}", body=body)
        except Refused as error:
            if error.status == 404 or (error.status == 409 and "uid" in str(error).lower()):
                return False
            raise
        return True

    async def text(self, path: str, query: Mapping[str, str], what: str, timeout: float) -> AsyncIterator[str]:
        """Lines of an answer that is text, as they come."""
        try:
            response = await self._request("GET", path, what, query=query, timeout=timeout)
            async for line in response.content:
                yield line.decode(errors="replace").rstrip("\r\n")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(what, error) from error

    async def _write(self, method: str, path: str, what: str, **request: Any) -> dict[str, Any]:
        """`what`: verb, kind and name."""
        verb, kind, _ = what.split(" ", 2)
        remaining = self._fence.remaining()
        if remaining <= 0:
            self._wrote(verb, kind, "fenced")
            raise TargetError(f"cannot {what}: this controller does not lead", reason=Reason.UNREACHABLE)
        result = "unanswered"
        try:
            answer = await self._send(method, path, what, timeout=min(TIMEOUT, remaining), **request)
            result = "ok"
        except Refused:
            result = "refused"
            raise
        finally:
            self._wrote(verb, kind, result)
        return answer

    async def _send(
        self, method: str, path: str, what: str, *, timeout: float = TIMEOUT, **request: Any
    ) -> dict[str, Any]:
        try:
            async with asyncio.timeout(timeout):
                response = await self._request(method, path, what, timeout=timeout, **request)
                answer: dict[str, Any] = json.loads(await response.read())
                return answer
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise unreachable(what, error) from error

    async def _request(
        self,
        method: str,
        path: str,
        what: str,
        *,
        query: Mapping[str, str] | None = None,
        content: str = "application/json",
        body: Any = None,
        timeout: float,
    ) -> aiohttp.ClientResponse:
        """Answers with a success, whose body is still to be read. A request that the server asks to send again later is sent
        again, if that is soon."""
        from kubernetes.aio.client.exceptions import ApiException
        from kubernetes.aio.dynamic.exceptions import DynamicApiError

        for attempt in range(ATTEMPTS):
            try:
                response: aiohttp.ClientResponse = await self._dynamic.request(
                    method,
                    path,
                    body=body,
                    serialize=False,
                    query_params=list((query or {}).items()),
                    content_type=content,
                    header_params={},
                    _request_timeout=aiohttp.ClientTimeout(total=timeout),
                )
            except (DynamicApiError, ApiException) as error:
                wait = wait_asked(error.status or 0, error.headers or {})
                if wait is None or wait > LONGEST_WAIT or attempt == ATTEMPTS - 1:
                    raise refused(error.status or 0, error.body or b"", what) from None
                await asyncio.sleep(wait)
            else:
                return response
        raise AssertionError("the last attempt returns or raises")


def _given(**query: str) -> dict[str, str]:
    return {key: value for key, value in query.items() if value}
