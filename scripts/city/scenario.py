"""A day of the imaginary city in one minute: real servers, real clients, real captures, and the answer key.

Every step opens the flows it says it opens, from ports that were allowed to nobody else, and writes down what the
verdict must be and why BEFORE any program has judged it. `scenario.py OUT` writes OUT/*.pcap* and OUT/key.json.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

import town
import trim
from town import INTERNET_ADDRESSES as NET
from town import LGWAN_ADDRESSES as LGWAN
from town import SECCLOUD_ADDRESSES as CLOUD

HERE = os.path.dirname(os.path.abspath(__file__))
TOWN = {host.name: host for host in town.hosts()}
PORTS_FROM, PORTS_EACH = 20000, 8  # every step owns a block of client ports, so that its flows are known by them


class City:
    def __init__(self, workshop):
        self.workshop = workshop
        self.running = []
        self.entries = []
        self.steps = 0
        self.authority = f"{workshop}/ca.pem"

    # ---- processes ----

    def start(self, host, *command, **options):
        """A server in a host's namespace; ended with the city."""
        log = open(f"{self.workshop}/log", "ab")
        process = subprocess.Popen(["ip", "netns", "exec", town.PREFIX + host, *command],
                                   stdout=options.pop("stdout", log), stderr=log, **options)
        self.running.append(process)
        return process

    def run(self, host, *command, may_fail=False):
        """A client in a host's namespace, ten seconds at most."""
        done = subprocess.run(["ip", "netns", "exec", town.PREFIX + host, *command],
                              capture_output=True, text=True, timeout=10, stdin=subprocess.DEVNULL)
        if done.returncode != 0 and not may_fail:
            raise SystemExit(f"{host}: {' '.join(command)}\n{done.stdout}{done.stderr}")

    def end(self):
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=5)

    # ---- the answer key ----

    def expect(self, label, client, server, port, verdict, *, proto="tcp", checks=(), causes=(), channel=None,
               planted=False, why="", flows=1, client_address=None, step=None, **seen):
        """Writes down one line of the key: the flows of this step from `client`, and what they must be."""
        first = PORTS_FROM + PORTS_EACH * (self.steps if step is None else step)
        self.entries.append({
            "label": label, "why": why, "planted": planted, "proto": proto,
            "client_ip": client_address or TOWN[client].address,
            "client_ports": [first, first + PORTS_EACH - 1] if proto in ("tcp", "udp") else None,
            "server_ip": server, "server_port": port, "flows": flows,
            "verdict": verdict, "causes": sorted(causes), "checks": sorted(checks), "channel": channel, "seen": seen,
        })

    def step(self, *hosts):
        """A new block of client ports for these hosts."""
        self.steps += 1
        first = PORTS_FROM + PORTS_EACH * self.steps
        for host in hosts:
            town.sysctl(TOWN[host].netns, ipv4__ip_local_port_range=f"{first} {first + PORTS_EACH - 1}")

    def flow(self, label, client, server, port, verdict, command, *, may_fail=False, **expectation):
        """One step: `command` makes the client's command line, and each run of it is one flow."""
        self.step(client)
        print(f"  {self.steps:3} {verdict:12} {label}", flush=True)
        self.expect(label, client, server, port, verdict, **expectation)
        source = expectation.get("client_address") or TOWN[client].address
        for _ in range(expectation.get("flows", 1)):
            self.run(client, *command(self, source, server, port), may_fail=may_fail)


# ---- what clients do: each gives a command line for (city, source, server, port) ----

def https(name, *more, page_port=None):
    def command(city, source, server, port):
        port = page_port or port
        return ["curl", "-sS", "-o", "/dev/null", "--max-time", "8", "--interface", source, "--cacert",
                city.authority, "--resolve", f"{name}:{port}:{server}", *more, f"https://{name}:{port}/"]
    return command


def http(host, path="/", *more):
    def command(_city, source, server, port):
        return ["curl", "-sS", "-o", "/dev/null", "--max-time", "8", "--interface", source, *more,
                "-H", f"Host: {host}", f"http://{server}:{port}{path}"]
    return command


def knock(_city, source, server, port):
    """A connection that nobody answers: SYN and its repetitions only."""
    return ["curl", "-sS", "-o", "/dev/null", "--connect-timeout", "2", "--interface", source, f"http://{server}:{port}/"]


