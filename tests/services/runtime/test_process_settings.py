"""The environment of a process: every mistake is named with its variable and the remedy, all at once."""

import pytest

from services.catalogue import BY_NAME, SERVICES
from services.runtime.process_settings import hosted_services, read_log_settings, read_process_settings
from services.runtime.settings import SettingsError

GOOD = {
    "CHATSYSTEM_DATABASE_URL": "sqlite:////var/lib/chat.db",
    "CHATSYSTEM_CACHE_URL": "redis://127.0.0.1:6379/0",
    "CHATSYSTEM_QUEUE_URL": "redis://127.0.0.1:6379/1",
    "CHATSYSTEM_FILES_URL": "file:///var/lib/files",
}


def problems(**changes):
    with pytest.raises(SettingsError) as caught:
        read_process_settings(SERVICES, {**GOOD, **changes})
    return caught.value.problems


def test_the_least_environment_is_enough():
    settings = read_process_settings(SERVICES, GOOD)
    assert settings.single_process
    assert settings.ports == {service.name: service.port for service in SERVICES}
    assert settings.metrics_port == SERVICES[0].metrics_port


def test_two_processes_without_a_name_get_different_ones():
    assert read_process_settings(SERVICES, GOOD).instance != read_process_settings(SERVICES, GOOD).instance


def test_services_come_in_dependency_order_and_once():
    names = [service.name for service in hosted_services(["gateway", "user", "file", "user"])]
    assert names == ["file", "user", "gateway"]
    assert hosted_services(["all"]) == SERVICES


