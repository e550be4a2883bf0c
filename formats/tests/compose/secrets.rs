//! Secrets: values go to their keeping and show nowhere else.

use coc_model::application::{EnvValue, Probe};
use coc_model::secret::{SecretRef, SecretValue};
use serde_json::json;

use crate::Case;

/// A value that must not show.
const CANARY: &str = "kestrel-7QX2-orbit";

/// All that is shown of a reading: the application, and what `Debug` prints.
fn shown(case: &Case) -> String {
    match case.try_read() {
        Ok(read) => format!("{} {read:?}", serde_json::to_string(&read.application).unwrap()),
        Err(mistakes) => format!("{mistakes} {mistakes:?}"),
    }
}

#[test]
fn secrets_of_environments_become_references() {
    let case = Case::of(&format!(
        "services:
  api:
    image: i
    environment:
      DB_PASSWORD: {CANARY}
      DATABASE_URL: postgres://app:{CANARY}@db:5432/app
      AUTH: neo4j/${{NEO4J_PASSWORD-{CANARY}}}
      COPY: 'user={CANARY}'
      FROM_FILE_TOKEN:
      PLAIN: hello
"
    ))
    .file(".env", "FROM_FILE_TOKEN=tok-93b1-lantern\n");
    let read = case.read();
    let env = &read.application.services["api"].env;
    for (name, value) in [
        ("DB_PASSWORD", CANARY.to_owned()),
        ("DATABASE_URL", format!("postgres://app:{CANARY}@db:5432/app")),
        ("AUTH", format!("neo4j/{CANARY}")),
        ("COPY", format!("user={CANARY}")),
        ("FROM_FILE_TOKEN", "tok-93b1-lantern".to_owned()),
    ] {
        let reference = SecretRef::of_environment("api", name);
        assert_eq!(env[name], EnvValue::Secret(reference.clone()), "{name}");
        assert_eq!(read.secrets.get(&reference).map(SecretValue::reveal), Some(value.as_str()));
    }
    assert_eq!(env["PLAIN"], EnvValue::Text("hello".into()));
    assert!(!shown(&case).contains(CANARY) && !shown(&case).contains("lantern"));
}

#[test]
fn secrets_in_other_texts_are_replaced_by_placeholders() {
    let case = Case::of(
        "services:
  db:
    image: i
    command: serve --token=$API_TOKEN --name ${NAME}
    entrypoint: [run, 'prefix-${API_TOKEN}-suffix']
    environment: {SA_PASSWORD: example_123}
    healthcheck: {test: [CMD-SHELL, sqlcmd -P example_123 -Q 'SELECT 1']}
    labels: {auth: 'x ${API_TOKEN}', plain: y}
    build: {args: {NPM_TOKEN: npm-canary-1}}
    volumes: ['vol:/v']
volumes: {vol: {driver_opts: {o: 'username=u,password=${NFS_PASSWORD}'}}}
",
    )
    .variable("API_TOKEN", CANARY)
    .variable("NFS_PASSWORD", "nfs-canary-2")
    .variable("NAME", "shown");
    let read = case.read();
    let db = &read.application.services["db"];
    let reveal = |text: &str| read.secrets.reveal_in(text).unwrap();
    let command = db.command.clone().unwrap();
    assert_eq!(command[1], "--token=${secret:application:db:variable:API_TOKEN}");
    assert_eq!(reveal(&command[1]), format!("--token={CANARY}"));
    assert_eq!(command[3], "shown");
    assert_eq!(reveal(&db.entrypoint.clone().unwrap()[1]), format!("prefix-{CANARY}-suffix"));
    let Some(Probe::Shell(line)) = db.healthcheck.clone().map(|check| check.probe) else {
        panic!("no probe")
    };
    assert_eq!(line, "sqlcmd -P ${secret:application:db:env:SA_PASSWORD} -Q 'SELECT 1'");
    assert_eq!(reveal(&line), "sqlcmd -P example_123 -Q 'SELECT 1'");
    let label = SecretRef("application:db:native:Labels.auth".into());
    assert_eq!(db.native["docker"]["Labels"], json!({"auth": {"$secret": label.0}, "plain": "y"}));
    assert_eq!(read.secrets.get(&label).map(SecretValue::reveal), Some(&*format!("x {CANARY}")));
    let argument = &db.native["docker-build"]["buildargs"]["NPM_TOKEN"];
    assert_eq!(*argument, json!({"$secret": "application:db:build:native:buildargs.NPM_TOKEN"}));
    let options = &read.application.volumes["vol"].native["docker"]["DriverOpts"]["o"];
    assert!(options.get("$secret").is_some(), "{options}");
    for canary in [CANARY, "example_123", "npm-canary-1", "nfs-canary-2"] {
        assert!(!shown(&case).contains(canary), "{canary}");
    }
}

#[test]
fn words_in_use_are_no_secrets_elsewhere() {
    let case = Case::of(
        "services: {gitea: {image: gitea/gitea, command: gitea web, environment: {DB_PASSWD: gitea, DB_USER: gitea}}}\n",
    );
    let gitea = case.application().services["gitea"].clone();
    assert_eq!(gitea.command, Some(vec!["gitea".into(), "web".into()]));
    assert_eq!(gitea.env["DB_USER"], EnvValue::Text("gitea".into()));
    assert!(matches!(gitea.env["DB_PASSWD"], EnvValue::Secret(_)));
}

