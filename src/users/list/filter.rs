//! From what a filter says to a condition of a statement. Values are parameters, always.

use chrono::{DateTime, Duration, Utc};
use sea_orm::{
    DbBackend, ExprTrait, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{Condition, Expr, SimpleExpr},
};

use super::{
    columns::{self, Restriction},
    operators::{self, ASSOCIATE, BOOL, DATE, GROUPS, INTEGER, LIST, Operator, Operators, TEXT},
    texts::folded,
};
use crate::{
    localization::Clock,
    odata::{At, Fault, Filter, Test, Value},
    users::membership,
};

/// Who asks, and which clock their dates are read by.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    pub user_id: i32,
    pub clock: &'a Clock,
}

/// What says a filter in the words of a database.
pub(super) struct Translator<'a> {
    pub asker: Asker<'a>,
    pub backend: DbBackend,
}

impl Translator<'_> {
    /// The condition that a filter is.
    pub fn condition(&self, filter: &Filter) -> Result<Condition, Fault> {
        match filter {
            Filter::All(parts) => parts.iter().try_fold(Condition::all(), |all, one| Ok(all.add(self.condition(one)?))),
            Filter::Any(parts) => parts.iter().try_fold(Condition::any(), |any, one| Ok(any.add(self.condition(one)?))),
            Filter::Not(inner) => Ok(Condition::all().add(self.condition(inner)?).not()),
            Filter::Test(test) => Ok(Condition::all().add(self.test(test)?)),
        }
    }

    fn test(&self, test: &Test) -> Result<SimpleExpr, Fault> {
        let column = columns::find(&test.column)?;
        let takes = |operators: &[Operators]| operators::find(test, operators);
        match column.restriction {
            Restriction::None => {
                Err(Fault::new(test.column.at, format!("the list cannot be filtered by {}", column.name)))
            }
            Restriction::Text(sql) => self.text(sql, takes(&[TEXT, LIST])?, test),
            Restriction::Person { column, joined } => self.person(column, joined, takes(&[TEXT, LIST])?, test),
            Restriction::Integer(sql) => integer(sql, takes(&[INTEGER, LIST])?, test),
            Restriction::Bool(sql) => boolean(columns::in_words_of(self.backend, sql), takes(&[BOOL])?, test),
            Restriction::Date(sql) => self.date(sql, takes(&[DATE])?, test),
            Restriction::Item { id, name } => self.item(id, name, takes(&[INTEGER, TEXT, LIST])?, test),
            Restriction::Associate => match takes(&[INTEGER, TEXT, LIST, ASSOCIATE])? {
                Operator::CurrentAssociate => {
                    let [] = values(test)?;
                    Ok(Expr::cust("users.id").eq(i64::from(self.asker.user_id)))
                }
                operator => self.item("users.id", "users.name_folded", operator, test),
            },
            Restriction::OtherGroups => other_groups(takes(&[GROUPS, LIST])?, test),
        }
    }

    /// An item by its id or its name.
    fn item(&self, id: &'static str, name: &'static str, operator: Operator, test: &Test) -> Result<SimpleExpr, Fault> {
        use Operator as Is;
        let has_text = test.values.iter().any(|value| matches!(value.value, Value::Text(_)));
        let has_name = test.values.iter().any(|value| as_integer(value).is_err());
        match operator {
            Is::Begins | Is::NotBegins | Is::Ends | Is::Contains | Is::NotContains => self.text(name, operator, test),
            Is::Between if has_name => self.text(name, operator, test),
            Is::Equal if has_text => by_id_or_name(id, name, &[one(test)?]),
            Is::Unequal if has_text => Ok(by_id_or_name(id, name, &[one(test)?])?.not()),
            Is::OneOf if has_text => by_id_or_name(id, name, &test.values.iter().collect::<Vec<_>>()),
            Is::NotOneOf if has_text => Ok(by_id_or_name(id, name, &test.values.iter().collect::<Vec<_>>())?.not()),
            _ => integer(id, operator, test),
        }
    }

    fn date(&self, sql: &'static str, operator: Operator, test: &Test) -> Result<SimpleExpr, Fault> {
        use Operator as Is;
        let time = columns::time(sql);
        let within = |from: DateTime<Utc>, to: DateTime<Utc>| time.clone().gte(from).and(time.clone().lt(to));
        // A carrier shows no fractions, so that a point in time is a second.
        let second = Duration::seconds(1);
        Ok(match operator {
            Is::BeforeDay => time.lt(self.day(one(test)?)?.start),
            Is::UpToDay => time.lt(self.day(one(test)?)?.end),
            Is::AfterDay => time.gte(self.day(one(test)?)?.end),
            Is::OnDay => {
                let day = self.day(one(test)?)?;
                within(day.start, day.end)
            }
            Is::BetweenDays => {
                let [from, to] = values(test)?;
                within(self.day(from)?.start, self.day(to)?.end)
            }
            Is::BeforeTime => time.lt(self.time(one(test)?)?),
            Is::AfterTime => time.gte(self.time(one(test)?)? + second),
            Is::AtTime => {
                let start = self.time(one(test)?)?;
                within(start, start + second)
            }
            Is::BeforeToday | Is::Today | Is::AfterToday => {
                let ([], today) = (values(test)?, self.asker.clock.today());
                match operator {
                    Is::BeforeToday => time.lt(today.start),
                    Is::AfterToday => time.gte(today.end),
                    _ => within(today.start, today.end),
                }
            }
            Is::Within(period, offset) => {
                let ([], period) = (values(test)?, self.asker.clock.period(period, offset));
                within(period.start, period.end)
            }
            _ => return Err(misplaced(test)),
        })
    }

    fn day(&self, value: &At<Value>) -> Result<std::ops::Range<DateTime<Utc>>, Fault> {
        let unfit = || Fault::new(value.at, format!("{} is no day such as '2026-11-23'", value.value));
        self.asker.clock.read_day(&as_text(value)?).ok_or_else(unfit)
    }

    fn time(&self, value: &At<Value>) -> Result<DateTime<Utc>, Fault> {
        let unfit = || Fault::new(value.at, format!("{} is no time such as '2026-11-23T14:52:00'", value.value));
        let read = self.asker.clock.read(&as_text(value)?).ok_or_else(unfit)?;
        DateTime::from_timestamp(read.timestamp(), 0).ok_or_else(unfit)
    }
}

