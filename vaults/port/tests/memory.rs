//! The memory backend keeps every promise.
#![allow(clippy::unwrap_used, reason = "tests, with their own functions")]

use std::sync::Arc;

use async_trait::async_trait;
use coc_vault::conformance::Subject;
use coc_vault::{LogVault, MemoryStore, Vault};

struct Memory(Arc<MemoryStore>);

#[async_trait]
impl Subject for Memory {
    async fn open(&self) -> Arc<dyn Vault> {
        Arc::new(LogVault::open(self.0.clone(), [1; 16]).await.unwrap())
    }
}

coc_vault::vault_conformance!(Memory(Arc::new(MemoryStore::new())));
