//! What the API wants to be a string, a number or a list, of the fields that people write: a wrong type is told with its line
//! before anything runs. What is not named here is left to the API server.

use super::super::{tree::Tree, yaml_place::Step};

/// What a value may be. Null is always accepted.
enum Shape {
    Text,
    Whole,
    Flag,
    Texts,
    /// A mapping from names to strings.
    TextMap,
    Fields(&'static [(&'static str, Shape)]),
    Each(&'static Shape),
    To(&'static Shape),
}

/// A value of another type than the API wants.
#[derive(Debug, PartialEq)]
pub(super) struct Wrong {
    /// Leads there from the object.
    pub(super) path: Vec<Step>,
    /// What it must be.
    pub(super) takes: &'static str,
    /// What it is.
    pub(super) given: &'static str,
    /// Whether quotes make it right.
    pub(super) quotes_help: bool,
}

use Shape::{Each, Fields, Flag, Text, TextMap, Texts, To, Whole};

static METADATA: Shape = Fields(&[
    ("name", Text),
    ("generateName", Text),
    ("namespace", Text),
    ("labels", TextMap),
    ("annotations", TextMap),
    ("finalizers", Texts),
]);

static OBJECT: Shape = Fields(&[("metadata", To(&METADATA))]);

static CONTAINER: Shape = Fields(&[
    ("name", Text),
    ("image", Text),
    ("command", Texts),
    ("args", Texts),
    ("workingDir", Text),
    ("imagePullPolicy", Text),
    ("env", Each(&Fields(&[("name", Text), ("value", Text)]))),
    ("ports", Each(&Fields(&[("name", Text), ("containerPort", Whole), ("hostPort", Whole), ("protocol", Text)]))),
    ("volumeMounts", Each(&Fields(&[("name", Text), ("mountPath", Text), ("subPath", Text), ("readOnly", Flag)]))),
    ("stdin", Flag),
    ("tty", Flag),
]);

static POD: Shape = Fields(&[
    ("containers", Each(&CONTAINER)),
    ("initContainers", Each(&CONTAINER)),
    ("restartPolicy", Text),
    ("serviceAccountName", Text),
    ("nodeSelector", TextMap),
    ("hostNetwork", Flag),
    ("terminationGracePeriodSeconds", Whole),
]);

static TEMPLATE: Shape = Fields(&[("metadata", To(&METADATA)), ("spec", To(&POD))]);
static SELECTOR: Shape = Fields(&[("matchLabels", TextMap)]);

static WORKLOAD: Shape = Fields(&[
    ("metadata", To(&METADATA)),
    (
        "spec",
        Fields(&[
            ("replicas", Whole),
            ("selector", To(&SELECTOR)),
            ("template", To(&TEMPLATE)),
            ("serviceName", Text),
            ("backoffLimit", Whole),
            ("completions", Whole),
            ("parallelism", Whole),
            ("revisionHistoryLimit", Whole),
        ]),
    ),
]);

static CRON_JOB: Shape = Fields(&[
    ("metadata", To(&METADATA)),
    (
        "spec",
        Fields(&[
            ("schedule", Text),
            ("suspend", Flag),
            ("jobTemplate", Fields(&[("spec", Fields(&[("backoffLimit", Whole), ("template", To(&TEMPLATE))]))])),
        ]),
    ),
]);

static BARE_POD: Shape = Fields(&[("metadata", To(&METADATA)), ("spec", To(&POD))]);

static SERVICE: Shape = Fields(&[
    ("metadata", To(&METADATA)),
    (
        "spec",
        Fields(&[
            ("selector", TextMap),
            ("type", Text),
            ("clusterIP", Text),
            ("externalName", Text),
            ("ports", Each(&Fields(&[("name", Text), ("port", Whole), ("nodePort", Whole), ("protocol", Text)]))),
        ]),
    ),
]);

static CONFIG_MAP: Shape = Fields(&[("metadata", To(&METADATA)), ("data", TextMap), ("immutable", Flag)]);
static SECRET: Shape =
    Fields(&[("metadata", To(&METADATA)), ("type", Text), ("data", TextMap), ("stringData", TextMap)]);

fn of_kind(group: &str, kind: &str) -> &'static Shape {
    match (group, kind) {
        ("", "Pod") => &BARE_POD,
        ("", "Service") => &SERVICE,
        ("", "ConfigMap") => &CONFIG_MAP,
        ("", "Secret") => &SECRET,
        ("apps" | "extensions", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") => {
            &WORKLOAD
        }
        ("batch", "CronJob") => &CRON_JOB,
        _ => &OBJECT,
    }
}

