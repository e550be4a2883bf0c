//! Units, ports and unquoted numbers: what they are here is what Compose takes them for.

use coc_model::application::EnvValue;
use coc_model::quantity::{Bytes, Cpu, Micros};

use crate::{Case, note, one, service};

#[test]
fn memory_and_processors_are_what_compose_takes_them_for() {
    let application = Case::of(
        "services:
  api: {image: i, deploy: {resources: {limits: {cpus: '0.50', memory: 512M}}}}
  cache: {image: i, mem_limit: 1gb}
  worker: {image: i, cpus: 1.5, mem_limit: 256m}
  tiny:
    image: i
    deploy:
      resources:
        limits: {cpus: \"0.05\", memory: 60M}
        reservations: {memory: 24M}
  raw: {image: i, mem_limit: 134217728}
  old: {image: i, cpus: '2', mem_limit: 64m, mem_reservation: 32m}
  quota: {image: i, cpu_quota: 50000, cpu_period: 25000}
  count: {image: i, cpu_count: 2}
  free: {image: i, mem_limit: 0, cpus: 0, pids_limit: -1}
",
    )
    .application();
    for (name, needs, limits) in [
        ("api", (Some(500), Some(536_870_912)), (Some(500), Some(536_870_912))),
        ("cache", (None, Some(1_073_741_824)), (None, Some(1_073_741_824))),
        ("worker", (Some(1500), Some(268_435_456)), (Some(1500), Some(268_435_456))),
        ("tiny", (Some(50), Some(25_165_824)), (Some(50), Some(62_914_560))),
        ("raw", (None, Some(134_217_728)), (None, Some(134_217_728))),
        ("old", (Some(2000), Some(33_554_432)), (Some(2000), Some(67_108_864))),
        ("quota", (Some(2000), None), (Some(2000), None)),
        ("count", (Some(2000), None), (Some(2000), None)),
        ("free", (None, None), (None, None)),
    ] {
        let service = &application.services[name];
        let pair = |(cpu, memory): (Option<u64>, Option<u64>)| (cpu.map(Cpu), memory.map(Bytes));
        assert_eq!((service.needs.cpu, service.needs.memory), pair(needs), "needs of {name}");
        assert_eq!((service.limits.cpu, service.limits.memory), pair(limits), "limits of {name}");
    }
    let inferred = |name: &str| {
        let all = application.services[name].inferred.iter();
        all.map(|i| format!("{}: {}", i.what, i.reason)).collect::<Vec<_>>()
    };
    assert_eq!(inferred("tiny"), ["needs.cpu: the limit, for nothing is reserved"]);
    assert!(inferred("free").is_empty());
}

#[test]
fn a_fraction_of_a_thousandth_is_planned_rounded_up_and_kept_exactly() {
    let service = service("cpus: 0.3333");
    assert_eq!(service.needs.cpu, Some(Cpu(334)));
    assert_eq!(service.native["docker"]["HostConfig"]["NanoCpus"], 333_300_000);
    assert!(note(&service, "cpus").contains("334m of a processor is planned with"));
}

#[test]
fn ports_are_never_read_in_base_60() {
    let application = Case::of(
        "services:
  sftp:
    image: i
    ports:
      - 2222:22
      - 21:21
  mail:
    image: i
    ports: [25:25, \"587:587\"]
  web:
    image: i
    ports: [8080, \"127.0.0.1:9000:9000\"]
    environment: {FEATURE_A: YES, FEATURE_B: on, UMASK: 0755}
  dns:
    image: i
    ports:
      - {target: 53, published: \"53\", protocol: udp}
  range:
    image: i
    ports: [\"6000-6002:7000-7002\"]
",
    )
    .application();
    let mut told: Vec<String> = Vec::new();
    for (name, service) in &application.services {
        for port in &service.ports {
            let host = port.host_ip.as_deref().map_or(String::new(), |ip| format!("{ip}:"));
            let published = port.published.map_or("any".to_owned(), |port| port.to_string());
            told.push(format!("{name} {host}{published} {} {}", port.target, port.protocol.name()));
        }
    }
    assert_eq!(
        told,
        [
            "dns 53 53 udp",
            "mail 25 25 tcp",
            "mail 587 587 tcp",
            "range 6000 7000 tcp",
            "range 6001 7001 tcp",
            "range 6002 7002 tcp",
            "sftp 2222 22 tcp",
            "sftp 21 21 tcp",
            "web any 8080 tcp",
            "web 127.0.0.1:9000 9000 tcp",
        ]
    );
    let web = &application.services["web"];
    let text = |text: &str| EnvValue::Text(text.to_owned());
    assert_eq!(web.env["FEATURE_A"], text("YES"));
    assert_eq!(web.env["FEATURE_B"], text("on"));
    assert_eq!(web.env["UMASK"], text("493"));
    let note = note(web, "environment.UMASK");
    assert!(note.contains("0755") && note.contains("\"493\""), "{note}");
    assert!(crate::note(web, "environment.FEATURE_A").is_empty());
}

#[test]
fn ports_that_others_can_reach_are_told_from_the_rest() {
    let service = service(
        "ports: ['80:80', '127.0.0.1:81:81', '[::1]:82:82', '8000-8002:83', '80:80'], \
         expose: ['80', 90, '91-92/udp']",
    );
    let ports: Vec<_> = service
        .ports
        .iter()
        .map(|p| (p.target, p.published, p.public, p.protocol.name()))
        .collect();
    assert_eq!(
        ports,
        [
            (80, Some(80), true, "tcp"),
            (81, Some(81), false, "tcp"),
            (82, Some(82), false, "tcp"),
            (83, Some(8000), true, "tcp"),
            (90, None, false, "tcp"),
            (91, None, false, "udp"),
            (92, None, false, "udp"),
        ]
    );
    assert!(note(&service, "ports").contains("8000 to 8002"));
}

#[test]
fn times_of_health_checks_are_exact() {
    let service = service(
        "healthcheck: {test: x, interval: 1m30s, timeout: 500ms, start_period: 1h, \
         start_interval: 2s, retries: '3'}",
    );
    let check = service.healthcheck.unwrap();
    assert_eq!(check.interval, Some(Micros(90_000_000)));
    assert_eq!(check.timeout, Some(Micros(500_000)));
    assert_eq!(check.start_period, Some(Micros(3_600_000_000)));
    assert_eq!(check.retries, Some(3));
    assert_eq!(service.native["docker"]["Healthcheck"]["StartInterval"], 2_000_000_000_i64);
}

#[test]
fn wrong_amounts_are_refused_with_what_was_meant() {
    for (keys, mistake) in [
        (
            "mem_limit: 512MBs",
            "compose.yaml:1:37: expected a number of bytes, or a number with b, k, m or g (powers of 1024), found \"512MBs\" (did you mean 512m (536870912 bytes)?)",
        ),
        (
            "mem_limit: lots",
            "compose.yaml:1:37: expected a number of bytes, or a number with b, k, m or g (powers of 1024), found \"lots\"",
        ),
        (
            "cpus: 500m",
            "compose.yaml:1:32: expected a number of processors like 0.5 or 2, found \"500m\"",
        ),
        (
            "stop_grace_period: 10",
            "compose.yaml:1:45: expected a time like 1m30s, 20s or 500ms, found the number 10",
        ),
        (
            "cpus: 1, deploy: {resources: {limits: {cpus: '2'}}}",
            "compose.yaml:1:32: cpus and deploy.resources.limits.cpus say different things (keep one of them)",
        ),
        (
            "mem_limit: 1g, mem_reservation: 2g",
            "compose.yaml:1:58: more memory is reserved than the limit allows (raise the limit)",
        ),
        (
            "cpus: 1, cpu_quota: 5",
            "compose.yaml:1:46: the processor time is limited twice (keep cpu_quota or the other limit)",
        ),
        (
            "scale: -1",
            "compose.yaml:1:33: expected a whole number from 0 to 4294967295, found the number -1",
        ),
        (
            "scale: 2, container_name: web",
            "compose.yaml:1:52: a service with several replicas can't name its container (take container_name out)",
        ),
    ] {
        assert_eq!(one(keys).mistakes(), [mistake], "{keys}");
    }
}
