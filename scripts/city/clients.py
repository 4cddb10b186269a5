"""Small clients for what no package does by itself here. Run inside a namespace: `clients.py KIND …`.

Every one opens exactly one flow. The ports are those that the scenario allowed the namespace to use.
"""

import os
import smtplib
import socket
import ssl
import struct
import sys
import time


def connect(source, target, port):
    return socket.create_connection((target, int(port)), timeout=5, source_address=(source, 0))


def mail(source, target, port, authority=""):
    """Delivers a letter, with STARTTLS where an authority to trust is given."""
    with smtplib.SMTP(target, int(port), local_hostname="sender.example", timeout=5,
                      source_address=(source, 0)) as server:
        if authority:
            server._host = "mail.example"  # the name to verify: the address is what was dialled
            server.starttls(context=ssl.create_default_context(cafile=authority))
        server.sendmail("madoguchi@city.example", ["soumu@pref.example"],
                        "Subject: test\r\n\r\nA letter of the demo city.\r\n")


def smb(source, target, port):
    """An SMB 2 NEGOTIATE (MS-SMB2 2.2.3)."""
    header = b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ", 64, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + bytes(16)
    body = struct.pack("<HHHHI", 36, 2, 1, 0, 0) + bytes(16) + struct.pack("<QHH", 0, 0x0202, 0x0302)
    message = header + body
    with connect(source, target, port) as stream:
        stream.sendall(struct.pack("!I", len(message)) + message)
        stream.recv(4096)


def rdp(source, target, port):
    """An X.224 connection request with a cookie (MS-RDPBCGR 2.2.1.1)."""
    cookie = b"Cookie: mstshash=operator\r\n" + bytes.fromhex("0100080003000000")
    x224 = bytes([6 + len(cookie)]) + bytes.fromhex("e00000000000") + cookie
    with connect(source, target, port) as stream:
        stream.sendall(struct.pack("!BBH", 3, 0, 4 + len(x224)) + x224)
        stream.recv(4096)


def lines(source, target, port):
    """Two lines each way."""
    with connect(source, target, port) as stream:
        for line in (b"hello\n", b"status\n"):
            stream.sendall(line)
            stream.recv(4096)


def noise(source, target, port):
    """Bytes that are no request of any kind."""
    with connect(source, target, port) as stream:
        stream.sendall(bytes(0x80 | (7 * n & 0x7F) for n in range(96)) + b"\r\n\r\n")
        stream.settimeout(2)
        try:
            stream.recv(4096)
        except OSError:
            pass


def stun(source, target, port):
    """Three binding requests (RFC 8489)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind((source, 0))
        datagrams.settimeout(3)
        for _ in range(3):
            datagrams.sendto(struct.pack("!HHI", 1, 0, 0x2112A442) + os.urandom(12), (target, int(port)))
            datagrams.recv(2048)


def datagram(source, target, port, payload):
    """One datagram, to a group or to everybody."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        datagrams.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(source))
        datagrams.bind((source, 0))
        datagrams.sendto(bytes.fromhex(payload), (target, int(port)))


def patient(source, target, port, authority, name):
    """A TLS connection that is opened now and used when a line comes in: its beginning is before the capture."""
    context = ssl.create_default_context(cafile=authority)
    with context.wrap_socket(connect(source, target, port), server_hostname=name) as stream:
        print("open", flush=True)
        sys.stdin.readline()
        stream.sendall(b"GET / HTTP/1.1\r\nHost: chukan.lgwan.example\r\n\r\n")
        stream.recv(4096)


def ech(source, target, port, outer):
    """A hello with encrypted client hello (extension 0xfe0d): the visible name may be a cover.

    What is inside is random, as GREASE is: nobody on the wire can tell. The server answers as to any hello; the
    client, having no keys, reads the answer and leaves.
    """
    extension = lambda kind, body: struct.pack("!HH", kind, len(body)) + body
    vector = lambda body: struct.pack("!H", len(body)) + body
    name = outer.encode()
    key = os.urandom(31) + b"\x09"
    extensions = b"".join([
        extension(0, vector(b"\0" + vector(name))),
        extension(10, vector(struct.pack("!HH", 0x001D, 0x0017))),
        extension(13, vector(struct.pack("!HHH", 0x0403, 0x0804, 0x0401))),
        extension(16, vector(b"\x02h2\x08http/1.1")),
        extension(43, b"\x04\x03\x04\x03\x03"),
        extension(51, vector(struct.pack("!H", 0x001D) + vector(key))),
        extension(0xFE0D, b"\0" + struct.pack("!HHB", 1, 1, 42) + vector(os.urandom(32)) + vector(os.urandom(176))),
    ])
    hello = b"\x03\x03" + os.urandom(32) + b"\x20" + os.urandom(32)
    hello += vector(struct.pack("!HHH", 0x1301, 0x1302, 0xC02B)) + b"\x01\x00" + vector(extensions)
    message = b"\x01" + struct.pack("!I", len(hello))[1:] + hello
    with connect(source, target, port) as stream:
        stream.sendall(b"\x16\x03\x01" + vector(message))
        stream.recv(8192)
        time.sleep(0.1)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
