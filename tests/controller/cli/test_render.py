"""`chatsystem render`."""

from __future__ import annotations

import json
from collections.abc import Callable

import yaml
from click.testing import Result

from tests.testbed.manifests import EXAMPLES, checked

Chatsystem = Callable[..., Result]
PRODUCTION = EXAMPLES / "production.yaml"


def test_manifests_are_shown_as_kubectl_reads_them(chatsystem: Chatsystem) -> None:
    done = chatsystem("render", "--target", "kubernetes", "-f", str(PRODUCTION))
    assert done.exit_code == 0
    shown = list(yaml.safe_load_all(done.stdout))
    assert [checked(item) for item in shown] == shown
    again = chatsystem("render", "--target", "kubernetes", "-o", "json", "-f", str(PRODUCTION))
    assert json.loads(again.stdout) == {"apiVersion": "v1", "kind": "List", "items": shown}


def test_manifests_are_for_the_namespace_of_the_declaration(chatsystem: Chatsystem) -> None:
    document = yaml.safe_load(PRODUCTION.read_text())
    document["metadata"]["namespace"] = "messages"
    done = chatsystem("render", "--target", "kubernetes", "-f", "-", text=json.dumps(document))
    assert {item["metadata"]["namespace"] for item in yaml.safe_load_all(done.stdout)} == {"messages"}


def test_what_kubernetes_does_not_know_is_refused_with_its_place_and_a_remedy(chatsystem: Chatsystem) -> None:
    document = yaml.safe_load(PRODUCTION.read_text())
    document["spec"]["stores"]["mysql"]["managed"]["placement"] = {"constraints": ["engine.labels.disk == ssd"]}
    done = chatsystem("render", "--target", "kubernetes", "-f", "-", text=json.dumps(document))
    assert done.exit_code == 1
    assert (
        "spec.stores.mysql.managed.placement: the constraint 'engine.labels.disk == ssd' has no meaning" in done.stderr
    )
    assert "node.labels.NAME" in done.stderr
