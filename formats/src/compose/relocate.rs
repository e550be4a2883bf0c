//! Relative paths of a file that is not in the project's folder, written anew so that they start in
//! the project's folder like all others.

use std::sync::Arc;

use super::short;
use crate::paths;
use crate::tree::{Key, Node, Scalar, Value};

/// The document with its relative paths, which start in `folder`, starting where `folder` does.
pub(super) fn relocate(document: &Node, folder: &str) -> Node {
    if folder == "." {
        return document.clone();
    }
    let moving = Moving { folder };
    edit(document, |key, value| match key {
        "services" => Some(each(value, |service| moving.service(service))),
        "secrets" | "configs" => Some(each(value, |file| moving.key(file, "file"))),
        "volumes" => Some(each(value, |volume| moving.volume(volume))),
        _ => None,
    })
}

/// A relative path that starts in `folder`, as it is written where `folder` starts.
pub(super) fn path_under(folder: &str, path: &str) -> String {
    if folder == "." || path.is_empty() || path.starts_with('~') || paths::is_absolute(path) {
        return path.to_owned();
    }
    let joined = paths::join(folder, path);
    let marked = joined.starts_with("..") || joined == "." || paths::is_absolute(&joined);
    if marked { joined } else { format!("./{joined}") }
}

/// True for contexts of builds that are no paths: URLs, repositories, other services.
pub(super) fn is_remote(context: &str) -> bool {
    let starts = ["git@", "github.com/", "service:", "docker-image:", "target:"];
    context.contains("://") || starts.iter().any(|start| context.starts_with(start))
}

struct Moving<'a> {
    folder: &'a str,
}

impl Moving<'_> {
    fn service(&self, service: &Node) -> Node {
        edit(service, |key, value| match key {
            "build" if value.as_map().is_none() => Some(self.context(value)),
            "build" => Some(edit(value, |key, value| match key {
                "context" => Some(self.context(value)),
                "additional_contexts" => Some(self.contexts(value)),
                _ => None,
            })),
            "env_file" | "label_file" => Some(self.files(value)),
            "volumes" => Some(items(value, |mount| self.mount(mount))),
            "credential_spec" => Some(self.key(value, "file")),
            _ => None,
        })
    }

    fn key(&self, node: &Node, wanted: &str) -> Node {
        edit(node, |key, value| (key == wanted).then(|| self.path(value)))
    }

    fn path(&self, node: &Node) -> Node {
        change(node, |text| path_under(self.folder, text))
    }

    fn context(&self, node: &Node) -> Node {
        change(
            node,
            |text| if is_remote(text) { text.to_owned() } else { path_under(self.folder, text) },
        )
    }

    fn contexts(&self, node: &Node) -> Node {
        if node.as_map().is_some() {
            return each(node, |context| self.context(context));
        }
        items(node, |item| {
            change(item, |text| match text.split_once('=') {
                Some((name, path)) if !is_remote(path) => {
                    format!("{name}={}", path_under(self.folder, path))
                }
                _ => text.to_owned(),
            })
        })
    }

    fn files(&self, node: &Node) -> Node {
        if node.as_list().is_none() {
            return self.path(node);
        }
        items(
            node,
            |item| if item.as_map().is_some() { self.key(item, "path") } else { self.path(item) },
        )
    }

    fn mount(&self, node: &Node) -> Node {
        let bind = |node: &Node| node.get("type")?.as_scalar().map(|s| &*s.text == "bind");
        if bind(node) == Some(true) {
            return self.key(node, "source");
        }
        change(node, |text| match short::mount(text) {
            Ok(mount) => {
                let source = mount.source.filter(|source| short::is_path(source));
                source.map_or_else(
                    || text.to_owned(),
                    |source| path_under(self.folder, source) + &text[source.len()..],
                )
            }
            Err(_) => text.to_owned(),
        })
    }

    /// A volume of the driver `local` may be a bind mount in disguise.
    fn volume(&self, node: &Node) -> Node {
        let text = |node: Option<&Node>| node?.as_scalar().map(|s| s.text.to_string());
        let options = node.get("driver_opts");
        let bind = text(options.and_then(|o| o.get("o"))).as_deref() == Some("bind");
        if !bind || text(node.get("driver")).as_deref() != Some("local") {
            return node.clone();
        }
        edit(node, |key, value| (key == "driver_opts").then(|| self.key(value, "device")))
    }
}

