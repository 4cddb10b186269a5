//! FAMILY: the words and numbers of the checks, one file a letter; no judging.
