//! Helper: keys of QUIC Initial packets, and the opening of such packets. Anybody on the path can derive them (RFC 9001
//! section 5.2): they protect against accidents, not against readers.

use aes::{
    Aes128,
    cipher::{BlockCipherEncrypt, KeyInit},
};
use aes_gcm::{Aes128Gcm, aead::AeadInOut};
use hkdf::Hkdf;
use sha2::Sha256;

const KEY_LEN: usize = 16;
const IV_LEN: usize = 12;
const TAG_LEN: usize = 16;
/// Where the sample for header protection starts: as if the packet number had four bytes (RFC 9001 section 5.4.2).
const SAMPLE_OFFSET: usize = 4;
const SAMPLE_LEN: usize = 16;

/// How a version derives its keys and numbers its packet types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scheme {
    salt: [u8; 20],
    /// Labels and type numbers of RFC 9369 instead of those of RFC 9000.
    pub(super) second: bool,
}

const fn first(salt: [u8; 20]) -> Scheme {
    Scheme { salt, second: false }
}

/// RFC 9001 section 5.2; drafts 33 and 34 had it already.
const V1: Scheme = first([
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc,
    0xbb, 0x7f, 0x0a,
]);
/// RFC 9369 section 3.3.1.
const V2: Scheme = Scheme {
    salt: [
        0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9,
        0xbd, 0x2e, 0xd9,
    ],
    second: true,
};
/// draft-ietf-quic-tls-29 to -32, section 5.2.
const DRAFT_29: Scheme = first([
    0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43,
    0x90, 0xa8, 0x99,
]);
/// draft-ietf-quic-tls-23 to -28, section 5.2.
const DRAFT_23: Scheme = first([
    0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe,
    0xf9, 0xf5, 0x02,
]);
/// Google's T051 (its own framing, with TLS). From memory; it opens real packets.
const T051: Scheme = first([
    0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50, 0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc, 0xda,
    0x6e, 0x03, 0x3d,
]);
/// Google's T050. From memory, unconfirmed.
const T050: Scheme = first([
    0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80, 0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c, 0x60,
    0x48, 0x83, 0x10,
]);
/// Google's Q050. From memory, unconfirmed.
const Q050: Scheme = first([
    0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94, 0x5c, 0xfc, 0xdb, 0xd3, 0xa7, 0xf0, 0xd3,
    0xb5, 0x6b, 0x45,
]);

/// The scheme of a version; `None` for versions whose Initials cannot be opened.
pub(super) const fn scheme(version: u32) -> Option<Scheme> {
    match version {
        0x0000_0001 | 0xff00_0021..=0xff00_0022 => Some(V1),
        0x6b33_43cf => Some(V2),
        0xff00_001d..=0xff00_0020 => Some(DRAFT_29),
        // 0xfaceb002 and 0xfaceb00e: Meta's mvfst, which kept draft 27's keys.
        0xff00_0017..=0xff00_001c | 0xface_b002 | 0xface_b00e => Some(DRAFT_23),
        0x5430_3531 => Some(T051),
        0x5430_3530 => Some(T050),
        0x5130_3530 => Some(Q050),
        _ => None,
    }
}

/// Keys of both ends for one connection ID.
pub(super) struct InitialKeys {
    client: PacketKeys,
    server: PacketKeys,
}

/// Keys of one end.
struct PacketKeys {
    seal: Aes128Gcm,
    iv: [u8; IV_LEN],
    header: Aes128,
}

/// Who sent a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    Server,
}

/// A packet that was opened.
#[derive(Debug)]
pub(super) struct Opened {
    /// Packet number, completed.
    pub(super) number: u64,
    /// Frames.
    pub(super) frames: Vec<u8>,
}

