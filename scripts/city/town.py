"""The map of the imaginary city: who stands where, and how the namespaces are built and taken down."""

import os
import subprocess
from dataclasses import dataclass, field

PREFIX = "skc-"  # every namespace of ours begins so, and nothing else is ever touched

# The core switch carries the city's segments as VLANs; `edge` is the line outside the firewall, `lbo` the line
# outside the breakout router.
VLANS = {"mn": 110, "lg": 120, "in": 130, "bd": 140}


@dataclass
class Port:
    """One plug: an interface of a host, and the switch (and VLAN) it is plugged into."""

    name: str
    switch: str
    mac: str
    addresses: list = field(default_factory=list)
    vlan: int = 0


@dataclass
class Host:
    name: str
    ports: list
    routes: list = field(default_factory=list)  # arguments of `ip route add`
    addresses: list = field(default_factory=list)  # more of them, on the loopback: a whole network in one box
    names: dict = field(default_factory=dict)  # /etc/hosts of this host

    @property
    def netns(self):
        return PREFIX + self.name

    @property
    def address(self):
        return (self.ports[0].addresses or self.addresses)[0].split("/")[0]


def inside(name, segment, address, *routes):
    """A host of a segment: its firewall leg is the gateway for everything."""
    net, width = {"mn": ("10.10", 16), "lg": ("10.20", 16), "in": ("10.30", 16), "bd": ("10.40", 24)}[segment]
    octets = [int(part) for part in address.split(".")]
    mac = "02:00:%02x:%02x:%02x:%02x" % tuple(octets)
    port = Port("eth0", "core", mac, [f"{address}/{width}"], VLANS[segment])
    return Host(name, [port], list(routes) or [f"default via {net}.0.1"])


# LGWAN terminals reach the internet by the breakout router, everything else by the firewall.
LG_ROUTES = (
    "default via 10.20.0.254",
    "10.0.0.0/8 via 10.20.0.1",
    "198.18.0.0/15 via 10.20.0.1",
    "203.0.113.0/24 via 10.20.0.1",
)

LGWAN_ADDRESSES = {
    "chukan": "198.18.10.5", "eltax": "198.18.20.5", "myna": "198.18.30.5", "certcenter": "198.18.40.5",
    "update": "198.18.50.5", "jalert": "198.18.60.5", "dns": "198.18.1.53", "mail": "198.18.1.25",
    "asp": "198.19.0.5", "other-asp": "198.19.5.5",
}
INTERNET_ADDRESSES = {
    "licence": "198.51.100.10", "login": "198.51.100.20", "antivirus": "198.51.100.66", "cmail": "198.51.100.100",
    "meet": "198.51.100.140", "chat": "198.51.100.141", "files": "198.51.100.142", "media": "198.51.100.200",
    "news": "192.0.2.80", "video": "192.0.2.81", "shop": "192.0.2.90", "front": "192.0.2.91",
    "upload": "192.0.2.92", "stream": "192.0.2.93", "resolver": "192.0.2.53", "mail": "192.0.2.25",
    "stranger": "192.0.2.77",
}
SECCLOUD_ADDRESSES = {"proxy": "203.0.113.10", "dns": "203.0.113.53", "mail": "203.0.113.25"}

BLACKHOLE = "192.0.2.66"  # the breakout router drops what goes there
PROHIBITED = "192.0.2.67"  # and answers for this one: administratively prohibited

NAMES_OUTSIDE = {
    "www.news.example": INTERNET_ADDRESSES["news"],
    "www.video.example": INTERNET_ADDRESSES["video"],
    "login.cloud.example": INTERNET_ADDRESSES["login"],
    "share.upload.example": INTERNET_ADDRESSES["upload"],
    "drive.freestore.example": INTERNET_ADDRESSES["upload"],
}


