//! Wrong input: exit code 2, every mistake at its place, and nothing changed.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::folder::{Folder, Run};

/// Enough to say no to anything, in KiB.
const LITTLE_MEMORY: u64 = 1 << 20;

fn folder() -> Folder {
    Folder::named("wrong")
}

/// What was said of wrong input, after it was found to be refused and nothing to be changed.
fn refused(folder: &Folder, words: &str) -> String {
    said(folder, words, folder.run(words))
}

fn said(folder: &Folder, words: &str, run: Run) -> String {
    assert_eq!((run.exit, &*run.out), (2, ""), "{words}: {}", run.says);
    assert!(run.says.ends_with(" nothing changed.\n"), "{words}: {}", run.says);
    assert!(!folder.has(".coc"), "{words} wrote a state");
    run.says
}

/// The first mistake, in a line.
fn first(says: &str) -> String {
    let mut lines = says.lines().skip_while(|line| !line.starts_with("error: "));
    let (says, at) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    format!("{says} | {}", at.trim_start())
}

#[test]
fn unknown_keys_and_wrong_types_and_units() {
    for name in ["keys-compose", "keys-native", "keys-kubernetes", "keys-clouds"] {
        insta::assert_snapshot!(name, refused(&folder(), &format!("check {name}.yaml")));
    }
}

#[test]
fn circles_name_everybody_in_them() {
    let files = ["include-a", "extend-a", "wait", "refer"];
    let says = files.map(|file| refused(&folder(), &format!("plan circles/{file}.yaml")));
    insta::assert_snapshot!("circles", says.concat());
}

/// Files that can't be read, in each place where a file is named.
#[test]
fn unreadable_files_are_told_wherever_they_are_named() {
    let folder = folder().with_bytes("bytes.yaml", b"services:\n  w: {image: \"\xff\xfe\"}\n");
    let mut list = String::new();
    for file in ["absent.yaml", "circles", "bytes.yaml"] {
        for words in [
            "check FILE",
            "plan FILE",
            "plan app.yaml FILE",
            "plan app.yaml --goals FILE",
            "plan app.yaml --clouds FILE",
            "plan app.yaml --catalog FILE",
            "offers --catalog FILE",
            "mount FILE",
            "verify FILE",
            "explain FILE",
            "apply FILE --yes",
        ] {
            let words = words.replace("FILE", file);
            writeln!(list, "{words}: {}", first(&refused(&folder, &words))).unwrap();
        }
    }
    insta::assert_snapshot!("unreadable", list);
}

#[test]
fn goals_are_wrong_at_their_columns() {
    insta::assert_snapshot!("goals", refused(&folder(), "plan app.yaml --goals goals.yaml"));
    // What no place is called is known only when there are clouds: they are not written either.
    for words in [
        "plan app.yaml --goals places.yaml --catalog catalog",
        "plan app.yaml --goals places.yaml --clouds clouds.yaml",
        "apply app.yaml --goals places.yaml --clouds clouds.yaml --yes",
    ] {
        let says = refused(&folder(), words);
        let mistake = "error: no place of these clouds is called \"Mars\"";
        assert_eq!(first(&says), format!("{mistake} | ┌─ places.yaml:3:39"), "{words}");
    }
}

#[test]
fn queries_are_wrong_at_their_columns() {
    let says = refused(&folder(), "offers vcpu>=8&&aera==\"EU\" --catalog catalog");
    insta::assert_snapshot!("query", says);
}

#[test]
fn profiles_are_wrong_at_their_lines() {
    for words in ["mount spoilt.yaml", "plan app.yaml --clouds spoilt.yaml"] {
        insta::assert_snapshot!("profile", refused(&folder(), words));
    }
    let says = refused(&folder(), "apply app.yaml --clouds spoilt.yaml --yes");
    assert!(says.contains("profile.yaml:"), "{says}");
}

#[test]
fn plans_that_were_spoilt_are_no_plans() {
    let made = folder().run("plan app.yaml --clouds clouds.yaml --json");
    let (cut, _) = made.out.split_at(made.out.len() / 2);
    let cases = [
        ("cut.json", cut.to_owned()),
        ("status.json", made.out.replace("\"optimal\"", "\"splendid\"")),
        ("type.json", made.out.replace("\"placements\": [", "\"placements\": [7, ")),
    ];
    for (file, text) in cases {
        assert_ne!(text, made.out, "{file}");
        let folder = folder().and(file, &text);
        for verb in ["verify", "explain", "apply --yes"] {
            let says = refused(&folder, &format!("{verb} {file}"));
            let line = first(&says);
            assert!(line.starts_with("error: this is no plan: "), "{verb}: {says}");
            assert!(line.contains(&format!("| ┌─ {file}:")), "{verb}: {says}");
            assert!(!line.ends_with(":1:1"), "{verb}: {says}");
        }
    }
}

/// A wrong row is told at its place and not used; the rest of the table is.
#[test]
fn catalog_rows_without_a_price_that_can_be_are_told_and_not_used() {
    let run = folder().run("plan app.yaml --catalog spoilt-catalog");
    assert_eq!(run.exit, 0, "{}", run.says);
    insta::assert_snapshot!("catalog", run.says);
    assert!(run.out.contains("fair-2"), "{}", run.out);
    // A table without anything to rest a plan on is no reason to guess.
    let unpriced = "cloud,instance_type,region,vcpus,memory_gib\nloam,fair-2,v,2,4\n";
    let folder = folder().with_bytes("spoilt-catalog/offers.csv", unpriced.as_bytes());
    let none = folder.run("plan app.yaml --catalog spoilt-catalog");
    assert_eq!(none.exit, 3, "{}", none.says);
    let says = "these clouds have no machine of known size and price";
    assert!(none.out.contains(says), "{}", none.out);
}

