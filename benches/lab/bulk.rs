//! A large transfer over `lo`: drops of ours and of tcpdump on the same load.

use super::contestants::Stage;
use super::measure::alternate;

/// Bytes of the whole transfer, and how many MiB a message has.
pub fn scenario(mib: usize, snaplen: Option<u32>) -> String {
    let snaplen = snaplen.map_or(String::new(), |n| format!("[capture]\nsnaplen = {n}\n"));
    format!(
        r#"title = "{mib} MiB"
limit = "300 s"
{snaplen}[server]
kind = "epoll"
listen = "127.0.0.1:5000"
handler = "sink"
[[client]]
name = "client"
steps = ["connect", {{ repeat = {{ times = {mib}, steps = [{{ send = {{ pattern = 1048576 }} }}] }} }}, "close"]
[expect]
snapshot = false
"#
    )
}

pub fn run(stage: &Stage, short: bool) {
    let mib = if short { 64 } else { 1024 };
    println!("{mib} MiB from a client to a sink:");
    for (what, snaplen) in [("whole frames", None), ("headers only", Some(96))] {
        let name = format!("bulk-{}", snaplen.unwrap_or(0));
        let path = stage.scenario(&name, &scenario(mib, snaplen));
        let taken = alternate(0, &[stage.ours(&[&path, "--quiet"])]);
        drop(taken);
        let sample = super::measure::sample(&stage.ours(&[&path, "--quiet"]));
        println!(
            "  lab-capture, {what}: {:.2} s, {:.0} MiB of memory, {}",
            sample.wall.as_secs_f64(),
            sample.peak as f64 / 1024.0,
            if sample.succeeded {
                "complete"
            } else {
                "NOT COMPLETE"
            }
        );
    }
}
