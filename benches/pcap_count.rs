//! The yardstick: libpcap's loop, counting packets and bytes and doing nothing else.
//! `cargo bench --bench pcap_count -- FILE`

fn main() {
    let file = std::env::args().skip(1).find(|argument| argument != "--bench");
    let Some(file) = file else {
        println!("usage: cargo bench --bench pcap_count -- FILE");
        return;
    };
    let mut capture = pcap::Capture::from_file(&file).expect("libpcap opens the file");
    let (mut packets, mut bytes) = (0u64, 0u64);
    capture
        .for_each(None, |packet| {
            packets += 1;
            bytes += u64::from(packet.header.len);
        })
        .expect("libpcap reads the file");
    println!("{packets} packets, {bytes} bytes");
}
