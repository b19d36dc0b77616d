//! Where frames go that are too many for memory: a file without a name beside the captures.

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bytes::{Chunk, Paged, Resident};
use crate::platform::owner::create_folder;
use crate::platform::scratch::Scratch;

/// Bytes of frames that a run keeps in memory, unless told otherwise: 32 MiB.
pub const IN_MEMORY: usize = 32 << 20;

/// Bytes of the file that are mapped together, a multiple of any page size.
const WINDOW: usize = 8 << 20;

/// Bytes of a frame that are kept when there is room for no more: all headers of TCP.
pub const CUT: usize = 128;

/// Frames could not be written into the file; from then on they were cut to their headers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "from frame {frame} on only headers were kept: {kept} bytes of frames fill the memory set aside for them, and \
     more cannot be written in {}: {reason}", .folder.display()
)]
pub struct SpillError {
    /// Number of the first frame that was cut.
    pub frame: u64,
    /// Bytes of frames that are in memory.
    pub kept: usize,
    /// Where the file is, or should have been.
    pub folder: PathBuf,
    /// The kernel's words.
    pub reason: String,
}

/// Takes chunks of frames beyond a limit.
#[derive(Debug)]
pub struct Spill {
    limit: usize,
    folder: PathBuf,
    scratch: Option<Arc<Scratch>>,
    /// Where the next window begins in the file.
    offset: u64,
    window: Option<Arc<Paged>>,
    resident: Arc<Resident>,
    pub(super) failed: Option<SpillError>,
}

impl Spill {
    /// `limit` bytes of frames stay in memory; the file for the others is made when there is one, in
    /// `folder`, or where that cannot be made or has no room for files, among the temporary files.
    pub fn new(limit: usize, folder: &Path) -> Self {
        Spill {
            limit,
            folder: match folder.as_os_str().is_empty() {
                true => PathBuf::from("."),
                false => folder.to_owned(),
            },
            scratch: None,
            offset: 0,
            window: None,
            resident: Arc::default(),
            failed: None,
        }
    }

    /// All frames stay in memory.
    pub fn never() -> Self {
        Spill::new(usize::MAX, Path::new(""))
    }

    /// What went wrong, if anything did.
    pub fn error(&self) -> Option<&SpillError> {
        self.failed.as_ref()
    }

    /// Is there no room for `more` bytes in memory when `held` are there?
    pub(super) fn takes(&self, held: usize, more: usize) -> bool {
        held.saturating_add(more) > self.limit
    }

    /// Writes the bytes into the file; the same bytes, read from there.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<Chunk> {
        loop {
            if let Some(window) = &self.window
                && let Some(start) = window.window().append(bytes)?
            {
                return Ok(Chunk::paged(window, start..start + bytes.len()));
            }
            let len = bytes.len().max(WINDOW).next_multiple_of(WINDOW);
            let len = NonZeroUsize::new(len).unwrap_or(NonZeroUsize::MIN);
            let window = self.scratch()?.window(self.offset, len)?;
            self.offset += len.get() as u64;
            self.window = Some(Paged::new(window, &self.resident));
        }
    }

    /// That the write failed, of the frame with this number.
    pub(super) fn fail(&mut self, frame: u64, kept: usize, error: &io::Error) {
        self.failed = Some(SpillError {
            frame,
            kept,
            folder: self.folder.clone(),
            reason: error.to_string(),
        });
    }

    fn scratch(&mut self) -> io::Result<Arc<Scratch>> {
        if let Some(scratch) = &self.scratch {
            return Ok(Arc::clone(scratch));
        }
        let made = create_folder(&self.folder).map_err(|(_, error)| error);
        let made = made.and_then(|()| Scratch::create(&self.folder));
        let scratch = made.or_else(|error| {
            let temporary = std::env::temp_dir();
            let scratch = Scratch::create(&temporary).map_err(|_| error)?;
            self.folder = temporary;
            io::Result::Ok(scratch)
        })?;
        Ok(Arc::clone(self.scratch.insert(scratch)))
    }
}
