//! Catalog directories that live as long as a test needs them.

use std::path::{Path, PathBuf};

use coc_catalog::read_directories;
use coc_model::catalog::{Catalog, RegionId};
use coc_model::mistake::Mistakes;
use tempfile::TempDir;

/// One offer in each of two regions of one cloud and in one of another, for tables that need
/// regions to speak of.
pub(crate) const THREE_PLACES: (&str, &str) = (
    "offers.csv",
    "cloud,region,instance_type,price_usd_hour\n\
     a,north,small,0.1\na,south,small,0.1\nb,east,small,0.1\n",
);

/// A directory with these files.
pub(crate) fn directory(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// Reads tables laid over each other, each slice a directory, and names files in notices and
/// mistakes by their names alone, with the directory's number in front if there are several.
pub(crate) fn read_layers(layers: &[&[(&str, &str)]]) -> Result<Catalog, Vec<String>> {
    let folders: Vec<TempDir> = layers
        .iter()
        .map(|files| {
            let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
            directory(&files)
        })
        .collect();
    let paths: Vec<PathBuf> = folders.iter().map(|f| f.path().to_path_buf()).collect();
    let mut catalog = read_directories(&paths).map_err(|mistakes| said(&mistakes, &paths))?;
    for notice in &mut catalog.notices {
        if let Some(at) = &mut notice.at {
            at.file = shortened(&at.file, &paths).into();
        }
        notice.says = shortened(&notice.says, &paths);
    }
    Ok(catalog)
}

/// What mistakes say, as [`read_layers`] names files.
pub(crate) fn said(mistakes: &Mistakes, paths: &[PathBuf]) -> Vec<String> {
    mistakes.iter().map(|mistake| shortened(&mistake.to_string(), paths)).collect()
}

fn shortened(text: &str, paths: &[PathBuf]) -> String {
    let mut text = text.to_owned();
    for (number, path) in paths.iter().enumerate() {
        let prefix = format!("{}/", Path::new(path).display());
        let short = if paths.len() == 1 { String::new() } else { format!("{number}/") };
        text = text.replace(&prefix, &short);
    }
    text
}

/// Reads the tables of one directory, which must be sound.
pub(crate) fn read(files: &[(&str, &str)]) -> Catalog {
    read_layers(&[files]).unwrap_or_else(|mistakes| panic!("{}", mistakes.join("\n")))
}

/// What a catalog's notices say, in order.
pub(crate) fn notices(catalog: &Catalog) -> Vec<String> {
    catalog.notices.iter().map(ToString::to_string).collect()
}

/// The region of this name, which must be there.
pub(crate) fn region(catalog: &Catalog, cloud: &str, name: &str) -> RegionId {
    catalog.region(cloud, name).unwrap_or_else(|| panic!("no region {cloud} {name}"))
}
