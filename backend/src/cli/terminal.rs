//! What a person sees on standard error: progress bars on a terminal, plain log lines otherwise.

use std::{
    io::{self, IsTerminal, Write},
    sync::Arc,
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tillstream_shared::api::Status;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::{progress::Progress, shutdown::Shutdown};

/// How often bars are drawn.
const REDRAW_INTERVAL: Duration = Duration::from_millis(200);
/// How often counts are logged where there is no terminal.
const LOG_INTERVAL: Duration = Duration::from_secs(5);

/// The bars of this process, hidden where standard error is no terminal.
#[derive(Clone)]
pub(super) struct Terminal {
    bars: Option<MultiProgress>,
}

impl Terminal {
    /// Begins logging to standard error, at the level in `TILLSTREAM_LOG` (info unless given).
    pub(super) fn start() -> Self {
        let terminal = Self { bars: io::stderr().is_terminal().then(MultiProgress::new) };
        let filter = EnvFilter::try_from_env("TILLSTREAM_LOG").unwrap_or_else(|_| {
            EnvFilter::new("info,rdkafka=off,librdkafka=off,object_store=warn")
        });
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_target(false)
            .with_ansi(terminal.bars.is_some())
            .with_writer(terminal.clone())
            // It would complain of a closed standard error on standard error, and panic.
            .log_internal_errors(false)
            .init();
        terminal
    }

    /// Shows the counts until `shutdown`.
    pub(super) async fn show(self, progress: Arc<Progress>, shutdown: Shutdown) {
        let bars = self.bars.map(Bars::new);
        let every = if bars.is_some() { REDRAW_INTERVAL } else { LOG_INTERVAL };
        let mut shown = Status::default();
        while tokio::time::timeout(every, shutdown.cancelled()).await.is_err() {
            let status = progress.status();
            match &bars {
                Some(bars) => bars.draw(&status),
                None if status != shown => log(&status),
                None => {}
            }
            shown = status;
        }
        match &bars {
            Some(bars) => bars.finish(&progress.status()),
            None => log(&progress.status()),
        }
    }
}

fn log(status: &Status) {
    tracing::info!(
        "{} lines sent, {} stored in {} batches, {} models",
        status.lines_sent,
        status.lines_stored,
        status.batches,
        status.models
    );
}

struct Bars {
    sent: ProgressBar,
    stored: ProgressBar,
    batches: ProgressBar,
    models: ProgressBar,
}

impl Bars {
    fn new(bars: MultiProgress) -> Self {
        let bar = |name: &'static str, template: &str| {
            // The templates are constants below: a wrong one falls back to the plain bar.
            let style = ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            bars.add(ProgressBar::new(0)).with_style(style).with_prefix(name)
        };
        let lines = "{prefix:>8} {wide_bar:.cyan/blue} {human_pos}/{human_len} lines {per_sec:>16}";
        let count = "{prefix:>8} {human_pos}";
        Self {
            sent: bar("sent", lines),
            stored: bar("stored", lines),
            batches: bar("batches", count),
            models: bar("models", count),
        }
    }

    fn draw(&self, status: &Status) {
        let all = status.input_lines.unwrap_or(status.lines_read);
        self.sent.set_length(all.max(status.lines_sent));
        self.sent.set_position(status.lines_sent);
        let stored = status.lines_stored + status.lines_open;
        self.stored.set_length(all.max(stored));
        self.stored.set_position(stored);
        self.batches.set_position(status.batches);
        self.models.set_position(status.models);
    }

    fn finish(&self, status: &Status) {
        self.draw(status);
        for bar in [&self.sent, &self.stored, &self.batches, &self.models] {
            bar.abandon();
        }
    }
}

impl<'a> MakeWriter<'a> for Terminal {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Log lines go above the bars.
impl Write for Terminal {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        match &self.bars {
            Some(bars) => bars.suspend(|| io::stderr().write(text)),
            None => io::stderr().write(text),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