def nameless(city, source, server, port):
    """TLS without a server name."""
    return ["openssl", "s_client", "-connect", f"{server}:{port}", "-bind", f"{source}:0", "-noservername", "-brief",
            "-CAfile", city.authority]


def dig(name, kind="A", *more):
    def command(city, source, server, port):
        return ["dig", f"@{server}", "-p", str(port), "-b", f"{source}#{PORTS_FROM + PORTS_EACH * city.steps}",
                "+tries=1", "+time=3", "+noedns", *more, name, kind]
    return command


def ssh(city, source, server, port):
    return ["ssh", "-F", "none", "-b", source, "-p", str(port), "-i", f"{city.workshop}/ssh", "-o", "BatchMode=yes",
            "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={city.workshop}/known", f"root@{server}", "true"]


def ours(kind, *more):
    def command(_city, source, server, port):
        return [sys.executable, f"{HERE}/clients.py", kind, source, server, str(port), *more]
    return command


def starttls(city, source, server, port):
    return ours("mail", city.authority)(city, source, server, port)


def quic(name):
    def command(city, source, server, port):
        return [sys.executable, f"{HERE}/quic.py", "client", server, str(port), name, city.authority]
    return command


# ---- the servers ----

CERTIFICATES = {
    "cloud": ["*.cloud.example", "kasumino.files.cloud.example"],
    "antivirus": ["update.antivirus.example"],
    "lgwan": ["*.asp.lgwan.example", "board.keijiban.asp.lgwan.example", "chukan.lgwan.example"],
    "city": ["*.city.example"],
    "web": ["www.news.example", "www.video.example", "www.shop.example", "share.upload.example",
            "drive.freestore.example", "www.stream.example", "mail.example"],
}


