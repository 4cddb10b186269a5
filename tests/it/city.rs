//! The small policy that the stories are held against, as text: each story changes what it is about.

/// Segments mn 10.10/16 (VLAN 110), lg 10.20/16 (120), in 10.30/16 (130), bd 10.40.0/24 (140); zones lgwan 198.18/15,
/// sc 203.0.113/24, maint 10.99.0/24 and the rest. α'(イ): LGWAN may reach listed clouds.
pub const BASE: &str = r#"
schema = "sekisho-policy/1"

[policy]
id = "story"
title_ja = "物語の台帳"
org_ja = "みなと市(架空)"
model = "alpha_prime"
case = "i"
guideline = "soumu-2025-03"
version = "1"
approved_by_ja = "責任者"
approval = "第1号"
valid_from = 2026-04-01T00:00:00+09:00
valid_until = 2027-03-31T23:59:59+09:00
timezone = "Asia/Tokyo"

[defaults]
inter_segment = "deny"
intra_segment = "observe"
unknown_address = "finding"
ipv6 = "deny"

[[sensors]]
id = "s-core"
place_ja = "コア"
sees = ["mn", "lg", "in", "bd"]
[[sensors]]
id = "s-lbo"
place_ja = "LBO"
sees = ["lg", "inet"]

[[segments]]
id = "mn"
class = "mynumber"
name_ja = "マイナンバー利用事務系"
cidr = ["10.10.0.0/16"]
vlan = [110]
[[segments]]
id = "lg"
class = "lgwan"
name_ja = "LGWAN接続系"
cidr = ["10.20.0.0/16"]
vlan = [120]
[[segments]]
id = "in"
class = "internet"
name_ja = "インターネット接続系"
cidr = ["10.30.0.0/16"]
vlan = [130]
[[segments]]
id = "bd"
class = "boundary"
name_ja = "系間中継"
cidr = ["10.40.0.0/24"]
vlan = [140]

[[zones]]
id = "lgwan"
class = "lgwan_wan"
name_ja = "LGWAN"
cidr = ["198.18.0.0/15"]
[[zones]]
id = "sc"
class = "seccloud"
name_ja = "セキュリティクラウド"
cidr = ["203.0.113.0/24"]
[[zones]]
id = "maint"
class = "dedicated"
name_ja = "保守回線"
cidr = ["10.99.0.0/24"]
[[zones]]
id = "inet"
class = "internet_zone"
name_ja = "インターネット"
rest = true

[[hosts]]
id = "in-proxy"
segment = "in"
addr = ["10.30.8.80"]
role = "proxy"
name_ja = "庁内Proxy"
[[hosts]]
id = "sc-proxy"
zone = "sc"
addr = ["203.0.113.10"]
role = "proxy"
name_ja = "SC Proxy"
[[hosts]]
id = "bd-vdi"
segment = "bd"
addr = ["10.40.0.20"]
role = "vdi_gateway"
name_ja = "画面転送GW"
[[hosts]]
id = "bd-log"
segment = "bd"
addr = ["10.40.0.51"]
role = "log"
name_ja = "ログサーバ"
[[hosts]]
id = "lg-dns"
segment = "lg"
addr = ["10.20.8.53"]
role = "dns"
name_ja = "DNS"
[[hosts]]
id = "mn-relay"
segment = "mn"
addr = ["10.10.9.10"]
role = "gateway"
name_ja = "連携サーバ"
[[hosts]]
id = "mn-maint"
segment = "mn"
addr = ["10.10.9.99"]
role = "jump"
name_ja = "保守踏み台"

[[destinations]]
id = "d-eltax"
zone = "lgwan"
kind = "public_system"
name_ja = "税システム"
fqdn = ["tax.asp.lgwan.example"]
cidr = ["198.18.20.0/28"]
services = ["tcp/443"]
match = "name+address"
[[destinations]]
id = "d-relay"
zone = "lgwan"
kind = "public_system"
name_ja = "中間サーバー"
cidr = ["198.18.10.0/24"]
services = ["tcp/443"]
match = "address"
[[destinations]]
id = "d-suite"
zone = "inet"
kind = "cloud_comm"
name_ja = "会議"
fqdn = ["meet.cloud.example", "chat.cloud.example"]
cidr = ["198.51.100.128/26"]
services = ["tcp/443", "udp/443"]
match = "name+address"
ismap = { listed = true, name_ja = "例示クラウド", checked_on = 2026-03-20, valid_until = 2027-01-31 }

[[channels]]
id = "c-mn-relay"
from = ["mn-relay"]
to = ["d-relay"]
services = ["tcp/443"]
kind = "normal"
purpose_ja = "情報連携"
clause = "2-2-3(1)①"
approval = "第2号"
[[channels]]
id = "c-mn-tax"
from = ["mn-relay"]
to = ["d-eltax"]
services = ["tcp/443"]
kind = "normal"
purpose_ja = "申告データ"
clause = "2-2-3(1)①"
approval = "第3号"
[[channels]]
id = "c-mn-maint"
from = ["maint"]
to = ["mn-maint"]
services = ["tcp/3389"]
kind = "maintenance"
purpose_ja = "保守"
clause = "2-2-3(1)①"
approval = "第4号"
valid_from = 2026-06-01T00:00:00+09:00
valid_until = 2026-06-30T23:59:59+09:00
[[channels]]
id = "c-lg-dns"
from = ["lg-dns"]
to = ["lgwan"]
services = ["udp/53", "tcp/53"]
kind = "normal"
purpose_ja = "名前解決"
clause = "2-2-3(2)①"
approval = "第5号"
[[channels]]
id = "c-scr"
from = ["lg"]
to = ["bd-vdi"]
services = ["tcp/443"]
kind = "screen"
purpose_ja = "画面転送"
clause = "2-2-3(2)①(イ)"
approval = "第6号"
encrypt = "required"
[[channels]]
id = "c-log"
from = ["lg"]
to = ["bd-log"]
services = ["udp/514"]
kind = "monitoring"
purpose_ja = "ログ転送"
clause = "7.1"
approval = "第7号"
[[channels]]
id = "c-in-proxy"
from = ["in"]
to = ["sc-proxy"]
services = ["tcp/8080"]
kind = "normal"
purpose_ja = "Web閲覧"
clause = "2-2-3(3)"
approval = "第8号"
via = ["in-proxy"]
[[channels]]
id = "c-suite"
from = ["lg"]
to = ["d-suite"]
services = ["tcp/443", "udp/443"]
kind = "lbo"
purpose_ja = "会議"
clause = "3-2-3(2)③(イ)"
approval = "第9号"
path = "lbo"
encrypt = "required"
download = "forbidden"
max_down_per_flow = 20971520

[[paths]]
id = "lbo"
name_ja = "LBO回線"
gateway_mac = ["02:00:00:00:20:fe"]
sensors = ["s-lbo"]

[[forbid]]
id = "f-mn-inet"
from = ["mn"]
to = ["inet"]
reason_ja = "マイナンバー利用事務系はインターネットにつながない"
"#;

/// The base policy with one passage replaced by another; the passage must be there.
pub fn changed(from: &str, to: &str) -> String {
    assert!(BASE.contains(from), "{from} is not in the policy");
    BASE.replacen(from, to, 1)
}

/// The base policy with more at its end.
pub fn with(more: &str) -> String {
    format!("{BASE}\n{more}")
}
