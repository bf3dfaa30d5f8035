"""Looks for a secret in the memory of another process, from outside (root reads /proc/PID/mem)."""

import base64
from dataclasses import dataclass

FRAGMENT = 16
STRIDE = 4


@dataclass
class Sighting:
    """A place where at least FRAGMENT bytes of a shape of the secret lie."""
    shape: str
    address: int
    mapping: str
    in_arena: bool


@dataclass
class Mapping:
    """One entry of /proc/PID/smaps."""
    begin: int
    end: int
    line: str
    flags: tuple = ()

    @property
    def readable(self):
        return self.line.split()[1].startswith("r") and "[v" not in self.line

    @property
    def is_arena(self):
        """Locked and left out of core dumps: OpenSSL's secure heap, which nothing else in the process is."""
        return "lo" in self.flags and "dd" in self.flags


def mappings(pid):
    found = []
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as smaps:
        for line in smaps:
            if line.startswith("VmFlags:"):
                found[-1].flags = tuple(line.split()[1:])
            elif "-" in line.split()[0]:
                begin, end = line.split()[0].split("-")
                found.append(Mapping(int(begin, 16), int(end, 16), line.strip()))
    return found


def shapes_of(secret):
    """What a key is turned into on its way."""
    text = secret.hex().encode()
    return {"raw": secret, "hex": text, "base64": base64.b64encode(secret), "base64 of hex": base64.b64encode(text)}


def fragments_of(shapes):
    return [(name, shape[at:at + FRAGMENT]) for name, shape in shapes.items()
            for at in range(0, len(shape) - FRAGMENT + 1, STRIDE)]


def scan(pid, secret):
    """All sightings in the process; those of one copy are several."""
    fragments = fragments_of(shapes_of(secret))
    sightings = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for mapping in mappings(pid):
            if not mapping.readable:
                continue
            content = read(memory, mapping)
            for shape, fragment in fragments:
                at = content.find(fragment)
                while at >= 0:
                    sightings.append(Sighting(shape, mapping.begin + at, mapping.line, mapping.is_arena))
                    at = content.find(fragment, at + 1)
    return sightings


def read(memory, mapping):
    """The mapping's bytes; those beyond the end of a mapped file cannot be read."""
    pieces, at = [], mapping.begin
    while at < mapping.end:
        try:
            memory.seek(at)
            piece = memory.read(min(mapping.end - at, 1 << 20))
        except OSError:
            break
        if not piece:
            break
        pieces.append(piece)
        at += len(piece)
    return b"".join(pieces)


def outside_arena(sightings):
    return [sighting for sighting in sightings if not sighting.in_arena]


def has_sanitizer(pid):
    """Its heap keeps what is freed, so what is found there says nothing about the program that is shipped."""
    return any("libasan" in mapping.line or "libtsan" in mapping.line for mapping in mappings(pid))
