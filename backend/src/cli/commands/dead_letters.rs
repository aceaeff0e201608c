//! `tillstream dead-letters`: what the dead-letter topic holds, and sending it again.

use std::io::{self, BufWriter, Write};

use clap::Subcommand;

use crate::{
    cli::{Error, flags::ClusterOptions, output::print_line, setup},
    kafka::{DeadLetter, list_dead_letters, replay_dead_letters},
    shutdown::Shutdown,
};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum DeadLettersAction {
    /// Print the invalid messages, one JSON object a line
    List {
        #[command(flatten)]
        cluster: ClusterOptions,
        /// Print so many at most
        #[arg(long, value_name = "N")]
        limit: Option<u64>,
    },
    /// Send invalid messages to their topic again, such as when this version understands them
    Replay {
        #[command(flatten)]
        cluster: ClusterOptions,
        /// Only the one at this offset of the dead-letter topic
        #[arg(long, value_name = "N")]
        offset: Option<i64>,
    },
}

pub(in crate::cli) async fn run(
    action: DeadLettersAction,
    shutdown: Shutdown,
) -> Result<(), Error> {
    setup(&shutdown, move || match action {
        DeadLettersAction::List { cluster, limit } => list(&cluster, limit.unwrap_or(u64::MAX)),
        DeadLettersAction::Replay { cluster, offset } => replay(&cluster, offset),
    })
    .await
}

fn list(cluster: &ClusterOptions, limit: u64) -> Result<(), Error> {
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut left, mut written) = (limit, Ok(()));
    if left > 0 {
        list_dead_letters(&cluster.cluster()?, |letter| {
            left -= 1;
            written = write_line(&mut out, letter);
            written.is_ok() && left > 0
        })?;
    }
    match written.and_then(|()| out.flush()) {
        // Whoever reads has enough: `tillstream dead-letters list | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

fn write_line(out: &mut impl Write, letter: &DeadLetter) -> io::Result<()> {
    serde_json::to_writer(&mut *out, letter)?;
    out.write_all(b"\n")
}

fn replay(cluster: &ClusterOptions, offset: Option<i64>) -> Result<(), Error> {
    let replayed = replay_dead_letters(&cluster.cluster()?, offset)?;
    for DeadLetter { partition, offset, size, .. } in &replayed.skipped {
        print_line(format_args!(
            "not sent: offset {offset} of partition {partition}, whose payload of {size} bytes is not in the dead-letter topic"
        ));
    }
    print_line(format_args!("{} messages sent again", replayed.sent));
    Ok(())
}
