//! User instructions per request, counted by callgrind: a number that no other load on the machine changes.

use super::contender::Contender;
use super::load;
use super::server::Server;
use crate::cargo::Workspace;
use anyhow::{Context, anyhow};

/// Requests of the two runs; what the start costs is in both, and goes in the difference.
const FEW: u64 = 2_000;
const MANY: u64 = 8_000;

pub(crate) fn per_request(workspace: &Workspace, contender: &Contender) -> anyhow::Result<u64> {
    let few = of_run(workspace, contender, FEW)?;
    let many = of_run(workspace, contender, MANY)?;
    Ok(many.saturating_sub(few) / (MANY - FEW))
}

/// The instructions of all threads of one run. One connection: nothing is shared between requests.
fn of_run(workspace: &Workspace, contender: &Contender, requests: u64) -> anyhow::Result<u64> {
    let profile = workspace.target.join("bench-callgrind.out");
    let out = format!("--callgrind-out-file={}", profile.display());
    let wrapper = ["valgrind".to_owned(), "--tool=callgrind".to_owned(), out];
    let server = Server::start(workspace, contender, &wrapper)?;
    load::run(workspace, server.port, 1, &format!("{requests}x"))?;
    server.stop()?;
    let text = std::fs::read_to_string(&profile).context("callgrind left no profile")?;
    total(&text).ok_or_else(|| anyhow!("callgrind's profile has no total"))
}

fn total(profile: &str) -> Option<u64> {
    profile.lines().find_map(|line| line.strip_prefix("totals:")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::total;

    #[test]
    fn the_total_is_found_at_the_end_of_a_profile() {
        assert_eq!(total("events: Ir\nfn=(1)\n0 5\n\ntotals: 229218372\n"), Some(229_218_372));
        assert_eq!(total("events: Ir\n"), None);
    }
}
