"""The database: a SQLite file where stores are embedded, MySQL otherwise. Pure.

The image is Docker's official one; what it reads: https://github.com/docker-library/docs/tree/master/mysql. Options that MariaDB does not
know are written so that it passes over them.
"""

from __future__ import annotations

from controller.api.chatsystem import ChatSystem
from controller.api.quantity import bytes_of
from controller.api.stores import ManagedMysql
from controller.blueprint.part import Part, Profile, credentials, external
from controller.blueprint.stores import server
from controller.blueprint.workload import Port, Scratch, Secret, Volume

IMAGE = "mysql:8.4"
PREFIX = "CHATSYSTEM_DATABASE"
CONNECTIONS = 1000
"""At most. The services' pools need far fewer; a login that is refused is worse than the few kilobytes that a connection costs."""
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
        arguments=arguments(declared.managed),
        user=999,
        scratch=(Scratch("/var/run/mysqld"),),
        environment={"MYSQL_DATABASE": declared.managed.database},
        secrets={
            "MYSQL_ROOT_PASSWORD_FILE": (SECRET.name, "root-password"),
            "MYSQL_USER_FILE": (SECRET.name, "username"),
            "MYSQL_PASSWORD_FILE": (SECRET.name, "password"),
        },
    )
    url = f"mysql://{{address:mysql:mysql}}/{declared.managed.database}"
    return Part((workload,), (SECRET,), {f"{PREFIX}_URL": url}, files)


def arguments(managed: ManagedMysql) -> tuple[str, ...]:
    limit = managed.resources.limits.memory
    return (
        # A folder in the volume, because the root of a file system is not empty (lost+found), and MySQL makes its data in an empty one.
        "--datadir={volume:mysql}/data",
        "--character-set-server=utf8mb4",
        f"--max-connections={CONNECTIONS}",
        # Copies of the data are dumps; nothing reads the binary log, and nothing would remove it before the volume is full.
        "--skip-log-bin",
        # Addresses of pods and containers have no names that would be worth a question before each login.
        "--skip-name-resolve",
        # The X protocol has a port that nobody uses.
        "--loose-mysqlx=OFF",
        *([f"--innodb-buffer-pool-size={bytes_of(limit) // 2}"] if limit else []),
    )
