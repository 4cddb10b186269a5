//! TCP of one connection as it is kept between two packets: a crowd of connections is mostly this.

use super::tcp::{SideMarks, Tcp, TcpSide, Trouble};
use crate::ground::model::decoded::TcpFlags;

/// A [`Tcp`] in three quarters of its size: positions in 48 bits, and what few connections need in one place.
#[derive(Debug, Default)]
pub(super) struct Kept {
    sides: [Side; 2],
    moment: i64,
    rare: Option<Box<Rare>>,
    ttl: [u8; 2],
    has_rtt: bool,
}

/// Positions of one end: next, start, acknowledged, bytes acknowledged, FIN.
const POSITIONS: usize = 5;

/// What one end sent. In units of 16 bits, so that two of them lie side by side.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    /// Their lower 48 bits, lowest 16 first.
    positions: [[u16; 3]; POSITIONS],
    /// Lower and upper half.
    retransmissions: [u16; 2],
    flags: TcpFlags,
    marks: SideMarks,
}

/// What few connections need.
#[derive(Clone, Debug, Default)]
struct Rare {
    trouble: [Option<Box<Trouble>>; 2],
    /// Upper 16 bits of the positions: numbers that jump by 2^30 with each packet get so far in a quarter of a million.
    upper: [[u16; POSITIONS]; 2],
}

const fn split(position: u64) -> ([u16; 3], u16) {
    ([position as u16, (position >> 16) as u16, (position >> 32) as u16], (position >> 48) as u16)
}

fn join([a, b, c]: [u16; 3], upper: u16) -> u64 {
    u64::from(a) | u64::from(b) << 16 | u64::from(c) << 32 | u64::from(upper) << 48
}

impl Kept {
    /// Puts it away.
    pub(super) fn put(&mut self, tcp: Tcp) {
        let Tcp { sides, moment, has_rtt, ttl } = tcp;
        let mut rare = Rare::default();
        let mut is_rare = false;
        let kept = sides.into_iter().zip(&mut self.sides).zip(rare.trouble.iter_mut().zip(&mut rare.upper));
        for ((side, kept), (trouble, upper)) in kept {
            let TcpSide { next, start, acked, acked_bytes, fin, retransmissions, flags, marks, .. } = side;
            let positions = [next, start, acked, acked_bytes, fin].into_iter();
            for ((position, place), upper) in positions.zip(&mut kept.positions).zip(upper) {
                (*place, *upper) = split(position);
                is_rare |= *upper != 0;
            }
            kept.retransmissions = [retransmissions as u16, (retransmissions >> 16) as u16];
            (kept.flags, kept.marks) = (flags, marks);
            is_rare |= side.trouble.is_some();
            *trouble = side.trouble;
        }
        (self.moment, self.has_rtt, self.ttl) = (moment, has_rtt, ttl);
        match &mut self.rare {
            Some(place) if is_rare => **place = rare,
            place => *place = is_rare.then(|| Box::new(rare)),
        }
    }

    /// Takes it out, to be put back.
    pub(super) fn take(&mut self) -> Tcp {
        let trouble = self.rare.as_mut().map(|rare| std::mem::take(&mut rare.trouble));
        self.with(trouble.unwrap_or_default())
    }

    /// A copy of it.
    pub(super) fn copy(&self) -> Tcp {
        self.with(self.rare.as_ref().map(|rare| rare.trouble.clone()).unwrap_or_default())
    }

    fn with(&self, trouble: [Option<Box<Trouble>>; 2]) -> Tcp {
        let upper = self.rare.as_ref().map_or([[0; POSITIONS]; 2], |rare| rare.upper);
        let mut tcp = Tcp { moment: self.moment, has_rtt: self.has_rtt, ttl: self.ttl, ..Tcp::default() };
        let kept = tcp.sides.iter_mut().zip(&self.sides).zip(trouble.into_iter().zip(upper));
        for ((side, kept), (trouble, [next, start, acked, acked_bytes, fin])) in kept {
            let [a, b, c, d, e] = kept.positions;
            let [low, high] = kept.retransmissions;
            *side = TcpSide {
                next: join(a, next),
                start: join(b, start),
                acked: join(c, acked),
                acked_bytes: join(d, acked_bytes),
                fin: join(e, fin),
                retransmissions: u32::from(high) << 16 | u32::from(low),
                flags: kept.flags,
                marks: kept.marks,
                trouble,
            };
        }
        tcp
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn side() -> impl Strategy<Value = TcpSide> {
        let position = prop_oneof![0_u64..1 << 48, any::<u64>()];
        let rest = (any::<u32>(), 0_u16..1 << 12, any::<u16>(), any::<bool>());
        (prop::array::uniform5(position), rest).prop_map(
            |(positions, (retransmissions, flags, marks, trouble))| {
                let [next, start, acked, acked_bytes, fin] = positions;
                let trouble = trouble.then(|| {
                    let mut trouble = Trouble::default();
                    trouble.holes.open(start / 2, start / 2 + 7, 0);
                    Box::new(trouble)
                });
                let (flags, marks) = (TcpFlags(flags), SideMarks(marks));
                TcpSide { next, start, acked, acked_bytes, fin, retransmissions, flags, marks, trouble }
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_put_away_comes_back_as_it_was(
            one in side(), other in side(), moment in any::<i64>(), has_rtt in any::<bool>(), ttl in any::<[u8; 2]>(),
        ) {
            let tcp = Tcp { sides: [one, other], moment, has_rtt, ttl };
            let told = format!("{tcp:?}");
            let mut kept = Kept::default();
            // What lay there before leaves no trace.
            kept.put(Tcp { sides: [TcpSide { next: u64::MAX, ..TcpSide::default() }, TcpSide::default()], ..Tcp::default() });
            kept.put(tcp);
            prop_assert_eq!(&format!("{:?}", kept.copy()), &told);
            prop_assert_eq!(&format!("{:?}", kept.take()), &told);
        }
    }

    #[test]
    fn it_is_kept_in_three_quarters_of_its_size() {
        assert!(
            size_of::<Kept>() <= 96 && size_of::<Tcp>() <= 128,
            "{} {}",
            size_of::<Kept>(),
            size_of::<Tcp>()
        );
    }
}
