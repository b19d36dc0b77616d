//! What a file asks of the world around it: kernel settings and other files.

use std::path::{Component, Path};

use super::super::diagnostic::{Code, Diagnostic};
use super::super::words::{STEP, Shape, Tagged};
use super::{Lower, Node};

impl Lower<'_> {
    /// Reports settings that are not those of a network namespace.
    pub(super) fn sysctl(&mut self) {
        let all = self.file.get("sysctl").map(Node::map).unwrap_or_default();
        for (name, value, span) in all {
            let part = |p: &str| {
                !p.is_empty()
                    && p.chars()
                        .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
            };
            let label = if !name.split('.').all(part) {
                "not the name of a setting"
            } else if !name.starts_with("net.") {
                "only those below `net.` belong to a network namespace"
            } else if value.contains(['\n', '\0']) {
                "a value is one line"
            } else {
                continue;
            };
            self.report(
                Diagnostic::new(
                    Code::WrongValue,
                    span,
                    format!(
                        "`{}` cannot be set for a run",
                        super::super::check::shorten(&name)
                    ),
                    label,
                )
                .example("[sysctl]\nnet.ipv4.tcp_syn_retries = 2"),
            );
        }
    }

    /// Reports files that are not there, relative to `folder`, and places that must not be written.
    pub(super) fn files(&mut self, folder: Option<&Path>) {
        let mut scripts: Vec<Node<'_>> = Vec::new();
        for (tables, key) in [("server", "handler"), ("client", "steps")] {
            for table in self
                .file
                .get(tables)
                .map(Node::one_or_many)
                .unwrap_or_default()
            {
                scripts.extend(table.get(key));
                if let Some(dir) = table.get("dir") {
                    self.there(dir, folder, true);
                }
            }
        }
        for script in scripts {
            self.files_in(script, folder);
        }
    }

    fn files_in(&mut self, node: Node<'_>, folder: Option<&Path>) {
        for item in node.items() {
            for (key, value) in item.entries() {
                let key = key.get_ref().as_ref();
                match (key, value.get("file"), value.get("steps")) {
                    ("repeat", _, Some(steps)) => self.files_in(steps, folder),
                    ("recv-file", ..) => {
                        if let Some(equals) = value.get("equals") {
                            self.there(equals, folder, false);
                        }
                        if let Some(into) = value.get("into") {
                            self.below(into);
                        }
                    }
                    (key, Some(file), _) if has_data(key) => self.there(file, folder, false),
                    _ => {}
                }
            }
        }
    }

    pub(super) fn there(&mut self, node: Node<'_>, folder: Option<&Path>, dir: bool) {
        let (Some(text), Some(folder)) = (node.text(), folder) else {
            return;
        };
        let path = folder.join(text);
        let label = match path.metadata() {
            Err(error) => format!("{}: {error}", path.display()),
            Ok(found) if found.is_dir() != dir => format!(
                "{} is {} folder",
                path.display(),
                if dir { "no" } else { "a" }
            ),
            Ok(_) => return,
        };
        self.report(
            Diagnostic::new(
                Code::WrongValue,
                node.span(),
                if dir {
                    "this folder cannot be used"
                } else {
                    "this file cannot be used"
                },
                label,
            )
            .help("paths are relative to the scenario's folder"),
        );
    }

    /// What a run writes stays in the folder of captures.
    fn below(&mut self, node: Node<'_>) {
        let Some(text) = node.text() else { return };
        let inside = Path::new(text)
            .components()
            .all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
        if !inside {
            self.report(
                Diagnostic::new(
                    Code::WrongValue,
                    node.span(),
                    "a run writes only into the folder of captures",
                    "leads out of it",
                )
                .example("into = \"copy.bin\""),
            );
        }
    }
}

/// Does the value of this step hold data, which may come from a file?
fn has_data(step: &str) -> bool {
    fn data(shape: &Shape) -> bool {
        match shape {
            Shape::Any(shapes) => shapes.iter().any(data),
            Shape::Tagged(Tagged { tags, .. }) => tags.iter().any(|k| k.name == "file"),
            _ => false,
        }
    }
    STEP.tags.iter().any(|k| k.name == step && data(k.shape))
}
