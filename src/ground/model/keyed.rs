//! Maps whose keys come from strangers and whose order nobody asks for.

use foldhash::fast::RandomState;

/// A hash map under a key that is random per run: nobody can aim at one bucket (THREATS R51). It is looked up and never walked
/// through where the order could reach a result.
#[expect(clippy::disallowed_types, reason = "keyed, and no result depends on its order")]
pub type KeyedMap<K, V> = std::collections::HashMap<K, V, RandomState>;
