//! Folded copies of texts, by which the user list filters and sorts. The folded copy of a column `x` is in `x_folded`.
//! Models do not have these columns; only the list reads them.
//!
//! Folding is Unicode case folding as for login names, done here so that all databases behave the same.

use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, DbErr, EntityName, EntityTrait, IntoActiveModel,
    Iterable, QueryTrait, Value,
    sea_query::{Expr, IntoIden, Query},
};

use super::login_name;

/// Maximum number of characters, because an index entry of PostgreSQL has at most 2704 bytes. Only texts that grow by
/// folding reach it.
const MAX_LENGTH: usize = 600;

/// Folds a text. Replaces the final sigma, so that a part of a text folds the same as within the whole text.
pub(super) fn fold(text: &str) -> String {
    let folded = login_name::fold(text);
    folded.chars().map(|letter| if letter == 'ς' { 'σ' } else { letter }).take(MAX_LENGTH).collect()
}

/// Inserts a row with folded copies of `texts`, given by folded column, and returns the id.
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

/// Updates the row with this primary key, with folded copies of `texts`.
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

/// Folds a text value; other values stay the same.
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
    fn letters_of_all_scripts_fold_like_names() {
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
    fn a_part_of_a_text_folds_like_the_whole() {
        let whole = fold("Κώστας Σεφέρης");
        for part in ["ΚΏΣ", "ΚΏΣΤΑΣ", "τας", "ΣΕΦΈΡΗΣ"] {
            assert!(whole.contains(&fold(part)), "{part}");
        }
    }

    #[test]
    fn a_folded_text_fits_an_index_entry_of_postgresql() {
        let longest = fold(&"\u{fdfa}".repeat(254));
        assert_eq!(longest.chars().count(), MAX_LENGTH);
        assert!(fold(&"𝔘".repeat(254)).len() < 2600 && "𞤀".repeat(MAX_LENGTH).len() < 2600);
    }
}
