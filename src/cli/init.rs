//! `sekisho policy init`: a first policy, from options or from a short dialogue.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::Path,
};

use super::{audit::now, error::Error, files, options_upkeep::InitOptions, outputs::print};
use crate::{
    ground::{
        calendar::{Day, LocalClock},
        model::lang::Lang,
        words::escape,
    },
    policy::language::{Case, Level, Model, Preset, SegmentClass, ZoneClass, load_text, render_all},
    run::upkeep::init::{Draft, Lookout, Plot, TIMEZONE, segment_name, zone_id, zone_name},
};

/// What the dialogue asks for segments and zones, with an example of each.
const SEGMENTS: [(&str, SegmentClass, &str); 4] = [
    ("mn", SegmentClass::Mynumber, "10.10.0.0/16@110"),
    ("lg", SegmentClass::Lgwan, "10.20.0.0/16@120"),
    ("in", SegmentClass::Internet, "10.30.0.0/16@130"),
    ("bd", SegmentClass::Boundary, "10.40.0.0/24@140"),
];
const ZONES: [(ZoneClass, &str); 2] =
    [(ZoneClass::LgwanWan, "198.18.0.0/15"), (ZoneClass::Seccloud, "203.0.113.0/24")];
/// The models as the dialogue numbers them.
const MODELS: [(Model, Option<Case>, &str); 6] = [
    (Model::Alpha, None, "α"),
    (Model::AlphaPrime, Some(Case::A), "α'(ア)"),
    (Model::AlphaPrime, Some(Case::I), "α'(イ)"),
    (Model::AlphaPrime, Some(Case::U), "α'(ウ)"),
    (Model::Beta, None, "β"),
    (Model::BetaPrime, None, "β'"),
];
/// Wrong answers to one question after which the dialogue ends.
const TRIES_MAX: usize = 3;

/// Runs the command; gives the exit code.
///
/// # Errors
/// The user's errors.
pub(super) fn run(options: &InitOptions, lang: Lang) -> Result<u8, Error> {
    let is_asking = options.ask || io::stdin().is_terminal();
    let mut dialogue = Dialogue { answers: &mut io::stdin().lock(), questions: &mut io::stderr(), lang };
    let draft = draft(options, is_asking.then_some(&mut dialogue))?;
    let text = draft.text();
    // The language says what is wrong with a draft, as it does for any policy. That it has no channel yet is no news.
    let shown = options.out.as_deref().unwrap_or_else(|| Path::new("city.toml"));
    let remarks = load_text(&shown.display().to_string(), &text);
    let mut remarks = remarks
        .map_err(|faults| Error::Policy(render_all(&faults, lang, io::stderr().is_terminal())))
        .map(|(_, remarks)| remarks)?;
    remarks.retain(|remark| remark.level == Level::Warning && remark.code != "L23");
    match &options.out {
        None => print(&text)?,
        Some(path) => {
            let mut file = files::create_new(path)?;
            file.write_all(text.as_bytes()).map_err(|error| Error::Output(path.clone(), error))?;
            eprint!("{}", written(path, lang));
        }
    }
    eprint!("{}", render_all(&remarks, lang, io::stderr().is_terminal()));
    Ok(0)
}

fn written(path: &Path, lang: Lang) -> String {
    let path = escape::text(&path.display().to_string());
    match lang {
        Lang::Ja => {
            format!("sekisho: {path} を書きました。「要記入」を埋めてください(終わりに次の手順があります)\n")
        }
        Lang::En => {
            format!("sekisho: wrote {path}; fill in what says 要記入 (its end tells the next steps)\n")
        }
    }
}

fn draft(options: &InitOptions, mut dialogue: Option<&mut Dialogue<'_>>) -> Result<Draft, Error> {
    let (model, case) = model(options, dialogue.as_deref_mut())?;
    let org = match (&options.org, dialogue.as_deref_mut()) {
        (Some(org), _) => org.clone(),
        (None, Some(dialogue)) => dialogue.org()?,
        (None, None) => return Err(missing("--org", "霞野町")),
    };
    let segments = match (options.segments.is_empty(), dialogue.as_deref_mut()) {
        (false, _) => plots(&options.segments, "--segment", segment_class)?,
        (true, Some(dialogue)) => dialogue.segments()?,
        (true, None) => return Err(missing("--segment", "lg=lgwan:10.20.0.0/16@120")),
    };
    let zones = match (options.zones.is_empty(), dialogue) {
        (true, Some(dialogue)) => dialogue.zones()?,
        _ => plots(&options.zones, "--zone", zone_class)?,
    };
    let guideline = options.guideline.clone().or_else(|| Preset::editions().pop().map(str::to_owned));
    Ok(Draft {
        model,
        case,
        guideline: guideline.unwrap_or_default(),
        org,
        valid_from: first_day(options.valid_from.as_deref())?,
        segments,
        zones,
        sensors: sensors(&options.sensors)?,
    })
}

