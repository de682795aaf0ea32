//! The floor: a bare handler of the framework, which only returns a constant answer.

use poem::{IntoResponse, Server, handler, listener::TcpAcceptor};
use tokio::net::TcpListener;

/// An answer of the same length as that of a command.
pub const ANSWER: &str = r#"{"Success":true,"Message":"US:\"Hello, Anna Lindqvist!\";NO:\"Hei, Anna Lindqvist!\"","Result":"Implicit","TableRight":null,"FieldProperties":{}}"#;

/// Serves the answer on a free port, which it prints, until the process is killed.
pub async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}/", listener.local_addr()?);
    Ok(Server::new_with_acceptor(TcpAcceptor::from_tokio(listener)?).run(answer).await?)
}

#[handler]
fn answer() -> impl IntoResponse {
    ANSWER.with_content_type("application/json; charset=utf-8")
}
