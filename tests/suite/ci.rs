//! The examples of `docs/ci/`: their command lines are taken out and run with the built binary.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::util::{Stage, records};

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/ci")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The lines of a file that run lab-capture, without what YAML or sudo put before them.
fn commands(text: &str) -> Vec<String> {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let commands = lines.filter_map(|line| {
        let line = line.trim().trim_start_matches("- ");
        let at = line.find("lab-capture ")?;
        let before = line[..at].trim();
        // `sudo --option`, not `sudo install`.
        let mut words = before.split_whitespace().skip(1);
        let runs = before.is_empty()
            || before.starts_with("sudo ") && words.all(|word| word.starts_with('-'));
        runs.then(|| line[at..].to_owned())
    });
    commands.collect()
}

fn stage() -> Stage {
    let stage = Stage::new();
    for number in 0..9 {
        stage.echo(&format!("s{number}"), "hello");
    }
    stage
}

/// Runs a command line as the CI system would, with these variables; it must succeed.
fn run(stage: &Stage, line: &str, variables: &BTreeMap<&str, String>) {
    let binary = Path::new(env!("CARGO_BIN_EXE_lab-capture"));
    let folder = binary.parent().expect("a folder").to_string_lossy();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
    let mut command: Command = stage.command(&[]);
    let directory = command.get_current_dir().map(Path::to_owned);
    command = Command::new("sh");
    command
        .args(["-e", "-c", line])
        .env("PATH", path)
        .env("CI", "true");
    command
        .envs(variables)
        .current_dir(directory.expect("the stage"));
    command.env_remove("GITHUB_ACTIONS");
    let output = command.output().expect("sh");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}\n{said}");
}

/// The merged JSON report tells of every scenario once.
fn whole(stage: &Stage) {
    let all = records(&stage.path("all.jsonl"));
    let mut names: Vec<&str> = all
        .iter()
        .filter(|record| record["type"] == "verdict")
        .filter_map(|record| record["scenario"].as_str())
        .collect();
    names.sort_unstable();
    let wanted: Vec<String> = (0..9).map(|n| format!("s{n}")).collect();
    assert_eq!(names, wanted);
}

#[test]
fn github_actions() {
    let stage = stage();
    let commands = commands(&example("github-actions.yml"));
    let (run_lines, merge_lines): (Vec<_>, Vec<_>) =
        commands.iter().partition(|line| !line.contains(" merge "));
    assert_eq!((run_lines.len(), merge_lines.len()), (1, 3), "{commands:?}");
    for shard in ["1", "2", "3", "4"] {
        let line = run_lines[0].replace("${{ matrix.shard }}", shard);
        run(&stage, &line, &BTreeMap::new());
    }
    for line in merge_lines {
        run(&stage, line, &BTreeMap::new());
    }
    whole(&stage);
    let junit = fs::read_to_string(stage.path("junit.xml")).unwrap();
    assert!(junit.contains(r#"tests="9""#), "{junit}");
    assert!(stage.path("captures/.durations.json").exists());
}

#[test]
fn gitlab() {
    let stage = stage();
    let commands = commands(&example("gitlab-ci.yml"));
    let (run_lines, merge_lines): (Vec<_>, Vec<_>) =
        commands.iter().partition(|line| !line.contains(" merge "));
    assert_eq!((run_lines.len(), merge_lines.len()), (1, 2), "{commands:?}");
    for index in 1..=4 {
        let variables = BTreeMap::from([
            ("CI_NODE_INDEX", index.to_string()),
            ("CI_NODE_TOTAL", "4".to_owned()),
        ]);
        run(&stage, run_lines[0], &variables);
    }
    for line in merge_lines {
        run(&stage, line, &BTreeMap::new());
    }
    whole(&stage);
}

#[test]
fn kubernetes() {
    let stage = stage();
    let text = example("kubernetes-job.yaml");
    let commands = commands(&text);
    assert_eq!(commands.len(), 1, "{commands:?}");
    let number_after = |key: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(key));
        line.expect(key)
            .trim()
            .trim_matches('"')
            .parse::<usize>()
            .expect("a number")
    };
    // The manifest says twice how many there are.
    let completions = number_after("completions:");
    let shards = text
        .split("LAB_CAPTURE_SHARDS")
        .nth(1)
        .expect("the variable");
    assert!(
        shards
            .trim_start()
            .starts_with(&format!("value: \"{completions}\""))
    );
    fs::create_dir(stage.path("out")).unwrap();
    for index in 0..completions {
        let variables = BTreeMap::from([
            ("JOB_COMPLETION_INDEX", index.to_string()),
            ("LAB_CAPTURE_SHARDS", completions.to_string()),
        ]);
        run(&stage, &commands[0], &variables);
    }
    let merge = "lab-capture merge --junit junit.xml out/junit-*.xml";
    assert!(text.contains(merge), "the manifest says how to merge");
    run(&stage, merge, &BTreeMap::new());
    let merge = "lab-capture merge --json all.jsonl out/*.jsonl";
    run(&stage, merge, &BTreeMap::new());
    whole(&stage);
}

/// Read by a real YAML parser; `make test` installs it.
#[test]
fn the_yaml_is_yaml() {
    for name in ["github-actions.yml", "gitlab-ci.yml", "kubernetes-job.yaml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("docs/ci")
            .join(name);
        let read = "import sys, yaml; assert isinstance(yaml.safe_load(open(sys.argv[1])), dict)";
        let status = Command::new("python3")
            .args(["-c", read])
            .arg(&path)
            .status();
        assert!(
            status.expect("python3").success(),
            "{name} (needs python3-yaml)"
        );
    }
}

/// The binary builds from what the image copies and nothing else.
#[test]
fn the_containerfile_copies_what_the_build_needs() {
    let text = example("Containerfile");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // The same folder each time: cargo keeps what it made for each.
    let copy = target.join("containerfile");
    if copy.exists() {
        fs::remove_dir_all(&copy).unwrap();
    }
    fs::create_dir(&copy).unwrap();
    let copies = text
        .lines()
        .filter(|line| line.starts_with("COPY ") && !line.contains("--from"));
    for line in copies {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (sources, to) = (&words[1..words.len() - 1], words[words.len() - 1]);
        let mut cp = Command::new("cp");
        cp.arg("-r").args(sources).arg(copy.join(to));
        assert!(cp.current_dir(root).status().expect("cp").success());
    }
    let build = "RUN cargo build --release --locked --bin lab-capture";
    assert!(text.lines().any(|line| line == build));
    // As the build, but for code: the dependencies were checked by clippy already.
    let output = Command::new(env!("CARGO"))
        .args(["check", "--locked", "--bin", "lab-capture", "--offline"])
        .arg("--target-dir")
        .arg(target.parent().expect("the target folder"))
        .current_dir(&copy)
        .output()
        .expect("cargo");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("ENTRYPOINT [\"lab-capture\"]"));
    assert!(text.lines().any(|line| line == "USER lab"));
}
