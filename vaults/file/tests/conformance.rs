//! The file backend keeps every promise of a vault.
#![allow(clippy::unwrap_used, reason = "tests, with their own functions")]

use std::sync::Arc;

use async_trait::async_trait;
use coc_vault::conformance::Subject;
use coc_vault::{LogVault, Vault};
use coc_vault_file::FileStore;
use tempfile::TempDir;

struct InFile(TempDir);

#[async_trait]
impl Subject for InFile {
    async fn open(&self) -> Arc<dyn Vault> {
        let store = FileStore::open_or_create(self.0.path().join("vault")).await.unwrap();
        Arc::new(LogVault::open(Arc::new(store), [1; 16]).await.unwrap())
    }
}

coc_vault::vault_conformance!(InFile(tempfile::tempdir().unwrap()));
