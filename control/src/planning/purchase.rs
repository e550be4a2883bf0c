//! Machines that are bought in a way that a cloud's driver has to know.

use coc_cloud::ability;
use coc_cloud::cloud::Description;
use coc_model::mistake::Mistake;
use coc_model::offer::Purchase;
use coc_model::plan::Host;

/// A mistake if some host of a cloud is planned at the spot price and its driver does not buy so:
/// told before any document is made.
pub(super) fn not_to_be_bought(
    hosts: &[Host],
    cloud: &str,
    description: &Description,
) -> Option<Mistake> {
    if description.has(ability::BUY_SPOT) {
        return None;
    }
    let host = hosts.iter().find(|h| h.cloud == cloud && h.purchase == Purchase::Spot)?;
    let says = format!(
        "host {} is a {} at the spot price, and the driver {} of {cloud} does not buy so",
        host.id, host.offer, description.driver
    );
    let hint = format!("require it: hosts.all(h, !h.spot || h.cloud != \"{cloud}\")");
    Some(Mistake::of_request(says).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(id: &str, cloud: &str, purchase: Purchase) -> Host {
        Host {
            id: id.to_owned(),
            cloud: cloud.to_owned(),
            region: None,
            zone: None,
            offer: "small".to_owned(),
            price: "0.0130 USD/hour".to_owned(),
            purchase,
            existing: false,
            holds: Vec::new(),
        }
    }

    fn told(hosts: &[Host], abilities: &[&'static str]) -> Option<String> {
        let abilities = abilities.iter().map(|a| (*a, String::new())).collect();
        let description = Description { driver: "plain", abilities, types: [].into() };
        not_to_be_bought(hosts, "a", &description).map(|m| m.to_string())
    }

    #[test]
    fn spot_is_refused_where_the_driver_does_not_buy_it() {
        use Purchase::{OnDemand, Spot};
        let hosts = [host("h1", "a", OnDemand), host("h2", "a", Spot), host("h3", "b", Spot)];
        assert_eq!(
            told(&hosts, &[]).as_deref(),
            Some(
                "host h2 is a small at the spot price, and the driver plain of a does not buy so \
                 (require it: hosts.all(h, !h.spot || h.cloud != \"a\"))"
            )
        );
        assert_eq!(told(&hosts, &[ability::BUY_SPOT]), None);
        assert_eq!(told(&[host("h1", "a", OnDemand), host("h3", "b", Spot)], &[]), None);
    }
}
