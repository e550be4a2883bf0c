//! What clouds sell: catalogs of CSV tables, and the built-in catalog.
//!
//! [`read_directories`] reads tables of `offers`, `regions`, `zones`, `egress`, `latency`,
//! `storage` and `services`, plain or packed (`.csv`, `.csv.zst`). Columns are found by their
//! names. A column or cell that is missing is unknown, never zero. What can't be used is left out
//! and told in [`Catalog::notices`], each at its file, line and column.
//!
//! [`builtin`] opens the catalog that is part of the program: the same tables, packed by [`encode`].
//!
//! [`Catalog::notices`]: coc_model::catalog::Catalog::notices

mod area;
mod bills;
mod egress;
mod ends;
mod figure;
mod intern;
mod latency;
mod layers;
mod offers;
mod packed;
mod read;
mod reading;
mod regions;
mod table;

use coc_model::catalog::Catalog;

pub use packed::{CatalogError, decode, digest, encode};
pub use read::{read_directories, read_sellers};

/// The packed built-in catalog; `cargo xtask catalog` writes it.
static BUILTIN: &[u8] = include_bytes!("../data/builtin.zst");

/// Opens the built-in catalog.
///
/// # Errors
/// The program's own data are damaged.
pub fn builtin() -> Result<Catalog, CatalogError> {
    decode(BUILTIN)
}
