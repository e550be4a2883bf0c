//! People's own named goals and numbers: definitions checked and added to a library.

use std::collections::{BTreeMap, BTreeSet};

use coc_model::goals::{Definition, DefinitionBody, FieldDefinition, FormDefinition, Located};
use coc_model::mistake::{Mistake, MistakeLog, Mistakes, Position, closest};

use super::template::{Filled, Filling, Unclosed, fill, holes};
use super::{Field, FieldType, Form, Library, NamedGoal, NamedNumber, with_parts};
use crate::check::{Names, check};
use crate::expression::{Expression, Type};
use crate::syntax::{Source, parse};

/// Keys of a requirement that are no goals.
const RESERVED: [&str; 2] = ["that", "policy"];

impl Library {
    /// The library with definitions added. `services` are those of the application, where one is
    /// known: definitions may name them.
    ///
    /// # Errors
    /// Every mistake in every definition, each at its place: names that are not legal, are taken or
    /// come twice; unknown types, fields and parts; fields that nothing uses; expressions that are
    /// wrong whatever is given.
    pub fn with(
        mut self,
        definitions: &[Definition],
        services: Option<&BTreeSet<String>>,
    ) -> Result<Self, Mistakes> {
        let mut log = MistakeLog::new();
        let mut own: BTreeMap<(bool, &str), &Position> = BTreeMap::new();
        for definition in definitions {
            let name = &definition.name;
            let number = matches!(definition.body, DefinitionBody::Number(_));
            log.extend(self.wrong_name(name, number));
            if let Some(first) = own.insert((number, &name.value), &name.at) {
                log.push(at(
                    name,
                    format!("\"{}\" is defined twice, first at {first}", name.value),
                ));
            }
        }
        let (mut goals, mut numbers) = (Vec::new(), Vec::new());
        for definition in definitions {
            match &definition.body {
                DefinitionBody::Number(text) => {
                    numbers.extend(number(definition, text, services, &mut log));
                }
                _ => {
                    let mut defining = Defining { definition, services, log: MistakeLog::new() };
                    let goal = defining.goal();
                    goals.extend(defining.log.finish(goal).map_err(|m| log.extend(m)).ok());
                }
            }
        }
        self.goals.extend(goals);
        self.numbers.extend(numbers);
        log.finish(self)
    }

    fn wrong_name(&self, name: &Located<String>, number: bool) -> Option<Mistake> {
        let text = name.value.as_str();
        if !is_name(text) {
            let says = format!("\"{text}\" can't be a name here");
            let hint = "letters, digits, - and _, beginning with a letter";
            return Some(at(name, says).hint(hint));
        }
        let word = RESERVED.contains(&text) || (number && is_word(text));
        let shipped = if number { self.number(text).is_some() } else { self.goal(text).is_some() };
        let says = match (word, shipped) {
            (true, _) => format!("\"{text}\" is a word of the language"),
            (_, true) => format!("\"{text}\" is the name of a goal that is there already"),
            _ => return None,
        };
        Some(at(name, says).hint("choose another name"))
    }
}

fn at(of: &Located<String>, says: impl Into<String>) -> Mistake {
    Mistake::at(of.at.clone(), says).width(of.value.chars().count())
}

fn is_name(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(legal)
}

/// True for words that are numbers of the language by themselves.
fn is_word(text: &str) -> bool {
    let parsed = parse(Source::expanded(text.to_owned(), nowhere()));
    let checked = parsed.and_then(|parsed| check(&parsed, &Names::default()));
    checked.is_ok_and(|expression| matches!(expression.gives, Type::Number(_)))
}

fn nowhere() -> Position {
    Position { file: "".into(), line: 1, column: 1 }
}

fn number(
    definition: &Definition,
    text: &Located<String>,
    services: Option<&BTreeSet<String>>,
    log: &mut MistakeLog,
) -> Option<NamedNumber> {
    if let Some((name, _)) = definition.fields.first() {
        log.push(at(name, "a number takes no fields"));
    }
    let filled = fill(&flat(text), &BTreeMap::new());
    let expression = typed(text, &filled, services).map_err(|m| log.extend(m)).ok()?;
    if !matches!(expression.gives, Type::Number(_)) {
        log.push(at(text, format!("a number is due here, not {}", expression.gives.words())));
        return None;
    }
    let (name, about) = (definition.name.value.clone(), definition.about.clone());
    Some(NamedNumber { name, about, number: text.value.clone() })
}

/// The text of an expression on one line, character by character.
fn flat(text: &Located<String>) -> String {
    text.value.replace(['\n', '\r'], " ")
}

