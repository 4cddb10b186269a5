//! Places with numbers, grown in chunks: nothing is copied when the table grows.

/// Bytes of one chunk at most: allocators ask the system for blocks of 1 MiB one by one and lose nothing between them, and
/// what is not written to yet is no memory. A chunk holds a power of two of places, 16,384 hot entries.
const CHUNK_BYTES: usize = 1024 * 1024;

/// Numbered places. A place that was never set does not exist.
#[derive(Debug)]
pub(super) struct Slab<T> {
    chunks: Vec<Vec<T>>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// Places of one chunk.
    const CHUNK_LEN: usize =
        1 << (CHUNK_BYTES / if size_of::<T>() == 0 { 1 } else { size_of::<T>() }).ilog2();

    /// What lies at `place`.
    pub(super) fn get(&self, place: u32) -> Option<&T> {
        self.chunks.get(place as usize / Self::CHUNK_LEN)?.get(place as usize % Self::CHUNK_LEN)
    }

    /// What lies at `place`, to be changed.
    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut T> {
        self.chunks.get_mut(place as usize / Self::CHUNK_LEN)?.get_mut(place as usize % Self::CHUNK_LEN)
    }

    /// Memory held, in bytes: the system gives what is written to.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        let chunks = self.chunks.iter().map(|chunk| chunk.len() * size_of::<T>()).sum::<usize>();
        chunks + self.chunks.capacity() * size_of::<Vec<T>>()
    }

    /// Gives the memory of all places below `place` back, as far as whole chunks lie there; none of them exists any more.
    pub(super) fn forget_below(&mut self, place: u32) {
        let chunks = place as usize / Self::CHUNK_LEN;
        self.chunks.iter_mut().take(chunks).for_each(|chunk| *chunk = Vec::new());
    }

    /// Adds one place at the end and gives its number.
    pub(super) fn push(&mut self, value: T) -> u32 {
        if self.chunks.last().is_none_or(|chunk| chunk.len() == Self::CHUNK_LEN) {
            self.chunks.push(Vec::with_capacity(Self::CHUNK_LEN));
        }
        let chunks = self.chunks.len();
        let Some(last) = self.chunks.last_mut() else { return u32::MAX };
        last.push(value);
        ((chunks - 1) * Self::CHUNK_LEN + last.len() - 1) as u32
    }
}

/// Numbered places that are given back and used again.
#[derive(Debug)]
pub(super) struct Pool<T> {
    places: Slab<T>,
    free: Vec<u32>,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self { places: Slab::default(), free: Vec::new() }
    }
}

impl<T: Default> Pool<T> {
    /// Memory held, in bytes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.places.memory() + self.free.capacity() * size_of::<u32>()
    }

    /// What lies at `place`.
    pub(super) fn get(&self, place: u32) -> Option<&T> {
        self.places.get(place)
    }

    /// What lies at `place`, to be changed.
    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut T> {
        self.places.get_mut(place)
    }

    /// See [`Slab::forget_below`]; no value may be put in any more.
    pub(super) fn forget_below(&mut self, place: u32) {
        self.places.forget_below(place);
    }

    /// Every value, those taken out as their default.
    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.chunks.iter().flatten()
    }

    /// Puts a value into a free place and gives its number.
    pub(super) fn put(&mut self, value: T) -> u32 {
        match self.free.pop() {
            Some(place) => {
                if let Some(slot) = self.places.get_mut(place) {
                    *slot = value;
                }
                place
            }
            None => self.places.push(value),
        }
    }

    /// Takes a value out for good: its place is not used again.
    pub(super) fn take_last(&mut self, place: u32) -> T {
        self.places.get_mut(place).map(std::mem::take).unwrap_or_default()
    }

    /// Takes a value out; its place is free from now on. Must not be called twice for one value.
    pub(super) fn take(&mut self, place: u32) -> T {
        self.free.push(place);
        self.places.get_mut(place).map(std::mem::take).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_given_back_is_used_again_before_the_slab_grows() {
        let mut pool = Pool::default();
        let places: Vec<_> = (0..3000_u32).map(|value| pool.put(value)).collect();
        assert!(places.iter().enumerate().all(|(index, place)| *place as usize == index));
        assert_eq!(pool.take(1500), 1500);
        assert_eq!(pool.put(7), 1500);
        assert_eq!(pool.put(8), 3000);
        assert_eq!((pool.get(1500), pool.get(3000), pool.get(9999)), (Some(&7), Some(&8), None));
    }

    #[test]
    fn what_is_forgotten_is_gone_by_whole_chunks_and_the_rest_stays() {
        let mut pool = Pool::default();
        let chunk = Slab::<[u64; 32]>::CHUNK_LEN as u32;
        (0..3 * chunk).for_each(|number| _ = pool.put([u64::from(number); 32]));
        let before = pool.memory();
        pool.forget_below(2 * chunk + 5);
        assert_eq!((pool.get(2 * chunk - 1), pool.get(2 * chunk)), (None, Some(&[2 * u64::from(chunk); 32])));
        assert!(pool.memory() < before / 2);
    }
}
