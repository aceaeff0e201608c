//! The command line: reads the flags, runs the parts, and turns errors into one sentence and an exit
//! code (0 done, 1 failed, 2 wrong usage). Standard error carries logs, standard output results.

mod champion;
mod data;
mod dead_letters;
mod flags;
mod model_options;
mod options;
mod parts;
mod terminal;
mod up;

use std::{process::ExitCode, time::Duration};

use clap::Parser;

use self::{
    options::{Command, CommandLine},
    terminal::Terminal,
};
use crate::shutdown::Shutdown;

/// How often a part looks for what other processes have written.
const LOOK: Duration = Duration::from_secs(1);

/// Whatever ends the program early; its message is one sentence that says what to do.
type Error = Box<dyn std::error::Error + Send + Sync>;

/// Runs the program with the flags of this process.
#[must_use]
pub fn run() -> ExitCode {
    let command = CommandLine::parse().command;
    let terminal = Terminal::start();
    // Two threads at least: librdkafka's blocking calls wait for the embedded broker's answers.
    let threads = std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
    let done = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .map_err(Error::from)
        .and_then(|runtime| runtime.block_on(dispatch(command, terminal)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(command: Command, terminal: Terminal) -> Result<(), Error> {
    match command {
        Command::Up(options) => up::run(*options, terminal).await,
        Command::Broker(options) => parts::broker(options).await,
        Command::Generate(options) => parts::generate(&options),
        Command::Produce(options) => parts::produce(options, terminal).await,
        Command::Consume(options) => parts::consume(options, terminal).await,
        Command::Train(options) => parts::train(options).await,
        Command::Serve(options) => parts::serve(options).await,
        Command::Champion { action } => champion::run(action),
        Command::DeadLetters { action } => dead_letters::run(action).await,
    }
}

/// Requests `stop` at Ctrl-C or SIGTERM; a second one ends the process at once.
fn stop_on_signal(stop: &Shutdown) -> Result<(), Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = stop.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stop.requested() {
                std::process::exit(1);
            }
            tracing::info!("stopping; once more to end at once");
            stop.request();
        }
    });
    Ok(())
}

/// Runs blocking work on a thread of its own; a panic there goes on here.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
