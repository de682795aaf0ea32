//! TLS with a certificate and a key from files, which are read again when they change.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};
use secrecy::ExposeSecret;
use tokio::{
    net::TcpStream,
    sync::watch,
    task::spawn_blocking,
    time::{interval, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::config::{ExposedFile, TlsFiles, read_key};

/// Time for a client to complete the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Interval in which the files are read again.
const RELOAD_INTERVAL: Duration = Duration::from_secs(5);

/// Why the certificate or the key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the file {} of {setting} cannot be read", file.display())]
    Unreadable { setting: &'static str, file: PathBuf, source: io::Error },
    #[error("the file {} of {setting} is not PEM: {error}", file.display())]
    NotPem { setting: &'static str, file: PathBuf, error: pem::Error },
    #[error("the file {} of KOMMANDO_TLS_CERT has no certificate", .0.display())]
    NoCertificate(PathBuf),
    #[error(transparent)]
    Exposed(#[from] ExposedFile),
    #[error("the certificate and the key cannot be used: {0}")]
    Unusable(rustls::Error),
}

/// Accepts TLS connections with the newest certificate.
#[derive(Clone, Debug)]
pub struct Tls(watch::Receiver<Arc<ServerConfig>>);

/// The content of both files.
#[derive(PartialEq, Eq)]
struct Pem {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Tls {
    /// Reads the files, and reads them again in the background from now on. A certificate that cannot be used does not
    /// replace the one in use.
    ///
    /// # Errors
    /// The files cannot be read or used.
    pub fn start(files: TlsFiles) -> Result<Self, TlsError> {
        let pem = Pem::read(&files)?;
        let (sender, receiver) = watch::channel(pem.server_config(&files)?);
        tokio::spawn(keep_reading(files, pem, sender));
        Ok(Self(receiver))
    }

    /// Makes the handshake.
    ///
    /// # Errors
    /// The client offers no version or cipher that the server has, or is too slow.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.0.borrow()));
        timeout(HANDSHAKE, acceptor.accept(stream)).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}

/// Reads the files in intervals. Each error is logged once.
async fn keep_reading(files: TlsFiles, mut pem: Pem, sender: watch::Sender<Arc<ServerConfig>>) {
    let mut ticks = interval(RELOAD_INTERVAL);
    let mut last_error = None;
    loop {
        ticks.tick().await;
        let named = files.clone();
        let Ok(read) = spawn_blocking(move || Pem::read(&named)).await else { continue };
        match read {
            Err(error) => {
                let error = error.to_string();
                if last_error.as_ref() != Some(&error) {
                    tracing::warn!(error, "kept the certificate; its files cannot be read now");
                }
                last_error = Some(error);
                continue;
            }
            Ok(read) if read == pem => {}
            Ok(read) => {
                match read.server_config(&files) {
                    Ok(config) => {
                        tracing::info!(file = %files.certificate.display(), "took a new certificate");
                        sender.send_replace(config);
                    }
                    Err(error) => tracing::error!(%error, "kept the former certificate"),
                }
                pem = read;
            }
        }
        last_error = None;
    }
}

/// Checks that the files can be used.
///
/// # Errors
/// They cannot.
pub fn check(files: &TlsFiles) -> Result<(), TlsError> {
    Pem::read(files)?.server_config(files).map(drop)
}

impl Pem {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let unreadable = |setting, file: &Path| {
            let file = file.to_owned();
            move |source| TlsError::Unreadable { setting, file, source }
        };
        let certificate =
            fs::read(&files.certificate).map_err(unreadable(TlsFiles::CERTIFICATE, &files.certificate))?;
        let key = read_key(&files.key).map_err(unreadable(TlsFiles::KEY, &files.key))??;
        Ok(Self { certificate, key: key.expose_secret().as_bytes().to_vec() })
    }

    fn server_config(&self, files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
        let not_pem = |setting, file: &Path| {
            let file = file.to_owned();
            move |error| TlsError::NotPem { setting, file, error }
        };
        let chain = CertificateDer::pem_slice_iter(&self.certificate).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(not_pem(TlsFiles::CERTIFICATE, &files.certificate))?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate(files.certificate.clone()));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(not_pem(TlsFiles::KEY, &files.key))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unusable)?;
        let mut config = builder.with_no_client_auth().with_single_cert(chain, key).map_err(TlsError::Unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}
