//! Many scenarios in one call, through the built binary.

mod ci;
mod isolation;
mod limits;
mod memory;
mod order;
mod quiet;
mod repeats;
mod shards;
mod stop;
mod util;
