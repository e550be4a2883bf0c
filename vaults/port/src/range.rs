//! Ranges of keys.

use std::ops::Bound;

use coc_model::object::{Key, KeyError, Kind};

/// A range of keys, in the bytewise order of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRange {
    /// Every object.
    All,
    /// One object.
    One(Key),
    /// Every object whose key begins with this text, which ends in `/`.
    Under(Prefix),
}

/// The beginning of keys, up to and with a `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

impl KeyRange {
    /// All objects of a kind.
    pub fn kind(kind: Kind) -> Self {
        Self::Under(Prefix(format!("{}/", kind.name())))
    }

    /// All objects of a kind below a name: `Resource/shop/...`, not `Resource/shop` itself.
    ///
    /// # Errors
    /// What [`Key::new`] refuses.
    pub fn under(kind: Kind, path: &[&str]) -> Result<Self, KeyError> {
        Ok(Self::Under(Prefix(format!("{}/", Key::new(kind, path)?))))
    }

    /// True if the key lies in the range.
    pub fn contains(&self, key: &Key) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => one == key,
            Self::Under(Prefix(prefix)) => key.as_str().starts_with(prefix),
        }
    }

    /// The range as bounds for an ordered map keyed by text.
    pub(crate) fn bounds(&self) -> (Bound<String>, Bound<String>) {
        match self {
            Self::All => (Bound::Unbounded, Bound::Unbounded),
            Self::One(key) => {
                let text = key.as_str().to_owned();
                (Bound::Included(text.clone()), Bound::Included(text))
            }
            // '0' is the character after '/', so this is just past every key that begins so.
            Self::Under(Prefix(prefix)) => {
                let end = format!("{}0", prefix.trim_end_matches('/'));
                (Bound::Included(prefix.clone()), Bound::Excluded(end))
            }
        }
    }
}

impl std::fmt::Display for KeyRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("all objects"),
            Self::One(key) => key.fmt(f),
            Self::Under(Prefix(prefix)) => write!(f, "{prefix}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::ops::RangeBounds;

    fn key(text: &str) -> Key {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_holds_what_is_below_it_and_nothing_beside() {
        let shop = KeyRange::under(Kind::Resource, &["shop"]).unwrap();
        for (text, inside) in [
            ("Resource/shop/web", true),
            ("Resource/shop/web/1", true),
            ("Resource/shop", false),
            ("Resource/shop2/web", false),
            ("Resource/shop-a/web", false),
            ("Operation/shop/web", false),
        ] {
            assert_eq!(shop.contains(&key(text)), inside, "{text}");
        }
        assert!(KeyRange::kind(Kind::Resource).contains(&key("Resource/shop2/web")));
        assert!(!KeyRange::One(key("Plan/a")).contains(&key("Plan/a/b")));
    }

    proptest! {
        #[test]
        fn bounds_and_membership_agree(
            path in "[a-c/.-]{1,6}", under in "[a-c]{1,2}", kind in prop::sample::select(&Kind::ALL[..])
        ) {
            let Ok(asked) = format!("{kind}/{path}").parse::<Key>() else { return Ok(()) };
            for range in [
                KeyRange::All,
                KeyRange::kind(Kind::Plan),
                KeyRange::under(Kind::Plan, &[&under]).unwrap(),
                KeyRange::One(key("Plan/a")),
            ] {
                prop_assert_eq!(
                    range.bounds().contains(&asked.as_str().to_owned()),
                    range.contains(&asked),
                    "{} in {}", asked, range
                );
            }
        }
    }
}
