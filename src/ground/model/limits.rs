//! Every bound of the program, each with its arithmetic or its reason.
//!
//! Numbers without a source are ours (RULES, head). What is beyond a bound is counted and is a cause; nothing is
//! dropped in silence.

use std::time::Duration;

use super::time::Span;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// What a run may hold, derived from the memory it is given. What is beyond is judged by its addresses packet by packet,
/// or read no more, and counted either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The memory it was derived from, in bytes.
    pub memory: u64,
    /// Live flows of the whole run.
    pub flows: usize,
    /// Bytes of all open streams.
    pub stream_bytes: usize,
    /// Partitions of the flows, a power of two. Each has its equal share of both, so that memory ends at the same flows for
    /// every number of workers.
    pub partitions: usize,
    /// Bytes of datagrams that are being put together.
    pub fragment_bytes: usize,
    /// (client, server address) pairs with DNS names.
    pub dns_pairs: usize,
    /// Closed flows that wait for the same flow at another sensor.
    pub join_held: usize,
}

impl Limits {
    /// Shares `memory` out. Half of it holds flows, at 400 B each; a quarter holds the bytes of streams that are being
    /// read. The last quarter is for all else: DNS pairs (a sixteenth, at 128 B), flows that wait for other sensors (a
    /// sixteenth, at 2 KiB), datagrams in pieces (a 64th), blocks in flight (4 × 256 KiB a worker, and what they hold
    /// decoded), findings (100,000 at about 1 KiB) and what was read of open flows.
    ///
    /// At 2 GiB: 2,684,354 flows and 512 MiB of streams in 256 partitions, 32 MiB of fragments, 1,000,000 pairs, 65,536 waiting
    /// flows.
    #[must_use]
    pub fn within(memory: u64) -> Self {
        let memory = memory.clamp(MEMORY_MIN, MEMORY_MAX);
        let share = |part: u64, each: u64| usize::try_from(memory / part / each).unwrap_or(usize::MAX);
        let stream_bytes = share(4, 1);
        Self {
            memory,
            flows: share(2, FLOW_BYTES),
            stream_bytes,
            partitions: 1 << (stream_bytes / PARTITION_STREAM_BYTES).clamp(1, PARTITIONS_MAX).ilog2(),
            fragment_bytes: share(64, 1).min(FRAGMENT_BYTES_MAX),
            dns_pairs: share(16, 128).min(DNS_PAIRS_MAX),
            join_held: share(16, 2048).min(JOIN_HELD_MAX),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::within(MEMORY_DEFAULT)
    }
}

// --- reading ---

/// Bytes of one block. The blocks in flight must fit the L2 cache (HOUSE §H: 256 KiB measured best, 2 MiB half as fast).
pub const BLOCK_LEN: usize = 256 * 1024;
/// Blocks in flight for each worker. 4 × 256 KiB × 16 workers = 16 MiB.
pub const BLOCKS_PER_WORKER: usize = 4;
/// Longest record that is believed: 256 KiB, the snaplen tcpdump writes, covers BIG TCP frames (64 KiB and more).
pub const RECORD_LEN_MAX: usize = 256 * 1024;
/// Bytes searched for a believable record after damage before the rest of a file is given up: 16 MiB.
pub const RESYNC_LEN_MAX: u64 = 16 * 1024 * 1024;
/// Decompressed bytes for each compressed byte before a file counts as a bomb. Real captures reach about 100.
pub const EXPANSION_RATIO_MAX: u64 = 2000;
/// pcapng blocks that hold a packet or tell of an interface: the longest record and one comment of 64 KiB.
pub const PCAPNG_BLOCK_LEN_MAX: usize = RECORD_LEN_MAX + 64 * 1024;
/// pcapng blocks that are only stepped over (names, secrets, custom): as far as one searches after damage.
pub const PCAPNG_SKIP_LEN_MAX: u64 = RESYNC_LEN_MAX;
/// Interfaces of one input; pcapng tells one in 20 bytes, so a 1 GB file could tell 50 million.
pub const INTERFACES_MAX: usize = 65_536;
/// Times without sight that are listed, 32 bytes each: one every five minutes for a month is 8,640.
pub const BLIND_LISTED_MAX: usize = 10_000;
/// Minutes of one interface whose losses are kept apart: more than a year of them, about 16 MiB.
pub const LOST_MINUTES_MAX: usize = 600_000;
/// Damaged places of one file that are listed; beyond it they are counted.
pub const DAMAGE_LISTED_MAX: usize = 1_000;
/// Decompressed bytes that any file may come to before its expansion is asked about: 16 MiB, nobody's memory.
pub const EXPANSION_FREE: u64 = 16 * 1024 * 1024;
/// How much of a large file's end is read to learn when it ends: one longest record and a few usual ones.
pub const TAIL_LEN: u64 = 512 * 1024;
/// Open files kept for reading in parallel; the usual limit of a process is 1,024.
pub const OPEN_FILES_MAX: usize = 64;
/// Files whose stamps overlap by no more than this are one source (RULES 14).
pub const SEAM: Span = Span::from_secs(1);
/// Between two looks at input that is followed: a look at a folder of 10,000 files takes some 15 ms.
pub const FOLLOW_EVERY: Duration = Duration::from_millis(200);
/// How long a followed file may stand still before it is taken to be over, unless the user says otherwise: tcpdump writes in
/// portions of 4 KiB, which a line of any use fills within seconds.
pub const FOLLOW_PATIENCE: Duration = Duration::from_secs(5);
/// Files at most (THREATS R68 asks for 10,000).
pub const FILES_MAX: usize = 1_000_000;

// --- live capture ---

/// Bytes of one ring unless `--ring` says otherwise: 64 MiB hold 200 ms of a million packets of 300 bytes a second.
pub const LIVE_RING_LEN: usize = 64 * 1024 * 1024;
/// Largest ring: libpcap takes a signed 32-bit number of bytes.
pub const LIVE_RING_LEN_MAX: usize = 2_047 * 1024 * 1024;
/// Rings of one interface at most: as many as a fan-out takes (packet(7): 256), and more than any card has queues worth it.
pub const LIVE_RINGS_MAX: u16 = 64;
/// After how long the kernel hands over a buffer that is not full (TPACKET_V3): so late is a finding at most.
pub const LIVE_RETIRE_MILLIS: i32 = 20;
/// How long a worker waits for a frame before it lets others go on with an empty block.
pub const LIVE_WAIT_MILLIS: u64 = 20;
/// How often interfaces are looked at. A time without sight is known to so much.
pub const LIVE_LOOK_MILLIS: u64 = 100;
/// Packets taken from one ring before it is the next one's turn. A block that is nearly full grows by no more than these: 64
/// of the longest are 16 MiB, 64 of the usual 96 KiB.
pub const LIVE_TURN_PACKETS_MAX: usize = 64;
/// Packets of one live block at most: more would be packets of less than 8 bytes.
pub const LIVE_BLOCK_PACKETS_MAX: usize = 32 * 1024;
/// So long without a frame, where they came before, is a time without sight (THREATS §4 formula 9 counts in minutes).
pub const SILENCE: Span = Span::from_secs(60);

// --- recording ---

/// Bytes of one buffer on its way to the disk: a few longest records.
pub const RECORD_CHUNK_LEN: usize = 1024 * 1024;
/// Such buffers at most: 128 MiB, one second of a full 1 Gbit/s line while the disk does something else. They are made
/// as they are needed and used again.
pub const RECORD_CHUNKS: usize = 128;
/// Packets wait no longer than this, in packet time, for their buffer to fill: a crash loses no more.
pub const RECORD_HELD_MAX: Span = Span::from_secs(1);
/// Notices that wait for a buffer: 40 bytes each.
pub const RECORD_NOTICES_MAX: usize = 4_096;
/// Bytes after which a new piece begins, unless `--record-file` says otherwise: a piece opens quickly in a viewer, and a
/// day at 100 Mbit/s is 4,000 of them.
pub const RECORD_FILE_LEN: u64 = 256 * 1024 * 1024;
/// Smallest piece: below it, files are mostly headers.
pub const RECORD_FILE_LEN_MIN: u64 = 64 * 1024;
/// Bytes of all recordings of a folder, unless `--record-max` says otherwise: 16 GiB, 20 minutes at 100 Mbit/s.
pub const RECORD_TOTAL_LEN: u64 = 16 * 1024 * 1024 * 1024;

// --- decoding ---

/// Tunnels that are opened, one inside the other (issue "First verdict" §C).
pub const TUNNEL_DEPTH_MAX: usize = 8;
/// Link-layer tags of one frame (VLAN, MPLS, Cisco metadata) before it is given up: a loop, no recursion.
pub const LINK_TAGS_MAX: usize = 32;
/// IPv6 extension headers of one packet. RFC 8200 section 4.1 names eight kinds, each at most once or twice.
pub const IPV6_EXTENSIONS_MAX: usize = 16;
/// Memory of all datagrams being put together, oldest given up first (THREATS §2: 32 MiB).
pub const FRAGMENT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Datagrams being put together at once (Suricata's tracker count, THREATS §2).
pub const FRAGMENT_DATAGRAMS_MAX: usize = 65_535;
/// Pieces of one datagram: 65,535 bytes in pieces of 8 are 8,192.
pub const FRAGMENT_PIECES_MAX: usize = 8_192;
/// How long after its first piece a datagram is given up (RFC 8200 section 4.5: 60 s).
pub const FRAGMENT_IDLE: Span = Span::from_secs(60);

// --- flows (RULES 16) ---

/// TCP: longer than the two hours of the usual keep-alive (RFC 1122 section 4.2.3.6).
pub const TCP_IDLE: Span = Span::from_secs(7_500);
/// TCP after FIN or RST: two minutes, one maximum segment lifetime (RFC 9293 section 3.4.2).
pub const TCP_CLOSING: Span = Span::from_secs(120);
/// UDP and everything without connections.
pub const UDP_IDLE: Span = Span::from_secs(180);
/// ICMP.
pub const ICMP_IDLE: Span = Span::from_secs(60);
/// A single jump of the stamps beyond this does not move the reader clock (RULES 16).
pub const CLOCK_JUMP_MAX: Span = Span::from_secs(3_600);
/// Packets in a row that must lie beyond such a jump before the clock believes it.
pub const CLOCK_CONFIRMATIONS: u32 = 4;
/// How often idle flows are looked for, in reader time.
pub const SWEEP_EVERY: Span = Span::from_secs(10);
/// A sweep frees what was idle for so much longer than its limit: stamps of merged sources are disordered by a second
/// or two, and a late packet must still find its flow.
pub const SWEEP_GRACE: Span = Span::from_secs(10);
/// Memory of a run unless `--memory` says otherwise, or half of the machine's where that is less: 2.7 M flows and 512 MiB of
/// streams, see [`Limits::within`].
pub const MEMORY_DEFAULT: u64 = 2 * GIB;
/// The least that a run is given: 84 k flows and 16 MiB of streams.
pub const MEMORY_MIN: u64 = 64 * MIB;
/// The most, 1 TiB: 1.4 G flows, whose places still have numbers of 32 bits.
pub const MEMORY_MAX: u64 = 1024 * GIB;
/// A TCP connection that both ends spoke in: 64 B hot, 32 B of what it opened with, 72 B of what was counted, 128 B of what
/// its headers say, 64 B of what a mirror may copy where packets come in bursts, 16 B of its reader, and its place in the
/// index and the wheel, when the index has just doubled. UDP takes 128 B less, and whoever never spoke 128 B in all
/// (wire/flow asserts it).
pub const FLOW_BYTES: u64 = 400;
/// Workers at most: `--workers` takes no more.
pub const WORKERS_MAX: u16 = 256;
/// Partitions of the flows at most: one for each worker, if there are so many. At 2 GiB each has place for 10,485 flows and
/// 2 MiB of streams. A hash fills them unevenly, by 1 % there (the root of 10,485 is 102): the first of them is full when all
/// together are to 97 %.
pub const PARTITIONS_MAX: usize = WORKERS_MAX as usize;
/// Stream bytes of one partition at least: three of the longest prefix (72 KiB) whose buffers have just doubled are 432 KiB. At
/// 64 MiB that makes 32 partitions, and workers beyond so many only read; from 512 MiB on there are 256.
pub const PARTITION_STREAM_BYTES: usize = 512 * 1024;
/// Links (source address, VLAN tags, TTL) that have a number: 16 B each and 5 B in the index, 1.4 MB a worker. A site has some
/// hundreds; packets beyond cost a comparison more.
pub const LINKS_MAX: usize = 65_535;
/// Duplicates are looked for among so many packets of the same flow and direction (RULES 33).
pub const DUPLICATE_WINDOW: usize = 4;
/// … and no longer ago than this.
pub const DUPLICATE_AGE: Span = Span::from_millis(5);
/// Stream bytes of one side that are kept for comparison and reading while a flow is being read: one hello of 64 kB
/// (issue §D) with its record headers.
pub const STREAM_PREFIX_MAX: usize = 72 * 1024;
/// Bytes held above a hole in one stream.
pub const STREAM_AHEAD_MAX: usize = 64 * 1024;
/// Segments held above a hole in one stream; with 1-byte segments the list, not the bytes, is the cost.
pub const STREAM_SEGMENTS_MAX: usize = 4_096;
/// Delivered bytes that are kept for comparison once a stream is longer than its prefix: those the peer has not
/// acknowledged, as far as they fit. A peer takes no second copy of what it has acknowledged.
pub const STREAM_TAIL_MAX: usize = 32 * 1024;
/// Packets of a flow after which a hole that the peer acknowledged is given up: the two directions of a mirror reach
/// us disordered by a burst at most …
pub const HOLE_PATIENCE_PACKETS: u32 = 64;
/// … and by no more than this.
pub const HOLE_PATIENCE: Span = Span::from_secs(1);
/// Sequence jumps beyond this are no progress (THREATS section 4 formula 2): 2^30, the largest window there is
/// (RFC 7323 section 2.3).
pub const SEQUENCE_JUMP_MAX: u64 = 1 << 30;
/// Open holes of one direction that are remembered apart; beyond it the oldest is counted as final.
pub const HOLES_MAX: usize = 64;
/// SYNs with other sequence numbers that one flow holds until a SYN-ACK chooses (RULES 34).
pub const HELD_SYNS_MAX: usize = 4;
/// Ranges of doubtful bytes that one direction remembers apart until the peer acknowledges them.
pub const DOUBTS_MAX: usize = 16;
/// How far a packet's TTL lies below the largest of its side before it is doubted. Route changes move it by a hop or
/// two; a packet meant to die on the way misses at least the hops behind the mirror.
pub const TTL_DROP_MAX: u8 = 3;
/// Ranges of one side that a settled flow remembers, 16 bytes each: a hello and its answer take two to eight segments, and
/// those of the last milliseconds may come once more. 64 B for up to three, else 96 B and 16 B each, at most 608 B.
pub const SETTLED_PARTS_MAX: usize = 16;
/// Variants of conflicting bytes that are read beside the first reading.
pub const VARIANTS_MAX: usize = 4;

// --- identity ---

/// A handshake message (issue §D: hellos up to 64 kB); certificates chains are cut at the same bound.
pub const HANDSHAKE_LEN_MAX: usize = 64 * 1024;
/// Pieces of one handshake message that wait behind a hole: hellos in the wild come in some 30, and 1,024 small pieces
/// cost about 64 KiB of book-keeping.
pub const HANDSHAKE_PIECES_MAX: usize = 1_024;
/// DNS names read from one certificate. The largest real ones name some hundred hosts; each name is compared with
/// those before it, so 1,024 cost half a million comparisons.
pub const CERTIFICATE_NAMES_MAX: usize = 1_024;
/// QUIC connections of one flow whose keys are kept: the first, one after Retry, one after version negotiation, one more.
pub const QUIC_CONNECTIONS_MAX: usize = 4;
/// QUIC Initials of one flow that may fail to open: each costs two key derivations and two decryptions, about 20 us.
pub const QUIC_FAILURES_MAX: u32 = 1_024;
/// QUIC packets in one datagram. Real ones hold at most four; 65,535 bytes hold 3,000 of the smallest.
pub const QUIC_PACKETS_PER_DATAGRAM_MAX: usize = 16;
/// CRYPTO bytes of one QUIC connection (RFC 9000 section 7.5 asks for at least 4,096).
pub const QUIC_CRYPTO_MAX: usize = 65_535;
/// Bytes looked at before an unknown protocol is given up: every signature we know lies in the first 1 KiB.
pub const PROBE_LEN_MAX: usize = 1_024;
/// Head of one HTTP message.
pub const HTTP_HEAD_MAX: usize = 64 * 1024;
/// Header fields of one HTTP message.
pub const HTTP_FIELDS_MAX: usize = 256;
/// Requests of one HTTP/1 connection whose answers are awaited. Browsers pipeline 8 at most; each costs 32 bytes.
pub const HTTP_PIPELINE_MAX: usize = 1_024;
/// Bytes that one end sent behind an upgrade (CONNECT, STARTTLS) before the answer came: one hello of 64 kB.
pub const UPGRADE_HELD_MAX: usize = 72 * 1024;
/// Dynamic table of HTTP/2, at most what a peer may ask for (the default is 4,096; THREATS R54: 64 kB a connection).
pub const HPACK_TABLE_MAX: usize = 64 * 1024;
/// Line of a mail, FTP or SOCKS dialogue that is read; RFC 5321 section 4.5.3.1 asks for 512 and 1,000.
pub const DIALOGUE_LINE_MAX: usize = 4 * 1024;
/// Commands of a dialogue whose replies are awaited (RFC 2920 pipelining).
pub const DIALOGUE_PENDING_MAX: usize = 1_024;
/// Bytes of one end that nobody claimed while the other end was silent, before a stream is given up. The next request of
/// a connection that was first seen in the middle of a download is worth 256 KiB of reassembly, and no more.
pub const PROBE_SILENCE_MAX: u64 = 256 * 1024;
/// Datagrams without a recognised protocol before a flow is given up; junk in front of a hello is a known evasion.
pub const PROBE_DATAGRAMS_MAX: u8 = 16;
/// Header block of HTTP/2 after joining CONTINUATION (THREATS R54: 64 kB a connection).
pub const HPACK_BLOCK_MAX: usize = 64 * 1024;
/// One DNS message over TCP (RFC 1035 section 4.2.2: two length bytes).
pub const DNS_MESSAGE_MAX: usize = 65_535;
/// Pointers followed in one DNS name (Zeek's limit, THREATS §1.2).
pub const DNS_JUMPS_MAX: usize = 20;
/// Records of one DNS message that are read.
pub const DNS_RECORDS_MAX: usize = 512;
/// Protocols inside protocols in one flow (CONNECT in CONNECT, STARTTLS inside).
pub const LAYERS_PER_FLOW_MAX: u8 = 8;
/// Applications listed for the inside of a flow.
pub const INNER_APPS_MAX: usize = 8;
/// Facts of one flow. A certificate alone can name 1,000 hosts; 10,000 are an attack (THREATS R56).
pub const OBSERVATIONS_PER_FLOW_MAX: usize = 4_096;
/// Targets asked of a proxy in one flow.
pub const TARGETS_PER_FLOW_MAX: usize = 4_096;
/// Sightings of one flow that wait for the collector.
pub const SIGHTINGS_PER_FLOW_MAX: usize = 4_096;
/// Live flows of one owner up to which what a settled flow showed stays as it is: 65,536 × some 600 B = 40 MB. In a larger
/// crowd it is folded, at a little time for each flow.
pub const SETTLED_WHOLE_MAX: usize = 65_536;
/// Bytes of one text that is kept.
pub const TEXT_LEN_MAX: usize = 512;

// --- across flows and findings ---

/// (client, server address) pairs with DNS names. 1 M × about 120 B = 120 MB at the very most.
pub const DNS_PAIRS_MAX: usize = 1_000_000;
/// Names kept for one pair.
pub const DNS_NAMES_PER_PAIR_MAX: usize = 8;
/// Names that DNS offered ECH for. 100 k × about 100 B = 10 MB.
pub const ECH_NAMES_MAX: usize = 100_000;
/// Hosts whose own labels are kept, and labels of one host. 100 k × 4 × about 64 B = 26 MB.
pub const LABELLED_HOSTS_MAX: usize = 100_000;
/// See `LABELLED_HOSTS_MAX`.
pub const LABELS_PER_HOST_MAX: usize = 4;
/// Readings of one flow: two directions, each with some choices of overlapping segments. Beyond it the flow is undecidable.
pub const READINGS_MAX: usize = 16;
/// Borders between rules that one flow is judged at. A flow that lives through more is undecidable there.
pub const BORDERS_PER_FLOW_MAX: usize = 64;
/// Cases that one owner remembers the verdicts of: 8,192 × about 2 KiB = 16 MiB. A policy of some hundred rules and a
/// city's servers come to a few thousand; beyond it all are counted and learnt anew.
pub const CASES_MAX: usize = 8_192;
/// Facts of a flow that may be one of a case: each is looked at.
pub const CASE_OBSERVATIONS_MAX: usize = 64;
/// Bytes of the names in a case.
pub const CASE_TEXT_MAX: usize = 1_024;
/// A maintenance exception longer than this is a permanent line (L20, SK-L04). Our number: one quarter and a day.
pub const MAINTENANCE_DAYS_MAX: i64 = 93;
/// Distinct clients (with their day) that are kept of a channel whose number is bounded: 32 B each, 2 MiB a channel.
pub const SOURCES_PER_CHANNEL_MAX: usize = 65_536;
/// Link addresses whose hosts are remembered: 112 B each with two ends and their place in the map, 11 MB for each owner; a
/// city has a tenth of that.
pub const STATIONS_MAX: usize = 100_000;
/// Targets without an answer that make a scan (SK-K04). Our number: no person types so many.
pub const SCAN_TARGETS: usize = 50;
/// Hosts reached by protocols of administration that make a spread (SK-K05). Our number.
pub const SPREAD_HOSTS: usize = 10;
/// Sources whose targets are remembered: two sets of one leaf (11 places of 20 B) each at least, 10 MB for each owner.
pub const FAN_SOURCES_MAX: usize = 20_000;
/// Targets of all these sources together: 40 B each where leaves are half full, 16 MB for each owner.
pub const FAN_TARGETS_MAX: usize = 400_000;
/// Days that must have been looked at before a channel counts as unused (SK-L01, DOMAIN §4.L).
pub const UNUSED_DAYS_MIN: i64 = 30;
/// Findings that are listed one by one (THREATS §2); beyond it totals stay exact under `others`.
pub const FINDINGS_MAX: usize = 100_000;
/// Findings of one check on the list: half of it, so that a flood under one check does not push another check off.
pub const FINDINGS_PER_CHECK_MAX: usize = FINDINGS_MAX / 2;
/// Flows of one worker that were announced as attempts and are announced again when they get an answer: 65,536 numbers.
/// Beyond it the answer is told when the flow is over.
pub const ATTEMPTS_WATCHED_MAX: usize = 65_536;
/// Findings of one host under one check that are listed one by one, so that a flood does not hide another host.
pub const FINDINGS_PER_HOST_MAX: usize = 100;
/// Sample flows of one finding.
pub const FINDING_SAMPLES_MAX: usize = 8;
/// A sensor with this many frames a minute on average has no minute without one by chance (Poisson: e^-20 = 2·10⁻⁹).
pub const BLIND_RATE_MIN: u64 = 20;
/// Share of a minute's acknowledged bytes, and of a sensor's packets, that may be missing: hundredths of a percent
/// (THREATS §4 formula 9: 1 % of bytes, 0.1 % of packets).
pub const UNSEEN_SHARE_MAX: u64 = 100;
/// See `UNSEEN_SHARE_MAX`.
pub const DROPPED_SHARE_MAX: u64 = 10;
/// Share of TCP flows with payload that may be seen in one direction only (THREATS §4 formula 6: 1 %).
pub const ONE_SIDED_SHARE_MAX: u64 = 100;
/// Share of the crossing flows that may be undecidable unless `--undecidable-max` says otherwise (RULES 22: 5 %).
pub const UNDECIDABLE_SHARE_MAX: u64 = 500;
/// Share of duplicates from which a mirror is told to copy packets twice: hundredths of a percent (ours, 1 %).
pub const DUPLICATE_SHARE_TOLD: u64 = 100;
/// Clock doubt around a border between two rules (RULES 21).
pub const EPOCH_BORDER: Span = Span::from_secs(120);
/// Closed flows that wait for the same flow at another sensor: about 2 KiB each, 128 MiB. Beyond it the oldest is told
/// as it is.
pub const JOIN_HELD_MAX: usize = 65_536;
/// Clocks of two sensors may differ by so much in the flows that are joined (RULES 21 allows as much around a border).
pub const JOIN_CLOCK_SLACK: Span = Span::from_secs(2);
/// Flows that are closed at once at the end of the input: about 2 KiB each, 2 MiB for each worker.
pub const FINISHED_AT_ONCE: usize = 1_024;
/// Held flows of the same ends that are asked whether a new one is their sighting: as many as ports are used again within the
/// slack of two clocks, and no more work for a flood of them.
pub const JOIN_CANDIDATES_MAX: usize = 16;

// --- learning a policy ---

/// Groups of flows (client, server, service) that channels may be proposed from: a first week of a city has some hundreds.
/// 2,048 with a sure direction and as many without × (256 clients and 64 servers at about 40 B, a sample of about 20 KiB) =
/// 134 MB at the very most.
pub const LEARN_GROUPS_MAX: usize = 2_048;
/// Clients that are told apart in one group; a segment may have more, and is then named as a whole anyway.
pub const LEARN_CLIENTS_MAX: usize = 256;
/// Facts of a sample beside its names, and targets: 2 × 64 × about 120 B = 15 KiB.
pub const LEARN_SAMPLE_FACTS_MAX: usize = 64;
/// Lines under 提案しない and under 応答なし, each about 300 B: 16,384 × 2 × 300 B = 10 MB.
pub const LEARN_LINES_MAX: usize = 16_384;
/// Clients up to which a proposal names machines instead of their segment: one server and its spare.
pub const LEARN_MACHINES_MAX: usize = 2;
/// The same where the guideline wants addresses and ports (class mynumber) or where only gear stands (boundary).
pub const LEARN_CLOSED_MACHINES_MAX: usize = 32;
/// Names of one flow, and of one destination, that a person can still look through.
pub const LEARN_NAMES_MAX: usize = 32;
/// Addresses of one destination, and services of one channel, as above.
pub const LEARN_ADDRESSES_MAX: usize = 64;

/// Packets whose flows are brought into the cache together. Each touches about 8 lines of 64 B: 16 × 8 × 64 B = 8 KiB, a
/// quarter of the smallest first-level cache; fewer leave the memory idle between two groups.
pub const LOOK_AHEAD: usize = 16;

// --- providers' lists ---

/// Bytes of a list: Azure's, the longest known, has 4 MB.
pub const LIST_LEN_MAX: usize = 16 * 1024 * 1024;
/// Names and blocks of a list, selected or not: Azure's has 90,493. 200 B each (value, place, text) are 50 MiB.
pub const LIST_ENTRIES_MAX: usize = 262_144;
/// Letters shown of an entry: the longest name has 253.
pub const LIST_SHOWN_MAX: usize = 256;
/// Places of one finding about a list that are named; the rest are counted.
pub const LIST_PLACES_MAX: usize = 5;
/// Blocks of the internet wider than this hold more than one service. Ours: 65,536 addresses.
pub const WIDE_V4: u8 = 16;
/// As above, for IPv6: what one provider gets from its registry.
pub const WIDE_V6: u8 = 32;
/// Blocks wider than this are a whole provider, customers and all: 4 million addresses. Ours.
pub const HUGE_V4: u8 = 10;
/// As above, for IPv6.
pub const HUGE_V6: u8 = 24;

// --- tables ---

/// Cells of one table, empty ones within a row included: 65,536 channels in 30 columns are 2 M. 4 M take 96 MB empty …
pub const SHEET_CELLS_MAX: usize = 4_000_000;
/// … and all their text no more than this: every text of a policy's file (16 MiB), four times over.
pub const SHEET_TEXT_MAX: usize = 64 * 1024 * 1024;
/// Columns of one table: a ledger has 28, and clerks add some.
pub const SHEET_COLUMNS_MAX: usize = 256;
/// Rows of one table: a channel has a number of 16 bits.
pub const SHEET_ROWS_MAX: usize = 70_000;
/// Unpacked bytes that are read of one part of a workbook: 70,000 rows of 30 cells at 60 B are 126 MB.
pub const SHEET_PART_LEN_MAX: u64 = 128 * 1024 * 1024;

// --- use of channels ---

/// Hosts of one side of one channel that are told apart; beyond it there are "so many or more". A city's segment has a few
/// thousand terminals.
pub const USAGE_HOSTS_MAX: usize = 4_096;
/// Hosts of all channels together: 1 M in trees of 17 B a place, half full at worst, are some 40 MB.
pub const USAGE_HOSTS_ALL_MAX: usize = 1_000_000;
/// Reasons and unknown channels that are counted apart; a policy of a few hundred channels comes nowhere near it.
pub const USAGE_REASONS_MAX: usize = 1_000;
/// Longest flow line that is read: 4,096 observations of 255 bytes, escaped four-fold, are 4 MiB.
pub const FLOW_LINE_LEN_MAX: usize = 8 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_a_budget_stay_within_it() {
        for memory in [0, MEMORY_MIN, 400 * MIB, MEMORY_DEFAULT, 64 * GIB, u64::MAX] {
            let limits = Limits::within(memory);
            let table = limits.flows as u64 * FLOW_BYTES;
            let across = limits.dns_pairs as u64 * 128 + limits.join_held as u64 * 2048;
            let held = table + limits.stream_bytes as u64 + limits.fragment_bytes as u64 + across;
            assert!(limits.memory * 3 / 4 <= held && held < limits.memory, "{limits:?}");
        }
        assert_eq!(Limits::default().flows, 2_684_354);
    }

    #[test]
    fn a_partition_of_any_budget_holds_some_streams_of_the_longest_prefix() {
        for (memory, partitions) in [(0, 32), (MEMORY_MIN, 32), (MEMORY_DEFAULT, 256), (u64::MAX, 256)] {
            let limits = Limits::within(memory);
            assert_eq!(limits.partitions, partitions);
            assert!(limits.stream_bytes / partitions >= 3 * 2 * STREAM_PREFIX_MAX);
        }
        assert!((0..64).all(|bits| Limits::within(3 << bits).partitions.is_power_of_two()));
    }

    #[test]
    fn every_flow_of_the_largest_budget_has_a_number() {
        assert!(Limits::within(u64::MAX).flows < u32::MAX as usize);
    }
}
