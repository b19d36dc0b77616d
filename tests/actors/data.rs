//! Messages in their frames, and files.

use super::steps::failure;
use super::*;

#[test]
fn framing_on_sockets() {
    let prefix = Framing::Prefix {
        width: 4,
        big_endian: true,
        signed: true,
        max: 1000,
    };
    let message = |t: &str| step(Action::SendMessage(text(t)));
    let hear = |t: &str| step(Action::RecvMessage(Some(text(t))));
    for framing in [
        prefix,
        Framing::Delimiter(b"\n".to_vec()),
        Framing::Fixed(3),
    ] {
        let mut server = server(
            ServerKind::Select,
            Handler::Steps(Arc::new(vec![
                hear("one"),
                hear("two"),
                message("ok!"),
                eof(),
                close(),
            ])),
        );
        server.framing = Some(framing.clone());
        let context = context();
        let running = spawn(&server, &context).unwrap();
        let steps = vec![
            connect(),
            message("one"),
            message("two"),
            hear("ok!"),
            close(),
        ];
        let mut client = client("client-1", running.address(), steps);
        client.framing = Some(framing);
        let result = run_script(&client, &context).unwrap().result;
        assert_eq!(result, Ok(()), "{:#?}", context.timeline.snapshot());
    }
}

#[test]
fn broken_frames_are_told() {
    let prefix = |signed| Framing::Prefix {
        width: 4,
        big_endian: true,
        signed,
        max: 1000,
    };
    let hex = |bytes: &[u8]| step(Action::Send(Data::Bytes(bytes.to_vec())));
    let cases = [
        (prefix(false), hex(&[0xff; 4]), "too long: 4294967295 bytes"),
        (prefix(true), hex(&[0xff; 4]), "negative: -1"),
        (
            prefix(false),
            hex(&[0, 0, 0, 9, 1, 2]),
            "cut off: 6 bytes came of 13",
        ),
        (
            Framing::Fixed(16),
            hex(b"short"),
            "cut off: 5 bytes came of 16",
        ),
        (
            Framing::Delimiter(b"\n".to_vec()),
            hex(b"no end"),
            "cut off: 6 bytes came",
        ),
    ];
    for (framing, sent, text) in cases {
        let recv = step(Action::RecvMessage(None));
        let mut server = server(
            ServerKind::Select,
            Handler::Steps(Arc::new(vec![recv, close()])),
        );
        server.framing = Some(framing);
        let steps = vec![
            connect(),
            sent,
            step(Action::Shutdown(How::Write)),
            saw("server", "done", 1),
        ];
        let (_, events) = scene(&server, steps);
        let failed = failure(&events);
        assert!(failed.result.contains(text), "{} / {text}", failed.result);
    }
}

/// `fails` names what is wrong with a message: that, and nothing else, must come.
#[test]
fn a_broken_frame_can_be_what_must_come() {
    let prefix = |signed| Framing::Prefix {
        width: 4,
        big_endian: true,
        signed,
        max: 1000,
    };
    let cases: [(Framing, &[u8], &str); 5] = [
        (prefix(false), &[0xff; 4], "too-long"),
        (prefix(true), &[0xff; 4], "negative"),
        (Framing::Fixed(16), b"short", "cut-off"),
        (Framing::Delimiter(b"\n".to_vec()), b"no end", "cut-off"),
        (Framing::Delimiter(b"\n".to_vec()), b"", "ended"),
    ];
    for (framing, sent, fault) in cases {
        for expected in ["too-long", "negative", "cut-off", "ended", "ECONNRESET"] {
            let mut recv = step(Action::RecvMessage(None));
            recv.fails = Some((expected.to_owned(), 0..0));
            let mut server = server(
                ServerKind::Select,
                Handler::Steps(Arc::new(vec![recv, close()])),
            );
            server.framing = Some(framing.clone());
            let mut steps = vec![connect()];
            if !sent.is_empty() {
                steps.push(step(Action::Send(Data::Bytes(sent.to_vec()))));
            }
            steps.push(step(Action::Shutdown(How::Write)));
            steps.push(saw("server", "done", 1));
            let (_, events) = scene(&server, steps);
            let failed = events.iter().find(|event| event.failed);
            if expected == fault {
                assert!(failed.is_none(), "{fault}: {events:#?}");
            } else {
                let text = format!(", but {expected} was expected");
                assert!(failed.unwrap().result.ends_with(&text), "{events:#?}");
            }
        }
    }
}

#[test]
fn files_are_sent_received_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..200_000u32).map(|i| (i * 7 % 253) as u8).collect();
    std::fs::write(folder.path().join("in.bin"), &bytes).unwrap();
    let mut context = context();
    context.folder = folder.path().into();
    context.output = folder.path().into();
    let sends = vec![step(Action::Send(Data::File("in.bin".into()))), close()];
    let server = server(ServerKind::Select, Handler::Steps(Arc::new(sends)));
    let running = spawn(&server, &context).unwrap();
    let recv = |into: &str, equals: &str| {
        let (into, equals) = (Some(into.into()), Some(equals.into()));
        vec![connect(), step(Action::RecvFile { into, equals }), close()]
    };
    assert_eq!(
        play(&context, &running, recv("out.bin", "in.bin")).result,
        Ok(())
    );
    assert_eq!(std::fs::read(folder.path().join("out.bin")).unwrap(), bytes);
    let outside = play(&context, &running, recv("../out.bin", "in.bin")).result;
    assert!(outside.unwrap_err().contains("not inside"));
    let mut other = bytes.clone();
    other[150_000] ^= 1;
    std::fs::write(folder.path().join("other.bin"), &other).unwrap();
    let differs = play(&context, &running, recv("out.bin", "other.bin")).result;
    assert!(differs.unwrap_err().contains("byte 150000 differs"));
    let missing = play(&context, &running, recv("out.bin", "nothing.bin")).result;
    assert!(missing.unwrap_err().contains("nothing.bin"));
}
