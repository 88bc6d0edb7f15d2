"""Who may talk to the API server of a test bed's cluster: its certificate, the tokens of its users, their kubeconfigs."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path

ADMIN = "admin"
USERS = {
    ADMIN: (ADMIN, "system:masters"),
    "controller-manager": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "node": ("system:node:node", "system:nodes"),
    "proxy": ("system:kube-proxy", ""),
}
"""Kubeconfig -> user and group, which are the ones that Kubernetes has roles for."""


class Access:
    """Files below `directory`. `names`: the addresses and names by which the API server is reached."""

    def __init__(self, directory: Path, server: str, names: Sequence[str]) -> None:
        self._directory, self._server = directory, server
        self.certificate, self.key = directory / "apiserver.crt", directory / "apiserver.key"
        self.tokens = directory / "tokens.csv"
        self.service_accounts = directory / "service-accounts.key"
        directory.mkdir(mode=0o700)
        _openssl("genrsa", "-out", str(self.service_accounts), "2048")
        _openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=kube-apiserver"),
            *("-keyout", str(self.key), "-out", str(self.certificate)),
            *("-addext", f"subjectAltName={','.join(names)}"),
        )
        tokens = {kubeconfig: secrets.token_urlsafe(24) for kubeconfig in USERS}
        lines = [f'{tokens[kubeconfig]},{user},{user},"{group}"' for kubeconfig, (user, group) in USERS.items()]
        self.tokens.write_text("\n".join(lines) + "\n")
        for kubeconfig, token in tokens.items():
            self._write(kubeconfig, token)

    def kubeconfig(self, user: str = ADMIN) -> Path:
        return self._directory / f"{user}.kubeconfig"

    def _write(self, user: str, token: str) -> None:
        cluster = {"server": self._server, "certificate-authority": str(self.certificate)}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "testbed", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": "testbed", "context": {"cluster": "testbed", "user": user}}],
            "current-context": "testbed",
        }
        # JSON is YAML.
        self.kubeconfig(user).write_text(json.dumps(document))


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
