//! The word that ends waiting: said by whoever hears the user, heard by whoever reads what is still being written.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

/// Shared by those who read without an end and those who end it. Once said it stays said.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Said>);

#[derive(Debug, Default)]
struct Said {
    is_said: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Says it. Whoever waits goes on at once.
    pub fn stop(&self) {
        *self.0.is_said.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }

    /// True once it was said.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.0.is_said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is said, and no longer than `at_most`; true when it was.
    #[must_use]
    pub fn wait(&self, at_most: Duration) -> bool {
        let said = self.0.is_said.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.changed.wait_timeout_while(said, at_most, |is_said| !*is_said);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_wait_without_an_end_ends_when_another_thread_says_so() {
        let stop = Stop::default();
        let other = stop.clone();
        thread::scope(|scope| {
            let waiting =
                thread::Builder::new().spawn_scoped(scope, || stop.wait(Duration::from_secs(86_400)));
            other.stop();
            assert!(waiting.unwrap().join().unwrap());
        });
        assert!(stop.is_stopped() && stop.wait(Duration::ZERO));
    }
}