/// The first value in an object that is of another type than its kind wants.
pub(super) fn check(group: &str, kind: &str, object: &Tree) -> Result<(), Wrong> {
    let mut path = Vec::new();
    of_kind(group, kind).check(object, &mut path)
}

impl Shape {
    fn check(&self, value: &Tree, path: &mut Vec<Step>) -> Result<(), Wrong> {
        match (self, value) {
            (_, Tree::Null) | (Text, Tree::Text(_)) | (Whole, Tree::Int(_)) | (Flag, Tree::Bool(_)) => Ok(()),
            (To(shape), value) => shape.check(value, path),
            (Texts, Tree::List(items)) => {
                items.iter().enumerate().try_for_each(|(place, item)| Text.below(Step::Item(place), item, path))
            }
            (Each(shape), Tree::List(items)) => {
                items.iter().enumerate().try_for_each(|(place, item)| shape.below(Step::Item(place), item, path))
            }
            (TextMap, Tree::Map(entries)) => {
                entries.iter().try_for_each(|(key, value)| Text.below(Step::Key(key.clone()), value, path))
            }
            (Fields(fields), Tree::Map(entries)) => entries.iter().try_for_each(|(key, value)| {
                let field = fields.iter().find(|(name, _)| name == key);
                field.map_or(Ok(()), |(_, shape)| shape.below(Step::Key(key.clone()), value, path))
            }),
            (shape, value) => Err(shape.wrong(value, path)),
        }
    }

    fn below(&self, step: Step, value: &Tree, path: &mut Vec<Step>) -> Result<(), Wrong> {
        path.push(step);
        self.check(value, path)?;
        path.pop();
        Ok(())
    }

    fn wrong(&self, value: &Tree, path: &[Step]) -> Wrong {
        let is_scalar = matches!(value, Tree::Bool(_) | Tree::Int(_) | Tree::Float(_));
        Wrong {
            path: path.to_vec(),
            takes: self.name(),
            given: name_of(value),
            quotes_help: matches!(self, Text) && is_scalar,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Text => "a string",
            Whole => "a whole number",
            Flag => "true or false",
            Texts | Each(_) => "a list",
            TextMap | Fields(_) => "a mapping",
            To(shape) => shape.name(),
        }
    }
}

fn name_of(value: &Tree) -> &'static str {
    match value {
        Tree::Null => "null",
        Tree::Bool(_) => "a boolean",
        Tree::Int(_) | Tree::Float(_) => "a number",
        Tree::Text(_) => "a string",
        Tree::List(_) => "a list",
        Tree::Map(_) => "a mapping",
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::yaml::parse_stream;
    use super::*;

    fn wrong(group: &str, kind: &str, text: &str) -> Option<String> {
        let wrong = check(group, kind, &parse_stream(text).unwrap()[0]).err()?;
        let steps = wrong.path.iter().map(|step| match step {
            Step::Key(key) => key.clone(),
            Step::Item(place) => place.to_string(),
        });
        Some(format!("{}: {}, not {}", steps.collect::<Vec<_>>().join("."), wrong.takes, wrong.given))
    }

    #[test]
    fn a_value_of_another_type_is_found_wherever_it_stands() {
        for (group, kind, text, expected) in [
            ("", "Pod", "metadata: {labels: {debug: on}}", "metadata.labels.debug: a string, not a boolean"),
            (
                "x.io",
                "Any",
                "metadata: {annotations: {count: 1}}",
                "metadata.annotations.count: a string, not a number",
            ),
            ("apps", "Deployment", "spec: {replicas: '3'}", "spec.replicas: a whole number, not a string"),
            (
                "apps",
                "Deployment",
                "spec: {template: {spec: {containers: [{env: [{name: A, value: 8080}]}]}}}",
                "spec.template.spec.containers.0.env.0.value: a string, not a number",
            ),
            ("", "Pod", "spec: {containers: {name: c}}", "spec.containers: a list, not a mapping"),
            ("", "Service", "spec: {ports: [{port: http}]}", "spec.ports.0.port: a whole number, not a string"),
            ("", "ConfigMap", "data: {a: {b: c}}", "data.a: a string, not a mapping"),
            (
                "batch",
                "CronJob",
                "spec: {jobTemplate: {spec: {template: {spec: {containers: [{args: [1]}]}}}}}",
                "spec.jobTemplate.spec.template.spec.containers.0.args.0: a string, not a number",
            ),
        ] {
            assert_eq!(wrong(group, kind, text).as_deref(), Some(expected));
        }
        assert_eq!(wrong("", "Pod", "metadata: {labels: {debug: 'on'}, name: }\nspec: {anything: 1}"), None);
    }
}
