//! The flags of inputs.

use clap::Args;

use crate::{
    ingest::{DateOrder, DateRange, Decimal, IngestError, Input, InputSpec, ReadOptions},
    progress::Progress,
};

#[derive(Debug, Args)]
pub(super) struct InputOptions {
    /// CSV (also .gz, .zst, or alone in a .zip) or XLSX file, `-` for standard input, a named pipe, or generate:N for
    /// made-up lines; without it, the real data set Online Retail that the program carries
    #[arg(long, env = "TILLSTREAM_INPUT", value_name = "PATH")]
    input: Option<InputSpec>,
    #[command(flatten)]
    reading: ReadingOptions,
    #[command(flatten)]
    pub(super) range: RangeOptions,
}

impl InputOptions {
    /// Opens the input; what a person should know of it is a notice.
    pub(super) fn open(&self, progress: &Progress) -> Result<Input, IngestError> {
        let spec = self.input.clone().unwrap_or_default();
        let mut input = Input::open(&spec, &self.reading.options(&self.range))?;
        input.take_notices().into_iter().for_each(|notice| progress.notice(notice));
        Ok(input)
    }
}

/// How a file is read.
#[derive(Debug, Args)]
pub(super) struct ReadingOptions {
    /// How dates such as 01/12/2010 are read; found out from the whole file unless given
    #[arg(long, env = "TILLSTREAM_DATE_ORDER")]
    date_order: Option<DateOrder>,
    /// Whether 1.000 is one (point) or a thousand (comma); found out from the whole file unless given
    #[arg(long, env = "TILLSTREAM_DECIMAL")]
    decimal: Option<Decimal>,
}

impl ReadingOptions {
    pub(super) fn options(&self, range: &RangeOptions) -> ReadOptions {
        let Self { date_order, decimal } = *self;
        ReadOptions { date_order, decimal, dates: range.dates }
    }
}

#[derive(Debug, Args)]
pub(super) struct RangeOptions {
    /// Days on which lines may be, first and last, either of which may be left out; others are invalid [default: from
    /// 1970 to one day ahead of now]
    #[arg(
        long,
        env = "TILLSTREAM_DATES",
        value_name = "FROM..TO",
        default_value_t,
        hide_default_value = true
    )]
    pub(super) dates: DateRange,
}
