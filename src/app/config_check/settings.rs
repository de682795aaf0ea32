//! Checks the settings, and the files and addresses that they name, without the database.

use std::net::SocketAddr;

use super::finding::Finding;
use crate::{
    app::{
        audit_key::{self, AuditKeyError},
        commands_folder, load_commands, otlp, server,
        start_error::{StartError, UNUSABLE_TARGETS},
    },
    auth::Provider,
    commands::Catalog,
    config::{Config, Metrics},
    error::with_causes,
    store, telemetry,
    webhooks::{self, Webhooks},
};

/// Checks the settings and their files. Also returns the definitions, if they are valid.
pub fn check(config: &Config, demo: bool) -> (Vec<Finding>, Option<Catalog>) {
    let mut findings = values(config, demo);
    findings.extend(infos(config));
    let catalog = definitions(config, demo, &mut findings);
    targets(config, catalog.as_ref(), &mut findings);
    (findings, catalog)
}

/// Finds errors in the values of settings.
fn values(config: &Config, demo: bool) -> Vec<Finding> {
    let provider = config.identity_provider().map_err(StartError::from);
    let provider = provider.and_then(|settings| Ok(settings.map(Provider::new).transpose()?));
    let tls = config.tls_files().map_err(StartError::from);
    let tls = tls.and_then(|files| Ok(files.as_ref().map(server::tls::check).transpose()?));
    let is_public_demo = demo && !config.listen.ip().is_loopback();
    let errors = [
        is_public_demo.then(|| {
            let port = config.listen.port();
            format!("--demo listens only on this machine; use --listen 127.0.0.1:{port}")
        }),
        (config.clock.is_some() && !demo)
            .then(|| "KOMMANDO_CLOCK is allowed only with --demo; unset it, or add --demo".to_owned()),
        telemetry::filter(config).err().map(|error| error.to_string()),
        config.admin_password().err().map(|error| error.to_string()),
        provider.err().map(|error| with_causes(&error)),
        tls.err().map(|error| with_causes(&error)),
        otlp::check().err().map(|error| error.to_string()),
        match audit_key::load(config) {
            // Reported with the database.
            Err(AuditKeyError::Url(_) | AuditKeyError::Missing(_)) | Ok(_) => None,
            Err(error) => Some(with_causes(&error)),
        },
        match config.metrics {
            Metrics::At(address) if is_conflict(address, config.listen) => Some(format!(
                "KOMMANDO_METRICS and KOMMANDO_LISTEN are both {address}; give the metrics another port, or `path`"
            )),
            _ => None,
        },
    ];
    errors.into_iter().flatten().map(Finding::fatal).collect()
}

/// Whether it is impossible to listen on both addresses.
fn is_conflict(one: SocketAddr, other: SocketAddr) -> bool {
    let is_any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (is_any || one.ip() == other.ip())
}

fn infos(config: &Config) -> Vec<Finding> {
    let has_header_without_proxies = config.proxy_header.is_some() && config.trusted_proxies.is_empty();
    let is_local = config.listen.ip().to_canonical().is_loopback();
    let refuses_proxied_hosts = is_local && !config.trusted_proxies.is_empty() && config.hosts.is_empty();
    let infos = [
        telemetry::silences_own_events(&config.log).then_some(
            "KOMMANDO_LOG hides all log lines of kommando itself; add a default level, such as `warn,sqlx=debug`",
        ),
        has_header_without_proxies
            .then_some("KOMMANDO_PROXY_HEADER has no effect without KOMMANDO_TRUSTED_PROXIES; set both"),
        refuses_proxied_hosts.then_some(
            "the server listens on loopback behind a proxy and accepts only the hosts localhost, 127.0.0.1 and [::1]; \
             if the proxy forwards the Host header, set KOMMANDO_HOSTS to the public host",
        ),
    ];
    let without_tls = store::warning_without_tls(&config.database_url);
    let others = without_tls.into_iter().chain(otlp::warning_without_feature());
    infos.into_iter().flatten().map(Finding::info).chain(others.map(Finding::info)).collect()
}

fn definitions(config: &Config, demo: bool, findings: &mut Vec<Finding>) -> Option<Catalog> {
    let folder = commands_folder(config.commands.as_deref(), demo);
    match load_commands(folder.as_deref(), demo) {
        Ok(catalog) => {
            let place = folder.map_or_else(|| "no folder".to_owned(), |folder| folder.display().to_string());
            findings.push(Finding::info(format_args!("definitions: {} ({place})", catalog.entries().len())));
            Some(catalog)
        }
        Err(errors) => {
            findings.extend(errors.0.into_iter().map(Finding::fatal));
            None
        }
    }
}

fn targets(config: &Config, catalog: Option<&Catalog>, findings: &mut Vec<Finding>) {
    let read = config.targets.as_deref().map(webhooks::read).transpose();
    match read.and_then(|targets| Webhooks::new(targets.unwrap_or_default())) {
        Ok(webhooks) => {
            let names = webhooks.names();
            findings.push(Finding::info(format_args!("webhook targets: {}", names.len())));
            let unknown = catalog.and_then(|catalog| catalog.check_targets(&names).err());
            findings.extend(unknown_head_target(config, &names).map(Finding::fatal));
            findings.extend(webhooks.not_allowed().into_iter().map(Finding::error));
            findings.extend(unknown.into_iter().flat_map(|errors| errors.0).map(Finding::fatal));
        }
        Err(error) => {
            let finding = |line| Finding::fatal(format_args!("{UNUSABLE_TARGETS}: {line}"));
            findings.extend(error.lines().into_iter().map(finding));
        }
    }
}

/// The error when the target of the chain's head does not exist.
fn unknown_head_target(config: &Config, targets: &[String]) -> Option<String> {
    let name = config.audit_head_target.as_ref()?;
    let error = || {
        let known = if targets.is_empty() { "there are none".to_owned() } else { targets.join(", ") };
        format!("KOMMANDO_AUDIT_HEAD_TARGET names {name}, which is not a webhook target (KOMMANDO_TARGETS): {known}")
    };
    (!targets.contains(name)).then(error)
}

/// Checks that the server can listen on its addresses. An address in use is only a info: the server itself may be
/// using it.
pub fn listeners(config: &Config) -> Vec<Finding> {
    let metrics = match config.metrics {
        Metrics::At(address) if !is_conflict(address, config.listen) => Some(("KOMMANDO_METRICS", address)),
        _ => None,
    };
    let addresses = std::iter::once(("KOMMANDO_LISTEN", config.listen)).chain(metrics);
    let finding = |(setting, address): (&str, SocketAddr)| match server::try_address(address) {
        Ok(()) => None,
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Some(Finding::info(format_args!(
            "{setting}: another program listens on {address}; stop it before you start a server"
        ))),
        Err(error) => Some(Finding::fatal(format_args!(
            "{setting}: cannot listen on {address}: {error}; use another address, or port 0 for a free port"
        ))),
    };
    addresses.filter_map(finding).collect()
}
