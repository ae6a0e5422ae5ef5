use groundcrew_runtime::{Crew, Outcome, Phase};
use groundcrew_telemetry::{Logging, Otlp};

use crate::reserved::Reserved;

/// Adds the export of spans to the logs, where the section `otlp` is there.
pub(crate) fn export(
    logging: Logging,
    service: &str,
    reserved: &Reserved,
) -> Result<(Logging, Option<Otlp>), String> {
    let Some(config) = &reserved.otlp else { return Ok((logging, None)) };
    let otlp = Otlp::try_new(service, config).map_err(|error| format!("otlp.endpoint: {error}"))?;
    Ok((logging.with_traces(&otlp), Some(otlp)))
}

/// The last spans leave with the telemetry, within its own bound.
pub(crate) fn flush_at_the_end(crew: &Crew, traces: Option<Otlp>) {
    let Some(otlp) = traces else { return };
    crew.on_shutdown(Phase::Telemetry, "traces", |_scope| async {
        match otlp.shutdown().await {
            Ok(()) => Outcome::finished(""),
            Err(error) => Outcome::cut(error.to_string()),
        }
    });
}
