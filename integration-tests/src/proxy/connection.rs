//! One connection: a thread for each way.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::rules::{Action, Handle, Late, Way};
use super::wire::{self, Request};
use super::{Shared, lock};

/// How long is looked whether a client has closed.
const LOOK: Duration = Duration::from_millis(2);

/// A request that was sent on and not answered yet.
struct Sent {
    request: Request,
    /// The rule that had held it, and its place among that rule's late messages.
    late: Option<(Handle, usize)>,
}

struct Connection {
    broker: usize,
    shared: Arc<Shared>,
    unanswered: Mutex<HashMap<i32, Sent>>,
    /// The client has gone; its requests may be on their way all the same.
    client_gone: AtomicBool,
}

/// What becomes of a message.
enum Verdict {
    Deliver(Option<(Handle, Duration)>),
    Swallow,
    Cut,
}

/// Starts the threads of a connection.
pub fn serve(
    broker: usize,
    client: TcpStream,
    upstream: TcpStream,
    shared: &Arc<Shared>,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    upstream.set_nodelay(true)?;
    let connection = Arc::new(Connection {
        broker,
        shared: Arc::clone(shared),
        unanswered: Mutex::default(),
        client_gone: AtomicBool::new(false),
    });
    let number = {
        let mut tally = lock(&shared.tally);
        tally.connections += 1;
        tally.connections
    };
    let sockets = (broker, client.try_clone()?, upstream.try_clone()?);
    lock(&shared.open).insert(number, sockets);
    let (to_client, from_broker) = (client.try_clone()?, upstream.try_clone()?);
    let requests = Arc::clone(&connection);
    let name = format!("proxy-{broker}-{number}");
    std::thread::Builder::new()
        .name(format!("{name}-requests"))
        .spawn(move || requests.pass_requests(client, upstream))?;
    std::thread::Builder::new()
        .name(format!("{name}-responses"))
        .spawn(move || {
            connection.pass_responses(from_broker, to_client);
            lock(&connection.shared.open).remove(&number);
        })?;
    Ok(())
}

impl Connection {
    /// Until the client has gone and everything it had sent has reached the broker.
    fn pass_requests(&self, mut client: TcpStream, mut upstream: TcpStream) {
        while let Ok(Some(message)) = wire::read_message(&mut client) {
            let Some(request) = wire::parse_request(&message) else {
                break;
            };
            self.shared.count(&request, &message);
            let verdict = self.judge(Way::ToBroker, &request);
            let late = match verdict {
                Verdict::Swallow => continue,
                Verdict::Cut => {
                    cut_both(&client, &upstream);
                    return;
                }
                Verdict::Deliver(None) => None,
                Verdict::Deliver(Some((handle, held_for))) => {
                    let client_gone = is_closed(&client);
                    let late = Late {
                        held_for,
                        client_gone,
                        arrived: false,
                        answer: None,
                    };
                    Some((handle, late))
                }
            };
            let correlation = request.correlation;
            // Told before it is sent, so that its answer finds it; whoever waits for it waits for the answer as well.
            let late = late.map(|(handle, late)| {
                let place = handle.went_on(late);
                (handle, place)
            });
            lock(&self.unanswered).insert(correlation, Sent { request, late });
            if wire::write_message(&mut upstream, &message).is_err() {
                break;
            }
        }
        self.client_gone.store(true, Ordering::SeqCst);
        // The answers to what was sent are waited for, so that the broker does all of it; then it may close.
        if self.is_done() {
            let _ = upstream.shutdown(Shutdown::Both);
        }
    }

    /// Whether nobody waits for anything more.
    fn is_done(&self) -> bool {
        let gone = self.client_gone.load(Ordering::SeqCst);
        gone && lock(&self.unanswered).is_empty()
    }

    /// Until the broker has closed, or has answered a client that has gone.
    fn pass_responses(&self, mut upstream: TcpStream, mut client: TcpStream) {
        while !self.is_done() {
            let Ok(Some(message)) = wire::read_message(&mut upstream) else {
                break;
            };
            let sent = wire::correlation_of(&message)
                .and_then(|correlation| lock(&self.unanswered).remove(&correlation));
            if let Some(sent) = sent {
                let error = wire::error_of(&sent.request, &message);
                if let Some((handle, place)) = sent.late {
                    handle.answered(place, error);
                }
                match self.judge(Way::ToClient, &sent.request) {
                    Verdict::Swallow => continue,
                    Verdict::Cut => {
                        cut_both(&client, &upstream);
                        return;
                    }
                    Verdict::Deliver(None) => {}
                    Verdict::Deliver(Some((handle, held_for))) => {
                        let client_gone = self.client_gone.load(Ordering::SeqCst);
                        handle.went_on(Late {
                            held_for,
                            client_gone,
                            arrived: !client_gone,
                            answer: error,
                        });
                    }
                }
            }
            // A client that has gone hears nothing, and the broker must not notice.
            let _ = wire::write_message(&mut client, &message);
        }
        let _ = client.shutdown(Shutdown::Both);
        let _ = upstream.shutdown(Shutdown::Both);
    }

    /// Applies the rule for this message, if there is one: this is where a message waits.
    fn judge(&self, way: Way, request: &Request) -> Verdict {
        let Some(handle) = self.shared.rules.of(way, self.broker, request) else {
            return Verdict::Deliver(None);
        };
        match handle.action() {
            Action::Hold => {
                let held_for = handle.hold();
                Verdict::Deliver(Some((handle, held_for)))
            }
            Action::Delay(time) => {
                std::thread::sleep(time);
                Verdict::Deliver(None)
            }
            Action::Swallow => Verdict::Swallow,
            Action::Cut => Verdict::Cut,
        }
    }
}

fn cut_both(client: &TcpStream, upstream: &TcpStream) {
    let _ = client.shutdown(Shutdown::Both);
    let _ = upstream.shutdown(Shutdown::Both);
}

/// Whether the client has closed; asked by the only thread that reads from it. What it sent before it closed, and
/// nobody has read yet, looks as if it had not.
fn is_closed(client: &TcpStream) -> bool {
    let mut one = [0];
    let Ok(()) = client.set_read_timeout(Some(LOOK)) else {
        return true;
    };
    let closed = match client.peek(&mut one) {
        Ok(read) => read == 0,
        Err(error) => !matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
        ),
    };
    let _ = client.set_read_timeout(None);
    closed
}
