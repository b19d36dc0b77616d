//! The scenario's lines that a finding speaks of, with a caret, as rustc shows them.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::scenario::{Source, Span};

/// The excerpt, styled, without a final line break; `None` if the span is not in the text.
pub(super) fn render(source: &Source, span: &Span, label: &str, columns: usize) -> Option<String> {
    // A span that does not fit its text would make the renderer panic.
    source.text.get(span.clone())?;
    let path = super::escape::line(&source.path.to_string_lossy());
    let label = super::escape::line(label);
    let mut mark = AnnotationKind::Primary.span(span.clone());
    if !label.is_empty() {
        mark = mark.label(&label);
    }
    let snippet = Snippet::source(&source.text).path(path).annotation(mark);
    let group = Group::with_level(Level::ERROR).element(snippet);
    let renderer = Renderer::styled().term_width(columns);
    Some(renderer.render(&[group]))
}

/// Line and column of a byte offset, both from 1; the column counts characters.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}
