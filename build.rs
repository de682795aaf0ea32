//! The example definitions and the pages are embedded in the binary: a change to one is a change to the program.

fn main() {
    println!("cargo:rerun-if-changed=commands.d");
    println!("cargo:rerun-if-changed=pages");
}
