//! What is wrong in real files, so that tests and long runs meet it.
//!
//! A dirty file still has all lines of a clean one: some are written in another way that is to be read as the same, and
//! between them there are rows that are to be rejected.

use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_xoshiro::Xoshiro256PlusPlus;
use tillstream_shared::Line;

use crate::ingest::csv_lines::{write_field, write_line};

/// Makes the random numbers others than those of the lines.
const SEED: u64 = 0x6469_7274;
/// Bytes of a row that is too long.
const LONG: usize = 200_000;

/// Another way to write a line.
const DISGUISES: [fn(&mut [String; 8]); 6] = [
    |fields| fields[1] = format!(" {} ", fields[1]),
    |fields| fields[7].push(' '),
    |fields| fields[3] += ".0",
    |fields| fields[4] = fields[4].replace(' ', "T") + ".000Z",
    |fields| fields[6] += if fields[6].is_empty() { "#N/A" } else { ".0" },
    |fields| {
        let plain = fields.iter_mut().filter(|field| !field.starts_with('"'));
        plain.for_each(|field| *field = format!("\"{field}\""));
    },
];

/// A row that is no line, made of one.
const INTRUDERS: [fn(&mut [String; 8]); 11] = [
    |fields| fields[2] = "\"OPEN".to_owned(),
    |fields| fields[3] = "six".to_owned(),
    |fields| fields[3] = "1.5".to_owned(),
    |fields| fields[4] = "not a date".to_owned(),
    |fields| fields[4] = "2011-02-29 10:00:00".to_owned(),
    |fields| fields[4].replace_range(..4, "0201"),
    |fields| fields[4].replace_range(..4, "2999"),
    |fields| fields[5] = "1e200".to_owned(),
    |fields| fields[1] = "#REF!".to_owned(),
    |fields| fields[2].push('\0'),
    |fields| fields[7] += ",more",
];

pub(super) struct Dirt {
    share: f64,
    rng: Xoshiro256PlusPlus,
}

impl Dirt {
    pub(super) fn new(share: f64, seed: u64) -> Self {
        Self { share, rng: Xoshiro256PlusPlus::seed_from_u64(seed ^ SEED) }
    }

    /// Writes a line, perhaps in another way, and perhaps something else before it.
    pub(super) fn write_line(&mut self, out: &mut Vec<u8>, line: &Line<'_>) {
        if self.share == 0.0 || !self.rng.random_bool(self.share) {
            write_line(out, line);
        } else if self.rng.random_bool(0.5) {
            self.write_intruder(out, line);
            write_line(out, line);
        } else {
            write_made(out, line, DISGUISES.choose(&mut self.rng));
        }
    }

    fn write_intruder(&mut self, out: &mut Vec<u8>, line: &Line<'_>) {
        match self.rng.random_range(0..200) {
            0 => out.resize(out.len() + LONG, b'x'),
            1..10 => out.extend_from_slice(b"Total"),
            // Latin-1, and too few fields.
            10..20 => out.extend_from_slice(b"caf\xe9,1,2"),
            _ => {
                write_made(out, line, INTRUDERS.choose(&mut self.rng));
                return;
            }
        }
        out.push(b'\n');
    }
}

/// Writes the line after `make` has been at its fields.
fn write_made(out: &mut Vec<u8>, line: &Line<'_>, make: Option<&fn(&mut [String; 8])>) {
    let mut text = Vec::new();
    write_line(&mut text, &Line { description: "".into(), ..line.clone() });
    let text = String::from_utf8_lossy(&text);
    let mut fields = [const { String::new() }; 8];
    for (field, text) in fields.iter_mut().zip(text.trim_end().split(',')) {
        text.clone_into(field);
    }
    let mut description = Vec::new();
    write_field(&mut description, &line.description);
    fields[2] = String::from_utf8_lossy(&description).into_owned();
    if let Some(make) = make {
        make(&mut fields);
    }
    out.extend_from_slice(fields.join(",").as_bytes());
    out.push(b'\n');
}