/// The map with some of its values replaced.
fn edit(node: &Node, replace: impl Fn(&str, &Node) -> Option<Node>) -> Node {
    let Some(entries) = node.as_map() else { return node.clone() };
    let entry = |(key, value): &(Key, Node)| {
        (key.clone(), replace(&key.text, value).unwrap_or_else(|| value.clone()))
    };
    with_value(node, Value::Map(Arc::new(entries.iter().map(entry).collect())))
}

fn each(node: &Node, replace: impl Fn(&Node) -> Node) -> Node {
    edit(node, |_, value| Some(replace(value)))
}

fn items(node: &Node, replace: impl Fn(&Node) -> Node) -> Node {
    let Some(items) = node.as_list() else { return node.clone() };
    with_value(node, Value::List(Arc::new(items.iter().map(replace).collect())))
}

/// The scalar with another text, if it is one that changes.
fn change(node: &Node, text: impl Fn(&str) -> String) -> Node {
    let Some(scalar) = node.as_scalar().filter(|_| !node.is_null()) else { return node.clone() };
    let changed = text(&scalar.text);
    if changed == *scalar.text {
        return node.clone();
    }
    with_value(node, Value::Scalar(Scalar { text: changed.into(), plain: false, verbatim: false }))
}

fn with_value(node: &Node, value: Value) -> Node {
    Node { value, at: node.at.clone(), tag: node.tag.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;
    use coc_model::mistake::MistakeLog;

    fn moved(text: &str, folder: &str) -> String {
        let mut log = MistakeLog::new();
        let nodes = tree::read_documents(&"c.yaml".into(), text, &mut log);
        relocate(&log.finish(nodes).unwrap()[0], folder).to_json().to_string()
    }

    #[test]
    fn paths_of_a_service_move_with_it() {
        for (service, expected) in [
            ("build: .", r#"{"build":"./sub"}"#),
            (
                "build: {context: ../x, args: {A: .}}",
                r#"{"build":{"context":"./x","args":{"A":"."}}}"#,
            ),
            ("build: https://x/y.git", r#"{"build":"https://x/y.git"}"#),
            (
                "build: {additional_contexts: [a=./b, c=service:d]}",
                r#"{"build":{"additional_contexts":["a=./sub/b","c=service:d"]}}"#,
            ),
            (
                "build: {additional_contexts: {a: b}}",
                r#"{"build":{"additional_contexts":{"a":"./sub/b"}}}"#,
            ),
            ("env_file: x.env", r#"{"env_file":"./sub/x.env"}"#),
            (
                "env_file: [x.env, {path: /y.env}]",
                r#"{"env_file":["./sub/x.env",{"path":"/y.env"}]}"#,
            ),
            (
                "volumes: ['./x:/y:ro', 'v:/z', '/a', '~/b:/b']",
                r#"{"volumes":["./sub/x:/y:ro","v:/z","/a","~/b:/b"]}"#,
            ),
            (
                "volumes: [{type: bind, source: x, target: /y}, {type: volume, source: x}]",
                r#"{"volumes":[{"type":"bind","source":"./sub/x","target":"/y"},{"type":"volume","source":"x"}]}"#,
            ),
            ("image: ./x", r#"{"image":"./x"}"#),
        ] {
            let text = format!("services: {{s: {{{service}}}}}");
            let expected = format!(r#"{{"services":{{"s":{expected}}}}}"#);
            assert_eq!(moved(&text, "sub"), expected, "{service}");
        }
    }

    #[test]
    fn paths_of_files_and_volumes_move_too() {
        let text = "secrets: {a: {file: ./a}}\nvolumes: {v: {driver: local, driver_opts: {o: bind, device: ./d}}, w: }";
        assert_eq!(
            moved(text, "../up"),
            r#"{"secrets":{"a":{"file":"../up/a"}},"volumes":{"v":{"driver":"local","driver_opts":{"o":"bind","device":"../up/d"}},"w":null}}"#
        );
        assert_eq!(
            moved("configs: {a: {file: ../a}}", "sub"),
            r#"{"configs":{"a":{"file":"./a"}}}"#
        );
        assert_eq!(path_under("/abs", "./x"), "/abs/x");
        assert_eq!(path_under("sub", ".."), ".");
    }
}
