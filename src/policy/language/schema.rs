//! The JSON Schema of the language, for editors.

use super::document::FileShape;

/// The schema of one policy file, as JSON text. It describes the TOML after it was read: date-times are strings.
#[must_use]
pub fn schema_json() -> String {
    let schema = schemars::schema_for!(FileShape);
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}
