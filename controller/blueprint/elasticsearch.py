"""The search index: the database itself where stores are embedded, Elasticsearch otherwise. Pure.

The image is Elastic's own: https://www.elastic.co/guide/en/elasticsearch/reference/8.19/docker.html
"""

from __future__ import annotations

from controller.api.chatsystem import ChatSystem
from controller.blueprint.part import Part, Profile, external
from controller.blueprint.stores import server
from controller.blueprint.workload import Port, Scratch, Secret

IMAGE = "docker.elastic.co/elasticsearch/elasticsearch:8.19.8"
PREFIX = "CHATSYSTEM_SEARCH"
SETTINGS = (
    "-Ediscovery.type=single-node",
    "-Enetwork.host=0.0.0.0",
    "-Epath.data={volume:elasticsearch}",
    # Mapped files need a setting of the node's kernel (vm.max_map_count) that most nodes do not have.
    "-Enode.store.allow_mmap=false",
    # Inside the system's own network passwords are asked for and nothing is encrypted, as with the other managed stores.
    "-Expack.security.enabled=true",
    "-Expack.security.http.ssl.enabled=false",
)
CONFIGURATION = "/run/elasticsearch"
SCRIPT = """\
umask 077
rm -rf "$ES_PATH_CONF"/*
cp -R /usr/share/elasticsearch/config/. "$ES_PATH_CONF"
elasticsearch-keystore add --force --stdin bootstrap.password < "$PASSWORD_FILE"
exec elasticsearch "$@"
"""
"""The password goes into a keystore beside the other settings, and the image's folder of settings cannot be written to: so they are
copied to where the keystore may be. The image itself would take the password from a file that nobody but its owner may read, and
such a file a pod does not get."""
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
        script=SCRIPT,
        arguments=SETTINGS,
        user=1000,
        group=0,
        scratch=(Scratch("/usr/share/elasticsearch/logs"), Scratch(CONFIGURATION, memory=True)),
        environment={"ES_JAVA_OPTS": f"-Xms{heap} -Xmx{heap}", "ES_PATH_CONF": CONFIGURATION, "ES_TMPDIR": "/tmp"},  # noqa: S108
        secrets={"PASSWORD_FILE": (SECRET.name, "password")},
    )
    return Part((workload,), (SECRET,), {f"{PREFIX}_URL": "http://{address:elasticsearch:http}"}, files)
