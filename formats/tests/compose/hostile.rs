//! Files nobody would write: they end with a mistake or are read, soon and without a panic.

use coc_formats::compose::read_any;
use proptest::prelude::*;

use crate::Case;

#[test]
fn growing_files_end_with_a_mistake() {
    let doubling: String = (1..40).map(|i| format!("A{i}=$A{0}$A{0}\n", i - 1)).collect();
    let case = Case::of("services: {s: {image: $A39}}\n")
        .file(".env", &format!("A0=xxxxxxxx\n{doubling}"));
    assert!(case.mistakes()[0].contains("64 MiB"), "{:?}", case.mistakes());

    let includes = |next: usize| {
        format!("include: [l{next}.yaml, l{next}.yaml, l{next}.yaml, l{next}.yaml]\n")
    };
    let mut case = Case::of(&includes(0));
    for i in 0..12 {
        case = case.file(&format!("l{i}.yaml"), &includes(i + 1));
    }
    case = case.file("l12.yaml", "services: {s: {image: i}}\n");
    let mistakes = case.mistakes();
    assert!(mistakes.iter().any(|m| m.contains("over 1000 files are included")), "{mistakes:?}");
}

#[test]
fn long_chains_of_extensions_end_with_a_mistake() {
    let services: String =
        (0..5_000).map(|i| format!("  s{i}: {{extends: s{}}}\n", i + 1)).collect();
    let case = Case::of(&format!("services:\n{services}  s5000: {{image: i}}\n"));
    assert!(case.mistakes()[0].contains("over 64 services extend each other in a row"));
}

#[test]
fn large_files_are_read() {
    let services: String = (0..2_000)
        .map(|i| format!("  s{i}: {{image: i, depends_on: [s{}], volumes: ['vol:/v'], environment: [DB_HOST=s{}, A_PASSWORD=secret-{i}]}}\n", i + 1, (i * 7) % 2_000))
        .collect();
    let case =
        Case::of(&format!("services:\n{services}  s2000: {{image: i}}\nvolumes: {{vol: }}\n"));
    let application = case.application();
    assert_eq!(application.services.len(), 2_001);
    assert!(application.links.len() > 2_000);
}

/// Pieces of Compose files, put together at random.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec![
            "services:", "  a:", "  b:", "    image: i", "    build: .", "    extends: a", "    depends_on: [a, b]",
            "    environment: [A=1, B]", "    environment:", "      A_TOKEN: $X", "    ports: ['80:80']", "    volumes: ['vol:/v', './x:/y']",
            "    deploy:", "      resources:", "        limits: {cpus: 1, memory: 5m}", "    networks: [n]", "    profiles: [p]",
            "volumes: {vol: }", "networks:", "  n:", "include: [x.yaml]", "secrets: {s: {file: f}}", "    secrets: [s]",
            "    healthcheck: {test: [CMD, x], interval: 5s}", "    command: a 'b' $$c", "    <<: *x", "  c: &x {image: $Y}",
            "    ports: !override []", "    env_file: x.env", "---", "    network_mode: service:b", "    tmpfs: /x", "x-a: &y [1]",
        ]).prop_map(str::to_owned),
        1 => "[ a-z0-9:{}\\[\\]$\"'#!&*-]{0,12}",
    ]
}

proptest! {
    #[test]
    fn no_file_panics(pieces in proptest::collection::vec(piece(), 0..20), other in proptest::collection::vec(piece(), 0..6), env in "[A-C=$ \n\"'#x]{0,20}") {
        let text = format!("{}\0{env}\0{}\0{env}", pieces.join("\n"), other.join("\n"));
        let _ = read_any(text.as_bytes());
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = read_any(&bytes);
    }

    #[test]
    fn reading_twice_gives_the_same(pieces in proptest::collection::vec(piece(), 0..20)) {
        let text = pieces.join("\n");
        let told = || read_any(text.as_bytes()).map(|a| serde_json::to_string(&a).unwrap()).map_err(|m| m.to_string());
        prop_assert_eq!(told(), told());
    }
}
