//! Recordings: what our own pcapng says in comments is read back as it was written, and a stranger's comment is none.

use sekisho::{
    ground::model::{
        coverage::{BlindReason, Interface},
        packet::{InterfaceId, LinkType},
        time::Timestamp,
    },
    wire::capture::{Counters, Note, Piece, RecordingId, Request, Section, open},
};

use super::{Script, head, read};

/// A piece number, then steps: packets, counters with and without notes, and at the end a stranger's comment in a section
/// of its own.
pub fn notes(input: &[u8]) {
    let mut script = Script(input);
    let recording = RecordingId { started: Timestamp::from_secs(i64::from(script.pair())), process: 7 };
    let piece = Piece { recording, number: u64::from(script.byte()) };
    let mut out = Vec::new();
    let mut section = Section::begin(Some(piece), &mut out);
    let id = InterfaceId(0);
    let described = Interface { id, name: "eth0".into(), link: LinkType::ETHERNET, ..Interface::default() };
    section.interface(&described, &mut out);
    let mut packets = Vec::new();
    let (mut counters, mut blind) = (Counters::default(), 0);
    let mut stranger = None;
    while !script.is_over() {
        let how = script.byte();
        let head = head(packets.len() as u64 + 1, LinkType::ETHERNET, 0, 0);
        match how {
            0..0x80 => {
                let bytes = script.sized();
                let head = sekisho::ground::model::packet::PacketHead {
                    wire_len: bytes.len() as u32,
                    captured_len: bytes.len() as u32,
                    ..head
                };
                assert!(section.packet(&head, bytes, &mut out));
                packets.push(bytes.to_vec());
                counters.received += 1;
            }
            0x80..0xc0 => {
                let span = (head.at, head.at);
                let reason = BlindReason::ALL.get(usize::from(how & 0x3f)).copied();
                blind += usize::from(reason.is_some());
                let note = match reason {
                    Some(reason) => Note::Blind(reason),
                    None => {
                        let lost = u64::from(script.byte());
                        counters.kernel_dropped += lost;
                        Note::Unrecorded { packets: lost }
                    }
                };
                section.counters(id, span, counters, Some(&note), &mut out);
            }
            _ => {
                stranger = Some(script.sized());
                break;
            }
        }
    }
    section.counters(id, (Timestamp::default(), Timestamp::default()), counters, None, &mut out);
    let told = told(&out);
    assert_eq!(
        told.packets.iter().map(|(_, bytes)| bytes).collect::<Vec<_>>(),
        packets.iter().collect::<Vec<_>>()
    );
    assert!(told.report.files.iter().all(|file| file.damage.is_empty()), "{:?}", told.report.files);
    assert_eq!(
        told.report.interfaces.iter().filter_map(|found| found.dropped).sum::<u64>(),
        counters.kernel_dropped
    );
    assert_eq!(told.report.blind.len(), blind);
    if let Some(comment) = stranger {
        let text = [section_with(comment), out].concat();
        super::notes::told(&text);
    }
}

/// A section header with this comment.
fn section_with(comment: &[u8]) -> Vec<u8> {
    let comment = &comment[..comment.len().min(4_000)];
    let padded = [comment, &[0; 3][..comment.len().next_multiple_of(4) - comment.len()]].concat();
    let len = (12 + 16 + 4 + padded.len() as u32 + 4).to_le_bytes();
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    let front = [words(&[0x0a0d_0d0a]), len.to_vec(), words(&[0x1a2b_3c4d, 1, u32::MAX, u32::MAX])].concat();
    let option = [&1_u16.to_le_bytes()[..], &(comment.len() as u16).to_le_bytes(), &padded, &[0; 4]].concat();
    [front, option, len.to_vec()].concat()
}

fn told(bytes: &[u8]) -> super::Told {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("any.pcapng");
    std::fs::write(&path, bytes).expect("a file is written");
    let request = Request { inputs: vec![path.display().to_string()], ..Request::default() };
    let (feed, baton) = open(&request).expect("what we wrote is a capture");
    read(&feed, baton, || {})
}
