use proptest::prelude::*;

use super::*;

/// Prints a filter in its syntax.
fn print(filter: &Filter) -> String {
    let all = |parts: &[Filter], word: &str| parts.iter().map(nested).collect::<Vec<_>>().join(word);
    match filter {
        Filter::All(parts) => all(parts, " and "),
        Filter::Any(parts) => all(parts, " or "),
        Filter::Not(inner) => format!("not {}", nested(inner)),
        Filter::Comparison(Comparison { column, operator, values }) => {
            let values: Vec<_> = values.iter().map(|value| value.value.to_string()).collect();
            let values = if values.is_empty() { String::new() } else { format!(" ({})", values.join(", ")) };
            format!("{} {}{values}", column.value, operator.value)
        }
    }
}

fn nested(filter: &Filter) -> String {
    if matches!(filter, Filter::Comparison(_)) { print(filter) } else { format!("({})", print(filter)) }
}

fn at<T>(value: T) -> Spanned<T> {
    Spanned { at: 0, value }
}

fn test(column: &str, operator: &str, values: &[Value]) -> Filter {
    let values = values.iter().cloned().map(at).collect();
    Filter::Comparison(Comparison { column: at(column.to_owned()), operator: at(operator.to_owned()), values })
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn a_test_is_written_infix_or_as_a_function() {
    for (written, expected) in [
        ("a eq 1", test("a", "eq", &[Value::Integer(1)])),
        ("a = -1", test("a", "=", &[Value::Integer(-1)])),
        ("a=1", test("a", "=", &[Value::Integer(1)])),
        (" a\teq\n'x' ", test("a", "eq", &[text("x")])),
        ("a is 'it''s'", test("a", "is", &[text("it's")])),
        ("a is ''", test("a", "is", &[text("")])),
        ("a is 'and (\" or'", test("a", "is", &[text("and (\" or")])),
        ("a set TRUE", test("a", "set", &[Value::Bool(true)])),
        ("a today", test("a", "today", &[])),
        ("x/y-z.a:b in('k','l')", test("x/y-z.a:b", "in", &[text("k"), text("l")])),
        ("a oneOf (3,6)", test("a", "oneOf", &[Value::Integer(3), Value::Integer(6)])),
        ("startswith(a, 'b')", test("a", "startswith", &[text("b")])),
        ("substringof('b',a)", test("a", "substringof", &[text("b")])),
        ("today(a)", test("a", "today", &[])),
    ] {
        assert_eq!(filter(written), Ok(expected), "{written}");
    }
}

#[test]
fn not_binds_tighter_than_and_which_binds_tighter_than_or() {
    let [a, b, c] = ["a", "b", "c"].map(|name| test(name, "set", &[]));
    let all = |parts: &[&Filter]| Filter::All(parts.iter().copied().cloned().collect());
    let any = |parts: &[&Filter]| Filter::Any(parts.iter().copied().cloned().collect());
    let not = |filter: &Filter| Filter::Not(Box::new(filter.clone()));
    for (written, expected) in [
        ("a set or b set and c set", any(&[&a, &all(&[&b, &c])])),
        ("a set and b set or c set", any(&[&all(&[&a, &b]), &c])),
        ("(a set or b set) and c set", all(&[&any(&[&a, &b]), &c])),
        ("not a set and b set", all(&[&not(&a), &b])),
        ("NOT (a set AND b set)", not(&all(&[&a, &b]))),
        ("((a set))", a.clone()),
        ("not not a set", not(&not(&a))),
    ] {
        assert_eq!(filter(written), Ok(expected), "{written}");
    }
}

#[test]
fn an_error_has_its_position_and_says_what_is_expected() {
    for (written, at, message) in [
        ("", 1, "expected a name, found the end"),
        ("a", 2, "expected an operator, found the end"),
        ("a eq 1 b eq 2", 8, "expected `and` or `or`, found `b`"),
        ("a eq banana", 6, "expected a value (texts are in single quotes), `and` or `or`, found `banana`"),
        ("a eq null", 6, "expected a value (texts are in single quotes), `and` or `or`, found `null`"),
        ("a eq 1 and", 11, "expected a name, found the end"),
        ("a eq 1 and or", 12, "expected a name, found `or`"),
        ("(a eq 1", 8, "expected `)`, found the end"),
        ("a eq 1)", 7, "expected `and` or `or`, found `)`"),
        ("a in ()", 7, "expected a value, found `)`"),
        ("a in (1 2)", 9, "expected `)`, found `2`"),
        ("a is 'x", 6, "this text has no closing quote"),
        ("å is 'ø' ; drop", 10, "`;` has no meaning here"),
        ("a is \"x\"", 6, "`\"` has no meaning here"),
        ("a gt 1.5", 6, "`1.5` is no whole number of 64 bits"),
        ("a gt 9223372036854775808", 6, "`9223372036854775808` is no whole number of 64 bits"),
        ("a is '\0'", 7, "a text cannot have the character U+0000"),
        ("startswith('a')", 15, "expected a column, found `)`"),
        ("startswith(a, b)", 15, "expected a value, found `b`"),
        ("true eq 1", 1, "expected a name, found `true`"),
    ] {
        assert_eq!(filter(written), Err(ParseError::new(at, message)), "{written}");
    }
}

#[test]
fn length_depth_and_number_of_tests_are_limited() {
    let nested = |depth| format!("{}a set{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(filter(&nested(MAX_DEPTH)), Ok(test("a", "set", &[])));
    assert_eq!(filter(&nested(MAX_DEPTH + 1)), Err(ParseError::new(34, "this is nested more than 32 levels deep")));
    assert_eq!(filter(&"(".repeat(MAX_LENGTH)), Err(ParseError::new(34, "this is nested more than 32 levels deep")));
    assert_eq!(filter(&"not ".repeat(1000)), Err(ParseError::new(133, "this is nested more than 32 levels deep")));
    let tests = |count| vec!["a set"; count].join(" and ");
    assert!(filter(&tests(MAX_COMPARISONS)).is_ok());
    assert_eq!(filter(&tests(MAX_COMPARISONS + 1)), Err(ParseError::new(1001, "a filter has at most 100 comparisons")));
    let long = |length| format!("a is '{}'", "å".repeat(length - 7));
    assert!(filter(&long(MAX_LENGTH)).is_ok());
    assert_eq!(filter(&long(MAX_LENGTH + 1)), Err(ParseError::new(8001, "this is longer than 8000 characters")));
}

#[test]
fn names_and_orders_are_lists() {
    assert_eq!(names("a, b/c"), Ok(vec![at("a".to_owned()), at("b/c".to_owned())]));
    assert_eq!(names("a,,b"), Err(ParseError::new(3, "expected a name, found `,`")));
    assert_eq!(names("a b"), Err(ParseError::new(3, "expected a comma, found `b`")));
    assert_eq!(names("Count(a)"), Err(ParseError::new(6, "expected a comma, found `(`")));
    let ordered = |name: &str, is_descending| Order { column: at(name.to_owned()), is_descending };
    let expected = vec![ordered("a", true), ordered("b", false), ordered("c", false)];
    assert_eq!(order("a DESC, b asc,c"), Ok(expected));
    assert_eq!(order("a down"), Err(ParseError::new(3, "expected a comma, `asc` or `desc`, found `down`")));
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let value = prop_oneof![
        "[^\0]{0,8}".prop_map(Value::Text),
        any::<i64>().prop_map(Value::Integer),
        any::<bool>().prop_map(Value::Bool)
    ];
    let word = "[A-Za-z_å][A-Za-z0-9_/.:-]{0,8}".prop_filter("a keyword", |word| {
        !["and", "or", "not", "true", "false"].iter().any(|known| known.eq_ignore_ascii_case(word))
    });
    let one = (word.clone(), word, prop::collection::vec(value, 0..4));
    let one = one.prop_map(|(column, operator, values)| test(&column, &operator, &values));
    one.prop_recursive(4, 32, 4, |inner| {
        let parts = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            parts.clone().prop_map(Filter::All),
            parts.prop_map(Filter::Any),
            inner.prop_map(|filter| Filter::Not(Box::new(filter)))
        ]
    })
}

proptest! {
    #[test]
    fn a_printed_filter_parses_to_the_same_filter(expected in any_filter()) {
        prop_assert_eq!(filter(&print(&expected)), Ok(expected));
    }

    #[test]
    fn any_text_parses_or_has_an_error_position_within_it(written in ".{0,60}") {
        check(&written)?;
    }

    #[test]
    fn any_tokens_parse_or_have_an_error_position_within_them(
        words in prop::collection::vec(prop::sample::select(vec![
            "a", "eq", "=", "(", ")", ",", "'x'", "'", "1", "true", "and", "or", "not", "set", " ", "in(1,2)", "startswith(",
        ]), 0..30),
    ) {
        check(&words.join(" "))?;
        check(&words.concat())?;
    }
}

/// Parses a text as each option. A parsed filter parses to the same filter when it is printed; an error is within the
/// text.
fn check(written: &str) -> Result<(), TestCaseError> {
    let length = written.chars().count();
    match filter(written) {
        Ok(read) => prop_assert_eq!(filter(&print(&read)), Ok(read)),
        Err(error) => prop_assert!((1..=length + 1).contains(&error.at), "{error}"),
    }
    for error in [names(written).err(), order(written).err()].into_iter().flatten() {
        prop_assert!((1..=length + 1).contains(&error.at), "{error}");
    }
    Ok(())
}
