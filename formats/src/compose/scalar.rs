//! What Compose's own loader makes of a scalar where a text is wanted: an unquoted number is taken
//! as a number first and written out again, so `0755` arrives as `493` and `1.10` as `1.1`.

use crate::tree::Scalar;

/// The text that Compose passes on for a scalar; `None` for nothing at all.
pub(super) fn passed_on(scalar: &Scalar) -> Option<String> {
    if !scalar.plain {
        return Some(scalar.text.to_string());
    }
    let text = match &*scalar.text {
        "" | "~" | "null" | "Null" | "NULL" => return None,
        "True" | "TRUE" => "true".to_owned(),
        "False" | "FALSE" => "false".to_owned(),
        text => number(text).unwrap_or_else(|| text.to_owned()),
    };
    Some(text)
}

/// What a person should know if the text passed on is not the one written.
pub(super) fn surprise(scalar: &Scalar) -> Option<String> {
    let written = &*scalar.text;
    let passed = passed_on(scalar).filter(|passed| passed != written)?;
    let digits = written.trim_start_matches(['-', '+']);
    let octal = digits.starts_with('0') && digits.bytes().all(|b| (b'0'..=b'7').contains(&b));
    let kind = match &*passed {
        "true" | "false" => "true or false",
        _ if octal => "an octal number",
        _ => "a number",
    };
    Some(format!(
        "Compose takes the unquoted {written} for {kind} and passes \"{passed}\" on, as is done \
         here; quote it to pass \"{written}\""
    ))
}

/// The number that a plain scalar is for the loader, written out by it; `None` for texts.
fn number(text: &str) -> Option<String> {
    let first = text.chars().next()?;
    if !(first.is_ascii_digit() || matches!(first, '-' | '+' | '.')) {
        return None;
    }
    let digits: String = text.chars().filter(|&c| c != '_').collect();
    whole(&digits).map(|n| n.to_string()).or_else(|| {
        let mantissa = digits.trim_start_matches(['-', '+']);
        let float = mantissa.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b))
            && mantissa.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        // A double is what the loader keeps such a number in, so only a double gives its text.
        digits.parse::<f64>().ok().filter(|_| float).map(written_float)
    })
}

/// Whole numbers of up to 64 bits: decimal, `0x`, `0b`, `0o`, and octal by a leading zero.
fn whole(digits: &str) -> Option<i128> {
    let (negative, magnitude) = match digits.as_bytes().first()? {
        b'-' => (true, &digits[1..]),
        b'+' => (false, &digits[1..]),
        _ => (false, digits),
    };
    let lower = magnitude.to_ascii_lowercase();
    let (radix, body) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &*lower),
    };
    if !body.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let value = i128::from_str_radix(body, radix).ok()?;
    let value = if negative { -value } else { value };
    (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value).then_some(value)
}

/// A double in its shortest digits, with an exponent from 10⁶ on and below 10⁻⁴.
fn written_float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(e) if (-4..6).contains(&e) => format!("{value}"),
        Ok(e) => format!("{mantissa}e{}{:02}", if e < 0 { '-' } else { '+' }, e.unsigned_abs()),
        Err(_) => scientific,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(text: &str) -> Scalar {
        Scalar { text: text.into(), plain: true, verbatim: true }
    }

    #[test]
    fn numbers_are_passed_on_as_the_loader_writes_them() {
        for (written, passed) in [
            ("0755", "493"),
            ("-0755", "-493"),
            ("0o755", "493"),
            ("0x1F", "31"),
            ("0b101", "5"),
            ("1_000", "1000"),
            ("+5", "5"),
            ("08", "8"),
            ("1.10", "1.1"),
            ("1.0", "1"),
            ("1e3", "1000"),
            ("1000000.0", "1e+06"),
            ("0.00001", "1e-05"),
            ("20240101.5", "2.02401015e+07"),
            ("99999999999999999999", "1e+20"),
            ("18446744073709551615", "18446744073709551615"),
            ("TRUE", "true"),
            ("False", "false"),
        ] {
            assert_eq!(passed_on(&plain(written)).as_deref(), Some(passed), "{written}");
            let told =
                surprise(&plain(written)).is_some_and(|n| n.contains(&format!("\"{passed}\"")));
            assert_eq!(told, written != passed, "{written}");
        }
    }

    #[test]
    fn texts_are_passed_on_as_written() {
        for text in [
            "YES",
            "on",
            "22:22",
            "1.2.3",
            "5432/tcp",
            "2024-01-01",
            "-",
            "+",
            "-x",
            "0xZZ",
            "0x",
            "1e",
            "true",
            "8080",
            ".",
        ] {
            assert_eq!(passed_on(&plain(text)).as_deref(), Some(text));
            assert_eq!(surprise(&plain(text)), None);
        }
        let quoted = Scalar { text: "0755".into(), plain: false, verbatim: true };
        assert_eq!(passed_on(&quoted).as_deref(), Some("0755"));
        assert_eq!(passed_on(&plain("~")), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[-+._0-9a-fxoE]{0,20}") {
            let _ = (passed_on(&plain(&text)), surprise(&plain(&text)));
        }

        #[test]
        fn decimal_numbers_stay(n in any::<i64>()) {
            prop_assert_eq!(passed_on(&plain(&n.to_string())), Some(n.to_string()));
        }
    }
}