def certificates(city):
    """An authority of our own and its certificates; keys live only as long as the workshop."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=20)

    at = lambda name: f"{city.workshop}/{name}"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", at("ca.key"), "-out", at("ca.pem"), "-days", "30",
            "-subj", "/O=Example Public CA/CN=Example Public CA")
    for name, hosts in CERTIFICATES.items():
        openssl("req", *curve, "-keyout", at(f"{name}.key"), "-out", at(f"{name}.csr"), "-subj", f"/CN={hosts[0]}")
        with open(at(f"{name}.ext"), "w") as file:
            file.write("subjectAltName=" + ",".join(f"DNS:{host}" for host in hosts))
        openssl("x509", "-req", "-in", at(f"{name}.csr"), "-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-days", "20",
                "-CAcreateserial", "-extfile", at(f"{name}.ext"), "-out", at(f"{name}.pem"))


def nginx(city, host, *sites):
    """A web server. A site is (address, port, certificate or None, protocols)."""
    servers = ""
    for address, port, certificate, protocols in sites:
        secure = ""
        if certificate:
            secure = (f"ssl_certificate {city.workshop}/{certificate}.pem; ssl_protocols {protocols};"
                      f"ssl_certificate_key {city.workshop}/{certificate}.key;")
        servers += f"server {{ listen {address}:{port} {'ssl http2' if certificate else ''}; {secure} return 200 'a page of the demo city\\n'; }}\n"
    folder = f"{city.workshop}/nginx-{host}"
    os.makedirs(folder)
    with open(f"{folder}/conf", "w") as file:
        file.write(f"daemon off; user root; pid {folder}/pid; worker_processes 1; error_log {folder}/error;\n"
                   "events { worker_connections 64; }\nhttp { access_log off; keepalive_timeout 2;\n"
                   + "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
                   + servers + "}\n")
    city.start(host, "nginx", "-p", folder, "-c", f"{folder}/conf", "-e", f"{folder}/error")


def dnsmasq(city, host, address, **names):
    records = [f"--host-record={name.replace('__', '-').replace('_', '.')},{target}" for name, target in names.items()]
    city.start(host, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
               "--bind-interfaces", f"--listen-address={address}", "--except-interface=none", "--user=root",
               "--pid-file=", "--local=/example/", *records)


def tinyproxy(city, host, address, *more):
    path = f"{city.workshop}/tinyproxy-{host}"
    with open(path, "w") as file:
        file.write(f"Listen {address}\nPort 8080\nTimeout 20\nMaxClients 20\nDisableViaHeader Yes\n"
                   "LogLevel Error\nConnectPort 443\n" + "".join(f"{line}\n" for line in more))
    city.start(host, "tinyproxy", "-d", "-c", path)


def service(city, host, kind, address, port, certificate=None):
    pair = [f"{city.workshop}/{certificate}.pem", f"{city.workshop}/{certificate}.key"] if certificate else []
    city.start(host, sys.executable, f"{HERE}/services.py", kind, address, str(port), *pair)


def open_for_business(city):
    new, old, both = "TLSv1.3", "TLSv1.2", "TLSv1.2 TLSv1.3"
    nginx(city, "lgwan",
          (LGWAN["chukan"], 443, "lgwan", new), (LGWAN["eltax"], 443, "lgwan", old), (LGWAN["myna"], 443, "lgwan", new),
          (LGWAN["update"], 443, "lgwan", both), (LGWAN["update"], 80, None, ""), (LGWAN["jalert"], 443, "lgwan", old),
          (LGWAN["asp"], 443, "lgwan", new), (LGWAN["other-asp"], 443, "lgwan", new))
    nginx(city, "inet",
          (NET["licence"], 443, "cloud", old), (NET["login"], 443, "cloud", new), (NET["antivirus"], 443, "antivirus", old),
          (NET["meet"], 443, "cloud", new), (NET["meet"], 8443, "cloud", new), (NET["chat"], 443, "cloud", new),
          (NET["files"], 443, "cloud", old), (NET["front"], 443, "cloud", new),
          *((NET[name], 443, "web", new) for name in ("news", "video", "shop", "upload")))
    nginx(city, "bd-san", ("10.40.0.10", 443, "city", new), ("10.40.0.10", 8443, None, ""))
    nginx(city, "bd-vdi", ("10.40.0.20", 443, "city", old))
    nginx(city, "in-vb", ("10.30.1.21", 8443, "city", new))
    nginx(city, "in-file", ("10.30.8.45", 80, None, ""))
    nginx(city, "lg-upd", ("10.20.8.90", 8530, None, ""))
    nginx(city, "lg-pc2", ("10.20.1.12", 80, None, ""))
    # One TLS server that is not nginx: the certificate server of the convenience stores' service.
    city.start("mn-cert", "openssl", "s_server", "-accept", "10.10.9.20:443", "-www", "-tls1_2", "-quiet",
               "-cert", f"{city.workshop}/city.pem", "-key", f"{city.workshop}/city.key")

    dnsmasq(city, "lg-dns", "10.20.8.53", meet_cloud_example=NET["meet"], chat_cloud_example=NET["chat"],
            activation_cloud_example=NET["licence"], kessai_asp_lgwan_example=LGWAN["asp"])
    dnsmasq(city, "in-dns", "10.30.8.53", www_news_example=NET["news"])
    dnsmasq(city, "lgwan", LGWAN["dns"], kessai_asp_lgwan_example=LGWAN["asp"])
    dnsmasq(city, "seccloud", CLOUD["dns"], www_news_example=NET["news"])
    dnsmasq(city, "inet", NET["resolver"], www_shop_example=NET["shop"])

    tinyproxy(city, "in-proxy", "10.30.8.80", f"Upstream http {CLOUD['proxy']}:8080")
    tinyproxy(city, "seccloud", CLOUD["proxy"])
    tinyproxy(city, "lbo-proxy", "10.20.8.88")

    for host, address, certificate in (("lgwan", LGWAN["mail"], "web"), ("lg-mail", "10.20.8.25", "web"),
                                       ("bd-mailtext", "10.40.0.30", None), ("in-mail", "10.30.8.25", "web"),
                                       ("seccloud", CLOUD["mail"], "web"), ("inet", NET["mail"], "web")):
        service(city, host, "smtp", address, 25, certificate)
    service(city, "in-file", "smb", "10.30.8.45", 445)
    service(city, "lg-pc1", "smb", "10.20.1.11", 445)
    service(city, "lg-pc1", "rdp", "10.20.1.11", 3389)
    service(city, "mn-maint", "rdp", "10.10.9.99", 3389)
    service(city, "inet", "stun", NET["media"], 3478)
    service(city, "branch", "lines", "10.77.1.5", 7070)
    service(city, "lg-pc2", "lines", "10.20.1.12", 9100)
    service(city, "lg-pc2", "lines", "2001:db8:20::12", 7070)
    for address, certificate in ((NET["chat"], "cloud"), (NET["stream"], "web")):
        city.start("inet", sys.executable, f"{HERE}/quic.py", "server", address, "443",
                   f"{city.workshop}/{certificate}.pem", f"{city.workshop}/{certificate}.key")

    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "demo", "-f", f"{city.workshop}/ssh"], check=True)
    os.makedirs("/run/sshd", exist_ok=True)
    for host, address in (("in-file", "10.30.8.45"), ("lg-pc2", "10.20.1.12")):
        path = f"{city.workshop}/sshd-{host}"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "demo", "-f", f"{path}-key"], check=True)
        with open(path, "w") as file:
            file.write(f"ListenAddress {address}:22\nHostKey {path}-key\nAuthorizedKeysFile {city.workshop}/ssh.pub\n"
                       "StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin prohibit-password\n")
        city.start(host, "/usr/sbin/sshd", "-D", "-e", "-f", path)


def teach_ipv6():
    """Two LGWAN terminals get IPv6 addresses, and each other's link address so that nothing else is said."""
    for name, mine, other in (("lg-pc1", "11", "12"), ("lg-pc2", "12", "11")):
        host = TOWN[name]
        peer = TOWN["lg-pc2" if name == "lg-pc1" else "lg-pc1"].ports[0].mac
        town.sysctl(host.netns, ipv6__conf__eth0__addr_gen_mode=1, ipv6__conf__eth0__accept_dad=0,
                    ipv6__conf__eth0__accept_ra=0, ipv6__conf__eth0__router_solicitations=0,
                    ipv6__conf__eth0__disable_ipv6=0)
        town.ip("-n", host.netns, "address", "add", f"2001:db8:20::{mine}/64", "dev", "eth0", "nodad")
        town.ip("-n", host.netns, "neigh", "replace", f"2001:db8:20::{other}", "lladdr", peer, "dev", "eth0",
                "nud", "permanent")


