//! Every scenario of the repository through the built program, with its snapshot: as an
//! unprivileged user, as root, under sudo, and on the machine's own `lo`.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use lab_capture::scenario::{Scenario, load};
use libtest_mimic::Trial;

use crate::machine::on_a_machine_of_its_own;
use crate::program::{Outcome, lab_capture, run, tool};
use crate::stage::{self, Person, everybody, folder_of, is_root};

/// All of them, from the folder: a new file is tested because it is there.
pub fn all() -> Vec<String> {
    let mut names = vec![];
    collect(
        &stage::repository().join("scenarios"),
        Path::new(""),
        &mut names,
    );
    names.sort();
    assert!(names.len() >= 9, "scenarios/ holds {names:?} only");
    names
}

fn collect(folder: &Path, below: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("scenarios/ is readable") {
        let path = entry.expect("a folder's entry").path();
        let below = below.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            collect(&path, &below, names);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            names.push(below.with_extension("").display().to_string());
        }
    }
}

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![];
    for &person in everybody() {
        for name in all() {
            trials.push(Trial::test(
                format!("scenarios::{}::{name}", person.name()),
                move || {
                    isolated(person, &name);
                    Ok(())
                },
            ));
        }
    }
    if is_root() {
        for name in all() {
            trials.push(Trial::test(format!("scenarios::host::{name}"), move || {
                on_host(&name);
                Ok(())
            }));
        }
        trials.extend(crate::trials![the_real_loopback_interface]);
    }
    for name in all() {
        trials.push(Trial::test(format!("scenarios::ipv6::{name}"), move || {
            over_ipv6(&name);
            Ok(())
        }));
    }
    trials.extend(crate::trials![the_whole_folder]);
    trials
}

/// The scenario's file in the repository's copy.
pub fn path(name: &str) -> PathBuf {
    stage::scenarios().join(format!("{name}.toml"))
}

fn isolated(person: Person, name: &str) {
    let folder = folder_of(person);
    let captures = folder.path().join("new/captures");
    let outcome = run(lab_capture(person, folder.path())
        .arg(path(name))
        .arg("--capture-dir")
        .arg(&captures));
    passed(&outcome, name);
    for made in [folder.path().join("new"), captures.clone()] {
        belongs(&made, person);
    }
    let exported: Vec<_> = std::fs::read_dir(&captures)
        .expect("the folder was made")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    let stem = Path::new(name).file_stem().expect("a name");
    let pcap = captures.join(stem).with_extension("pcap");
    assert!(exported.contains(&pcap), "{exported:?}");
    for file in exported {
        // The recorded durations stay, for shards; nothing else that is hidden does.
        let hidden = file
            .file_name()
            .is_some_and(|n| n.as_encoded_bytes()[0] == b'.' && n != ".durations.json");
        assert!(!hidden, "{} is left over", file.display());
        belongs(&file, person);
    }
}

/// The same flows over `::1`, and not a frame of the other kind.
fn over_ipv6(name: &str) {
    let folder = folder_of(Person::User);
    let outcome = run(lab_capture(Person::User, folder.path())
        .arg("--ipv6")
        .arg(path(name)));
    passed(&outcome, name);
    let stem = Path::new(name).file_stem().expect("a name");
    let pcap = folder
        .path()
        .join("captures")
        .join(stem)
        .with_extension("pcap");
    let read = ["-n", "-r", pcap.to_str().expect("UTF-8"), "-Y", "!ipv6"];
    assert_eq!(tool("tshark", &read), "", "frames without IPv6");
}

fn passed(outcome: &Outcome, name: &str) {
    outcome.exits(0);
    let stem = name.rsplit('/').next().unwrap_or(name);
    let verdict = outcome.stdout.lines().last().unwrap_or_default();
    assert!(
        verdict.starts_with(&format!("{stem}: passed")) && verdict.contains("0 drops"),
        "{}",
        outcome.text()
    );
    assert_eq!(outcome.stderr, "", "nothing to complain about");
}

fn belongs(path: &Path, person: Person) {
    let metadata = path
        .metadata()
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let owner = (metadata.uid(), metadata.gid());
    assert_eq!(owner, person.ids(), "owner of {}", path.display());
}

fn the_whole_folder() {
    let folder = folder_of(Person::User);
    let outcome = run(lab_capture(Person::User, folder.path()).arg(stage::scenarios()));
    outcome.exits(0);
    let count = all().len();
    assert!(
        outcome
            .stdout
            .contains(&format!("\n{count} scenarios: {count} passed ")),
        "{}",
        outcome.text()
    );
    let exported = std::fs::read_dir(folder.path().join("captures")).expect("the default folder");
    assert!(exported.count() >= count);
}

fn on_host(name: &str) {
    let scenario: Scenario = load(&path(name)).unwrap_or_else(|e| panic!("{e}"));
    let changes_the_machine =
        scenario.link.mtu.is_some() || !scenario.link.offload || !scenario.sysctl.is_empty();
    let folder = folder_of(Person::Root);
    let outcome = on_a_machine_of_its_own(|| {
        run(lab_capture(Person::Root, folder.path())
            .args(["--on", "host"])
            .arg(path(name)))
    });
    if changes_the_machine {
        // Refused, for the machine's sake.
        outcome.exits(3);
        let text = outcome.text();
        assert!(
            text.contains("changes the network of the whole machine"),
            "{text}"
        );
    } else {
        passed(&outcome, name);
    }
}

/// Two runs on the machine's `lo` would see each other's sentinels as foreign: one at a time.
static REAL: Mutex<()> = Mutex::new(());

fn the_real_loopback_interface() {
    let _alone = REAL.lock();
    let folder = folder_of(Person::Root);
    // Below the ports that the kernel gives to clients, and not the one everybody takes.
    let port = 20_000 + std::process::id() % 10_000;
    let text = std::fs::read_to_string(path("close")).expect("our copy");
    let text = text.replace("127.0.0.1:5000", &format!("127.0.0.1:{port}"));
    std::fs::write(folder.path().join("close.toml"), text).expect("our folder");
    stage::copy_folder(
        &stage::scenarios().join("snapshots"),
        &folder.path().join("snapshots"),
    );
    let outcome =
        run(lab_capture(Person::Root, folder.path()).args(["--on", "host", "close.toml"]));
    passed(&outcome, "close");
}
