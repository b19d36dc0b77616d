//! What is not wrong in a scenario, but may surprise.

use super::diagnostic::{Code, Diagnostic, Weight};
use super::model::{Scenario, ServerKind};

impl Scenario {
    /// Warnings, in the order of the file: the scenario can be run all the same.
    pub fn notes(&self) -> Vec<Diagnostic> {
        let mut out = Vec::new();
        let lowest = self
            .sysctl
            .iter()
            .find(|(name, ..)| name == "net.ipv4.ip_unprivileged_port_start")
            .and_then(|(_, value, _)| value.trim().parse().ok())
            .unwrap_or(1024_u16);
        for server in &self.servers {
            let port = server.listen.port();
            if port < lowest {
                let who = match server.kind {
                    ServerKind::Command(_) => "the program may be refused it (EACCES)",
                    _ => "on the host this needs root",
                };
                out.push(
                    Diagnostic::new(
                        Code::Privileged,
                        server.span.clone(),
                        format!("port {port} of `{}` is privileged", server.name),
                        who,
                    )
                    .weight(Weight::Warning)
                    .example("[sysctl]\nnet.ipv4.ip_unprivileged_port_start = 0"),
                );
            }
        }
        out.sort_by_key(|d| d.span.start);
        out
    }
}
