//! Where chatting connections meet.

/// All connections that chat.
#[derive(Debug, Default)]
pub struct Hub {}
