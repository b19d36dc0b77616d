//! What the terminal is like.

use crate::report::{Detail, Options};

/// How reports are laid out on this terminal: 80 columns, or its width up to 120.
pub(super) fn options(detail: Detail) -> Options {
    let options = Options {
        detail,
        ..Options::default()
    };
    options.terminal_width(known())
}

/// The terminal's columns, 80 where there is none.
pub(super) fn columns() -> usize {
    known().unwrap_or(80)
}

fn known() -> Option<usize> {
    let size = terminal_size::terminal_size_of(std::io::stdout());
    size.map(|(width, _)| usize::from(width.0))
}