def test_an_unknown_service_is_answered_with_the_known_ones():
    with pytest.raises(SettingsError) as caught:
        hosted_services(["gatewai"])
    assert "gatewai" in str(caught.value)
    assert all(name in str(caught.value) for name in BY_NAME)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("CHATSYSTEM_DATABASE_URL", "", "is not set"),
        ("CHATSYSTEM_DATABASE_URL", "mongodb://x", "unknown kind 'mongodb'"),
        ("CHATSYSTEM_DATABASE_URL", "sqlite://relative.db", "absolute path"),
        ("CHATSYSTEM_DATABASE_URL", "mysql://one:3306,two/chen_im", "host and port"),
        ("CHATSYSTEM_DATABASE_URL", "mysql://one:3306", "names no database"),
        ("CHATSYSTEM_DATABASE_URL", "mysql://me:secret@one:3306/chen_im", "holds a name or password"),
        ("CHATSYSTEM_CACHE_URL", "redis://127.0.0.1/0", "host and port"),
        ("CHATSYSTEM_CACHE_URL", "redis://127.0.0.1:6379/x", "database number"),
        ("CHATSYSTEM_CACHE_URL", "redis://127.0.0.1:70000/0", "host and port"),
        ("CHATSYSTEM_CACHE_URL", "redis://one:6379,two/0", "no host and port"),
        ("CHATSYSTEM_QUEUE_URL", "amqp://one:5672,two/", "host and port"),
        ("CHATSYSTEM_QUEUE_URL", "amqp://one:5672/a/b", "%2F"),
        ("CHATSYSTEM_QUEUE_CA_FILE", "/etc/hostname", "TLS is not true"),
        ("CHATSYSTEM_SEARCH_URL", "elasticsearch://es:9200", "unknown kind"),
        ("CHATSYSTEM_SEARCH_URL", "https://one:9200,http://two:9200", "mixes http and https"),
        ("CHATSYSTEM_SEARCH_URL", "https://one:9200,https://", "no host and port"),
        ("CHATSYSTEM_SEARCH_URL", "https://one:9200,https://a:b@two:9200", "holds a name or password"),
        ("CHATSYSTEM_SEARCH_INDEX_PREFIX", "Chat*", "lower-case name"),
        ("CHATSYSTEM_FILES_URL", "s3:///prefix", "names no bucket"),
        ("CHATSYSTEM_FILES_ENDPOINT", "minio:9000", "https://host:port"),
        ("CHATSYSTEM_FILES_REGION", "Mars!", "a region"),
        ("CHATSYSTEM_QUEUE_TLS", "yes", "expected true or false"),
        ("CHATSYSTEM_QUEUE_URL", "kafka://127.0.0.1:9092", "unknown kind 'kafka'"),
        ("CHATSYSTEM_REGISTRY_URL", "etcd://one:2379/", "prefix"),
        ("CHATSYSTEM_REGISTRY_URL", "consul:", "unknown kind 'consul'"),
        ("CHATSYSTEM_FILES_URL", "/var/lib/files", "unknown kind ''"),
        ("CHATSYSTEM_CACHE_PASSWORD_FILE", "/nowhere/at/all", "cannot be read"),
        ("CHATSYSTEM_GATEWAY_PORT", "http", "expected a port"),
        ("CHATSYSTEM_GATEWAY_WEBSOCKET_PORT", "70000", "expected a port"),
        ("CHATSYSTEM_METRICS_PORT", "-1", "expected a port"),
        ("CHATSYSTEM_INSTANCE", "a b", "expected letters"),
        ("CHATSYSTEM_DRAIN_TIMEOUT", "soon", "expected seconds"),
        ("CHATSYSTEM_STORE_PAGE_LIMIT", "many", "expected a whole number"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable_and_what_would_be_right(variable, value, said):
    (problem,) = problems(**{variable: value})
    assert variable in problem
    assert said in problem


def test_a_password_in_a_url_is_refused_and_not_repeated():
    (problem,) = problems(CHATSYSTEM_CACHE_URL="redis://:open-sesame@127.0.0.1:6379/0")
    assert "_PASSWORD_FILE" in problem
    assert "open-sesame" not in problem


def test_all_problems_are_reported_at_once():
    found = problems(CHATSYSTEM_DATABASE_URL="", CHATSYSTEM_GATEWAY_PORT="x", CHATSYSTEM_USER_CODE_ATTEMPTS="none")
    assert len(found) == 3


def test_a_registry_needs_the_shared_secret(tmp_path):
    (problem,) = problems(CHATSYSTEM_REGISTRY_URL="redis://127.0.0.1:6379/0")
    assert "CHATSYSTEM_RPC_SECRET_FILE" in problem
    (tmp_path / "secret").write_text("short")
    (problem,) = problems(
        CHATSYSTEM_REGISTRY_URL="redis://127.0.0.1:6379/0", CHATSYSTEM_RPC_SECRET_FILE=str(tmp_path / "secret")
    )
    assert "16" in problem
    assert "short" not in problem.replace(str(tmp_path), "")


def test_the_secret_does_not_show_when_settings_are_printed(tmp_path):
    (tmp_path / "secret").write_text("a-long-enough-secret\n")
    settings = read_process_settings(SERVICES, {**GOOD, "CHATSYSTEM_RPC_SECRET_FILE": str(tmp_path / "secret")})
    assert settings.rpc_secret == "a-long-enough-secret"
    assert "a-long-enough-secret" not in repr(settings)


def test_the_password_does_not_show_when_settings_are_printed(tmp_path):
    (tmp_path / "password").write_text("open-sesame")
    settings = read_process_settings(SERVICES, {**GOOD, "CHATSYSTEM_CACHE_PASSWORD_FILE": str(tmp_path / "password")})
    assert settings.stores.access["CACHE"].password == "open-sesame"
    assert "open-sesame" not in repr(settings)


def test_the_certificates_of_an_encrypted_store_are_looked_for_at_once(tmp_path):
    here = tmp_path / "ca.crt"
    here.write_text("")
    (problem,) = problems(
        CHATSYSTEM_QUEUE_TLS="true", CHATSYSTEM_QUEUE_CA_FILE=str(here), CHATSYSTEM_QUEUE_KEY_FILE=str(tmp_path / "no")
    )
    assert "CHATSYSTEM_QUEUE_KEY_FILE" in problem
    assert "can be read" in problem


@pytest.mark.parametrize("variable", ["CHATSYSTEM_LOG_LEVEL", "CHATSYSTEM_LOG_FORMAT"])
def test_a_wrong_log_setting_is_named(variable):
    with pytest.raises(SettingsError, match=variable):
        read_log_settings({variable: "loud"})


def test_an_encrypted_store_is_not_reached_by_a_plain_address():
    said = problems(CHATSYSTEM_SEARCH_URL="http://es:9200", CHATSYSTEM_SEARCH_TLS="true")
    assert any("CHATSYSTEM_SEARCH_TLS is true, but the address is http" in problem for problem in said)


def test_a_search_index_and_a_bucket_have_several_addresses_keys_and_defaults(tmp_path):
    (tmp_path / "key").write_text("secret\n")
    stores = read_process_settings(
        SERVICES,
        {
            **GOOD,
            "CHATSYSTEM_SEARCH_URL": "https://one:9200,https://two:9200",
            "CHATSYSTEM_FILES_URL": "s3://bucket/prefix/",
            "CHATSYSTEM_FILES_SECRET_KEY_FILE": str(tmp_path / "key"),
        },
    ).stores
    assert stores.access["FILES"].password == "secret"
    assert "secret" not in repr(stores)
    assert (stores.options["SEARCH_INDEX_PREFIX"], stores.options["FILES_REGION"]) == ("chatsystem", "us-east-1")


@pytest.mark.parametrize(("host", "written"), [("10.0.0.5", "10.0.0.5:7"), ("fd00::5", "[fd00::5]:7")])
def test_others_are_told_an_address_as_grpc_reads_it(host, written):
    from services.runtime.rpc_server import endpoint

    assert endpoint(host, 7) == written
