//! What a run may still do while it reads what strangers sent.

/// The confinement in force, as the kernel tells it and not as it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confinement {
    /// Nobody asked for it: `--no-sandbox`.
    pub is_off: bool,
    /// User id of the process.
    pub uid: u32,
    /// Capabilities in force, by name; none is as it should be.
    pub capabilities: Vec<String>,
    /// Not even a program of root's could raise a capability again. Only a start with `CAP_SETPCAP` can see to it;
    /// `no_new_privs` has the same effect on programs that are started, and none can be started.
    pub is_bounding_set_empty: bool,
    /// No program that is started gets new rights.
    pub no_new_privs: bool,
    /// Landlock: the files that can be reached.
    pub landlock: Landlock,
    /// A seccomp filter decides over system calls, on every thread.
    pub seccomp: bool,
}

/// Whether Landlock decides over files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Landlock {
    /// The kernel does not have it (before 5.13, or built without it).
    #[default]
    Missing,
    /// The kernel has it, and it was switched off at boot.
    SwitchedOff,
    /// It decides, in the kernel's version of its interface.
    InForce {
        /// Version of the interface, 1 and up.
        abi: u8,
    },
}

impl Confinement {
    /// What is weaker than it could be; empty when all of it is in force.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        if self.is_off {
            return vec![Gap::Off];
        }
        let mut gaps = Vec::new();
        if !self.capabilities.is_empty() {
            gaps.push(Gap::Capabilities(self.capabilities.clone()));
        }
        match self.landlock {
            Landlock::InForce { .. } => {}
            Landlock::Missing => gaps.push(Gap::NoLandlock),
            Landlock::SwitchedOff => gaps.push(Gap::LandlockOff),
        }
        if !self.seccomp {
            gaps.push(Gap::NoSeccomp);
        }
        gaps
    }
}

/// One way in which a run is confined less than it could be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Not confined at all, as asked.
    Off,
    /// Capabilities that were needed to reach files.
    Capabilities(Vec<String>),
    /// The kernel has no Landlock.
    NoLandlock,
    /// Landlock was switched off at boot.
    LandlockOff,
    /// The kernel has no seccomp filters, or not for this processor.
    NoSeccomp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_run_with_everything_in_force_has_no_gap() {
        let whole = Confinement {
            landlock: Landlock::InForce { abi: 1 },
            no_new_privs: true,
            seccomp: true,
            ..Confinement::default()
        };
        assert_eq!(whole.gaps(), []);
        assert_eq!(Confinement { is_off: true, ..whole.clone() }.gaps(), [Gap::Off]);
        assert_eq!(Confinement { seccomp: false, ..whole.clone() }.gaps(), [Gap::NoSeccomp]);
        let kept = Confinement { capabilities: vec!["CAP_NET_RAW".to_owned()], ..whole };
        assert_eq!(kept.gaps(), [Gap::Capabilities(vec!["CAP_NET_RAW".to_owned()])]);
    }
}
