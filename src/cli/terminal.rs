//! What the terminal is like.

use crate::report::{Detail, Options};

/// How reports are laid out on this terminal: 80 columns, or its width up to 120.
pub(super) fn options(detail: Detail) -> Options {
    let columns = terminal_size::terminal_size_of(std::io::stdout());
    let options = Options {
        detail,
        ..Options::default()
    };
    options.terminal_width(columns.map(|(width, _)| usize::from(width.0)))
}