/// The type check of a filled template, with its mistakes at the characters of the template.
fn typed(
    template: &Located<String>,
    filled: &Filled,
    services: Option<&BTreeSet<String>>,
) -> Result<Expression, Vec<Mistake>> {
    let names = Names { services: named_services(&filled.text, services) };
    let text = Located { value: filled.text.clone(), at: nowhere() };
    let checked = parse(Source::written(&text)).and_then(|parsed| check(&parsed, &names));
    checked.map_err(|mistakes| {
        let source = Source::written(template);
        let moved = |mistake: Mistake| {
            let start = mistake.at.as_ref().map_or(0, |at| at.column.saturating_sub(1) as usize);
            let (from, to) = filled.behind((start, start + mistake.width as usize));
            Mistake { hint: mistake.hint, ..source.mistake(from, to, mistake.says) }
        };
        mistakes.into_iter().map(moved).collect()
    })
}

/// The services that an expression may name: those of the application and the one that samples
/// name; where no application is known, whatever stands in quotes.
fn named_services(text: &str, services: Option<&BTreeSet<String>>) -> BTreeSet<String> {
    match services {
        Some(known) => known.iter().cloned().chain(["a".to_owned()]).collect(),
        None => text.split(['"', '\'']).skip(1).step_by(2).map(ToOwned::to_owned).collect(),
    }
}

/// One goal under definition.
struct Defining<'d> {
    definition: &'d Definition,
    services: Option<&'d BTreeSet<String>>,
    log: MistakeLog,
}

impl Defining<'_> {
    fn goal(&mut self) -> NamedGoal {
        let definition = self.definition;
        let fields = self.fields();
        if let Some(short) = &definition.short
            && !self.is_field(&short.value)
        {
            self.no_field(short);
        }
        let mut goal = NamedGoal {
            name: definition.name.value.clone(),
            about: definition.about.clone(),
            short: definition.short.as_ref().map(|short| short.value.clone()),
            policy: definition.policy,
            fields,
            parts: BTreeMap::new(),
            forms: Vec::new(),
        };
        let written = self.forms(&goal);
        for (name, forms) in &definition.parts {
            if !is_name(&name.value) || goal.fields.contains_key(&name.value) {
                self.log.push(at(name, format!("\"{}\" can't be a part's name", name.value)));
            }
            for form in forms {
                self.form(form, &goal.fields, &BTreeSet::new());
            }
            goal.parts.insert(name.value.clone(), forms.iter().map(plain).collect());
        }
        let parts: BTreeSet<&str> = goal.parts.keys().map(String::as_str).collect();
        for form in &written {
            self.form(form, &goal.fields, &parts);
        }
        goal.forms = written.iter().map(plain).collect();
        if self.log.is_empty() {
            self.unused(&goal, &written);
            written.iter().for_each(|form| self.expressions(&goal, form));
        }
        goal
    }

    fn fields(&mut self) -> BTreeMap<String, Field> {
        let mut fields = BTreeMap::new();
        for (name, field) in &self.definition.fields {
            if !is_name(&name.value) {
                self.log.push(at(name, format!("\"{}\" can't be a field's name", name.value)));
            }
            if let Some(takes) = self.field_type(field) {
                let (about, default) = (field.about.clone(), field.default.as_ref());
                let default = default.map(|d| d.value.clone());
                fields.insert(name.value.clone(), Field { takes, about, default });
            }
        }
        fields
    }

    fn field_type(&mut self, field: &FieldDefinition) -> Option<FieldType> {
        let takes = &field.takes;
        let Some(found) = FieldType::named(&takes.value) else {
            let names: Vec<&str> = FieldType::ALL.iter().map(|row| row.1).collect();
            let hint = closest(&takes.value, names.iter().copied()).map_or_else(
                || format!("known are {}", names.join(", ")),
                |name| format!("did you mean \"{name}\"?"),
            );
            self.log.push(at(takes, format!("no type is called \"{}\"", takes.value)).hint(hint));
            return None;
        };
        if let Some(default) = &field.default
            && found.render(&default.value).is_none()
        {
            let says = format!("a {} is {}, not {}", found.name(), found.takes(), default.value);
            self.log.push(Mistake::at(default.at.clone(), says));
        }
        Some(found)
    }

    /// The forms; a single condition needs every field in it that has no other value.
    fn forms(&self, goal: &NamedGoal) -> Vec<FormDefinition> {
        let that = match &self.definition.body {
            DefinitionBody::Forms(forms) => return forms.clone(),
            DefinitionBody::That(that) | DefinitionBody::Number(that) => that,
        };
        let mut when: Vec<Located<String>> = Vec::new();
        for hole in holes(&that.value).unwrap_or_default() {
            let needed = goal.fields.get(hole.name).is_some_and(|field| !may_be_absent(field));
            if needed && when.iter().all(|name| name.value != hole.name) {
                when.push(Located { value: hole.name.to_owned(), at: that.at.clone() });
            }
        }
        vec![FormDefinition { when, unless: Vec::new(), that: that.clone() }]
    }

    /// Checks the names in a form.
    fn form(
        &mut self,
        form: &FormDefinition,
        fields: &BTreeMap<String, Field>,
        parts: &BTreeSet<&str>,
    ) {
        for name in form.when.iter().chain(&form.unless) {
            if !self.is_field(&name.value) {
                self.no_field(name);
            }
        }
        let source = Source::written(&form.that);
        let found = match holes(&form.that.value) {
            Ok(found) => found,
            Err(Unclosed(brace)) => {
                self.log.push(source.mistake(brace, brace + 1, "this brace is never closed"));
                return;
            }
        };
        for hole in found.iter().filter(|hole| !parts.contains(hole.name)) {
            let wrong = match fields.get(hole.name) {
                // A field of an unknown type was told of where it is defined.
                None if self.is_field(hole.name) => continue,
                None => format!("no field is called \"{}\"", hole.name),
                Some(field) if hole.list && field.takes.sample().list.is_none() => {
                    format!("\"{}\" has no list", hole.name)
                }
                Some(field)
                    if !may_be_absent(field) && form.when.iter().all(|w| w.value != hole.name) =>
                {
                    format!("\"{}\" may be left out: name it in \"when\"", hole.name)
                }
                Some(_) => continue,
            };
            let mut mistake = source.mistake(hole.range.0, hole.range.1, wrong);
            if !fields.contains_key(hole.name) {
                mistake.hint = did_you_mean(hole.name, self.names().chain(parts.iter().copied()));
            }
            self.log.push(mistake);
        }
    }

    fn is_field(&self, name: &str) -> bool {
        self.names().any(|field| field == name)
    }

    fn no_field(&mut self, name: &Located<String>) {
        let mut mistake = at(name, format!("no field is called \"{}\"", name.value));
        mistake.hint = did_you_mean(&name.value, self.names());
        self.log.push(mistake);
    }

    /// The names of all fields, those of unknown types too.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.definition.fields.iter().map(|(name, _)| name.value.as_str())
    }

    /// Fields and parts that nothing looks at.
    fn unused(&mut self, goal: &NamedGoal, forms: &[FormDefinition]) {
        let in_parts = self.definition.parts.iter().flat_map(|(_, forms)| forms);
        let mut used: BTreeSet<&str> = BTreeSet::new();
        for form in forms.iter().chain(in_parts) {
            used.extend(form.when.iter().chain(&form.unless).map(|name| name.value.as_str()));
            used.extend(holes(&form.that.value).unwrap_or_default().iter().map(|hole| hole.name));
        }
        let defined = self.definition.fields.iter().map(|(name, _)| name);
        for name in defined.chain(self.definition.parts.iter().map(|(name, _)| name)) {
            if !used.contains(name.value.as_str()) {
                let says = format!("no form of \"{}\" uses \"{}\"", goal.name, name.value);
                self.log.push(at(name, says));
            }
        }
    }

    /// Types the expression that a form becomes, for every way to leave fields out that makes it
    /// another one.
    fn expressions(&mut self, goal: &NamedGoal, form: &FormDefinition) {
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut told: BTreeSet<Mistake> = BTreeSet::new();
        let template = flat(&form.that);
        for fillings in samples(goal, &plain(form)) {
            let filled = fill(&template, &with_parts(goal, &fillings));
            if !seen.insert(filled.text.clone()) {
                continue;
            }
            match typed(&form.that, &filled, self.services) {
                Ok(expression) if expression.gives == Type::Bool => {}
                Ok(expression) => {
                    let words = expression.gives.words();
                    told.insert(at(&form.that, format!("a goal is true or false, not {words}")));
                }
                Err(mistakes) => told.extend(mistakes),
            }
        }
        self.log.extend(told);
    }
}

