//! Reads rows from a CSV file as spreadsheets write it.
//!
//! Accepted: `,`, `;` or a tab between cells, or the separator that a first line such as `sep=;` names; empty rows,
//! also above the column names; columns without name and content; short rows, since Excel leaves out empty cells at the
//! end of a row. Any other cell that cannot be read is an error.

use kommando::users::{
    import::{self, COLUMNS, ImportColumn, Row, find_column},
    shown,
};

use super::{
    Rows,
    row_errors::{RowError, RowErrors, RowPosition},
};

/// Separators of cells. Spreadsheets write semicolons in locales with a decimal comma, and tabs in copied cells.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Appended to the text while it is read. A record that includes it has an unclosed quotation mark.
const END: &str = "\nx";

/// Reads the rows of a file, with its errors.
pub fn read(text: &str) -> (Rows, RowErrors) {
    let (delimiter, start) = match separator_line(text) {
        Some(Ok(found)) => found,
        Some(Err(error)) => return (Rows::new(), vec![error]),
        None => (likely_delimiter(text), 0),
    };
    let (mut records, mut errors) = records(text, start, delimiter);
    records.retain(|record| record.cells.iter().any(|cell| !cell.is_empty()));
    let mut records = records.into_iter();
    let Some(header) = records.next() else {
        errors.push(RowError::of_row(RowPosition::Line(1), no_name_column()));
        return (Rows::new(), errors);
    };
    let columns = match read_header(&header) {
        Ok(columns) => columns,
        Err(error) => return (Rows::new(), vec![error]),
    };
    let mut rows = Rows::new();
    for record in records {
        rows.push((RowPosition::Line(record.line), read_row(&record, &columns, header.line, &mut errors)));
    }
    (rows, errors)
}

/// The separator that a first line such as `sep=;` names, and the offset of the next line.
fn separator_line(text: &str) -> Option<Result<(u8, usize), RowError>> {
    let line = text.split(['\r', '\n']).next().unwrap_or_default();
    let rest = &text[line.len()..];
    let start = line.len() + if rest.starts_with("\r\n") { 2 } else { rest.len().min(1) };
    let line = line.trim_matches('"');
    let separator = line.get(..4).filter(|word| word.eq_ignore_ascii_case("sep=")).map(|_| &line[4..])?;
    Some(match separator.as_bytes() {
        [sign] if sign.is_ascii_punctuation() || *sign == b'\t' => Ok((*sign, start)),
        _ => {
            let reason = format!("`{}` names no separator; put one character after `sep=`, as in `sep=;`", shown(line));
            Err(RowError::of_row(RowPosition::Line(1), reason))
        }
    })
}

/// The most frequent separator in the first line with text, outside quotation marks.
fn likely_delimiter(text: &str) -> u8 {
    let line = text.split(['\r', '\n']).find(|line| line.chars().any(char::is_alphanumeric)).unwrap_or_default();
    let outside: String = line.split('"').step_by(2).collect();
    let count = |delimiter: &u8| outside.bytes().filter(|byte| byte == delimiter).count();
    // `max_by_key` returns the last of equals; reversed, it returns the first.
    DELIMITERS.iter().rev().max_by_key(|delimiter| count(delimiter)).copied().unwrap_or(b',')
}

/// A line of cells.
struct Record {
    line: u64,
    cells: Vec<String>,
    /// The record has no line end, so the file may be truncated.
    is_unterminated: bool,
}

fn records(text: &str, start: usize, delimiter: u8) -> (Vec<Record>, RowErrors) {
    let data = text[start..].to_owned() + END;
    let end = (data.len() - 1) as u64;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(data.as_bytes());
    let (mut records, mut errors) = (Vec::new(), RowErrors::new());
    let mut lines = LineCounter { text: text.as_bytes(), at: 0, line: 1 };
    let mut record = csv::StringRecord::new();
    loop {
        let begin = behind_line_ends(data.as_bytes(), reader.position().byte() as usize);
        if begin as u64 >= end {
            return (records, errors);
        }
        let line = lines.line_of(start + begin);
        let position = RowPosition::Line(line);
        if let Err(error) = reader.read_record(&mut record) {
            errors.push(RowError::of_row(position, error.to_string()));
            return (records, errors);
        }
        let read_to = reader.position().byte();
        if read_to > end {
            let column = format!("column {}", letters(record.len().saturating_sub(1)));
            let reason = "the quotation mark at the start of the cell is never closed";
            errors.push(RowError::new(position, Some(column), None, reason));
            return (records, errors);
        }
        let is_unterminated = read_to == end && !text.ends_with(['\r', '\n']);
        records.push(Record { line, cells: record.iter().map(str::to_owned).collect(), is_unterminated });
    }
}

