//! Files beside a database: their folder and their owner.

use std::{
    fs::{self, File},
    os::unix::fs::{MetadataExt, fchown},
    path::Path,
};

/// The folder of a file.
pub fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Gives a file to the owner of another one, or to the owner of its folder while that one is missing, so that a server
/// that is not root can open what root created. Only root may do this; for other users, nothing happens. The file must be
/// opened without following symbolic links; a file with several names (hard links) keeps its owner.
pub fn give_to_owner(file: &File, of: &Path) {
    let owner = fs::metadata(of).or_else(|_| fs::metadata(folder_of(of)));
    let (Ok(owner), Ok(own)) = (owner, file.metadata()) else { return };
    if own.uid() != owner.uid() && own.nlink() == 1 {
        let _ = fchown(file, Some(owner.uid()), Some(owner.gid()));
    }
}
