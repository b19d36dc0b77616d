//! Where the tests play: copies that an unprivileged user can read, and the two who run the program.

use std::ffi::OsString;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use libtest_mimic::Trial;
use nix::unistd::{geteuid, getuid};
use tempfile::TempDir;

use crate::machine::test_user;

/// Who runs the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    /// root; only there when the tests were started by root.
    Root,
    /// Nobody special: `labtest`, or whoever runs the tests.
    User,
    /// root, called by that user with sudo.
    Sudo,
}

/// Everybody who can run the program in this process.
pub fn everybody() -> &'static [Person] {
    if is_root() {
        &[Person::User, Person::Root, Person::Sudo]
    } else {
        &[Person::User]
    }
}

/// Do the tests run as root?
pub fn is_root() -> bool {
    geteuid().is_root()
}

impl Person {
    /// For the names of tests.
    pub fn name(self) -> &'static str {
        match self {
            Person::Root => "root",
            Person::User => "user",
            Person::Sudo => "sudo",
        }
    }

    /// Whose files the program is to leave: uid and gid.
    pub fn ids(self) -> (u32, u32) {
        match self {
            Person::Root => (0, 0),
            Person::User | Person::Sudo => user(),
        }
    }

    /// What comes before a program's name, so that it is this person who runs it.
    pub fn prefix(self) -> Vec<OsString> {
        if self != Person::User || !is_root() {
            return vec![];
        }
        let (uid, gid) = user();
        let ids = [format!("--reuid={uid}"), format!("--regid={gid}")];
        let mut prefix = vec![OsString::from("setpriv")];
        prefix.extend(ids.map(OsString::from));
        prefix.extend(["--clear-groups", "--"].map(OsString::from));
        prefix
    }
}

/// The unprivileged user's ids.
fn user() -> (u32, u32) {
    if !is_root() {
        return (getuid().as_raw(), nix::unistd::getgid().as_raw());
    }
    test_user()
}

/// What everybody can read: the program and the scenarios.
struct Stage {
    folder: TempDir,
}

static STAGE: OnceLock<Mutex<Option<Stage>>> = OnceLock::new();

/// The folder of this test program, made when it is first asked for.
fn stage() -> PathBuf {
    let mut stage = STAGE
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(|e| e.into_inner());
    let stage = stage.get_or_insert_with(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        open_to_all(folder.path());
        let binary = Path::new(env!("CARGO_BIN_EXE_lab-capture"));
        let copy = folder.path().join("lab-capture");
        // Linked where that is possible: a debug build is large.
        if std::fs::hard_link(binary, &copy).is_err() {
            std::fs::copy(binary, &copy).expect("the program can be copied");
        }
        copy_folder(
            &repository().join("scenarios"),
            &folder.path().join("scenarios"),
        );
        Stage { folder }
    });
    stage.folder.path().to_owned()
}

/// Takes the stage away.
pub fn remove() {
    let stage = STAGE.get().and_then(|stage| stage.lock().ok()?.take());
    if let Some(stage) = stage {
        stage
            .folder
            .close()
            .expect("the temporary folder can be removed");
    }
}

/// The repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The built program, where everybody can read it.
pub fn binary() -> PathBuf {
    stage().join("lab-capture")
}

/// The repository's scenarios with their snapshots, where everybody can read them.
pub fn scenarios() -> PathBuf {
    stage().join("scenarios")
}

/// An empty folder that belongs to the person.
pub fn folder_of(person: Person) -> TempDir {
    let folder = tempfile::Builder::new()
        .prefix(person.name())
        .tempdir_in(stage())
        .expect("a temporary folder");
    if is_root() {
        let (uid, gid) = person.ids();
        chown(folder.path(), Some(uid), Some(gid)).expect("root can give a folder away");
    }
    folder
}

/// Copies a folder, readable by everybody.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap_or_else(|e| panic!("{}: {e}", to.display()));
    open_to_all(to);
    for entry in std::fs::read_dir(from).unwrap_or_else(|e| panic!("{}: {e}", from.display())) {
        let path = entry.expect("a folder's entry").path();
        let target = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let executable = path
                .metadata()
                .is_ok_and(|m| m.permissions().mode() & 0o111 != 0);
            let mode = if executable { 0o755 } else { 0o644 };
            std::fs::set_permissions(&target, PermissionsExt::from_mode(mode)).expect("our file");
        }
    }
}

fn open_to_all(folder: &Path) {
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).expect("our folder");
}

/// For those who are not root: the whole program once more as root, through sudo. Without it these
/// tests are not run, which is said, and in CI is a failure.
pub fn as_root() -> Vec<Trial> {
    if is_root() {
        return vec![];
    }
    let asked = Command::new("sudo").args(["-n", "true"]).output();
    let able = asked.is_ok_and(|output| output.status.success());
    let ci = std::env::var_os("CI").is_some();
    let trial = Trial::test("all_of_it_as_root", move || {
        if !able {
            return Err(
                "these tests need root: run them as root, or let sudo ask no password".into(),
            );
        }
        // What sudo takes out of the environment and the tests need; insta would ask cargo.
        let kept = ["PATH", "CI"].map(|name| (name, std::env::var(name).unwrap_or_default()));
        let kept = kept.map(|(name, value)| format!("{name}={value}"));
        let status = Command::new("sudo")
            .args(["-n", "env"])
            .args(kept)
            .arg(format!("INSTA_WORKSPACE_ROOT={}", repository().display()))
            .arg(std::env::current_exe()?)
            .current_dir(repository())
            .status()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("as root: {status}").into())
        }
    });
    vec![trial.with_ignored_flag(!able && !ci)]
}
