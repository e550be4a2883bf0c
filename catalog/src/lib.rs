//! What clouds sell: catalogs of CSV tables, and the built-in catalog.
//!
//! [`read_directories`] reads tables of `offers`, `regions`, `zones`, `egress`, `latency`,
//! `storage`, `services`, `compliance` and `power`, plain or packed (`.csv`, `.csv.zst`). Columns are found by their
//! names. A column or cell that is missing is unknown, never zero. What can't be used is left out
//! and told in [`Catalog::notices`], each at its file, line and column.
//!
//! What the tables mean beyond their words:
//!
//! * A price of zero is no price, unless its row says `free_tier=true`. `price_usd_month` comes
//!   before `price_usd_hour`; a `price_estimate_usd_hour` is shown, and never planned on.
//! * Amounts of what a machine has are rounded down to the model's units, latencies up.
//! * `*` as a region is every region of the cloud, `=` the same region; what is said of a region
//!   comes before what is said of all.
//! * The rows of `egress` with the same ends and scope are the tiers of one meter. A gigabyte is 10⁹
//!   bytes unless the note says GiB. "Each direction" in the note doubles the price. The scopes
//!   `internet`, `inter_region`, `inter_region_default`, `inter_zone` and none are read; others,
//!   such as traffic to people of one country, are left out with a notice.
//! * A row of `compliance` says that a provider is certified for a framework in a region. What no row
//!   says is not certified.
//! * `power` says what a vCPU draws, idle and at full load, by the processor under it. The processor of
//!   an offer is known where the table of offers has a column `processor`.
//! * Columns of `offers` that are not known here are open attributes of that name.
//! * Of several directories the last one that has a row's key has the say. Rows of one key in the
//!   same table are one mistake too many, but for tiers and for prices of services and storage.
//!
//! [`builtin`] opens the catalog that is part of the program: the same tables, packed by [`encode`].
//!
//! [`Catalog::notices`]: coc_model::catalog::Catalog::notices

mod area;
mod bills;
mod compliance;
mod egress;
mod ends;
mod figure;
mod intern;
mod latency;
mod layers;
mod offers;
mod packed;
mod power;
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
