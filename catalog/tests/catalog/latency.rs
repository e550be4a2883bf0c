//! Round trips.

use crate::directory::{THREE_PLACES, notices, read, region};

#[test]
fn round_trips_are_microseconds_with_their_kind_and_source() {
    let latency = "from_cloud,from_region,to_cloud,to_region,rtt_ms,kind,source,date\n\
        a,north,a,south,4.5,measured,pings,2026-01\n\
        a,south,a,north,5,,,\n\
        a,north,b,east,0.0123,estimated,line,\n\
        a,north,a,north,1.0001,measured,pings,2026-01\n";
    let catalog = read(&[THREE_PLACES, ("latency.csv", latency)]);
    let [north, south, east] =
        [("a", "north"), ("a", "south"), ("b", "east")].map(|(c, r)| region(&catalog, c, r));
    for (from, to, expected) in [
        (north, south, Some((4500, false, Some("pings 2026-01")))),
        (south, north, Some((5000, false, None))),
        (north, east, Some((13, true, Some("line ")))),
        (east, north, Some((13, true, Some("line ")))),
        (north, north, Some((1001, false, Some("pings 2026-01")))),
        (south, east, None),
    ] {
        let found = catalog.routes.sourced_latency(from, to).map(|l| {
            let source = l.source.as_ref().map(|s| format!("{} {}", s.name, s.date));
            (l.latency.round_trip.0, l.latency.estimated, source)
        });
        let expected = expected.map(|(us, est, source)| (us, est, source.map(str::to_owned)));
        assert_eq!(found, expected, "{from:?} {to:?}");
    }
    assert!(catalog.notices.is_empty());
}

#[test]
fn what_is_said_of_a_pair_comes_before_what_is_said_of_all() {
    let latency = "from_cloud,from_region,to_cloud,to_region,rtt_ms\n\
        a,north,b,east,1\na,*,b,*,2\na,*,a,=,3\na,north,a,*,4\n";
    let catalog = read(&[THREE_PLACES, ("latency.csv", latency)]);
    let [north, south, east] =
        [("a", "north"), ("a", "south"), ("b", "east")].map(|(c, r)| region(&catalog, c, r));
    for (from, to, ms) in [
        (north, east, 1),
        (south, east, 2),
        (south, south, 3),
        (north, north, 4),
        (north, south, 4),
    ] {
        let found = catalog.routes.latency(from, to).unwrap().round_trip.0;
        assert_eq!(found, ms * 1000, "{from:?} {to:?}");
    }
}

#[test]
fn rows_that_can_not_be_used_are_told() {
    let latency = "from_cloud,from_region,to_cloud,to_region,rtt_ms,kind\n\
        a,north,a,south,0,\n\
        a,north,a,south,-1,\n\
        a,north,a,south,fast,\n\
        a,north,a,south,,\n\
        a,north,a,south,1,guessed\n\
        a,north,c,south,1,\n\
        a,north,b,=,1,\n\
        ,north,a,south,1,\n";
    let catalog = read(&[THREE_PLACES, ("latency.csv", latency)]);
    assert_eq!(catalog.routes.latencies().len(), 0);
    assert_eq!(
        notices(&catalog),
        [
            "latency.csv:2:17: catalogue error: rtt_ms is 0, not a positive number; \
             the row is not used",
            "latency.csv:3:17: catalogue error: rtt_ms is -1, not a positive number; \
             the row is not used",
            "latency.csv:4:17: catalogue error: rtt_ms: \"fast\" is not a decimal number; \
             the row is not used",
            "latency.csv:5:17: catalogue error: rtt_ms is empty; the row is not used",
            "latency.csv:6:19: catalogue error: kind is \"guessed\"; the row is not used \
             (expected measured or estimated)",
            "latency.csv:7:1: catalogue error: no table of regions, zones or offers knows c south; \
             the row is not used",
            "latency.csv:8:1: catalogue error: \"=\" means the same region, but the clouds differ; \
             the row is not used",
            "latency.csv:9:1: catalogue error: from_cloud is empty; the row is not used",
        ]
    );
}
