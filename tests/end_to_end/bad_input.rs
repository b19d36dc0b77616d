//! What people get wrong, each with its message and its exit code.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use libtest_mimic::Trial;

use crate::machine::on_a_machine_of_its_own;
use crate::program::{Outcome, assert_snapshot, lab_capture, run, run_as};
use crate::scenarios::path;
use crate::stage::{self, Person, folder_of, is_root};

pub fn trials() -> Vec<Trial> {
    let mut trials = files();
    trials.extend(crate::trials![
        unreadable_file,
        missing_file,
        empty_file,
        noise,
        ten_megabytes_of_noise,
        a_folder_without_scenarios,
        nothing_matches_the_filter,
        two_wrong_files_are_both_reported,
        unknown_option,
        no_path,
        wrong_number,
        unknown_format,
        no_permission_to_capture,
        captures_not_writable,
        captures_is_a_file,
        a_capture_file_that_is_none,
        a_capture_file_that_is_missing,
        an_empty_capture_file,
        a_capture_file_of_noise,
        a_capture_file_cut_off_in_a_frame,
    ]);
    if is_root() {
        trials.extend(crate::trials![
            port_in_use,
            disk_full,
            no_room_for_frames,
            a_failure_is_not_lost_on_a_full_disk,
        ]);
    }
    trials
}

const SERVER: &str = "[server]\nkind = \"select\"\nlisten = \"127.0.0.1:5000\"\n";

/// Files that are wrong: the test's name, the file, a word that the message must hold.
fn files() -> Vec<Trial> {
    let cases: Vec<(&str, String, &str)> = vec![
        ("unknown_key", SERVER.replace("listen", "lisen"), "`listen`"),
        (
            "unknown_table",
            format!("{SERVER}\n[[clients]]\nsteps = [\"connect\"]\n"),
            "`client`",
        ),
        (
            "unknown_step",
            format!("{SERVER}\n[[client]]\nsteps = [\"conect\", \"close\"]\n"),
            "`connect`",
        ),
        (
            "unknown_kind",
            SERVER.replace("select", "selct"),
            "`select`",
        ),
        (
            "wrong_type",
            format!("{SERVER}\n[[client]]\ncount = \"three\"\nsteps = [\"connect\", \"close\"]\n"),
            "count",
        ),
        (
            "out_of_range",
            SERVER.replace("5000", "50000000"),
            "50000000",
        ),
        (
            "no_server",
            "[[client]]\nsteps = [\"connect\", \"close\"]\n".to_owned(),
            "server",
        ),
        (
            "two_clients_of_one_name",
            format!(
                "{SERVER}\n[[client]]\nname = \"anna\"\nsteps = [\"connect\", \"close\"]\n\n\
                 [[client]]\nname = \"anna\"\nsteps = [\"connect\", \"close\"]\n"
            ),
            "anna",
        ),
        (
            "two_servers_at_one_address",
            format!(
                "{}\n{}",
                SERVER.replace("[server]", "[[server]]\nname = \"one\""),
                SERVER.replace("[server]", "[[server]]\nname = \"two\"")
            ),
            "5000",
        ),
        (
            "send_before_connect",
            format!("{SERVER}\n[[client]]\nsteps = [{{ send = \"hello\" }}, \"connect\"]\n"),
            "connect",
        ),
        (
            "send_after_close",
            format!(
                "{SERVER}\n[[client]]\nsteps = [\"connect\", \"close\", {{ send = \"hello\" }}]\n"
            ),
            "close",
        ),
        (
            "send_after_shutdown",
            format!(
                "{SERVER}\n[[client]]\nsteps = [\"connect\", \"shutdown-write\", {{ send = \"hello\" }}]\n"
            ),
            "shutdown",
        ),
        (
            "wait_for_an_unknown_actor",
            format!(
                "{SERVER}\n[[client]]\nsteps = [\"connect\", \
                 {{ wait = {{ actor = \"sever\", event = \"accept\" }} }}]\n"
            ),
            "`server`",
        ),
        (
            "syntax",
            format!("{SERVER}\n[[client]]\nsteps = [\"connect\", \"close\"\n"),
            "error",
        ),
    ];
    let trial = |(name, text, word): (&'static str, String, &'static str)| {
        Trial::test(format!("bad_input::{name}"), move || {
            wrong_file(name, &text, word);
            Ok(())
        })
    };
    cases.into_iter().map(trial).collect()
}

