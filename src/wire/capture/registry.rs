//! What the reader writes down: files, interfaces, damage, and which sensor each belongs to.

use glob::Pattern;

use super::{
    block::{Entry, Tick},
    clock::ReaderClock,
    error::Error,
    input::SensorBinding,
    tap::Interfaces,
    walker::{Described, Record, Stamp},
};
use crate::ground::model::{
    coverage::{Damage, InputFile, InputReport, Interface, Notice},
    limits::{BLIND_LISTED_MAX, DAMAGE_LISTED_MAX, FILES_MAX, INTERFACES_MAX, LOST_MINUTES_MAX},
    packet::{InterfaceId, SensorId},
    tally::Count,
    time::Timestamp,
};

/// `--sensor` and the policy's `sensors[].inputs`, ready to be asked (RULES 19).
#[derive(Clone, Debug, Default)]
pub(super) struct Bindings(Vec<(SensorBinding, Pattern)>);

/// The books of one run. Packets are entered in their final order, so their number is their place.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) files: Vec<InputFile>,
    bindings: Bindings,
    /// Sensor of each file; interfaces of it may have one of their own.
    file_sensors: Vec<SensorId>,
    interfaces: Vec<Counted>,
    /// Notices that nobody was told of yet.
    pub(super) fresh: Vec<Notice>,
    clock: ReaderClock,
    report: InputReport,
}

/// An interface and what came from it.
#[derive(Debug, Default)]
struct Counted {
    told: Interface,
    file: usize,
    frames: Option<(u64, u64)>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    /// Losses told packet by packet, beside the running counters of statistics blocks.
    lost: Option<u64>,
}

impl Bindings {
    pub(super) fn new(bindings: &[SensorBinding]) -> Result<Self, Error> {
        let compile = |binding: &SensorBinding| match Pattern::new(&binding.pattern) {
            Ok(pattern) => Ok((binding.clone(), pattern)),
            Err(error) => {
                Err(Error::BadPattern { pattern: binding.pattern.clone(), reason: error.to_string() })
            }
        };
        bindings.iter().map(compile).collect::<Result<_, _>>().map(Self)
    }

    /// The first binding whose pattern fits the path or the name of the file.
    pub(super) fn of_file(&self, path: &str) -> SensorId {
        let name = path.rsplit('/').next().unwrap_or(path);
        let fits = |pattern: &Pattern| pattern.matches(path) || pattern.matches(name);
        let found = self.0.iter().find(|(binding, pattern)| binding.pattern == path || fits(pattern));
        found.map_or(SensorId::NONE, |(binding, _)| binding.id)
    }

    /// The first binding that is this very interface name.
    fn of_interface(&self, name: &str) -> Option<SensorId> {
        let found = self.0.iter().find(|(binding, _)| !name.is_empty() && binding.pattern == name);
        found.map(|(binding, _)| binding.id)
    }
}

impl Interfaces for Ledger {
    fn described(&self, id: InterfaceId) -> Option<&Interface> {
        self.interfaces.get(id.0 as usize).map(|counted| &counted.told)
    }
}

impl Ledger {
    pub(super) fn new(files: Vec<InputFile>, bindings: Bindings, skipped: Vec<String>) -> Self {
        let file_sensors = files.iter().map(|file| bindings.of_file(&file.path)).collect();
        let report = InputReport { skipped, ..InputReport::default() };
        Self { files, bindings, file_sensors, report, ..Self::default() }
    }

    /// The books of live interfaces, each of them a file of its own here. A sensor is bound to the very name.
    pub(super) fn of_live(files: Vec<InputFile>, bindings: Bindings) -> Self {
        let file_sensors = vec![SensorId::NONE; files.len()];
        Self { files, bindings, file_sensors, ..Self::default() }
    }

    /// A file that was met while reading.
    pub(super) fn add_file(&mut self, file: InputFile) -> usize {
        self.file_sensors.push(self.bindings.of_file(&file.path));
        self.files.push(file);
        self.files.len() - 1
    }

    /// A file of a folder or a glob that is no capture.
    pub(super) fn skip(&mut self, path: &str) {
        if self.report.skipped.len() < FILES_MAX {
            self.report.skipped.push(path.to_owned());
        }
    }

    /// The sensor that a file is bound to.
    pub(super) fn sensor_of(&self, path: &str) -> SensorId {
        self.bindings.of_file(path)
    }

    /// A file is read up to here.
    pub(super) fn read_to(&mut self, file: usize, len: u64) {
        if let Some(file) = self.files.get_mut(file) {
            file.size = Some(len);
        }
    }

    /// So many packets of a file did not come in the place they would have in the finished input.
    pub(super) fn late(&mut self, file: usize, packets: u64) {
        if let Some(file) = self.files.get_mut(file) {
            file.late += packets;
        }
    }

    /// The number the next packet will get.
    pub(super) const fn next_ordinal(&self) -> u64 {
        self.report.read.packets + 1
    }

    /// Writes down a record as its file tells it; gives the wire length that is used.
    pub(super) fn examine(&mut self, record: &Record) -> u32 {
        self.report.time_anomalies += u64::from(record.stamp != Stamp::Told);
        self.report.longer_than_wire += u64::from(record.captured > record.wire);
        self.report.longer_than_snaplen += u64::from(record.snaplen != 0 && record.captured > record.snaplen);
        self.report.empty += u64::from(record.captured == 0);
        record.wire.max(record.captured)
    }

