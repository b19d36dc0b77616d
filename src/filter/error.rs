//! A filter that is refused: what, where, and what was probably meant.

use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// Why a filter is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// One sentence.
    pub message: String,
    /// Where, as byte offsets into the filter.
    pub span: Range<usize>,
    /// What helps.
    pub help: Option<String>,
    /// The whole filter.
    pub text: String,
}

impl FilterError {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        FilterError {
            message: message.into(),
            span,
            help: None,
            text: String::new(),
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The filter with a caret at the place, the message above it, the help below.
    pub fn render(&self, colour: bool) -> String {
        let snippet =
            Snippet::source(&self.text).annotation(AnnotationKind::Primary.span(self.span.clone()));
        let mut group = Level::ERROR.primary_title(&self.message).element(snippet);
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help));
        }
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        renderer.decor_style(DecorStyle::Ascii).render(&[group])
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        if let Some(part) = self.text.get(self.span.clone()).filter(|p| !p.is_empty()) {
            write!(f, ", at `{part}`")?;
        }
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FilterError {}
