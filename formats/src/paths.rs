//! Paths as texts: joined and tidied without asking any disk, so that readers stay pure.

/// True for paths that start at a root: `/srv`, `C:\data`, `\\.\pipe`.
pub(crate) fn is_absolute(path: &str) -> bool {
    let bytes = path.as_bytes();
    let drive = bytes.len() >= 3
        && bytes[0].is_ascii_alphabetic()
        && bytes[1] == b':'
        && matches!(bytes[2], b'\\' | b'/');
    path.starts_with('/') || path.starts_with(r"\\") || drive
}

/// The path with `.`, empty parts and `x/..` taken out; `.` if nothing is left.
pub(crate) fn tidy(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&"..") => parts.push(".."),
                Some(_) => _ = parts.pop(),
                None if rooted => {}
                None => parts.push(".."),
            },
            part => parts.push(part),
        }
    }
    match (rooted, parts.join("/")) {
        (true, rest) => format!("/{rest}"),
        (false, rest) if rest.is_empty() => ".".to_owned(),
        (false, rest) => rest,
    }
}

/// Where `path`, written in `folder`, leads to: tidied, `path` itself if it is absolute.
pub(crate) fn join(folder: &str, path: &str) -> String {
    if is_absolute(path) {
        path.to_owned()
    } else if folder.is_empty() {
        tidy(path)
    } else {
        tidy(&format!("{folder}/{path}"))
    }
}

/// The folder that a file is in: `.` for a bare name.
pub(crate) fn folder_of(path: &str) -> String {
    match path.rfind('/') {
        Some(0) => "/".to_owned(),
        Some(end) => tidy(&path[..end]),
        None => ".".to_owned(),
    }
}

/// The last part of a path.
pub(crate) fn last_part(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_join_and_tidy() {
        for (folder, path, joined) in [
            (".", "compose.yaml", "compose.yaml"),
            ("app", "../ui/compose.yaml", "ui/compose.yaml"),
            ("app", "./x//y/./z/", "app/x/y/z"),
            ("app", "../../x", "../x"),
            ("../a", "../../b", "../../b"),
            ("/srv/app", "../../../x", "/x"),
            ("app", "/abs/x", "/abs/x"),
            ("app", r"C:\data", r"C:\data"),
            ("app", "..", "."),
            ("", "x", "x"),
        ] {
            assert_eq!(join(folder, path), joined, "{folder} + {path}");
        }
    }

    #[test]
    fn folders_and_names_come_apart() {
        for (path, folder, last) in [
            ("compose.yaml", ".", "compose.yaml"),
            ("a/b/c.yaml", "a/b", "c.yaml"),
            ("/c.yaml", "/", "c.yaml"),
            ("./a/../b/c", "b", "c"),
            ("/srv/shop/", "/srv/shop", "shop"),
        ] {
            assert_eq!((folder_of(path).as_str(), last_part(path)), (folder, last), "{path}");
        }
    }

    proptest! {
        #[test]
        fn a_tidy_path_stays_as_it_is(path in "[a./]{0,20}") {
            let tidied = tidy(&path);
            prop_assert_eq!(tidy(&tidied), tidied);
        }

        #[test]
        fn no_text_panics(folder in ".{0,20}", path in ".{0,20}") {
            let _ = (join(&folder, &path), folder_of(&path), last_part(&path).len());
        }
    }
}
