"""The verbs of `chatsystem` on a cluster, by what they print and how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.testbed.kubernetes.hollow import crashing
from tests.testbed.kubernetes.scene import Scene

pytestmark = pytest.mark.timeout(600)


def run(scene: Scene, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "controller.cli.main", "--target", "kubernetes", "--namespace", scene.namespace]
    environment = {**os.environ, "KUBECONFIG": str(scene.cluster.kubeconfig), "NO_PROXY": "*"}
    return subprocess.run([*command, *arguments], input=stdin, capture_output=True, text=True, env=environment)


def said(scene: Scene, *arguments: str, stdin: str = "") -> str:
    done = run(scene, *arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout


def document(**spec: Any) -> str:
    services = {name: {"replicas": 1} for name in ("gateway", "user", "friend", "transmit", "store", "file")}
    small = {"exposure": {"type": "ClusterIP"}, "release": {"observe": "0s"}}
    declared = {"version": "1.2.0", **small, "services": {**services, "speech": {"replicas": 0}}, **spec}
    head = {"apiVersion": "chatsystem.dev/v1alpha1", "kind": "ChatSystem", "metadata": {"name": "acme"}}
    return json.dumps({**head, "spec": declared})


def test_a_system_from_apply_to_purge(scene: Scene) -> None:
    scene.controller()
    assert "apply mysql" in said(scene, "plan", "-f", "-", stdin=document())
    assert "acme created (generation 1)" in said(scene, "apply", "-f", "-", stdin=document())
    assert "acme: Running" in said(scene, "wait", "acme", "--timeout", "180s")
    assert said(scene, "plan", "acme") == "acme: nothing to do\n"
    assert said(scene, "plan", "-f", "-", stdin=document()) == "acme: nothing to do\n"
    status = json.loads(said(scene, "status", "acme", "-o", "json"))
    assert status["controller"].startswith("one_")
    assert status["status"]["version"] == "1.2.0"
    assert "gateway" in said(scene, "status", "acme")

    said(scene, "pause", "acme")
    paused = run(scene, "wait", "acme")
    assert (paused.returncode, "paused" in paused.stderr) == (1, True)
    said(scene, "resume", "acme")

    said(scene, "scale", "acme", "user=2")
    said(scene, "wait", "acme", "--timeout", "180s")
    assert len([name for name in scene.system.names("pods") if "-user-" in name]) == 2
    assert "back to revision 1" in said(scene, "rollback", "acme", "--to", "1")
    said(scene, "wait", "acme", "--timeout", "180s")
    history = json.loads(said(scene, "history", "acme", "-o", "json"))["revisions"]
    assert [item["verdict"] for item in history] == ["Released"] * 3
    assert "Applied gateway" in said(scene, "events", "acme", "--tail", "500")

    assert "acme-data-mysql" in said(scene, "delete", "acme", "--yes", "--timeout", "120s")
    assert run(scene, "status", "acme").returncode == 1
    said(scene, "delete", "acme", "--yes", "--purge")
    assert scene.system.names("secrets") == []


def test_waiting_for_what_cannot_come_ends_with_the_reason(scene: Scene) -> None:
    scene.node.outcomes["mysql"] = crashing("disk full")
    scene.controller()
    said(scene, "apply", "-f", "-", stdin=document())
    done = run(scene, "wait", "acme", "--timeout", "180s")
    assert done.returncode == 1
    assert "disk full" in done.stderr


def test_without_a_controller_waiting_does_not_last(scene: Scene) -> None:
    said(scene, "apply", "-f", "-", stdin=document())
    done = run(scene, "wait", "acme", "--timeout", "180s")
    assert (done.returncode, "no controller drives it" in done.stderr) == (1, True)


def test_a_cluster_that_is_not_there_is_said_in_words(scene: Scene) -> None:
    environment = {**os.environ, "KUBECONFIG": "/nonexistent"}
    command = [sys.executable, "-m", "controller.cli.main", "--target", "kubernetes", "status"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert "no cluster can be found" in done.stderr
    wrong = run(scene, "--context", "other", "status")
    assert (wrong.returncode, "--context" in wrong.stderr) == (1, True)


def test_a_declaration_for_another_namespace_is_not_kept_in_this_one(scene: Scene) -> None:
    elsewhere = json.loads(document())
    elsewhere["metadata"]["namespace"] = "elsewhere"
    done = run(scene, "apply", "-f", "-", stdin=json.dumps(elsewhere))
    assert done.returncode == 1
    assert "--namespace elsewhere" in done.stderr


def test_a_kept_declaration_is_rendered_as_manifests(scene: Scene) -> None:
    said(scene, "apply", "-f", "-", stdin=document())
    items = json.loads(said(scene, "render", "acme", "-o", "json"))["items"]
    assert {"Deployment", "StatefulSet", "NetworkPolicy"} <= {item["kind"] for item in items}
    assert {item["metadata"]["namespace"] for item in items} == {scene.namespace}


def test_up_is_for_a_laptop(scene: Scene) -> None:
    done = run(scene, "up", "-f", "-", stdin=document())
    assert done.returncode == 1
    assert "chatsystem apply" in done.stderr
