//! What processors draw.

use crate::directory::{THREE_PLACES, notices, read};

#[test]
fn a_processor_draws_something_between_idle_and_full_load() {
    let power = "cloud,cpu_architecture,min_watts_per_vcpu,max_watts_per_vcpu,gb_per_chip,source,date\n\
        b,EPYC 2nd Gen,0.47,1.69,128,list,2023-05-08\n\
        a,Graviton2,0.47,1.69,,list,2023-05-08\n\
        a,Haswell,6,1.9,,,\n\
        a,Skylake,,4.1,,,\n\
        a,Broadwell,0,x,,,\n";
    let catalog = read(&[THREE_PLACES, ("power.csv", power)]);
    let of = |cloud: &str| {
        let power = catalog.power_of(cloud).iter();
        let words = power.map(|p| {
            let (name, architecture) = (&p.processor, p.architecture.name());
            format!("{name} {architecture} {} {} {}", p.idle_watts, p.full_watts, p.source.date)
        });
        words.collect::<Vec<_>>()
    };
    assert_eq!(of("a"), ["Graviton2 arm64 0.47 1.69 2023-05-08"]);
    assert_eq!(of("b"), ["EPYC 2nd Gen x86_64 0.47 1.69 2023-05-08"]);
    assert_eq!(of("c"), [""; 0]);
    assert_eq!(
        notices(&catalog),
        [
            "power.csv:4:11: catalogue error: min_watts_per_vcpu is 6, more than 1.9; the row is not used",
            "power.csv:5:11: catalogue error: min_watts_per_vcpu is empty; the row is not used",
            "power.csv:6:13: catalogue error: min_watts_per_vcpu is 0, not a positive number; the row is not used",
            "power.csv:6:15: catalogue error: max_watts_per_vcpu: \"x\" is not a decimal number; the row is not used",
        ]
    );
}
