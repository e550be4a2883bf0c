//! Invariant 4: a plan is immutable and complete; the executor chooses nothing.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::finding::{Exception, Exceptions, Finding};
use super::source::{Kind, Source, is_for_tests, is_test_path};

/// Where plans are carried out.
const EXECUTOR: [&str; 2] = ["control/src/deploying.rs", "control/src/deploying/"];

/// Where the control crate begins: once it has modules, one of them has to be the executor, or
/// this check would hold nothing.
const CONTROL: &str = "control/src/lib.rs";

/// What can choose, and so may not be named by the executor: crates, and modules of its own crate.
const CHOOSERS: &[&str] =
    &["coc_goals", "coc_optimizer", "coc_checker", "coc_catalog", "coc_formats"];
const CHOOSING_PREFIX: &str = "coc_engine";
const CHOOSING_MODULES: &[&str] = &["planning"];

/// Where plans are made: the only folders that may hold one by `&mut` before it is finished.
const MAKERS: &[&str] = &["control/src/planning/"];

/// The types that make up a plan.
const PLAN: &str = "core/model/src/plan.rs";
const PLAN_TYPES: &[&str] = &["Plan", "Placement", "Host", "PlannedResource", "Cost", "Check"];

/// Types that change behind a shared reference.
const CELLS: &[&str] =
    &["Cell", "RefCell", "OnceCell", "Mutex", "RwLock", "OnceLock", "UnsafeCell"];

const HOME: &str = "xtask/src/tidy/executor.rs";

/// Places where a rule of this file does not hold.
pub(crate) const EXCEPTIONS: &[Exception] = &[];

/// Choices in the executor, plans made outside the planner, and ways to change a plan.
pub(crate) fn check(sources: &[Source], table: &[Exception]) -> Vec<Finding> {
    let mut exceptions = Exceptions::new(HOME, table);
    let mut findings = missing_executor(sources);
    for source in sources {
        let executes = EXECUTOR.iter().any(|place| source.path.starts_with(place));
        let found = if executes { choices(source) } else { Vec::new() };
        for (line, what, says) in found.into_iter().chain(changes(source)) {
            if !exceptions.cover(&source.path, &what) {
                findings.push(Finding::new(&source.path, line, format!("{what}: {says}")));
            }
        }
    }
    findings.extend(exceptions.finish());
    findings
}

type Hit = (usize, String, &'static str);

fn missing_executor(sources: &[Source]) -> Vec<Finding> {
    let has_modules = sources.iter().any(|s| {
        s.path == CONTROL && s.syntax.items.iter().any(|item| matches!(item, syn::Item::Mod(_)))
    });
    let executor = sources.iter().any(|s| EXECUTOR.iter().any(|place| s.path.starts_with(place)));
    if has_modules && !executor {
        let says =
            format!("the executor is not at {}: tell {HOME} where it went", EXECUTOR.join(" or "));
        vec![Finding::new(CONTROL, 1, says)]
    } else {
        Vec::new()
    }
}

fn choices(source: &Source) -> Vec<Hit> {
    let mut hits = Vec::new();
    for path in source.code_paths().iter().filter(|p| !p.test) {
        let first = path.segments[0].as_str();
        let second = path.segments.get(1).map_or("", String::as_str);
        let crosses = CHOOSERS.contains(&first) || first.starts_with(CHOOSING_PREFIX);
        let within = matches!(first, "crate" | "super") && CHOOSING_MODULES.contains(&second);
        if crosses || within {
            hits.push((
                path.line,
                path.text(),
                "the executor chooses nothing: put the choice into the plan",
            ));
        }
    }
    let mut made = Made { types: PLAN_TYPES, found: Vec::new() };
    made.visit_file(&source.syntax);
    let says = "the executor makes no part of a plan: put it into the plan";
    hits.extend(
        made.found.into_iter().map(|(line, name)| (line, format!("{name} {{ .. }}"), says)),
    );
    hits
}

/// Values of some types written out.
struct Made {
    types: &'static [&'static str],
    found: Vec<(usize, String)>,
}

impl<'ast> Visit<'ast> for Made {
    fn visit_expr_struct(&mut self, made: &'ast syn::ExprStruct) {
        if let Some(name) = made.path.segments.last().map(|s| s.ident.to_string())
            && self.types.contains(&name.as_str())
        {
            self.found.push((made.span().start().line, name));
        }
        visit::visit_expr_struct(self, made);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }
}

