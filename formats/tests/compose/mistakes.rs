//! Mistakes: all at once, each at its place, with what to do.

use crate::{Case, one};

#[test]
fn wrong_keys_and_values_are_told_at_their_place() {
    for (keys, mistake) in [
        ("imgae: x", "a service has no key \"imgae\" (did you mean \"image\"?)"),
        (
            "wholly_other: x",
            "a service has no key \"wholly_other\" (keys of your own start with \"x-\")",
        ),
        ("user: 1000", "expected a text, found the number 1000 (quote it: \"1000\")"),
        ("tty: maybe", "expected true or false, found \"maybe\""),
        ("ports: {a: 1}", "expected a list of ports, found a map"),
        (
            "ports: ['80:x']",
            "\"80:x\" is no port: a port is a number from 1 to 65535, or a range like 8000-8005",
        ),
        ("ports: [{published: 5}]", "expected a map with a target, found a map"),
        (
            "ports: [{target: 5, protocl: udp}]",
            "a port has no key \"protocl\" (did you mean \"protocol\"?)",
        ),
        ("expose: ['80:80']", "expected a port without one on the host, found \"80:80\""),
        ("volumes: ['a:']", "\"a:\" is no mount: a part between its colons is empty"),
        (
            "volumes: [{type: bind, target: /x}]",
            "expected a map with the source of the bind, found a map",
        ),
        (
            "volumes: [{type: other, target: /x}]",
            "expected bind, volume, tmpfs, image, npipe or cluster, found \"other\"",
        ),
        ("volumes: ['voll:/x']", "no volume named \"voll\" (did you mean \"vol\"?)"),
        (
            "volumes: ['data:/x']",
            "no volume named \"data\" (name it under \"volumes:\", or give the file that has it first: base.yaml compose.yaml)",
        ),
        ("networks: [nn]", "no network named \"nn\" (did you mean \"n\"?)"),
        (
            "secrets: [x]",
            "no secret named \"x\" (name it under \"secrets:\", or give the file that has it first: base.yaml compose.yaml)",
        ),
        (
            "configs: [x]",
            "no configuration named \"x\" (name it under \"configs:\", or give the file that has it first: base.yaml compose.yaml)",
        ),
        ("depends_on: [ss]", "no service named \"ss\" (did you mean \"s\"?)"),
        (
            "depends_on: [database]",
            "no service named \"database\" (give the file that has it first: base.yaml compose.yaml)",
        ),
        (
            "depends_on: {s2: {condition: healthy}}",
            "expected service_started, service_healthy or service_completed_successfully, found \"healthy\"",
        ),
        (
            "network_mode: 'service:x'",
            "no service named \"x\" (give the file that has it first: base.yaml compose.yaml)",
        ),
        (
            "network_mode: host, networks: [n]",
            "a service can't have both network_mode and networks (take one of them out)",
        ),
        (
            "healthcheck: {test: [curl, x]}",
            "expected a line for the shell, or a list that starts with CMD, CMD-SHELL or NONE, found a list that starts with another word",
        ),
        (
            "healthcheck: {intervall: 5s}",
            "healthcheck has no key \"intervall\" (did you mean \"interval\"?)",
        ),
        (
            "restart: sometimes",
            "expected no, always, unless-stopped, on-failure or on-failure:3, found \"sometimes\"",
        ),
        (
            "platform: linux/riscv64",
            "expected linux/amd64 or linux/arm64, the platforms that can be planned, found \"linux/riscv64\"",
        ),
        (
            "command: a 'b",
            "a quote is never closed, or a backslash ends the line (write a list of words instead)",
        ),
        ("command: a (b)", "a parenthesis must stand in quotes (write a list of words instead)"),
        ("command: [sleep, 10]", "expected a text, found the number 10 (quote it: \"10\")"),
        ("deploy: {mode: other}", "expected replicated or global, found \"other\""),
        (
            "deploy: {resources: {limit: {}}}",
            "deploy.resources has no key \"limit\" (did you mean \"limits\"?)",
        ),
        (
            "build: {dockerfile: a, dockerfile_inline: b}",
            "a build can't have both dockerfile and dockerfile_inline (take one of them out)",
        ),
        ("build: {arg: {}}", "build has no key \"arg\" (did you mean \"args\"?)"),
        ("gpus: some", "expected all, or a list of devices, found \"some\""),
        ("gpus: [{count: 1, device_ids: ['0']}]", "a device can't have both count and device_ids"),
        (
            "env_file: x.env",
            "the file x.env is not there (make it, or mark it \"required: false\")",
        ),
        ("image: '${X:?say it}'", "the key \"image\" is here twice, first in line 1"),
        (
            "user: '${X:?say it}'",
            "the variable X is required and not set, or empty: say it (set X in the environment or in the .env file)",
        ),
        ("user: '${X'", "\"${\" has no \"}\" (add \"}\", or write \"$$\" for a dollar sign)"),
        ("cgroup: other", "expected host or private, found \"other\""),
        (
            "provider: {type: x}",
            "services run by a Compose plug-in can't be planned (give an image, or use a service type of the library)",
        ),
    ] {
        let mistakes = one(keys).mistakes();
        let told: Vec<String> = mistakes
            .iter()
            .map(|m| m.splitn(4, ':').last().unwrap_or_default().trim().to_owned())
            .filter(|told| told == mistake || !keys.contains("image"))
            .filter(|told| told == mistake || !told.contains("\"s2\""))
            .collect();
        assert_eq!(told, [mistake], "{keys}: {mistakes:?}");
    }
}

