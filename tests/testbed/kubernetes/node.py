"""The cluster's one node: containerd, the kubelet, the proxy of services, CoreDNS, and storage for claims."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.testbed.kubernetes import programs
from tests.testbed.kubernetes.control_plane import ControlPlane, write_json
from tests.testbed.kubernetes.kubectl import Kubectl
from tests.testbed.kubernetes.slot import Slot
from tests.testbed.kubernetes.storage import CLASS
from tests.testbed.machine import CGROUPS, Machine
from tests.testbed.process import Process, wait_for

NAME = "node"
_CONTAINERD = """version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
]
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{networks}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
"""
# restrict_oom_score_adj: sandboxes would otherwise fail where root lacks CAP_SYS_RESOURCE.
_COREDNS = """.:53 {{
  bind {address}
  errors
  kubernetes cluster.local in-addr.arpa {{
    kubeconfig {kubeconfig}
    ttl 5
  }}
  cache 5
}}
"""


class Node:
    def __init__(self, slot: Slot, machine: Machine, control_plane: ControlPlane) -> None:
        self._slot, self._machine, self._control_plane = slot, machine, control_plane
        self._socket = slot.directory / "containerd" / "containerd.sock"
        self.dns = slot.service(10)
        self.programs: dict[str, Process] = {}

    def start(self) -> None:
        """Returns when containers can be started; the node is Ready some seconds later."""
        self._start_containerd()
        self._start_kubelet()
        kubeconfig = str(self._control_plane.access.kubeconfig("proxy"))
        self._start(
            "proxy",
            *(self._control_plane.kube, "proxy", "--kubeconfig", kubeconfig, "--hostname-override", NAME),
            *("--cluster-cidr", self._slot.pods, "--proxy-mode", "iptables"),
            # What these would set belongs to the whole machine.
            *("--conntrack-max-per-core", "0", "--conntrack-tcp-timeout-established", "0"),
            *("--conntrack-tcp-timeout-close-wait", "0"),
        )
        self._start_dns()
        self._start_storage()

    def load(self, archive: Path) -> None:
        """Brings images into the node, from a file of `docker save`."""
        with archive.open("rb") as images:
            self._ctr("images", "import", "-", stdin=images)

    def load_from(self, command: list[str]) -> None:
        """As `load`, from what a program writes."""
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as source:
            assert source.stdout is not None
            assert source.stderr is not None
            self._ctr("images", "import", "-", stdin=source.stdout)
            error = source.stderr.read().decode(errors="replace")
        assert source.returncode == 0, f"{' '.join(command)}: {error}"

    def images(self) -> set[str]:
        return set(self._ctr("images", "list", "--quiet").split())

    def _start(self, name: str, *command: str) -> None:
        self.programs[name] = self._machine.program(name, *command)
        self.programs[name].start()

    def _start_containerd(self) -> None:
        folder, networks = self._socket.parent, self._slot.directory / "networks"
        folder.mkdir()
        networks.mkdir()
        bridge = {
            "type": "bridge",
            "bridge": "cni0",
            "isGateway": True,
            "ipMasq": True,
            "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": self._slot.pods}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }
        ports = {"type": "portmap", "capabilities": {"portMappings": True}}
        write_json(
            networks / "10-testbed.conflist", {"cniVersion": "0.4.0", "name": "testbed", "plugins": [bridge, ports]}
        )
        configuration = folder / "config.toml"
        configuration.write_text(
            _CONTAINERD.format(folder=folder, socket=self._socket, networks=networks, pause=programs.PAUSE)
        )
        self._start("containerd", "containerd", "--config", str(configuration))
        wait_for(self._answers, 60.0, f"containerd answers; its log is {self.programs['containerd'].log}")
        self.load(programs.pause_image())

    def _start_kubelet(self) -> None:
        home = self._slot.directory / "kubelet"
        home.mkdir()
        # Pods of several clusters would otherwise be in the same place, and each kubelet would end the others'.
        for hierarchy in (CGROUPS, *CGROUPS.iterdir()):
            if (hierarchy / "cgroup.procs").exists():
                (hierarchy / self._slot.cgroup).mkdir()
        (home / "resolv.conf").touch()
        configuration = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": self._control_plane.address,
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self._slot.cgroup}",
            "clusterDNS": [self.dns],
            "clusterDomain": "cluster.local",
            "containerRuntimeEndpoint": f"unix://{self._socket}",
            "failCgroupV1": False,
            "failSwapOn": False,
            # Images come from tests and cannot be pulled again; and how full the disk is says nothing about the cluster.
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "evictionHard": {"imagefs.available": "0%", "nodefs.available": "0%", "memory.available": "100Mi"},
            "nodeStatusUpdateFrequency": "4s",
            "resolvConf": str(home / "resolv.conf"),
            "volumePluginDir": str(home / "plugins"),
        }
        written = write_json(home / "config.json", configuration)
        self._start(
            "kubelet",
            *(self._control_plane.kube, "kubelet", "--config", str(written), "--root-dir", str(home)),
            *("--cert-dir", str(home / "pki"), "--kubeconfig", str(self._control_plane.access.kubeconfig("node"))),
            *("--hostname-override", NAME, "--node-ip", self._control_plane.address),
        )

    def _start_dns(self) -> None:
        """On the node itself, at the address that pods are told."""
        self._machine.run("ip", "address", "add", f"{self.dns}/32", "dev", "lo")
        corefile = self._slot.directory / "Corefile"
        kubeconfig = self._control_plane.access.kubeconfig()
        corefile.write_text(_COREDNS.format(address=self.dns, kubeconfig=kubeconfig))
        self._start("coredns", str(programs.coredns()), "-conf", str(corefile))

    def _start_storage(self) -> None:
        access = self._control_plane.access
        Kubectl(access.kubeconfig()).apply(CLASS)
        self.programs["storage"] = self._machine.program(
            "storage",
            *(sys.executable, "-m", "tests.testbed.kubernetes.storage", str(access.kubeconfig())),
            *(str(self._slot.directory / "volumes"), NAME),
            environment={"PYTHONPATH": str(Path(__file__).parents[3])},
        )
        self.programs["storage"].start()

    def _answers(self) -> bool:
        process = self.programs["containerd"]
        assert process.running, f"containerd has ended:\n{process.output()[-3000:]}"
        return subprocess.run(["ctr", "--address", str(self._socket), "version"], capture_output=True).returncode == 0

    def _ctr(self, *arguments: str, stdin: object = None) -> str:
        # In the machine: layers are unpacked by mounting them.
        command = ["ctr", "--address", str(self._socket), "--namespace", "k8s.io", *arguments]
        return self._machine.run(*command, stdin=stdin)  # type: ignore[arg-type]
