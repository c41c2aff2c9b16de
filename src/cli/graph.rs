//! `orch graph`.

use super::{
    args::{GraphArgs, GraphOutput, OrchfileArgs, Output},
    error::CliError,
    eval,
    exit::Exit,
    live, print, terminal,
};
use crate::{
    diag::suggest,
    host::{ask, evaluate::wire::Answer},
    model::{FilePath, ResourceName},
    report::graph::{self, View},
    snapshot::{Graph, Rows},
};

pub(super) fn graph(args: &GraphArgs) -> Result<Exit, CliError> {
    let names = live::names(args.names.iter().map(String::as_str))?;
    let Some((graph, rows, root)) = found(args)? else { return Ok(Exit::Usage) };
    check(&graph, &names)?;
    let view = View::new(&graph, &rows, &root, &names);
    match args.output {
        GraphOutput::Table => print::to_stdout(&graph::text(&view, terminal::stdout())),
        GraphOutput::Dot => print::to_stdout(&graph::dot(&view)),
        GraphOutput::Mermaid => print::to_stdout(&graph::mermaid(&view)),
        GraphOutput::Json => print::document(Output::Json, &graph::document(&view)),
        GraphOutput::Yaml => print::document(Output::Yaml, &graph::document(&view)),
    }
    Ok(Exit::Ok)
}

/// What the session knows, else what the file says. `None` where that has errors, which were shown.
fn found(args: &GraphArgs) -> Result<Option<(Graph, Rows, FilePath)>, CliError> {
    let project = args.file.project()?;
    if let Some(card) = project.session() {
        let snapshot = live::block_on(async { Ok(ask::snapshot(&card).await?) })?;
        if let Some(root) = snapshot.root {
            return Ok(Some((Graph::clone(&snapshot.graph), snapshot.rows, root)));
        }
    }
    let arguments = live::last_args(&project.root);
    let orchfile = OrchfileArgs { file: args.file.clone(), args: arguments, ..OrchfileArgs::default() };
    let ended = eval::evaluated(orchfile, Answer::Project)?;
    Ok(ended.project.map(|project| (Graph::of(&project), Rows::default(), project.root)))
}

fn check(graph: &Graph, names: &[ResourceName]) -> Result<(), CliError> {
    let Some(unknown) = names.iter().find(|name| graph.resource(name).is_none()) else { return Ok(()) };
    let error = CliError::usage(format!("there is no resource `{unknown}`"));
    let known: Vec<&str> = graph.nodes.iter().filter_map(|node| node.resource()).map(ResourceName::as_str).collect();
    Err(match suggest::did_you_mean(unknown.as_str(), known.iter().copied()) {
        Some(help) => error.with_help(help),
        None => error,
    })
}
