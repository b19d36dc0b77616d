//! Where commands of the documents run, and as whom.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::Trial;
use nix::unistd::geteuid;
use tempfile::TempDir;

use crate::block::repository;
use crate::machine::{TEST_USER, test_user};

/// A folder with what a reader has after `git clone`, as far as the commands need it, and the
/// program in `bin/`.
pub struct Stage {
    folder: TempDir,
}

/// Do the tests run as root?
pub fn is_root() -> bool {
    geteuid().is_root()
}

impl Stage {
    /// A new one, of the unprivileged user.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let stage = Stage { folder };
        give(stage.folder.path(), 0o755);
        let bin = stage.folder.path().join("bin");
        std::fs::create_dir(&bin).expect("our folder");
        give(&bin, 0o755);
        let binary = Path::new(env!("CARGO_BIN_EXE_lab-capture"));
        let copy = bin.join("lab-capture");
        // Linked where that is possible: a debug build is large. A link's owner is the build's.
        if std::fs::hard_link(binary, &copy).is_err() {
            std::fs::copy(binary, &copy).expect("the program can be copied");
        }
        copy_folder(
            &repository().join("scenarios"),
            &stage.path().join("scenarios"),
        );
        stage
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of the reader's.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            std::fs::create_dir_all(folder).expect("our folder");
            give(folder, 0o755);
        }
        std::fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        give(&path, 0o644);
        path
    }

    /// A command line as a shell would run it in this folder: as root behind `sudo`, else as the
    /// unprivileged user.
    pub fn shell(&self, line: &str) -> Command {
        let (uid, gid) = test_user();
        let mut command;
        match line.strip_prefix("sudo ") {
            Some(rest) => {
                command = Command::new("sh");
                command.args(["-c", &format!("exec {rest}")]);
                command
                    .env("SUDO_UID", uid.to_string())
                    .env("SUDO_GID", gid.to_string())
                    .env("SUDO_USER", TEST_USER);
            }
            None => {
                command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={uid}"))
                    .arg(format!("--regid={gid}"))
                    .args(["--clear-groups", "--", "sh", "-c"])
                    // One process, so that a signal reaches the program itself.
                    .arg(if line.contains(['|', ';', '&', '>']) {
                        line.to_owned()
                    } else {
                        format!("exec {line}")
                    });
            }
        }
        let path = std::env::var("PATH").unwrap_or_default();
        let bin = self.path().join("bin");
        command
            .current_dir(self.path())
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("HOME", self.path())
            .env("TMPDIR", self.path())
            .env_remove("CI")
            .env_remove("GITHUB_ACTIONS")
            .env_remove("DOCS")
            .stdin(Stdio::null());
        command
    }
}

fn give(path: &Path, mode: u32) {
    let (uid, gid) = test_user();
    chown(path, Some(uid), Some(gid)).expect("root can give a file away");
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("our file");
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap_or_else(|e| panic!("{}: {e}", to.display()));
    give(to, 0o755);
    for entry in std::fs::read_dir(from).unwrap_or_else(|e| panic!("{}: {e}", from.display())) {
        let path = entry.expect("a folder's entry").path();
        let target = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            give(&target, 0o644);
        }
    }
}

/// For those who are not root: this program once more, through sudo. Where sudo asks for a password
/// it is not run, which is said; in CI that is a failure.
pub fn as_root() -> Trial {
    let asked = Command::new("sudo").args(["-n", "true"]).output();
    let able = asked.is_ok_and(|output| output.status.success());
    let ci = std::env::var_os("CI").is_some();
    let trial = Trial::test("documents_as_root", move || {
        if !able {
            let why = "these tests need root: run them as root, or let sudo ask no password";
            return Err(why.into());
        }
        let status = Command::new("sudo")
            .args(["-n", "--preserve-env=PATH,CI,DOCS", "--"])
            .arg(std::env::current_exe()?)
            .current_dir(repository())
            .status()?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("as root: {status}").into()),
        }
    });
    trial.with_ignored_flag(!able && !ci)
}
