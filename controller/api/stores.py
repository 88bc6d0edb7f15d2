"""`spec.stores`: each store is run by the controller (`managed`) or somewhere else (`external`), chosen one by one.

On the local target a managed store is its embedded counterpart; image, placement and resources have no effect there.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from controller.api.model import Model
from controller.api.names import Endpoint, Image, ObjectName, Tag, Url
from controller.api.quantity import Duration, ShortSize, Size
from controller.api.rules import Rule, Transition, exactly_one, fixed, never_smaller
from controller.api.running import Placement, Resources

Endpoints = Annotated[tuple[Endpoint, ...], Field(min_length=1, max_length=16)]
Database = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
VirtualHost = Annotated[str, Field(min_length=1, max_length=200)]


STORAGE_CLASS_FIXED = fixed(
    "storageClass",
    problem="a volume cannot move to another storage class",
    remedy="keep it; for another one, restore a backup into a new system",
)


class ServerTls(Model):
    """Which certificates of an external store are accepted."""

    ca_secret: ObjectName | None = None
    """Secret with the key `ca.crt`, the authority that signed the store's certificate. Left out: the system's authorities."""

    insecure_skip_verify: bool = False
    """Accepts any certificate. For tests only."""


class StoreTls(ServerTls):
    """How the connection to an external store is encrypted."""

    client_secret: ObjectName | None = None
    """Secret with the keys `tls.crt` and `tls.key`, where the store wants a certificate of its clients."""


class ManagedStore(Model):
    """A store that the controller runs."""

    transitions: ClassVar[tuple[Transition, ...]] = (never_smaller("storage"), STORAGE_CLASS_FIXED)

    image: Image | None = None
    """Image of the store. Left out: the one that this version was tested with."""

    version: Tag | None = None
    """Tag of the image, where only that is to be chosen. An `image` with a tag wins."""

    storage: Size = "10Gi"
    """Size of the volume that holds its data."""

    storage_class: ObjectName | None = None
    """Storage class (Kubernetes) or volume driver (Swarm). Left out: the platform's default."""

    resources: Resources = Resources()
    """CPU and memory."""

    placement: Placement = Placement()
    """Where it runs. On Swarm a store that keeps data has to stay on one node."""

    stop_grace: Duration = "60s"
    """How long it may take to stop cleanly."""


class ExternalStore(Model):
    """A store that runs somewhere else."""

    secret_name: ObjectName | None = None
    """Secret with the keys `username` and `password`. Left out: no authentication."""

    tls: StoreTls | None = None
    """Encrypts the connection. Left out: plain."""


class ManagedMysql(ManagedStore):
    """MySQL, run by the controller. On the local target: a SQLite file."""

    storage: Size = "20Gi"
    """Size of the volume that holds its data."""

    database: Database = "chen_im"
    """Name of the database."""


class ExternalMysql(ExternalStore):
    """MySQL 8 or MariaDB 10.11 and later, run somewhere else."""

    endpoints: Endpoints
    """`host:port`; the first one that answers as writable is used."""

    database: Database = "chen_im"
    """Name of the database. It has to exist; the tables are made by the migration."""


class MysqlStore(Model):
    """The database."""

    rules: ClassVar[tuple[Rule, ...]] = (exactly_one("managed", "external"),)

    managed: ManagedMysql | None = None
    """Run by the controller."""

    external: ExternalMysql | None = None
    """Run somewhere else."""


class ManagedRedis(ManagedStore):
    """Redis or Valkey, run by the controller. On the local target: the Valkey server of the embedded stores."""

    storage: Size = "2Gi"
    """Size of the volume that holds its data."""

    persistence: Literal["none", "rdb", "aof"] = "aof"
    """What survives a restart. `none`: nothing, people log in again. `rdb`: a snapshot now and then. `aof`: every second."""

    max_memory: Size | None = None
    """Memory for data. Left out: three quarters of the memory limit, or no bound without a limit."""


class ExternalRedis(ExternalStore):
    """Redis 7 or Valkey 7 and later, run somewhere else: one server, or a primary with its replicas. No Redis Cluster."""

    endpoints: Endpoints
    """`host:port` of the primary and its replicas; the one that takes writes is used, also after a failover."""

    database: Annotated[int, Field(ge=0, le=1000)] = 0
    """Number of the database."""


class RedisStore(Model):
    """Cache, login sessions, presence."""

    rules: ClassVar[tuple[Rule, ...]] = (exactly_one("managed", "external"),)

    managed: ManagedRedis | None = None
    """Run by the controller."""

    external: ExternalRedis | None = None
    """Run somewhere else."""


class ManagedRabbitmq(ManagedStore):
    """RabbitMQ, run by the controller. On the local target: streams in the Valkey server."""

    storage: Size = "5Gi"
    """Size of the volume that holds its data."""

    management: bool = True
    """Serves the management page on port 15672 inside the network. It is never published."""


