//! One packet's walk and one run's story: no threads, no I/O, no clock.
