//! What to read.

use std::{fmt, path::PathBuf, str::FromStr};

use super::{DateOrder, DateRange, Decimal, IngestError};

/// What to read; parsed from `--input`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum InputSpec {
    /// The real data set, which is part of the program.
    #[default]
    BuiltIn,
    /// `generate:N` or `generate:N:SEED`.
    Generated {
        /// How many lines.
        lines: u64,
        /// The same seed gives the same lines.
        seed: u64,
    },
    /// `-`.
    StandardInput,
    /// A CSV file (plain, gzip, zstd, or alone in a zip archive), an XLSX workbook, or a named pipe.
    File(PathBuf),
}

impl InputSpec {
    /// The seed of `generate:N`.
    pub const DEFAULT_SEED: u64 = 1;
}

impl FromStr for InputSpec {
    type Err = IngestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || IngestError::Spec(text.to_owned());
        let Some(arguments) = text.strip_prefix("generate:") else {
            return match text {
                "" => Err(invalid()),
                "-" => Ok(Self::StandardInput),
                path => Ok(Self::File(path.into())),
            };
        };
        let (lines, seed) = match arguments.split_once(':') {
            Some((lines, seed)) => (lines, seed.parse().map_err(|_| invalid())?),
            None => (arguments, Self::DEFAULT_SEED),
        };
        Ok(Self::Generated { lines: lines.parse().map_err(|_| invalid())?, seed })
    }
}

impl fmt::Display for InputSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("the built-in data set"),
            Self::Generated { lines, seed } => write!(f, "generate:{lines}:{seed}"),
            Self::StandardInput => f.write_str("standard input"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// How to read it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The order of day and month, instead of the one that the file suggests.
    pub date_order: Option<DateOrder>,
    /// The decimal mark, instead of the one that the file suggests.
    pub decimal: Option<Decimal>,
    /// The days on which lines may be.
    pub dates: DateRange,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_named_on_the_command_line() {
        let parsed = |text: &str| text.parse::<InputSpec>().ok();
        assert_eq!(parsed("generate:1000"), Some(InputSpec::Generated { lines: 1000, seed: 1 }));
        assert_eq!(parsed("generate:5:7"), Some(InputSpec::Generated { lines: 5, seed: 7 }));
        assert_eq!(parsed("-"), Some(InputSpec::StandardInput));
        assert_eq!(parsed("a:b.csv"), Some(InputSpec::File("a:b.csv".into())));
        for wrong in ["", "generate:", "generate:x", "generate:1:", "generate:-1", "generate:1:2:3"]
        {
            assert_eq!(parsed(wrong), None, "{wrong:?}");
        }
    }
}