fn changes(source: &Source) -> Vec<Hit> {
    let mut hits = Vec::new();
    let makes = MAKERS.iter().any(|place| source.path.starts_with(place));
    if !makes && !is_test_path(&source.path) {
        let mut mutable = Mutable { on_plan: false, found: Vec::new() };
        mutable.visit_file(&source.syntax);
        let says = "a plan does not change: derive a new one";
        hits.extend(mutable.found.into_iter().map(|(line, what)| (line, what, says)));
    }
    if source.path == PLAN {
        let says = "a plan does not change, behind a shared reference neither";
        hits.extend(source.product_tokens().filter_map(|token| match &token.kind {
            Kind::Word(word) if CELLS.contains(&word.as_str()) || word.starts_with("Atomic") => {
                Some((token.line, word.clone(), says))
            }
            _ => None,
        }));
    }
    hits
}

/// `&mut Plan` anywhere, and `&mut self` in methods of it.
struct Mutable {
    on_plan: bool,
    found: Vec<(usize, String)>,
}

fn names_plan(ty: &syn::Type) -> bool {
    matches!(ty, syn::Type::Path(path) if path.path.segments.last().is_some_and(|s| s.ident == "Plan"))
}

impl<'ast> Visit<'ast> for Mutable {
    fn visit_type_reference(&mut self, reference: &'ast syn::TypeReference) {
        if reference.mutability.is_some() && names_plan(&reference.elem) {
            self.found.push((reference.span().start().line, "&mut Plan".to_owned()));
        }
        visit::visit_type_reference(self, reference);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let outer = std::mem::replace(&mut self.on_plan, names_plan(&item.self_ty));
        visit::visit_item_impl(self, item);
        self.on_plan = outer;
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        let kind = signature.receiver().map(|receiver| &receiver.kind);
        if self.on_plan && matches!(kind, Some(syn::ReceiverKind::Reference(_, _, Some(_)))) {
            let what = format!("Plan::{}(&mut self)", signature.ident);
            self.found.push((signature.span().start().line, what));
        }
        visit::visit_signature(self, signature);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::said;
    use super::*;

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<Source> =
            files.iter().map(|(p, t)| Source::parse(p, t).unwrap()).collect();
        said(&check(&sources, &[]))
    }

    #[test]
    fn an_executor_that_only_does_passes() {
        let text = "use coc_cloud::Cloud; use coc_plan::decide; use coc_model::plan::Plan;
            use crate::observing::Seen;
            fn apply(plan: &Plan) { coc_plan::decide::decide(plan); }
            #[cfg(test)] mod tests { use coc_optimizer::Engine; fn f() { Plan { a: 1 } } }";
        assert_eq!(findings(&[("control/src/deploying.rs", text)]), [""; 0]);
    }

    #[test]
    fn an_executor_that_chooses_is_found() {
        for (text, what) in [
            ("use coc_optimizer::Engine;", "coc_optimizer::Engine"),
            ("fn f() { coc_engine_milp::solve() }", "coc_engine_milp::solve"),
            ("use crate::{planning::plan};", "crate::planning::plan"),
            ("fn f() -> Placement { Placement { host: h } }", "Placement { .. }"),
        ] {
            let found = findings(&[("control/src/deploying/run.rs", text)]);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(
                found[0].starts_with(&format!("control/src/deploying/run.rs:1: {what}: ")),
                "{found:?}"
            );
            assert_eq!(findings(&[("control/src/planning.rs", text)]), [""; 0]);
        }
    }

    #[test]
    fn an_executor_that_went_away_is_found() {
        assert_eq!(findings(&[(CONTROL, "//! Not there yet.")]), [""; 0]);
        assert_eq!(
            findings(&[(CONTROL, "pub mod deploying;"), ("control/src/deploying.rs", "")]),
            [""; 0]
        );
        assert_eq!(findings(&[(CONTROL, "pub mod doing;"), ("control/src/doing.rs", "")]).len(), 1);
    }

    #[test]
    fn ways_to_change_a_plan_are_found() {
        for (path, text, what) in [
            (PLAN, "impl Plan { fn rename(&mut self) {} }", "Plan::rename(&mut self)"),
            (PLAN, "struct Plan { cost: RefCell<Cost> }", "RefCell"),
            (PLAN, "struct Plan { n: AtomicU64 }", "AtomicU64"),
            ("control/src/a.rs", "fn f(plan: &mut Plan) {}", "&mut Plan"),
            ("apps/coc/src/a.rs", "fn f(plan: &mut coc_model::plan::Plan) {}", "&mut Plan"),
        ] {
            let found = findings(&[(path, text)]);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].starts_with(&format!("{path}:1: {what}: ")), "{found:?}");
        }
    }

    #[test]
    fn reading_a_plan_and_making_one_pass() {
        assert_eq!(
            findings(&[(PLAN, "impl Plan { fn cost(&self) {} fn with(self) -> Self {} }")]),
            [""; 0]
        );
        assert_eq!(findings(&[("control/src/planning/a.rs", "fn f(plan: &mut Plan) {}")]), [""; 0]);
        assert_eq!(findings(&[("control/src/a.rs", "fn f(plan: &mut PlanBuilder) {}")]), [""; 0]);
    }
}
