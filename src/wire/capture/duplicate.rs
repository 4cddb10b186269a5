//! The same file given twice, by name or by content (issue "First verdict" §B).

use std::{
    collections::BTreeMap,
    io::{self, Read},
};

use sha2::{Digest, Sha256};

use super::{
    file::Plain,
    gather::{Found, Kind},
};

/// Bytes compared first: captures of one size mostly differ in their first packets.
const GLANCE_LEN: u64 = 64 * 1024;

/// For each file the index of the earlier one whose bytes it repeats.
///
/// Files of one size are read from front to end only when they begin alike.
pub(super) fn twins(found: &[Found]) -> Vec<Option<usize>> {
    let mut twins = vec![None; found.len()];
    let mut by_identity = BTreeMap::new();
    let mut by_len: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (index, (file, twin)) in found.iter().zip(&mut twins).enumerate() {
        let Some((identity, len)) = file.identity().zip(file.len()) else { continue };
        *twin = by_identity.get(&identity).copied();
        if twin.is_none() {
            by_identity.insert(identity, index);
            by_len.entry(len).or_default().push(index);
        }
    }
    for alike in by_len.into_values().flat_map(|group| split(found, group, GLANCE_LEN)) {
        for same in split(found, alike, u64::MAX) {
            let Some((first, others)) = same.split_first() else { continue };
            for other in others {
                if let Some(twin) = twins.get_mut(*other) {
                    *twin = Some(*first);
                }
            }
        }
    }
    // A file known by its inode follows the one that bears it to that one's own twin.
    for index in 0..twins.len() {
        let of_first =
            twins.get(index).copied().flatten().and_then(|first| twins.get(first).copied().flatten());
        if let (Some(first), Some(twin)) = (of_first, twins.get_mut(index)) {
            *twin = Some(first);
        }
    }
    twins
}

/// Splits files by the digest of their first bytes; groups of one are left out.
fn split(found: &[Found], group: Vec<usize>, len: u64) -> Vec<Vec<usize>> {
    if group.len() < 2 {
        return Vec::new();
    }
    let mut digests: BTreeMap<[u8; 32], Vec<usize>> = BTreeMap::new();
    for index in group {
        // A file that cannot be read is nobody's twin; reading it will tell.
        let Some(Ok(digest)) = found.get(index).map(|file| digest(file, len)) else { continue };
        digests.entry(digest).or_default().push(index);
    }
    digests.into_values().filter(|group| group.len() > 1).collect()
}

/// Whether two files hold the same bytes; false when one cannot be read.
pub(super) fn are_same(a: &Plain, b: &Plain) -> bool {
    let digest = |plain: &Plain| digest_of(plain, u64::MAX).ok();
    a.len == b.len && digest(a).is_some_and(|of_a| digest(b) == Some(of_a))
}

fn digest(file: &Found, len: u64) -> io::Result<[u8; 32]> {
    let (Kind::Plain(plain) | Kind::Packed(plain, _)) = &file.kind else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    digest_of(plain, len)
}

fn digest_of(plain: &Plain, len: u64) -> io::Result<[u8; 32]> {
    let mut bytes = plain.open()?.take(plain.len.min(len));
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match bytes.read(&mut buffer) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(read) => hash.update(buffer.get(..read).unwrap_or(&[])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
