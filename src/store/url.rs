//! Which database addresses are served, and what to say of the others.

/// A database address that is not served.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("the database address must begin with sqlite://, for example sqlite://kommando.db?mode=rwc")]
    Scheme,
    #[error(
        "an SQLite database in memory is a different one for each connection; name a file: sqlite://kommando.db?mode=rwc"
    )]
    Memory,
}

/// Accepts a file of SQLite.
pub fn check(url: &str) -> Result<(), UrlError> {
    let rest = url.strip_prefix("sqlite:").ok_or(UrlError::Scheme)?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if path.is_empty() || path.contains(":memory:") || query.split('&').any(|pair| pair == "mode=memory") {
        return Err(UrlError::Memory);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_served_and_memory_is_not() {
        assert_eq!(check("sqlite://kommando.db?mode=rwc"), Ok(()));
        assert_eq!(check("sqlite::memory:"), Err(UrlError::Memory));
        assert_eq!(check("sqlite://x?mode=memory&cache=shared"), Err(UrlError::Memory));
    }

    #[test]
    fn another_database_is_refused() {
        assert_eq!(check("postgres://localhost/kommando"), Err(UrlError::Scheme));
        assert_eq!(check("kommando.db"), Err(UrlError::Scheme));
    }
}
