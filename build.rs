//! Rebuilds the binary when an embedded file changes: an example definition, a page, or a file for generating clients.

fn main() {
    println!("cargo:rerun-if-changed=commands.d");
    println!("cargo:rerun-if-changed=openapi/clients");
    println!("cargo:rerun-if-changed=src/api/pages");
}
