//! What providers are certified for.

use crate::directory::{THREE_PLACES, notices, read};

#[test]
fn what_is_stated_of_a_cloud_holds_in_each_of_its_regions() {
    let compliance = "cloud,region,framework,note,source,date\n\
        a,*,iso27001,scope is per service,list,2026-01\n\
        a,north,data-in-eea,,list,\n\
        b,east,hipaa,,,\n";
    let catalog = read(&[THREE_PLACES, ("compliance.csv", compliance)]);
    let stated: Vec<_> = catalog
        .certifications
        .iter()
        .map(|c| {
            let note = c.note.as_deref().unwrap_or("-");
            let source = &c.source;
            format!(
                "{} {} {} {note} {} {}",
                c.cloud, c.region, c.framework, source.name, source.date
            )
        })
        .collect();
    assert_eq!(
        stated,
        [
            "a north data-in-eea - list ",
            "a north iso27001 scope is per service list 2026-01",
            "a south iso27001 scope is per service list 2026-01",
            "b east hipaa - not stated ",
        ]
    );
    assert_eq!(catalog.certifications_in("a", "north").len(), 2);
    assert_eq!(catalog.certifications_in("b", "west").len(), 0);
    assert_eq!(notices(&catalog), [""; 0]);
}

#[test]
fn rows_that_are_of_no_use_are_told() {
    let compliance = "cloud,region,framework\n\
        a,north,\n\
        a,nroth,iso27001\n\
        c,*,iso27001\n\
        a,north,hipaa\n\
        a,north,hipaa\n";
    let catalog = read(&[THREE_PLACES, ("compliance.csv", compliance)]);
    assert_eq!(catalog.certifications.len(), 1);
    assert_eq!(
        notices(&catalog),
        [
            "compliance.csv:2:9: catalogue error: framework is empty; the row is not used",
            "compliance.csv:3:1: catalogue error: no table of regions, zones or offers knows nroth \
             of a; the row is not used",
            "compliance.csv:4:1: catalogue error: no table of regions, zones or offers knows c; \
             the row is not used",
            "compliance.csv:5:1: the row is not used: compliance.csv:6:1 says the same key again \
             (remove one of the rows)",
        ]
    );
}
