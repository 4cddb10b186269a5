//! Where the files of an input lie, learnt without opening one: what has to stay readable while they are read.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where inputs lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Files, and folders with all below them.
    pub read: Vec<PathBuf>,
    /// Folders whose entries a glob is held against.
    pub list: Vec<PathBuf>,
}

/// The places of inputs as they were typed. Links are followed: what they point to has a place of its own.
#[must_use]
pub fn places(inputs: &[String]) -> Places {
    let mut places = Places::default();
    for input in inputs.iter().filter(|input| *input != "-") {
        if fs::metadata(input).is_err() && input.contains(['*', '?', '[']) {
            places.list.push(base(input));
            let fitting = glob::glob(input).into_iter().flatten().filter_map(Result::ok);
            fitting.for_each(|path| places.add(&path));
        } else {
            places.add(Path::new(input));
        }
    }
    places
}

impl Places {
    fn add(&mut self, path: &Path) {
        self.read.push(path.to_owned());
        let mut folders = vec![path.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_symlink() && entry.path().is_file() {
                    self.read.push(entry.path());
                }
            }
        }
    }
}

/// The folder in front of a glob's first sign.
fn base(pattern: &str) -> PathBuf {
    let plain = pattern.find(['*', '?', '[']).map_or(pattern, |sign| pattern.get(..sign).unwrap_or(""));
    match plain.rfind('/') {
        None => PathBuf::from("."),
        Some(slash) => PathBuf::from(plain.get(..=slash).unwrap_or("/")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_lists_the_folder_in_front_of_its_first_sign() {
        for (pattern, folder) in
            [("*.pcap", "."), ("a/b*.pcap", "a/"), ("/*/x", "/"), ("a/b/c[12]/d", "a/b/")]
        {
            assert_eq!(base(pattern), Path::new(folder), "{pattern}");
        }
    }

    #[test]
    fn what_a_link_in_a_folder_points_to_is_a_place_and_standard_input_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("in/deep"), folder.path().join("out.pcap"));
        fs::create_dir_all(&inside).unwrap();
        fs::write(&outside, "").unwrap();
        std::os::unix::fs::symlink(&outside, inside.join("link.pcap")).unwrap();
        let top = folder.path().join("in");
        let found = places(&["-".to_owned(), top.display().to_string()]);
        assert_eq!(found.read, [top, inside.join("link.pcap")]);
    }
}
