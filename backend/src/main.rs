//! The program `tillstream`; all of it is in the library.

fn main() {}
