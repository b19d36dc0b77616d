//! A scenario file as a test.

use lab_capture::testing::{self, Error};

#[test]
fn the_client_closes_first() {
    testing::isolated(|| {
        let tested = testing::run("scenarios/greeting.toml")?;
        // Steps, expectations and the snapshot beside the file hold; else the whole report.
        tested.assert_passed();
        // And whatever else the test wants to know.
        insta::assert_snapshot!(tested.flows(), @r#"
        client-1
          handshake complete
          client 4 "Ada\n"
          then server 10 "hello Ada\n"
          then client fin
          then server fin
          close client first
        "#);
        assert!(tested.events().iter().any(|event| event.call == "accept"));
        Ok::<_, Error>(())
    });
}