# ---- the day ----

def conforming(city):
    """Every channel of the policy is used, as it is meant to be."""
    def ok(channel, client, server, port, command, **more):
        city.flow(f"{channel}{more.pop('note', '')}", client, server, port, "conforming", command, channel=channel, **more)

    ok("c-mn-chukan", "mn-relay", LGWAN["chukan"], 443, https("chukan.lgwan.example"), sni="chukan.lgwan.example")
    ok("c-mn-eltax", "mn-relay", LGWAN["eltax"], 443, https("eltax.asp.lgwan.example"), sni="eltax.asp.lgwan.example")
    ok("c-mn-myna", "mn-relay", LGWAN["myna"], 443, https("myna.asp.lgwan.example"), sni="myna.asp.lgwan.example")
    ok("c-mn-conv", "lgwan", "10.10.9.20", 443, https("cert.city.example"), client_address=LGWAN["certcenter"],
       sni="cert.city.example", why="the one legal opening from outside")
    ok("c-mn-upd", "mn-upd", LGWAN["update"], 443, https("chukan.lgwan.example"), sni="chukan.lgwan.example",
       why="judged by address: the name is the vendor's")
    ok("c-mn-upd", "mn-upd", LGWAN["update"], 80, http("update.vendor.example", "/pack.cab"), note=" (http)",
       http_host="update.vendor.example", why="cleartext is declared acceptable for the relay inside LGWAN")

    ok("c-lg-asp", "lg-pc1", LGWAN["asp"], 443, https("kessai.asp.lgwan.example"), sni="kessai.asp.lgwan.example")
    ok("c-lg-asp", "lg-pc2", LGWAN["asp"], 443, https("board.keijiban.asp.lgwan.example"), note=" (wildcard)",
       sni="board.keijiban.asp.lgwan.example")
    ok("c-lg-dns", "lg-dns", LGWAN["dns"], 53, dig("kessai.asp.lgwan.example"), proto="udp",
       dns_query="kessai.asp.lgwan.example")
    ok("c-lg-dns", "lg-dns", LGWAN["dns"], 53, dig("kessai.asp.lgwan.example", "A", "+tcp"), note=" (tcp)",
       dns_query="kessai.asp.lgwan.example")
    ok("c-lg-upd", "lg-upd", LGWAN["update"], 443, https("chukan.lgwan.example"), sni="chukan.lgwan.example")
    ok("c-lg-mailw", "lg-mail", LGWAN["mail"], 25, starttls, note=" (STARTTLS)")
    ok("c-lg-mailr", "lgwan", "10.20.8.25", 25, ours("mail"), client_address=LGWAN["mail"])
    ok("c-jalert", "lg-jalert", LGWAN["jalert"], 443, https("jalert.asp.lgwan.example"), sni="jalert.asp.lgwan.example")
    ok("c-jalert-out", "lg-jalert", "10.40.0.30", 25, ours("mail"))

    ok("c-scr-1", "lg-pc1", "10.40.0.20", 443, https("vdi.city.example"), sni="vdi.city.example",
       why="both directions of the gateway's port are mirrored: every packet of it shows more than once")
    ok("c-scr-2", "bd-vdi", "10.30.1.21", 8443, https("browser.city.example"), sni="browser.city.example")
    ok("c-mail-1", "in-mail", "10.40.0.30", 25, ours("mail"))
    ok("c-mail-2", "bd-mailtext", "10.20.8.25", 25, ours("mail"))
    ok("c-mail-3", "bd-mailtext", "10.30.8.25", 25, ours("mail"))
    ok("c-file-1", "in-pc1", "10.40.0.10", 443, https("san.city.example"), sni="san.city.example")
    ok("c-file-2", "lg-pc1", "10.40.0.10", 443, https("san.city.example"), sni="san.city.example")

    through_proxies(city, "c-in-proxy", "www.news.example", "conforming", channel="c-in-proxy")
    ok("c-in-dns", "in-dns", CLOUD["dns"], 53, dig("www.news.example"), proto="udp", dns_query="www.news.example")
    ok("c-in-mx", "in-mail", CLOUD["mail"], 25, starttls, note=" (STARTTLS)")
    ok("c-in-mxr", "seccloud", "10.30.8.25", 25, ours("mail"), client_address=CLOUD["mail"])

    ok("c-lbo-lic", "lg-pc1", NET["licence"], 443, https("activation.cloud.example"), sni="activation.cloud.example",
       why="TLS 1.2: the certificate is seen and agrees")
    ok("c-lbo-av", "lg-pc1", NET["antivirus"], 443, https("update.antivirus.example"), sni="update.antivirus.example")
    ok("c-lbo-suite", "lg-pc1", NET["meet"], 443, https("meet.cloud.example"), sni="meet.cloud.example")
    ok("c-lbo-suite", "lg-pc2", NET["files"], 443, https("kasumino.files.cloud.example"), note=" (own tenant)",
       sni="kasumino.files.cloud.example")
    ok("c-lbo-suite", "lg-pc1", NET["chat"], 443, quic("chat.cloud.example"), checks=["SK-H09"], note=" (QUIC)", proto="udp",
       sni="chat.cloud.example")
    ok("c-lbo-media", "lg-pc1", NET["media"], 3478, ours("stun"), proto="udp", why="no name, judged by address")
    ok("c-cmail", "inet", "10.40.0.30", 25, ours("mail"), client_address=NET["cmail"])

    label = "c-lbo-idp: sign-in through the tenant proxy"
    city.step("lg-pc1", "lbo-proxy")
    print(f"  {city.steps:3} {'conforming':12} {label}", flush=True)
    city.expect(label, "lg-pc1", "10.20.8.88", 8080, "conforming", channel="c-lbo-idp",
                connect_target="login.cloud.example:443", sni="login.cloud.example")
    city.expect(f"{label}, second hop", "lbo-proxy", NET["login"], 443, "conforming", channel="c-lbo-idp",
                sni="login.cloud.example")
    proxy = ["--proxy", "http://10.20.8.88:8080"]
    city.run("lg-pc1", *https("login.cloud.example", *proxy)(city, TOWN["lg-pc1"].address, NET["login"], 443))


