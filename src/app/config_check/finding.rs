//! Findings: the results of a check of settings and database.

use std::fmt;

/// One result of a check, in one line.
#[derive(Debug, PartialEq, Eq)]
pub enum Finding {
    /// An error that prevents the start.
    Fatal(String),
    /// An error that does not prevent the start.
    Error(String),
    /// Information.
    Info(String),
}

impl Finding {
    pub fn fatal(problem: impl fmt::Display) -> Self {
        Self::Fatal(problem.to_string())
    }

    pub fn error(problem: impl fmt::Display) -> Self {
        Self::Error(problem.to_string())
    }

    pub fn info(info: impl fmt::Display) -> Self {
        Self::Info(info.to_string())
    }

    pub fn is_info(&self) -> bool {
        matches!(self, Self::Info(_))
    }

    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Fatal(_))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Fatal(text) | Self::Error(text) | Self::Info(text)) = self;
        f.write_str(text)
    }
}

/// The errors that prevent the start, one line each.
#[derive(Debug)]
pub struct FatalFindings(pub Vec<Finding>);

impl FatalFindings {
    /// The fatal findings among these, if there are any.
    pub fn among(findings: Vec<Finding>) -> Option<Self> {
        let fatal: Vec<_> = findings.into_iter().filter(Finding::is_fatal).collect();
        (!fatal.is_empty()).then_some(Self(fatal))
    }
}

impl fmt::Display for FatalFindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [one] = self.0.as_slice() {
            return one.fmt(f);
        }
        f.write_str("the server does not start with these settings:")?;
        self.0.iter().try_for_each(|one| write!(f, "\n{one}"))
    }
}
