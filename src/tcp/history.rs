//! A short text of ASCII letters, without an allocation while it is short.

/// Letters kept where the text lies.
const INLINE: usize = 22;

/// Letters kept at all: Zeek's history has no limit of its own, and a flood of SYNs or RSTs with
/// ever new numbers would make it grow with the file.
const LIMIT: usize = 200;

/// The letters of a connection's history.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    len: u8,
    inline: [u8; INLINE],
    /// Boxed: hardly any connection has more.
    #[allow(clippy::box_collection)]
    more: Option<Box<Vec<u8>>>,
}

impl History {
    pub(super) fn push(&mut self, letter: u8) {
        let at = usize::from(self.len);
        if at < INLINE {
            self.inline[at] = letter;
        } else if at < LIMIT {
            self.more.get_or_insert_default().push(letter);
        } else {
            return;
        }
        self.len += 1;
    }

    pub(super) fn text(&self) -> String {
        let inline = &self.inline[..usize::from(self.len).min(INLINE)];
        let more = self.more.iter().flat_map(|m| m.iter());
        inline.iter().chain(more).map(|b| char::from(*b)).collect()
    }
}
