//! What is wrong in a scenario file, and where; shown as rustc shows it.

use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::model::{Source, Span};

/// Columns that a message may take.
const WIDTH: usize = 100;

/// The kind of an error in a scenario file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// Not TOML.
    Syntax,
    /// A key or word that does not exist.
    UnknownWord,
    /// The value has the wrong type or form, or is out of bounds.
    WrongValue,
    /// Something must be said and is not.
    Missing,
    /// Two things exclude each other, or have the same name.
    Conflict,
    /// A name that nothing in the file has.
    UnknownName,
    /// A step that cannot be at its place.
    ImpossibleStep,
    /// A port that not everybody may use.
    Privileged,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Code::Syntax => "syntax",
            Code::UnknownWord => "unknown-word",
            Code::WrongValue => "wrong-value",
            Code::Missing => "missing",
            Code::Conflict => "conflict",
            Code::UnknownName => "unknown-name",
            Code::ImpossibleStep => "impossible-step",
            Code::Privileged => "privileged",
        })
    }
}

/// One thing that is wrong, with its place and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The kind.
    pub code: Code,
    /// How bad it is: what a file cannot be loaded with is an error.
    pub weight: Weight,
    /// Where: byte offsets into the file's text.
    pub span: Span,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What stands beside the caret.
    pub label: String,
    /// Other places that belong to it.
    pub context: Vec<(Span, String)>,
    /// The way out: the nearest right word, the rule.
    pub help: Vec<String>,
    /// The right form, as it would stand in the file.
    pub example: Option<String>,
}

impl Diagnostic {
    /// A diagnostic without context, help or example.
    pub fn new(
        code: Code,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Diagnostic {
            code,
            weight: Weight::Error,
            span,
            message: message.into(),
            label: label.into(),
            context: Vec::new(),
            help: Vec::new(),
            example: None,
        }
    }

    /// Changes how bad it is.
    #[must_use]
    pub fn weight(mut self, weight: Weight) -> Self {
        self.weight = weight;
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn context(mut self, span: Span, label: impl Into<String>) -> Self {
        self.context.push((span, label.into()));
        self
    }

    /// Adds a way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds the right form.
    #[must_use]
    pub fn example(mut self, example: impl Into<String>) -> Self {
        self.example = Some(example.into());
        self
    }

    /// The message with the lines of the file, a caret, the help and the example; no line end at the end.
    pub fn render(&self, source: &Source, colour: bool) -> String {
        let title = self
            .weight
            .level()
            .primary_title(self.message.as_str())
            .id(self.code.to_string());
        let contexts: Vec<(&Span, &str)> =
            self.context.iter().map(|(s, l)| (s, l.as_str())).collect();
        let mut group = title.element(snippet(source, &self.span, &self.label, &contexts));
        for help in &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        if let Some(example) = &self.example {
            let text = if example.contains('\n') {
                format!("for example:\n{example}")
            } else {
                format!("for example: {example}")
            };
            group = group.element(Level::HELP.message(text));
        }
        paint(group, colour)
    }
}

/// All diagnostics of a file, an empty line between two.
pub fn render_all(source: &Source, diagnostics: &[Diagnostic], colour: bool) -> String {
    let parts: Vec<String> = diagnostics
        .iter()
        .map(|d| d.render(source, colour))
        .collect();
    parts.join("\n\n")
}

/// How bad a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Something is wrong.
    Error,
    /// Something may be wrong.
    Warning,
    /// For information.
    Note,
}

impl Weight {
    fn level(self) -> Level<'static> {
        match self {
            Weight::Error => Level::ERROR,
            Weight::Warning => Level::WARNING,
            Weight::Note => Level::NOTE,
        }
    }
}

/// `message` with the lines of `source` at `span` and `label` beside the caret; no line end at the end.
///
/// For failures found after loading: an expectation that did not hold, a step that failed.
pub fn caret(
    source: &Source,
    span: &Span,
    weight: Weight,
    message: &str,
    label: &str,
    colour: bool,
) -> String {
    paint(
        weight
            .level()
            .primary_title(message)
            .element(snippet(source, span, label, &[])),
        colour,
    )
}

fn paint(group: Group<'_>, colour: bool) -> String {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer
        .decor_style(DecorStyle::Ascii)
        .term_width(WIDTH)
        .render(&[group])
}

fn snippet<'a>(
    source: &'a Source,
    span: &Span,
    label: &'a str,
    contexts: &[(&Span, &'a str)],
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let text = source.text.as_str();
    let primary = AnnotationKind::Primary
        .span(on_boundaries(text, span))
        .label((!label.is_empty()).then_some(label));
    let others = contexts.iter().map(|(span, label)| {
        AnnotationKind::Context
            .span(on_boundaries(text, span))
            .label(*label)
    });
    Snippet::source(text)
        .path(source.path.to_string_lossy().into_owned())
        .annotation(primary)
        .annotations(others)
}

/// The span moved into the text and onto the boundaries of characters: a wrong span shows a wrong place, it never panics.
fn on_boundaries(text: &str, span: &Span) -> Range<usize> {
    let down = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = down(span.start);
    let end = down(span.end).max(start);
    start..end
}
