//! The example definitions, the pages, and what is needed to generate clients are embedded in the binary: a change to one
//! is a change to the program.

fn main() {
    println!("cargo:rerun-if-changed=commands.d");
    println!("cargo:rerun-if-changed=openapi/clients");
    println!("cargo:rerun-if-changed=src/api/pages");
}
