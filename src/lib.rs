//! Sekisho (関所): a verdict for every flow, against a network's written allow-lists.
//!
//! # Bird's eye
//!
//! Capture files go in; out comes, for every flow, one of five verdicts ([`Verdict`](ground::model::verdict::Verdict)):
//! *conforming*, *violating*, *attempted*, *undecidable* (always with a cause) or *out of scope*. Data runs down this list once
//! and never back:
//!
//! ```text
//! source ─► block ─► record borders ─► decode, key ─► lists by owner ─► flow table ─► stream ─► identify ─► judge ─► checks ─► [events] ─► collector ─► report, store
//!           any worker, in parallel but for the short baton walk         the owner, blocks in order                                     one, in order of the input
//! ```
//!
//! The wings stand on five floors; a wing imports only from lower floors, and inside a wing the rooms import only leftwards in the order
//! given. One outside crate has one home. `tests/house` holds all of it.
//!
//! # The rooms
//!
//! **Floor 1, [`ground`]** — [`model`](ground::model): the nouns that cross rooms; no I/O, no clock, no display of what strangers
//! sent. Start reading at [`FlowFacts`](ground::model::facts::FlowFacts) and [`Judgement`](ground::model::verdict::Judgement);
//! every bound of the program is in [`limits`](ground::model::limits), every column of a flow line in
//! [`flow_line`](ground::model::flow_line). [`words`](ground::words): everything a person reads, in Japanese and English, and
//! [`escape`](ground::words::escape), the only way from a stranger's bytes to a reader's eyes. [`calendar`](ground::calendar): local
//! hours and days. [`sheet`](ground::sheet): plain tables of text, as CSV and XLSX.
//!
//! **Floor 2, [`wire`]** — bytes to facts. [`capture`](wire::capture) reads files, folders, pipes, compressed or not, and live
//! interfaces, survives damage and numbers every frame. [`decode`](wire::decode) reads headers once, opens tunnels in a loop and puts fragments together.
//! [`flow`](wire::flow) finds each packet's flow, keeps its TCP state and its bytes in order, and says when it is over.
//! [`proto`](wire::proto) is a family: one file a protocol, one line in its registry. [`identify`](wire::identify) leads one flow's bytes
//! through them until no later byte can change the answer.
//!
//! **Floor 2, [`policy`]** — what is allowed. [`list`](policy::list): providers' lists of names and addresses, one file a format,
//! with what is dangerous in them. [`catalog`](policy::catalog): the checks in words and numbers, one file a letter.
//! [`language`](policy::language): the policy file read, checked like a compiler does, compiled to look-ups.
//!
//! **Floor 3, [`verdict`]** — facts and policy to verdicts. [`across`](verdict::across): what is remembered between flows.
//! [`judge`](verdict::judge): the steps in their printed order, and what may be said at the end. [`check`](verdict::check): the
//! functions of the catalogue, one file a letter.
//!
//! **Floor 3, [`output`]** — [`report`](output::report): formats, each written to a `Write` it is given. [`store`](output::store): a run
//! on disk, finished only when its manifest stands.
//!
//! **Floor 4, [`run`]** — [`sandbox`](run::sandbox): rights given away before a stranger's byte is read.
//! [`survey`](run::survey): what this machine is, for `sekisho doctor`. [`engine`](run::engine): one packet's walk and one run's story, without threads, I/O or clock.
//! [`pipeline`](run::pipeline): the threads around it; the result does not depend on their number.
//! [`upkeep`](run::upkeep): a first policy, proposals of channels from what was seen, the ledger as a sheet and back, and what
//! channels were used for.
//!
//! **Floor 5, [`cli`]** — one file a subcommand; the only room that sees all options.
//!
//! # Never
//!
//! - A packet that somebody adds never acquits a flow: evidence from suspect packets may only make a verdict worse.
//! - *Conforming* is never said where something was cut, missing, conflicting or limited in what the verdict rests on.
//! - Nothing below [`run::pipeline`] asks a clock; now is the packet's time. (`capture` and `store` do I/O, nobody else there does.)
//! - No frame vanishes: read = in flows + in no flow, by reason, checked at the end of every run.
//! - No order, count or verdict depends on the number of workers, on block borders or on a random key, not even where
//!   memory ends.
//! - Nothing a stranger sent is printed, logged or written without [`words::escape`](ground::words::escape).
//! - No payload is kept: names, numbers and digests only.
//! - A port never decides what a flow is; it only says which reader is asked first.
//! - DNS answers name flows for people; they never make a flow conforming.
//! - The program transmits nothing, resolves nothing and calls nobody.

pub mod cli;
pub mod ground;
pub mod output;
pub mod policy;
pub mod run;
pub mod verdict;
pub mod wire;