    /// Gives the packet its number; `index` is its place in the block.
    pub(super) fn enter(&mut self, entry: &Entry, index: usize, ticks: &mut Vec<Tick>) {
        let ordinal = self.next_ordinal();
        self.report.read.frame(entry.wire);
        if let Some(counted) = self.interfaces.get_mut(entry.interface.0 as usize) {
            counted.told.packets += 1;
            counted.frames = Some((counted.frames.map_or(ordinal, |(first, _)| first), ordinal));
            counted.first = counted.first.or(Some(entry.at));
            counted.last = counted.last.max(Some(entry.at));
        }
        if let Some(clock) = self.clock.see(entry.at) {
            ticks.push(Tick { before: u32::try_from(index).unwrap_or(u32::MAX), clock });
        }
    }

    pub(super) fn interface(
        &mut self,
        file: usize,
        described: Described<'_>,
    ) -> Option<(InterfaceId, SensorId)> {
        if self.interfaces.len() >= INTERFACES_MAX {
            return None;
        }
        let id = InterfaceId(u32::try_from(self.interfaces.len()).ok()?);
        let of_file = self.file_sensors.get(file).copied().unwrap_or(SensorId::NONE);
        let sensor = self.bindings.of_interface(described.name).unwrap_or(of_file);
        let told = Interface {
            id,
            name: described.name.to_owned(),
            file: self.files.get(file).map(|file| file.path.clone()).unwrap_or_default(),
            link: described.link,
            snaplen: described.snaplen,
            sensor,
            ..Interface::default()
        };
        self.interfaces.push(Counted { told, file, ..Counted::default() });
        Some((id, sensor))
    }

    pub(super) fn dropped(&mut self, interface: InterfaceId, total: u64) {
        if let Some(counted) = self.interfaces.get_mut(interface.0 as usize) {
            counted.told.dropped = counted.told.dropped.max(Some(total));
        }
    }

    pub(super) fn lost(&mut self, interface: InterfaceId, packets: u64) {
        if let Some(counted) = self.interfaces.get_mut(interface.0 as usize) {
            counted.lost = Some(counted.lost.unwrap_or(0).saturating_add(packets));
        }
    }

    /// Writes down what the capturing machine told beside packets.
    pub(super) fn notice(&mut self, notice: Notice) {
        self.fresh.push(notice);
        match notice {
            Notice::Lost { interface, at, packets } => {
                self.lost(interface, packets);
                if let Some(counted) = self.interfaces.get_mut(interface.0 as usize) {
                    let minutes = &mut counted.told.lost;
                    if minutes.len() < LOST_MINUTES_MAX || minutes.contains_key(&at.minute()) {
                        let of_minute = minutes.entry(at.minute()).or_default();
                        *of_minute = of_minute.saturating_add(packets);
                    }
                }
            }
            Notice::Blind(blind) if self.report.blind.len() < BLIND_LISTED_MAX => {
                self.report.blind.push(blind);
            }
            Notice::Blind(_) => self.report.blind_unlisted += 1,
        }
    }

    pub(super) fn damage(&mut self, file: usize, offset: u64, what: &'static str) {
        if let Some(file) = self.files.get_mut(file) {
            if file.damage.len() < DAMAGE_LISTED_MAX {
                file.damage.push(Damage { offset, what, resumed_at: None });
            } else {
                file.damage_unlisted += 1;
            }
        }
    }

    pub(super) fn resumed(&mut self, file: usize, offset: u64) {
        if let Some(file) = self.files.get_mut(file)
            && file.damage_unlisted == 0
            && let Some(damage) = file.damage.last_mut()
        {
            damage.resumed_at = Some(offset);
        }
    }

    /// The format of a file, told once it is known.
    pub(super) fn format(&mut self, file: usize, format: &str, packing: &str) {
        if let Some(file) = self.files.get_mut(file)
            && !format.is_empty()
        {
            file.format =
                if packing.is_empty() { format.to_owned() } else { format!("{format} ({packing})") };
        }
    }

    /// Closes the books: a file's numbers are those of its interfaces together.
    pub(super) fn close(mut self) -> InputReport {
        for counted in &mut self.interfaces {
            counted.told.dropped = counted.told.dropped.max(counted.lost);
            let Some(file) = self.files.get_mut(counted.file) else { continue };
            file.packets += counted.told.packets;
            file.frames = match (file.frames, counted.frames) {
                (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
                (one, other) => one.or(other),
            };
            file.last = file.last.max(counted.last);
            let is_earlier = file.frames.map(|frames| frames.0) == counted.frames.map(|frames| frames.0);
            if is_earlier && counted.first.is_some() {
                file.first = counted.first;
            }
        }
        self.report.time_anomalies += self.clock.anomalies;
        self.report.files = self.files;
        self.report.interfaces = self.interfaces.into_iter().map(|counted| counted.told).collect();
        self.report
    }

    /// Frames handed out so far.
    pub(super) const fn read(&self) -> Count {
        self.report.read
    }
}