def ordinary_morning(city):
    """Most of what a city does is allowed: without it, the few open questions would be a large share."""
    for round_ in (1, 2):
        for client in ("lg-pc1", "lg-pc2"):
            for channel, server, port, name in (
                ("c-lg-asp", LGWAN["asp"], 443, "kessai.asp.lgwan.example"),
                ("c-lbo-suite", NET["meet"], 443, "meet.cloud.example"),
                ("c-scr-1", "10.40.0.20", 443, "vdi.city.example"),
            ):
                city.flow(f"morning {round_}: {channel} from {client}", client, server, port, "conforming", https(name),
                          channel=channel, flows=6, sni=name)
        city.flow(f"morning {round_}: c-mn-chukan", "mn-relay", LGWAN["chukan"], 443, "conforming",
                  https("chukan.lgwan.example"), channel="c-mn-chukan", flows=6, sni="chukan.lgwan.example")
        through_proxies(city, f"morning {round_}: c-in-proxy", "www.news.example", "conforming", channel="c-in-proxy",
                        flows=6)


def through_proxies(city, label, target, verdict, *, inner=None, **expectation):
    """A page through the city's proxy and the cloud's: two flows that both name the target."""
    city.step("in-pc1", "in-proxy", "seccloud")
    print(f"  {city.steps:3} {verdict:12} {label}", flush=True)
    seen = {"connect_target": f"{target}:443", "sni": inner or target}
    city.expect(label, "in-pc1", "10.30.8.80", 8080, verdict, **expectation, **seen)
    city.expect(f"{label}, second hop", "in-proxy", CLOUD["proxy"], 8080, verdict, **expectation, **seen)
    more = ["--proxy", "http://10.30.8.80:8080"]
    if inner:
        more += ["--connect-to", f"{inner}:443:{target}:443", "--insecure"]
    for _ in range(expectation.get("flows", 1)):
        city.run("in-pc1", *https(inner or target, *more)(city, TOWN["in-pc1"].address, "192.0.2.1", 443))


