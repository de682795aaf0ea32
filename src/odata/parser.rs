//! Parses tokens into filters, names and orders.

use super::{
    Comparison, Filter, MAX_COMPARISONS, MAX_DEPTH, Order, ParseError, Spanned, Value,
    lexer::{Token, tokens},
};

/// Parses a `$filter`.
///
/// # Errors
/// The text is not a filter.
pub fn filter(text: &str) -> Result<Filter, ParseError> {
    let mut parser = Parser::new(text)?;
    let filter = parser.any(0)?;
    parser.end("`and` or `or`")?;
    Ok(filter)
}

/// Parses the names in a `$select`.
///
/// # Errors
/// The text is not a list of names.
pub fn names(text: &str) -> Result<Vec<Spanned<String>>, ParseError> {
    let mut parser = Parser::new(text)?;
    let names = parser.list(Parser::name)?;
    parser.end("a comma")?;
    Ok(names)
}

/// Parses an `$orderBy`.
///
/// # Errors
/// The text is not a list of names with directions.
pub fn order(text: &str) -> Result<Vec<Order>, ParseError> {
    let mut parser = Parser::new(text)?;
    let order = parser.list(|parser| {
        let column = parser.name()?;
        let is_descending = parser.take_word("desc").is_some();
        if !is_descending {
            parser.take_word("asc");
        }
        Ok(Order { column, is_descending })
    })?;
    parser.end("a comma, `asc` or `desc`")?;
    Ok(order)
}

struct Parser {
    /// The remaining tokens in reverse order. [`Token::End`] is never removed.
    rest: Vec<Spanned<Token>>,
    comparisons: usize,
}

impl Parser {
    fn new(text: &str) -> Result<Self, ParseError> {
        let mut rest = tokens(text)?;
        rest.reverse();
        Ok(Self { rest, comparisons: 0 })
    }

    fn peek(&self) -> &Spanned<Token> {
        match self.rest.last() {
            Some(next) => next,
            None => unreachable!("the end is never taken"),
        }
    }

    fn take(&mut self, is_wanted: impl Fn(&Token) -> bool) -> Option<Spanned<Token>> {
        self.rest.pop_if(|next| next.value != Token::End && is_wanted(&next.value))
    }

