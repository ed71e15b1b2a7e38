//! Numbers of a configuration as Keras would have written them.

use serde_json::{Number, Value};

/// Writes real numbers that were kept in 32 bits by their shortest decimals: 0.99, not 0.9900000095367432.
///
/// Keras computes with what stands in the file in 64 bits (`1 - momentum`), so the longer form would train on to other
/// weights. Read into 32 bits both forms are the same number.
pub(super) fn shorten(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(members) => members.values_mut().for_each(shorten),
        Value::Number(number) if number.is_f64() => {
            if let Some(short) = number.as_f64().and_then(shortest) {
                *number = short;
            }
        }
        _ => {}
    }
}

/// The number that the shortest decimals of a 32-bit number spell; `None` for one that needs more bits.
fn shortest(number: f64) -> Option<Number> {
    let narrow = number as f32;
    if f64::from(narrow) != number {
        return None;
    }
    Number::from_f64(narrow.to_string().parse().ok()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_of_32_bits_get_their_shortest_decimals_and_others_stay() {
        let mut value = json!({
            "momentum": f64::from(0.99f32),
            "list": [f64::from(1e-3f32), 0.5, -0.0, f64::from(f32::MAX)],
            "wide": [0.99, 1e-7, 1e300],
            "whole": [3, 4.0],
        });
        shorten(&mut value);
        assert_eq!(value["momentum"], json!(0.99));
        assert_eq!(value["list"], json!([0.001, 0.5, -0.0, 3.4028235e38]));
        assert_eq!(value["wide"], json!([0.99, 1e-7, 1e300]));
        assert_eq!(value["whole"], json!([3, 4.0]));
    }
}
