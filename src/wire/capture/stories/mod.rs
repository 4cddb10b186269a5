//! Stories that run through the whole room: from bytes on disk to packets and the report.

mod damage;
mod follow;
mod following;
mod format;
mod packed;
mod property;
mod several;
mod written;
