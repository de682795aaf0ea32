//! Parsing texts, query options and headers takes linear time, even for hostile input.

use std::{
    env,
    hint::black_box,
    time::{Duration, Instant},
};

use kommando::{
    localization::{Clock, Locale, LocalePreferences, MultiLanguage, Zone, preferred_tag},
    odata,
};
use poem::http::StatusCode;

use crate::harness::Server;

/// The limit of the ratio between the time for twice the input and the time for the input: 2 is linear, 4 quadratic.
const MOST: f64 = 3.0;
/// The minimum of this many measurements is undisturbed by other processes.
const TRIES: usize = 15;
/// The duration of one measurement: long enough to be exact, and shorter than a time slice of a busy machine.
const MEASURABLE: Duration = Duration::from_micros(200);
/// How often a ratio over the limit is measured again.
const ROUNDS: usize = 10;

/// The length of inputs; the variable `TEXT` sets it in KiB.
fn bytes() -> usize {
    env::var("TEXT").ok().and_then(|text| text.parse().ok()).unwrap_or(1) * 1024
}

/// A little less than the longest path that a request can have.
const LONGEST_HEAD: usize = 60 * 1024;

/// Shapes of strings: a beginning, a part that is repeated, and an end.
const TEXTS: [(&str, &str, &str); 24] = [
    ("", r#"ZZ:"";"#, ""),
    ("", r#"ZZ:"a""#, ""),
    ("", r#"ZZ:"YY:";"#, ""),
    ("", r#"ZZ:"US:";ZZ:"x";"#, ""),
    ("", r#"US:"";"#, ""),
    ("", r#"US:"a" "#, ""),
    ("", r#"US:""#, ""),
    ("", r#"ZZ:""#, ""),
    ("", r#"xUS:"a";"#, ""),
    ("", r#":""#, ""),
    ("", r#"""#, ""),
    (r#"US:""#, "a", ""),
    ("", "[", ""),
    ("", "[]", ""),
    ("", "[[]", ""),
    ("", "[F:", ""),
    ("", "[SR_", ""),
    ("", "[I:1]", ""),
    ("", "[D:01/01/2020]", ""),
    ("", "[SR_COMMAND_DONE]", ""),
    ("[A:", "1,", "1]"),
    ("[F:", "1", "]"),
    ("[B:", "AAAA", "]"),
    ("[D:01/01/2020 00:00:00.", "0", "]"),
];

/// Shapes of query options of the user list.
const OPTIONS: [(&str, &str, &str); 12] = [
    ("", "(", ""),
    ("", "not ", ""),
    ("", "a eq 1 and ", "a eq 1"),
    ("", "a eq 1 or ", "a eq 1"),
    ("a in (", "1,", "1)"),
    ("a in (", "'',", "'')"),
    ("f(a,", "1,", "1)"),
    ("a is '", "''", "'"),
    ("a eq ", "1", ""),
    ("", "a", ""),
    ("", "a,", "a"),
    ("", "a desc,", "a"),
];

/// Shapes of list headers.
const LISTS: [(&str, &str, &str); 10] = [
    ("", ",", ""),
    ("", ";", ""),
    ("", "en;q=0.1,", "en"),
    ("", "xx,", ""),
    ("", "en;", ""),
    ("", "q=0.1;", "en"),
    ("en", "-abcde", ""),
    ("en-u", "-ca", ""),
    ("en;q=0.", "1", ""),
    ("", "includeTZOffset,", ""),
];

fn repeated((start, middle, end): (&str, &str, &str), bytes: usize) -> String {
    format!("{start}{}{end}", middle.repeat(bytes / middle.len()))
}

/// The time of this many executions.
fn measure(times: u32, work: impl Fn()) -> Duration {
    let started = Instant::now();
    (0..times).for_each(|_| work());
    started.elapsed()
}

/// The ratio between the time for twice the input and the time for the input.
fn ratio(once: impl Fn(), twice: impl Fn()) -> f64 {
    let mut times = 1;
    while measure(times, &once) < MEASURABLE {
        times *= 2;
    }
    let tries = (0..TRIES).map(|_| [measure(times, &once), measure(times, &twice)]);
    let [once, twice] = tries.reduce(|[one, two], [once, twice]| [one.min(once), two.min(twice)]).expect("a try");
    twice.as_secs_f64() / once.as_secs_f64()
}

/// The first ratio below the limit, or the smallest.
fn least_of(ratios: impl Iterator<Item = f64>) -> f64 {
    let mut least = f64::MAX;
    for ratio in ratios.take(ROUNDS) {
        least = least.min(ratio);
        if least <= MOST {
            break;
        }
    }
    least
}

/// Asserts that reading twice the input takes about twice as long, for each shape.
fn assert_proportional(what: &str, shapes: &[(&str, &str, &str)], bytes: usize, read: impl Fn(&str)) {
    for shape in shapes {
        let (once, twice) = (repeated(*shape, bytes), repeated(*shape, 2 * bytes));
        let ratios = || ratio(|| read(black_box(&once)), || read(black_box(&twice)));
        let least = least_of(std::iter::repeat_with(ratios));
        assert!(least <= MOST, "{what} of {shape:?}: {least} times the time for twice the input");
    }
}

#[test]
fn resolving_a_text_takes_linear_time() {
    let preferences =
        LocalePreferences { so_language: Some("nb"), so_culture: Some("nb-NO"), ..LocalePreferences::default() };
    let locale = Locale::new(preferences, &Zone::utc()).expect("a locale");
    assert_proportional("resolving", &TEXTS, bytes(), |text| {
        black_box(locale.resolve(text));
    });
}

#[test]
fn multi_language_strings_take_linear_time() {
    assert_proportional("reading", &TEXTS, bytes(), |text| {
        let text: MultiLanguage = serde_json::from_value(text.into()).expect("a text");
        black_box(MultiLanguage::join(&[text.clone(), text]).raw());
    });
}

#[test]
fn parsing_query_options_takes_linear_time() {
    // Twice this is just below the limit; longer options are refused unread.
    for bytes in [3900, bytes()] {
        assert_proportional("options", &OPTIONS, bytes, |text| {
            let _ = black_box((odata::filter(text), odata::names(text), odata::order(text)));
        });
    }
}

#[test]
fn parsing_locale_headers_takes_linear_time() {
    let utc = Zone::utc();
    assert_proportional("preferences", &LISTS, bytes(), |text| {
        let all = Some(text);
        let preferences =
            LocalePreferences { accept_language: all, so_language: None, so_culture: all, so_time_zone: all };
        let _ = black_box((preferred_tag(text), Locale::new(preferences, &utc), Clock::new(text, &utc)));
        let _ = black_box((Clock::of(utc.clone()).read(text), Clock::of(utc.clone()).read_day(text)));
    });
}

#[test]
fn parsing_culture_subtags_takes_linear_time() {
    let tag = |bytes: usize| (0..bytes / 9).map(|number| format!("-{number:0>8}")).collect::<String>();
    let tags = [bytes(), 2 * bytes()].map(|bytes| format!("en{}", tag(bytes)));
    let read = |tag: &str| {
        let preferences =
            LocalePreferences { so_language: Some("en"), so_culture: Some(tag), ..LocalePreferences::default() };
        black_box(Locale::new(preferences, &Zone::utc()).expect("a locale").resolve("[D:01/01/2020]").into_owned());
    };
    assert!(least_of(std::iter::repeat_with(|| ratio(|| read(&tags[0]), || read(&tags[1])))) <= MOST);
}

/// The minimal response time for a path, or with a header.
async fn least_time(server: &Server, path: &str, header: Option<(&str, &str)>, status: StatusCode) -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..TRIES {
        let call = server.get(path).by("admin");
        let call = if let Some((name, value)) = header { call.header(name, value) } else { call };
        let started = Instant::now();
        let got = call.send().await;
        least = least.min(started.elapsed());
        assert_eq!(got.status, status, "{}", &got.text[..got.text.len().min(200)]);
    }
    least
}

#[tokio::test]
async fn reading_request_heads_takes_linear_time() {
    let server = Server::demo().await;
    // Long enough that the head dominates the fixed cost of a request.
    let bytes = (16 * bytes()).min(LONGEST_HEAD / 2);
    let user = "/api/v1/User/2";
    let accepted = ["*/*;q=0.1,", "a/b,", ",", "text/*;a=b;a=b,", "garbage,"];
    let accepted = accepted.map(|range| ("accept", ("*/*,", range, "*/*"), StatusCode::OK));
    let selected = [
        ("?$select=", ("", "name,", "name"), StatusCode::OK),
        ("?$select=", ("", "role/value,", "name"), StatusCode::OK),
        ("?$select=", ("", ",", "name"), StatusCode::OK),
        ("?$select=", ("name,", "/", ""), StatusCode::BAD_REQUEST),
        ("?", ("", "$select=name&", ""), StatusCode::BAD_REQUEST),
        ("?", ("", "a&", ""), StatusCode::BAD_REQUEST),
        ("?", ("", "&", "a"), StatusCode::OK),
        ("", ("/", "a/", "a"), StatusCode::NOT_FOUND),
        ("", ("", "/", ""), StatusCode::NOT_FOUND),
        ("", ("/CustomCommand/", "%20", ""), StatusCode::METHOD_NOT_ALLOWED),
    ];
    for (place, shape, status) in accepted.into_iter().chain(selected) {
        let mut least = f64::MAX;
        for _ in 0..ROUNDS {
            let (once, twice) = (repeated(shape, bytes), repeated(shape, 2 * bytes));
            let times = match place {
                "accept" => [
                    least_time(&server, user, Some((place, &once)), status).await,
                    least_time(&server, user, Some((place, &twice)), status).await,
                ],
                _ => [
                    least_time(&server, &format!("{user}{place}{once}"), None, status).await,
                    least_time(&server, &format!("{user}{place}{twice}"), None, status).await,
                ],
            };
            least = least.min(times[1].as_secs_f64() / times[0].as_secs_f64());
            if least <= MOST {
                break;
            }
        }
        assert!(least <= MOST, "{place} {shape:?}: {least} times the time for twice the input");
    }
}
