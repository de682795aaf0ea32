//! The user of the operating system who runs the command line, for the audit chain.

use std::fs;

use kommando::executions::audit::{Source, Way};

/// The source of changes by the command line.
pub fn source(way: Way) -> Source {
    Source::command_line(way, user_name())
}

/// The name of the user of this process; its id when the system does not name it.
fn user_name() -> String {
    let id = rustix::process::getuid().as_raw().to_string();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_of(&users, &id).unwrap_or(&id).to_owned()
}

/// Finds the name of a user id in the lines of `/etc/passwd`: `name:password:id:…`.
fn name_of<'a>(users: &'a str, id: &str) -> Option<&'a str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_id() {
        let users = "root:x:0:0:root:/root:/bin/sh\n\neva:x:1000:1000::/home/eva:/bin/sh\n";
        assert_eq!(name_of(users, "1000"), Some("eva"));
        assert_eq!(name_of(users, "100"), None);
    }
}
