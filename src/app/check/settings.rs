//! What the settings, and the files and addresses that they name, say by themselves.

use std::net::SocketAddr;

use super::finding::{Finding, with_causes};
use crate::{
    app::{
        StartError, UNUSABLE_TARGETS,
        audit_key::{self, AuditKeyError},
        commands_folder, load_commands, server,
    },
    auth::Provider,
    commands::Catalog,
    config::{self, Config, Metrics},
    telemetry,
    webhooks::{self, Webhooks},
};

/// What the settings and the files that they name say by themselves, and the definitions, where they are right.
pub fn check(config: &Config, demo: bool) -> (Vec<Finding>, Option<Catalog>) {
    let mut findings = values(config, demo);
    findings.extend(remarks(config));
    let catalog = definitions(config, demo, &mut findings);
    targets(config, catalog.as_ref(), &mut findings);
    (findings, catalog)
}

/// What is wrong with the values of settings.
fn values(config: &Config, demo: bool) -> Vec<Finding> {
    let provider = config.identity_provider().map_err(StartError::from);
    let provider = provider.and_then(|settings| Ok(settings.map(Provider::new).transpose()?));
    let is_public_demo = demo && !config.listen.ip().is_loopback();
    let faults = [
        is_public_demo.then(|| {
            let port = config.listen.port();
            format!("--demo listens on this machine only; use --listen 127.0.0.1:{port}")
        }),
        (config.clock.is_some() && !demo)
            .then(|| "KOMMANDO_CLOCK stops the clock of a demo only; unset it, or add --demo".to_owned()),
        telemetry::filter(config).err().map(|error| error.to_string()),
        config::admin_password().err().map(|error| error.to_string()),
        provider.err().map(|error| with_causes(&error)),
        match audit_key::load(&config.database_url) {
            // Told with the database.
            Err(AuditKeyError::Url(_) | AuditKeyError::Missing(_)) | Ok(_) => None,
            Err(error) => Some(with_causes(&error)),
        },
        match config.metrics {
            Metrics::At(address) if is_same_place(address, config.listen) => Some(format!(
                "KOMMANDO_METRICS and KOMMANDO_LISTEN are both {address}; give the metrics a port of their own, or take `path`"
            )),
            _ => None,
        },
    ];
    faults.into_iter().flatten().map(Finding::refusal).collect()
}

/// Whether one of these addresses takes the place of the other.
fn is_same_place(one: SocketAddr, other: SocketAddr) -> bool {
    let is_any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (is_any || one.ip() == other.ip())
}

fn remarks(config: &Config) -> Vec<Finding> {
    let has_header_without_proxies = config.proxy_header.is_some() && config.trusted_proxies.is_empty();
    let is_local = config.listen.ip().to_canonical().is_loopback();
    let refuses_proxied_hosts = is_local && !config.trusted_proxies.is_empty() && config.hosts.is_empty();
    let remarks = [
        telemetry::silences_own_events(&config.log).then_some(
            "KOMMANDO_LOG logs nothing of kommando itself; add a level for everything else, such as `warn,sqlx=debug`",
        ),
        has_header_without_proxies.then_some(
            "KOMMANDO_PROXY_HEADER has no effect without KOMMANDO_TRUSTED_PROXIES, which names the proxies",
        ),
        refuses_proxied_hosts.then_some(
            "the server listens on loopback behind a proxy and answers to localhost, 127.0.0.1 and [::1] only; if the proxy \
             passes the Host header on, KOMMANDO_HOSTS must name the public host",
        ),
    ];
    remarks.into_iter().flatten().map(Finding::remark).collect()
}

fn definitions(config: &Config, demo: bool, findings: &mut Vec<Finding>) -> Option<Catalog> {
    let folder = commands_folder(config.commands.as_deref(), demo);
    match load_commands(folder.as_deref(), demo) {
        Ok(catalog) => {
            let place = folder.map_or_else(|| "no folder".to_owned(), |folder| folder.display().to_string());
            findings.push(Finding::remark(format_args!("definitions: {} ({place})", catalog.entries().len())));
            Some(catalog)
        }
        Err(faults) => {
            findings.extend(faults.0.into_iter().map(Finding::refusal));
            None
        }
    }
}

fn targets(config: &Config, catalog: Option<&Catalog>, findings: &mut Vec<Finding>) {
    let read = config.targets.as_deref().map(webhooks::read).transpose();
    match read.and_then(|targets| Webhooks::new(targets.unwrap_or_default())) {
        Ok(webhooks) => {
            let names = webhooks.names();
            findings.push(Finding::remark(format_args!("webhook targets: {}", names.len())));
            let unknown = catalog.and_then(|catalog| catalog.check_targets(&names).err());
            findings.extend(webhooks.not_allowed().into_iter().map(Finding::fault));
            findings.extend(unknown.into_iter().flat_map(|faults| faults.0).map(Finding::refusal));
        }
        Err(error) => {
            let finding = |line| Finding::refusal(format_args!("{UNUSABLE_TARGETS}: {line}"));
            findings.extend(error.lines().into_iter().map(finding));
        }
    }
}

/// Whether the addresses can be listened on. One that is taken may be taken by the server that runs with these settings.
pub fn listeners(config: &Config) -> Vec<Finding> {
    let metrics = match config.metrics {
        Metrics::At(address) if !is_same_place(address, config.listen) => Some(("KOMMANDO_METRICS", address)),
        _ => None,
    };
    let addresses = std::iter::once(("KOMMANDO_LISTEN", config.listen)).chain(metrics);
    let finding = |(setting, address): (&str, SocketAddr)| match server::try_address(address) {
        Ok(()) => None,
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Some(Finding::remark(format_args!(
            "{setting}: a program listens on {address}; a server that starts now needs the address free"
        ))),
        Err(error) => Some(Finding::refusal(format_args!(
            "{setting}: it is not possible to listen on {address}: {error}; name another address, or port 0 for a free one"
        ))),
    };
    addresses.filter_map(finding).collect()
}
