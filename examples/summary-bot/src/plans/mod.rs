//! Schedules that people make: what is summarised when, and who gets it.
//!
//! When one is due is kept by the timetable of the jobs; what it does, its [`Brief`], is the payload of its job. A run
//! stores its summaries and enqueues what is to be sent in one transaction, so that nothing is sent twice because of a
//! restart; each destination is a job of its own.

mod book;
mod brief;
mod choice;
mod config;
mod mail;
mod parcel;
mod period;
mod post;
mod schedule;
mod standing;
mod summarize;
#[cfg(test)]
mod tests;
mod undelivered;

pub(crate) use book::{Parts, Plans, not_found};
pub(crate) use brief::{Brief, Destination, Missed, Mode, is_id};
pub(crate) use choice::{Choice, Day, Every};
pub use config::{MailConfig, SchedulesConfig};
pub(crate) use mail::Mailer;
pub(crate) use post::{Content, Looked, Post, Poster, Posting};
pub(crate) use schedule::Schedule;
pub(crate) use standing::{Ended, Outcome, Standing};
pub(crate) use summarize::SummarizeChannels;
pub(crate) use undelivered::Undelivered;