fn wrong_file(name: &str, text: &str, word: &str) {
    let folder = folder_of(Person::User);
    std::fs::write(folder.path().join("wrong.toml"), text).expect("our folder");
    let outcome = user(folder.path(), &["wrong.toml"]);
    refused(&outcome, 2, name, folder.path());
    assert!(
        outcome.stderr.contains(word),
        "{word} in {}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("wrong.toml"), "{}", outcome.stderr);
    assert!(!folder.path().join("captures").exists(), "nothing was run");
}

fn user(folder: &Path, arguments: &[&str]) -> Outcome {
    run(lab_capture(Person::User, folder).args(arguments))
}

/// Exit code, message on standard error, and both as they were accepted.
#[track_caller]
fn refused(outcome: &Outcome, code: i32, name: &str, folder: &Path) {
    outcome.exits(code);
    let text = outcome.text();
    assert!(
        !outcome.stderr.is_empty() || !outcome.stdout.is_empty(),
        "no message: {text}"
    );
    assert!(!text.contains('\x1b'), "no colour into a pipe: {text:?}");
    assert_snapshot(name, &outcome.redacted(folder));
}

fn unreadable_file() {
    let folder = folder_of(Person::User);
    let file = folder.path().join("secret.toml");
    std::fs::write(&file, SERVER).expect("our folder");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o000)).expect("our file");
    refused(
        &user(folder.path(), &["secret.toml"]),
        2,
        "unreadable_file",
        folder.path(),
    );
}

fn missing_file() {
    let folder = folder_of(Person::User);
    refused(
        &user(folder.path(), &["nowhere.toml"]),
        2,
        "missing_file",
        folder.path(),
    );
}

fn empty_file() {
    let folder = folder_of(Person::User);
    std::fs::write(folder.path().join("empty.toml"), "").expect("our folder");
    refused(
        &user(folder.path(), &["empty.toml"]),
        2,
        "empty_file",
        folder.path(),
    );
}

/// The same noise every time.
fn write_noise(file: &Path, len: usize) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = vec![0xff];
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    std::fs::write(file, bytes).expect("our folder");
}

fn noise() {
    let folder = folder_of(Person::User);
    write_noise(&folder.path().join("noise.toml"), 100_000);
    refused(
        &user(folder.path(), &["noise.toml"]),
        2,
        "noise",
        folder.path(),
    );
}

fn ten_megabytes_of_noise() {
    let folder = folder_of(Person::User);
    write_noise(&folder.path().join("noise.toml"), 10 << 20);
    let outcome = user(folder.path(), &["noise.toml"]);
    refused(&outcome, 2, "ten_megabytes_of_noise", folder.path());
}

fn a_folder_without_scenarios() {
    let folder = folder_of(Person::User);
    std::fs::create_dir(folder.path().join("nothing")).expect("our folder");
    let outcome = user(folder.path(), &["nothing"]);
    refused(&outcome, 2, "a_folder_without_scenarios", folder.path());
}

fn nothing_matches_the_filter() {
    let folder = folder_of(Person::User);
    let scenarios = stage::scenarios();
    let outcome = user(
        folder.path(),
        &[
            "--filter",
            "no such name",
            scenarios.to_str().expect("UTF-8"),
        ],
    );
    refused(&outcome, 2, "nothing_matches_the_filter", folder.path());
}