impl InitialKeys {
    /// The keys that the client's first destination connection ID gives. `None` if the library refuses (it does not for
    /// these lengths).
    pub(super) fn derive(scheme: Scheme, dcid: &[u8]) -> Option<Self> {
        let secret = Hkdf::<Sha256>::new(Some(&scheme.salt), dcid);
        let keys = |label: &[u8]| {
            let mut end_secret = [0; 32];
            expand(&secret, label, &mut end_secret)?;
            let secret = Hkdf::<Sha256>::from_prk(&end_secret).ok()?;
            let [key_label, iv_label, header_label]: [&[u8]; 3] = if scheme.second {
                [b"quicv2 key", b"quicv2 iv", b"quicv2 hp"]
            } else {
                [b"quic key", b"quic iv", b"quic hp"]
            };
            let (mut key, mut iv, mut header) = ([0; KEY_LEN], [0; IV_LEN], [0; KEY_LEN]);
            expand(&secret, key_label, &mut key)?;
            expand(&secret, iv_label, &mut iv)?;
            expand(&secret, header_label, &mut header)?;
            Some(PacketKeys { seal: Aes128Gcm::new(&key.into()), iv, header: Aes128::new(&header.into()) })
        };
        Some(Self { client: keys(b"client in")?, server: keys(b"server in")? })
    }

    /// Opens a packet whose packet number starts at `number_at` and that ends with its tag. `largest` is the largest
    /// number opened so far, if any. `None` when the keys do not fit.
    pub(super) fn open(
        &self,
        role: Role,
        packet: &[u8],
        number_at: usize,
        largest: Option<u64>,
    ) -> Option<Opened> {
        let keys = match role {
            Role::Client => &self.client,
            Role::Server => &self.server,
        };
        let sample_at = number_at.checked_add(SAMPLE_OFFSET)?;
        let sample = packet.get(sample_at..)?.first_chunk::<SAMPLE_LEN>()?;
        let mut mask = (*sample).into();
        keys.header.encrypt_block(&mut mask);
        // RFC 9001 section 5.4.1: four bits of a long header's first byte, then the packet number.
        let [first_mask, number_mask @ ..] = <[u8; 16]>::from(mask);
        let first = packet.first()? ^ (first_mask & 0x0f);
        let number_len = usize::from(first & 0x03) + 1;
        let body_at = number_at + number_len;
        let mut header = packet.get(..body_at)?.to_vec();
        *header.first_mut()? = first;
        let mut truncated = 0;
        for (byte, mask) in header.get_mut(number_at..)?.iter_mut().zip(number_mask) {
            *byte ^= mask;
            truncated = truncated << 8 | u64::from(*byte);
        }
        let number = complete(truncated, number_len, largest);
        let (body, tag) = packet.get(body_at..)?.split_last_chunk::<TAG_LEN>()?;
        let mut nonce = keys.iv;
        nonce.iter_mut().rev().zip(number.to_le_bytes()).for_each(|(byte, part)| *byte ^= part);
        let mut frames = body.to_vec();
        keys.seal
            .decrypt_inout_detached(&nonce.into(), &header, frames.as_mut_slice().into(), &(*tag).into())
            .ok()?;
        Some(Opened { number, frames })
    }
}

/// HKDF-Expand-Label of RFC 8446 section 7.1 without context.
fn expand(secret: &Hkdf<Sha256>, label: &[u8], out: &mut [u8]) -> Option<()> {
    let out_len = u16::try_from(out.len()).ok()?.to_be_bytes();
    let label_len = u8::try_from(label.len() + 6).ok()?;
    let info = [&out_len[..], &[label_len], b"tls13 ", label, &[0]].concat();
    secret.expand(&info, out).ok()
}

