//! Input that nobody wrote on purpose: it is refused or read, but nothing falls over.

use coc_catalog::read_directories;
use proptest::prelude::*;

use crate::directory::{THREE_PLACES, directory};

/// Every table with all its columns.
const TABLES: [(&str, &str); 7] = [
    (
        "offers.csv",
        "cloud,region,zones,instance_type,vcpus,memory_gib,accelerator,accelerator_count,\
         price_usd_hour,price_usd_month,free_tier,x",
    ),
    ("regions.csv", "cloud,region,name,country,eu_member,gdpr_eea,lat,lon,carbon_g_per_kwh"),
    ("zones.csv", "cloud,region,zone"),
    (
        "egress.csv",
        "from_cloud,from_region,scope,to_cloud,to_region,tier_from_gb,tier_to_gb,usd_per_gb,note",
    ),
    ("latency.csv", "from_cloud,from_region,to_cloud,to_region,rtt_ms,kind"),
    ("storage.csv", "cloud,region,kind,sku,unit,usd"),
    ("services.csv", "cloud,region,service,product,usd_per_unit,rounding_error"),
];

/// Cells that tables might have, and some that they should not.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(
            &[
                "a", "b", "north", "south", "*", "=", "internet", "inter_zone", "inter_region", "GiB",
                "0", "1", "10", "0.5", "-1", "1e300", "170000000000000000000", "99999999999999999999999",
                "1e-18", "true", "measured", "null", "",
            ][..],
        )
        .prop_map(str::to_owned),
        1 => "[ -~\\n\"é]{0,6}".prop_map(|text| text.replace(',', "")),
    ]
}

/// A table with rows of as many cells as its header.
fn table() -> impl Strategy<Value = (&'static str, String)> {
    proptest::sample::select(&TABLES[..]).prop_flat_map(|(name, header)| {
        let width = header.split(',').count();
        let row = proptest::collection::vec(cell(), width).prop_map(|cells| cells.join(","));
        proptest::collection::vec(row, 0..8)
            .prop_map(move |rows| (name, format!("{header}\n{}\n", rows.join("\n"))))
    })
}

/// Reads files, and checks that what is told has a place in one of them.
fn survives(files: &[(&str, &[u8])]) {
    let folder = directory(files);
    let path = folder.path().to_path_buf();
    let mistakes: Vec<_> = match read_directories(&[path]) {
        Ok(catalog) => catalog.notices,
        Err(mistakes) => mistakes.into_iter().collect(),
    };
    for mistake in mistakes {
        let at = mistake.at.as_ref().unwrap();
        let text = std::fs::read(&*at.file).unwrap();
        let lines = text.iter().filter(|&&byte| byte == b'\n').count() + 1;
        assert!(at.line as usize <= lines && at.line > 0 && at.column > 0, "{mistake}");
    }
}

proptest! {
    #[test]
    fn any_bytes_as_a_table(
        bytes: Vec<u8>, table in proptest::sample::select(&TABLES[..]), packed: bool,
    ) {
        let name = format!("{}{}", table.0, if packed { ".zst" } else { "" });
        let mut files = vec![(&*name, &*bytes)];
        if table.0 != THREE_PLACES.0 {
            files.push((THREE_PLACES.0, THREE_PLACES.1.as_bytes()));
        }
        survives(&files);
    }

    #[test]
    fn any_bytes_below_a_good_header(
        bytes: Vec<u8>, table in proptest::sample::select(&TABLES[..]),
    ) {
        let text = [table.1.as_bytes(), b"\n", &bytes].concat();
        let mut files = vec![(table.0, &*text)];
        if table.0 != THREE_PLACES.0 {
            files.push((THREE_PLACES.0, THREE_PLACES.1.as_bytes()));
        }
        survives(&files);
    }

    #[test]
    fn any_cells(tables in proptest::collection::vec(table(), 1..4)) {
        let mut files: std::collections::BTreeMap<&str, &[u8]> =
            [(THREE_PLACES.0, THREE_PLACES.1.as_bytes())].into();
        files.extend(tables.iter().map(|(name, text)| (*name, text.as_bytes())));
        survives(&files.into_iter().collect::<Vec<_>>());
    }
}
