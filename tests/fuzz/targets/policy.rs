//! Policies: read, checked, compiled, asked; and what is told of one that is wrong.

use sekisho::{
    ground::model::{address::Transport, lang::Lang},
    policy::language::{Hints, load_text},
};

/// Remarks that are drawn.
const DRAWN_MAX: usize = 4;

/// A policy in one file. What is told of it points into it and can be shown in both languages.
pub fn policy(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let told = load_text("any.toml", text);
    let remarks = match &told {
        Ok((_, remarks)) | Err(remarks) => remarks,
    };
    for (spot, _) in remarks.iter().flat_map(|remark| &remark.labels) {
        assert!(spot.span.start <= spot.span.end && spot.span.end <= text.len(), "{:?}", spot.span);
        assert!(spot.line() >= 1);
    }
    // To draw one takes longer than to find a hundred: a few of them, and each of another place.
    for remark in remarks.iter().step_by(remarks.len().div_ceil(DRAWN_MAX).max(1)) {
        for lang in [Lang::Ja, Lang::En] {
            assert!(!remark.render(lang, false).is_empty());
        }
    }
    match told {
        Err(errors) => assert!(!errors.is_empty(), "a policy is refused without a word"),
        Ok((policy, _)) => {
            let period = policy.meta().period;
            for addr in ["10.1.0.5", "192.0.2.1", "2001:db8::1", "fe80::1"]
                .map(|addr| addr.parse().expect("an address"))
            {
                for at in [period.from, period.until] {
                    let end = policy.end(addr, at, &Hints::default(), &[]);
                    let _ = policy.legs_between(&end, &end, at);
                    let _ = policy.forbidden(&end, &end, Transport::TCP, 443, at);
                }
            }
        }
    }
}