def hosts():
    firewall = Host(
        "fw",
        [
            Port("mn", "core", "02:00:00:00:10:01", ["10.10.0.1/16"], VLANS["mn"]),
            Port("lg", "core", "02:00:00:00:20:01", ["10.20.0.1/16"], VLANS["lg"]),
            Port("in", "core", "02:00:00:00:30:01", ["10.30.0.1/16"], VLANS["in"]),
            Port("bd", "core", "02:00:00:00:40:01", ["10.40.0.1/24"], VLANS["bd"]),
            Port("wan", "edge", "02:00:00:00:ff:01", ["10.255.0.1/32"]),
        ],
        [f"{net} dev wan" for net in (
            "198.18.0.0/15", "203.0.113.0/24", "192.0.2.0/24", "198.51.100.0/24", "10.99.0.0/24", "10.77.0.0/16")],
    )
    breakout = Host(
        "lbo",
        [
            Port("lg", "core", "02:00:00:00:20:fe", ["10.20.0.254/16"], VLANS["lg"]),
            Port("bd", "core", "02:00:00:00:40:fe", ["10.40.0.254/24"], VLANS["bd"]),
            Port("out", "lbo", "02:00:00:00:ff:fe", ["10.255.1.1/32"]),
        ],
        [
            "198.51.100.0/24 dev out", "192.0.2.0/24 dev out",
            f"blackhole {BLACKHOLE}", f"prohibit {PROHIBITED}",
        ],
    )
    outside = [
        Host("lgwan", [Port("wan", "edge", "02:00:00:00:ff:18")],
             ["10.0.0.0/8 via 10.255.0.1 dev wan onlink"], [f"{a}/32" for a in LGWAN_ADDRESSES.values()]),
        Host("seccloud", [Port("wan", "edge", "02:00:00:00:ff:71")],
             ["10.0.0.0/8 via 10.255.0.1 dev wan onlink", "192.0.2.0/24 dev wan", "198.51.100.0/24 dev wan"],
             [f"{a}/32" for a in SECCLOUD_ADDRESSES.values()], NAMES_OUTSIDE),
        Host("inet", [Port("wan", "edge", "02:00:00:00:ff:51"), Port("lbo", "lbo", "02:00:00:00:ff:52")],
             ["10.0.0.0/8 via 10.255.0.1 dev wan onlink", "203.0.113.0/24 dev wan",
              "10.20.0.0/16 via 10.255.1.1 dev lbo onlink", "10.40.0.0/24 via 10.255.1.1 dev lbo onlink",
              "10.20.1.13/32 via 10.255.0.1 dev wan onlink"],
             [f"{a}/32" for a in INTERNET_ADDRESSES.values()]),
        Host("maint", [Port("wan", "edge", "02:00:00:00:ff:99", ["10.99.0.10/32"])],
             ["10.0.0.0/8 via 10.255.0.1 dev wan onlink"]),
        Host("branch", [Port("wan", "edge", "02:00:00:00:ff:77", ["10.77.1.5/32"])],
             ["10.0.0.0/8 via 10.255.0.1 dev wan onlink"]),
    ]
    lbo_proxy = inside("lbo-proxy", "lg", "10.20.8.88", *LG_ROUTES)
    lbo_proxy.names = NAMES_OUTSIDE
    return [
        firewall,
        breakout,
        inside("mn-pc1", "mn", "10.10.1.11"),
        inside("mn-pc2", "mn", "10.10.1.12"),
        inside("mn-relay", "mn", "10.10.9.10"),
        inside("mn-cert", "mn", "10.10.9.20"),
        inside("mn-upd", "mn", "10.10.8.90"),
        inside("mn-maint", "mn", "10.10.9.99"),
        inside("lg-pc1", "lg", "10.20.1.11", *LG_ROUTES),
        inside("lg-pc2", "lg", "10.20.1.12", *LG_ROUTES),
        inside("lg-pc3", "lg", "10.20.1.13"),  # set up wrongly: the firewall is its way to the internet too
        inside("lg-dns", "lg", "10.20.8.53", *LG_ROUTES),
        inside("lg-mail", "lg", "10.20.8.25", *LG_ROUTES),
        inside("lg-upd", "lg", "10.20.8.90", *LG_ROUTES),
        inside("lg-jalert", "lg", "10.20.8.119", *LG_ROUTES),
        lbo_proxy,
        inside("in-pc1", "in", "10.30.1.11"),
        inside("in-vb", "in", "10.30.1.21"),
        inside("in-dns", "in", "10.30.8.53"),
        inside("in-mail", "in", "10.30.8.25"),
        inside("in-proxy", "in", "10.30.8.80"),
        inside("in-file", "in", "10.30.8.45"),
        inside("bd-san", "bd", "10.40.0.10"),
        inside("bd-vdi", "bd", "10.40.0.20"),
        inside("bd-mailtext", "bd", "10.40.0.30", "default via 10.40.0.1",
               "198.51.100.96/28 via 10.40.0.254"),  # the mail cloud comes by the breakout, and is answered there
        *outside,
    ]