#[test]
fn places_are_exact() {
    for (text, places) in [
        (
            "services:\n  a:\n    image: i\n    depends_on: [databse]\n  database: {image: i}\n",
            &["compose.yaml:4:18: no service named \"databse\" (did you mean \"database\"?)"][..],
        ),
        (
            "services:\n  a: {image: \"i:${A:?x}\"}\n",
            &[
                "compose.yaml:2:17: the variable A is required and not set, or empty: x (set A in the environment or in the .env file)",
            ],
        ),
        (
            "services:\n  a:\n    image: i\n    mem_limit: 5x\n    cpus: y\n    tty: z\n",
            &[
                "compose.yaml:4:16: expected a number of bytes, or a number with b, k, m or g (powers of 1024), found \"5x\"",
                "compose.yaml:5:11: expected a number of processors like 0.5 or 2, found \"y\"",
                "compose.yaml:6:10: expected true or false, found \"z\"",
            ],
        ),
        (
            "sevices:\n  a: {image: i}\n",
            &[
                "compose.yaml:1:1: a Compose file has no key \"sevices\" (did you mean \"services\"?)",
            ],
        ),
        ("services: [a]\n", &["compose.yaml:1:11: expected a map of names, found a list"]),
        ("services: {a: [1]}\n", &["compose.yaml:1:15: a service is a map, this is a list"]),
        (
            "services: {a: }\n",
            &[
                "compose.yaml:1:12: the service \"a\" has neither image nor build (if this file is to be laid over another, give the file it belongs to first: base.yaml compose.yaml)",
            ],
        ),
        (
            "services: {'a b': {image: i}}\n",
            &[
                "compose.yaml:1:12: \"a b\" can't be a name (names have letters, digits, \".\", \"_\" and \"-\")",
            ],
        ),
        (
            "- a\n",
            &[
                "compose.yaml:1:1: a Compose file is a map, this is a list (start with \"services:\")",
            ],
        ),
        ("", &["compose.yaml is empty (start with \"services:\")"]),
        (
            "services: {}\n",
            &[
                "compose.yaml:1:1: there are no services to run (give it \"services:\", or files to include that have some)",
            ],
        ),
        (
            "services: {a: {image: i, profiles: [p]}}\n",
            &["compose.yaml:1:1: there are no services to run (activate a profile: --profile p)"],
        ),
        (
            "services: {a: {image: i}}\nvolumes: {v: {external: true, driver: x}}\n",
            &["compose.yaml:2:31: an external volume is made elsewhere and has no \"driver\""],
        ),
        (
            "services: {a: {image: i}}\nsecrets: {x: {}}\nconfigs: {y: {file: f, content: c}}\n",
            &[
                "compose.yaml:2:11: the secret \"x\" has no content (give one of file, environment)",
                "compose.yaml:3:33: the configuration \"y\" has content already (take \"content\" or the other one out)",
            ],
        ),
    ] {
        assert_eq!(Case::of(text).mistakes(), places, "{text}");
    }
}

#[test]
fn circles_are_told_whole() {
    let waits = |services: &str| Case::of(&format!("services: {{{services}}}\n")).mistakes();
    assert_eq!(
        waits(
            "service1: {image: i, depends_on: [service2]}, service2: {image: i, depends_on: [service3]}, service3: {image: i, depends_on: [service1]}"
        ),
        [
            "compose.yaml:1:46: services wait for each other in a circle: service1 → service2 → service3 → service1 (take one step of the circle out)"
        ]
    );
    assert_eq!(
        waits("a: {image: i, depends_on: [a]}"),
        [
            "compose.yaml:1:39: the service waits for itself: a → a (take one step of the circle out)"
        ]
    );
    assert_eq!(
        waits("a: {image: i, network_mode: 'service:b'}, b: {image: i, links: [a]}"),
        [
            "compose.yaml:1:40: services wait for each other in a circle: a → b → a (take one step of the circle out)"
        ]
    );
    let included = Case::of("include: [x/b.yaml]\nservices: {s: {image: i}}\n")
        .file("x/b.yaml", "include: [c.yaml]\n")
        .file("x/c.yaml", "include: [../compose.yaml]\n");
    assert_eq!(
        included.mistakes(),
        [
            "x/c.yaml:1:11: the files include each other in a circle: compose.yaml → x/b.yaml → x/c.yaml → compose.yaml (take one include out)"
        ]
    );
    let own = Case::of("include: [./compose.yaml]\nservices: {s: {image: i}}\n");
    assert_eq!(
        own.mistakes(),
        [
            "compose.yaml:1:11: the files include each other in a circle: compose.yaml → compose.yaml (take one include out)"
        ]
    );
    let extended =
        Case::of("services: {a: {extends: b}, b: {extends: c}, c: {extends: a, image: i}}\n")
            .mistakes();
    assert!(
        extended[0].contains("the services extend each other in a circle: a → b → c → a"),
        "{extended:?}"
    );
}

