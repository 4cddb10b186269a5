//! `sekisho policy ledger`: the channels go out as a sheet and come back, and nothing else of the policy moves.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use sekisho::ground::sheet;
use serde_json::Value;

use crate::{
    city,
    support::{Bench, sekisho},
};

type Rows = Vec<Vec<String>>;

fn ledger(arguments: &[&str]) -> Output {
    sekisho(&[&["--lang", "ja", "policy", "ledger"], arguments].concat())
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A policy that was exported, and the sheet on a clerk's desk.
struct Desk {
    bench: Bench,
    policy: PathBuf,
}

impl Desk {
    fn with(text: &str) -> Self {
        let bench = Bench::new();
        let policy = bench.text("city.toml", text);
        Self { bench, policy }
    }

    fn export(&self, name: &str) -> PathBuf {
        let out = self.bench.path(name);
        let output = ledger(&["export", path(&self.policy), "--out", path(&out)]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        out
    }

    fn rows(&self) -> Rows {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        read(&self.export(&format!("sheet-{number}.csv")))
    }

    fn import(&self, rows: &Rows, more: &[&str]) -> (Option<i32>, String, Option<String>) {
        let sheet = self.bench.path("back.csv");
        fs::write(&sheet, sheet::write_csv(rows)).unwrap();
        let out = self.bench.path("new.toml");
        let _ = fs::remove_file(&out);
        let output =
            ledger(&[&["import", path(&self.policy), path(&sheet), "--out", path(&out)], more].concat());
        (output.status.code(), said(&output), fs::read_to_string(&out).ok())
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn read(path: &Path) -> Rows {
    let mut rows = sheet::read(&fs::read(path).unwrap(), "通信許可台帳").unwrap().rows().to_vec();
    let width = rows[0].len();
    rows.iter_mut().for_each(|row| row.resize(width, String::new()));
    rows
}

fn column(rows: &Rows, heading: &str) -> usize {
    rows[0].iter().position(|head| head == heading).unwrap_or_else(|| panic!("no column {heading}"))
}

fn row<'a>(rows: &'a mut Rows, id: &str) -> &'a mut Vec<String> {
    rows.iter_mut().find(|row| row[0] == id).unwrap_or_else(|| panic!("no row {id}"))
}

fn set(rows: &mut Rows, id: &str, heading: &str, text: &str) {
    let column = column(rows, heading);
    row(rows, id)[column] = text.to_owned();
}

#[test]
fn every_policy_comes_back_byte_for_byte_from_a_sheet_that_nobody_touched() {
    let bench = Bench::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/policies");
    fs::create_dir(bench.path("parts")).unwrap();
    fs::copy(fixtures.join("parts/prefecture.toml"), bench.path("parts/prefecture.toml")).unwrap();
    let mut tried = 0;
    for file in
        fs::read_dir(&fixtures).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file())
    {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let policy = bench.path(&format!("{stem}.toml"));
        fs::copy(&file, &policy).unwrap();
        for kind in ["csv", "xlsx"] {
            let (out, new) =
                (bench.path(&format!("{stem}.{kind}")), bench.path(&format!("{stem}-{kind}.toml")));
            let output = ledger(&["export", path(&policy), "--out", path(&out)]);
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
            let output = ledger(&["import", path(&policy), path(&out), "--out", path(&new)]);
            assert_eq!(output.status.code(), Some(0), "{stem} {kind}: {}", said(&output));
            assert_eq!(fs::read(&new).unwrap(), fs::read(&file).unwrap(), "{stem} {kind}");
            tried += 1;
        }
    }
    assert_eq!(tried, 12);
}

#[test]
fn a_sheet_is_what_japanese_excel_reads_without_asking() {
    let desk = Desk::with(city::BASE);
    let bytes = fs::read(desk.export("a.csv")).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("\u{feff}許可ID,通信元,通信先,サービス,"), "{text}");
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    let rows = read(&desk.export("a.xlsx"));
    assert_eq!(rows, read(&desk.bench.path("a.csv")), "both say the same");
    let maint = rows.iter().find(|row| row[0] == "c-mn-maint").unwrap();
    assert_eq!(maint[column(&rows, "終了日時")], "2026-06-30T23:59:59+09:00");
}

/// A channel with every field.
const FULL: &str = r#"
[[channels]]   # すべての項目
id = "c-full"
from = [
  "lg", # 全員
]
to = ["d-suite"]
services = ["tcp/443"]
app = "any"
app_reason_ja = "理由"
kind = "lbo"
path = "lbo"
encrypt = "required"
tenant = "own"
download = "forbidden"
max_up_per_flow = 1_000
max_down_per_flow = 2000
max_sources = 30
hours = "06:30-23:00"
expect_min_per_day = 1
expect_min_per_month = 20
one_way = true
purpose_ja = "会議、\"録画\"なし"
clause = "3-2-3"
approval = "0012"
valid_from = 2026-04-01T00:00:00+09:00
valid_until = 2026-12-31T23:59:59+09:00
note_ja = "=HYPERLINK(\"http://x.example\")"
"#;

