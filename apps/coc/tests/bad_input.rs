//! Wrong input of every kind: exit code 2, every mistake at its place, and nothing changed. The
//! texts people read are golden; inputs are in the folder beside this file, or made here where no
//! repository should hold them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// The state's folder, which no wrong input may bring into being.
const STATE: &str = "state";

fn coc(folder: &Path, state: &Path, arguments: &str) -> Output {
    // The shell bounds the memory of the program, so that no input can take more.
    Command::new("sh")
        .args(["-c", "ulimit -v 2097152 && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_coc")])
        .arg("--dir")
        .arg(state)
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .unwrap()
}

/// What a command says and how it ends; neither a state nor any file may come of it.
fn said(folder: &Path, arguments: &str) -> (String, Option<i32>) {
    let elsewhere = tempfile::tempdir().unwrap();
    let state = elsewhere.path().join(STATE);
    let before = names(folder);
    let output = coc(folder, &state, arguments);
    assert!(!state.exists(), "coc {arguments} left a state");
    assert_eq!(names(folder), before, "coc {arguments} left files");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let said = text(output.stderr);
    assert!(!said.contains("canary"), "coc {arguments} tells a secret: {said}");
    let code = output.status.code();
    let end = code.map_or_else(|| output.status.to_string(), |code| format!("exit {code}"));
    (format!("$ coc {arguments}\n{}{said}{end}\n", text(output.stdout)), code)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// What some commands over the inputs beside this file say, all of which must be refused.
fn refused(commands: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_input");
    refused_in(&folder, commands)
}

fn refused_in(folder: &Path, commands: &[&str]) -> String {
    let told: Vec<String> = commands
        .iter()
        .map(|arguments| {
            let (said, code) = said(folder, arguments);
            assert_eq!(code, Some(2), "{said}");
            said
        })
        .collect();
    told.join("\n")
}

/// Compares with the golden text of a name.
fn golden(name: &str, said: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("bad_input/golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, said));
}

#[test]
fn unknown_keys_wrong_types_and_wrong_units() {
    golden(
        "keys_types_units",
        &refused(&[
            "plan compose.yaml",
            "plan kubernetes.yaml",
            "plan native.yaml",
            "plan application.yaml --clouds clouds.yaml",
            "plan application.yaml --clouds drivers.yaml",
        ]),
    );
}

#[test]
fn circles_are_told_whole() {
    golden(
        "circles",
        &refused(&[
            "plan include-a.yaml",
            "plan extends.yaml",
            "plan waits.yaml",
            "plan networks.yaml",
            "plan native-waits.yaml",
            "plan alias.yaml",
        ]),
    );
}

#[test]
fn goals_are_wrong_at_their_argument_and_expressions_at_their_column() {
    golden(
        "goals",
        &refused(&[
            "plan application.yaml --goals goals.yaml",
            "plan application.yaml --goals expressions.yaml",
            "plan application.yaml --goals others.yaml",
            "check application.yaml others.yaml",
            "plan application.yaml --goals application.yaml",
            "plan application.yaml --goals clouds.yaml",
        ]),
    );
}

#[test]
fn files_that_can_not_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    fs::create_dir(folder.path().join("cellar")).unwrap();
    put("latin.yaml", b"services:\n  d\xc3\xa9p\xf4t: {image: a}\n");
    put("empty.yaml", b"");
    put("zero.yaml", b"services:\0\n");
    put("includes.yaml", b"include: [latin.yaml, cellar, absent.yaml]\n");
    put("application.yaml", b"services: {a: {image: a}}\n");
    put("latin.json", b"{\n\"plan\": \"\xff\"}");
    golden(
        "unreadable",
        &refused_in(
            folder.path(),
            &[
                "plan absent.yaml",
                "plan cellar",
                "plan latin.yaml",
                "plan empty.yaml",
                "plan zero.yaml",
                "plan includes.yaml",
                "plan application.yaml --goals absent.yaml --clouds cellar",
                "verify absent.json",
                "explain cellar",
                "verify latin.json",
                "apply absent.yaml --yes",
                "mount latin.yaml",
            ],
        ),
    );
}

#[test]
fn files_that_hold_something_else() {
    golden(
        "something_else",
        &refused(&[
            "plan broken.yaml",
            "plan twice.yaml",
            "plan goals.yaml",
            "plan application.yaml native.yaml",
            "verify plan.json",
            "explain application.yaml",
            "apply plan.json --yes",
            "mount application.yaml",
        ]),
    );
}

#[test]
fn queries_and_options() {
    golden(
        "queries",
        &refused(&[
            "offers vcpu>=\"8\"",
            "offers vcpux>=8",
            "offers vcpu>=8&&",
            "plan application.yaml --time soon",
            "plan application.yaml --gap -1%",
        ]),
    );
}

/// A row of a catalog that states a negative price, or none, is told and never a candidate; what
/// has no row left that can be bought has no plan. A table that is broken is refused.
#[test]
fn rows_of_a_catalog() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_input");
    let mut told = Vec::new();
    for (catalog, due) in [("half-priced", 0), ("unpriced", 3), ("short-row", 2), ("absent", 2)] {
        let (said, code) = said(&folder, &format!("plan application.yaml --catalog {catalog}"));
        assert_eq!(code, Some(due), "{said}");
        told.push(said);
    }
    // The name of the plan and the time its proof took are no matter here.
    let told = told.join("\n");
    let lines = told.lines().map(|line| if line.starts_with("Plan ") { "Plan" } else { line });
    golden("catalogs", &lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn verbs_over_nothing_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let told: Vec<String> = [
        "status",
        "status depot",
        "resources depot",
        "history depot",
        "destroy depot --yes",
        "unmount lab",
        "clouds",
    ]
    .iter()
    .map(|arguments| said(folder.path(), arguments).0)
    .collect();
    golden("over_nothing", &told.join("\n"));
}

/// Files that nest or grow without end, by name.
fn monsters() -> (TempDir, Vec<&'static str>) {
    const DEEP: usize = 10_000;
    let nested = |open: &str, close: &str| open.repeat(DEEP) + &close.repeat(DEEP);
    let that = |text: &str| format!("require:\n  - that: '{text}'\n");
    let bomb = (1..12).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, i| {
        let aliases = vec![format!("*a{}", i - 1); 9].join(", ");
        text + &format!("a{i}: &a{i} [{aliases}]\n")
    });
    let blocks: String = (0..1_000).map(|i| " ".repeat(i) + "a:\n").collect();
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("plan lists.yaml", "lists.yaml", format!("services: {}\n", nested("[", "]"))),
        ("plan maps.yaml", "maps.yaml", format!("services: {}\n", nested("{a: ", "}"))),
        ("plan blocks.yaml", "blocks.yaml", blocks),
        ("plan dashes.yaml", "dashes.yaml", "- ".repeat(DEEP) + "a\n"),
        ("plan bomb.yaml", "bomb.yaml", bomb + "services: {a: {image: a}}\n"),
        (
            "plan variables.yaml",
            "variables.yaml",
            format!("services: {{a: {{image: \"{}\"}}}}\n", nested("${A:-", "}")),
        ),
        ("verify deep.json", "deep.json", format!("{{\"later\": {}}}", nested("[", "]"))),
        (
            "plan good.yaml --goals brackets.yaml",
            "brackets.yaml",
            that(&format!("{} < 2", nested("(", ")"))),
        ),
        (
            "plan good.yaml --goals squares.yaml",
            "squares.yaml",
            that(&format!("{} == 2", nested("[", "]"))),
        ),
        ("plan good.yaml --goals nots.yaml", "nots.yaml", that(&("!".repeat(DEEP) + "true"))),
        ("plan good.yaml --goals sum.yaml", "sum.yaml", that(&("1 + ".repeat(DEEP) + "1 < 2"))),
        (
            "plan good.yaml --goals choices.yaml",
            "choices.yaml",
            that(&("true ? true : ".repeat(DEEP) + "true")),
        ),
        (
            "plan good.yaml --goals long.yaml",
            "long.yaml",
            that(&format!("cost < usd({})", "1".repeat(DEEP))),
        ),
    ];
    fs::write(folder.path().join("good.yaml"), "services: {a: {image: a}}\n").unwrap();
    for (_, name, text) in &files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    (folder, files.iter().map(|(arguments, _, _)| *arguments).collect())
}

