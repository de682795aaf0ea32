//! Folded texts: what the list of users filters and sorts by, beside each text that it shows. The column of a folded text
//! has the name of the text's own and `_folded`. Models do not have these columns: only the list reads them.
//!
//! A text is folded as a name is for log-in, by Unicode and alike on every database.

use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, DbErr, EntityName, EntityTrait, IntoActiveModel,
    Iterable, QueryTrait, Value,
    sea_query::{Expr, IntoIden, Query},
};

use super::login_name;

/// Characters that are kept: an index entry of PostgreSQL has at most 2704 bytes. No text of the list has as many, unless
/// folding lengthens it.
const LONGEST: usize = 600;

/// A text as the list compares it. The final sigma is one as any other, so that a part of a text folds as it does within
/// the whole.
pub(super) fn fold(text: &str) -> String {
    let folded = login_name::fold(text);
    folded.chars().map(|letter| if letter == 'ς' { 'σ' } else { letter }).take(LONGEST).collect()
}

/// Inserts a row with the folded copies of its texts, by the names of their columns, and returns the id.
pub(super) async fn insert<A: ActiveModelTrait>(
    db: &impl ConnectionTrait,
    row: A,
    texts: &[(&'static str, &str)],
) -> Result<i32, DbErr> {
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    for column in <A::Entity as EntityTrait>::Column::iter() {
        if let ActiveValue::Set(value) | ActiveValue::Unchanged(value) = row.get(column) {
            columns.push(column.into_iden());
            values.push(column.save_as(Expr::val(value)));
        }
    }
    for (column, text) in texts {
        columns.push((*column).into_iden());
        values.push(Expr::val(fold(text)));
    }
    let table = A::Entity::default().table_ref();
    let insert = Query::insert().into_table(table).columns(columns).values_panic(values).returning_col("id").to_owned();
    let inserted = db.query_one(&insert).await?.ok_or(DbErr::RecordNotInserted)?;
    inserted.try_get_by_index(0)
}

/// Stores a row in place of the one with its primary key, with the folded copies of its texts.
pub(super) async fn update<A: ActiveModelTrait>(
    db: &impl ConnectionTrait,
    row: A,
    texts: &[(&'static str, &str)],
) -> Result<(), DbErr>
where
    <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
{
    let mut update = A::Entity::update(row).validate()?;
    for (column, text) in texts {
        update.query().value(*column, fold(text));
    }
    update.exec_without_returning(db).await.map(drop)
}

/// The folded copy of a value that is a text.
pub(super) fn value(value: &Value) -> Value {
    match value {
        Value::String(Some(text)) => fold(text).into(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_every_script_fold_as_in_a_name() {
        for (text, expected) in [
            ("BJØRN ØDEGÅRD", "bjørn ødegård"),
            ("ANDRE\u{301}", "andré"),
            ("ŁÓDŹ", "łódź"),
            ("ЖУКОВ", "жуков"),
            ("ﬁn", "fin"),
        ] {
            assert_eq!(fold(text), expected);
            assert_eq!(fold(text), login_name::fold(text));
        }
    }

    #[test]
    fn a_part_of_a_text_folds_as_it_does_within_the_whole() {
        let whole = fold("Κώστας Σεφέρης");
        for part in ["ΚΏΣ", "ΚΏΣΤΑΣ", "τας", "ΣΕΦΈΡΗΣ"] {
            assert!(whole.contains(&fold(part)), "{part}");
        }
    }

    #[test]
    fn a_folded_text_fits_an_index_entry_of_postgresql() {
        let longest = fold(&"\u{fdfa}".repeat(254));
        assert_eq!(longest.chars().count(), LONGEST);
        assert!(fold(&"𝔘".repeat(254)).len() < 2600 && "𞤀".repeat(LONGEST).len() < 2600);
    }
}
