"""Asks the API server what it thinks of an object, without keeping it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import kubernetes


class Judge:
    def __init__(self, kubeconfig: Path, namespace: str = "default") -> None:
        client = kubernetes.config.new_client_from_config(str(kubeconfig))
        self._objects = kubernetes.client.CustomObjectsApi(client)
        self._namespace = namespace

    def refusal(self, document: dict[str, Any]) -> str | None:
        """Why it would not be created, in the server's words; None: it would be. Unknown fields count."""
        group, _, version = document["apiVersion"].partition("/")
        try:
            self._objects.create_namespaced_custom_object(
                group,
                version,
                self._namespace,
                f"{document['kind'].lower()}s",
                document,
                dry_run="All",
                field_validation="Strict",
            )
        except kubernetes.client.ApiException as refused:
            return str(json.loads(refused.body)["message"])
        return None
