//! What SQLite's errors mean for a vault.

use std::path::Path;

use coc_vault::store::StoreError;
use rusqlite::{Error, ErrorCode, ffi};

/// The path as it is shown.
pub(crate) fn place(path: &Path) -> String {
    path.display().to_string()
}

/// It can't be used just now.
pub(crate) fn unavailable(path: &Path, says: impl Into<String>) -> StoreError {
    StoreError::Unavailable { place: place(path), says: says.into() }
}

/// It is something else than a vault.
pub(crate) fn foreign(path: &Path, says: impl Into<String>) -> StoreError {
    StoreError::Foreign { place: place(path), says: says.into() }
}

/// It is a vault, and a part of it is wrong.
pub(crate) fn damaged(path: &Path, at: impl Into<String>, says: impl Into<String>) -> StoreError {
    StoreError::Damaged { place: place(path), at: at.into(), says: says.into() }
}

/// What an error of SQLite means.
pub(crate) fn of_sqlite(path: &Path, error: &Error) -> StoreError {
    let code = error.sqlite_error_code();
    let extended = error.sqlite_error().map_or(0, |e| e.extended_code);
    match code {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            unavailable(path, "another process has been writing to it for too long; try again")
        }
        Some(ErrorCode::DiskFull) => unavailable(path, "no space is left on its disk"),
        Some(ErrorCode::CannotOpen) => {
            unavailable(path, format!("it can't be opened: {error}; check its folder's rights"))
        }
        Some(ErrorCode::NotADatabase) => foreign(path, "it is not an SQLite database"),
        Some(ErrorCode::DatabaseCorrupt) => damaged(path, "the database", error.to_string()),
        _ if extended == ffi::SQLITE_IOERR_SHORT_READ => {
            damaged(path, "the database", "it is shorter than it says")
        }
        Some(ErrorCode::ReadOnly) => StoreError::ReadOnly {
            place: place(path),
            why: "the file or its folder is write-protected".to_owned(),
        },
        // The schema is fixed, so a table or a value of another kind was put there by damage.
        None
        | Some(ErrorCode::Unknown | ErrorCode::TypeMismatch | ErrorCode::ConstraintViolation) => {
            damaged(path, "the database", error.to_string())
        }
        Some(_) => unavailable(path, error.to_string()),
    }
}
