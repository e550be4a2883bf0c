//! Which file systems can hold a vault.

use std::path::Path;

use coc_vault::store::StoreError;

use crate::failure::foreign;

/// File systems that other machines may share, by the number that `statfs` gives (linux/magic.h).
/// Processes on two machines do not see each other's memory there, on which SQLite's WAL rests.
const SHARED: [(u32, &str); 8] = [
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB 2"),
    (0x517b, "SMB"),
    (0x5346_414f, "AFS"),
    (0x7375_7245, "Coda"),
    (0x00c3_6400, "Ceph"),
    (0x0102_1997, "9P"),
];

/// Refuses a folder on a file system that other machines may share.
///
/// # Errors
/// [`StoreError::Foreign`] that names the file system.
pub(crate) fn check(folder: &Path) -> Result<(), StoreError> {
    // A file system that can't be asked is not refused: opening will tell.
    let Ok(found) = rustix::fs::statfs(folder) else { return Ok(()) };
    match shared(found.f_type.cast_unsigned()) {
        None => Ok(()),
        Some(name) => Err(foreign(
            folder,
            format!(
                "{name} may be shared by machines, which a vault in a file does not stand; \
                     use a folder on a local disk"
            ),
        )),
    }
}

fn shared(number: u64) -> Option<&'static str> {
    // The numbers have 32 bits; some systems widen them with their sign.
    let number = u32::try_from(number & 0xffff_ffff).ok()?;
    SHARED.iter().find(|(n, _)| *n == number).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_file_systems_are_known() {
        assert_eq!(shared(0x6969), Some("NFS"));
        assert_eq!(shared(0xffff_ffff_ff53_4d42), Some("CIFS"));
        // ext4, overlay, tmpfs
        for local in [0xef53, 0x794c_7630, 0x0102_1994] {
            assert_eq!(shared(local), None);
        }
    }

    #[test]
    fn a_local_folder_passes() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(check(folder.path()), Ok(()));
    }
}