/// The start of the next record. The reader's position may still be before empty lines, or within a `\r\n`.
fn behind_line_ends(data: &[u8], from: usize) -> usize {
    let rest = data.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| [b'\r', b'\n'].contains(byte)).count()
}

/// Counts lines that end with `\n`, `\r\n` or `\r`. Offsets must not decrease.
struct LineCounter<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl LineCounter<'_> {
    fn line_of(&mut self, byte: usize) -> u64 {
        while self.at < byte.min(self.text.len()) {
            let ends_line = match self.text[self.at] {
                b'\n' => true,
                b'\r' => self.text.get(self.at + 1) != Some(&b'\n'),
                _ => false,
            };
            self.line += u64::from(ends_line);
            self.at += 1;
        }
        self.line
    }
}

/// The columns by index; `None` for a column without a name.
type Columns = Vec<Option<&'static ImportColumn>>;

fn read_header(header: &Record) -> Result<Columns, RowError> {
    let refuse = |reason| Err(RowError::of_row(RowPosition::Line(header.line), reason));
    let mut columns = Columns::new();
    let mut unknown = Vec::new();
    for name in &header.cells {
        let column = find_column(name);
        if let Some(column) = column.filter(|column| has(&columns, column.name)) {
            return refuse(format!("there are two columns {}", column.name));
        }
        if column.is_none() && !name.is_empty() {
            unknown.push(format!("no column `{}`", shown(name)));
        }
        columns.push(column);
    }
    if !unknown.is_empty() {
        let known = COLUMNS.each_ref().map(|column| column.name).join(", ");
        return refuse(format!("there is {}; known columns are {known}", unknown.join(" and ")));
    }
    if has(&columns, import::NAME) { Ok(columns) } else { refuse(no_name_column()) }
}

fn has(columns: &Columns, name: &str) -> bool {
    columns.iter().flatten().any(|column| column.name == name)
}

fn no_name_column() -> String {
    format!("the first line must name the columns, including the column {}", import::NAME)
}

/// The filled cells of a record by column.
fn read_row(record: &Record, columns: &Columns, header: u64, errors: &mut RowErrors) -> Row {
    let Record { line, cells, is_unterminated } = record;
    let position = RowPosition::Line(*line);
    let wanted = columns.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    // A short record is an error if the file may be truncated, or if a quotation mark took in later rows.
    let is_broken = *is_unterminated || cells.iter().any(|cell| cell.contains(['\r', '\n']));
    if cells.len() < wanted && is_broken {
        let reason = format!("the row has {} cells, but the first line has {wanted}", cells.len());
        errors.push(RowError::of_row(position, reason));
    }
    let mut row = Row::new();
    for (index, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
        match columns.get(index).copied().flatten() {
            // Only a tooltip may have several lines. Elsewhere, a quotation mark has probably taken in the next row.
            Some(column) if column.name != "tooltip" && cell.contains(['\r', '\n']) => {
                let reason = "has a line break; remove it, or close the quotation mark at the start of the cell";
                errors.push(RowError::new(position, Some(column.name), Some(cell.clone()), reason));
            }
            Some(column) => drop(row.insert(column.name, cell.clone())),
            None => {
                let reason =
                    format!("is in a column without a name; empty the cell, or name the column in line {header}");
                errors.push(RowError::new(
                    position,
                    Some(format!("column {}", letters(index))),
                    Some(cell.clone()),
                    reason,
                ));
            }
        }
    }
    row
}

