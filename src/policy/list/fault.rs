//! Why a list cannot be used at all.

use super::Place;
use crate::ground::{model::lang::Words, words::escape};

/// What is wrong with a whole list, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, when it is about one entry.
    pub place: Option<Place>,
    /// What, with what was expected.
    pub words: Words,
}

impl Fault {
    pub(super) const fn whole(words: Words) -> Self {
        Self { place: None, words }
    }

    pub(super) const fn at(place: Place, words: Words) -> Self {
        Self { place: Some(place), words }
    }

    /// JSON that is none, or of another shape. The wording is serde's; line and column stand in it.
    pub(super) fn json(error: &serde_json::Error) -> Self {
        let told = escape::text(&error.to_string());
        let place = u32::try_from(error.line()).ok().filter(|line| *line > 0).map(Place::Line);
        let words = match error.is_data() {
            true => Words::new(
                format!("JSONの形がこの形式と違います: {told}"),
                format!("this JSON is not of that format: {told}"),
            ),
            false => Words::new(format!("JSONとして読めません: {told}"), format!("this is not JSON: {told}")),
        };
        Self { place, words }
    }

    /// What is wrong, with its place.
    #[must_use]
    pub fn told(&self) -> Words {
        let Some(place) = &self.place else { return self.words.clone() };
        let place = place.words();
        Words::new(format!("{}: {}", place.ja, self.words.ja), format!("{}: {}", place.en, self.words.en))
    }
}