fn model(options: &InitOptions, dialogue: Option<&mut Dialogue<'_>>) -> Result<(Model, Option<Case>), Error> {
    let model = options.model.map(super::options_upkeep::ModelOption::model);
    let case = options.case.map(super::options_upkeep::CaseOption::case);
    let is_whole = model.is_some_and(|model| (model == Model::AlphaPrime) == case.is_some());
    match (model, dialogue) {
        (Some(model), _) if is_whole => Ok((model, case)),
        (Some(_), _) if case.is_some() => Err(Error::Option {
            ja: "--case は --model alpha_prime のときだけ使えます".to_owned(),
            en: "--case goes with --model alpha_prime only".to_owned(),
        }),
        (_, Some(dialogue)) => dialogue.model(model),
        (Some(_), None) => Err(missing("--case", "i")),
        (None, None) => Err(missing("--model", "alpha")),
    }
}

fn missing(option: &str, example: &str) -> Error {
    Error::Option {
        ja: format!("{option} がありません(例 {option} {example})。--ask を付けると一つずつ尋ねます"),
        en: format!("{option} is missing (such as {option} {example}); --ask asks one by one"),
    }
}

fn segment_class(word: &str) -> Option<SegmentClass> {
    SegmentClass::ALL.iter().copied().find(|class| class.word() == word)
}

/// The rest is always there and has no addresses of its own.
fn zone_class(word: &str) -> Option<ZoneClass> {
    ZoneClass::ALL.iter().copied().find(|class| class.word() == word && *class != ZoneClass::InternetZone)
}

fn plots<C: Copy>(
    texts: &[String],
    option: &str,
    class: fn(&str) -> Option<C>,
) -> Result<Vec<Plot<C>>, Error> {
    let read = |text: &String| {
        Plot::read(text, class).ok_or_else(|| {
            let text = escape::text(text);
            Error::Option {
                ja: format!("{option} {text}: 「ID=種類:範囲@VLAN」の形で指定してください(sekisho policy init --help に例)"),
                en: format!("{option} {text}: expected ID=CLASS:CIDR@VLAN (sekisho policy init --help shows examples)"),
            }
        })
    };
    texts.iter().map(read).collect()
}

fn sensors(texts: &[String]) -> Result<Vec<Lookout>, Error> {
    if texts.is_empty() {
        return Ok(vec![Lookout { id: "core".to_owned(), inputs: "*.pcap*".to_owned() }]);
    }
    let read = |text: &String| {
        let found = text.split_once('=').filter(|(id, glob)| !id.is_empty() && !glob.is_empty());
        let lookout = found.map(|(id, inputs)| Lookout { id: id.to_owned(), inputs: inputs.to_owned() });
        let text = escape::text(text);
        lookout.ok_or_else(|| Error::Option {
            ja: format!("--sensor {text}: 「ID=グロブ」の形で指定してください(例 core=core*.pcapng)"),
            en: format!("--sensor {text}: expected ID=GLOB, such as core=core*.pcapng"),
        })
    };
    texts.iter().map(read).collect()
}

/// The day that was asked for, else today where the policy's clocks stand.
fn first_day(text: Option<&str>) -> Result<(i16, i8, i8), Error> {
    let Some(text) = text else {
        return Ok(LocalClock::new(TIMEZONE).map_or((1970, 1, 1), |clock| clock.date(now())));
    };
    let mut numbers = text.splitn(3, '-');
    let mut number = |len: usize| numbers.next().filter(|text| text.len() == len)?.parse::<i16>().ok();
    let date = (|| {
        let (year, month, day) = (number(4)?, number(2)?, number(2)?);
        Some((year, i8::try_from(month).ok()?, i8::try_from(day).ok()?))
    })();
    let exists = |&(year, month, day): &(i16, i8, i8)| Day::new(year, month, day).is_some();
    date.filter(exists).ok_or_else(|| {
        let text = escape::text(text);
        Error::Option {
            ja: format!("--valid-from {text}: 2026-04-01 のように指定してください"),
            en: format!("--valid-from {text}: expected a day such as 2026-04-01"),
        }
    })
}

