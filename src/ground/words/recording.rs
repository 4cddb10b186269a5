//! The words of a recording: its terms when it begins, and what became of it.

use super::{
    escape,
    run::{bytes, grouped},
};
use crate::ground::model::{
    lang::Lang,
    recording::{Recorded, RecordingTerms, Stopped},
};

/// What is said when it begins: where, in what pieces, and what happens at the bound.
#[must_use]
pub fn terms(terms: &RecordingTerms, lang: Lang) -> String {
    let folder = escape::text(&terms.folder);
    let (piece, total) = (bytes(terms.piece_len), bytes(terms.total_len));
    match (lang, terms.replaces_oldest) {
        (Lang::Ja, true) => {
            format!(
                "録画: {folder} に{piece}ごとのファイルで残します。合計{total}を超える前に古いものから消します"
            )
        }
        (Lang::Ja, false) => format!(
            "録画: {folder} に{piece}ごとのファイルで残します。合計{total}で録画だけを止め、何も消しません(判定は続きます)"
        ),
        (Lang::En, true) => format!(
            "recording: into {folder}, in files of {piece}; the oldest are deleted before {total} are exceeded"
        ),
        (Lang::En, false) => format!(
            "recording: into {folder}, in files of {piece}; at {total} recording stops, nothing is deleted and verdicts go on"
        ),
    }
}

/// What became of it, one sentence a line; the first says whether an audit of the recording gives the same bytes.
#[must_use]
pub fn recorded(recorded: &Recorded, lang: Lang) -> Vec<String> {
    let folder = escape::text(&recorded.folder);
    let frames = grouped(recorded.frames);
    let (pieces, size) = (recorded.pieces, bytes(recorded.bytes));
    let ja = lang == Lang::Ja;
    let mut said = vec![match (ja, recorded.is_whole()) {
        (true, true) => format!(
            "録画: {folder} に{frames}パケット({pieces}ファイル、{size})。監査し直すと同じ結果になります"
        ),
        (true, false) => format!(
            "録画: {folder} に{frames}パケット({pieces}ファイル、{size})。全部は残っていないため、監査し直しても同じ結果になるとは限りません"
        ),
        (false, true) => format!(
            "recording: {frames} packets in {folder} ({pieces} files, {size}); an audit of it gives the same results"
        ),
        (false, false) => format!(
            "recording: {frames} packets in {folder} ({pieces} files, {size}); not all was kept, so identical results are not promised"
        ),
    }];
    match (&recorded.stopped, ja) {
        (None, _) => {}
        (Some(Stopped::Full(total)), true) => said.push(format!(
            "  上限{}に達して録画を止めました(--record-max で大きくするか、古いものからの削除を許してください)",
            bytes(*total)
        )),
        (Some(Stopped::Full(total)), false) => said.push(format!(
            "  recording stopped at its bound of {} (--record-max sets a larger one, and lets the oldest go)",
            bytes(*total)
        )),
        (Some(Stopped::Disk(why)), true) => {
            said.push(format!("  ディスクの誤りで録画を止めました: {}", escape::text(why)));
        }
        (Some(Stopped::Disk(why)), false) => {
            said.push(format!("  recording stopped, the disk refused: {}", escape::text(why)));
        }
    }
    if recorded.unrecorded > 0 {
        let frames = grouped(recorded.unrecorded);
        said.push(if ja {
            format!("  判定はしたが録画できなかったパケット: {frames}(sekisho doctor でディスクの速さを確認できます)")
        } else {
            format!("  packets that were judged and not recorded: {frames} (sekisho doctor tells the disk's speed)")
        });
    }
    if recorded.deleted + recorded.deleted_earlier > 0 {
        let (own, earlier) = (recorded.deleted, recorded.deleted_earlier);
        said.push(if ja {
            format!("  上限のために消したファイル: この録画の{own}個、以前の録画の{earlier}個")
        } else {
            format!("  files deleted for the bound: {own} of this recording, {earlier} of earlier ones")
        });
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identical_results_are_promised_only_when_every_frame_was_kept() {
        let whole = Recorded { frames: 5, pieces: 1, ..Recorded::default() };
        let hurt = [
            Recorded { unrecorded: 1, ..whole.clone() },
            Recorded { deleted: 1, ..whole.clone() },
            Recorded { stopped: Some(Stopped::Full(1 << 30)), ..whole.clone() },
            Recorded { stopped: Some(Stopped::Disk("no space left".to_owned())), ..whole.clone() },
        ];
        assert!(recorded(&whole, Lang::En)[0].ends_with("gives the same results"));
        for one in hurt {
            let said = recorded(&one, Lang::En);
            assert!(said[0].ends_with("not promised"), "{said:?}");
            assert_eq!(said.len(), 2, "each reason has its line: {said:?}");
            assert_eq!(recorded(&one, Lang::Ja).len(), 2);
        }
        // What was deleted of earlier recordings hurts no promise of this one.
        let earlier = Recorded { deleted_earlier: 2, ..whole };
        assert!(recorded(&earlier, Lang::En)[0].ends_with("gives the same results"));
    }
}
