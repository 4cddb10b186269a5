"""The city's switches, in user space: TAP ports with VLANs, learning, SPAN mirrors and an ERSPAN export.

A kernel bridge would do for most of it; this one needs neither bridge, VLAN, GRE nor mirred in the kernel, and its
TAP ports give frames without offloading: whole, one by one, with true checksums, as on a wire.
Run by scenario.py, which ends it; alone it would stop after LIFE_SECONDS.
"""

import ctypes
import fcntl
import os
import selectors
import struct
import sys
import time

import town

LIFE_SECONDS = 300
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)

MIRROR_SOURCE, MIRROR_TARGET, MIRROR_SESSION = "10.99.9.1", "10.99.9.9", 100


def enter(path):
    handle = os.open(path, os.O_RDONLY)
    if LIBC.setns(handle, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), f"setns {path}")
    os.close(handle)


def open_tap(netns, name):
    enter(f"/run/netns/{netns}")
    handle = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(handle, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return handle


def tagged(frame, vlan):
    return frame[:12] + struct.pack("!HH", 0x8100, vlan) + frame[12:]


def checksum(header):
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Erspan:
    """ERSPAN type II (GRE protocol 0x88be, with sequence numbers) from the breakout line's switch."""

    def __init__(self):
        self.sequence = 0

    def wrap(self, frame):
        gre = struct.pack("!HHI", 0x1000, 0x88BE, self.sequence)
        erspan = struct.pack("!HHI", 0x1000, MIRROR_SESSION, 0)  # version 1 in the high bits is type II
        self.sequence += 1
        address = lambda text: bytes(int(part) for part in text.split("."))
        length = 20 + len(gre) + len(erspan) + len(frame)
        head = struct.pack("!BBHHHBBH", 0x45, 0, length, self.sequence & 0xFFFF, 0x4000, 64, 47, 0)
        head += address(MIRROR_SOURCE) + address(MIRROR_TARGET)
        head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
        link = bytes.fromhex("0200000099090200000099010800")
        return link + head + gre + erspan + frame


def main():
    ports = []
    for host in town.hosts():
        for port in host.ports:
            ports.append((f"{host.name}.{port.name}", port, open_tap(host.netns, port.name)))
    core, edge, mirror = (open_tap(town.SENSOR_NETNS, name) for name in town.SENSORS)
    erspan = Erspan()
    learned = {}
    watch = selectors.DefaultSelector()
    for entry in ports:
        watch.register(entry[2], selectors.EVENT_READ, entry)
    print("ready", flush=True)

    def send(handle, frame):
        try:
            os.write(handle, frame)
        except OSError:
            pass  # the far end is down: the wire drops it

    def span(name, port, frame, arriving):
        """SPAN of the core: all ports inward, and the screen gateway's port both ways (so it shows twice)."""
        if port.switch == "core" and (arriving or name == "bd-vdi.eth0"):
            send(core, tagged(frame, port.vlan))
        if name == "fw.wan":
            send(edge, frame)
        if name == "lbo.out":
            send(mirror, erspan.wrap(frame))

    end = time.monotonic() + LIFE_SECONDS
    while time.monotonic() < end:
        for key, _ in watch.select(timeout=1):
            name, port, handle = key.data
            try:
                frame = os.read(handle, 65536)
            except (BlockingIOError, OSError):
                continue
            span(name, port, frame, True)
            lan = (port.switch, port.vlan)
            learned[(lan, frame[6:12])] = handle
            known = learned.get((lan, frame[:6]))
            for other_name, other, target in ports:
                if target != handle and (other.switch, other.vlan) == lan and known in (None, target):
                    send(target, frame)
                    span(other_name, other, frame, False)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