def inside_the_segments(city):
    """Counted, never hidden: what stays in one segment, or is spoken to a group."""
    def aside(label, client, server, port, command, **more):
        city.flow(label, client, server, port, "out-of-scope", command, **more)

    for name in ("meet.cloud.example", "chat.cloud.example", "activation.cloud.example"):
        aside(f"look-up of {name}", "lg-pc1", "10.20.8.53", 53, dig(name), proto="udp", dns_query=name)
    aside("look-up of www.news.example", "in-pc1", "10.30.8.53", 53, dig("www.news.example"), proto="udp",
          dns_query="www.news.example")
    aside("terminal to printer", "lg-pc1", "10.20.1.12", 9100, ours("lines"))
    aside("ping inside the segment", "lg-pc1", "10.20.1.12", None,
          lambda _city, source, server, _port: ["ping", "-q", "-n", "-c", "2", "-i", "0.2", "-I", source, server],
          proto="icmp")
    question = "0000000000010000000000000a5f7365727669636573075f646e732d7364045f756470056c6f63616c00000c0001"
    aside("mDNS question", "in-pc1", "224.0.0.251", 5353, ours("datagram", question), proto="udp")
    aside("broadcast", "in-pc1", "255.255.255.255", 9999, ours("datagram", "68656c6c6f"), proto="udp")