/// One of these: an id by its number, a name by its text, and either by a number in quotes.
fn by_id_or_name(id: &'static str, name: &'static str, values: &[&At<Value>]) -> Result<SimpleExpr, Fault> {
    let ids: Vec<_> = values.iter().filter_map(|value| as_integer(value).ok()).collect();
    let texts = values.iter().filter(|value| !matches!(value.value, Value::Integer(_)));
    let names = texts.map(|value| folded(value)).collect::<Result<Vec<_>, _>>()?;
    let is_called = Expr::cust(name).is_in(names);
    Ok(if ids.is_empty() { is_called } else { Expr::cust(id).is_in(ids).or(is_called) })
}

fn integer(sql: &'static str, operator: Operator, test: &Test) -> Result<SimpleExpr, Fault> {
    use Operator as Is;
    let value = Expr::cust(sql);
    Ok(match operator {
        Is::Equal => value.eq(as_integer(one(test)?)?),
        Is::Unequal => value.ne(as_integer(one(test)?)?),
        Is::Less => value.lt(as_integer(one(test)?)?),
        Is::LessOrEqual => value.lte(as_integer(one(test)?)?),
        Is::Greater => value.gt(as_integer(one(test)?)?),
        Is::GreaterOrEqual => value.gte(as_integer(one(test)?)?),
        Is::Between => {
            let [from, to] = values(test)?;
            value.between(as_integer(from)?, as_integer(to)?)
        }
        Is::Set => match test.values.first() {
            // The documentation's samples have `contactId set 5` beside `contactId eq 5`.
            Some(number) if !matches!(number.value, Value::Bool(_)) => value.eq(as_integer(one(test)?)?),
            _ if is_set(test)? => value.ne(0_i64),
            _ => value.eq(0_i64),
        },
        Is::OneOf => value.is_in(some(test, as_integer)?),
        Is::NotOneOf => value.is_not_in(some(test, as_integer)?),
        _ => return Err(misplaced(test)),
    })
}

