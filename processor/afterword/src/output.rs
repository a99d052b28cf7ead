//! The one way to print. `println!` panics where standard output cannot be written: when its reader has gone
//! (`afterword topics | head -1`; the signal that ends other programs then stays ignored here, for a broken connection to a
//! broker raises it too), or when the disk behind it is full.
//!
//! Printing here never ends anything. From the first failure on nothing more is printed, the command does the rest of its
//! work, and [`finish`] says in the end what became of it: a reader who has gone is no failure, a full disk is one.
//! Commands that do nothing but print stop when [`flush`] or a [`Stream`] says so.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::sync::OnceLock;

use crate::failure::Failure;

/// What a [`Stream`] collects.
const STREAM_BYTES: usize = 1 << 16;

/// The first failure to write to standard output.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Prints to standard output, as `print!`.
macro_rules! out {
    ($($text:tt)*) => { $crate::output::print(format_args!($($text)*)) };
}

/// Prints a line to standard output, as `println!`.
macro_rules! outln {
    () => { $crate::output::print(format_args!("\n")) };
    ($($text:tt)*) => { $crate::output::print(format_args!("{}\n", format_args!($($text)*))) };
}

/// Prints to standard error, as `eprint!`.
macro_rules! err {
    ($($text:tt)*) => { $crate::output::complain(format_args!($($text)*)) };
}

/// Prints a line to standard error, as `eprintln!`.
macro_rules! errln {
    ($($text:tt)*) => { $crate::output::complain(format_args!("{}\n", format_args!($($text)*))) };
}

/// What [`out!`] and [`outln!`] do.
pub fn print(text: fmt::Arguments<'_>) {
    if !is_lost() {
        keep(io::stdout().lock().write_fmt(text));
    }
}

/// Prints bytes to standard output.
pub fn bytes(bytes: &[u8]) {
    if !is_lost() {
        keep(io::stdout().lock().write_all(bytes));
    }
}

/// What [`err!`] and [`errln!`] do. When nobody can be told, the exit code still says how it ended.
pub fn complain(text: fmt::Arguments<'_>) {
    let _: io::Result<()> = io::stderr().lock().write_fmt(text);
}

/// Sends what was printed on its way, and says whether it is worth printing more: false once a write failed.
pub fn flush() -> bool {
    if !is_lost() {
        keep(io::stdout().flush());
    }
    !is_lost()
}

/// Whether what is printed reaches nobody any more.
#[must_use]
pub fn is_lost() -> bool {
    LOST.get().is_some()
}

/// Takes the outcome of a write to standard output that was made elsewhere.
pub fn keep(written: io::Result<()>) {
    if let Err(error) = written {
        // The first reason is the reason.
        let _: Result<(), io::Error> = LOST.set(error);
    }
}

/// Sends the last of it on its way, and says how printing went in all.
///
/// # Errors
/// When standard output could not be written, and its reader is not gone.
pub fn finish() -> Result<(), Failure> {
    flush();
    match LOST.get() {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::while_doing("writing to standard output", error))
        }
        _ => Ok(()),
    }
}

/// Standard output for much text. Its errors only say that it is time to stop; [`finish`] knows what they were.
#[derive(Clone, Copy, Debug)]
pub struct Stream;

impl Stream {
    /// With a buffer: of little use without one.
    #[must_use]
    pub fn buffered() -> BufWriter<Stream> {
        BufWriter::with_capacity(STREAM_BYTES, Stream)
    }
}

impl Write for Stream {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        bytes(text);
        stopped().map(|()| text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        flush();
        stopped()
    }
}

fn stopped() -> io::Result<()> {
    LOST.get().map_or(Ok(()), |error| Err(error.kind().into()))
}

/// Standard error for log lines: one that nobody takes any more is dropped. The crate that writes them would complain with
/// `eprintln!`, which panics then, and whatever thread had something to log would end.
#[derive(Clone, Copy, Debug)]
pub struct LogLines;

impl Write for LogLines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let _: io::Result<()> = io::stderr().lock().write_all(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
