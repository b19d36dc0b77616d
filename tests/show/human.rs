//! What people read.

use crate::build::everything;
use crate::{file, shown};

#[test]
fn table() {
    let (path, _folder) = file(&everything());
    insta::assert_snapshot!("table", shown(&[&path]));
    insta::assert_snapshot!("table_80", shown(&[&path, "--width", "80"]));
    for line in shown(&[&path, "--width", "100"]).lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn one_connection() {
    let (path, _folder) = file(&everything());
    insta::assert_snapshot!("stream", shown(&[&path, "--stream", "0"]));
    insta::assert_snapshot!("stream_with_a_hole", shown(&[&path, "--stream", "3"]));
}

#[test]
fn packets() {
    let (path, _folder) = file(&everything());
    insta::assert_snapshot!("packets", shown(&[&path, "--packets"]));
    let own = shown(&[&path, "--packets", "--stream", "1"]);
    assert_eq!(own.lines().count(), 2, "{own}");
}

#[test]
fn filters_choose_connections_and_packets() {
    let (path, _folder) = file(&everything());
    let streams = |arguments: &[&str]| -> Vec<u32> {
        let text = shown(&[&[path.as_str()], arguments].concat());
        let numbers = text
            .lines()
            .filter_map(|line| line.split_whitespace().next()?.parse().ok());
        // The counts of other frames follow an empty line.
        let rows = text.lines().take_while(|line| !line.is_empty()).count();
        numbers.take(rows.saturating_sub(1)).collect()
    };
    assert_eq!(streams(&[]), [0, 1, 2, 3, 4]);
    assert_eq!(streams(&["--filter", "flag rst"]), [1, 4]);
    assert_eq!(streams(&["--filter", "tcp.flags.reset == 1"]), [1, 4]);
    assert_eq!(streams(&["--filter", "port 443"]), [3]);
    assert_eq!(
        streams(&["--filter", "host 10.0.0.1 and port 80"]),
        [0, 2, 4]
    );
    assert_eq!(streams(&["--filter", "2001:db8::2"]), [3]);
    assert_eq!(
        streams(&["--filter", "tcp.analysis.retransmission"]),
        [0, 2]
    );
    assert_eq!(streams(&["--filter", "state rej"]), [1]);
    assert_eq!(streams(&["--state", "S0,REJ"]), [1, 2]);
    assert_eq!(streams(&["--state", "unanswered"]), [2]);
    assert_eq!(streams(&["--state", "reset server"]), [1, 4]);
    let rst = shown(&[&path, "--packets", "--filter", "rst"]);
    assert_eq!(rst.lines().count(), 2, "{rst}");
}