SENSORS = ("span-core", "span-edge", "span-mirror")
SENSOR_NETNS = PREFIX + "sensor"


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, timeout=10)


def sysctl(netns, **values):
    for key, value in values.items():
        path = key.replace("__", "/")
        subprocess.run(["ip", "netns", "exec", netns, "sh", "-c", f"echo '{value}' > /proc/sys/net/{path}"],
                       check=True, timeout=10)


def raise_namespaces(town):
    """Empty namespaces with IPv6 off, so that nothing speaks unasked."""
    for netns in [host.netns for host in town] + [SENSOR_NETNS]:
        ip("netns", "add", netns)
        sysctl(netns, ipv6__conf__all__disable_ipv6=1, ipv6__conf__default__disable_ipv6=1)
    for host in town:
        if host.names:
            folder = f"/etc/netns/{host.netns}"
            os.makedirs(folder, exist_ok=True)
            with open(f"{folder}/hosts", "w") as file:
                file.write("127.0.0.1 localhost\n")
                file.writelines(f"{address} {name}\n" for name, address in host.names.items())


def dress(town):
    """Addresses, routes and link addresses, once the switch has made the interfaces."""
    for host in town:
        sysctl(host.netns, ipv4__ip_forward=int(len(host.ports) > 1 and host.name in ("fw", "lbo")),
               ipv4__conf__all__rp_filter=0, ipv4__conf__default__rp_filter=0,
               ipv4__conf__all__send_redirects=0, ipv4__conf__default__send_redirects=0)
        ip("-n", host.netns, "link", "set", "lo", "up")
        for port in host.ports:
            ip("-n", host.netns, "link", "set", port.name, "address", port.mac)
            for address in port.addresses:
                ip("-n", host.netns, "address", "add", address, "dev", port.name)
            ip("-n", host.netns, "link", "set", port.name, "up")
        for address in host.addresses:
            ip("-n", host.netns, "address", "add", address, "dev", "lo")
        for route in host.routes:
            ip("-n", host.netns, "route", "add", *route.split())
    for sensor in SENSORS:
        ip("-n", SENSOR_NETNS, "link", "set", sensor, "mtu", "9000", "up")


def raze():
    """Takes down every namespace of ours, those of a broken earlier run too."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True, timeout=10).stdout
    for line in listed.splitlines():
        netns = line.split()[0]
        if netns.startswith(PREFIX):
            pids = subprocess.run(["ip", "netns", "pids", netns], capture_output=True, text=True, timeout=10).stdout
            for pid in pids.split():
                try:
                    os.kill(int(pid), 9)
                except ProcessLookupError:
                    pass
            ip("netns", "del", netns)
    for folder in (f"/etc/netns/{name}" for name in (os.listdir("/etc/netns") if os.path.isdir("/etc/netns") else [])):
        if os.path.basename(folder).startswith(PREFIX):
            for name in os.listdir(folder):
                os.remove(os.path.join(folder, name))
            os.rmdir(folder)
    if os.path.isdir("/etc/netns") and not os.listdir("/etc/netns"):
        os.rmdir("/etc/netns")


if __name__ == "__main__":
    raze()
