"""The database: a SQLite file where stores are embedded, MySQL otherwise. Pure."""

from __future__ import annotations

from controller.api.chatsystem import ChatSystem
from controller.blueprint.part import Part, Profile, credentials, external
from controller.blueprint.stores import server
from controller.blueprint.workload import Port, Secret, Volume

IMAGE = "mysql:8.4"
PREFIX = "CHATSYSTEM_DATABASE"
SECRET = Secret("mysql", ("username", "password", "root-password"))


def part(system: ChatSystem, profile: Profile) -> Part:
    declared = system.spec.stores.mysql
    if declared.external:
        url = f"mysql://{','.join(declared.external.endpoints)}/{declared.external.database}"
        return external("mysql", PREFIX, declared.external, {f"{PREFIX}_URL": url})
    if profile.embedded or declared.managed is None:
        # Three slashes and an absolute path, as in SQLAlchemy's URLs.
        url = "sqlite:///{volume:database}/chat.db"
        return Part(environment={f"{PREFIX}_URL": url}, volumes=(Volume("database", "/var/lib/chatsystem/database"),))
    _, files = credentials(PREFIX, SECRET.name)
    workload = server(
        "mysql",
        declared.managed,
        image=IMAGE,
        port=Port("mysql", 3306),
        data="/var/lib/mysql",
        environment={"MYSQL_DATABASE": declared.managed.database},
        secrets={
            "MYSQL_ROOT_PASSWORD_FILE": (SECRET.name, "root-password"),
            "MYSQL_USER_FILE": (SECRET.name, "username"),
            "MYSQL_PASSWORD_FILE": (SECRET.name, "password"),
        },
    )
    url = f"mysql://{{address:mysql:mysql}}/{declared.managed.database}"
    return Part((workload,), (SECRET,), {f"{PREFIX}_URL": url}, files)
