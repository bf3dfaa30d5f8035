"""A libvirtd of one's own: every folder that it writes to lies in the test's folder.

It runs in a mount namespace whose /etc/libvirt, /var/lib/libvirt, /run/libvirt, /var/cache/libvirt and /var/log/libvirt
are folders of `folder`, and whose /etc/passwd and /etc/group have the users that Debian's recommended packages would
make. Of the machine only the mount points are used (made if they are missing). Needs root.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import harness

STATE = {"etc": "/etc/libvirt", "lib": "/var/lib/libvirt", "run": "/run/libvirt", "cache": "/var/cache/libvirt",
         "log": "/var/log/libvirt"}

# Root may run the guests: dropping privileges, cgroups and security drivers are libvirt's business, not this test's.
QEMU_CONF = """
user = "root"
group = "root"
security_driver = "none"
dynamic_ownership = 0
remember_owner = 0
namespaces = [ ]
cgroup_controllers = [ ]
seccomp_sandbox = 0
stdio_handler = "file"
"""

ENTER = """
set -eu
for name in etc lib run cache log; do
    case $name in
        etc) at=/etc/libvirt ;; lib) at=/var/lib/libvirt ;; run) at=/run/libvirt ;;
        cache) at=/var/cache/libvirt ;; log) at=/var/log/libvirt ;;
    esac
    mkdir -p "$at"
    mount --bind "$1/$name" "$at"
done
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/group" /etc/group
exec "$2" -f "$1/etc/libvirtd.conf" -p "$1/pid"
"""


def with_lines(path, lines):
    """The text of a file of `name:...` lines, and those of `lines` whose name it lacks."""
    text = Path(path).read_text(encoding="utf-8")
    names = {line.split(":")[0] for line in text.splitlines()}
    return text + "".join(line + "\n" for line in lines if line.split(":")[0] not in names)


def class_folder(test_class):
    """A temporary folder for all tests of a class. Its path is short, for the sockets in it."""
    folder = Path(tempfile.mkdtemp(prefix="sallyport-"))
    test_class.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
    return folder


def propagation():
    """Private, so that no mount reaches the machine; in a chroot whose root is no mount point there is nothing to set."""
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return "private" if any(line.split()[4] == "/" for line in mounts) else "unchanged"


class PrivateLibvirtd:
    """start() and stop() may alternate: the folders stay, as over a restart of the daemon."""

    def __init__(self, folder, hook=None, host_uuid=None):
        """`hook` is the text of a hook that libvirt runs for its guests; `host_uuid` tells two of them apart."""
        self.program = harness.need("libvirtd", "libvirt-daemon libvirt-daemon-driver-qemu")
        self.virsh_program = harness.need("virsh", "libvirt-clients")
        self.folder = Path(folder)
        self.process = None
        for name in STATE:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "sock").mkdir(exist_ok=True)
        (self.folder / "passwd").write_text(with_lines(
            "/etc/passwd", ["libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin"]), encoding="utf-8")
        (self.folder / "group").write_text(with_lines(
            "/etc/group", ["kvm:x:64053:", "libvirt:x:64054:", "libvirt-qemu:x:64055:"]), encoding="utf-8")
        (self.folder / "etc/qemu.conf").write_text(QEMU_CONF, encoding="utf-8")
        (self.folder / "etc/libvirtd.conf").write_text(
            f'unix_sock_dir = "{self.folder}/sock"\nauth_unix_rw = "none"\nauth_unix_ro = "none"\nlog_level = 3\n'
            f'log_outputs = "3:file:{self.folder}/log/libvirtd.log"\n'
            + (f'host_uuid = "{host_uuid}"\n' if host_uuid else ""), encoding="utf-8")
        if hook is not None:
            path = self.folder / "etc/hooks/qemu.d/50-sallyport"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(hook, encoding="utf-8")
            path.chmod(0o755)

    @property
    def uri(self):
        return f"qemu+unix:///system?socket={self.folder}/sock/libvirt-sock"

    def start(self):
        """Returns when it answers."""
        (self.folder / "pid").unlink(missing_ok=True)
        with open(self.folder / "log/stderr", "ab") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", propagation(), "/bin/bash", "-c", ENTER, "enter", str(self.folder),
                 self.program], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        harness.wait_until(self.answers_or_died, 30, "libvirtd to answer")
        if self.process.poll() is not None:
            raise AssertionError("libvirtd ended:\n" + (self.folder / "log/stderr").read_text(errors="replace"))
        return self

    def answers_or_died(self):
        return self.process.poll() is not None or self.try_virsh("uri").returncode == 0

    def stop(self):
        """Ends the daemon; guests run on."""
        if self.process is not None:
            harness.end_process(self.process)
            self.process = None

    def kill(self):
        """kill -9, as a crash would; guests run on."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def freeze(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def try_virsh(self, *arguments):
        """The finished process, whatever its exit status."""
        return subprocess.run([self.virsh_program, "-q", "-c", self.uri, *map(str, arguments)], capture_output=True,
                              text=True, check=False)

    def virsh(self, *arguments):
        done = self.try_virsh(*arguments)
        if done.returncode != 0:
            raise AssertionError(f"virsh {arguments}: {done.stderr}")
        return done.stdout

    def state_files(self):
        """Every file that the daemon keeps, and the logs of its guests."""
        for name in [*STATE, "sock"]:
            for path in (self.folder / name).rglob("*"):
                if path.is_file() and not path.is_symlink():
                    yield path