fn two_wrong_files_are_both_reported() {
    let folder = folder_of(Person::User);
    let wrong = SERVER.replace("listen", "lisen");
    for name in ["one.toml", "two.toml"] {
        std::fs::write(folder.path().join(name), &wrong).expect("our folder");
    }
    let outcome = user(folder.path(), &["one.toml", "two.toml"]);
    refused(&outcome, 2, "two_wrong_files", folder.path());
    assert!(outcome.stderr.contains("one.toml") && outcome.stderr.contains("two.toml"));
}

fn unknown_option() {
    let folder = folder_of(Person::User);
    let outcome = user(folder.path(), &["--acept", "close.toml"]);
    refused(&outcome, 2, "unknown_option", folder.path());
}

fn no_path() {
    let folder = folder_of(Person::User);
    refused(&user(folder.path(), &["run"]), 2, "no_path", folder.path());
}

fn wrong_number() {
    let folder = folder_of(Person::User);
    let outcome = user(folder.path(), &["--repeat", "0", "close.toml"]);
    refused(&outcome, 2, "wrong_number", folder.path());
}

fn unknown_format() {
    let folder = folder_of(Person::User);
    let outcome = user(folder.path(), &["--format", "pcapgn", "close.toml"]);
    refused(&outcome, 2, "unknown_format", folder.path());
}

fn no_permission_to_capture() {
    let folder = folder_of(Person::User);
    let close = path("close");
    let outcome = user(
        folder.path(),
        &["--on", "host", close.to_str().expect("UTF-8")],
    );
    refused(&outcome, 3, "no_permission_to_capture", folder.path());
}

/// A run that cannot export is an error that names the place, whoever runs it.
fn captures_not_writable() {
    let folder = folder_of(Person::User);
    // Not the person's own: in a user namespace one's own files are always writable.
    let closed = if is_root() {
        tempfile::tempdir_in(folder.path())
            .expect("our folder")
            .keep()
    } else {
        "/usr".into()
    };
    let outcome = run(lab_capture(Person::User, folder.path())
        .arg("--capture-dir")
        .arg(&closed)
        .arg(path("close")));
    outcome.exits(3);
    // Where the lines break depends on the folder's name.
    let words: Vec<&str> = outcome.stdout.split_whitespace().collect();
    let text = words
        .join(" ")
        .replace(closed.to_str().expect("UTF-8"), "[CLOSED FOLDER]");
    let times = regex::Regex::new(r"\d+ ms").expect("a pattern");
    let text = times.replace_all(&text, "[TIME]");
    assert_snapshot("captures_not_writable", &text);
}

fn captures_is_a_file() {
    let folder = folder_of(Person::User);
    std::fs::write(folder.path().join("captures"), "").expect("our folder");
    let close = path("close");
    let outcome = user(folder.path(), &[close.to_str().expect("UTF-8")]);
    refused(&outcome, 3, "captures_is_a_file", folder.path());
}

/// `show` of a file with these bytes.
fn show(bytes: &[u8]) -> (Outcome, tempfile::TempDir) {
    let folder = folder_of(Person::User);
    std::fs::write(folder.path().join("some.pcap"), bytes).expect("our folder");
    let outcome = user(folder.path(), &["show", "some.pcap"]);
    (outcome, folder)
}

fn a_capture_file_that_is_none() {
    let (outcome, folder) = show(b"[server]\nkind = \"select\"\n");
    refused(&outcome, 2, "a_capture_file_that_is_none", folder.path());
}

fn a_capture_file_that_is_missing() {
    let folder = folder_of(Person::User);
    let outcome = user(folder.path(), &["show", "nowhere.pcap"]);
    refused(&outcome, 2, "a_capture_file_that_is_missing", folder.path());
}

fn an_empty_capture_file() {
    let (outcome, folder) = show(b"");
    refused(&outcome, 2, "an_empty_capture_file", folder.path());
}