/// RFC 9000 appendix A.3: the number nearest to the next expected one that ends in these bytes.
fn complete(truncated: u64, len: usize, largest: Option<u64>) -> u64 {
    let window = 1_u64 << (8 * len);
    let expected = largest.map_or(0, |largest| largest.saturating_add(1));
    let candidate = expected & !(window - 1) | truncated;
    if candidate.saturating_add(window / 2) <= expected {
        candidate.saturating_add(window)
    } else if candidate > expected.saturating_add(window / 2) && candidate >= window {
        candidate - window
    } else {
        candidate
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The connection ID of RFC 9001 appendix A.
    const DCID: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];

    fn hex(text: &str) -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    /// Closes a packet: `header` ends with a packet number of four bytes.
    pub(in crate::wire::proto) fn seal(
        version: u32,
        dcid: &[u8],
        role: Role,
        header: &[u8],
        number: u32,
        frames: &[u8],
    ) -> Vec<u8> {
        let keys = InitialKeys::derive(scheme(version).unwrap(), dcid).unwrap();
        let keys = if role == Role::Client { keys.client } else { keys.server };
        let mut nonce = keys.iv;
        nonce[8..].iter_mut().zip(number.to_be_bytes()).for_each(|(byte, part)| *byte ^= part);
        let mut body = frames.to_vec();
        let tag =
            keys.seal.encrypt_inout_detached(&nonce.into(), header, body.as_mut_slice().into()).unwrap();
        let mut packet = [header, &body, tag.as_slice()].concat();
        let number_at = header.len() - 4;
        let mut mask = <[u8; 16]>::try_from(&packet[number_at + 4..number_at + 20]).unwrap().into();
        keys.header.encrypt_block(&mut mask);
        packet[0] ^= mask[0] & 0x0f;
        (0..4).for_each(|place| packet[number_at + place] ^= mask[place + 1]);
        packet
    }

    #[test]
    fn the_published_connection_id_gives_the_published_keys() {
        let secret = Hkdf::<Sha256>::new(Some(&V1.salt), &DCID);
        let mut client = [0; 32];
        expand(&secret, b"client in", &mut client).unwrap();
        assert_eq!(client[..], hex("c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea"));
        let client = Hkdf::<Sha256>::from_prk(&client).unwrap();
        for (label, expected) in [
            ("quic key", "1f369613dd76d5467730efcbe3b1a22d"),
            ("quic iv", "fa044b2f42a3fd3b46fb255c"),
            ("quic hp", "9f50449e04a0e810283a1e9933adedd2"),
        ] {
            let mut out = vec![0; expected.len() / 2];
            expand(&client, label.as_bytes(), &mut out).unwrap();
            assert_eq!(out, hex(expected), "{label}");
        }
        assert_eq!(InitialKeys::derive(V1, &DCID).unwrap().client.iv[..], hex("fa044b2f42a3fd3b46fb255c"));
    }

    #[test]
    fn only_the_right_keys_open_a_packet_and_every_bit_counts() {
        let header = [&[0xc3][..], &[0; 20], &7_u32.to_be_bytes()].concat();
        let packet = seal(1, &DCID, Role::Client, &header, 7, &[0; 60]);
        let open = |dcid: &[u8], role, packet: &[u8]| {
            InitialKeys::derive(V1, dcid).unwrap().open(role, packet, 21, None)
        };
        let opened = open(&DCID, Role::Client, &packet).unwrap();
        assert_eq!((opened.number, opened.frames), (7, vec![0; 60]));
        assert!(open(&DCID, Role::Server, &packet).is_none());
        assert!(open(&DCID[1..], Role::Client, &packet).is_none());
        for len in 0..packet.len() {
            assert!(open(&DCID, Role::Client, &packet[..len]).is_none());
        }
        for place in 0..packet.len() {
            let mut bent = packet.clone();
            bent[place] ^= 0x10;
            assert!(open(&DCID, Role::Client, &bent).is_none(), "byte {place}");
        }
    }

    #[test]
    fn packet_numbers_are_completed_as_the_rfc_says() {
        // The example of RFC 9000 appendix A.3.
        assert_eq!(complete(0x9b32, 2, Some(0xa82f_30ea)), 0xa82f_9b32);
        assert_eq!(complete(5, 1, None), 5);
        assert_eq!(complete(1, 1, Some(255)), 257);
        assert_eq!(complete(254, 1, Some(256)), 254);
        assert_eq!(complete(0, 4, Some(u64::MAX)), u64::MAX);
    }
}
