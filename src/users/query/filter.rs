//! Compiles a filter to an SQL condition. Values always become parameters.

use chrono::{DateTime, Duration, Utc};
use sea_orm::{
    DbBackend, ExprTrait, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{Condition, Expr, SimpleExpr},
};

use super::{
    archive::Archive,
    columns::{self, FilterKind},
    operands::{as_bool, as_integer, as_text, folded, is_set, misplaced, one, some, values},
    operators::{self, ASSOCIATE, BOOL, DATE, GROUPS, INTEGER, LIST, Operator, Operators, TEXT},
    texts,
};
use crate::{
    localization::Clock,
    odata::{Comparison, Filter, ParseError, Spanned, Value},
    users::membership,
};

/// The caller's id, and the clock for the caller's dates.
#[derive(Clone, Copy, Debug)]
pub struct QueryContext<'a> {
    pub user_id: i32,
    pub clock: &'a Clock,
}

/// Compiles filters to SQL conditions.
pub(super) struct FilterCompiler<'a> {
    pub archive: &'static Archive,
    pub context: QueryContext<'a>,
    pub backend: DbBackend,
}

impl FilterCompiler<'_> {
    pub fn condition(&self, filter: &Filter) -> Result<Condition, ParseError> {
        match filter {
            Filter::All(parts) => parts.iter().try_fold(Condition::all(), |all, one| Ok(all.add(self.condition(one)?))),
            Filter::Any(parts) => parts.iter().try_fold(Condition::any(), |any, one| Ok(any.add(self.condition(one)?))),
            Filter::Not(inner) => Ok(Condition::all().add(self.condition(inner)?).not()),
            Filter::Comparison(comparison) => Ok(Condition::all().add(self.comparison(comparison)?)),
        }
    }

    fn comparison(&self, comparison: &Comparison) -> Result<SimpleExpr, ParseError> {
        let column = self.archive.column(&comparison.column)?;
        let takes = |operators: &[Operators]| operators::find(comparison, operators);
        match column.restriction {
            FilterKind::None => {
                Err(ParseError::new(comparison.column.at, format!("the list cannot be filtered by {}", column.name)))
            }
            FilterKind::Text(sql) => texts::text(self.backend, sql, takes(&[TEXT, LIST])?, comparison),
            FilterKind::Person { column, joined } => {
                texts::person(self.backend, column, joined, takes(&[TEXT, LIST])?, comparison)
            }
            FilterKind::Integer(sql) => integer(sql, takes(&[INTEGER, LIST])?, comparison),
            FilterKind::Bool(sql) => boolean(columns::in_dialect(self.backend, sql), takes(&[BOOL])?, comparison),
            FilterKind::Date(sql) => self.date(sql, takes(&[DATE])?, comparison),
            FilterKind::Item { id, name } => self.item(id, name, takes(&[INTEGER, TEXT, LIST])?, comparison),
            FilterKind::Associate => match takes(&[INTEGER, TEXT, LIST, ASSOCIATE])? {
                Operator::CurrentAssociate => {
                    let [] = values(comparison)?;
                    Ok(Expr::cust("users.id").eq(i64::from(self.context.user_id)))
                }
                operator => self.item("users.id", "users.name_folded", operator, comparison),
            },
            FilterKind::OtherGroups => other_groups(takes(&[GROUPS, LIST])?, comparison),
        }
    }

    /// Compares a list item by its id or name.
    fn item(
        &self,
        id: &'static str,
        name: &'static str,
        operator: Operator,
        comparison: &Comparison,
    ) -> Result<SimpleExpr, ParseError> {
        use Operator as Is;
        let has_text = comparison.values.iter().any(|value| matches!(value.value, Value::Text(_)));
        let has_name = comparison.values.iter().any(|value| as_integer(value).is_err());
        match operator {
            Is::Begins | Is::NotBegins | Is::Ends | Is::Contains | Is::NotContains => {
                texts::text(self.backend, name, operator, comparison)
            }
            Is::Between if has_name => texts::text(self.backend, name, operator, comparison),
            Is::Equal if has_text => by_id_or_name(id, name, &[one(comparison)?]),
            Is::Unequal if has_text => Ok(by_id_or_name(id, name, &[one(comparison)?])?.not()),
            Is::OneOf if has_text => by_id_or_name(id, name, &comparison.values.iter().collect::<Vec<_>>()),
            Is::NotOneOf if has_text => {
                Ok(by_id_or_name(id, name, &comparison.values.iter().collect::<Vec<_>>())?.not())
            }
            _ => integer(id, operator, comparison),
        }
    }

    fn date(&self, sql: &'static str, operator: Operator, comparison: &Comparison) -> Result<SimpleExpr, ParseError> {
        use Operator as Is;
        let time = columns::time(sql);
        let within = |from: DateTime<Utc>, to: DateTime<Utc>| time.clone().gte(from).and(time.clone().lt(to));
        // Responses have no fractions of seconds, so a point in time means a whole second.
        let second = Duration::seconds(1);
        Ok(match operator {
            Is::BeforeDay => time.lt(self.day(one(comparison)?)?.start),
            Is::UpToDay => time.lt(self.day(one(comparison)?)?.end),
            Is::AfterDay => time.gte(self.day(one(comparison)?)?.end),
            Is::OnDay => {
                let day = self.day(one(comparison)?)?;
                within(day.start, day.end)
            }
            Is::BetweenDays => {
                let [from, to] = values(comparison)?;
                within(self.day(from)?.start, self.day(to)?.end)
            }
            Is::BeforeTime => time.lt(self.time(one(comparison)?)?),
            Is::AfterTime => time.gte(self.time(one(comparison)?)? + second),
            Is::AtTime => {
                let start = self.time(one(comparison)?)?;
                within(start, start + second)
            }
            Is::BeforeToday | Is::Today | Is::AfterToday => {
                let ([], today) = (values(comparison)?, self.context.clock.today());
                match operator {
                    Is::BeforeToday => time.lt(today.start),
                    Is::AfterToday => time.gte(today.end),
                    _ => within(today.start, today.end),
                }
            }
            Is::Within(period, offset) => {
                let ([], period) = (values(comparison)?, self.context.clock.period(period, offset));
                within(period.start, period.end)
            }
            _ => return Err(misplaced(comparison)),
        })
    }

    fn day(&self, value: &Spanned<Value>) -> Result<std::ops::Range<DateTime<Utc>>, ParseError> {
        let invalid = || ParseError::new(value.at, format!("{} is not a day such as '2026-11-23'", value.value));
        self.context.clock.read_day(&as_text(value)?).ok_or_else(invalid)
    }

    fn time(&self, value: &Spanned<Value>) -> Result<DateTime<Utc>, ParseError> {
        let invalid =
            || ParseError::new(value.at, format!("{} is not a time such as '2026-11-23T14:52:00'", value.value));
        let read = self.context.clock.read(&as_text(value)?).ok_or_else(invalid)?;
        DateTime::from_timestamp(read.timestamp(), 0).ok_or_else(invalid)
    }
}

