//! Running the program as a person would, and reading what it leaves behind.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    unused_macros,
    reason = "every test file uses its own part of this"
)]

pub mod apache;
pub mod broker;
pub mod disk;
pub mod group;
pub mod kafka;
pub mod proxy;
pub mod s3;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::Value;
use tillstream::batch::Catalogue;
use tillstream_shared::{Manifest, api::Status};

/// The longest that a test waits for anything; reached only when something is wrong.
pub const DEADLINE: Duration = Duration::from_secs(240);

/// The program with `arguments` and no influence from the environment.
pub fn tillstream(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tillstream"));
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TILLSTREAM_")) {
        command.env_remove(name);
    }
    command
}

/// Runs it to its end.
#[track_caller]
pub fn output(command: &mut Command) -> Output {
    command.output().unwrap()
}

/// Runs it to its end, which must be a good one; gives standard output.
#[track_caller]
pub fn good(command: &mut Command) -> String {
    let output = output(command);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Runs it to its end, which must be exit code 1; gives the sentence on standard error.
#[track_caller]
pub fn refused(command: &mut Command) -> String {
    let output = output(command);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let error = stderr.lines().last().unwrap_or_default().to_owned();
    assert!(error.starts_with("error: "), "{stderr}");
    error
}

/// The JSON summary of `--once`: the last line of standard output.
#[track_caller]
pub fn summary(stdout: &str) -> Value {
    serde_json::from_str(stdout.lines().last().unwrap()).unwrap()
}

/// A running program, killed when dropped.
pub struct Running {
    child: Child,
    log: Arc<Mutex<String>>,
    /// What followed the marker on the line of standard output that was waited for.
    pub announced: String,
}

impl Running {
    /// Starts it and waits for a line of standard output that begins with `marker`.
    #[track_caller]
    pub fn start(command: &mut Command, marker: &str) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let mut lines = BufReader::new(stdout).lines();
        let found = lines.by_ref().map_while(Result::ok).find(|line| line.starts_with(marker));
        let Some(line) = found else {
            let mut stderr = String::new();
            child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
            child.wait().unwrap();
            panic!("it ended without `{marker}`: {stderr}");
        };
        // Somebody must go on reading, or the program would wait for room in the pipes.
        std::thread::spawn(move || lines.for_each(drop));
        Self::new(child, line[marker.len()..].trim().to_owned())
    }

    /// Starts it, and waits for nothing.
    #[track_caller]
    pub fn spawn(command: &mut Command) -> Self {
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        Self::new(child, String::new())
    }

    fn new(mut child: Child, announced: String) -> Self {
        let stderr = child.stderr.take().unwrap();
        let log = Arc::<Mutex<String>>::default();
        let logged = log.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                *logged.lock().unwrap() += &(line + "\n");
            }
        });
        Self { child, log, announced }
    }

    /// Sends it a signal, such as `-STOP`.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Ends it as the power cut does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it as Ctrl-C does; it must end well.
    #[track_caller]
    pub fn interrupt(mut self) {
        signal(self.child.id(), "-INT");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.log());
    }

    /// What it has written to standard error since it was started.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal, such as `-INT`, to a process.
#[track_caller]
pub fn signal(pid: u32, signal: &str) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

/// Waits until `condition` gives something.
#[track_caller]
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The manifests of a data folder.
pub fn manifests(data: &Path) -> Vec<Manifest> {
    let catalogue = Catalogue::read(&data.join("batch")).unwrap();
    catalogue.manifests(1..=u64::MAX).collect::<Result<_, _>>().unwrap()
}

/// The lines in all batches.
pub fn stored_lines(data: &Path) -> u64 {
    manifests(data).iter().map(|manifest| manifest.rows).sum()
}

/// The rows of all batches in order, without the headers.
pub fn stored_rows(data: &Path) -> String {
    let mut rows = String::new();
    for manifest in manifests(data) {
        let text = fs::read_to_string(data.join("batch").join(&manifest.file)).unwrap();
        rows.push_str(text.split_once('\n').unwrap().1);
    }
    rows
}

/// All model files by name, without some of their fields.
pub fn models(data: &Path, without: &[&str]) -> BTreeMap<String, Value> {
    let entries = fs::read_dir(data.join("models")).unwrap().map(|entry| entry.unwrap().path());
    let files =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let model = |path: PathBuf| {
        let mut model: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for field in without {
            model.as_object_mut().unwrap().remove(*field);
        }
        (path.file_name().unwrap().to_string_lossy().into_owned(), model)
    };
    files.map(model).collect()
}

/// Checks that the rows of all batches are those of the CSV `input`, each once, in whichever order.
#[track_caller]
pub fn assert_rows_are_stored_once(data: &Path, input: &str) {
    let stored = stored_rows(data);
    let [mut stored, mut input] = [&stored, input].map(|rows| rows.lines().collect::<Vec<_>>());
    stored.sort_unstable();
    input.sort_unstable();
    assert!(stored == input, "the batches are not the input");
}

/// The lines of `generate:LINES:SEED` as CSV, without the header.
pub fn generated(lines: u64, seed: u64) -> String {
    let [lines, seed] = [lines, seed].map(|number| number.to_string());
    let csv = good(&mut tillstream(&["generate", "--lines", &lines, "--seed", &seed]));
    csv.split_once('\n').unwrap().1.to_owned()
}

/// Checks that the manifests cover every offset of every partition exactly once, from 0 on.
#[track_caller]
pub fn assert_offsets_are_covered_once(manifests: &[Manifest]) {
    let mut next = BTreeMap::new();
    for range in manifests.iter().flat_map(|manifest| &manifest.partitions) {
        let expected = next.insert(range.partition, range.last + 1).unwrap_or(0);
        assert_eq!(range.first, expected, "partition {}", range.partition);
    }
}

/// `GET /api/v1/status` of the server at `http://HOST:PORT/`.
pub fn status(url: &str) -> Status {
    get(url, "/api/v1/status")
}

/// The JSON with which the server at `http://HOST:PORT/` answers a GET of `path`.
pub fn get<T: serde::de::DeserializeOwned>(url: &str, path: &str) -> T {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}
