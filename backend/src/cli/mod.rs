//! The command line: reads the flags, runs a command, and turns errors into one sentence and an exit
//! code (0 done, 1 failed, 2 wrong usage). Standard error carries logs, standard output results.

mod commands;
mod components;
mod data;
mod flags;
mod input_options;
mod kafka_options;
mod model_options;
mod options;
mod output;
mod terminal;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{ArgMatches, CommandFactory, FromArgMatches};

use self::{
    options::{Command, CommandLine},
    terminal::Terminal,
};
use crate::{blocking::blocking, kafka::PropertyError, shutdown::Shutdown, supervisor::Error};

/// The exit code that clap gives for wrong flags.
const WRONG_USAGE: u8 = 2;

/// Runs the program with the flags of this process.
#[must_use]
pub fn run() -> ExitCode {
    let matches = CommandLine::command().get_matches();
    let command = match CommandLine::from_arg_matches(&matches) {
        Ok(line) => line.command,
        Err(error) => error.exit(),
    };
    let terminal = Terminal::start();
    // Two threads at least: librdkafka's blocking calls wait for the embedded broker's answers.
    let threads = std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let done = runtime.map_err(Error::from).and_then(|runtime| {
        let done = runtime.block_on(dispatch(command, &matches, terminal));
        // A thread that does not come to an end must not keep the process.
        runtime.shutdown_background();
        done
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed.
            let _ = writeln!(io::stderr(), "error: {error}");
            if error.is::<PropertyError>() {
                ExitCode::from(WRONG_USAGE)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// Runs `command`, which was read from `matches`.
async fn dispatch(command: Command, matches: &ArgMatches, terminal: Terminal) -> Result<(), Error> {
    let shutdown = Shutdown::default();
    request_on_signal(&shutdown)?;
    match command {
        Command::Up(options) => commands::up::run(*options, terminal, shutdown).await,
        Command::Broker(options) => commands::broker::run(options, shutdown).await,
        Command::Generate(options) => commands::generate::run(&options),
        Command::Produce(options) => commands::produce::run(options, terminal, shutdown).await,
        Command::Consume(options) => commands::consume::run(options, terminal, shutdown).await,
        Command::Train(options) => commands::train::run(*options, shutdown).await,
        Command::Serve(options) => commands::serve::run(options, shutdown).await,
        Command::Config(options) => {
            let (_, matches) = matches.subcommand().unwrap_or(("", matches));
            commands::config::run(&options, matches)
        }
        Command::Champion { action } => commands::champion::run(action),
        Command::DeadLetters { action } => commands::dead_letters::run(action, shutdown).await,
    }
}

/// Requests `shutdown` at Ctrl-C or SIGTERM; a second one ends the process at once.
fn request_on_signal(shutdown: &Shutdown) -> Result<(), Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        let mut signals = 0;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            signals += 1;
            if signals > 1 {
                std::process::exit(1);
            }
            tracing::info!("stopping; once more to end at once");
            shutdown.request();
        }
    });
    Ok(())
}

/// Runs the blocking work that comes before a command's components; gives up when asked to stop.
async fn setup<T: Send + 'static>(
    shutdown: &Shutdown,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::select! {
        result = blocking(work) => result,
        () = shutdown.cancelled() => Err("stopped before it began".into()),
    }
}