/// Questions and answers: eight at most.
struct Dialogue<'a> {
    answers: &'a mut dyn BufRead,
    questions: &'a mut dyn Write,
    lang: Lang,
}

impl Dialogue<'_> {
    /// Asks until the answer can be read.
    fn ask<T>(
        &mut self,
        question: &str,
        example: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Error> {
        let (for_example, again) = match self.lang {
            Lang::Ja => ("例", "読めません。例のように答えてください"),
            Lang::En => ("for example", "cannot be read; please answer as in the example"),
        };
        for _ in 0..TRIES_MAX {
            let _ = write!(self.questions, "{question}\n  ({for_example}: {example}) > ");
            let _ = self.questions.flush();
            let mut answer = String::new();
            let len = self.answers.read_line(&mut answer).map_err(Error::Run)?;
            if let Some(found) = read(answer.trim()) {
                return Ok(found);
            }
            let _ = writeln!(self.questions, "\n{again}");
            if len == 0 {
                break;
            }
        }
        Err(Error::Option {
            ja: "答えが足りないか、読めません。もう一度実行するか、指定で渡してください(sekisho policy init --help)".to_owned(),
            en: "answers are missing or cannot be read; run it again, or use the options (sekisho policy init --help)".to_owned(),
        })
    }

    fn model(&mut self, known: Option<Model>) -> Result<(Model, Option<Case>), Error> {
        let fits = |(model, ..): &&(Model, Option<Case>, &str)| known.is_none_or(|known| known == *model);
        let offered: Vec<_> = (1..).zip(&MODELS).filter(|(_, entry)| fits(entry)).collect();
        let list: Vec<_> = offered.iter().map(|(number, (_, _, name))| format!("{number} {name}")).collect();
        let question = match self.lang {
            Lang::Ja => {
                format!("ネットワークのモデルはどれですか。番号で答えてください: {}", list.join("、"))
            }
            Lang::En => format!("Which network model? Answer by number: {}", list.join(", ")),
        };
        let example = offered.first().map_or_else(String::new, |(number, _)| number.to_string());
        self.ask(&question, &example, |answer| {
            let number: usize = answer.parse().ok()?;
            let (_, (model, case, _)) = offered.iter().find(|(offered, _)| *offered == number)?;
            Some((*model, *case))
        })
    }

    fn org(&mut self) -> Result<String, Error> {
        let question = match self.lang {
            Lang::Ja => "団体の名前は何ですか",
            Lang::En => "What is the organisation called?",
        };
        self.ask(question, "霞野町", |answer| (!answer.is_empty()).then(|| answer.to_owned()))
    }

    fn segments(&mut self) -> Result<Vec<Plot<SegmentClass>>, Error> {
        let mut found = Vec::new();
        for (id, class, example) in SEGMENTS {
            let question = self.block_question(segment_name(class, self.lang), true);
            found.extend(self.plot(&question, example, id, class)?);
        }
        Ok(found)
    }

    fn zones(&mut self) -> Result<Vec<Plot<ZoneClass>>, Error> {
        let mut found = Vec::new();
        for (class, example) in ZONES {
            let question = self.block_question(zone_name(class, self.lang), false);
            found.extend(self.plot(&question, example, zone_id(class), class)?);
        }
        Ok(found)
    }

    fn block_question(&self, name: &str, has_vlan: bool) -> String {
        match (self.lang, has_vlan) {
            (Lang::Ja, true) => format!("{name}のアドレスの範囲とVLANは何ですか。無ければ空のままEnter"),
            (Lang::Ja, false) => format!("{name}のアドレスの範囲は何ですか。分からなければ空のままEnter"),
            (Lang::En, true) => format!("Addresses and VLANs of the {name}? Leave it empty if there is none"),
            (Lang::En, false) => format!("Addresses of the {name}? Leave it empty if you do not know"),
        }
    }

    fn plot<C: Copy>(
        &mut self,
        question: &str,
        example: &str,
        id: &str,
        class: C,
    ) -> Result<Option<Plot<C>>, Error> {
        self.ask(question, example, |answer| match answer {
            "" => Some(None),
            answer => Plot::unnamed(answer, class).map(|plot| Some(Plot { id: id.to_owned(), ..plot })),
        })
    }
}
