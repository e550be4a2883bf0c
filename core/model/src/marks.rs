//! Marks and names: how a cloud's resources are known to be ours.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Lower-case base 32 (RFC 4648 alphabet, no padding) of the bytes' bits, the last group filled
/// with zeros.
pub fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut buffer, mut bits) = (0_u32, 0);
    for &byte in bytes {
        buffer = (buffer << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(ALPHABET[(buffer >> bits) as usize & 31]));
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        out.push(char::from(ALPHABET[(buffer << (5 - bits)) as usize & 31]));
    }
    out
}

/// SHA-256 of text, as `sha256:` and 64 hexadecimal digits: how inputs and plans are named
/// exactly.
pub fn digest(text: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text).iter().fold("sha256:".to_owned(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// A mark: 26 characters of base 32, 128 bits. Every cloud accepts it as a label value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mark(String);

/// Why a text is no mark.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("\"{0}\" is not a mark: expected 26 characters of a-z and 2-7")]
pub struct MarkError(pub String);

impl Mark {
    /// The mark of these 128 bits.
    pub fn from_bits(bits: [u8; 16]) -> Self {
        Self(base32(&bits))
    }

    /// The mark that stands for a text: the first 128 bits of its SHA-256.
    pub fn of(text: &str) -> Self {
        let hash = Sha256::digest(text.as_bytes());
        let mut bits = [0; 16];
        bits.copy_from_slice(&hash[..16]);
        Self::from_bits(bits)
    }

    /// The mark of an application.
    pub fn of_application(application: &str) -> Self {
        Self::of(application)
    }

    /// The mark of a resource: of its key in the plans of an application.
    pub fn of_resource(application: &str, id: &str) -> Self {
        Self::of(&format!("{application}/{id}"))
    }

    /// The 26 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Mark {
    type Error = MarkError;
    fn try_from(text: String) -> Result<Self, MarkError> {
        if text.len() == 26 && text.bytes().all(|b| ALPHABET.contains(&b)) {
            Ok(Self(text))
        } else {
            Err(MarkError(text))
        }
    }
}

impl From<Mark> for String {
    fn from(mark: Mark) -> Self {
        mark.0
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The four marks that every resource of ours bears from birth.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Marks {
    /// This installation.
    pub owner: Mark,
    /// The application.
    pub app: Mark,
    /// The resource's key in the plan.
    pub res: Mark,
    /// The journal entry that created it.
    pub op: Mark,
}

impl Marks {
    /// The keys, as written on resources, with their values.
    pub fn pairs(&self) -> [(&'static str, &str); 4] {
        [
            ("coc-owner", self.owner.as_str()),
            ("coc-app", self.app.as_str()),
            ("coc-res", self.res.as_str()),
            ("coc-op", self.op.as_str()),
        ]
    }

    /// The marks found among a resource's labels; `None` unless all four are there and well
    /// formed.
    pub fn find<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let mark = |key: &str| Mark::try_from(get(key)?.to_owned()).ok();
        Some(Self {
            owner: mark("coc-owner")?,
            app: mark("coc-app")?,
            res: mark("coc-res")?,
            op: mark("coc-op")?,
        })
    }
}

/// The name of a resource: a slug of `title` cut to fit, `-`, and ten characters of the hash of
/// the *whole* key, so that cutting never makes two names one. Only `a-z 0-9 -`, a letter first,
/// at most `limit` characters (at least 12).
pub fn resource_name(title: &str, key: &str, limit: usize) -> String {
    let hash = Sha256::digest(key.as_bytes());
    let suffix = &base32(&hash[..7])[..10];
    let mut slug = String::new();
    for c in title.chars() {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || (c.is_ascii_digit() && !slug.is_empty()) {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(limit.saturating_sub(11));
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { format!("r-{suffix}") } else { format!("{slug}-{suffix}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn base32_follows_rfc_4648() {
        for (text, encoded) in
            [("", ""), ("f", "my"), ("fo", "mzxq"), ("foo", "mzxw6"), ("foobar", "mzxw6ytboi")]
        {
            assert_eq!(base32(text.as_bytes()), encoded);
        }
    }

    #[test]
    fn cut_names_stay_different() {
        let long = "payments-and-invoices-for-the-northern-region-with-a-long-name";
        let a = resource_name(long, &format!("{long}/a"), 32);
        let b = resource_name(long, &format!("{long}/b"), 32);
        assert_ne!(a, b);
        assert!(a.len() <= 32 && b.len() <= 32);
    }

    #[test]
    fn marks_are_found_only_whole() {
        let marks = Marks {
            owner: Mark::of("a"),
            app: Mark::of("b"),
            res: Mark::of("c"),
            op: Mark::of("d"),
        };
        let labels: std::collections::BTreeMap<_, _> = marks.pairs().into_iter().collect();
        assert_eq!(Marks::find(|k| labels.get(k).copied()), Some(marks.clone()));
        assert_eq!(Marks::find(|k| labels.get(k).copied().filter(|_| k != "coc-op")), None);
        assert_eq!(Marks::find(|_| Some("not a mark")), None);
    }

    proptest! {
        #[test]
        fn names_are_legal_everywhere(title in ".{0,80}", key in ".{0,80}", limit in 12_usize..70) {
            let name = resource_name(&title, &key, limit);
            prop_assert!(name.len() <= limit);
            prop_assert!(name.starts_with(|c: char| c.is_ascii_lowercase()));
            prop_assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
            prop_assert!(!name.contains("--"));
        }
    }
}
