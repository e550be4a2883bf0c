//! What planning assumes where nothing is declared. Every assumption is listed in the plan.

use std::collections::BTreeMap;

use coc_model::application::{Application, Service};
use coc_model::offer::Architecture;
use coc_model::plan::Assumption;
use coc_model::quantity::{Bytes, Cpu, Traffic};

/// Processor time assumed for a container that declares none: a quarter of a vCPU.
pub const CPU: Cpu = Cpu(250);
/// Memory assumed for a container that declares none: 256 MiB.
pub const MEMORY: Bytes = Bytes(256 << 20);
/// Traffic assumed for a link that declares none, each way.
pub const TRAFFIC: Traffic = Traffic(1_000_000_000);

/// What one replica of a service reserves, declared or assumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Processor time.
    pub cpu: Cpu,
    /// Memory.
    pub memory: Bytes,
    /// Architecture; `None` if not declared: then x86_64 on leased machines, and whatever an
    /// existing machine has.
    pub architecture: Option<Architecture>,
    /// Accelerators: the model, if it matters, and how many.
    pub accelerator: Option<(Option<String>, u32)>,
}

/// A flow of a link, declared or assumed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlowDemand {
    /// Sender.
    pub from: String,
    /// Receiver.
    pub to: String,
    /// How much a month.
    pub traffic: Traffic,
}

/// What is planned with.
#[derive(Clone, Debug, Default)]
pub struct Demands {
    /// Per service.
    pub reservations: BTreeMap<String, Reservation>,
    /// Per link.
    pub flows: Vec<FlowDemand>,
    /// What of it was assumed.
    pub assumed: Vec<Assumption>,
}

/// Completes what an application declares.
pub fn demands(application: &Application) -> Demands {
    let mut demands = Demands::default();
    for (name, service) in &application.services {
        let reservation = reservation(name, service, &mut demands.assumed);
        demands.reservations.insert(name.clone(), reservation);
    }
    flows(application, &mut demands);
    demands.assumed.sort();
    demands
}

fn reservation(name: &str, service: &Service, assumed: &mut Vec<Assumption>) -> Reservation {
    let mut assume = |what: &str, value: String| {
        assumed.push(Assumption { service: name.to_owned(), what: what.to_owned(), value });
    };
    let needs = &service.needs;
    let cpu = needs.cpu.unwrap_or_else(|| {
        assume("cpu", CPU.to_string());
        CPU
    });
    let memory = needs.memory.unwrap_or_else(|| {
        assume("memory", MEMORY.to_string());
        MEMORY
    });
    if needs.architecture.is_none() {
        assume("architecture", "x86_64 on leased machines".to_owned());
    }
    let accelerator = needs.accelerator.as_ref().map(|a| {
        let count = a.count.unwrap_or_else(|| {
            assume("accelerators", "1 (\"all\" was asked for)".to_owned());
            1
        });
        (a.name.clone(), count)
    });
    Reservation { cpu, memory, architecture: needs.architecture, accelerator }
}

/// The flows of all links. Several links between the same two services without declared traffic
/// are assumed to carry one amount together.
fn flows(application: &Application, demands: &mut Demands) {
    let mut declared: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut undeclared: Vec<(String, String)> = Vec::new();
    for link in &application.links {
        let ends = (link.from.clone(), link.to.clone());
        match link.traffic {
            Some(traffic) => *declared.entry(ends).or_insert(0) += traffic.0,
            None => undeclared.push(ends),
        }
    }
    undeclared.sort();
    undeclared.dedup();
    for (from, to) in undeclared {
        let ways = [(from.clone(), to.clone()), (to.clone(), from.clone())];
        if ways.iter().any(|way| declared.contains_key(way)) {
            continue;
        }
        demands.assumed.push(Assumption {
            service: format!("{from} → {to}"),
            what: "traffic".to_owned(),
            value: format!("{TRAFFIC} each way"),
        });
        for way in ways {
            declared.insert(way, TRAFFIC.0);
        }
    }
    demands.flows = declared
        .into_iter()
        .map(|((from, to), bytes)| FlowDemand { from, to, traffic: Traffic(bytes) })
        .collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use coc_model::application::Link;
    use coc_model::mistake::Position;

    #[test]
    fn what_is_declared_is_kept_and_the_rest_is_assumed_and_listed() {
        let at = Position { file: "f".into(), line: 1, column: 1 };
        let mut web = Service::container(at.clone());
        web.needs.cpu = Some(Cpu(500));
        let services = BTreeMap::from([
            ("db".to_owned(), Service::container(at.clone())),
            ("web".to_owned(), web),
        ]);
        let link = |traffic| Link {
            from: "web".into(),
            to: "db".into(),
            port: None,
            traffic,
            latency: None,
            at: at.clone(),
            inferred: None,
        };
        let name = "shop".to_owned();
        let links = vec![link(None), link(None)];
        let mut application =
            Application { name, services, links, volumes: BTreeMap::new(), keys: vec![] };
        let assumed = demands(&application);
        assert_eq!(assumed.reservations["web"].cpu, Cpu(500));
        let lines: Vec<String> = assumed
            .assumed
            .iter()
            .map(|a| format!("{} {} {}", a.service, a.what, a.value))
            .collect();
        assert_eq!(
            lines,
            [
                "db architecture x86_64 on leased machines",
                "db cpu 250m",
                "db memory 256Mi",
                "web architecture x86_64 on leased machines",
                "web memory 256Mi",
                "web → db traffic 1 GB/month each way"
            ]
        );
        assert_eq!(assumed.flows.len(), 2);

        application.links = vec![link(Some(Traffic(5))), link(None)];
        assert_eq!(
            demands(&application).flows,
            [FlowDemand { from: "web".into(), to: "db".into(), traffic: Traffic(5) }]
        );
    }
}
