//! Command lines of those who are compared.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder for the files of one call, removed at its end.
pub struct Stage(pub PathBuf);

impl Stage {
    pub fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("lab-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        Stage(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }

    /// `lab-capture ARGUMENTS`, captures into the stage, no snapshot written.
    pub fn ours(&self, arguments: &[&str]) -> Vec<String> {
        let mut command = vec![env!("CARGO_BIN_EXE_lab-capture").to_owned()];
        command.extend(arguments.iter().map(|a| (*a).to_owned()));
        command.extend(["--capture-dir".to_owned(), self.path("captures")]);
        command
    }

    /// The bare floor of the kernel.
    pub fn floor(&self, runs: usize, jobs: usize) -> Vec<String> {
        let myself = std::env::current_exe().expect("the path of this program");
        let myself = myself.to_string_lossy().into_owned();
        vec![myself, FLOOR.to_owned(), runs.to_string(), jobs.to_string()]
    }

    /// The shell pipeline.
    pub fn pipeline(&self) -> Vec<String> {
        let script = root().join("benches/pipeline/run.sh");
        let script = script.to_string_lossy().into_owned();
        let words = ["unshare", "--net", "--", &script, &self.path("pipeline")];
        words.map(str::to_owned).to_vec()
    }

    /// `count` small scenarios in a folder, each with its snapshot: copies of rows of `scenarios/`
    /// that wait for nothing but the kernel.
    pub fn suite(&self, count: usize) -> String {
        const ROWS: [&str; 10] = [
            "close",
            "echo",
            "half-close",
            "refused",
            "reset",
            "server-closes",
            "sink",
            "three-clients",
            "unread",
            "nobody",
        ];
        let folder = self.0.join(format!("suite-{count}"));
        fs::create_dir_all(folder.join("snapshots")).expect("a folder");
        for number in 0..count {
            let row = ROWS[number % ROWS.len()];
            let name = format!("{row}-{number:05}");
            let from = root().join("scenarios");
            let copy = |from: PathBuf, to: PathBuf| {
                fs::copy(&from, &to).unwrap_or_else(|e| panic!("{}: {e}", from.display()));
            };
            copy(
                from.join(format!("{row}.toml")),
                folder.join(format!("{name}.toml")),
            );
            copy(
                from.join(format!("snapshots/{row}.snap")),
                folder.join(format!("snapshots/{name}.snap")),
            );
        }
        folder.to_string_lossy().into_owned()
    }

    /// A scenario written into the stage.
    pub fn scenario(&self, name: &str, text: &str) -> String {
        let path = self.0.join(format!("{name}.toml"));
        fs::write(&path, text).expect("a file in the temporary folder");
        path.to_string_lossy().into_owned()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The word with which this program is started again as the floor.
pub const FLOOR: &str = "__floor";

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A scenario of the repository.
pub fn scenario(name: &str) -> String {
    let path = root().join(format!("scenarios/{name}.toml"));
    path.to_string_lossy().into_owned()
}
