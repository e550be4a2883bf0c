//! Images: an engine has them, or pulls them from a registry.

use coc_cloud::Failure;
use serde_json::Value;

use crate::engine::{Call, Engine, escape};
use crate::stream::Documents;

/// Pulls an image that the engine does not have.
///
/// # Errors
/// [`Failure::Failed`] with what to do if it can't be had; [`Failure::Lost`] if the engine falls
/// silent.
pub(crate) async fn pull(engine: &Engine, image: &Value) -> Result<(), Failure> {
    let image = image.as_str().unwrap_or_default();
    let Some((name, tag)) = reference(image) else {
        return Err(missing(image, "it is named by its id, so no registry can be asked for it"));
    };
    let path = format!("/images/create?fromImage={}&tag={}", escape(name), escape(tag));
    tracing::info!(cloud = %engine.cloud, image, "pulling");
    let response = match engine.open(Call::post(&path, None)).await {
        Ok(response) => response,
        Err(Failure::Failed { says, .. } | Failure::Denied(says) | Failure::Invalid(says)) => {
            return Err(missing(image, &says));
        }
        Err(other) => return Err(other),
    };
    let mut progress = Documents::of(response);
    while let Some(step) = progress.next(engine.patience.pull).await? {
        let error = step["errorDetail"]["message"].as_str().or_else(|| step["error"].as_str());
        if let Some(says) = error {
            return Err(missing(image, says));
        }
    }
    Ok(())
}

/// The name and the tag or digest that an image is pulled by; `None` for the id of an image.
fn reference(image: &str) -> Option<(&str, &str)> {
    if image.is_empty() || image.starts_with("sha256:") {
        return None;
    }
    if let Some((name, digest)) = image.split_once('@') {
        return Some((name, digest));
    }
    // A colon before the last slash belongs to the registry's port.
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => Some((name, tag)),
        _ => Some((image, "latest")),
    }
}

fn missing(image: &str, why: &str) -> Failure {
    Failure::Failed {
        code: "no-image".into(),
        says: format!(
            "the engine does not have image \"{image}\" and can't pull it: {why}; push it to a \
             registry that the engine reaches, or load it there (docker save, docker load)"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_split_as_docker_does() {
        for (image, split) in [
            ("web", Some(("web", "latest"))),
            ("shop/web:1.4", Some(("shop/web", "1.4"))),
            ("lab:5000/web", Some(("lab:5000/web", "latest"))),
            ("lab:5000/web:2", Some(("lab:5000/web", "2"))),
            ("web@sha256:ab", Some(("web", "sha256:ab"))),
            ("web:1@sha256:ab", Some(("web:1", "sha256:ab"))),
            ("sha256:ab", None),
            ("", None),
        ] {
            assert_eq!(reference(image), split, "{image}");
        }
    }
}
