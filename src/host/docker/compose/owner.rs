//! Whose a compose project is: its name is not orch's to choose, so two checkouts may want the same.

use super::seen::{self, Seen};
use crate::{
    host::{
        claim::running_session,
        docker::{
            Connection,
            marks::{self, Marks},
        },
    },
    model::{ComposeProject, Failure, FilePath},
};
use std::path::Path;

/// Who made a container.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Owner {
    /// This project.
    Ours,
    /// Another project of orch's, in that folder where it is known.
    Orch(Option<FilePath>),
    /// The compose tool, called by hand in that folder.
    Hand(Option<FilePath>),
}

fn owner_of(container: &Seen, marks: &Marks) -> Owner {
    match container.owner() {
        Some(id) if id == marks.project.as_str() => Owner::Ours,
        Some(_) => Owner::Orch(container.root().map(FilePath::new)),
        None => Owner::Hand(container.folder().map(FilePath::new)),
    }
}

/// Whether another checkout uses the project now.
///
/// # Errors
/// Who does, and what to do.
pub(super) fn check(project: &ComposeProject, all: &[Seen], marks: &Marks) -> Result<(), Failure> {
    for container in all {
        match owner_of(container, marks) {
            Owner::Ours => {}
            Owner::Orch(Some(root)) => {
                if let Some(session) = running_session(&root) {
                    let who = format!("the orch in `{root}` (pid {})", session.pid);
                    return Err(refusal(project, &who, &format!("end it there (`orch down -f {}`)", session.file)));
                }
            }
            Owner::Hand(Some(folder)) if folder != project.dir && container.is_alive() => {
                if Path::new(folder.as_path()).is_dir() {
                    let who = format!("another checkout, `{folder}`");
                    let help = format!("stop it there (`docker compose -p {} down`)", project.name);
                    return Err(refusal(project, &who, &help));
                }
            }
            Owner::Orch(None) | Owner::Hand(_) => {}
        }
    }
    Ok(())
}

/// To whom a compose project belongs whose containers are none of ours; `None` where it has none.
///
/// # Errors
/// Why the engine does not say it.
pub(in crate::host::docker) async fn whose(connection: &Connection, project: &str) -> Result<Option<String>, Failure> {
    let all = seen::labels(connection, project).await?;
    let marked = all.iter().find(|labels| labels.contains_key(marks::PROJECT));
    let Some(labels) = marked.or(all.first()) else { return Ok(None) };
    let folder = labels.get(seen::FOLDER).map(|folder| format!(" in `{folder}`")).unwrap_or_default();
    Ok(Some(match (labels.get(marks::PROJECT), labels.get(marks::ROOT)) {
        (Some(_), Some(root)) => format!("the orch project in `{root}`"),
        (Some(id), None) => format!("the orch project `{id}`"),
        (None, _) => format!("`docker compose`{folder}"),
    }))
}

fn refusal(project: &ComposeProject, who: &str, help: &str) -> Failure {
    Failure {
        message: format!("the compose project `{}` belongs to {who}: its containers run now", project.name),
        help: Some(format!("{help}, or give this one another name with `docker_compose(…, project_name=…)`")),
    }
}

/// What to say when these containers of a service become this project's, if they were another's.
pub(super) fn takeover(own: &[&Seen], project: &ComposeProject, marks: &Marks) -> Option<String> {
    let (container, owner) =
        own.iter().map(|seen| (*seen, owner_of(seen, marks))).find(|(_, it)| *it != Owner::Ours)?;
    let from = match owner {
        Owner::Orch(Some(root)) => format!("the orch project in `{root}`, which has no session now"),
        Owner::Orch(None) => format!("the orch project `{}`", container.owner().unwrap_or_default()),
        Owner::Hand(Some(folder)) if folder != project.dir => format!("the compose project in `{folder}`"),
        _ => "`docker compose`".to_owned(),
    };
    Some(format!("the container `{}` was made by {from}: it is taken over", container.name))
}
