//! Threads, windows, order, back-pressure. Home of `crossbeam-channel`.
