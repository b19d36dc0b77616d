//! What is refused, and how; what cannot be known.

use etherparse::PacketBuilder;

use super::{Filter, Unknown, Viewer};
use crate::wire::Frame;
use crate::wire::LinkType;

fn refused(filters: &[&str]) -> String {
    let mut out = String::new();
    for filter in filters {
        let error = Filter::parse(filter).expect_err(filter);
        assert_eq!(error.text, *filter);
        out.push_str(&error.render(false));
        out.push_str("\n\n");
    }
    out
}

#[test]
fn what_is_not_in_the_subset_is_refused_by_name() {
    insta::assert_snapshot!(refused(&[
        "tcp.flag.reset == 1",
        "http.request.method == \"GET\"",
        "tcp.port == 80 and dns",
        "tcp.options.nop",
        "len(tcp.payload) > 5",
        "tcp.srcport + 1 == 5001",
        "5000 == tcp.port",
        "tcp.payload[0,1] == 48:65",
    ]));
}

#[test]
fn what_is_written_wrong_is_explained() {
    insta::assert_snapshot!(refused(&[
        "tcp.port = 5000",
        "tcp.port == 5000 and",
        "(tcp.port == 5000",
        "tcp.port == 5000)",
        "tcp AND udp",
        "tcp.port in 5000",
        "tcp.port in {5000 80}",
        "tcp.port == 70000",
        "tcp.port == \"http\"",
        "tcp.flags.syn == yes",
        "ip.addr == 127.1",
        "ip.addr == 10.0.0.0/33",
        "frame.time_delta > 40ms",
        "tcp.payload contains hello",
        "tcp.payload == ff",
        "tcp.payload matches hello",
        "tcp.payload matches \"\\d\"",
        "tcp.payload matches r\"(a)\\1\"",
        "tcp.payload matches \"(\"",
        "tcp.payload[3-1] == 0",
        "tcp.port[0:1] == 0",
        "tcp.port contains \"8\"",
        "tcp.analysis.retransmission == 1",
        "ip.src == ipv6.src",
        "any tcp.port",
        "tcp.payload contains \"abc",
        "tcp.payload contains 'abc'",
        "tcp.len > é",
    ]));
}

#[test]
fn no_filter_overflows_the_stack() {
    for filter in [
        "(".repeat(100_000),
        "!".repeat(100_000),
        "tcp and ".repeat(100_000),
        format!("{}tcp{}", "(".repeat(200), ")".repeat(200)),
    ] {
        assert!(Filter::parse(&filter).is_err());
    }
    let long = vec!["tcp"; 900].join(" and ");
    assert!(Filter::parse(&long).is_ok());
}

#[test]
fn the_manual_names_every_field() {
    let manual = include_str!("../../docs/filters.md");
    for field in super::FIELDS {
        let name = format!("`{}`", field.name);
        assert!(manual.contains(&name), "docs/filters.md lacks {name}");
    }
}

/// The examples at the head of the manual.
#[test]
fn the_manual_s_examples_are_filters() {
    let manual = include_str!("../../docs/filters.md");
    let head = manual.split("## Tests").next().unwrap_or_default();
    let examples: Vec<&str> = head
        .lines()
        .filter_map(|l| l.strip_prefix("    "))
        .collect();
    assert!(examples.len() >= 5);
    for example in examples {
        Filter::parse(example).expect(example);
    }
}

fn ask(filter: &str, link: LinkType, data: &[u8]) -> Result<bool, Unknown> {
    let frame = Frame {
        number: 7,
        time: 0,
        link,
        wire_len: data.len() as u32,
        data,
    };
    let filter = Filter::parse(filter).expect(filter);
    filter.matches(&Viewer::default().view(&frame))
}

fn segment() -> Vec<u8> {
    let mut bytes = vec![];
    let builder = PacketBuilder::ipv4([127, 0, 0, 1], [127, 0, 0, 2], 64);
    let builder = builder.tcp(40_000, 5000, 1, 512).syn();
    builder.write(&mut bytes, b"").expect("built");
    bytes
}

#[test]
fn a_tcp_header_quoted_in_an_icmp_error_has_ports_and_no_more() {
    let mut bytes = vec![];
    let builder = PacketBuilder::ethernet2([0; 6], [0; 6]);
    let builder = builder.ipv4([127, 0, 0, 2], [127, 0, 0, 1], 64);
    let builder = builder.icmpv4_raw(3, 1, [0; 4]);
    builder.write(&mut bytes, &segment()[..28]).expect("built");
    let ask = |filter| ask(filter, LinkType::ETHERNET, &bytes);
    assert_eq!(ask("tcp.port == 5000 and icmp"), Ok(true));
    assert_eq!(ask("tcp.analysis.flags"), Ok(false));
    let unknown = ask("tcp.len > 0").expect_err("no length");
    assert_eq!(
        unknown.to_string(),
        "frame 7: `tcp.len` cannot be told of a TCP header quoted in an ICMP error"
    );
    // What is not asked need not be known.
    assert_eq!(ask("udp and tcp.len > 0"), Ok(false));
}

#[test]
fn what_stands_in_a_tunnel_is_unknown_and_not_absent() {
    let mut bytes = vec![];
    let builder = PacketBuilder::ethernet2([0; 6], [0; 6]);
    let builder = builder.ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64);
    let gre: Vec<u8> = [vec![0, 0, 8, 0], segment()].concat();
    builder
        .write(&mut bytes, etherparse::IpNumber::GRE, &gre)
        .expect("built");
    let ask = |filter| ask(filter, LinkType::ETHERNET, &bytes);
    assert_eq!(ask("tcp.dstport == 5000"), Ok(true));
    assert!(ask("ip.src == 127.0.0.1").is_err());
}

#[test]
fn other_link_types_have_the_same_headers() {
    let bytes = segment();
    let behind = |header: &[u8]| [header, &bytes].concat();
    let filter = "ip.src == 127.0.0.1 && tcp.port == 5000 && !eth";
    let sll2 = [&[8, 0][..], &[0; 18]].concat();
    let sll = [&[0; 14][..], &[8, 0]].concat();
    for (link, data) in [
        (101, bytes.clone()),
        (0, behind(&[2, 0, 0, 0])),
        (108, behind(&[0, 0, 0, 2])),
        (113, behind(&sll)),
        (276, behind(&sll2)),
        (228, bytes.clone()),
    ] {
        assert_eq!(ask(filter, LinkType(link), &data), Ok(true), "{link}");
    }
    let tagged = [&[0; 12][..], &[0x81, 0, 0, 5, 8, 0], &bytes].concat();
    assert_eq!(ask("ip and tcp", LinkType::ETHERNET, &tagged), Ok(true));
}

proptest::proptest! {
    /// Neither parsing nor asking ever panics, whatever filter and frame are.
    #[test]
    fn nothing_panics(
        text in "[a-z0-9. =!<>&|(){}\\[\\]:\"'~,/-]{0,40}",
        field in 0..super::FIELDS.len(),
        tail in "( (==|>|in|contains|matches|&) [0-9a-f:.{}\"]{0,8})?",
        data in proptest::collection::vec(0u8.., 0..120),
        link in proptest::sample::select(vec![0u16, 1, 101, 113, 276, 9]),
    ) {
        let field = super::FIELDS[field].name;
        for filter in [text, format!("{field}{tail}")] {
            if let Ok(filter) = Filter::parse(&filter) {
                let frame = Frame { number: 1, time: 0, link: LinkType(link), wire_len: 120, data: &data };
                let _ = filter.matches(&Viewer::default().view(&frame));
            }
        }
    }
}
