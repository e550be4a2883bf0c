//! Entries: how commits lie in a backend. Sealing takes its place here and nowhere else.
//!
//! An entry is a header of [`HEADER`] bytes and a body. Numbers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | `COCE` |
//! | 4..6 | format, 1 |
//! | 6..8 | reserved, 0 |
//! | 8..12 | epoch of the key the body is sealed under; 0: not sealed |
//! | 12..28 | the vault's id |
//! | 28..36 | first revision |
//! | 36..40 | number of commits: one revision each |
//! | 40..44 | length of the body as plain text |
//! | 44..76 | chain value: SHA-256 of the chain value before, the first revision and the plain text |
//! | 76..108 | check: SHA-256 of bytes 0..76 and of the body as it lies there |
//!
//! The body is the zstd frame of the commits as canonical JSON. The check finds any changed byte;
//! the chain finds entries that were left out, swapped, or come from another vault.

use coc_model::canonical;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::commit::{Actor, Change, CommitId};
use crate::record::Rev;
use crate::store::Span;

/// Bytes of the header.
pub const HEADER: usize = 108;

const MAGIC: &[u8; 4] = b"COCE";
const FORMAT: u16 = 1;
const NOT_SEALED: u32 = 0;
/// Level 3 is zstd's own default: entries are written once and read at every opening.
const LEVEL: i32 = 3;

/// Most commits in one entry.
pub const COMMITS_MAX: usize = 512;

/// Most bytes of plain text in one entry: what a group of commits is closed at, plus the largest
/// commit, with room for quoting.
pub const PLAIN_MAX: usize = 64 << 20;

/// The id of a vault.
pub type VaultId = [u8; 16];

/// The value that chains an entry to all before it.
pub type Chain = [u8; 32];

/// What chain the first entry of a vault continues.
pub const CHAIN_START: Chain = [0; 32];

/// A commit as it is logged: what it required was judged and is not kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logged {
    /// Its id.
    pub id: CommitId,
    /// Who.
    pub author: Actor,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// When, not before the commit before it.
    pub when: Timestamp,
    /// What it changed.
    pub change: Vec<Change>,
}

/// Where an entry stands: in which vault, at which revision, after which chain value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The vault.
    pub vault: VaultId,
    /// The entry's first revision.
    pub first: Rev,
    /// The chain value of the entry before.
    pub chain: Chain,
}

/// Why bytes are not the entry that is due at a place.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EntryError {
    /// Shorter than a header.
    #[error("{0} bytes are too few for an entry")]
    Short(usize),
    /// It does not begin as entries do.
    #[error("it does not begin as an entry does")]
    NoEntry,
    /// A later format.
    #[error("it has format {0}, this program reads format 1: use a newer one")]
    Format(u16),
    /// A sealed entry.
    #[error("it is sealed under key epoch {0}, which this program can't open")]
    Sealed(u32),
    /// The check says that bytes changed.
    #[error("its bytes have changed since they were written")]
    Changed,
    /// It belongs elsewhere.
    #[error("it belongs to {0}")]
    Elsewhere(&'static str),
    /// The content does not read.
    #[error("its content does not read: {0}")]
    Content(String),
    /// More than an entry may hold.
    #[error("{what} is {size}, the limit is {limit}")]
    TooLarge {
        /// What.
        what: &'static str,
        /// How much.
        size: usize,
        /// The limit.
        limit: usize,
    },
}

