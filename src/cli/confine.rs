//! Rights given away before anything is read, and told where that is less than it could be.

use super::{error::Error, options::RightsOptions};
use crate::{
    ground::{
        model::{
            confinement::{Confinement, Gap},
            lang::Lang,
        },
        words::confinement as words,
    },
    run::sandbox::{self, Confined, Needs},
};

/// A run that gave its rights away, or was told not to.
#[derive(Debug)]
pub(super) struct Guard(Option<Confined>);

impl Guard {
    /// Gives the rights away, before any thread is started, and says on standard error what is not in force.
    ///
    /// # Errors
    /// When they cannot be given away.
    pub(super) fn confine(options: &RightsOptions, needs: Needs, lang: Lang) -> Result<Self, Error> {
        let guard = if options.no_sandbox {
            Self(None)
        } else {
            let needs = Needs { user: options.user.clone(), invoker: invoker(), ..needs };
            Self(Some(sandbox::confine(&needs).map_err(Error::Sandbox)?))
        };
        for gap in guard.in_force().gaps() {
            eprint!("{}", line(&gap, lang));
        }
        Ok(guard)
    }

    /// Takes back what was needed to make the outputs, once they stand and before a thread is started.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(super) fn narrow(&mut self) -> Result<(), Error> {
        self.0.as_mut().map_or(Ok(()), Confined::narrow).map_err(Error::Sandbox)
    }

    /// What is in force.
    pub(super) fn in_force(&self) -> Confinement {
        self.0.as_ref().map_or_else(sandbox::unconfined, Confined::in_force)
    }
}

/// One gap, as it is shown.
pub(super) fn line(gap: &Gap, lang: Lang) -> String {
    let text = words::gap(gap, lang);
    match lang {
        Lang::Ja => format!("sekisho: 注意: {text}\n"),
        Lang::En => format!("sekisho: note: {text}\n"),
    }
}

/// Who called sudo (sudo(8), ENVIRONMENT).
fn invoker() -> Option<(u32, u32)> {
    let number = |name: &str| std::env::var(name).ok()?.parse().ok();
    Some((number("SUDO_UID")?, number("SUDO_GID")?))
}
