//! From tokens to what they say.

use super::{
    At, DEEPEST, Fault, Filter, MOST_TESTS, Order, Test, Value,
    lexer::{Token, tokens},
};

/// What a `$filter` says.
///
/// # Errors
/// It is none.
pub fn filter(text: &str) -> Result<Filter, Fault> {
    let mut parser = Parser::new(text)?;
    let filter = parser.any(0)?;
    parser.end("`and` or `or`")?;
    Ok(filter)
}

/// The names in a `$select`.
///
/// # Errors
/// It is no list of names.
pub fn names(text: &str) -> Result<Vec<At<String>>, Fault> {
    let mut parser = Parser::new(text)?;
    let names = parser.list(Parser::name)?;
    parser.end("a comma")?;
    Ok(names)
}

/// What an `$orderBy` says.
///
/// # Errors
/// It is no list of names with directions.
pub fn order(text: &str) -> Result<Vec<Order>, Fault> {
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
    /// The tokens to come, the next one last; the end stays.
    rest: Vec<At<Token>>,
    tests: usize,
}

impl Parser {
    fn new(text: &str) -> Result<Self, Fault> {
        let mut rest = tokens(text)?;
        rest.reverse();
        Ok(Self { rest, tests: 0 })
    }

    fn peek(&self) -> &At<Token> {
        match self.rest.last() {
            Some(next) => next,
            None => unreachable!("the end is never taken"),
        }
    }

    fn take(&mut self, is_wanted: impl Fn(&Token) -> bool) -> Option<At<Token>> {
        self.rest.pop_if(|next| next.value != Token::End && is_wanted(&next.value))
    }

    /// A word of the language.
    fn take_word(&mut self, wanted: &str) -> Option<At<Token>> {
        self.take(|token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(wanted)))
    }

    /// The next token stands where something else should.
    fn unexpected<T>(&self, expected: &str) -> Result<T, Fault> {
        let At { at, value } = self.peek();
        let found = match value {
            Token::Word(word) => format!("`{word}`"),
            Token::Text(text) => format!("`{}`", Value::Text(text.clone())),
            Token::Integer(number) => format!("`{number}`"),
            Token::Open => "`(`".to_owned(),
            Token::Close => "`)`".to_owned(),
            Token::Comma => "`,`".to_owned(),
            Token::End => "the end".to_owned(),
        };
        Err(Fault::new(*at, format!("{expected} should stand here, not {found}")))
    }

    fn end(&self, other: &str) -> Result<(), Fault> {
        if self.peek().value == Token::End { Ok(()) } else { self.unexpected(other) }
    }

    fn closed(&mut self) -> Result<(), Fault> {
        match self.take(|token| *token == Token::Close) {
            Some(_) => Ok(()),
            None => self.unexpected("`)`"),
        }
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
        let mut items = vec![item(self)?];
        while self.take(|token| *token == Token::Comma).is_some() {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn any(&mut self, depth: usize) -> Result<Filter, Fault> {
        let mut parts = vec![self.all(depth)?];
        while self.take_word("or").is_some() {
            parts.push(self.all(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Any(parts) })
    }

    fn all(&mut self, depth: usize) -> Result<Filter, Fault> {
        let mut parts = vec![self.one(depth)?];
        while self.take_word("and").is_some() {
            parts.push(self.one(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::All(parts) })
    }

    fn one(&mut self, depth: usize) -> Result<Filter, Fault> {
        if depth > DEEPEST {
            return Err(Fault::new(self.peek().at, format!("this is nested more than {DEEPEST} levels deep")));
        }
        if self.take_word("not").is_some() {
            return Ok(Filter::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.take(|token| *token == Token::Open).is_some() {
            let filter = self.any(depth + 1)?;
            return self.closed().map(|()| filter);
        }
        self.test().map(Filter::Test)
    }

    fn test(&mut self) -> Result<Test, Fault> {
        self.tests += 1;
        if self.tests > MOST_TESTS {
            return Err(Fault::new(self.peek().at, format!("a filter has at most {MOST_TESTS} tests")));
        }
        let first = self.name()?;
        if self.take(|token| *token == Token::Open).is_some() {
            return self.call(first);
        }
        let Some(operator) = self.word("=") else { return self.unexpected("an operator") };
        let values = match self.take(|token| *token == Token::Open) {
            None => match self.value() {
                None if self.is_at_another_word() => {
                    return self.unexpected("a value (texts stand in single quotes), `and` or `or`");
                }
                value => value.into_iter().collect(),
            },
            Some(_) => {
                let values = self.list(Self::expected_value)?;
                self.closed()?;
                values
            }
        };
        Ok(Test { column: first, operator, values })
    }

    /// At a word that continues no filter.
    fn is_at_another_word(&self) -> bool {
        let is_joint = |word: &str| ["and", "or"].iter().any(|joint| joint.eq_ignore_ascii_case(word));
        matches!(&self.peek().value, Token::Word(word) if !is_joint(word))
    }

    /// The arguments of an operator written as a function: the column, and the values in their order.
    fn call(&mut self, operator: At<String>) -> Result<Test, Fault> {
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
        Ok(Test { column, operator, values })
    }

    /// A word that can be a name: none of the language's own, nor `=` unless it is asked for.
    fn word(&mut self, also: &str) -> Option<At<String>> {
        let own = ["and", "or", "not", "true", "false", "="];
        let is_own = |word: &str| word != also && own.iter().any(|own| own.eq_ignore_ascii_case(word));
        let token = self.take(|token| matches!(token, Token::Word(word) if !is_own(word)))?;
        let At { at, value: Token::Word(value) } = token else { return None };
        Some(At { at, value })
    }

    fn name(&mut self) -> Result<At<String>, Fault> {
        self.word("").map_or_else(|| self.unexpected("a name"), Ok)
    }

    fn value(&mut self) -> Option<At<Value>> {
        let bools = ["true", "false"];
        let is_bool = |word: &str| bools.iter().any(|own| own.eq_ignore_ascii_case(word));
        let At { at, value } = self.take(|token| match token {
            Token::Word(word) => is_bool(word),
            other => matches!(other, Token::Text(_) | Token::Integer(_)),
        })?;
        let value = match value {
            Token::Text(text) => Value::Text(text),
            Token::Integer(number) => Value::Integer(number),
            Token::Word(word) => Value::Bool(word.eq_ignore_ascii_case("true")),
            Token::Open | Token::Close | Token::Comma | Token::End => return None,
        };
        Some(At { at, value })
    }

    fn expected_value(&mut self) -> Result<At<Value>, Fault> {
        self.value().map_or_else(|| self.unexpected("a value"), Ok)
    }
}