class ExternalRabbitmq(ExternalStore):
    """RabbitMQ 3.10 and later, run somewhere else."""

    endpoints: Endpoints
    """`host:port`, tried in this order."""

    virtual_host: VirtualHost = "/"
    """Virtual host."""


class RabbitmqStore(Model):
    """The queue between the services."""

    rules: ClassVar[tuple[Rule, ...]] = (exactly_one("managed", "external"),)

    managed: ManagedRabbitmq | None = None
    """Run by the controller."""

    external: ExternalRabbitmq | None = None
    """Run somewhere else."""


class ManagedElasticsearch(ManagedStore):
    """Elasticsearch, run by the controller. On the local target: search in the database."""

    heap: ShortSize = "1g"
    """Heap of the JVM. The memory limit, if any, has to be about twice as much."""


class ExternalElasticsearch(ExternalStore):
    """Elasticsearch 8, run somewhere else."""

    endpoints: Annotated[tuple[Url, ...], Field(min_length=1, max_length=16)]
    """Addresses of its nodes: `https://10.0.0.7:9200`."""

    index_prefix: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,59}$")] = "chatsystem"
    """Beginning of the names of the indexes, for a cluster that several systems share."""


class ElasticsearchStore(Model):
    """The search index, a projection of the database that can be built anew at any time."""

    rules: ClassVar[tuple[Rule, ...]] = (exactly_one("managed", "external"),)

    managed: ManagedElasticsearch | None = None
    """Run by the controller."""

    external: ExternalElasticsearch | None = None
    """Run somewhere else."""


class ManagedEtcd(ManagedStore):
    """etcd, run by the controller. On the local target: nothing, or keys in the Valkey server."""

    storage: Size = "2Gi"
    """Size of the volume that holds its data."""


class ExternalEtcd(ExternalStore):
    """etcd 3.4 and later, run somewhere else."""

    endpoints: Endpoints
    """`host:port` of its members."""

    prefix: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._-]+){1,8}$", max_length=200)] = "/service"
    """Beginning of the keys, for an etcd that several systems share."""


class EtcdStore(Model):
    """The registry in which services find each other."""

    rules: ClassVar[tuple[Rule, ...]] = (exactly_one("managed", "external"),)

    managed: ManagedEtcd | None = None
    """Run by the controller."""

    external: ExternalEtcd | None = None
    """Run somewhere else."""


class ManagedFiles(Model):
    """A volume for files and pictures. On the local target: a folder."""

    transitions: ClassVar[tuple[Transition, ...]] = (
        never_smaller("storage"),
        STORAGE_CLASS_FIXED,
        fixed(
            "accessMode",
            problem="the access mode of a volume cannot change",
            remedy="keep it; for another one, restore a backup into a new system",
        ),
    )

    storage: Size = "50Gi"
    """Size of the volume."""

    storage_class: ObjectName | None = None
    """Storage class (Kubernetes) or volume driver (Swarm). Left out: the platform's default."""

    access_mode: Literal["ReadWriteOnce", "ReadWriteMany"] = "ReadWriteOnce"
    """Kubernetes: `ReadWriteOnce` works with every storage class and keeps the replicas of the file service on one node. `ReadWriteMany`
    lets them be anywhere, where the storage class can do that."""


class S3(Model):
    """A bucket of S3-compatible storage."""

    endpoint: Url | None = None
    """Address of the storage. Left out: that of AWS for the region."""

    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    """Name of the bucket."""

    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] = "us-east-1"
    """Region of the bucket."""

    prefix: Annotated[str, Field(pattern=r"^([A-Za-z0-9._-]+/)*$", max_length=200)] = ""
    """Beginning of the keys, ending with `/`."""

    secret_name: ObjectName
    """Secret with the keys `accessKey` and `secretKey`."""

    tls: ServerTls | None = None
    """Which certificates are accepted, where the endpoint is https. Left out: those of the system's authorities."""


class FilesStore(Model):
    """Where files and pictures are kept."""

    rules: ClassVar[tuple[Rule, ...]] = (exactly_one("managed", "s3"),)

    managed: ManagedFiles | None = None
    """A volume."""

    s3: S3 | None = None
    """S3-compatible storage."""


class Stores(Model):
    """The stores. Each may be left out and is then managed, with its defaults."""

    mysql: MysqlStore = MysqlStore(managed=ManagedMysql())
    """The database."""

    redis: RedisStore = RedisStore(managed=ManagedRedis())
    """Cache, login sessions, presence."""

    rabbitmq: RabbitmqStore = RabbitmqStore(managed=ManagedRabbitmq())
    """The queue between the services."""

    elasticsearch: ElasticsearchStore = ElasticsearchStore(managed=ManagedElasticsearch())
    """The search index."""

    etcd: EtcdStore = EtcdStore(managed=ManagedEtcd())
    """The registry in which services find each other."""

    files: FilesStore = FilesStore(managed=ManagedFiles())
    """Files and pictures."""