#[test]
fn a_copied_row_is_a_new_channel_with_every_field_of_the_old_one() {
    let desk = Desk::with(&city::with(FULL));
    let mut rows = desk.rows();
    let mut copy = row(&mut rows, "c-full").clone();
    copy[0] = "c-copy".to_owned();
    rows.push(copy.clone());
    let (code, told, new) = desk.import(&rows, &[]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("新しい許可 c-copy"), "{told}");
    let again = Desk::with(&new.unwrap()).rows();
    let made = again.iter().find(|row| row[0] == "c-copy").unwrap();
    let width = again[0].len() - 2;
    assert_eq!(made[1..width], copy[1..width]);
    assert!(
        made[..width]
            .iter()
            .enumerate()
            .all(|(at, cell)| !cell.is_empty() || ["経由", "期"].contains(&&*again[0][at]))
    );
}

#[test]
fn changed_cells_change_exactly_their_values_in_the_text() {
    let text = city::with(FULL);
    let desk = Desk::with(&text);
    let mut rows = desk.rows();
    set(&mut rows, "c-full", "通信元", "lg, in-proxy");
    set(&mut rows, "c-full", "終了日時", "2026/10/31");
    set(&mut rows, "c-full", "時間帯", "");
    set(&mut rows, "c-full", "備考", "+81-3");
    set(&mut rows, "c-full", "応答なし", "いいえ");
    set(&mut rows, "c-log", "端末数の上限(日)", "1,200");
    set(&mut rows, "c-scr", "許可ID", "c-screen");
    let (code, told, new) = desk.import(&rows, &[]);
    assert_eq!(code, Some(0), "{told}");
    let expected = text
        .replace("  \"lg\", # 全員", "  \"lg\", \"in-proxy\", # 全員")
        .replace("2026-12-31T23:59:59+09:00", "2026-10-31T23:59:59+09:00")
        .replace("hours = \"06:30-23:00\"\n", "")
        .replace("'=HYPERLINK(\"http://x.example\")'", "\"+81-3\"")
        .replace("\"=HYPERLINK(\\\"http://x.example\\\")\"", "\"+81-3\"")
        .replace("one_way = true", "one_way = false")
        .replace("approval = \"第7号\"\n", "approval = \"第7号\"\nmax_sources = 1200\n")
        .replace("id = \"c-scr\"", "id = \"c-screen\"");
    assert_eq!(new.unwrap(), expected);
    assert!(told.contains("lg → lg, in-proxy") && told.contains("06:30-23:00 → (空欄)"), "{told}");
    assert_eq!(fs::read_to_string(&desk.policy).unwrap(), text, "the old policy is unchanged");
}

#[test]
fn what_cannot_be_taken_over_is_told_with_row_and_column_and_nothing_is_written() {
    let desk = Desk::with(city::BASE);
    let rows = desk.rows();
    let line = |id: &str| rows.iter().position(|row| row[0] == id).unwrap() + 1;
    let tried = |change: &dyn Fn(&mut Rows), expected: &[String]| {
        let mut rows = rows.clone();
        change(&mut rows);
        let (code, told, new) = desk.import(&rows, &[]);
        assert_eq!((code, new), (Some(2), None), "{told}");
        expected.iter().for_each(|part| assert!(told.contains(part), "{part} is not in: {told}"));
    };
    tried(
        &|rows| set(rows, "c-log", "通信先", "bd-logg"),
        &[format!("{}行 C{0}:", line("c-log")), "「bd-log」のことですか".into()],
    );
    tried(&|rows| set(rows, "c-log", "サービス", "tcp/99999"), &[format!("D{}:", line("c-log"))]);
    tried(
        &|rows| set(rows, "c-log", "開始日時", "46234.5"),
        &[format!("I{}:", line("c-log")), "2026-04-01".into()],
    );
    tried(&|rows| set(rows, "c-log", "承認番号", ""), &["空にはできません".into()]);
    tried(&|rows| set(rows, "c-log", "種類", "logging"), &["書けるもの: normal".into()]);
    tried(&|rows| set(rows, "c-log", "許可ID", "c-scr"), &["c-scr".into()]);
    tried(
        &|rows| {
            let copy = rows[1].clone();
            rows.push(copy)
        },
        &["「c-mn-relay」は2行にもあります".into()],
    );
    tried(&|rows| set(rows, "c-log", "照合値", "0"), &["照合値が書き換えられています".into()]);
    tried(&|rows| set(rows, "c-log", "照合値", ""), &["照合値がありません".into()]);
    tried(&|rows| rows[0][0] = "ID".to_owned(), &["列「許可ID」がありません".into()]);
    tried(
        &|rows| rows[0][4] = "しゅるい".to_owned(),
        &["E1: 列「しゅるい」は台帳の項目ではありません".into()],
    );
}

#[test]
fn a_channel_that_the_language_refuses_is_shown_as_the_compiler_shows_it() {
    let desk = Desk::with(city::BASE);
    let mut rows = desk.rows();
    set(&mut rows, "c-mn-tax", "通信先", "inet");
    let (code, told, new) = desk.import(&rows, &[]);
    assert_eq!((code, new), (Some(2), None), "{told}");
    assert!(told.contains("誤り [L40]") && told.contains("表を直してください"), "{told}");
}

