//! `orch down`.

use super::{
    args::Down,
    by_label::{Marked, Objects},
    discover, ending,
    error::CliError,
    exit::Exit,
    live::{self, Project},
    print,
    printer::LogTo,
    run::{self, Plan},
    terminal,
};
use crate::{
    engine::Request,
    host::{ask, claim::SessionCard, control::LogsQuery},
    logs::Line,
    model::{ProjectId, ResourceName},
    orchfile::KubeWish,
    report::{stream::StreamForm, summary},
    snapshot::{Goal, RowKind, Verdict},
};
use std::collections::BTreeSet;

pub(super) fn down(args: Down) -> Result<Exit, CliError> {
    let project = Project::find(args.orchfile.file.file.as_deref())?;
    match project.session() {
        Some(card) => through_session(&project, &card, &args),
        None => without_session(&project, &args),
    }
}

/// Asks the session to end, and shows what it says until it has.
fn through_session(project: &Project, card: &SessionCard, args: &Down) -> Result<Exit, CliError> {
    let names = names_of(args)?;
    if !names.is_empty() {
        let names = names.into_iter().collect();
        live::block_on(async { Ok(ask::request(card, &Request::TakeDown(names)).await?) })?;
        return Ok(Exit::Ok);
    }
    let (has_project, is_left) = live::block_on(async {
        let mut signals = ending::listen()?;
        let snapshot = ask::snapshot(card).await?;
        if snapshot.shutting_down {
            // Whoever asks twice does not want to wait.
            ending::hurry(card).await;
        } else {
            let (volumes, namespaces) = (args.volumes, args.delete_namespaces);
            ask::request(card, &Request::ShutDown { teardown: true, volumes, namespaces }).await?;
        }
        let mut interrupts = 0;
        let last_words = last_words(card);
        tokio::pin!(last_words);
        loop {
            tokio::select! {
                () = &mut last_words => break,
                _ = signals.next() => interrupts += 1,
            }
            if interrupts > 1 {
                return Ok((true, true));
            }
            ending::hurry(card).await;
        }
        ending::until_ended(card, &mut signals).await;
        Ok((snapshot.mode.is_some(), false))
    })?;
    if is_left {
        print::to_stderr("orch: the session is still ending; `orch ls` shows it\n");
        return Ok(Exit::Interrupted);
    }
    if !has_project {
        // It never knew what there is.
        by_label(project, args, &names, false)?;
    }
    Ok(Exit::Ok)
}

/// Prints what the session says until it has ended.
async fn last_words(card: &SessionCard) {
    let form = StreamForm::new(terminal::stderr());
    let query = LogsQuery { follow: true, tail: Some(0), ..LogsQuery::default() };
    let said = ask::logs(card, &query, |entry| {
        let mut text = Vec::new();
        form.draw(&Line::from(entry), &mut text);
        print::bytes_to_stderr(&text);
        true
    });
    // It may break off while it says its last words: that it ended is what counts.
    said.await.ok();
}

/// Evaluates the file again, as the last session did, for its teardown commands.
fn without_session(project: &Project, args: &Down) -> Result<Exit, CliError> {
    let names = names_of(args)?;
    let left = live::left_containers(&project.root);
    let left_objects = live::last_cluster(&project.root).is_some();
    let orchfile = &args.orchfile;
    if let Err(error) = discover::orchfile(orchfile.file.file.as_deref()) {
        if !left && !left_objects {
            return Err(error);
        }
        print::to_stderr(&format!("orch: there is no Orchfile any more: {}\n", by_labels(left, left_objects)));
        return by_label(project, args, &names, left).map(|()| Exit::Ok);
    }
    let given = if orchfile.args.is_empty() { live::last_args(&project.root) } else { orchfile.args.clone() };
    let plan = Plan {
        goal: Goal::Down,
        file: orchfile.file.file.clone(),
        project: Some(project_id(project, args)),
        args: given,
        kube: orchfile.kube.clone().into(),
        timeout: None,
        keep_going: false,
        only: (!names.is_empty()).then(|| names.clone()),
        volumes: args.volumes,
        namespaces: args.delete_namespaces,
        attended: false,
        log_to: LogTo::Stderr,
        look: terminal::stderr(),
    };
    let ended = run::run(&plan)?;
    if ended.verdict != Verdict::Succeeded {
        print::to_stderr(&summary::verdict(&ended.snapshot, &ended.verdict, terminal::stderr()));
    }
    match ended.verdict {
        Verdict::OrchfileFailed => {
            if left || left_objects {
                let text = by_labels(left, left_objects);
                print::to_stderr(&format!("orch: {text}, teardown commands are not run\n"));
            }
            by_label(project, args, &names, left)?;
        }
        // Nothing was done for a name that is not there, and for the others all.
        _ => drop(live::known_names(&ended.snapshot, &orchfile.names)?),
    }
    let knows = |kind: RowKind| ended.snapshot.rows.iter().any(|row| row.kind == kind);
    let is_forgotten = left && !knows(RowKind::Container) || left_objects && !knows(RowKind::Kubernetes);
    if is_forgotten && ended.verdict == Verdict::Succeeded && names.is_empty() {
        // Since then all of that kind have left the Orchfile.
        by_label(project, args, &names, left)?;
    }
    Ok(ended.exit)
}

fn names_of(args: &Down) -> Result<BTreeSet<ResourceName>, CliError> {
    let names = args.orchfile.names.iter().map(|name| ResourceName::parse(name));
    names.collect::<Result<_, _>>().map_err(|error| CliError::usage(error.to_string()))
}

fn project_id(project: &Project, args: &Down) -> ProjectId {
    let given = args.orchfile.project.clone().or_else(|| live::last_project(&project.root));
    given.unwrap_or_else(|| ProjectId::of_folder(&project.root))
}

fn by_label(project: &Project, args: &Down, names: &BTreeSet<ResourceName>, expected: bool) -> Result<(), CliError> {
    let id = project_id(project, args);
    let cluster = live::last_cluster(&project.root);
    let wish: KubeWish = args.orchfile.kube.clone().into();
    let objects = cluster.as_ref().map(|cluster| Objects {
        cluster,
        wished: wish.context.as_deref(),
        root: &project.root,
        namespaces: args.delete_namespaces,
    });
    Marked { project: &id, names, volumes: args.volumes, expected, objects }.remove()
}

/// What goes by its labels alone.
fn by_labels(containers: bool, objects: bool) -> String {
    let what = match (containers, objects) {
        (true, true) => "containers and Kubernetes objects are removed by their labels",
        (_, false) => "containers are removed by their labels",
        (false, true) => "Kubernetes objects are removed by their labels",
    };
    what.to_owned()
}