/// The letters of a column in a spreadsheet: A to Z, then AA and so on.
fn letters(index: usize) -> String {
    let last = char::from(b'A' + (index % 26) as u8);
    if index < 26 { last.to_string() } else { letters(index / 26 - 1) + &last.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::import::row_errors::report;

    /// The rows as `line column=cell …`, and the errors.
    fn read_as_text(text: &str) -> (Vec<String>, String) {
        let (rows, errors) = read(text);
        let row = |(position, row): (RowPosition, Row)| {
            let cells = row.iter().map(|(column, cell)| format!(" {column}={cell}"));
            format!("{position}{}", cells.collect::<String>())
        };
        (rows.into_iter().map(row).collect(), report("f", errors))
    }

    #[test]
    fn files_of_spreadsheets_are_read() {
        let eva = &[":2 name=eva role=Employee"][..];
        for (text, expected) in [
            ("name,role\neva,Employee\n", eva),
            ("name;role\r\neva;Employee\r\n", eva),
            ("name\trole\reva\tEmployee\r", eva),
            ("Name;\"Role\";\neva;Employee;\n", eva),
            ("name,role\neva,Employee", eva),
            ("name,,role,\neva,,Employee,,,\n", eva),
            ("name,role\n\u{a0}eva , Employee\n , \n,,,\n", eva),
            ("name;role\neva;Employee\n;\n\n;;\n", eva),
            ("sep=;\r\nname;role\r\neva;Employee\r\n", &[":3 name=eva role=Employee"]),
            ("SEP=\t\nname\trole\neva\tEmployee\n", &[":3 name=eva role=Employee"]),
            ("\"sep=|\"\nname|role\neva|Employee\n", &[":3 name=eva role=Employee"]),
            ("\n;;\nname;role\n\neva;Employee\n", &[":5 name=eva role=Employee"]),
            ("name,role,title\neva,Employee\nole\n", &[":2 name=eva role=Employee", ":3 name=ole"]),
            (
                "name,tooltip\neva,\"a\nb\"\nole,\"\"\"x\"\"\"\n",
                &[":2 name=eva tooltip=a\nb", ":4 name=ole tooltip=\"x\""],
            ),
        ] {
            assert_eq!(
                read_as_text(text),
                (expected.iter().map(|row| (*row).to_owned()).collect(), String::new()),
                "{text}"
            );
        }
    }

    #[test]
    fn an_error_has_its_line_and_column() {
        for (text, expected) in [
            ("name,,\neva,x,\nole,,y\n", "f:2: column B: `x` is in a column without a name"),
            (
                "name\neva,,,x\n",
                "f:2: column D: `x` is in a column without a name; empty the cell, or name the column in line 1\n",
            ),
            ("sep=ab\nname\n", "f:1: `sep=ab` names no separator"),
            ("sep=\nname\n", "f:1: `sep=` names no separator"),
            ("\n\nname,salary,city\n", "f:3: there is no column `salary` and no column `city`; known columns are name"),
            ("name,Name\n", "f:1: there are two columns name"),
            ("title\n", "f:1: the first line must name the columns, including the column name"),
            ("", "f:1: the first line must name the columns"),
            ("sep=;\n;;\n", "f:1: the first line must name the columns"),
            (
                "name,title\neva,\"Head\nole,\n",
                "f:2: column B: the quotation mark at the start of the cell is never closed",
            ),
            ("name,title,role\neva,\"a\nole,\"b,\n", "f:2: title: `a\\nole,b` has a line break; remove it"),
            ("name,tooltip,role\neva,\"a\nole,\"b\n", "f:2: the row has 2 cells, but the first line has 3"),
            ("name,title,role\neva,a,b\nole,He", "f:3: the row has 2 cells, but the first line has 3"),
        ] {
            let (_, errors) = read_as_text(text);
            assert!(errors.starts_with(expected), "{text}: {errors}");
        }
    }

    #[test]
    fn a_column_has_the_letters_of_a_spreadsheet() {
        for (index, expected) in [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(letters(index), expected);
        }
    }
}
