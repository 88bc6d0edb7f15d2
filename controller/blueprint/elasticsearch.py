"""The search index: the database itself where stores are embedded, Elasticsearch otherwise. Pure."""

from __future__ import annotations

from controller.api.chatsystem import ChatSystem
from controller.blueprint.part import Part, Profile, external
from controller.blueprint.stores import server
from controller.blueprint.workload import Port, Secret

IMAGE = "docker.elastic.co/elasticsearch/elasticsearch:8.19.8"
PREFIX = "CHATSYSTEM_SEARCH"
SECRET = Secret("elasticsearch", ("password",))  # of the user `elastic`, whom the image makes


def part(system: ChatSystem, profile: Profile) -> Part:
    declared = system.spec.stores.elasticsearch
    if declared.external:
        environment = {
            f"{PREFIX}_URL": ",".join(str(url) for url in declared.external.endpoints),
            f"{PREFIX}_INDEX_PREFIX": declared.external.index_prefix,
        }
        return external("elasticsearch", PREFIX, declared.external, environment)
    if profile.embedded or declared.managed is None:
        return Part(environment={f"{PREFIX}_URL": "database:"})
    files = {f"{PREFIX}_PASSWORD_FILE": (SECRET.name, "password")}
    heap = declared.managed.heap
    workload = server(
        "elasticsearch",
        declared.managed,
        image=IMAGE,
        port=Port("http", 9200),
        data="/usr/share/elasticsearch/data",
        # Inside the system's own network passwords are asked for and nothing is encrypted, as with the other managed stores.
        environment={
            "discovery.type": "single-node",
            "xpack.security.enabled": "true",
            "xpack.security.http.ssl.enabled": "false",
            "ES_JAVA_OPTS": f"-Xms{heap} -Xmx{heap}",
        },
        secrets={"ELASTIC_PASSWORD_FILE": (SECRET.name, "password")},
    )
    return Part((workload,), (SECRET,), {f"{PREFIX}_URL": "http://{address:elasticsearch:http}"}, files)
