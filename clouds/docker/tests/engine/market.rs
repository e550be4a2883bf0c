//! What an engine has to offer.

use coc_cloud::Cloud;
use coc_cloud_docker::Docker;
use coc_model::estate::Unknown;
use coc_model::money::Rate;
use coc_model::offer::Price;
use coc_model::quantity::{Bytes, Cpu};

use crate::engines::engines;

#[tokio::test]
async fn the_market_is_the_machine_that_docker_reports() {
    let engine = &engines()[0];
    let docker = Docker::mount(&engine.mount("lab-a")).expect("a right mount");
    let market = docker.market().await.expect("a market");
    let reported = |field: &str| engine.client(&["info", "-f", field]).expect("info");

    assert_eq!(market.sites.len(), 1);
    assert_eq!(market.sites[0].place.country.as_deref(), Some("DE"));
    let [machine] = &market.machines[..] else { panic!("one machine: {:?}", market.machines) };
    assert!(machine.existing);
    assert_eq!(machine.limit.as_ref().map(|(most, _)| *most), Some(1));
    let offer = &machine.offer;
    assert_eq!((&*offer.cloud, &*offer.name), ("lab-a", "lab-a"));
    let processors: u64 = reported("{{.NCPU}}").parse().expect("a number");
    assert_eq!(offer.cpu, Some(Cpu(processors * 1000)));
    assert_eq!(offer.memory, reported("{{.MemTotal}}").parse().ok().map(Bytes));
    assert_eq!(
        offer.architecture.map(|a| a.name()),
        Some(reported("{{.Architecture}}")).as_deref()
    );
}

#[tokio::test]
async fn a_host_without_a_price_is_counted_as_paid_and_that_is_told() {
    let engine = &engines()[0];
    let mut mount = engine.mount("lab-a");
    let market = Docker::mount(&mount).expect("a right mount").market().await.expect("a market");
    let Price::Known(rate) = market.machines[0].offer.price else { panic!("a known price") };
    assert_eq!(rate.per_month().nano(), 0);
    assert_eq!(
        market.unknown,
        [Unknown {
            what: "price of host lab-a".into(),
            why: "price of host lab-a is not stated: counted as already paid".into(),
        }]
    );

    mount.prices.host = Rate::parse("0.05 USD/hour").ok();
    let market = Docker::mount(&mount).expect("a right mount").market().await.expect("a market");
    assert_eq!(market.machines[0].offer.price.plannable(), mount.prices.host);
    assert_eq!(market.unknown, []);
}
