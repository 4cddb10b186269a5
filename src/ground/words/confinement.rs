//! The words of a run's confinement: told where it is weaker than it could be.

use crate::ground::model::{confinement::Gap, lang::Lang};

/// One gap as a sentence, with its remedy.
#[must_use]
pub fn gap(gap: &Gap, lang: Lang) -> String {
    let ja = lang == Lang::Ja;
    let text = match gap {
        Gap::Off if ja => "権限を落とさずに実行しています(--no-sandbox)",
        Gap::Off => "runs without giving up its rights (--no-sandbox)",
        Gap::Capabilities(kept) if ja => {
            return format!(
                "rootの権限の一部({})を残しています。入力または出力の持ち主が別の利用者のためです。--user で持ち主を指定してください",
                kept.join(", ")
            );
        }
        Gap::Capabilities(kept) => {
            return format!(
                "keeps {}: inputs or outputs belong to another user; name that one with --user",
                kept.join(", ")
            );
        }
        Gap::NoLandlock if ja => {
            "このカーネルにはLandlockがないため、読み書きできるファイルを絞れていません(Linux 5.13以降で使えます)"
        }
        Gap::NoLandlock => {
            "this kernel has no Landlock, so files are not confined (Linux 5.13 or later has it)"
        }
        Gap::LandlockOff if ja => {
            "Landlockが起動時に無効にされているため、読み書きできるファイルを絞れていません(カーネル引数 lsm= に landlock を加えてください)"
        }
        Gap::LandlockOff => {
            "Landlock was switched off at boot, so files are not confined (add landlock to lsm= of the kernel command line)"
        }
        Gap::NoSeccomp if ja => "seccompが使えないため、システムコールを絞れていません",
        Gap::NoSeccomp => "seccomp is not available, so system calls are not confined",
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gap_is_told_in_both_languages() {
        let gaps = [
            Gap::Off,
            Gap::Capabilities(vec!["X".into()]),
            Gap::NoLandlock,
            Gap::LandlockOff,
            Gap::NoSeccomp,
        ];
        for one in gaps {
            assert!(!gap(&one, Lang::Ja).is_ascii() && gap(&one, Lang::En).is_ascii(), "{one:?}");
        }
    }
}
