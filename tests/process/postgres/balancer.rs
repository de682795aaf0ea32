//! A simple TCP load balancer with round robin.

use std::{
    io::{self, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

#[derive(Clone)]
pub struct Balancer {
    pub address: String,
    /// The address of each server; `None` when it is taken out.
    servers: Arc<Mutex<Vec<Option<String>>>>,
    next: Arc<AtomicUsize>,
}

impl Balancer {
    pub fn start(servers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let servers = Arc::new(Mutex::new(servers.into_iter().map(Some).collect()));
        let balancer = Self { address, servers, next: Arc::default() };
        let taking = balancer.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let taking = taking.clone();
                thread::spawn(move || taking.serve(client));
            }
        });
        balancer
    }

    /// Sends no new connections to a server.
    pub fn take_out(&self, server: usize) {
        self.servers.lock().expect("no panic")[server] = None;
    }

    pub fn put_in(&self, server: usize, address: String) {
        self.servers.lock().expect("no panic")[server] = Some(address);
    }

    fn serve(&self, client: TcpStream) {
        let Some(server) = self.connect() else { return };
        let (from, to) = (client.try_clone().expect("a stream"), server.try_clone().expect("a stream"));
        let forth = thread::spawn(move || pass(from, to));
        pass(server, client);
        let _ = forth.join();
    }

    /// Connects to the next server that accepts connections.
    fn connect(&self) -> Option<TcpStream> {
        let all: Vec<_> = self.servers.lock().expect("no panic").iter().flatten().cloned().collect();
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let in_turn = (0..all.len()).map(|turn| &all[(first + turn) % all.len()]);
        in_turn.filter_map(|server| TcpStream::connect(server).ok()).next()
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.flush();
    let _ = to.shutdown(Shutdown::Write);
}
