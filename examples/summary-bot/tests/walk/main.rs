//! A walk through the bot as a community would run it: three processes on Postgres, Redis and RabbitMQ, a local Discord,
//! a local language model; every command and button, and every failure.
//!
//! What has to hold throughout: each interaction that a living leader received is acknowledged within 3 s and answered
//! once; over the HTTP endpoint none is lost at all. [`control`] shows that the same questions do get more than one
//! answer where nothing stands between the replicas.
#![cfg(unix)]

mod balancer;
mod commands;
mod control;
mod endpoint;
mod failures;
mod fleet;
mod models;
