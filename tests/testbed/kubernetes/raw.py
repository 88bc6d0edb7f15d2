"""The API server in plain requests: cheap enough to be asked several times a second, where a kubectl is a process each time."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml


class Raw:
    """As the administrator of a kubeconfig of the test bed."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self._server, self._token = cluster["server"], user["token"]
        context = ssl.create_default_context(cafile=cluster["certificate-authority"])
        handlers = (urllib.request.HTTPSHandler(context=context), urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def get(self, path: str) -> Any | None:
        """What is at the path; None if there is nothing, or if the server is away, as a test may want it."""
        return self._ask("GET", path)

    def merge(self, path: str, patch: Any) -> None:
        """A JSON merge patch; of what is gone by now nothing is said."""
        self._ask("PATCH", path, json.dumps(patch).encode(), "application/merge-patch+json")

    def _ask(self, method: str, path: str, body: bytes | None = None, content: str = "application/json") -> Any | None:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": content}
        request = urllib.request.Request(f"{self._server}{path}", data=body, headers=headers, method=method)
        try:
            with self._opener.open(request, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            if error.code not in {404, 409, 429, 500, 503}:
                raise
        except OSError:
            pass
        return None
