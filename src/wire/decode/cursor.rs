//! A place in bytes that strangers sent: every read says whether the bytes were there.

use crate::ground::model::decoded::NoFlow;

/// Why the walk ended before an IP header, with the number of the last type that was read (0 when none was).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) NoFlow, pub(super) u16);

/// Bytes of one home, and how far the enclosing layer lets us go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    /// The captured bytes from the home's start to the end of the enclosing layer.
    pub(super) bytes: &'a [u8],
    /// Where the next header begins.
    pub(super) at: usize,
    /// Where the enclosing layer ends on the wire: beyond `bytes` when the snaplen cut the packet.
    pub(super) wire_end: usize,
    /// The last type number that was read: the EtherType, LLC, PPP or link type that explains a refusal.
    pub(super) number: u16,
}

impl<'a> Cursor<'a> {
    /// The captured bytes from here on.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or(&[])
    }

    /// `N` bytes that lie `ahead` of here.
    #[inline]
    pub(super) fn array<const N: usize>(&self, ahead: usize) -> Result<[u8; N], Refusal> {
        self.bytes
            .get(self.at + ahead..)
            .and_then(|rest| rest.first_chunk::<N>())
            .copied()
            .ok_or_else(|| self.short())
    }

    /// A 16-bit number in network order that lies `ahead` of here.
    #[inline]
    pub(super) fn u16(&self, ahead: usize) -> Result<u16, Refusal> {
        self.array(ahead).map(u16::from_be_bytes)
    }

    /// A 32-bit number in network order that lies `ahead` of here.
    #[inline]
    pub(super) fn u32(&self, ahead: usize) -> Result<u32, Refusal> {
        self.array(ahead).map(u32::from_be_bytes)
    }

    /// The byte that lies `ahead` of here.
    #[inline]
    pub(super) fn u8(&self, ahead: usize) -> Result<u8, Refusal> {
        self.array(ahead).map(|[byte]| byte)
    }

    /// Bytes are missing: the capture's fault when it was cut, else the sender's.
    #[cold]
    pub(super) fn short(&self) -> Refusal {
        Refusal(if self.is_cut() { NoFlow::CutHeader } else { NoFlow::BadHeader }, self.number)
    }

    /// A header contradicts itself.
    #[cold]
    pub(super) const fn bad(&self) -> Refusal {
        Refusal(NoFlow::BadHeader, self.number)
    }

    /// True when the layer goes on behind the captured bytes.
    pub(super) const fn is_cut(&self) -> bool {
        self.bytes.len() < self.wire_end
    }

    /// Bytes of the layer from here on, on the wire.
    pub(super) const fn wire_left(&self) -> usize {
        self.wire_end.saturating_sub(self.at)
    }

    /// The layer ends `len` bytes from here; what follows is padding. A length beyond what there is changes nothing.
    pub(super) fn end_after(&mut self, len: usize) {
        let end = self.at.saturating_add(len);
        if end < self.wire_end {
            self.wire_end = end;
            self.bytes = self.bytes.get(..end).unwrap_or(self.bytes);
        }
    }
}
