//! Errors with their causes.

use std::{error::Error, iter::successors};

/// The error and its causes, in one line. A cause is left out when the text before it already ends with it: many libraries
/// repeat the text of the cause in their own.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = successors(error.source(), |cause| (*cause).source());
    causes.map(ToString::to_string).fold(error.to_string(), |line, cause| match line.ends_with(&cause) {
        true => line,
        false => format!("{line}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Failed {
        #[error("failed to read")]
        Short(#[source] io::Error),
        #[error("failed to read: {0}")]
        Long(#[source] io::Error),
    }

    #[test]
    fn no_cause_is_said_twice() {
        let gone = || io::Error::other("the file is gone");
        for error in [Failed::Short(gone()), Failed::Long(gone())] {
            assert_eq!(with_causes(&error), "failed to read: the file is gone");
        }
        assert_eq!(with_causes(&gone()), "the file is gone");
    }
}