#[test]
fn a_table_without_its_columns_is_no_catalog() {
    let folder = folder().with_bytes("spoilt-catalog/offers.csv", b"name,price\nx,1\n");
    insta::assert_snapshot!("columns", refused(&folder, "plan app.yaml --catalog spoilt-catalog"));
}

/// Ten thousand brackets in each other, of every kind and in every place.
#[test]
fn deep_nesting_is_told_where_it_gets_too_deep() {
    let deep = |open: &str, close: &str| open.repeat(10_000) + &close.repeat(10_000);
    let goal = |that: &str| format!("kind: Goals\nrequire:\n  - that: '{that}'\n");
    let block: String = (0..10_000).map(|depth| format!("{:depth$}a:\n", "")).collect();
    let folder = folder()
        .and("list.yaml", &format!("services: {}\n", deep("[", "]")))
        .and("map.yaml", &format!("services: {}\n", deep("{a: ", "}")))
        .and("block.yaml", &format!("services:\n{block}"))
        .and("list.json", &deep("[", "]"))
        .and("plan.json", &"{\"plan\":".repeat(10_000))
        .and("round.yaml", &goal(&format!("cost <= usd({}5{})", "(".repeat(10_000), ")".repeat(10_000))))
        .and("square.yaml", &goal(&deep("[", "]")))
        .and("not.yaml", &goal(&("!".repeat(10_000) + "true")))
        .and("all.yaml", &goal(&deep("services.all(s, ", ")")));
    let mut list = String::new();
    for words in [
        "plan list.yaml",
        "plan map.yaml",
        "plan block.yaml",
        "plan list.json",
        "verify plan.json",
        "apply plan.json --yes",
        "plan app.yaml --goals round.yaml",
        "plan app.yaml --goals square.yaml",
        "plan app.yaml --goals not.yaml",
        "plan app.yaml --goals all.yaml",
        "plan app.yaml --clouds map.yaml",
        "mount list.yaml",
    ] {
        let says = said(&folder, words, folder.run_within(LITTLE_MEMORY, words));
        writeln!(list, "{words}: {}", first(&says)).unwrap();
    }
    insta::assert_snapshot!("deep", list);
}

/// Fifty megabytes in each place where a file is named: said no to in little memory, and soon.
#[test]
fn large_files_are_refused_soon_and_in_little_memory() {
    let large = "# fifty megabytes\n".repeat(50_000_000 / 18);
    let folder = folder().and("large.yaml", &large);
    let begun = Instant::now();
    for words in [
        "check large.yaml",
        "plan large.yaml",
        "plan app.yaml --goals large.yaml",
        "plan app.yaml --clouds large.yaml",
        "mount large.yaml",
        "verify large.yaml",
        "explain large.yaml",
        "apply large.yaml --yes",
    ] {
        let says = said(&folder, words, folder.run_within(LITTLE_MEMORY, words));
        let mistake = "error: the file has over 32 MiB, the most that is read";
        assert_eq!(first(&says), format!("{mistake} | ┌─ large.yaml:1:1"), "{words}");
    }
    // Reading all of it once would take seconds.
    assert!(begun.elapsed() < Duration::from_secs(60), "it took {:?}", begun.elapsed());
}

/// Files as large as is allowed, full of what takes the most work.
#[test]
fn files_of_the_size_allowed_are_read_in_bounded_memory() {
    let most = 32 << 20;
    let filled = |start: &str, with: &str| start.to_owned() + &with.repeat((most - start.len()) / with.len());
    let mut levels = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (last, next) in ('a'..'m').zip('b'..) {
        let again = format!("*{last}, ").repeat(10);
        writeln!(levels, "{next}: &{next} [{again}]").unwrap();
    }
    for (file, text) in [
        ("scalars.yaml", filled("services: [", "a,")),
        ("keys.yaml", filled("services:\n", "  ? a\n")),
        ("unknown.yaml", filled("services:\n  w:\n    image: x\n", "    - b\n")),
        ("quoted.yaml", filled("services: \"", "é")),
        ("aliases.yaml", levels),
    ] {
        let folder = folder().and(file, &text);
        for words in ["check FILE", "plan app.yaml --goals FILE"] {
            let words = words.replace("FILE", file);
            let begun = Instant::now();
            said(&folder, &words, folder.run_within(4 << 20, &words));
            assert!(begun.elapsed() < Duration::from_secs(60), "{words}: {:?}", begun.elapsed());
        }
    }
}

/// Looking leaves no trace, whatever is looked for.
#[test]
fn verbs_that_look_write_no_state() {
    let folder = folder();
    for (words, exit) in [
        ("clouds --json", 0),
        ("status --json", 0),
        ("resources --json", 0),
        ("history --json", 0),
        ("status nothing --json", 1),
        ("unmount nothing --json", 1),
        ("destroy nothing --yes --json", 1),
        ("plan app.yaml --clouds clouds.yaml --json", 0),
        ("apply app.yaml --clouds clouds.yaml --dry-run --json", 0),
        ("apply app.yaml --clouds clouds.yaml --json", 1),
        ("apply app.yaml --yes --json", 1),
    ] {
        let run = folder.run(words);
        assert_eq!(run.exit, exit, "{words}: {}", run.says);
        assert!(!folder.has(".coc"), "{words} wrote a state");
    }
}
