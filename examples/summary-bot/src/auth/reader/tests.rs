//! Who reads, enters and deletes what.

use groundcrew::auth::{PrincipalKind, Scopes};

use super::*;
use crate::auth::Deed;
use crate::discord::access::Looking;

const ADA: &str = "100000000000000001";
const BEN: &str = "100000000000000002";
/// Admin of the server 1.
const CLEO: &str = "100000000000000003";

/// Ada reads the channels 6 and 7 of the server 1; about the server 9 Discord does not answer.
struct Discord;

impl Viewer for Discord {
    fn may_read<'a>(&'a self, user: &'a str, guild: &'a str, channel: &'a str) -> Looking<'a, bool> {
        Box::pin(async move {
            if guild == "9" {
                return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "DISCORD_UNAVAILABLE"));
            }
            Ok((user, guild) == (ADA, "1") && ["6", "7"].contains(&channel))
        })
    }

    fn may_post<'a>(&'a self, _user: &'a str, _guild: &'a str, channel: &'a str) -> Looking<'a, bool> {
        Box::pin(std::future::ready(Ok(channel == "7")))
    }

    fn level<'a>(&'a self, user: &'a str, guild: &'a str) -> Looking<'a, Level> {
        let level = match (user, guild) {
            (ADA, "1") => Level::Summarize,
            (CLEO, "1") => Level::Admin,
            _ => Level::None,
        };
        Box::pin(std::future::ready(Ok(level)))
    }

    fn lowered<'a>(
        &'a self,
        _user: &'a str,
        _guild: &'a str,
        channel: &'a str,
    ) -> Looking<'a, Option<Level>> {
        Box::pin(std::future::ready(Ok((channel == "6").then_some(Level::Read))))
    }
}

fn reader(subject: &str) -> Reader {
    let who = Principal::new(subject, Scopes::all(), PrincipalKind::Session);
    Reader::new(&who, Some(Arc::new(Discord)))
}

fn origin(guild: Option<(&str, &str)>, by: Option<&str>, private: bool) -> Origin {
    Origin {
        guild_id: guild.map(|(guild, _)| guild.to_owned()),
        channel_id: guild.map(|(_, channel)| channel.to_owned()),
        channels: Vec::new(),
        requested_by: by.map(str::to_owned),
        private,
    }
}

#[tokio::test]
async fn a_summary_shows_nobody_what_they_may_not_read() {
    let open = origin(Some(("1", "7")), Some(BEN), false);
    let closed = origin(Some(("1", "8")), Some(BEN), false);
    let private = origin(Some(("1", "7")), Some(ADA), true);
    let lost = origin(Some(("1", "7")), Some(BEN), true);
    let of_program = origin(Some(("1", "7")), Some("the backup"), true);
    let uploaded = origin(None, Some(ADA), false);
    let anonymous = origin(None, None, false);
    for (subject, readable) in [
        (ADA, [true, false, true, false, false, true, false]),
        // Ben asked for three of them, and cannot read the channels any more.
        (BEN, [false; 7]),
        ("the backup", [true, true, false, false, true, true, true]),
    ] {
        let all = [&open, &closed, &private, &lost, &of_program, &uploaded, &anonymous];
        for (origin, expected) in all.into_iter().zip(readable) {
            let may = reader(subject).may_read(origin).await.expect("an answer");
            assert_eq!(may, expected, "{subject} {origin:?}");
        }
        let left =
            reader(subject).readable(all.to_vec(), |origin| (*origin).clone()).await.expect("an answer");
        assert_eq!(left.len(), readable.into_iter().filter(|may| *may).count(), "{subject}");
    }
}

#[tokio::test]
async fn who_cannot_read_one_of_several_channels_reads_none_of_the_summary() {
    let of = |guild: &str, channels: &[&str]| Origin {
        guild_id: Some(guild.to_owned()),
        channels: channels.iter().map(|&channel| channel.to_owned()).collect(),
        requested_by: Some(ADA.to_owned()),
        ..Origin::default()
    };
    let below = Origin { channel_id: Some("8".to_owned()), ..of("1", &["7"]) };
    let all = [of("1", &["7", "6"]), of("1", &["7", "8"]), of("1", &["8"]), of("1", &[]), below];
    for (subject, readable) in
        [(ADA, [true, false, false, false, false]), (BEN, [false; 5]), ("the backup", [true; 5])]
    {
        for (origin, expected) in all.iter().zip(readable) {
            let may = reader(subject).may_read(origin).await.expect("an answer");
            assert_eq!(may, expected, "{subject} {origin:?}");
        }
        let left = reader(subject).readable(all.to_vec(), Clone::clone).await.expect("an answer");
        assert_eq!(left.len(), readable.into_iter().filter(|may| *may).count(), "{subject}");
    }
}

