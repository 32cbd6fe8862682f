//! The real binary as a process of its own, ended with the test that started it.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use grantor::clock::Clock;

use crate::support::{ROOT_KEY, TestDatabase};

/// The binary with an empty environment: no setting of the machine's may reach it.
pub fn grantor() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grantor"));
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").stdin(Stdio::null());
    command
}

/// The binary on a test's database.
pub fn grantor_on(database: &TestDatabase) -> Command {
    let mut command = grantor();
    command.env("GRANTOR_DATABASE__URL", &database.url).env("GRANTOR_ROOT_KEY__VALUE", ROOT_KEY);
    command
}

/// What a command that has ended left behind.
#[derive(Debug)]
pub struct Ended {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ended {
    /// Runs a command to its end, with this text on its standard input.
    pub fn of(command: &mut Command, input: &str) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that does not read what it is given has closed the pipe.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asserts success and gives the output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts an exit code, a word of the sentence and a word of the hint, and that there is nothing on standard output.
    #[track_caller]
    pub fn assert_refused(&self, code: i32, sentence: &str, hint: &str) {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{self:?}");
        let mut lines = self.err.lines().filter(|line| !line.starts_with("grantor: "));
        let first = lines.next().unwrap_or_default();
        assert!(first.starts_with("error: ") && first.contains(sentence), "{sentence}: {self:?}");
        let rest = lines.collect::<Vec<_>>().join("\n");
        assert!(rest.starts_with("hint: ") != hint.is_empty() && rest.contains(hint), "{hint}: {self:?}");
    }
}

/// Asks again and again until there is an answer; panics when there is none in time.
#[track_caller]
pub fn wait_for<T>(what: &str, seconds: u64, mut attempt: impl FnMut() -> Option<T>) -> T {
    let started = Clock::System.instant();
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Clock::System.instant() - started < Duration::from_secs(seconds), "{what}: not within {seconds} s");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A process that is killed when the test ends, however it ends.
pub struct Running {
    /// The process.
    pub child: Child,
    /// Where it listens.
    pub port: u16,
    /// What it says on standard error.
    pub log: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// `grantor serve` on a free port, once it says that it serves. `settings` are variables without `GRANTOR_`; `{port}`
    /// in a value is the port.
    pub fn serve(database: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        let folder = database.folder.path();
        for _ in 0..5 {
            let port = free_port();
            let mut command = grantor_on(database);
            command.arg("serve").env("GRANTOR_LOG__FILTER", "info");
            command.env("GRANTOR_SERVER__BIND", format!("127.0.0.1:{port}"));
            command.env("GRANTOR_SERVER__ISSUER", format!("http://127.0.0.1:{port}"));
            for (name, value) in settings {
                command.env(format!("GRANTOR_{name}"), value.replace("{port}", &port.to_string()));
            }
            let mut running = Self::spawn(&mut command, port, folder);
            let serves = wait_for("serving", 60, || {
                if running.said().contains(" is served on ") { Some(true) } else { running.ended().map(|_| false) }
            });
            if serves {
                return running;
            }
            // Another test took the port between our asking and the start.
            assert!(running.said().contains("in use"), "{}", running.said());
        }
        panic!("no free port");
    }

    /// Starts a process with its standard error in a file of this folder, and its standard output thrown away.
    pub fn spawn(command: &mut Command, port: u16, folder: &Path) -> Self {
        let log = folder.join(format!("{port}.log"));
        let file = std::fs::File::create(&log).unwrap();
        Self { child: command.stdout(Stdio::null()).stderr(file).spawn().unwrap(), port, log }
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its exit code, once it has ended; -1 for a signal.
    pub fn ended(&mut self) -> Option<i32> {
        self.child.try_wait().unwrap().map(|status| status.code().unwrap_or(-1))
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}
