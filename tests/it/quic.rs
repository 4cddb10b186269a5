//! QUIC Initials as a client makes them (RFC 9001 section 5), sealed with the keys that anybody can derive.

use aes::{
    Aes128,
    cipher::{BlockCipherEncrypt, KeyInit},
};
use aes_gcm::{Aes128Gcm, aead::AeadInOut};
use hkdf::Hkdf;
use sha2::Sha256;

pub const V1: u32 = 1;
pub const V2: u32 = 0x6b33_43cf;

const SALT_V1: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc,
    0xbb, 0x7f, 0x0a,
];
const SALT_V2: [u8; 20] = [
    0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9,
    0xbd, 0x2e, 0xd9,
];

/// What an Initial is made of.
#[derive(Clone, Debug)]
pub struct Initial<'a> {
    pub version: u32,
    pub from_client: bool,
    /// The connection ID that gives the keys, and those in the header.
    pub key: &'a [u8],
    pub dcid: &'a [u8],
    pub scid: &'a [u8],
    pub token: &'a [u8],
    pub number: u32,
    pub frames: Vec<u8>,
}

pub fn varint(value: usize) -> Vec<u8> {
    (0x8000_0000 | value as u32).to_be_bytes().to_vec()
}

/// A CRYPTO frame, RFC 9000 section 19.6.
pub fn crypto(offset: usize, bytes: &[u8]) -> Vec<u8> {
    [&[6][..], &varint(offset), &varint(bytes.len()), bytes].concat()
}

/// A long header up to the connection IDs; `kind` counts as in version 1.
pub fn long(version: u32, kind: u8, dcid: &[u8], scid: &[u8]) -> Vec<u8> {
    let kind = if version == V2 { (kind + 1) % 4 } else { kind };
    let ids = [&[dcid.len() as u8][..], dcid, &[scid.len() as u8], scid].concat();
    [&[0xc3 | kind << 4][..], &version.to_be_bytes(), &ids].concat()
}

fn expand(secret: &Hkdf<Sha256>, label: &str, out: &mut [u8]) {
    let label = format!("tls13 {label}");
    let info = [&(out.len() as u16).to_be_bytes()[..], &[label.len() as u8], label.as_bytes(), &[0]].concat();
    secret.expand(&info, out).unwrap();
}

impl Initial<'_> {
    /// The packet, its frames filled up to `fill` bytes.
    pub fn seal(&self, fill: usize) -> Vec<u8> {
        let mut frames = self.frames.clone();
        frames.resize(frames.len().max(fill), 0);
        let (salt, labels) = match self.version {
            V2 => (SALT_V2, ["quicv2 key", "quicv2 iv", "quicv2 hp"]),
            _ => (SALT_V1, ["quic key", "quic iv", "quic hp"]),
        };
        let mut secret = [0; 32];
        let end = if self.from_client { "client in" } else { "server in" };
        expand(&Hkdf::new(Some(&salt), self.key), end, &mut secret);
        let secret = Hkdf::from_prk(&secret).unwrap();
        let (mut key, mut nonce, mut header_key) = ([0; 16], [0; 12], [0; 16]);
        expand(&secret, labels[0], &mut key);
        expand(&secret, labels[1], &mut nonce);
        expand(&secret, labels[2], &mut header_key);
        nonce[8..].iter_mut().zip(self.number.to_be_bytes()).for_each(|(byte, part)| *byte ^= part);

        let mut packet = long(self.version, 0, self.dcid, self.scid);
        packet.extend(varint(self.token.len()));
        packet.extend_from_slice(self.token);
        packet.extend(varint(4 + frames.len() + 16));
        let number_at = packet.len();
        packet.extend(self.number.to_be_bytes());
        let tag = Aes128Gcm::new(&key.into())
            .encrypt_inout_detached(&nonce.into(), &packet, frames.as_mut_slice().into())
            .unwrap();
        packet.extend_from_slice(&frames);
        packet.extend_from_slice(&tag);
        let mut mask = <[u8; 16]>::try_from(&packet[number_at + 4..number_at + 20]).unwrap().into();
        Aes128::new(&header_key.into()).encrypt_block(&mut mask);
        packet[0] ^= mask[0] & 0x0f;
        (0..4).for_each(|place| packet[number_at + place] ^= mask[place + 1]);
        packet
    }
}