/// Matches any of the values: numbers match ids, texts match names, and quoted numbers match both.
fn by_id_or_name(id: &'static str, name: &'static str, values: &[&Spanned<Value>]) -> Result<SimpleExpr, ParseError> {
    let ids: Vec<_> = values.iter().filter_map(|value| as_integer(value).ok()).collect();
    let texts = values.iter().filter(|value| !matches!(value.value, Value::Integer(_)));
    let names = texts.map(|value| folded(value)).collect::<Result<Vec<_>, _>>()?;
    let is_called = Expr::cust(name).is_in(names);
    Ok(if ids.is_empty() { is_called } else { Expr::cust(id).is_in(ids).or(is_called) })
}

fn integer(sql: &'static str, operator: Operator, comparison: &Comparison) -> Result<SimpleExpr, ParseError> {
    use Operator as Is;
    let value = Expr::cust(sql);
    Ok(match operator {
        Is::Equal => value.eq(as_integer(one(comparison)?)?),
        Is::Unequal => value.ne(as_integer(one(comparison)?)?),
        Is::Less => value.lt(as_integer(one(comparison)?)?),
        Is::LessOrEqual => value.lte(as_integer(one(comparison)?)?),
        Is::Greater => value.gt(as_integer(one(comparison)?)?),
        Is::GreaterOrEqual => value.gte(as_integer(one(comparison)?)?),
        Is::Between => {
            let [from, to] = values(comparison)?;
            value.between(as_integer(from)?, as_integer(to)?)
        }
        Is::Set => match comparison.values.first() {
            // Upstream's documentation uses `contactId set 5` like `contactId eq 5`.
            Some(number) if !matches!(number.value, Value::Bool(_)) => value.eq(as_integer(one(comparison)?)?),
            _ if is_set(comparison)? => value.ne(0_i64),
            _ => value.eq(0_i64),
        },
        Is::OneOf => value.is_in(some(comparison, as_integer)?),
        Is::NotOneOf => value.is_not_in(some(comparison, as_integer)?),
        _ => return Err(misplaced(comparison)),
    })
}

fn boolean(sql: String, operator: Operator, comparison: &Comparison) -> Result<SimpleExpr, ParseError> {
    let is_wanted = match operator {
        Operator::Set => is_set(comparison)?,
        Operator::Equal => as_bool(one(comparison)?)?,
        Operator::Unequal => !as_bool(one(comparison)?)?,
        _ => return Err(misplaced(comparison)),
    };
    Ok(Expr::cust(sql).eq(is_wanted))
}

fn other_groups(operator: Operator, comparison: &Comparison) -> Result<SimpleExpr, ParseError> {
    let ids = match operator {
        Operator::Equal | Operator::Unequal => vec![as_integer(one(comparison)?)?],
        _ => some(comparison, as_integer)?,
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
