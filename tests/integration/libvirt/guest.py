"""A guest small enough to boot without KVM: Debian's cloud kernel, unpacked and not installed, and a busybox initramfs
that writes the SHA-256 of each disk to the console, for as long as it runs."""

import fcntl
import shutil
import subprocess
import tempfile
from pathlib import Path

import harness

# Order matters to insmod.
MODULES = ["virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk"]

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev
for module in {modules}; do insmod /m/$module.ko 2>/dev/null; done
while :; do
    echo 3 > /proc/sys/vm/drop_caches
    line="disks"
    for disk in /dev/vd?; do
        [ -b $disk ] && line="$line ${{disk##*/}}=$(sha256sum < $disk | cut -c1-64)"
    done
    echo "$line end" > /dev/ttyS0
    sleep 0.2
done
"""


def kernel_package():
    """The versioned package behind linux-image-cloud-amd64."""
    for line in harness.run(["apt-cache", "depends", "linux-image-cloud-amd64"], text=True).splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == "Depends:" and words[1].startswith("linux-image-"):
            return words[1]
    raise AssertionError("no linux-image-cloud-amd64: apt-get update (the package is unpacked, not installed)")


def build(folder):
    """vmlinuz and initrd.gz into `folder`."""
    busybox = harness.need("busybox", "busybox-static")
    cpio = harness.need("cpio", "cpio")
    with tempfile.TemporaryDirectory(dir=folder) as name:
        work = Path(name)
        harness.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", kernel_package()], cwd=work)
        package, = work.glob("*.deb")
        harness.run(["dpkg-deb", "-x", package, work / "x"])
        root = work / "root"
        for part in ["bin", "dev", "proc", "sys", "m"]:
            (root / part).mkdir(parents=True)
        shutil.copy(busybox, root / "bin/busybox")
        for module in MODULES:
            for found in (work / "x/lib/modules").rglob(f"{module}.ko"):
                shutil.copy(found, root / "m")
        (root / "init").write_text(INIT.format(modules=" ".join(MODULES)), encoding="utf-8")
        (root / "init").chmod(0o755)
        names = "\n".join(str(path.relative_to(root)) for path in [root, *sorted(root.rglob("*"))])
        archive = subprocess.run([cpio, "--quiet", "-o", "-H", "newc"], input=names.encode(), cwd=root,
                                 capture_output=True, check=True).stdout
        (work / "initrd.gz").write_bytes(subprocess.run(["gzip", "-1"], input=archive, capture_output=True,
                                                        check=True).stdout)
        kernel, = (work / "x/boot").glob("vmlinuz-*")
        shutil.move(work / "initrd.gz", folder / "initrd.gz")
        shutil.move(kernel, folder / "vmlinuz")


def prepared():
    """The folder that holds vmlinuz and initrd.gz; made once a tree."""
    folder = harness.ROOT / "build/guest"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "vmlinuz").exists():
            build(folder)
    return folder


def disk_xml(image, target, secret, serial=""):
    """`secret` is the attribute that names it: "uuid='...'" or "usage='...'"."""
    serial = f"<serial>{serial}</serial>" if serial else ""
    return (f"<disk type='file' device='disk'><driver name='qemu' type='raw' cache='none'/><source file='{image}'/>"
            f"<encryption format='luks'><secret type='passphrase' {secret}/></encryption>"
            f"<target dev='{target}' bus='virtio'/>{serial}</disk>")


def domain_xml(name, console, disks, append=False):
    """A domain of plain emulation (type qemu). Its console goes to a file, which `append` keeps when it is opened again:
    by the target of a migration, say."""
    append = " append='on'" if append else ""
    boot = prepared()
    return (f"<domain type='qemu'><name>{name}</name><memory unit='MiB'>160</memory><vcpu>1</vcpu>"
            f"<os><type arch='x86_64' machine='pc'>hvm</type><kernel>{boot}/vmlinuz</kernel>"
            f"<initrd>{boot}/initrd.gz</initrd>"
            "<cmdline>console=ttyS0 quiet tsc=unstable lpj=2000000 nokaslr rdinit=/init</cmdline></os>"
            "<features><acpi/></features><on_poweroff>destroy</on_poweroff>"
            f"<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>{disks}"
            f"<serial type='file'><source path='{console}'{append}/><target port='0'/></serial>"
            "<memballoon model='none'/></devices></domain>")
