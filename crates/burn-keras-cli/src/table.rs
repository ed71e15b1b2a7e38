//! `.csv`: numbers in rows and columns.

use std::io::Read;

use burn_keras::training::data::{IntoData, Values};
use csv::StringRecord;
use ndarray::Array2;

/// Numbers in rows and columns, real ones or whole ones if all of them are whole.
///
/// A first row is left out if it consists of names: of cells none of which is a number.
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn read(source: impl Read) -> Result<Values<'static>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(source);
    let (mut rows, mut width) = (0, 0);
    let mut values: Vec<f64> = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|e| format!("cannot be read: {e}"))?;
        if row == 0 && names(&record) {
            log::info!(target: "burn_keras", "the first row of the .csv is taken for names");
            continue;
        }
        if row == 0
            && record.len() > 1
            && record
                .iter()
                .enumerate()
                .all(|(i, cell)| cell == i.to_string())
        {
            log::warn!(
                target: "burn_keras",
                "the first row of the .csv is 0, 1, 2, …: it is read as numbers; if these are the names of columns \
                 (of pandas' `to_csv`), leave them out (`header=False`)"
            );
        }
        for cell in &record {
            values.push(cell.parse().map_err(|_| no_number(cell, row))?);
        }
        (rows, width) = (rows + 1, record.len());
    }
    shaped(values, rows, width)
}

/// Whether none of the cells is a number; a cell that is empty is no name.
fn names(record: &StringRecord) -> bool {
    record
        .iter()
        .all(|cell| !cell.is_empty() && cell.parse::<f64>().is_err())
}

fn no_number(cell: &str, row: usize) -> String {
    let names = match row {
        0 => "; a first row of names is left out, but other cells of this one are numbers or empty",
        _ => "",
    };
    format!(
        "has \"{cell}\" in row {}, which is no number{names}",
        row + 1
    )
}

fn shaped(values: Vec<f64>, rows: usize, width: usize) -> Result<Values<'static>, String> {
    let whole = values
        .iter()
        .all(|v| v.fract() == 0.0 && v.abs() < f64::from(i32::MAX));
    let failed = |e: ndarray::ShapeError| e.to_string();
    let data = if whole {
        let whole = values.iter().map(|v| *v as i32).collect();
        Array2::from_shape_vec((rows, width), whole)
            .map_err(failed)?
            .into_data()
    } else {
        let real = values.iter().map(|v| *v as f32).collect();
        Array2::<f32>::from_shape_vec((rows, width), real)
            .map_err(failed)?
            .into_data()
    };
    let mut data = data.map_err(|e| e.to_string())?;
    data.pop().ok_or_else(|| "holds no numbers".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Result<Vec<usize>, String> {
        read(text.as_bytes()).map(|values| values.shape().to_vec())
    }

    #[test]
    fn a_first_row_is_names_only_if_no_cell_of_it_is_a_number() {
        assert_eq!(shape("a,b\n1,2\n3,4\n"), Ok(vec![2, 2]));
        assert_eq!(shape("1,2\n3,4\n"), Ok(vec![2, 2]));
        for (text, cell) in [
            ("1,x\n3,4\n", "\"x\""),
            ("1,\n3,4\n", "\"\""),
            (",b\n3,4\n", "\"\""),
        ] {
            let problem = shape(text).unwrap_err();
            assert!(
                problem.contains(cell) && problem.contains("row 1"),
                "{problem}"
            );
        }
        assert!(shape("a,b\n1,x\n").unwrap_err().contains("row 2"));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_number() {
        assert_eq!(shape("\u{feff}1,2\n3,4\n"), Ok(vec![2, 2]));
    }

    #[test]
    fn rows_of_different_lengths_are_refused() {
        assert!(shape("1,2\n3\n").is_err());
        assert_eq!(shape(""), Ok(vec![0, 0]));
    }
}