/// The bytes of an entry at a place.
///
/// # Errors
/// More than [`COMMITS_MAX`] commits or [`PLAIN_MAX`] bytes.
pub fn encode(place: &Place, commits: &[Logged]) -> Result<Vec<u8>, EntryError> {
    let content = |e: &dyn std::fmt::Display| EntryError::Content(e.to_string());
    let plain = canonical::text(&serde_json::to_value(commits).map_err(|e| content(&e))?);
    let count = limited("the number of commits", commits.len(), COMMITS_MAX)?;
    let length = limited("the size of the entry in bytes", plain.len(), PLAIN_MAX)?;
    let body = zstd::bulk::compress(plain.as_bytes(), LEVEL).map_err(|e| content(&e))?;

    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(&NOT_SEALED.to_le_bytes());
    bytes.extend_from_slice(&place.vault);
    bytes.extend_from_slice(&place.first.0.to_le_bytes());
    bytes.extend_from_slice(&count.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&chain_after(place, plain.as_bytes()));
    let check = check_of(&bytes, &body);
    bytes.extend_from_slice(&check);
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// The commits of the entry at a place, and the chain value after it.
///
/// # Errors
/// The bytes are not an entry, were changed, or belong to another place.
pub fn decode(place: &Place, bytes: &[u8]) -> Result<(Vec<Logged>, Chain), EntryError> {
    let (header, body) = bytes.split_at_checked(HEADER).ok_or(EntryError::Short(bytes.len()))?;
    let mut rest = header;
    if &take::<4>(&mut rest) != MAGIC {
        return Err(EntryError::NoEntry);
    }
    let format = u16::from_le_bytes(take(&mut rest));
    if format != FORMAT {
        return Err(EntryError::Format(format));
    }
    if header[76..] != check_of(&header[..76], body) {
        return Err(EntryError::Changed);
    }
    let _reserved: [u8; 2] = take(&mut rest);
    let epoch = u32::from_le_bytes(take(&mut rest));
    if epoch != NOT_SEALED {
        return Err(EntryError::Sealed(epoch));
    }
    if take::<16>(&mut rest) != place.vault {
        return Err(EntryError::Elsewhere("another vault"));
    }
    if u64::from_le_bytes(take(&mut rest)) != place.first.0 {
        return Err(EntryError::Elsewhere("another revision"));
    }
    let count = u32::from_le_bytes(take(&mut rest)) as usize;
    let length = u32::from_le_bytes(take(&mut rest)) as usize;
    let chain: Chain = take(&mut rest);
    limited("the size of the entry in bytes", length, PLAIN_MAX)?;

    let content = |e: &dyn std::fmt::Display| EntryError::Content(e.to_string());
    let plain = zstd::bulk::decompress(body, length).map_err(|e| content(&e))?;
    if chain_after(place, &plain) != chain {
        return Err(EntryError::Elsewhere("another history: an entry before it is missing"));
    }
    let commits: Vec<Logged> = serde_json::from_slice(&plain).map_err(|e| content(&e))?;
    if commits.len() != count || count == 0 {
        return Err(content(&format!("{} commits, the header says {count}", commits.len())));
    }
    Ok((commits, chain))
}

/// The revisions of an entry of so many commits, at least one.
pub(crate) const fn span(first: Rev, commits: usize) -> Span {
    Span { first, last: Rev(first.0 + (commits as u64).saturating_sub(1)) }
}

fn chain_after(place: &Place, plain: &[u8]) -> Chain {
    let mut hash = Sha256::new();
    hash.update(place.chain);
    hash.update(place.first.0.to_le_bytes());
    hash.update(plain);
    hash.finalize().into()
}

fn check_of(header: &[u8], body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(header);
    hash.update(body);
    hash.finalize().into()
}

fn limited(what: &'static str, size: usize, limit: usize) -> Result<u32, EntryError> {
    u32::try_from(size).ok().filter(|_| size <= limit).ok_or(EntryError::TooLarge {
        what,
        size,
        limit,
    })
}

/// The next `N` bytes; the header is known to hold them.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let mut out = [0; N];
    let (head, tail) = rest.split_at(N.min(rest.len()));
    out[..head.len()].copy_from_slice(head);
    *rest = tail;
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use coc_model::object::Object;
    use proptest::prelude::*;
    use serde_json::json;

    fn place() -> Place {
        Place { vault: [7; 16], first: Rev(5), chain: [1; 32] }
    }

    fn commits(bodies: &[i64]) -> Vec<Logged> {
        bodies
            .iter()
            .map(|&n| Logged {
                id: CommitId::of(&n.to_string()),
                author: Actor("ann".to_owned()),
                why: "a test".to_owned(),
                when: Timestamp::from_second(n.rem_euclid(1_000_000)).unwrap(),
                change: vec![Change::Put(Object {
                    key: "Plan/a".parse().unwrap(),
                    labels: [("team".to_owned(), "blue".to_owned())].into(),
                    schema: 1,
                    body: json!({"n": n, "a": [1.5, null]}),
                })],
            })
            .collect()
    }

    #[test]
    fn an_entry_reads_back_only_at_its_place() {
        let bytes = encode(&place(), &commits(&[1, 2])).unwrap();
        let (read, chain) = decode(&place(), &bytes).unwrap();
        assert_eq!(read, commits(&[1, 2]));
        assert_ne!(chain, place().chain);
        let elsewhere = [
            (Place { vault: [8; 16], ..place() }, "another vault"),
            (Place { first: Rev(6), ..place() }, "another revision"),
            (Place { chain: [2; 32], ..place() }, "another history: an entry before it is missing"),
        ];
        for (other, says) in elsewhere {
            assert_eq!(decode(&other, &bytes), Err(EntryError::Elsewhere(says)));
        }
    }

    #[test]
    fn every_changed_byte_is_found() {
        let bytes = encode(&place(), &commits(&[1, 2, 3])).unwrap();
        for at in 0..bytes.len() {
            for flip in [1, 0x80] {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                assert!(decode(&place(), &changed).is_err(), "byte {at}");
            }
        }
        for cut in 0..bytes.len() {
            assert!(decode(&place(), &bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn other_formats_and_sealed_entries_are_named() {
        let mut newer = encode(&place(), &commits(&[1])).unwrap();
        newer[4] = 2;
        assert_eq!(decode(&place(), &newer), Err(EntryError::Format(2)));
        let mut sealed = encode(&place(), &commits(&[1])).unwrap();
        sealed[8] = 3;
        let check = check_of(&sealed[..76], &sealed[HEADER..]);
        sealed[76..HEADER].copy_from_slice(&check);
        assert_eq!(decode(&place(), &sealed), Err(EntryError::Sealed(3)));
    }

    #[test]
    fn a_body_that_claims_to_be_huge_is_refused_before_it_is_unpacked() {
        let mut bytes = encode(&place(), &commits(&[1])).unwrap();
        bytes[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
        let check = check_of(&bytes[..76], &bytes[HEADER..]);
        bytes[76..HEADER].copy_from_slice(&check);
        assert!(matches!(decode(&place(), &bytes), Err(EntryError::TooLarge { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(decode(&place(), &bytes).is_err());
        }

        #[test]
        fn commits_read_back(bodies in prop::collection::vec(any::<i64>(), 1..20)) {
            let bytes = encode(&place(), &commits(&bodies)).unwrap();
            prop_assert_eq!(decode(&place(), &bytes).unwrap().0, commits(&bodies));
        }
    }
}