#[test]
fn secrets_and_configurations_keep_what_they_hold() {
    let case = Case::of(
        "services:
  s:
    image: i
    secrets: [signing, {source: api, target: api-key, mode: 0440}, absent]
    configs: [site, {source: inline, target: /etc/x}]
secrets:
  signing: {file: ./signing.txt}
  api: {environment: API_KEY}
  absent: {file: ./absent.txt}
  outside: {external: true}
configs:
  site: {file: site.conf}
  inline: {content: 'port = ${PORT:-80}'}
",
    )
    .file("signing.txt", "harbour-cedar-5581-fjord\n")
    .file("site.conf", "a: b\n")
    .variable("API_KEY", CANARY);
    let read = case.read();
    let mounts: Vec<String> = read.application.services["s"]
        .mounts
        .iter()
        .map(|m| format!("{:?} {} {}", m.source, m.target, m.read_only))
        .collect();
    assert_eq!(
        mounts,
        [
            "Secret(\"signing\") /run/secrets/signing true",
            "Secret(\"api\") /run/secrets/api-key true",
            "Secret(\"absent\") /run/secrets/absent true",
            "Config(\"site\") /site true",
            "Config(\"inline\") /etc/x true",
        ]
    );
    let held = |reference| read.secrets.get(&reference).map(SecretValue::reveal);
    assert_eq!(held(SecretRef::of_secret_file("signing")), Some("harbour-cedar-5581-fjord\n"));
    assert_eq!(held(SecretRef::of_secret_file("api")), Some(CANARY));
    assert_eq!(held(SecretRef::of_secret_file("absent")), None);
    assert_eq!(held(SecretRef::of_config_file("site")), Some("a: b\n"));
    assert_eq!(held(SecretRef::of_config_file("inline")), Some("port = 80"));
    let noted: Vec<&str> =
        read.application.keys.iter().filter(|k| k.note.is_some()).map(|k| k.key.as_str()).collect();
    assert_eq!(noted, ["secrets.absent", "secrets.outside"]);
    assert!(!shown(&case).contains("harbour") && !shown(&case).contains(CANARY));
}

#[test]
fn mistakes_never_repeat_a_secret() {
    let canaries = [CANARY, "tok_93b1/AZ+lantern==", "MIIBquartzvelvet0042"];
    for text in [
        // A map where a text is wanted.
        format!("services: {{s: {{image: i, environment: {{A_TOKEN: '{CANARY}', TLS_KEY: {{pem: MIIBquartzvelvet0042}}}}}}}}\n"),
        // A text where a map is wanted.
        format!("services: {{s: {{image: i, environment: 'DB_PASSWORD={CANARY}'}}}}\n"),
        format!("services: {{s: {{image: i, environment: [[DB_PASSWORD={CANARY}]]}}}}\n"),
        format!("services: {{s: {{image: i, environment: ['DB_PASSWORD ={CANARY}', X]}}}}\n"),
        // A variable in a place where its value is wrong.
        "services: {s: {image: i, ports: ['$A_TOKEN'], mem_limit: $A_TOKEN, restart: $A_TOKEN, depends_on: [$A_TOKEN]}}\n".to_owned(),
        "services: {s: {image: i, user: '${X:?ask $A_TOKEN}'}}\n".to_owned(),
        "services: {s: {image: i, volumes: ['$A_TOKEN:/x', '$A_TOKEN:'], networks: [$A_TOKEN]}}\n".to_owned(),
        "services: {s: {image: i, extends: $A_TOKEN}}\n".to_owned(),
        "include: [$A_TOKEN.yaml]\nservices: {s: {image: i}}\n".to_owned(),
        // A password that is also written somewhere else.
        format!("services: {{s: {{image: i, environment: {{A_TOKEN: '{CANARY}'}}, restart: '{CANARY}', '{CANARY}': x}}}}\n"),
    ] {
        let case = Case::of(&text).variable("A_TOKEN", canaries[1]);
        let mistakes = case.mistakes();
        assert!(!mistakes.is_empty(), "{text}");
        for canary in canaries {
            for start in 0..canary.len() - 6 {
                let part = &canary[start..start + 6];
                assert!(!shown(&case).contains(part), "{part} in {mistakes:?}");
            }
        }
    }
    let env =
        Case::of("services: {s: {image: i}}\n").file(".env", &format!("A={CANARY}\nB='{CANARY}\n"));
    assert_eq!(
        env.mistakes(),
        [".env:2:3: the quote ' is never closed (close it, or quote with the other kind)"]
    );
}

#[test]
fn the_place_of_a_wrong_value_is_told() {
    let text = "services:\n  api:\n    image: i\n    environment:\n      TLS_KEY: {pem: MIIBquartzvelvet0042}\n";
    assert_eq!(
        Case::of(text).mistakes(),
        [
            "compose.yaml:5:16: \"TLS_KEY\" takes a text, a number, true or false, or nothing, and this is a map"
        ]
    );
}

#[test]
fn requests_and_results_print_without_values() {
    let case = Case::of("services: {s: {image: i}}\n")
        .variable("X", CANARY)
        .file(".env", &format!("Y={CANARY}\n"));
    assert!(!format!("{:?} {:?}", case.request, case.read()).contains(CANARY));
}
