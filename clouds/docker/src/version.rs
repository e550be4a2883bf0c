//! Versions of the Engine's API.

use std::fmt;
use std::str::FromStr;

/// The newest version whose changes this driver knows; a newer engine is spoken to in this one.
pub(crate) const NEWEST: ApiVersion = ApiVersion { major: 1, minor: 56 };

/// The oldest version that has all the calls this driver makes (`NanoCpus` in updates).
pub(crate) const OLDEST: ApiVersion = ApiVersion { major: 1, minor: 28 };

/// A version of the API (`1.41`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ApiVersion {
    major: u16,
    minor: u16,
}

impl ApiVersion {
    /// A version of the first generation, the only one there is.
    pub(crate) const fn one(minor: u16) -> Self {
        Self { major: 1, minor }
    }

    /// The version to speak with an engine that understands those from `least` to `most`.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn negotiate(least: Self, most: Self) -> Result<Self, String> {
        let chosen = most.min(NEWEST);
        if chosen < least {
            Err(format!("it understands API {least} and newer, this program {NEWEST} and older"))
        } else if chosen < OLDEST {
            Err(format!("it understands API {most} and older, this program {OLDEST} and newer"))
        } else {
            Ok(chosen)
        }
    }
}

impl FromStr for ApiVersion {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (major, minor) = text.split_once('.').ok_or(())?;
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            if plain { digits.parse().map_err(|_| ()) } else { Err(()) }
        };
        Ok(Self { major: number(major)?, minor: number(minor)? })
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> ApiVersion {
        text.parse().unwrap()
    }

    #[test]
    fn versions_are_ordered_as_numbers() {
        assert!(version("1.9") < version("1.41") && version("1.41") < version("2.0"));
        assert_eq!(version("1.41").to_string(), "1.41");
        for wrong in ["", "1", "1.", ".1", "1.+4", "1.41.1", "v1.41", "1.99999", "1.４"] {
            assert_eq!(wrong.parse::<ApiVersion>(), Err(()), "{wrong}");
        }
    }

    #[test]
    fn the_newest_that_both_understand_is_spoken() {
        for (least, most, chosen) in [
            ("1.12", "1.41", Ok("1.41")),
            ("1.44", "1.99", Ok("1.56")),
            ("1.60", "1.99", Err("API 1.60 and newer")),
            ("1.10", "1.20", Err("API 1.20 and older")),
        ] {
            let got = ApiVersion::negotiate(version(least), version(most));
            match chosen {
                Ok(chosen) => assert_eq!(got.map(|v| v.to_string()), Ok(chosen.to_owned())),
                Err(says) => assert!(got.is_err_and(|e| e.contains(says)), "{least} to {most}"),
            }
        }
    }
}
