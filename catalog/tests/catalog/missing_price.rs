//! A price that is missing is not a price of zero: the cheapest machine of a catalog with holes.

use coc_model::catalog::Catalog;
use coc_model::decimal::Decimal;
use coc_model::money::Rate;
use coc_model::offer::{Offer, Price};
use coc_model::quantity::{Bytes, Cpu};

use crate::directory::{notices, read};

const OFFERS: &str = "\
cloud,instance_type,region,vcpus,memory_gib,price_usd_hour,free_tier
gcp,n2-standard-2,us-central1,2,8,0.00,false
gcp,e2-standard-2,us-central1,2,8,,false
aws,m6i.large,us-east-1,2,8,0.0960,false
aws,m7i.large,us-east-1,2,8,0.1008,false
azure,Standard_D2s_v5,eastus,2,8,0.0980,false
azure,Standard_D2as_v6,eastus,2,8,null,false
openstack,m1.medium,RegionOne,2,8,0,false
oci,free-micro,us-ashburn-1,1,8,0,true
azure,Standard_D2ls_v5,eastus,2,8,-0.01,false
";

/// The cheapest offer that a plan may rest on, of those with two vCPUs and 8 GiB, with its price.
fn cheapest(catalog: &Catalog) -> (&Offer, Rate) {
    let enough = |offer: &&Offer| {
        offer.cpu >= Some(Cpu(2000)) && offer.memory >= Some(Bytes::parse("8Gi").unwrap())
    };
    let offers = catalog.offers.iter().map(|offer| &**offer).filter(enough);
    let priced = offers.filter_map(|offer| offer.price.plannable().map(|rate| (offer, rate)));
    priced.min_by_key(|(_, rate)| rate.per_month()).unwrap()
}

#[test]
fn the_cheapest_machine_is_the_cheapest_one_with_a_price() {
    let catalog = read(&[("offers.csv", OFFERS)]);
    let (offer, rate) = cheapest(&catalog);
    assert_eq!((&*offer.cloud, &*offer.name, &*offer.region), ("aws", "m6i.large", "us-east-1"));
    assert_eq!(rate.to_string(), "0.0960 USD/hour");
    assert_eq!(rate.per_month().to_string(), "70.08");
}

#[test]
fn four_prices_are_unknown_and_one_row_is_an_error() {
    let catalog = read(&[("offers.csv", OFFERS)]);
    let free = "if it costs nothing, say free_tier=true in the row";
    assert_eq!(
        notices(&catalog),
        [
            &format!("offers.csv:2:35: price unknown: a zero is no price ({free})"),
            "offers.csv:3:35: price unknown: the row states none",
            "offers.csv:7:35: price unknown: the row states none",
            &format!("offers.csv:8:35: price unknown: a zero is no price ({free})"),
            "offers.csv:10:35: catalogue error: price_usd_hour is negative (-0.01); \
             the row is not used",
        ]
    );
    let unknown: Vec<&str> = catalog
        .offers
        .iter()
        .filter(|offer| matches!(&offer.price, Price::Unknown(why) if &**why == "price unknown"))
        .map(|offer| &*offer.name)
        .collect();
    assert_eq!(unknown, ["Standard_D2as_v6", "e2-standard-2", "n2-standard-2", "m1.medium"]);
    assert!(catalog.offers.iter().all(|offer| &*offer.name != "Standard_D2ls_v5"));
}

#[test]
fn a_genuine_zero_would_win_if_it_were_large_enough() {
    let catalog = read(&[("offers.csv", OFFERS)]);
    let free = catalog.offers_in("oci", "us-ashburn-1")[0].clone();
    assert_eq!((&free.price, free.cpu), (&Price::Free, Some(Cpu(1000))));
    let larger = OFFERS.replace("us-ashburn-1,1,8", "us-ashburn-1,2,8");
    let catalog = read(&[("offers.csv", &larger)]);
    let (offer, rate) = cheapest(&catalog);
    assert_eq!((&*offer.name, rate), ("free-micro", Rate::hourly(Decimal::ZERO)));
}
