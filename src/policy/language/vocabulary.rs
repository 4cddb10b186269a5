//! The closed vocabularies of the language: every word that stands in quotes and is not a name of the writer's own.

macro_rules! vocabulary {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $word_doc:literal])+ $variant:ident = $word:literal,)+ })+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, schemars::JsonSchema)]
            pub enum $name {
                $($(#[doc = $word_doc])+ #[schemars(rename = $word)] $variant,)+
            }

            impl $name {
                /// Every word with its meaning, in the order of the documentation.
                pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

                /// The word as it stands in a policy.
                #[must_use]
                pub const fn word(self) -> &'static str {
                    match self { $(Self::$variant => $word,)+ }
                }
            }

            impl Word for $name {
                const WORDS: &'static [&'static str] = &[$($word,)+];

                fn read(text: &str) -> Option<Self> {
                    match text { $($word => Some(Self::$variant),)+ _ => None }
                }
            }
        )+
    };
}

/// A closed set of words, for the reader of documents.
pub(super) trait Word: Sized {
    /// All words, for expectations and remedies.
    const WORDS: &'static [&'static str];

    /// The meaning of a word, if it is one.
    fn read(text: &str) -> Option<Self>;
}

vocabulary! {
    /// The network model that a city declares (DOMAIN §1.1).
    Model {
        /// α: terminals in the LGWAN segment, internet by screen transfer.
        Alpha = "alpha",
        /// α′: α with local breakout to listed cloud services.
        AlphaPrime = "alpha_prime",
        /// β: terminals in the internet segment, important assets in the LGWAN segment.
        Beta = "beta",
        /// β′: important assets in the internet segment too.
        BetaPrime = "beta_prime",
        /// Only for epochs: a window in which two models are both in force.
        Migration = "migration",
    }

    /// The case of the α′ model (DOMAIN §1.2).
    Case {
        /// ア: licences and definitions only.
        A = "a",
        /// イ: communication tools, nothing taken in.
        I = "i",
        /// ウ: files exchanged.
        U = "u",
    }

    /// What a segment is. Presets speak of classes; ids are free.
    SegmentClass {
        /// マイナンバー利用事務系
        Mynumber = "mynumber",
        /// LGWAN接続系
        Lgwan = "lgwan",
        /// インターネット接続系
        Internet = "internet",
        /// Gear that stands between segments: sanitisers, screen transfer, relays.
        Boundary = "boundary",
        /// An inner segment of its own (四層).
        Internal = "internal",
        /// Management of network gear.
        Management = "management",
        /// Guests and visitors.
        Guest = "guest",
        /// Tests.
        Test = "test",
    }

    /// What a zone outside is.
    ZoneClass {
        /// The nationwide LGWAN.
        LgwanWan = "lgwan_wan",
        /// 自治体情報セキュリティクラウド
        Seccloud = "seccloud",
        /// A cloud reached over a closed line.
        ClosedCloud = "closed_cloud",
        /// A dedicated line, such as a maintenance vendor's.
        Dedicated = "dedicated",
        /// A branch office.
        Branch = "branch",
        /// The internet.
        InternetZone = "internet_zone",
    }

    /// What a named host does.
    Role {
        /// A forward proxy: targets are named inside.
        Proxy = "proxy",
        /// A proxy that enforces the own tenant.
        TenantProxy = "tenant_proxy",
        /// Sanitises files or mail.
        Sanitizer = "sanitizer",
        /// A mail server or relay.
        Mail = "mail",
        /// A screen transfer gateway.
        VdiGateway = "vdi_gateway",
        /// A name server.
        Dns = "dns",
        /// A time server.
        Ntp = "ntp",
        /// Distributes updates.
        Update = "update",
        /// A jump host.
        Jump = "jump",
        /// Collects logs.
        Log = "log",
        /// Scans on purpose.
        Scanner = "scanner",
        /// A firewall.
        Firewall = "firewall",
        /// A router.
        Router = "router",
        /// A server.
        Server = "server",
        /// An application gateway.
        Gateway = "gateway",
    }

    /// What a destination is.
    DestinationKind {
        /// A system of the state or a public body.
        PublicSystem = "public_system",
        /// A service inside LGWAN.
        LgwanAsp = "lgwan_asp",
        /// Security updates and definitions.
        SecurityUpdate = "security_update",
        /// Licences of software.
        CloudLicence = "cloud_licence",
        /// Meetings, chat, groupware.
        CloudComm = "cloud_comm",
        /// File sharing.
        CloudFiles = "cloud_files",
        /// Mail.
        CloudMail = "cloud_mail",
        /// Sign-in.
        CloudIdentity = "cloud_identity",
        /// Voice and video.
        CloudMedia = "cloud_media",
        /// Low-code tools.
        CloudLowcode = "cloud_lowcode",
        /// Revocation lists and the like.
        Pki = "pki",
        /// Anything else.
        Other = "other",
    }

    /// Which halves of a destination must be seen (RULES 9).
    Match {
        /// Both.
        NameAndAddress = "name+address",
        /// The name; the address must lie in the destination's zone.
        Name = "name",
        /// The address.
        Address = "address",
    }

    /// What a channel is for.
    ChannelKind {
        /// Nothing special.
        Normal = "normal",
        /// Screen transfer.
        Screen = "screen",
        /// Mail.
        Mail = "mail",
        /// Files.
        File = "file",
        /// Updates.
        Update = "update",
        /// LGWAN-ASP.
        Asp = "asp",
        /// Local breakout.
        Lbo = "lbo",
        /// Maintenance by a vendor.
        Maintenance = "maintenance",
        /// Monitoring.
        Monitoring = "monitoring",
    }

    /// What a channel says of encryption.
    Encrypt {
        /// A handshake must be seen.
        Required = "required",
        /// Cleartext is approved.
        PlaintextApproved = "plaintext-approved",
    }

    /// What a channel says of downloads.
    Download {
        /// Nothing.
        Allowed = "allowed",
        /// None.
        Forbidden = "forbidden",
        /// Only through the sanitiser.
        SanitizedOnly = "sanitized_only",
    }

    /// What a channel says of tenants.
    Tenant {
        /// Names that tell a tenant must tell the own one.
        Own = "own",
    }

    /// Whether the outer name of a hello with ECH counts (DESIGN §4).
    Ech {
        /// It counts, and is shown as the outer name.
        Outer = "outer",
        /// It does not: where a name is needed the flow cannot be decided.
        Strict = "strict",
    }

    /// What holds where no channel speaks.
    Stance {
        /// A violation.
        Deny = "deny",
        /// Only looked at.
        Observe = "observe",
        /// A finding, and undecidable.
        Finding = "finding",
        /// Allowed.
        Allow = "allow",
    }

    /// Which directions a sensor sees.
    Direction {
        /// Both.
        Both = "both",
        /// What comes in only.
        Rx = "rx",
    }

    /// On which side of address translation a sensor stands.
    Nat {
        /// Inside.
        Before = "before",
        /// Outside.
        After = "after",
    }
}
