//! Findings: the results of a check of settings and database.

use std::fmt;

/// One result of a check, in one line.
#[derive(Debug, PartialEq, Eq)]
pub enum Finding {
    /// An error that prevents the start.
    Refusal(String),
    /// An error that does not prevent the start.
    Fault(String),
    /// Information.
    Remark(String),
}

impl Finding {
    pub fn refusal(problem: impl fmt::Display) -> Self {
        Self::Refusal(problem.to_string())
    }

    pub fn fault(problem: impl fmt::Display) -> Self {
        Self::Fault(problem.to_string())
    }

    pub fn remark(remark: impl fmt::Display) -> Self {
        Self::Remark(remark.to_string())
    }

    pub fn is_remark(&self) -> bool {
        matches!(self, Self::Remark(_))
    }

    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refusal(_))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Refusal(text) | Self::Fault(text) | Self::Remark(text)) = self;
        f.write_str(text)
    }
}

/// The errors that prevent the start, one line each.
#[derive(Debug)]
pub struct Refusals(pub Vec<Finding>);

impl Refusals {
    /// The refusals among the findings, if there are any.
    pub fn among(findings: Vec<Finding>) -> Option<Self> {
        let refusals: Vec<_> = findings.into_iter().filter(Finding::is_refusal).collect();
        (!refusals.is_empty()).then_some(Self(refusals))
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [one] = self.0.as_slice() {
            return one.fmt(f);
        }
        f.write_str("the server does not start with these settings:")?;
        self.0.iter().try_for_each(|one| write!(f, "\n{one}"))
    }
}

/// An error with its causes, in one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