/// A form without its places.
fn plain(form: &FormDefinition) -> Form {
    let names = |names: &[Located<String>]| names.iter().map(|name| name.value.clone()).collect();
    Form { when: names(&form.when), unless: names(&form.unless), that: form.that.value.clone() }
}

fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(name, known).map(|known| format!("did you mean \"{known}\"?"))
}

/// True if an expression may use the field whether it is given or not.
fn may_be_absent(field: &Field) -> bool {
    field.default.is_some() || field.takes.absent().is_some()
}

/// Samples of the arguments that a form stands with: those it needs, every one that does not switch
/// it off, and those it needs with those that each piece of its parts needs.
pub(super) fn samples<'a>(goal: &'a NamedGoal, form: &Form) -> Vec<BTreeMap<&'a str, Filling>> {
    let sample = |given: &dyn Fn(&String) -> bool| {
        let mut fillings: BTreeMap<&str, Filling> = BTreeMap::new();
        for (name, field) in &goal.fields {
            let default = || field.default.as_ref().and_then(|value| field.takes.render(value));
            let filling = match given(name) {
                true => Some(default().unwrap_or_else(|| field.takes.sample())),
                false => default().or_else(|| field.takes.absent()),
            };
            fillings.extend(filling.map(|filling| (name.as_str(), filling)));
        }
        fillings
    };
    let needed = |name: &String| form.when.contains(name);
    let mut all = vec![sample(&needed), sample(&|name| !form.unless.contains(name))];
    for piece in goal.parts.values().flatten() {
        all.push(sample(&|name| needed(name) || piece.when.contains(name)));
    }
    all
}
