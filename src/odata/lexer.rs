//! Splits a query option into tokens.

use std::{iter::Peekable, str::Chars};

use super::{MAX_LENGTH, ParseError, Spanned};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// The name of a column or an operator, or a keyword.
    Word(String),
    Text(String),
    Integer(i64),
    Open,
    Close,
    Comma,
    End,
}

/// The tokens of a text; the last is [`Token::End`].
pub fn tokens(text: &str) -> Result<Vec<Spanned<Token>>, ParseError> {
    if text.chars().count() > MAX_LENGTH {
        return Err(ParseError::new(MAX_LENGTH + 1, format!("this is longer than {MAX_LENGTH} characters")));
    }
    let mut lexer = Lexer { rest: text.chars().peekable(), at: 1 };
    let mut tokens = Vec::new();
    while tokens.last().is_none_or(|last: &Spanned<Token>| last.value != Token::End) {
        tokens.push(lexer.token()?);
    }
    Ok(tokens)
}

struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    at: usize,
}

impl Lexer<'_> {
    fn next_if(&mut self, fits: impl Fn(char) -> bool) -> Option<char> {
        let next = self.rest.next_if(|next| fits(*next))?;
        self.at += 1;
        Some(next)
    }

    fn token(&mut self) -> Result<Spanned<Token>, ParseError> {
        while self.next_if(char::is_whitespace).is_some() {}
        let at = self.at;
        let value = match self.next_if(|_| true) {
            None => Token::End,
            Some('(') => Token::Open,
            Some(')') => Token::Close,
            Some(',') => Token::Comma,
            Some('=') => Token::Word("=".to_owned()),
            Some('\'') => self.text(at)?,
            Some(first) if first.is_ascii_digit() || first == '-' => self.integer(first, at)?,
            Some(first) if first.is_alphabetic() || first == '_' => self.word(first),
            Some(other) => return Err(ParseError::new(at, format!("`{other}` has no meaning here"))),
        };
        Ok(Spanned { at, value })
    }

    /// Reads a text after its first quote.
    fn text(&mut self, start: usize) -> Result<Token, ParseError> {
        let mut text = String::new();
        loop {
            match self.next_if(|_| true) {
                None => return Err(ParseError::new(start, "this text has no closing quote")),
                // SQLite ends a pattern at U+0000.
                Some('\0') => return Err(ParseError::new(self.at - 1, "a text cannot have the character U+0000")),
                Some('\'') if self.next_if(|next| next == '\'').is_none() => return Ok(Token::Text(text)),
                Some(character) => text.push(character),
            }
        }
    }

    fn integer(&mut self, first: char, start: usize) -> Result<Token, ParseError> {
        let mut digits = String::from(first);
        digits.extend(std::iter::from_fn(|| self.next_if(|next| next.is_alphanumeric() || next == '.')));
        let invalid = || ParseError::new(start, format!("`{digits}` is no whole number of 64 bits"));
        digits.parse().map(Token::Integer).map_err(|_| invalid())
    }

    /// Reads a word. Upstream's column names contain slashes, dots, colons and hyphens.
    fn word(&mut self, first: char) -> Token {
        let mut word = String::from(first);
        let is_within = |next: char| next.is_alphanumeric() || "_/.:-".contains(next);
        word.extend(std::iter::from_fn(|| self.next_if(is_within)));
        Token::Word(word)
    }
}
