//! The workspace as cargo sees it.

use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package as CargoPackage};
use thiserror::Error;

/// The crates of the workspace and everything they are built from.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    /// Our crates, ordered by name.
    pub(crate) members: Vec<Member>,
    /// Dependencies of our crates on each other.
    pub(crate) edges: Vec<Edge>,
    /// Dependencies of our crates on others', each once per crate of ours.
    pub(crate) foreign: Vec<Edge>,
    /// Every crate of the lock file that is not ours.
    pub(crate) packages: Vec<Package>,
}

/// A crate of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its name.
    pub(crate) name: String,
    /// Its folder, relative to the repository.
    pub(crate) folder: String,
}

impl Member {
    /// Its manifest.
    pub(crate) fn manifest(&self) -> String {
        format!("{}/Cargo.toml", self.folder)
    }
}

/// A dependency of one of our crates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    /// Ours.
    pub(crate) from: String,
    /// What it depends on.
    pub(crate) to: String,
    /// True if only its tests do.
    pub(crate) for_tests: bool,
}

/// Somebody else's crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Its licence, as an SPDX expression.
    pub(crate) licence: Option<String>,
    /// Where cargo takes it from.
    pub(crate) source: String,
}

/// Why the workspace could not be read.
#[derive(Debug, Error)]
pub(crate) enum WorkspaceError {
    /// Cargo refused.
    #[error("cargo metadata --locked failed: {0}")]
    Metadata(#[from] cargo_metadata::Error),
    /// A member outside the repository.
    #[error("{0} is not inside the repository")]
    Outside(String),
}

impl Workspace {
    /// Asks cargo. The lock file must be up to date.
    ///
    /// # Errors
    /// What [`WorkspaceError`] lists.
    pub(crate) fn read(root: &Path) -> Result<Self, WorkspaceError> {
        let metadata = MetadataCommand::new()
            .manifest_path(root.join("Cargo.toml"))
            .other_options(vec!["--locked".to_owned()])
            .exec()?;
        Self::from_metadata(&metadata)
    }

    fn from_metadata(metadata: &Metadata) -> Result<Self, WorkspaceError> {
        let mut workspace = Self::default();
        for package in metadata.workspace_packages() {
            workspace.members.push(Member {
                name: package.name.to_string(),
                folder: folder_of(package, metadata)?,
            });
            for dependency in &package.dependencies {
                let edge = Edge {
                    from: package.name.to_string(),
                    to: dependency.name.clone(),
                    for_tests: dependency.kind == DependencyKind::Development,
                };
                let list = if dependency.path.is_some() {
                    &mut workspace.edges
                } else {
                    &mut workspace.foreign
                };
                list.push(edge);
            }
        }
        workspace.members.sort_by(|a, b| a.name.cmp(&b.name));
        workspace.packages = metadata
            .packages
            .iter()
            .filter_map(|package| {
                Some(Package {
                    name: package.name.to_string(),
                    version: package.version.to_string(),
                    licence: package.license.clone(),
                    source: package.source.as_ref()?.repr.clone(),
                })
            })
            .collect();
        Ok(workspace)
    }

    /// What a crate of ours depends on, of ours.
    pub(crate) fn edges_of(&self, member: &Member) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(|edge| edge.from == member.name)
    }
}

fn folder_of(package: &CargoPackage, metadata: &Metadata) -> Result<String, WorkspaceError> {
    package
        .manifest_path
        .parent()
        .and_then(|folder| folder.strip_prefix(&metadata.workspace_root).ok())
        .map(ToString::to_string)
        .ok_or_else(|| WorkspaceError::Outside(package.manifest_path.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_read_with_its_edges_and_licences() {
        let workspace =
            Workspace::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))).unwrap();
        let xtask = workspace.members.iter().find(|m| m.name == "xtask").unwrap();
        assert_eq!(xtask.manifest(), "xtask/Cargo.toml");
        let edge =
            |from: &str, to: &str| Edge { from: from.into(), to: to.into(), for_tests: false };
        assert!(workspace.edges.contains(&edge("coc-formats", "coc-model")));
        assert!(workspace.foreign.contains(&edge("xtask", "syn")));
        let syn = workspace.packages.iter().find(|p| p.name == "syn").unwrap();
        assert_eq!(syn.licence.as_deref(), Some("MIT OR Apache-2.0"));
    }
}
