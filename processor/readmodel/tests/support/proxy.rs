//! Between a program and PostgreSQL: breaks the connection at a COMMIT, before or after the server has it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

/// What happens to the next COMMIT. After it everything is as without a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Cut {
    None,
    /// The server never gets it.
    Before,
    /// The server commits, and its answer is lost.
    After,
    /// The client's connection breaks, and the server gets it only half a second later.
    Held,
}

pub struct Proxy {
    pub port: u16,
    cut: Arc<AtomicU8>,
}

impl Proxy {
    /// In front of this port, until the program ends.
    pub fn start(server: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(AtomicU8::new(Cut::None as u8));
        let own = Arc::clone(&cut);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, cut) = (client.unwrap(), Arc::clone(&own));
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                let (answers, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || copy(answers, to));
                thread::spawn(move || ask(client, server, &cut));
            }
        });
        Proxy { port, cut }
    }

    pub fn set(&self, cut: Cut) {
        self.cut.store(cut as u8, Ordering::SeqCst);
    }

    /// Whether it has happened.
    pub fn has_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst) == Cut::None as u8
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    to.shutdown(Shutdown::Both).ok();
}

fn ask(mut client: TcpStream, mut server: TcpStream, cut: &AtomicU8) {
    let mut buffer = [0; 16 << 10];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let sent = &buffer[..count];
        let is_commit = sent.windows(7).any(|part| part == b"COMMIT\0");
        let now = if is_commit {
            cut.swap(Cut::None as u8, Ordering::SeqCst)
        } else {
            Cut::None as u8
        };
        if now != Cut::None as u8 {
            client.shutdown(Shutdown::Both).ok();
        }
        if now == Cut::Held as u8 {
            thread::sleep(Duration::from_millis(500));
        }
        if now == Cut::Before as u8 || server.write_all(sent).is_err() {
            break;
        }
        if now != Cut::None as u8 {
            // The server has it; it is let finish.
            thread::sleep(Duration::from_millis(300));
            break;
        }
    }
    client.shutdown(Shutdown::Both).ok();
    server.shutdown(Shutdown::Both).ok();
}
