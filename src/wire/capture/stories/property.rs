//! What holds for any bytes.

use proptest::prelude::*;

use super::super::{input::open, support::*};

/// A capture of any format, whole or with some bytes changed, cut or put in.
fn captures() -> impl Strategy<Value = Vec<u8>> {
    let payloads =
        proptest::collection::vec((0..300_i64, proptest::collection::vec(any::<u8>(), 0..200)), 0..40);
    let whole = (payloads, 0..8_usize).prop_map(|(packets, kind)| match KINDS.get(kind) {
        Some(kind) => packets
            .iter()
            .fold(Pcap::of(*kind, 65_535, 1), |pcap, (at, payload)| pcap.at_ms(*at * 1_000, payload))
            .bytes(),
        None => {
            let file = Pcapng::new(kind == 6).interface(1, 0, &[]).interface(101, 0, &[(9, &[9])]);
            let add = |file: Pcapng, (at, payload): &(i64, Vec<u8>)| match payload.len() % 7 {
                0 => file.section(kind == 7).interface(1, 0, &[]),
                1 => file.statistics(0, &[(5, &[1; 8])]),
                2 => file.block(3, |body| {
                    body.u32(payload.len() as u32).padded(payload);
                }),
                _ => file.at_ms(0, *at as u64 * 1_000, payload),
            };
            packets.iter().fold(file, add).out
        }
    });
    let hurt = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 0..6);
    (whole, hurt).prop_map(|(mut bytes, hurts)| {
        for (index, value, what) in hurts {
            if bytes.is_empty() {
                break;
            }
            let index = index.index(bytes.len());
            match what {
                0 => bytes[index] = value,
                1 => bytes.truncate(index.max(24)),
                2 => drop(bytes.drain(index..(index + usize::from(value)).min(bytes.len()))),
                _ => drop(bytes.splice(index..index, vec![value; 5])),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_of_any_length_give_the_same_packets_as_pipes_and_whole_files(
        bytes in captures(),
        block_len in 1..700_usize,
    ) {
        let folder = Folder::new();
        let path = folder.file("any.cap", &bytes);
        let plain = request(&[&path]);
        if open(&plain).is_ok() {
            let whole = read(&plain);
            prop_assert_eq!(&read_in_blocks(&plain, block_len), &whole);
            // Packed, the same bytes come through the other way of reading.
            let packed = folder.file("any.cap.lz4", &lz4(&bytes));
            let streamed = read_in_blocks(&request(&[&packed]), block_len);
            prop_assert_eq!(&streamed.packets, &whole.packets);
            prop_assert_eq!(&streamed.ticks, &whole.ticks);
            prop_assert_eq!(&streamed.breaks, &whole.breaks);
            prop_assert_eq!(streamed.damage(), whole.damage());
        }
    }

    #[test]
    fn merged_sources_stand_in_the_order_of_their_running_maxima_for_blocks_of_any_length(
        sources in proptest::collection::vec(
            (0..3_000_i64, proptest::collection::vec((-300..400_i64, 0..90_usize), 1..30)),
            2..5,
        ),
        block_len in 1..700_usize,
    ) {
        let folder = Folder::new();
        let mut expected = Vec::new();
        for (number, (first, packets)) in sources.iter().enumerate() {
            // Two hours between the first packet and the last: every source overlaps every other.
            let last = (7_200_000, 1);
            let mut running = i64::MIN;
            let mut at = *first;
            let mut file = Pcap::new();
            for (place, (step, len)) in packets.iter().chain([&last]).enumerate() {
                // The first packet stands at the first stamp, so that it is what orders the sources.
                let next = if *step == last.0 { first + step } else { (at + step).max(*first) };
                at = if place == 0 { *first } else { next };
                running = running.max(at);
                let mut payload = vec![number as u8, place as u8];
                payload.resize(2 + len, 0);
                expected.push((running, *first, number, place, payload.clone()));
                file = file.at_ms(at, &payload);
            }
            folder.file(&format!("{number}.pcap"), &file.bytes());
        }
        // Source indices follow the first stamps, then the names.
        expected.sort_by_key(|(running, first, number, place, _)| (*running, *first, *number, *place));
        let expected: Vec<_> = expected.into_iter().map(|packet| packet.4).collect();
        let plain = request(&[&folder.path()]);
        let whole = read(&plain);
        prop_assert_eq!(whole.payloads(), expected);
        prop_assert_eq!(&read_in_blocks(&plain, block_len).packets, &whole.packets);
    }

    #[test]
    fn bytes_without_sense_behind_a_header_never_panic(
        kind in 0..8_usize,
        noise in proptest::collection::vec(any::<u8>(), 0..4_000),
    ) {
        let head = KINDS.get(kind).map_or_else(
            || Pcapng::new(kind == 6).interface(1, 0, &[]).out,
            |kind| Pcap::of(*kind, 0, 1).bytes(),
        );
        let bytes = [head, noise].concat();
        let told = read_bytes(&bytes);
        let handed_out: usize = told.packets.iter().map(|(_, bytes)| bytes.len()).sum();
        prop_assert!(handed_out <= bytes.len());
    }
}