#[test]
fn nesting_and_growth_have_bounds() {
    let (folder, commands) = monsters();
    golden("monsters", &refused_in(folder.path(), &commands));
}

/// Fifty megabytes of honest YAML are refused before they are read, by every reader; a file just
/// within the bound on bytes ends at the bound on nodes, within the memory that `coc` is given here.
#[test]
fn large_files_have_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let services = |bytes: usize| {
        let mut text = "services:\n".to_owned();
        let mut number = 0;
        while text.len() < bytes {
            text.push_str(&format!("  s{number}: {{image: a}}\n"));
            number += 1;
        }
        text
    };
    let put = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    put("large.yaml", services(50_000_000));
    put("many.yaml", services(25_000_000));
    put("includes.yaml", "include: [large.yaml]\n".to_owned());
    put("variables.yaml", "services: {a: {image: a, env_file: large.yaml}}\n".to_owned());
    put("good.yaml", "services: {a: {image: a}}\n".to_owned());
    golden(
        "large",
        &refused_in(
            folder.path(),
            &[
                "plan large.yaml",
                "plan good.yaml --goals large.yaml",
                "plan good.yaml --clouds large.yaml",
                "plan includes.yaml",
                "plan variables.yaml",
                "verify large.yaml",
                "mount large.yaml",
                "plan many.yaml",
            ],
        ),
    );
}