fn boolean(sql: String, operator: Operator, test: &Test) -> Result<SimpleExpr, Fault> {
    let is_wanted = match operator {
        Operator::Set => is_set(test)?,
        Operator::Equal => as_bool(one(test)?)?,
        Operator::Unequal => !as_bool(one(test)?)?,
        _ => return Err(misplaced(test)),
    };
    Ok(Expr::cust(sql).eq(is_wanted))
}

fn other_groups(operator: Operator, test: &Test) -> Result<SimpleExpr, Fault> {
    let ids = match operator {
        Operator::Equal | Operator::Unequal => vec![as_integer(one(test)?)?],
        _ => some(test, as_integer)?,
    };
    let members = membership::Entity::find()
        .select_only()
        .column(membership::Column::UserId)
        .filter(membership::Column::UserGroupId.is_in(ids))
        .into_query();
    let user = Expr::cust("users.id");
    let is_negated = matches!(operator, Operator::Unequal | Operator::NotOneOf);
    Ok(if is_negated { user.not_in_subquery(members) } else { user.in_subquery(members) })
}

/// Exactly so many values.
pub(super) fn values<const N: usize>(test: &Test) -> Result<[&At<Value>; N], Fault> {
    let found: Vec<_> = test.values.iter().collect();
    let count = found.len();
    let wanted = ["no value", "one value", "two values"][N];
    let unfit = |_| Fault::new(test.operator.at, format!("`{}` takes {wanted}, not {count}", test.operator.value));
    found.try_into().map_err(unfit)
}

pub(super) fn one(test: &Test) -> Result<&At<Value>, Fault> {
    values(test).map(|[value]| value)
}

/// One value or more.
pub(super) fn some<T>(test: &Test, read: impl Fn(&At<Value>) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
    if test.values.is_empty() {
        let fault = format!("`{}` takes a list of values in parentheses", test.operator.value);
        return Err(Fault::new(test.operator.at, fault));
    }
    test.values.iter().map(read).collect()
}

fn is_set(test: &Test) -> Result<bool, Fault> {
    if test.values.is_empty() { Ok(true) } else { as_bool(one(test)?) }
}

/// A whole number, which may stand in quotes. PostgreSQL keeps a statement with the widths of its parameters: every number
/// that is held against a column has 64 bits.
fn as_integer(value: &At<Value>) -> Result<i64, Fault> {
    let number = match &value.value {
        Value::Integer(number) => Some(*number),
        Value::Text(text) => text.trim().parse().ok(),
        Value::Bool(_) => None,
    };
    number.ok_or_else(|| Fault::new(value.at, format!("a whole number should stand here, not {}", value.value)))
}

pub(super) fn as_text(value: &At<Value>) -> Result<String, Fault> {
    match &value.value {
        Value::Text(text) => Ok(text.clone()),
        _ => Err(Fault::new(value.at, format!("a text in quotes should stand here, not {}", value.value))),
    }
}

fn as_bool(value: &At<Value>) -> Result<bool, Fault> {
    let found = match &value.value {
        Value::Bool(value) => Some(*value),
        Value::Integer(0) => Some(false),
        Value::Integer(1) => Some(true),
        Value::Text(text) if ["false", "0"].iter().any(|word| word.eq_ignore_ascii_case(text)) => Some(false),
        Value::Text(text) if ["true", "1"].iter().any(|word| word.eq_ignore_ascii_case(text)) => Some(true),
        _ => None,
    };
    found.ok_or_else(|| Fault::new(value.at, format!("true or false should stand here, not {}", value.value)))
}

/// An operator that its column does not take. Which those are is looked up before, so that this tells of our mistake.
pub(super) fn misplaced(test: &Test) -> Fault {
    let Test { column, operator, .. } = test;
    Fault::new(operator.at, format!("`{}` means nothing for {}", operator.value, column.value))
}
