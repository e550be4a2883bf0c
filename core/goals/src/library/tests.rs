use super::*;
use coc_model::goals::{Definition, DefinitionBody, FieldDefinition, FormDefinition};
use serde_json::json;

fn expanded(name: &str, arguments: &Value) -> String {
    let at = Position { file: "g".into(), line: 1, column: 1 };
    let located = |value: &Value| Located { value: value.clone(), at: at.clone() };
    let (named, short) = match arguments {
        Value::Object(map) => (map.iter().map(|(k, v)| (k.clone(), located(v))).collect(), None),
        single => (BTreeMap::new(), Some(located(single))),
    };
    let services = ["a", "b", "db", "web"].map(ToOwned::to_owned).into();
    let used = Use { name, arguments: &named, short: short.as_ref(), at: &at, services: &services };
    match expand(&standard_library(), used) {
        Ok(text) => text,
        Err(m) => m.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    }
}

#[test]
fn named_goals_expand() {
    for (name, arguments, text) in [
        (
            "within",
            json!({"services": ["db"], "area": "EU"}),
            "replicas([\"db\"]).all(r, inside(r, [\"EU\"]))",
        ),
        ("within", json!({"cloud": ["a", "b"]}), "replicas().all(r, r.cloud in [\"a\", \"b\"])"),
        (
            "spread",
            json!({"service": "web", "over": "cloud", "atLeast": 2}),
            "distinct(replicas([\"web\"]), r, r.cloud) >= 2",
        ),
        (
            "spread",
            json!({"service": "web", "over": "zone"}),
            "skew(replicas([\"web\"]), r, r.zone) <= 1",
        ),
        (
            "avoid",
            json!({"attribute": "pool", "value": "gpu", "cloud": "a"}),
            "replicas().all(r, !(r.cloud in [\"a\"])) && (replicas().all(r, !known(r[\"pool\"]) || r[\"pool\"] != \"gpu\"))",
        ),
        (
            "availability",
            json!({"keeps": "60%", "losing": "cloud"}),
            "services.all(s, clouds.all(p, count(replicas(s), r, r.cloud != p) >= 0.6 * count(replicas(s))))",
        ),
        ("quota", json!({"hosts": 3}), "count(hosts, h, true) <= 3"),
        (
            "quota",
            json!({"vcpu": 8, "cloud": "a", "place": "EU"}),
            "sum(hosts, h, (h.cloud in [\"a\"] && inside(h, [\"EU\"])) ? h.vcpu : 0) <= 8",
        ),
        (
            "majority",
            json!({"service": "db"}),
            "[\"db\"].all(s, zones.all(p, 2 * count(replicas(s), r, r.zone == p) < count(replicas(s))))",
        ),
        ("stay", json!({}), "moved == 0"),
        ("budget", json!("120 USD/month"), "cost <= usd(120)"),
        ("budget", json!({"atMost": "1 USD/hour"}), "cost <= usd(1) * 730"),
        (
            "latency",
            json!({"from": "web", "to": "db", "atMost": "20ms"}),
            "latency(\"web\", \"db\") <= us(20000)",
        ),
        (
            "apart",
            json!({"services": ["a", "b"]}),
            "replicas([\"a\", \"b\"]).all(r, replicas([\"a\", \"b\"]).all(q, r == q || r.host != q.host))",
        ),
    ] {
        assert_eq!(expanded(name, &arguments), text);
    }
}

#[test]
fn mistakes_in_arguments_are_told() {
    for (name, arguments, message) in [
        ("witin", json!({}), "g:1:1: no goal is called \"witin\" (did you mean \"within\"?)"),
        (
            "within",
            json!({"services": ["db"], "aera": "EU"}),
            "g:1:1: \"within\" takes no argument \"aera\" (did you mean \"area\"?)",
        ),
        (
            "spread",
            json!({"service": "web", "over": "planet"}),
            "g:1:1: \"over\" takes one of cloud, region, zone, country, area, host, not \"planet\"",
        ),
        (
            "within",
            json!({"services": ["db", "wbe"], "area": "EU"}),
            "g:1:1: no service is called \"wbe\" (did you mean \"web\"?)",
        ),
        (
            "budget",
            json!({"atMost": "120 EUR/month"}),
            "g:1:1: \"atMost\" takes an amount per month like 120 USD/month, not \"120 EUR/month\"",
        ),
        (
            "latency",
            json!({"from": "a"}),
            "g:1:1: \"latency\" lacks an argument: it takes from + to + atMost, or between + atMost, or atMost",
        ),
        (
            "avoid",
            json!({"area": "EU", "value": 5}),
            "g:1:1: \"value\" has no effect with these arguments (it goes with attribute)",
        ),
        ("stay", json!(5), "g:1:1: \"stay\" takes arguments by name (it takes none)"),
        (
            "within",
            json!("EU"),
            "g:1:1: \"within\" takes arguments by name (it takes area, cloud, country, place, region, services, zone)",
        ),
    ] {
        assert_eq!(expanded(name, &arguments), message);
    }
}

#[test]
fn quotes_in_arguments_can_not_escape() {
    let text = expanded("within", &json!({"area": "EU\"]) || true || inside(r, [\""}));
    assert_eq!(text, "replicas().all(r, inside(r, [\"EU\\\"]) || true || inside(r, [\\\"\"]))");
}

/// The shipped goals as definitions, so that what is asked of people's own is asked of them.
fn definitions(library: &Library) -> Vec<Definition> {
    let at = || Position { file: "library.json".into(), line: 1, column: 1 };
    let located = |text: &String| Located { value: text.clone(), at: at() };
    let forms = |forms: &Vec<Form>| -> Vec<FormDefinition> {
        let names = |names: &Vec<String>| names.iter().map(located).collect();
        let form = |f: &Form| FormDefinition {
            when: names(&f.when),
            unless: names(&f.unless),
            that: located(&f.that),
        };
        forms.iter().map(form).collect()
    };
    let field = |(name, field): (&String, &Field)| {
        let takes = Located { value: field.takes.name().to_owned(), at: at() };
        let default = field.default.clone().map(|value| Located { value, at: at() });
        (located(name), FieldDefinition { takes, about: field.about.clone(), default })
    };
    let goals = library.goals.iter().map(|goal| Definition {
        name: located(&goal.name),
        about: goal.about.clone(),
        short: goal.short.as_ref().map(located),
        policy: goal.policy,
        fields: goal.fields.iter().map(field).collect(),
        parts: goal.parts.iter().map(|(n, p)| (located(n), forms(p))).collect(),
        body: DefinitionBody::Forms(forms(&goal.forms)),
        at: at(),
    });
    let numbers = library.numbers.iter().map(|number| Definition {
        name: located(&number.name),
        about: number.about.clone(),
        short: None,
        policy: None,
        fields: Vec::new(),
        parts: Vec::new(),
        body: DefinitionBody::Number(located(&number.number)),
        at: at(),
    });
    goals.chain(numbers).collect()
}

#[test]
fn the_shipped_library_is_sound() {
    let shipped = standard_library();
    match Library::default().with(&definitions(&shipped), None) {
        Ok(read) => assert_eq!(read, shipped),
        Err(mistakes) => panic!("{mistakes}"),
    }
    for goal in &shipped.goals {
        assert!(goal.about.ends_with('.'), "{}", goal.name);
        assert!(goal.fields.values().all(|field| !field.about.is_empty()), "{}", goal.name);
    }
    assert!(shipped.numbers.iter().all(|number| number.about.ends_with('.')));
}
