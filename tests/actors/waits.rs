//! Waits for other actors' events and for segments on the wire.

use super::*;
use lab_capture::client::WireWatch;
use lab_capture::platform::Notify;
use lab_capture::timeline::Ends;
use std::sync::Mutex;

/// A capture that sees what the test tells it.
#[derive(Debug, Default)]
struct Wire {
    seen: Mutex<(u32, Option<Ends>)>,
    watchers: Mutex<Vec<Arc<Notify>>>,
}

impl WireWatch for Wire {
    fn subscribe(&self) -> std::io::Result<Arc<Notify>> {
        let notify = Arc::new(Notify::new()?);
        self.watchers.lock().unwrap().push(notify.clone());
        Ok(notify)
    }

    fn seen(&self, what: &SegmentMatch, own: Option<Ends>) -> Result<bool, String> {
        if what.flags == "XYZ" {
            return Err("no such flags".into());
        }
        let mut seen = self.seen.lock().unwrap();
        seen.1 = own;
        Ok(seen.0 >= what.times)
    }
}

fn segment(flags: &str) -> Step {
    wait(Wait::Segment(SegmentMatch {
        from: None,
        flags: flags.into(),
        times: 2,
        connection: None,
    }))
}

#[test]
fn a_wait_for_a_segment_goes_on_when_it_is_seen() {
    let wire = Arc::new(Wire::default());
    let mut context = context();
    let running = spawn(&server(ServerKind::Select, Handler::Echo), &context).unwrap();
    let none = play(&context, &running, vec![connect(), segment("FIN")]);
    assert!(none.result.unwrap_err().contains("no capture"));
    context.wire = Some(wire.clone());
    let steps = vec![connect(), segment("FIN"), close()];
    let client = client("client-1", running.address(), steps);
    let thread = lab_capture::client::spawn(&client, &context).unwrap();
    // It looks, and waits: only then is the segment seen.
    while wire.seen.lock().unwrap().1.is_none() {
        std::thread::yield_now();
    }
    for n in 1..=2 {
        wire.seen.lock().unwrap().0 = n;
        wire.watchers
            .lock()
            .unwrap()
            .iter()
            .for_each(|w| w.signal());
    }
    assert_eq!(thread.join().unwrap().unwrap().result, Ok(()));
    assert_eq!(wire.seen.lock().unwrap().1.unwrap().peer, running.address());
    let wrong = play(&context, &running, vec![connect(), segment("XYZ")]);
    assert!(wrong.result.unwrap_err().contains("no such flags"));
}

#[test]
fn a_wait_for_an_event_of_a_named_connection() {
    for kind in [
        ServerKind::Select,
        ServerKind::Threaded,
        ServerKind::Forking,
    ] {
        let context = context();
        let running = spawn(&server(kind, Handler::Echo), &context).unwrap();
        let address = running.address();
        let of = |name: &str, call: &str, times| {
            wait(Wait::Event(EventMatch {
                actor: "server".into(),
                call: call.into(),
                times,
                connection: Some(name.into()),
            }))
        };
        let first = vec![
            connect(),
            send("a"),
            recv("a"),
            send("b"),
            recv("b"),
            of("client-2", "close", 1),
            close(),
        ];
        // The server has read from client-1 twice, whatever else it did.
        let second = vec![
            connect(),
            of("client-1", "accept", 1),
            of("client-1", "recv", 2),
            send("c"),
            recv("c"),
            close(),
        ];
        let clients = [
            client("client-1", address, first),
            client("client-2", address, second),
        ];
        let threads: Vec<_> = clients
            .iter()
            .map(|c| lab_capture::client::spawn(c, &context).unwrap())
            .collect();
        for thread in threads {
            let finished = thread.join().unwrap().unwrap();
            assert_eq!(
                finished.result,
                Ok(()),
                "{:#?}",
                context.timeline.snapshot()
            );
        }
        running.stop().unwrap();
    }
}