def planted(city):
    """The violations: every one of another kind."""
    def bad(label, client, server, port, command, checks, verdict="violating", **more):
        city.flow(label, client, server, port, verdict, command, checks=checks, planted=True, **more)

    bad("My Number terminal to the internet", "mn-pc1", NET["shop"], 443, https("www.shop.example"), ["SK-A01"],
        sni="www.shop.example", why="forbidden, and established")
    bad("My Number terminal to a file share of the internet segment", "mn-pc2", "10.30.8.45", 445, ours("smb"),
        ["SK-A02", "SK-A09"], why="forbidden in either direction")
    bad("My Number terminal to an LGWAN address nobody registered", "mn-pc1", LGWAN["asp"], 443,
        https("kessai.asp.lgwan.example"), ["SK-A03"], sni="kessai.asp.lgwan.example",
        why="listed for the LGWAN segment only")
    bad("My Number terminal to the LGWAN segment's update server", "mn-pc2", "10.20.8.90", 8530,
        http("wsus.city.example"), ["SK-A04"], http_host="wsus.city.example", why="no channel between the two")
    bad("My Number terminal asks the security cloud's name server", "mn-pc2", CLOUD["dns"], 53,
        dig("www.news.example"), ["SK-J02"], proto="udp", dns_query="www.news.example",
        why="forbidden: the question leaves its segment")
    bad("unlisted name over the breakout", "lg-pc2", NET["shop"], 443, https("www.shop.example"), ["SK-B01"],
        sni="www.shop.example", why="neither name nor address is listed")
    bad("unlisted name over the breakout, by QUIC", "lg-pc2", NET["stream"], 443, quic("www.stream.example"),
        ["SK-B01", "SK-H09"], proto="udp", sni="www.stream.example", why="as above; only the Initial shows the name")
    bad("listed name, foreign address", "lg-pc1", NET["front"], 443, https("meet.cloud.example"), ["SK-B05"],
        sni="meet.cloud.example", why="domain fronting: the address belongs to nobody in the policy")
    bad("listed destination, unlisted port", "lg-pc1", NET["meet"], 8443, https("meet.cloud.example"), ["SK-B09"],
        sni="meet.cloud.example")
    bad("LGWAN-ASP without a contract", "lg-pc2", LGWAN["other-asp"], 443, https("other.asp.lgwan.example"),
        ["SK-B04"], sni="other.asp.lgwan.example")
    bad("blocked attempt, silently", "lg-pc2", town.BLACKHOLE, 443, knock, ["SK-B02"], "attempted", may_fail=True,
        why="SYNs without an answer: the block works")
    bad("blocked attempt, with an ICMP error", "lg-pc2", town.PROHIBITED, 443, knock, ["SK-B02"], "attempted",
        may_fail=True, why="the error belongs to the flow it quotes")
    bad("mail from an LGWAN terminal to the internet", "lg-pc2", NET["mail"], 25, starttls, ["SK-B01", "SK-G02"],
        why="round the mail sanitiser")
    bad("public resolver asked from the LGWAN segment", "lg-pc1", NET["resolver"], 53, dig("www.shop.example"),
        ["SK-B01", "SK-J01", "SK-J02"], proto="udp", dns_query="www.shop.example")
    bad("sign-in without the tenant proxy", "lg-pc2", NET["login"], 443, https("login.cloud.example"),
        ["SK-E01", "SK-F02"], sni="login.cloud.example")
    bad("desktop opened from the internet segment", "in-pc1", "10.20.1.11", 3389, ours("rdp"), ["SK-A05", "SK-G03"])
    bad("SSH from the LGWAN segment to the internet segment", "lg-pc2", "10.30.8.45", 22, ssh, ["SK-A05", "SK-A10", "SK-G03"],
        may_fail=True)
    bad("file fetched straight from the internet segment", "lg-pc2", "10.30.8.45", 80,
        http("files.city.example", "/report.zip"), ["SK-A05", "SK-G01"], http_host="files.city.example",
        why="round the file sanitiser")
    bad("share of an LGWAN terminal opened from the internet segment", "in-pc1", "10.20.1.11", 445, ours("smb"),
        ["SK-A05", "SK-A09", "SK-G01"])
    bad("screen transfer opened from the wrong side", "in-pc1", "10.40.0.20", 443, https("vdi.city.example"),
        ["SK-G04"], sni="vdi.city.example", why="in this model the LGWAN side opens it")
    bad("cleartext to the sanitiser", "lg-pc2", "10.40.0.10", 443, http("san.city.example", "/take.zip"), ["SK-D01", "SK-H08"],
        http_host="san.city.example", why="the channel asks for encryption")
    bad("round the city's proxy", "in-pc1", CLOUD["proxy"], 8080,
        https("www.news.example", "--proxy", f"http://{CLOUD['proxy']}:8080", page_port=443), ["SK-F02"],
        connect_target="www.news.example:443", sni="www.news.example")
    through_proxies(city, "tunnel for one name, hello for another", "www.news.example", "violating",
                    inner="www.video.example", checks=["SK-C04"], planted=True)
    through_proxies(city, "forbidden store through the proxies", "drive.freestore.example", "violating",
                    checks=["SK-L03"], planted=True, why="a prohibition by name reaches what is named inside")

    label = "unlisted name through the tenant proxy"
    city.step("lg-pc2", "lbo-proxy")
    print(f"  {city.steps:3} {'violating':12} {label}", flush=True)
    city.expect(label, "lg-pc2", "10.20.8.88", 8080, "violating", checks=["SK-B01"], planted=True,
                why="client and proxy stand in one segment; the target named inside does not",
                connect_target="share.upload.example:443", sni="share.upload.example")
    city.expect(f"{label}, second hop", "lbo-proxy", NET["upload"], 443, "violating", checks=["SK-B01"], planted=True,
                sni="share.upload.example")
    proxy = ["--proxy", "http://10.20.8.88:8080"]
    city.run("lg-pc2", *https("share.upload.example", *proxy)(city, TOWN["lg-pc2"].address, NET["upload"], 443))

    bad("maintenance after its permission ran out", "maint", "10.10.9.99", 3389, ours("rdp"), ["SK-A07", "SK-L02"],
        why="the permission ended on 30 June")
    bad("opened from the internet into the LGWAN segment", "inet", "10.20.1.12", 22, ssh, ["SK-A06", "SK-H06"],
        client_address=NET["stranger"], may_fail=True)
    city.flow("IPv6 where the policy says there is none", "lg-pc1", "2001:db8:20::12", 7070, "violating",
              lambda _city, _source, server, port: ours("lines")(_city, "2001:db8:20::11", server, port),
              checks=["SK-I09"], planted=True, client_address="2001:db8:20::11",
              why="denied before anybody asks whose segment it is")