#[test]
fn references_to_other_files_are_checked() {
    for (text, mistakes) in [
        (
            "include: [absent.yaml]\nservices: {s: {image: i}}\n",
            &["compose.yaml:1:11: the file absent.yaml is not there"][..],
        ),
        (
            "include: ['https://x/y.yaml']\nservices: {s: {image: i}}\n",
            &[
                "compose.yaml:1:11: files from elsewhere are not fetched (copy the file here and include the copy)",
            ],
        ),
        (
            "include: x\nservices: {s: {image: i}}\n",
            &["compose.yaml:1:10: expected a list of files, found \"x\""],
        ),
        (
            "include: [{pth: x}]\nservices: {s: {image: i}}\n",
            &[
                "compose.yaml:1:11: expected a map with a path, found a map",
                "compose.yaml:1:12: include has no key \"pth\" (did you mean \"path\"?)",
            ],
        ),
        (
            "services: {s: {image: i, extends: {file: base.yaml, service: webs}}}\n",
            &["compose.yaml:1:62: no service named \"webs\" in base.yaml (did you mean \"web\"?)"],
        ),
        (
            "services: {s: {image: i, extends: {file: absent.yaml, service: web}}}\n",
            &["compose.yaml:1:42: the file absent.yaml is not there"],
        ),
        (
            "services: {s: {image: i, extends: t}}\n",
            &["compose.yaml:1:35: no service named \"t\" in compose.yaml"],
        ),
    ] {
        let case = Case::of(text).file("base.yaml", "services: {web: {image: i}}\n");
        assert_eq!(case.mistakes(), mistakes, "{text}");
    }
    assert_eq!(
        Case::new().read_file("absent.yaml").mistakes(),
        ["the file absent.yaml is not there"]
    );
    assert_eq!(Case::new().mistakes(), ["no Compose file is given"]);
    let env = Case::of("services: {s: {image: i}}\n").file(".env", "A=1\nB C=2\n");
    assert_eq!(
        env.mistakes(),
        [".env:2:1: a name of a variable can't have a space in it (expected NAME=value)"]
    );
    let example = Case::of("services: {s: {image: i, env_file: .env}}\n").file(".env.example", "");
    assert_eq!(
        example.mistakes(),
        [
            "compose.yaml:1:36: the file .env is not there (copy .env.example to .env and fill it in)"
        ]
    );
}

#[test]
fn a_dependency_that_is_left_out_is_a_mistake_unless_it_is_optional() {
    let text = "services: {a: {image: i, depends_on: [b]}, b: {image: i, profiles: [p]}}\n";
    assert_eq!(
        Case::of(text).mistakes(),
        [
            "compose.yaml:1:39: the service \"b\" is left out, for its profile is not active (activate it: --profile p; or write \"required: false\")"
        ]
    );
    assert!(Case::of(text).profile("p").mistakes().is_empty());
    let optional = text.replace("[b]", "{b: {condition: service_started, required: false}}");
    assert!(Case::of(&optional).mistakes().is_empty());
    let unknown = text.replace("[b]", "{c: {condition: service_started, required: false}}");
    assert_eq!(Case::of(&unknown).mistakes().len(), 1, "a service that does not exist is none");
}

#[test]
fn an_overlay_alone_is_refused_with_the_way_out() {
    let overlay = "services: {web: {ports: !override []}, db: {environment: {A: 1}}}\n";
    let alone = Case::new().file("over.yaml", overlay).read_file("over.yaml").mistakes();
    assert_eq!(alone.len(), 2);
    assert!(
        alone[0].contains("give the file it belongs to first: base.yaml over.yaml"),
        "{alone:?}"
    );
    let together = Case::of("services: {web: {image: i, ports: ['80:80']}, db: {image: i}}\n")
        .file("over.yaml", overlay)
        .read_file("over.yaml");
    assert!(together.application().services["web"].ports.is_empty());
}
