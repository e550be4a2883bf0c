//! Ports, and links between workloads.

use serde_json::json;

use crate::{container, deployment, reading, service, web};

#[test]
fn services_open_ports_to_whom_they_say() {
    let app = container("ports: [{name: http, containerPort: 8080}]");
    for (spec, port) in [
        ("{selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}", (8080, None, false)),
        ("{selector: {app: web}, ports: [{port: 80, targetPort: http}]}", (8080, None, false)),
        ("{selector: {app: web}, ports: [{port: 8080}]}", (8080, None, false)),
        (
            "{type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: http}]}",
            (8080, Some(80), true),
        ),
        (
            "{type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]}",
            (8080, Some(30080), true),
        ),
        ("{type: NodePort, selector: {app: web}, ports: [{port: 8080}]}", (8080, None, true)),
        (
            "{type: LoadBalancer, selector: {app: other}, ports: [{port: 8080}]}",
            (8080, None, false),
        ),
        ("{type: LoadBalancer, ports: [{port: 8080}]}", (8080, None, false)),
    ] {
        let read = reading(&format!("{}{}", deployment("web", &app), service("web", spec)));
        let ports: Vec<_> = read.application.services["web"]
            .ports
            .iter()
            .map(|p| (p.target, p.published, p.public))
            .collect();
        assert_eq!(ports, [port], "{spec}");
    }
    // A port that only the Service knows of is added, and a second name noted as an alias.
    let read = reading(&format!(
        "{}{}",
        deployment("web", &container("")),
        service("shop", "{selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}")
    ));
    let web = &read.application.services["web"];
    assert_eq!(web.ports.iter().map(|p| p.target).collect::<Vec<_>>(), [8080]);
    assert_eq!(web.inferred[0].reason, "Service \"shop\" leads to it");
    assert_eq!(web.networks["default"], ["shop"]);
    let note = read.application.keys[0].note.as_deref();
    assert_eq!(
        note,
        Some("leads 80 to 8080: elsewhere than on Kubernetes it is the second that answers")
    );
}

#[test]
fn ingresses_and_host_ports_make_ports_public() {
    let both = format!(
        "{}{}",
        deployment(
            "web",
            &container("ports: [{containerPort: 8080, name: http}, {containerPort: 9090}]")
        ),
        service(
            "web",
            "{selector: {app: web}, ports: [{name: main, port: 80, targetPort: http}, {name: admin, port: 81, targetPort: 9090}]}"
        )
    );
    let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec: ";
    for (more, public) in [
        (
            format!("{ingress}{{rules: [{{http: {{paths: [{{path: /, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}}}]}}"),
            vec![8080],
        ),
        (
            format!("{ingress}{{defaultBackend: {{service: {{name: web, port: {{name: admin}}}}}}}}"),
            vec![9090],
        ),
        (
            "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: i}\nspec: {backend: {serviceName: web, servicePort: 80}}".to_owned(),
            vec![8080],
        ),
        (
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: i}\nspec: {rules: [{backendRefs: [{name: web, port: 81}]}]}".to_owned(),
            vec![9090],
        ),
        (
            format!("{ingress}{{defaultBackend: {{service: {{name: api, port: {{number: 80}}}}}}}}"),
            vec![],
        ),
    ] {
        let read = reading(&format!("{both}{more}"));
        let ports = &read.application.services["web"].ports;
        let found: Vec<u16> = ports.iter().filter(|p| p.public).map(|p| p.target).collect();
        assert_eq!(found, public, "{more}");
    }
    let json = web(&container("ports: [{containerPort: 80, hostPort: 8080}]"));
    assert_eq!(json["ports"][0]["published"], json!(8080));
    let json = web(
        "{hostNetwork: true, containers: [{name: c, image: i, ports: [{containerPort: 53, protocol: UDP}]}]}",
    );
    assert_eq!(
        json["ports"][0],
        json!({"port": 53, "protocol": "udp", "public": true, "published": 53, "host_ip": null, "name": null})
    );
}

#[test]
fn links_are_inferred_from_names_of_services() {
    let db = format!(
        "{}{}",
        deployment("postgres", &container("")),
        service("db", "{selector: {app: postgres}, ports: [{port: 5432, targetPort: 15432}]}")
    );
    for (env, link) in [
        (
            "{name: X, value: 'db:5432'}",
            "web>postgres:Some(15432) variable X names db:5432, Service \"db\"",
        ),
        (
            "{name: X, value: 'http://db'}",
            "web>postgres:Some(15432) variable X names db, Service \"db\"",
        ),
        (
            "{name: X, value: 'pg://db.default.svc.cluster.local:5432/x'}",
            "web>postgres:Some(15432) variable X names db.default.svc.cluster.local:5432, Service \"db\"",
        ),
        (
            "{name: X, value: 'see db.default.svc here'}",
            "web>postgres:Some(15432) variable X names db.default.svc, Service \"db\"",
        ),
        (
            "{name: DB_HOST, value: db}",
            "web>postgres:Some(15432) variable DB_HOST names db, Service \"db\"",
        ),
        (
            "{name: URL, value: 'pg://u:canary@db:5432/x'}",
            "web>postgres:Some(15432) variable URL names db:5432, Service \"db\"",
        ),
        (
            "{name: H, value: db}, {name: X, value: 'http://$(H):5432'}",
            "web>postgres:Some(15432) variable X names db:5432, Service \"db\"",
        ),
        // Names that are not meant as hosts.
        ("{name: POSTGRES_DB, value: db}", ""),
        ("{name: X, value: 'db:16-alpine'}", ""),
        ("{name: X, value: 'db:99'}", ""),
        ("{name: X, value: 'db.other:5432'}", ""),
        ("{name: X, value: 'pg://db:pw@elsewhere:5432'}", ""),
    ] {
        let text = format!("{db}{}", deployment("web", &container(&format!("env: [{env}]"))));
        let links: Vec<String> = reading(&text)
            .application
            .links
            .iter()
            .map(|l| {
                format!("{}>{}:{:?} {}", l.from, l.to, l.port, l.inferred.as_deref().unwrap_or(""))
            })
            .collect();
        assert_eq!(links.join("; "), link, "{env}");
        assert!(!links.join("").contains("canary"));
    }
    let text = format!("{db}{}", deployment("web", &container("args: ['--db=db:5432']")));
    assert_eq!(
        reading(&text).application.links[0].inferred.as_deref(),
        Some("an item of args names db:5432, Service \"db\"")
    );
    // Pods of a StatefulSet have names of their own below that of its headless Service.
    let text = format!(
        "{}{}{}",
        deployment("kafka", &container("")),
        service("kafka", "{clusterIP: None, selector: {app: kafka}}"),
        deployment("web", &container("env: [{name: K, value: 'kafka-0.kafka:9092'}]"))
    );
    let links = reading(&text).application.links;
    assert_eq!((links.len(), links[0].port), (1, Some(9092)));
}
