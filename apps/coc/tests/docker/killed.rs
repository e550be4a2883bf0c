//! `coc apply` killed at every call that changes something, and started again.

use crate::engines::{Engine, Foreign, engines};
use crate::gate::{Gate, Phase, Point};
use crate::program::Folder;

const APPLY: [&str; 5] = ["apply", "application.yaml", "--clouds", "clouds.yaml", "--yes"];

/// What both engines hold of an application: kind, name and state of each thing.
type Holdings = [Vec<[String; 3]>; 2];

/// The folder, the engines behind a gate, and the name of the application.
struct Ground {
    folder: Folder,
    gate: Gate,
    engines: [Engine; 2],
    name: String,
}

impl Ground {
    fn new() -> Self {
        let (folder, gate, engines) = (Folder::new(), Gate::new(), engines());
        let name = format!("killed{}", std::process::id());
        let mut clouds = "kind: Clouds\nclouds:\n".to_owned();
        for (cloud, engine) in ["lab-a", "lab-b"].into_iter().zip(&engines) {
            let socket = folder.path(cloud);
            gate.open(&socket, &engine.socket);
            clouds.push_str(&format!(
                "  - {{name: {cloud}, driver: docker, endpoint: \"unix://{}\", address: {}, \
                 prices: {{host: 0.05 USD/hour, egress: 0 USD/GB}}}}\n",
                socket.display(),
                engine.address
            ));
        }
        folder.write("clouds.yaml", &clouds);
        folder.write(
            "application.yaml",
            &format!(
                "kind: Application\n\
                 name: {name}\n\
                 services:\n\
                 \x20 web: {{type: container, image: \"demo/web:bare\", replicas: 3, after: [store], \
                 needs: {{cpu: 50m, memory: 32Mi}}, ports: [{{port: 8080, public: true}}]}}\n\
                 \x20 store: {{type: container, image: \"demo/web:bare\", \
                 needs: {{cpu: 50m, memory: 32Mi}}, volumes: [\"data:/data\"]}}\n\
                 volumes: {{data: {{}}}}\n\
                 goals:\n\
                 \x20 require: [{{spread: {{service: web, over: cloud, atLeast: 2}}}}]\n\
                 \x20 minimize: [cost]\n"
            ),
        );
        Self { folder, gate, engines, name }
    }

    /// What is there of the application. All of it must bear the mark of the state's owner.
    fn holdings(&self, state: &str) -> Holdings {
        let owner = self.folder.owner(state);
        let prefix = format!("{}-", self.name);
        self.engines.each_ref().map(|engine| {
            let holdings = engine.holdings(&prefix).into_iter();
            let owned = holdings.map(|[kind, name, mark, state]| {
                assert_eq!(mark, owner, "{kind} {name}");
                [kind, name, state]
            });
            owned.collect()
        })
    }

    async fn destroy(&self, state: &str) {
        let destroy = ["destroy", &self.name, "--with-data", "--yes"];
        self.folder.run(state, &destroy).await.must_be(0);
        assert_eq!(self.holdings(state), Holdings::default());
    }

    /// Applies, dies at a point, applies again: what stands then is what was wanted.
    async fn dies_at(&mut self, point: Point, wanted: &Holdings) {
        let state = format!("state-{}-{:?}", point.call, point.phase);
        self.gate.arm(Some(point));
        let first = self.folder.run_until_killed(&state, &APPLY, &mut self.gate.kills).await;
        assert!(first.killed, "it ended before {point:?}: {first:?}");
        self.gate.rest().await;
        self.gate.arm(None);
        let second = self.folder.run(&state, &APPLY).await.must_be(0);
        assert!(
            second.stderr.contains("was interrupted after"),
            "{point:?}: {}\n{}",
            first.stderr,
            second.stderr
        );
        assert_eq!(self.holdings(&state), *wanted, "{point:?}");
        self.destroy(&state).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_that_is_killed_at_any_call_goes_on_and_leaves_each_thing_once() {
    let mut ground = Ground::new();
    let foreign = ground
        .engines
        .each_ref()
        .map(|engine| Foreign::run(engine, &format!("foreign-{}", ground.name)));

    ground.folder.run("whole", &APPLY).await.must_be(0);
    let wanted = ground.holdings("whole");
    let calls = ground.gate.calls();
    // A network each, the volume, and four containers that are made and started.
    assert_eq!((wanted[0].len() + wanted[1].len(), calls), (7, 11), "{wanted:?}");
    ground.destroy("whole").await;

    let points: Vec<Point> =
        (1..=calls).flat_map(|call| Phase::ALL.map(|phase| Point { call, phase })).collect();
    assert!(points.len() >= 30);
    for point in points {
        ground.dies_at(point, &wanted).await;
        foreign.iter().for_each(Foreign::must_be_untouched);
    }
}
