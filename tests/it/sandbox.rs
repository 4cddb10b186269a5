//! Rights given away: what the kernel says while a run goes on, what really fails, and what must go on working.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
    net::{TcpStream, UdpSocket},
    os::unix::{
        fs::{PermissionsExt, chown, symlink},
        process::CommandExt,
    },
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use sekisho::run::sandbox::{self, Needs, Status};
use serde_json::Value;

use crate::{
    city,
    support::{Bench, Capture, NOON, Talk, sekisho},
};

/// `nobody` on Debian and its kin.
const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    let is_root = Status::read().unwrap().uid == 0;
    if !is_root {
        println!("SKIPPED: not root");
    }
    is_root
}

/// Enough packets that a pipe (64 KiB) has been read from when they are written.
fn many() -> Capture {
    let talks = (0..300_u16).map(|port| {
        let client = format!("10.10.9.10:{}", 20_000 + port);
        Talk::new(&client, "198.18.10.5:443", NOON + u64::from(port)).tls("relay.example")
    });
    let capture = Capture { frames: talks.flat_map(|talk| talk.frames).collect() };
    assert!(capture.bytes().len() > 200_000, "{}", capture.bytes().len());
    capture
}

/// A program that reads standard input, has read some of it, and waits for more.
fn in_the_middle(arguments: &[&str]) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .args(arguments)
        .env("LC_ALL", "en_US.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.as_mut().unwrap().write_all(&many().bytes()).unwrap();
    child
}

/// The status of every thread of a process.
fn threads(child: &Child) -> Vec<Status> {
    let tasks = fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
    tasks
        .map(|task| Status::parse(&fs::read_to_string(task.unwrap().path().join("status")).unwrap()))
        .collect()
}

fn to_its_end(mut child: Child) -> Output {
    drop(child.stdin.take());
    child.wait_with_output().unwrap()
}

