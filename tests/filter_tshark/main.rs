//! Display filters: the same frames as Wireshark gives.
//!
//! `FILTER_TSHARK_SEED` and `FILTER_TSHARK_COUNT` change what is generated.

mod capture;
mod generate;
mod oracle;

use std::path::PathBuf;

use capture::Capture;
use generate::Rng;
use lab_capture::filter::{FIELDS, Filter, Unknown, Viewer};
use lab_capture::wire::Frame;
use lab_capture::wire::LinkType;
use oracle::{Answer, Sharkd, tshark};

struct Lab {
    capture: Capture,
    file: PathBuf,
    _folder: tempfile::TempDir,
}

impl Lab {
    fn new() -> Lab {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("everything.pcap");
        let capture = Capture::build();
        capture.write(&file).expect("written");
        Lab {
            capture,
            file,
            _folder: folder,
        }
    }

    fn ours(&self, filter: &Filter) -> Result<Vec<u64>, Unknown> {
        let mut viewer = Viewer::default();
        let mut frames = vec![];
        for (index, (time, data)) in self.capture.frames.iter().enumerate() {
            let frame = Frame {
                number: index as u64 + 1,
                time: *time,
                link: LinkType::ETHERNET,
                wire_len: data.len() as u32,
                data,
            };
            if filter.matches(&viewer.view(&frame))? {
                frames.push(frame.number);
            }
        }
        Ok(frames)
    }

    /// `None` if both agree.
    fn differs(&self, text: &str, theirs: &Answer) -> Option<String> {
        let ours = match Filter::parse(text) {
            Ok(filter) => self.ours(&filter).map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        (ours != *theirs).then(|| format!("{text}\n   ours   {ours:?}\n   theirs {theirs:?}"))
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |v| v.parse().expect("a number"))
}

/// tshark reads a file once, sharkd twice: what a filter says of the whole connection, it knows
/// only then.
fn needs_one_pass(filter: &str) -> bool {
    filter.contains("tcp.completeness")
}

#[track_caller]
fn nothing(differences: &[String]) {
    let n = differences.len();
    assert!(n == 0, "{n} differences\n{}", differences.join("\n"));
}

#[test]
fn generated_filters_give_the_frames_that_wireshark_gives() {
    let lab = Lab::new();
    let mut sharkd = Sharkd::load(&lab.file);
    let mut r = Rng(setting("FILTER_TSHARK_SEED", 1));
    let count = setting("FILTER_TSHARK_COUNT", 600) as usize;
    let mut filters: Vec<String> = FIELDS.iter().map(|f| f.name.to_owned()).collect();
    for field in FIELDS {
        filters.extend((0..3).map(|_| generate::of_field(&mut r, field)));
    }
    filters.extend((0..count).map(|_| generate::filter(&mut r, 2)));
    let mut differences = vec![];
    let (mut some, mut one_pass) = (0, 0);
    for filter in &filters {
        let theirs = if needs_one_pass(filter) {
            one_pass += 1;
            if one_pass > 12 {
                continue;
            }
            tshark(&lab.file, filter)
        } else {
            sharkd.ask(filter)
        };
        let frames = theirs.as_ref().map_or(0, Vec::len);
        some += usize::from(frames > 0 && frames < lab.capture.frames.len());
        differences.extend(lab.differs(filter, &theirs));
    }
    nothing(&differences);
    let share = some * 100 / filters.len();
    assert!(
        share > 40,
        "only {share} % of the filters tell frames apart"
    );
}

/// One pass or two, the filters' answers are the same; so sharkd may stand for tshark.
#[test]
fn sharkd_and_tshark_agree() {
    let lab = Lab::new();
    let mut sharkd = Sharkd::load(&lab.file);
    for filter in [
        "tcp.analysis.flags",
        "tcp.analysis.duplicate_ack_num > 1 or tcp.analysis.reused_ports",
        "tcp.time_delta > 0.001 and tcp.window_size_scalefactor == 128",
        "udp.port == 5001 || icmp",
        "frame.time_delta > 0.04 and tcp.payload matches \"hello\"",
    ] {
        assert_eq!(sharkd.ask(filter), tshark(&lab.file, filter), "{filter}");
    }
}

/// Whatever is not refused means what it means to Wireshark.
#[test]
fn written_filters_mean_what_they_mean_to_wireshark() {
    let lab = Lab::new();
    let mut sharkd = Sharkd::load(&lab.file);
    let mut accepted = 0;
    let mut differences = vec![];
    for filter in include_str!("cases.txt").lines() {
        if Filter::parse(filter).is_err() || needs_one_pass(filter) {
            continue;
        }
        accepted += 1;
        differences.extend(lab.differs(filter, &sharkd.ask(filter)));
    }
    nothing(&differences);
    assert!(accepted > 200, "{accepted}");
}
