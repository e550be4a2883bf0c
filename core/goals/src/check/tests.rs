use super::*;
use crate::syntax::{Source, parse};
use coc_model::mistake::Position;

fn told(text: &str) -> String {
    let at = Position { file: "g".into(), line: 1, column: 1 };
    let source = Source::written(&coc_model::goals::Located { value: text.to_owned(), at });
    let names = Names { services: ["web", "db"].iter().map(|s| (*s).to_owned()).collect() };
    let checked = parse(source).and_then(|p| check(&p, &names));
    match checked {
        Ok(e) => e.gives.words(),
        Err(m) => m.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    }
}

#[test]
fn the_expressions_of_the_design_have_their_types() {
    for (text, gives) in [
        ("monthly(sum(hosts, h, h.price)) <= usd(5000)", "true or false"),
        ("replicas(\"db\").all(r, latency(r, \"web\") <= ms(20))", "true or false"),
        ("latency(\"web\", \"db\")", "a time"),
        ("cost", "money per month"),
        ("distinct(replicas(\"web\"), r, r.cloud) >= 2", "true or false"),
        ("skew(replicas([\"web\", \"db\"]), r, r.zone) <= 1", "true or false"),
        ("services.all(s, replicas(s).all(r, inside(r, [\"EU\", \"CH\"])))", "true or false"),
        ("sum(hosts, h, h.memory) > GiB(64) || count(hosts) in [1, 2]", "true or false"),
        ("hosts.all(h, h[\"aws.ec2.nitro\"] == true)", "true or false"),
        ("replicas(\"web\").all(r, replicas(\"db\").all(q, r.host != q.host))", "true or false"),
        ("cost > usd(100) ? count(hosts) <= 2 : true", "true or false"),
        ("0.6 * cost - usd(3)", "money per month"),
        ("carbon", "carbon per month"),
        ("replicas(\"db\").all(r, !r.spot) && count(hosts, h, h.spot) <= 2", "true or false"),
        ("carbon <= kg(20) && sum(hosts, h, h.carbon) < grams(500.5)", "true or false"),
        ("max(replicas(), r, r.carbonIntensity) <= 300", "true or false"),
        ("replicas(\"db\").all(r, certified(r, \"iso27001\"))", "true or false"),
        ("count(hosts, h, !certified(h, [\"iso27001\", \"hipaa\"])) == 0", "true or false"),
    ] {
        assert_eq!(told(text), gives, "{text}");
    }
}

#[test]
fn queries_call_properties_by_their_bare_names() {
    let told = |text: &str| {
        let at = Position { file: "query".into(), line: 1, column: 1 };
        let source = Source::written(&coc_model::goals::Located { value: text.to_owned(), at });
        match parse(source).and_then(|p| check_query(&p)) {
            Ok(query) => query.gives.words(),
            Err(m) => m.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        }
    };
    assert_eq!(told("vcpu>=8 && area==\"EU\" && price<usd(0.4)"), "true or false");
    assert_eq!(told("inside(it, \"EU\") && it[\"gpu.memory\"] >= 24"), "true or false");
    assert_eq!(told("vcpus >= 8"), "query:1:1: offers have no \"vcpus\" (did you mean \"vcpu\"?)");
    assert_eq!(told("price"), "query:1:1: a query is true or false, not money per hour");
}

#[test]
fn mistakes_are_told_at_their_columns() {
    for (text, message) in [
        (
            "cost <= 5000",
            "g:1:1: money per month and a plain number can't be compared (give the number its unit: usd(5))",
        ),
        (
            "sum(hosts, h, h.price) <= cost",
            "g:1:1: money per hour and money per month can't be compared (hourly(…), monthly(…) and yearly(…) turn money for one time into money for another)",
        ),
        (
            "replicas(\"wbe\").all(r, r.cloud == \"a\")",
            "g:1:10: no service is called \"wbe\" (did you mean \"web\"?)",
        ),
        (
            "replicas(\"web\").all(r, r.colud == \"a\")",
            "g:1:24: a replica has no \"colud\" (did you mean \"cloud\"?)",
        ),
        (
            "replicas(web).all(r, true)",
            "g:1:10: nothing is called \"web\" (a service is named in quotes: \"web\")",
        ),
        (
            "latency(\"web\", 5) < ms(1)",
            "g:1:16: a replica or the name of a service is due here, not a plain number",
        ),
        (
            "usd(5) * usd(5) < cost",
            "g:1:1: an amount of money and an amount of money can't be multiplied",
        ),
        (
            "cots < usd(5) && count(hsots) < 5",
            "g:1:1: nothing is called \"cots\" (did you mean \"cost\"?); g:1:24: nothing is called \"hsots\" (did you mean \"hosts\"?)",
        ),
        (
            "hosts.sum(h, h.price) < usd(5)",
            "g:1:1: \"sum\" is called with the list as its first argument (sum(list, variable, expression))",
        ),
        ("hosts.all(h, h.spot <= 2)", "g:1:14: true or false and a plain number can't be compared"),
        (
            "carbon <= 20",
            "g:1:1: carbon per month and a plain number can't be compared (give the number its unit: kg(20))",
        ),
        (
            "hosts.all(h, h.carbonIntensity <= grams(300))",
            "g:1:14: a plain number and carbon per month can't be compared (give the number its unit: kg(20))",
        ),
        ("cost + carbon > usd(1)", "g:1:1: money per month and carbon per month can't be added"),
        (
            "services.all(s, certified(s, \"hipaa\"))",
            "g:1:27: a replica or a host is due here, not a service",
        ),
        (
            "hosts.all(h, certified(h))",
            "g:1:14: \"certified\" takes a replica or host, and a framework: certified(r, \"iso27001\")",
        ),
        (
            "hosts.all(h, certified(h, [\"hipaa\", h.cloud]))",
            "g:1:27: the name of a framework is due here, or a list of names",
        ),
        (
            "hosts.all(h, certifed(h, \"hipaa\"))",
            "g:1:14: no function is called \"certifed\" (did you mean \"certified\"?)",
        ),
        ("1 / 0 < 2", "g:1:1: this divides by zero"),
        ("{\"a\": 1}", "g:1:1: maps, structs and optional values have no use in goals"),
    ] {
        assert_eq!(told(text), message, "{text}");
    }
}
