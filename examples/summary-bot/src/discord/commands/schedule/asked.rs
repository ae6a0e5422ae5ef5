//! What somebody typed, as a schedule.

use groundcrew::http::Problem;
use groundcrew::jobs::PlanId;
use uuid::Builder;

use super::{Interaction, invalid};
use crate::discord::snowflake;
use crate::plans::{Brief, Choice, Day, Destination, Every, Missed, Mode};

/// The same for the same command, however often it is run: its schedule is made once.
pub(super) fn id(interaction: &Interaction) -> PlanId {
    let made = snowflake::made_at(&interaction.id).map_or(0, jiff::Timestamp::as_millisecond);
    let number: u64 = interaction.id.parse().unwrap_or_default();
    let mut bytes = [0; 10];
    bytes[2..].copy_from_slice(&number.to_be_bytes());
    let id = Builder::from_unix_timestamp_millis(u64::try_from(made).unwrap_or_default(), &bytes);
    PlanId::from(id.into_uuid())
}

/// `zone` is where times are meant unless another is named.
pub(super) fn brief(interaction: &Interaction, guild: &str, zone: Option<&str>) -> Result<Brief, Problem> {
    let text = |name: &str| interaction.text(name).map(str::to_owned);
    let kind = interaction.text("every").and_then(Every::of_name);
    let mut channels: Vec<String> = ["channel", "channel2", "channel3"]
        .iter()
        .filter_map(|name| interaction.id(name))
        .map(str::to_owned)
        .collect();
    channels.dedup();
    if channels.is_empty() {
        channels.push(interaction.channel_id.clone());
    }
    let mail = text("email").map(Destination::Email);
    let webhook = text("webhook").map(Destination::WebhookUrl);
    let mut destinations: Vec<Destination> = mail.into_iter().chain(webhook).collect();
    match interaction.id("post_to") {
        Some(channel) => destinations.push(Destination::Channel(channel.to_owned())),
        // Whoever names another receiver means that one.
        None if destinations.is_empty() => {
            destinations.push(Destination::Channel(interaction.channel_id.clone()));
        }
        None => {}
    }
    Ok(Brief {
        name: text("name").unwrap_or_default(),
        guild_id: guild.to_owned(),
        channels,
        exclude_channels: Vec::new(),
        timing: Choice {
            kind: kind.ok_or_else(|| invalid("say how often it is to come"))?,
            at: text("at"),
            days: days(interaction.text("days"))?,
            day: text("day"),
            cron: text("cron"),
            zone: text("zone").or_else(|| zone.map(str::to_owned)),
        },
        period: text("period"),
        length: text("length"),
        perspective: text("perspective"),
        language: None,
        mode: if interaction.text("mode") == Some("individual") { Mode::Individual } else { Mode::Combined },
        threads: true,
        include_bots: None,
        exclude_users: Vec::new(),
        missed: if interaction.text("missed") == Some("skip") { Missed::Skip } else { Missed::Once },
        destinations,
    })
}

fn days(text: Option<&str>) -> Result<Vec<Day>, Problem> {
    let words = text.unwrap_or_default().split([',', ' ', ';']).filter(|word| !word.is_empty());
    words
        .map(|word| {
            let unknown = || invalid(format!("`{word}` is no day of the week; right would be `mon, thu`"));
            Day::of_name(word).ok_or_else(unknown)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::interaction::{Given, Kind, Token, User, Value};

    fn create(options: &[(&str, Value)]) -> Interaction {
        let options = options
            .iter()
            .map(|(name, value)| Given { name: (*name).to_owned(), value: value.clone() })
            .collect();
        let kind =
            Kind::Command { name: "schedule".into(), path: vec!["create".into()], options, target: None };
        let user = User { id: "5".into(), name: "ann".into(), roles: Vec::new(), permissions: 0 };
        Interaction {
            id: "175928847299117063".into(),
            application_id: "1".into(),
            token: Token("token".into()),
            kind,
            user,
            guild_id: Some("7".into()),
            channel_id: "8".into(),
            locale: "en-GB".into(),
            guild_locale: None,
            app_permissions: 0,
        }
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn what_is_left_out_means_this_channel() {
        let typed = create(&[("name", text("the week")), ("every", text("weekly"))]);
        let brief = brief(&typed, "7", None).expect("a brief");
        assert_eq!(brief.channels, ["8"]);
        assert_eq!(brief.destinations, [Destination::Channel("8".into())]);
        brief.check().expect("right");
    }

    #[test]
    fn days_and_receivers_are_read_as_people_type_them() {
        let typed = create(&[
            ("name", text("twice")),
            ("every", text("half-weekly")),
            ("days", text("Monday, fri")),
            ("channel", Value::Channel("9".into())),
            ("email", text("ann@example.com")),
        ]);
        let read = brief(&typed, "7", None).expect("a brief");
        assert_eq!(read.timing.days, [Day::Mon, Day::Fri]);
        assert_eq!(
            (read.channels, read.destinations),
            (vec!["9".to_owned()], vec![Destination::Email("ann@example.com".into())])
        );
        let typed = create(&[("every", text("daily")), ("days", text("someday"))]);
        let problem = brief(&typed, "7", None).expect_err("no day").to_json();
        assert!(problem["detail"].as_str().expect("words").contains("`someday`"), "{problem}");
    }

    #[test]
    fn the_same_command_makes_the_same_schedule() {
        let typed = create(&[]);
        assert_eq!(id(&typed), id(&typed));
        assert_eq!(id(&typed).as_uuid().get_version_num(), 7);
        let another = Interaction { id: "175928847299117064".into(), ..create(&[]) };
        assert!(id(&typed) < id(&another), "in the order in which they were typed");
    }
}
