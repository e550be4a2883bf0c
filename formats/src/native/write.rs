//! The native document of an application, as `coc check --json` prints it.

use coc_model::application::{
    Application, Dependency, Link, Mount, MountSource, Port, Replicas, Service, Volume,
};
use serde_json::{Map, Value, json};

/// Writes what was read of an application. Every key is always there: what is not declared is
/// `null` or empty. Variables are named, never shown; of documents kept for a cloud, only the
/// names of the drivers are written.
pub fn write(application: &Application) -> Value {
    let services: Map<String, Value> = application
        .services
        .iter()
        .map(|(name, service)| (name.clone(), write_service(service)))
        .collect();
    let volumes: Map<String, Value> = application
        .volumes
        .iter()
        .map(|(name, volume)| (name.clone(), write_volume(volume)))
        .collect();
    json!({
        "kind": "Application",
        "name": application.name,
        "services": services,
        "links": application.links.iter().map(write_link).collect::<Vec<_>>(),
        "volumes": volumes,
        "keys": application.keys,
    })
}

fn write_service(service: &Service) -> Value {
    let mut written = json!({
        "at": service.at,
        "type": service.service_type,
        "image": service.image,
        "build": service.build,
        "replicas": write_replicas(&service.replicas),
        "needs": {
            "cpu_millicores": service.needs.cpu,
            "memory_bytes": service.needs.memory,
            "accelerator": service.needs.accelerator,
            "architecture": service.needs.architecture,
            "ephemeral_storage_bytes": service.needs.ephemeral_storage,
        },
        "limits": {
            "cpu_millicores": service.limits.cpu,
            "memory_bytes": service.limits.memory,
            "pids": service.limits.pids,
        },
        "ports": service.ports.iter().map(write_port).collect::<Vec<_>>(),
        "volumes": service.mounts.iter().map(write_mount).collect::<Vec<_>>(),
        "env": service.env.keys().collect::<Vec<_>>(),
        "after": service.after.iter().map(write_dependency).collect::<Vec<_>>(),
        "with": service.with.iter().map(|tie| json!({
            "service": tie.service, "reason": tie.reason,
        })).collect::<Vec<_>>(),
        "healthcheck": service.healthcheck.is_some(),
        "restart": service.restart,
        "native": service.native.keys().collect::<Vec<_>>(),
        "inferred": service.inferred,
        "keys": service.keys,
    });
    if !service.labels.is_empty() {
        written["labels"] = json!(service.labels);
    }
    written
}

fn write_replicas(replicas: &Replicas) -> Value {
    match replicas {
        Replicas::PerHost => json!("per-host"),
        Replicas::Between { min, max } if min == max => json!(min),
        Replicas::Between { min, max } => json!({"min": min, "max": max}),
        Replicas::OneOf(numbers) => json!({"oneOf": numbers}),
    }
}

fn write_port(port: &Port) -> Value {
    json!({
        "port": port.target,
        "protocol": port.protocol,
        "public": port.public,
        "published": port.published,
        "host_ip": port.host_ip,
        "name": port.name,
    })
}

fn write_mount(mount: &Mount) -> Value {
    let (kind, name) = match &mount.source {
        MountSource::Volume(name) => ("volume", json!(name)),
        MountSource::Bind(path) => ("bind", json!(path)),
        MountSource::Anonymous => ("anonymous", json!(true)),
        MountSource::Tmpfs => ("tmpfs", json!(true)),
        MountSource::Config(name) => ("config", json!(name)),
        MountSource::Secret(name) => ("secret", json!(name)),
    };
    json!({kind: name, "path": mount.target, "read_only": mount.read_only})
}

fn write_dependency(dependency: &Dependency) -> Value {
    json!({
        "service": dependency.service,
        "condition": dependency.condition,
        "required": dependency.required,
    })
}

fn write_link(link: &Link) -> Value {
    json!({
        "from": link.from,
        "to": link.to,
        "port": link.port,
        "traffic": link.traffic.map(|traffic| traffic.to_string()),
        "latency": link.latency.map(|latency| latency.to_string()),
        "at": link.at,
        "inferred": link.inferred,
    })
}

fn write_volume(volume: &Volume) -> Value {
    json!({
        "size_bytes": volume.size,
        "external": volume.external,
        "native": volume.native.keys().collect::<Vec<_>>(),
    })
}