#[tokio::test]
async fn a_channel_is_entered_by_who_reads_it_unless_a_rule_forbids_it() {
    let plain = |subject: &str| Readers::new(Some(Arc::new(Discord))).named(subject);
    for (reader, guild, channel, expected) in [
        (plain(ADA), Some("1"), "7", ""),
        (plain(ADA), Some("1"), "6", "FORBIDDEN"),
        (plain(ADA), Some("1"), "8", "CHANNEL_ACCESS_DENIED"),
        (plain(ADA), None, "7", "CHANNEL_ACCESS_DENIED"),
        (plain(BEN), Some("1"), "6", "CHANNEL_ACCESS_DENIED"),
        (plain("the backup"), None, "6", ""),
        // The operator's admin.
        (reader(ADA), Some("1"), "7", ""),
        (reader(ADA), Some("1"), "6", "FORBIDDEN"),
    ] {
        let code =
            reader.enter(guild, channel).await.err().map_or_else(String::new, |it| it.code().to_string());
        assert_eq!(code, expected, "{} {guild:?} {channel}", reader.subject);
    }
}

#[tokio::test]
async fn who_asked_and_admins_delete() {
    let of_ben = origin(Some(("1", "7")), Some(BEN), false);
    let plain = |subject: &str| Readers::new(Some(Arc::new(Discord))).named(subject);
    for (reader, origin, expected) in [
        (plain(BEN), &of_ben, true),
        (plain(ADA), &of_ben, false),
        (plain(CLEO), &of_ben, true),
        (plain(CLEO), &origin(Some(("2", "7")), Some(BEN), false), false),
        (plain(CLEO), &origin(None, Some(BEN), false), false),
        (reader(ADA), &of_ben, true),
        (plain("the backup"), &of_ben, true),
    ] {
        let may = reader.may_delete(origin).await.expect("an answer");
        assert_eq!(may, expected, "{} {origin:?}", reader.subject);
    }
}

#[tokio::test]
async fn without_discord_nothing_of_a_server_is_shown_to_people() {
    let (of_a_server, silent) =
        (origin(Some(("1", "7")), None, false), origin(Some(("9", "7")), None, false));
    let who = Principal::new(ADA, Scopes::all(), PrincipalKind::Session);
    assert!(!Reader::new(&who, None).may_read(&of_a_server).await.expect("an answer"));
    assert!(reader(ADA).may_read(&silent).await.is_err());
    assert!(reader(ADA).readable(vec![silent], Clone::clone).await.is_err());
}

#[tokio::test]
async fn people_do_what_their_level_allows_and_programs_what_their_scopes_do() {
    let admin = Principal::new(BEN, Scopes::all(), PrincipalKind::Session);
    let admin = Reader::new(&admin, None);
    let plain = |subject: &str| Readers::new(Some(Arc::new(Discord))).named(subject);
    let (ada, ben, program) = (plain(ADA), plain(BEN), plain("the backup"));
    let all = [Deed::SeeSchedules, Deed::RunSchedules, Deed::ChangeSchedules];
    for (reader, guild, expected) in [
        (&ada, Some("1"), ["", "", "FORBIDDEN"]),
        (&ada, Some("2"), ["NOT_FOUND"; 3]),
        (&ada, Some("1/../2"), ["NOT_FOUND"; 3]),
        (&ada, None, ["NOT_FOUND"; 3]),
        (&ben, Some("1"), ["NOT_FOUND"; 3]),
        (&admin, Some("1"), [""; 3]),
        (&program, None, [""; 3]),
    ] {
        for (deed, expected) in all.into_iter().zip(expected) {
            let hidden = || Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND");
            let answer = reader.admit(deed, guild, hidden).await;
            let code = answer.err().map_or_else(String::new, |problem| problem.code().to_string());
            assert_eq!(code, expected, "{} {guild:?} {deed:?}", reader.subject);
        }
    }
}