#[test]
fn no_thread_has_a_right_left_while_packets_are_read() {
    let bench = Bench::new();
    let policy = bench.text("policy.toml", city::BASE);
    let out = bench.path("run");
    let arguments = [
        "audit",
        "-",
        "--workers",
        "4",
        "--policy",
        policy.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    let child = in_the_middle(&arguments);
    let threads = threads(&child);
    let output = to_its_end(child);
    assert!(threads.len() > 4, "{}", threads.len());
    for status in &threads {
        let sets = [status.effective, status.permitted, status.inheritable, status.ambient];
        assert_eq!(sets, [0; 4], "{status:?}");
        assert!(status.no_new_privs && status.seccomp == 2, "{status:?}");
        // Who started without CAP_SETPCAP cannot empty it.
        let own = Status::read().unwrap();
        assert!(status.bounding == 0 || own.effective & (1 << 8) == 0, "{status:?}");
    }
    let manifest: Value = serde_json::from_slice(&fs::read(out.join("manifest.json")).unwrap()).unwrap();
    let sandbox = &manifest["sandbox"];
    assert_eq!(
        sandbox["capabilities"],
        Value::Array(Vec::new()),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(sandbox["asked"] == true && sandbox["seccomp"] == true && sandbox["no_new_privs"] == true);
}

#[test]
fn a_watch_keeps_no_right_and_still_hears_when_it_is_told_to_stop() {
    if Status::read().unwrap().effective & (1 << 13) == 0 {
        println!("SKIPPED: no right to open packet sockets");
        return;
    }
    let bench = Bench::new();
    let policy = bench.text("policy.toml", city::BASE);
    let mut child = Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .args(["watch", "-i", "lo", "--ring", "1M", "--policy", policy.to_str().unwrap()])
        .env("LC_ALL", "en_US.UTF-8")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The line that says that it begins comes when everything is open and given away.
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    let threads = threads(&child);
    let stopped = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    let code = child.wait().unwrap().code();
    assert!(!line.contains("note:") && stopped.success(), "{line}{rest}");
    for status in &threads {
        assert_eq!((status.effective, status.permitted), (0, 0), "{status:?}");
        assert!(status.no_new_privs && status.seccomp == 2, "{status:?}");
    }
    // Told to stop, not killed.
    assert!(code.is_some(), "{line}{rest}");
}

#[test]
fn root_becomes_the_user_who_was_named() {
    if !is_root() {
        return;
    }
    let bench = Bench::new();
    let policy = bench.text("policy.toml", city::BASE);
    let child = in_the_middle(&["audit", "-", "--user", "nobody", "--policy", policy.to_str().unwrap()]);
    let uids: Vec<_> = threads(&child).iter().map(|status| status.uid).collect();
    let output = to_its_end(child);
    assert!(uids.iter().all(|uid| *uid == NOBODY), "{uids:?}");
    assert_ne!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_user_who_cannot_write_the_outputs_or_does_not_exist_is_the_users_error() {
    if !is_root() {
        return;
    }
    let bench = Bench::new();
    let policy = bench.text("policy.toml", city::BASE);
    let input = bench.capture("in.pcap", &Capture::new());
    fs::set_permissions(input.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    let run = bench.path("run");
    let told = |user: &str| {
        let output = sekisho(&[
            "audit",
            "--user",
            user,
            "--policy",
            policy.to_str().unwrap(),
            "--out",
            run.to_str().unwrap(),
            input.to_str().unwrap(),
        ]);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(told("nobody").contains(run.parent().unwrap().to_str().unwrap()));
    assert!(told("no-such-user-here").contains("useradd"));
    assert!(!run.exists());
}

#[test]
fn root_reads_and_writes_where_others_are_at_home_and_says_what_it_kept_for_that() {
    if !is_root() {
        return;
    }
    let bench = Bench::new();
    let policy = bench.text("policy.toml", city::BASE);
    let home = bench.path("home");
    fs::create_dir(&home).unwrap();
    let input = home.join("in.pcap");
    many().write(&input);
    for path in [&input, &home] {
        fs::set_permissions(path, fs::Permissions::from_mode(if path.is_dir() { 0o700 } else { 0o600 }))
            .unwrap();
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let run = home.join("run");
    let arguments = [
        "audit",
        "--policy",
        policy.to_str().unwrap(),
        "--out",
        run.to_str().unwrap(),
        input.to_str().unwrap(),
    ];
    let output = sekisho(&arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let manifest: Value =
        serde_json::from_slice(&fs::read(run.join("manifest.json")).expect(&stderr)).unwrap();
    assert_eq!(manifest["sandbox"]["capabilities"], serde_json::json!(["CAP_DAC_READ_SEARCH"]), "{stderr}");
    assert!(stderr.contains("--user"), "{stderr}");
    assert!(manifest["inputs"][0]["sha256"].is_string());
}

#[test]
fn without_a_sandbox_the_second_line_says_so() {
    let bench = Bench::new();
    let policy = bench.text("policy.toml", city::BASE);
    let input = bench.capture("in.pcap", &many());
    let run = |more: &[&str]| {
        let arguments = ["audit", "--policy", policy.to_str().unwrap(), input.to_str().unwrap()];
        String::from_utf8(sekisho(&[&arguments, more].concat()).stdout).unwrap()
    };
    let (with, without) = (run(&[]), run(&["--no-sandbox"]));
    assert!(without.lines().nth(1).unwrap().contains("--no-sandbox"), "{without}");
    assert!(!with.contains("--no-sandbox"));
    let rest: Vec<_> =
        without.lines().enumerate().filter(|(line, _)| *line != 1).map(|(_, text)| text).collect();
    assert_eq!(with.lines().collect::<Vec<_>>(), rest);
}

#[test]
fn nothing_that_worked_before_fails_in_the_sandbox() {
    let bench = Bench::new();
    let policy = bench.text("policy.toml", city::BASE);
    let (folder, apart) = (bench.path("captures/deep"), bench.path("apart"));
    fs::create_dir_all(&folder).unwrap();
    fs::create_dir_all(&apart).unwrap();
    let outside = apart.join("real.pcap");
    many().write(&outside);
    symlink(&outside, folder.join("link.pcap")).unwrap();
    let packed = bench.path("packed.pcap.gz");
    pack(&outside, &packed);
    let top = bench.path("captures").display().to_string();
    let glob = format!("{}/*/*.pcap", bench.path("captures").display());
    let flows = bench.path("flows.jsonl");
    let inputs = [top, glob, packed.display().to_string(), outside.display().to_string()];
    let ways = [("-", "1"), ("/dev/stdout", "16"), (flows.to_str().unwrap(), "2")];
    for (input, (to, workers)) in inputs.iter().zip(ways.into_iter().cycle()) {
        let run = |more: &[&str]| {
            let arguments = ["flows", "-q", "--name", "x", "--workers", workers, "--out", to, input];
            let output = sekisho(&[&arguments, more].concat());
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{input} {to}: {stderr}");
            if to == flows.to_str().unwrap() { fs::read(&flows).unwrap() } else { output.stdout }
        };
        let inside = run(&[]);
        assert!(inside.len() > 10_000, "{input} {to}");
        assert!(inside == run(&["--no-sandbox"]), "{input} {to}");
    }
    let deep = bench.path("a/b/run");
    let arguments =
        ["audit", "--policy", policy.to_str().unwrap(), "--out", deep.to_str().unwrap(), &inputs[2]];
    let output = sekisho(&arguments);
    assert!(deep.join("manifest.json").exists(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A gzip member of stored blocks (RFC 1952, RFC 1951 section 3.2.4), so that no packer is needed.
fn pack(from: &Path, to: &Path) {
    let bytes = fs::read(from).unwrap();
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let blocks: Vec<_> = bytes.chunks(0xffff).collect();
    for (place, block) in blocks.iter().enumerate() {
        let len = u16::try_from(block.len()).unwrap();
        packed.push(u8::from(place + 1 == blocks.len()));
        packed.extend_from_slice(&len.to_le_bytes());
        packed.extend_from_slice(&(!len).to_le_bytes());
        packed.extend_from_slice(block);
    }
    let crc = bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    });
    packed.extend_from_slice(&(!crc).to_le_bytes());
    packed.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_le_bytes());
    fs::write(to, packed).unwrap();
}

#[test]
fn what_a_confined_process_must_not_do_fails() {
    let bench = Bench::new();
    let (read, folder, apart) = (bench.path("read"), bench.path("folder"), bench.path("apart"));
    fs::write(&read, "seen").unwrap();
    fs::write(&apart, "unseen").unwrap();
    let failed = in_a_child(|| {
        let needs = Needs { read: vec![read.clone()], folders: vec![folder.clone()], ..Needs::default() };
        let Ok(mut confined) = sandbox::confine(&needs) else { return 1 };
        let force = confined.in_force();
        if !force.no_new_privs || !force.seccomp || !force.capabilities.is_empty() {
            return 2;
        }
        // What is needed works, on a thread of its own, too.
        let reads = || {
            let read = read.clone();
            let thread = std::thread::Builder::new().spawn(move || fs::read(read).is_ok());
            thread.is_ok_and(|thread| matches!(thread.join(), Ok(true)))
        };
        if !reads() || fs::create_dir(&folder).is_err() || confined.narrow().is_err() {
            return 3;
        }
        let (part, whole) = (folder.join("a.part"), folder.join("a"));
        if fs::write(&part, "x")
            .and_then(|()| fs::rename(&part, &whole))
            .and_then(|()| fs::remove_file(&whole))
            .is_err()
        {
            return 4;
        }
        let is_refused =
            |done: std::io::Result<()>| done.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
        if !is_refused(TcpStream::connect("127.0.0.1:9").map(drop))
            || !is_refused(UdpSocket::bind("127.0.0.1:0").map(drop))
        {
            return 5;
        }
        if !is_refused(Command::new("/bin/true").status().map(drop)) {
            return 6;
        }
        if Command::new("/bin/true").exec().kind() != ErrorKind::PermissionDenied {
            return 7;
        }
        if !has_landlock() {
            return 0;
        }
        if !is_refused(File::open("/etc/passwd").map(drop)) || !is_refused(fs::read(&apart).map(drop)) {
            return 8;
        }
        // The folder above was open while the outputs had to be made, and is not any more.
        if !is_refused(fs::write(folder.parent().unwrap().join("new"), "x"))
            || !is_refused(fs::write(&read, "x"))
        {
            return 9;
        }
        0
    });
    assert_eq!(failed, 0, "the number of the step that went wrong");
    if !has_landlock() {
        println!("SKIPPED: this kernel has no Landlock, files were not tried");
    }
}

#[test]
fn a_process_with_threads_is_not_confined_by_halves() {
    // The harness has threads of its own.
    assert!(matches!(sandbox::confine(&Needs::default()), Err(sandbox::Error::Threads(count)) if count > 1));
}

fn has_landlock() -> bool {
    use sekisho::ground::model::confinement::Landlock;
    static HAS: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *HAS.get_or_init(|| matches!(sandbox::available().0, Landlock::InForce { .. }))
}

/// Runs a story in a child process of one thread and gives its answer; 255 when it did not come to an end.
fn in_a_child(story: impl FnOnce() -> u8) -> i32 {
    has_landlock();
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    // SAFETY: the child has one thread, runs the story and leaves without returning; glibc and musl keep their allocator
    // usable in it.
    #[expect(unsafe_code, reason = "the one way to a process of one thread inside a test harness")]
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(story)).unwrap_or(254);
        let _ = writer.write_all(&[answer]);
        // SAFETY: takes a number and does not return.
        #[expect(unsafe_code, reason = "leaving without the harness's own ending")]
        unsafe {
            libc::_exit(0)
        }
    }
    drop(writer);
    let mut answer = [255];
    let _ = reader.read_exact(&mut answer);
    let mut status = 0;
    // SAFETY: waits for the child made above and writes to a local.
    #[expect(unsafe_code, reason = "a child made by fork is waited for by its number")]
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(waited, child);
    i32::from(answer[0])
}