def open_questions(city, patient):
    """What packets cannot show: undecidable, each with its cause."""
    def unclear(label, client, server, port, command, causes, checks=(), **more):
        city.flow(label, client, server, port, "undecidable", command, causes=causes, checks=checks, **more)

    unclear("no server name where one is needed", "lg-pc1", NET["chat"], 443, nameless, ["no_sni"],
            ["SK-B06", "SK-C01"])
    unclear("encrypted client hello", "lg-pc1", NET["meet"], 443, ours("ech", "meet.cloud.example"),
            ["ech_outer_only"], sni="meet.cloud.example", why="the visible name may be a cover")
    unclear("listed destination by the wrong line", "lg-pc3", NET["licence"], 443, https("activation.cloud.example"),
            ["path_unseen"], sni="activation.cloud.example", why="no sensor of the declared line saw it")
    unclear("address of no segment and no zone", "in-pc1", "10.77.1.5", 7070, ours("lines"), ["unknown_address"],
            ["SK-A08"])
    unclear("proxy without a readable target", "lg-pc1", "10.20.8.88", 8080, ours("noise"),
            ["not_the_expected_protocol", "proxy_target_hidden"],
            why="the proxy answers in HTTP to what was none, and nobody can read where it was to go")
    unclear("allowed, never answered", "lg-jalert", "198.18.60.9", 443, knock, ["one_way"], may_fail=True)
    patient.stdin.write(b"\n")
    patient.stdin.flush()
    patient.wait(timeout=10)


def main():
    out = os.path.abspath(sys.argv[1])
    os.makedirs(out, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sekisho-city-") as workshop:
        city = City(workshop)
        town.raze()
        try:
            print("city: building", flush=True)
            town.raise_namespaces(TOWN.values())
            switch = subprocess.Popen([sys.executable, f"{HERE}/switch.py"], stdout=subprocess.PIPE)
            city.running.append(switch)
            switch.stdout.readline()
            town.dress(TOWN.values())
            teach_ipv6()
            certificates(city)
            open_for_business(city)
            time.sleep(2)

            # Opened before the capture begins, used inside it: its client, and so its meaning, is a guess.
            city.step("mn-relay")
            city.expect("begun before the capture", "mn-relay", LGWAN["chukan"], 443, "undecidable",
                        causes=["midstream"])
            patient = city.start("mn-relay", *ours("patient", city.authority, "chukan.lgwan.example")(
                city, TOWN["mn-relay"].address, LGWAN["chukan"], 443), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            if b"open" not in patient.stdout.readline():
                raise SystemExit("the patient client could not connect")

            print("city: capturing", flush=True)
            captures = [
                city.start("sensor", "dumpcap", "-q", "-i", "span-core", "-b", "packets:2500", "-w", f"{workshop}/core.pcapng"),
                city.start("sensor", "tcpdump", "-q", "-U", "-i", "span-edge", "--time-stamp-precision=nano",
                           "-w", f"{workshop}/edge.pcap"),
                city.start("sensor", "dumpcap", "-q", "-i", "span-mirror", "-w", f"{workshop}/lbo-mirror.pcapng"),
            ]
            time.sleep(2)
            conforming(city)
            ordinary_morning(city)
            inside_the_segments(city)
            planted(city)
            open_questions(city, patient)
            time.sleep(2)
            for capture in captures:
                capture.terminate()
                capture.wait(timeout=10)
        except BaseException:
            with open(f"{workshop}/log", errors="replace") as log:
                print("".join(log.readlines()[-40:]), file=sys.stderr)
            raise
        finally:
            city.end()
            town.raze()
        trim.publish(workshop, out)
    write_key(city, out)


def write_key(city, out):
    totals = {}
    for entry in city.entries:
        totals[entry["verdict"]] = totals.get(entry["verdict"], 0) + entry["flows"]
    key = {"schema": "sekisho-city-key/1", "flows": sum(totals.values()), "verdicts": dict(sorted(totals.items())),
           "entries": city.entries}
    with open(f"{out}/key.json", "w") as file:
        json.dump(key, file, indent=1, ensure_ascii=False)
        file.write("\n")
    print(f"city: {key['flows']} flows, {key['verdicts']}, written to {out}")


if __name__ == "__main__":
    main()