fn a_capture_file_of_noise() {
    let folder = folder_of(Person::User);
    write_noise(&folder.path().join("some.pcap"), 10 << 20);
    let outcome = user(folder.path(), &["show", "some.pcap"]);
    refused(&outcome, 2, "a_capture_file_of_noise", folder.path());
}

/// What is whole is shown; what is not is said.
fn a_capture_file_cut_off_in_a_frame() {
    let whole = std::fs::read(stage::repository().join("captures/samples/refused.pcap"));
    let whole = whole.expect("a sample");
    let (outcome, folder) = show(&whole[..whole.len() - 10]);
    assert!(outcome.stdout.contains("1 frame"), "{}", outcome.text());
    assert!(outcome.stderr.contains("some.pcap"), "{}", outcome.text());
    assert_snapshot("a_capture_file_cut_off", &outcome.redacted(folder.path()));
}

fn port_in_use() {
    let folder = folder_of(Person::Root);
    let outcome = on_a_machine_of_its_own(|| {
        let _taken = TcpListener::bind("127.0.0.1:5000").expect("a free port");
        run(lab_capture(Person::Root, folder.path())
            .args(["--on", "host"])
            .arg(path("close")))
    });
    refused(&outcome, 3, "port_in_use", folder.path());
}

/// Runs `bulk.toml` with captures on a disk of this size, in a mount namespace of its own.
fn on_a_small_disk(folder: &Path, size: &str, options: &[&str]) -> Outcome {
    let script = format!(
        "set -e; mkdir captures; mount -t tmpfs -o size={size} none captures; \
         \"$@\" || code=$?; ls -A captures >&2; exit ${{code:-0}}"
    );
    run(run_as(Person::Root, folder, "unshare")
        .args([
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            &script,
            "sh",
        ])
        .arg(stage::binary())
        .arg("bulk.toml")
        .args(options))
}

/// Frames that are too many for memory, and a disk that does not take them.
fn no_room_for_frames() {
    let folder = folder_of(Person::Root);
    let text = format!(
        "{SERVER}handler = \"sink\"\n\n[[client]]\nsteps = [\"connect\", {{ send = {{ pattern = 30000000 }} }}, \
         \"close\"]\n\n[expect]\nsnapshot = false\n"
    );
    std::fs::write(folder.path().join("bulk.toml"), text).expect("our folder");
    let outcome = on_a_small_disk(folder.path(), "4m", &["--memory", "2"]);
    outcome.exits(4);
    let text = outcome.text();
    for words in ["only headers were kept", "No space left on device"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

/// What the frames prove stays proven, though they cannot be written.
fn a_failure_is_not_lost_on_a_full_disk() {
    let folder = folder_of(Person::Root);
    let text = format!(
        "{SERVER}handler = \"sink\"\n\n[[client]]\nsteps = [\"connect\", {{ send = {{ pattern = 200000 }} }}, \
         \"close\"]\n\n[expect]\nsnapshot = false\nclosed-by = \"server\"\n"
    );
    std::fs::write(folder.path().join("bulk.toml"), text).expect("our folder");
    let outcome = on_a_small_disk(folder.path(), "64k", &[]);
    outcome.exits(1);
    let text = outcome.text();
    for words in ["closed-by", "no space left to write"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

/// A disk of 64 KiB, in a mount namespace of its own, and an exchange of 200 KB.
fn disk_full() {
    let folder = folder_of(Person::Root);
    let text = format!(
        "{SERVER}handler = \"sink\"\n\n[[client]]\nsteps = [\"connect\", {{ send = {{ pattern = 200000 }} }}, \"close\"]\n\
         \n[expect]\nsnapshot = false\n"
    );
    std::fs::write(folder.path().join("bulk.toml"), text).expect("our folder");
    let outcome = on_a_small_disk(folder.path(), "64k", &[]);
    refused(&outcome, 3, "disk_full", folder.path());
    assert!(
        outcome.text().contains("no space left"),
        "{}",
        outcome.text()
    );
}