    /// A word of the language.
    fn take_word(&mut self, wanted: &str) -> Option<Spanned<Token>> {
        self.take(|token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(wanted)))
    }

    /// The next token stands where something else should.
    fn unexpected<T>(&self, expected: &str) -> Result<T, ParseError> {
        let Spanned { at, value } = self.peek();
        let found = match value {
            Token::Word(word) => format!("`{word}`"),
            Token::Text(text) => format!("`{}`", Value::Text(text.clone())),
            Token::Integer(number) => format!("`{number}`"),
            Token::Open => "`(`".to_owned(),
            Token::Close => "`)`".to_owned(),
            Token::Comma => "`,`".to_owned(),
            Token::End => "the end".to_owned(),
        };
        Err(ParseError::new(*at, format!("expected {expected}, found {found}")))
    }

    fn end(&self, other: &str) -> Result<(), ParseError> {
        if self.peek().value == Token::End { Ok(()) } else { self.unexpected(other) }
    }

    fn closed(&mut self) -> Result<(), ParseError> {
        match self.take(|token| *token == Token::Close) {
            Some(_) => Ok(()),
            None => self.unexpected("`)`"),
        }
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T, ParseError>) -> Result<Vec<T>, ParseError> {
        let mut items = vec![item(self)?];
        while self.take(|token| *token == Token::Comma).is_some() {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn any(&mut self, depth: usize) -> Result<Filter, ParseError> {
        let mut parts = vec![self.all(depth)?];
        while self.take_word("or").is_some() {
            parts.push(self.all(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Any(parts) })
    }

    fn all(&mut self, depth: usize) -> Result<Filter, ParseError> {
        let mut parts = vec![self.one(depth)?];
        while self.take_word("and").is_some() {
            parts.push(self.one(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::All(parts) })
    }

    fn one(&mut self, depth: usize) -> Result<Filter, ParseError> {
        if depth > MAX_DEPTH {
            return Err(ParseError::new(self.peek().at, format!("this is nested more than {MAX_DEPTH} levels deep")));
        }
        if self.take_word("not").is_some() {
            return Ok(Filter::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.take(|token| *token == Token::Open).is_some() {
            let filter = self.any(depth + 1)?;
            return self.closed().map(|()| filter);
        }
        self.test().map(Filter::Comparison)
    }

    fn test(&mut self) -> Result<Comparison, ParseError> {
        self.comparisons += 1;
        if self.comparisons > MAX_COMPARISONS {
            return Err(ParseError::new(self.peek().at, format!("a filter has at most {MAX_COMPARISONS} comparisons")));
        }
        let first = self.name()?;
        if self.take(|token| *token == Token::Open).is_some() {
            return self.call(first);
        }
        let Some(operator) = self.word("=") else { return self.unexpected("an operator") };
        let values = match self.take(|token| *token == Token::Open) {
            None => match self.value() {
                None if self.is_at_another_word() => {
                    return self.unexpected("a value (texts are in single quotes), `and` or `or`");
                }
                value => value.into_iter().collect(),
            },
            Some(_) => {
                let values = self.list(Self::expected_value)?;
                self.closed()?;
                values
            }
        };
        Ok(Comparison { column: first, operator, values })
    }

    /// Whether the next token is a word other than `and` and `or`.
    fn is_at_another_word(&self) -> bool {
        let is_conjunction = |word: &str| ["and", "or"].iter().any(|known| known.eq_ignore_ascii_case(word));
        matches!(&self.peek().value, Token::Word(word) if !is_conjunction(word))
    }

    /// Parses the arguments of an operator written as a function: one column, and values.
    fn call(&mut self, operator: Spanned<String>) -> Result<Comparison, ParseError> {
        let (mut column, mut values) = (None, Vec::new());
        loop {
            match self.value() {
                Some(value) => values.push(value),
                None if column.is_none() => column = Some(self.name()?),
                None => return self.unexpected("a value"),
            }
            if self.take(|token| *token == Token::Comma).is_none() {
                break;
            }
        }
        let Some(column) = column else { return self.unexpected("a column") };
        self.closed()?;
        Ok(Comparison { column, operator, values })
    }

    /// Takes a word that is not a keyword, except for the keyword `allowed`.
    fn word(&mut self, allowed: &str) -> Option<Spanned<String>> {
        let keywords = ["and", "or", "not", "true", "false", "="];
        let is_keyword = |word: &str| word != allowed && keywords.iter().any(|known| known.eq_ignore_ascii_case(word));
        let token = self.take(|token| matches!(token, Token::Word(word) if !is_keyword(word)))?;
        let Spanned { at, value: Token::Word(value) } = token else { return None };
        Some(Spanned { at, value })
    }

    fn name(&mut self) -> Result<Spanned<String>, ParseError> {
        self.word("").map_or_else(|| self.unexpected("a name"), Ok)
    }

    fn value(&mut self) -> Option<Spanned<Value>> {
        let bools = ["true", "false"];
        let is_bool = |word: &str| bools.iter().any(|known| known.eq_ignore_ascii_case(word));
        let Spanned { at, value } = self.take(|token| match token {
            Token::Word(word) => is_bool(word),
            other => matches!(other, Token::Text(_) | Token::Integer(_)),
        })?;
        let value = match value {
            Token::Text(text) => Value::Text(text),
            Token::Integer(number) => Value::Integer(number),
            Token::Word(word) => Value::Bool(word.eq_ignore_ascii_case("true")),
            Token::Open | Token::Close | Token::Comma | Token::End => return None,
        };
        Some(Spanned { at, value })
    }

    fn expected_value(&mut self) -> Result<Spanned<Value>, ParseError> {
        self.value().map_or_else(|| self.unexpected("a value"), Ok)
    }
}
