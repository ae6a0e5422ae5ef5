use groundcrew::telemetry::prometheus::{IntCounter, IntGauge};
use groundcrew::telemetry::{Metrics, MetricsError};

/// What Discord does with us, registered once.
#[derive(Debug, Clone)]
pub(crate) struct DiscordMetrics {
    /// `active_discord_connections`.
    pub(crate) connections: IntGauge,
    commands: Vec<(&'static str, Outcomes)>,
    good: IntCounter,
    bad: IntCounter,
}

/// The two values of the label `status`.
#[derive(Debug, Clone)]
struct Outcomes {
    success: IntCounter,
    error: IntCounter,
}

// === impl DiscordMetrics ===

impl DiscordMetrics {
    pub(crate) fn register(
        metrics: &Metrics,
        names: impl Iterator<Item = &'static str>,
    ) -> Result<Self, MetricsError> {
        let connections = metrics.gauge(
            "active_discord_connections",
            "Sessions with Discord's gateway that are ready: one in the replica that leads.",
        )?;
        let counters = metrics.counters(
            "discord_commands_total",
            "Commands and buttons that were answered; `error` where something of ours was in the way.",
            ["command", "status"],
        )?;
        let commands = names.map(|name| {
            let count = |status| counters.handle([name, status]);
            (name, Outcomes { success: count("success"), error: count("error") })
        });
        let opinions = metrics.counters(
            "summary_feedback_total",
            "Presses of the buttons `good` and `bad` below summaries.",
            ["opinion"],
        )?;
        let (good, bad) = (opinions.handle(["good"]), opinions.handle(["bad"]));
        Ok(Self { connections, commands: commands.collect(), good, bad })
    }

    /// Counts what a reader thinks of a summary.
    pub(crate) fn rated(&self, good: bool) {
        if good { &self.good } else { &self.bad }.inc();
    }

    /// Counts an answer to the command of this name.
    pub(crate) fn answered(&self, name: &str, well: bool) {
        if let Some((_, outcomes)) = self.commands.iter().find(|(known, _)| *known == name) {
            if well { &outcomes.success } else { &outcomes.error }.inc();
        }
    }
}
