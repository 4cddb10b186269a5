"""Makes captures fit to publish: what the capturing machine wrote about itself is taken out, the packets stay."""

import glob
import os
import shutil
import struct

SECTION_HEADER, INTERFACE = 0x0A0D0D0A, 0x00000001
KEPT_OF_INTERFACE = {2, 9}  # its name and the resolution of its clock


def options(body, kept):
    out, at = b"", 0
    while at + 4 <= len(body):
        code, length = struct.unpack_from("<HH", body, at)
        size = 4 + (length + 3) // 4 * 4
        if code == 0:
            break
        if code in kept:
            out += body[at:at + size]
        at += size
    return out + (bytes(4) if out else b"")


def block(kind, body):
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def without_machine(data):
    out, at = b"", 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        body = data[at + 8:at + length - 4]
        if kind == SECTION_HEADER:
            body = body[:8] + struct.pack("<q", -1)
        elif kind == INTERFACE:
            body = body[:8] + options(body[8:], KEPT_OF_INTERFACE)
        out += block(kind, body) if kind in (SECTION_HEADER, INTERFACE) else data[at:at + length]
        at += length
    return out


def publish(source, target):
    for old in glob.glob(f"{target}/*.pcap*"):
        os.remove(old)
    for number, path in enumerate(sorted(glob.glob(f"{source}/core*.pcapng")), 1):
        store(path, f"{target}/core-{number}.pcapng")
    store(f"{source}/lbo-mirror.pcapng", f"{target}/lbo-mirror.pcapng")
    shutil.copyfile(f"{source}/edge.pcap", f"{target}/edge.pcap")


def store(path, target):
    with open(path, "rb") as file:
        data = file.read()
    with open(target, "wb") as file:
        file.write(without_machine(data))