#[test]
fn a_policy_that_changed_since_the_export_is_not_overwritten() {
    let desk = Desk::with(city::BASE);
    let mut rows = desk.rows();
    fs::write(&desk.policy, city::BASE.replace("purpose_ja = \"ログ転送\"", "purpose_ja = \"ログの転送\""))
        .unwrap();
    let (code, told, new) = desk.import(&rows, &[]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("台帳のままにします") && new.unwrap().contains("ログの転送"), "{told}");
    set(&mut rows, "c-log", "備考", "月次");
    let (code, told, new) = desk.import(&rows, &[]);
    assert_eq!((code, new), (Some(2), None), "{told}");
    assert!(told.contains("台帳も表も変わりました(台帳「ログの転送」、表「ログ転送」)"), "{told}");
}

#[test]
fn a_row_that_is_gone_is_told_and_goes_only_when_that_is_asked_for() {
    let desk = Desk::with(city::BASE);
    let mut rows = desk.rows();
    rows.retain(|row| row[0] != "c-log");
    let (code, told, new) = desk.import(&rows, &[]);
    assert_eq!((code, new.as_deref()), (Some(0), Some(city::BASE)), "{told}");
    assert!(told.contains("表に無い許可(台帳に残します。外すには --remove):\n  c-log"), "{told}");
    let (code, told, new) = desk.import(&rows, &["--remove"]);
    assert_eq!(code, Some(0), "{told}");
    let new = new.unwrap();
    assert!(
        new.contains("\n# [[channels]]\n# id = \"c-log\"\n# from = [\"lg\"]\n")
            && new.contains("# approval = \"第7号\"\n[[channels]]"),
        "{new}"
    );
    fs::write(&desk.policy, city::BASE.replace("purpose_ja = \"会議\"", "purpose_ja = \"打合せ\"")).unwrap();
    let (code, told, _) = desk.import(&rows, &["--remove"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("書き出し直した表で消してください"), "{told}");
}

#[test]
fn a_channel_of_an_included_file_is_exported_and_not_changed_from_here() {
    let (front, back) = city::BASE.split_once("[[channels]]\nid = \"c-mn-tax\"").unwrap();
    let (channel, rest) = back.split_once("[[channels]]").unwrap();
    let root = format!("include = [\"common.toml\"]\n{front}[[channels]]{rest}");
    let desk = Desk::with(&root);
    desk.bench.text("common.toml", &format!("[[channels]]\nid = \"c-mn-tax\"{channel}"));
    let mut rows = desk.rows();
    let (code, told, new) = desk.import(&rows, &[]);
    assert_eq!((code, new), (Some(0), Some(root)), "{told}");
    let file = column(&rows, "ファイル");
    let [included, own] = ["c-mn-tax", "c-log"].map(|id| row(&mut rows, id)[file].clone());
    assert_eq!([&*included, &*own], ["common.toml", "city.toml"]);
    set(&mut rows, "c-mn-tax", "備考", "x");
    let (code, told, _) = desk.import(&rows, &[]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("common.toml にあり、ここからは変えられません"), "{told}");
}

#[test]
fn check_writes_nothing_and_json_says_all_in_english_keys() {
    let desk = Desk::with(city::BASE);
    let mut rows = desk.rows();
    set(&mut rows, "c-log", "備考", "月次");
    rows[0].push("確認者".to_owned());
    let sheet = desk.bench.path("back.csv");
    fs::write(&sheet, sheet::write_csv(&rows)).unwrap();
    let before = fs::read_dir(desk.bench.path("")).unwrap().count();
    let output = ledger(&["import", path(&desk.policy), path(&sheet), "--check", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["schema"], "sekisho-ledger-import/1");
    assert_eq!(
        (&told["changes"][0]["channel"], &told["changes"][0]["field"]),
        (&"c-log".into(), &"note_ja".into())
    );
    assert_eq!((&told["changes"][0]["new"], &told["written"]), (&"月次".into(), &Value::Null));
    assert!(told["remarks"][0]["ja"].as_str().unwrap().contains("確認者"));
    assert_eq!(fs::read_dir(desk.bench.path("")).unwrap().count(), before);
}

#[test]
fn no_file_that_is_there_is_overwritten_and_a_wrong_ending_is_told() {
    let desk = Desk::with(city::BASE);
    let sheet = desk.export("a.csv");
    let again = ledger(&["export", path(&desk.policy), "--out", path(&sheet)]);
    assert!(again.status.code() == Some(2) && said(&again).contains("すでにあります"), "{}", said(&again));
    let over = ledger(&["import", path(&desk.policy), path(&sheet), "--out", path(&desk.policy)]);
    assert!(over.status.code() == Some(2) && said(&over).contains("すでにあります"), "{}", said(&over));
    assert_eq!(fs::read_to_string(&desk.policy).unwrap(), city::BASE);
    let xls = ledger(&["export", path(&desk.policy), "--out", path(&desk.bench.path("a.xls"))]);
    assert!(xls.status.code() == Some(2) && said(&xls).contains(".csv か .xlsx"), "{}", said(&xls));
}
